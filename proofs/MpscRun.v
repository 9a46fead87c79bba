(* Many producers' steps as a function, for witnesses: an action says what the step relation leaves open. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc.

Inductive act :=
| Room (k : nat) | Aim (n k : nat) | Look (k : nat) | Announce | Exchange | Fails (k : nat) | Stamp (x : list nat)
| Write | Commit | Abort | Settles | SettlesNew (k : nat).
Inductive cact :=
| Comes (k : nat) | ComesMark (k : nat) | Poll (k : nat) | Word | Deliver | Release | ZeroBegins | ZeroNext | Frees
| Examine (k : nat) | Quiet (k : nat) | Asks (k : nat) | All | AgainHeader (k : nat) | ScanNext (k : nat) | Scanned.
Inductive action := By (i : nat) (a : act) | Dies (i : nat) | Arrives (i : nat) | Consumer (a : cact) | ConsumerDies.

Section Run.
Variables N most producers : nat.
Variable O : orders.
Notation tids := (Mpsc.tids producers).
Notation read := (Machine.read loc_dec tid_dec tids).
Notation write := (Machine.write loc_dec tid_dec tids).
Notation rmw := (Machine.rmw loc_dec tid_dec tids).
Notation learn := (Machine.learn tid_dec).
Notation word := (word N). Notation cell := (cell N).
Definition can (m : mem) t l k := (ts (tv m t) l <=? k) && (k <? len m l).

Definition pexec (i : nat) (a : act) (m : mem) (p : producer) (l : list claim) : option (mem * producer * list claim) :=
  match a, p with
  | Room k, Free f => if can m (Pr i) RP k then
      Some (read atomic (free_load O) (Pr i) RP k m, Free (val (hist m RP k)), l) else None
  | Aim n k, Free f => if (0 <? n) && (n <=? S most) && can m (Pr i) WP k then
      Some (read atomic false (Pr i) WP k m, Try f (val (hist m WP k)) n, l) else None
  | Look k, Try f t n => if can m (Pr i) RP k then
      Some (read atomic (free_load O) (Pr i) RP k m, Try (val (hist m RP k)) t n, l) else None
  | Announce, Try f t n => if (f <=? t) && (t + n <=? f + N) then
      Some (write atomic (idle_store O) (Pr i) (Ann i) (S t) m, Said f t n, l) else None
  | Exchange, Said f t n => if last m WP =? t then
      Some (rmw false (claim_store O) (Pr i) WP (t + n) m, Won f t n, l ++ [Claim n i Live]) else None
  | Fails k, Said f t n => if can m (Pr i) WP k && negb (val (hist m WP k) =? t) then
      Some (read atomic false (Pr i) WP k m, Try f (val (hist m WP k)) n, l) else None
  | Stamp x, Won f t n => if size x =? n then
      Some (write atomic false (Pr i) (word t) (busy n) m, Fill f t n x 0, l) else None
  | Write, Fill f t n x j => if j <? length x then
      Some (write plain false (Pr i) (cell t j) (nth j x 0) m, Fill f t n x (S j), l) else None
  | Commit, Fill f t n x j => if j =? length x then
      Some (write atomic (publish_store O) (Pr i) (word t) (committed n) m, Settle f, ends_so l i (Came (S (clock m i)) x)) else None
  | Abort, Fill f t n x j =>
      Some (write atomic (publish_store O) (Pr i) (word t) (aborted n) m, Settle f, ends_so l i (Left (S (clock m i))))
  | Settles, Settle f => Some (write atomic (idle_store O) (Pr i) (Ann i) 0 m, Free f, l)
  | SettlesNew k, Come => if can m (Pr i) RP k then
      Some (write atomic (idle_store O) (Pr i) (Ann i) 0 (read atomic (free_load O) (Pr i) RP k m), Free (val (hist m RP k)), l) else None
  | _, _ => None
  end.

Definition cexec (al : nat -> bool) (a : cact) (m : mem) (c : consumer) (d : list (list nat)) : option (mem * consumer * list (list nat)) :=
  match a, c with
  | Comes k, Nobody => if can m Co RP k then Some (read atomic false Co RP k m, Attach (val (hist m RP k)), d) else None
  | ComesMark k, Attach f => if can m Co RM k then
      Some (read atomic false Co RM k m, (let c := val (hist m RM k) in if f <? c then Zero c c f f nil else Idle c c f nil), d) else None
  | Poll k, Idle c r f h => if (c - f <? N) && can m Co (word c) k then let v := val (hist m (word c) k) in
      Some (read atomic (publish_load O) Co (word c) k m,
        (if state_of v =? 2 then Take c r f h (words_of v - 1) nil
         else if state_of v =? 3 then Idle (c + words_of v) r f h else Idle c r f h), d) else None
  | Word, Take c r f h n got => let l := cell c (length got) in let k := len m l - 1 in if length got <? n then
      Some (read plain false Co l k m, Take c r f h n (got ++ val (hist m l k) :: nil), d) else None
  | Deliver, Take c r f h n got => if length got =? n then Some (m, Idle (c + size got) r f (h ++ got :: nil), d) else None
  | Release, Idle c r f h => Some (write atomic false Co RM c m, Idle c c f nil, d ++ h)
  | ZeroBegins, Idle c r f h => Some (m, Zero c r f f h, d)
  | ZeroNext, Zero c r f q h => if q <? r then Some (write plain false Co (word q) 0 m, Zero c r f (S q) h, d) else None
  | Frees, Zero c r f q h => if q =? r then Some (write atomic (free_store O) Co RP r m, Idle c r r h, d) else None
  | Examine k, Idle c r f h => if (c - f <? N) && can m Co WP k && (c <? val (hist m WP k)) then
      Some (read atomic (claim_load O) Co WP k m, Ask c r f h (val (hist m WP k)) 0, d) else None
  | Quiet k, Ask c r f h T i => let a := val (hist m (Ann i) k) in
      if (i <? producers) && can m Co (Ann i) k && ((a =? 0) || (T <? a)) then
      Some (read atomic (idle_load O) Co (Ann i) k m, Ask c r f h T (S i), d) else None
  | Asks k, Ask c r f h T i => let a := val (hist m (Ann i) k) in
      if (i <? producers) && can m Co (Ann i) k && (0 <? a) && (a <=? T) then
      Some (let m := read atomic (idle_load O) Co (Ann i) k m in if al i then m else learn Co (Pr i) m,
        (if al i then Idle c r f h else Ask c r f h T (S i)), d) else None
  | All, Ask c r f h T i => if i =? producers then Some (m, Again c r f h T, d) else None
  | AgainHeader k, Again c r f h T => if can m Co (word c) k then let v := val (hist m (word c) k) in
      Some (read atomic false Co (word c) k m,
        (if v =? 0 then Scan c r f h T (S c) else if state_of v =? 1 then Idle (c + words_of v) r f h else Idle c r f h), d) else None
  | ScanNext k, Scan c r f h T q => if (q <? T) && can m Co (word q) k then let v := val (hist m (word q) k) in
      Some (read atomic false Co (word q) k m, (if v =? 0 then Scan c r f h T (S q) else Idle q r f h), d) else None
  | Scanned, Scan c r f h T q => if q =? T then Some (m, Idle T r f h, d) else None
  | _, _ => None
  end.

Definition exec (a : action) (s : st) : option st := let (m, p, al, c, l, d) := s in
  match a with
  | By i a => if (i <? producers) && al i then match pexec i a m (p i) l with
      | Some (m', p', l') => Some (St m' (upd p i p') al c l' d) | None => None end else None
  | Dies i => if i <? producers then Some (St m (upd p i Away) (upd al i false) c (ends_so l i (Gone (clock m i))) d) else None
  | Arrives i => if (i <? producers) && negb (al i) then Some (St m (upd p i Come) (upd al i true) c l d) else None
  | Consumer a => match cexec al a m c d with Some (m', c', d') => Some (St m' p al c' l d') | None => None end
  | ConsumerDies => Some (St m p al Nobody l d)
  end.

Lemma can_ok m t l k : can m t l k = true -> can_read m t l k.
Proof. unfold can, can_read. intros E. apply andb_true_iff in E. rewrite Nat.leb_le, Nat.ltb_lt in E. auto. Qed.
Ltac taken E := repeat match type of E with
  | (if ?b then _ else _) = Some _ => let X := fresh in destruct b eqn:X; try discriminate E
  end; cbv zeta in E; injection E as <- <- <-;
  repeat match goal with
  | H : can _ _ _ _ = true |- _ => apply can_ok in H
  | H : _ && _ = true |- _ => apply andb_true_iff in H; destruct H
  | H : (_ <=? _) = true |- _ => apply Nat.leb_le in H
  | H : (_ <? _) = true |- _ => apply Nat.ltb_lt in H
  | H : (_ =? _) = true |- _ => apply Nat.eqb_eq in H
  | H : negb (_ =? _) = true |- _ => apply negb_true_iff, Nat.eqb_neq in H
  | H : _ || _ = true |- _ => apply orb_true_iff in H; rewrite Nat.eqb_eq, Nat.ltb_lt in H
  end; subst.
Lemma pexec_ok i a m p l m' p' l' : pexec i a m p l = Some (m', p', l') -> pstep N most producers O i m p l m' p' l'.
Proof.
  intros E. destruct a; cbn [pexec] in E; destruct p; try discriminate E; taken E; try (econstructor; eauto; fail).
Qed.
Lemma cexec_ok al a m c d m' c' d' : cexec al a m c d = Some (m', c', d') -> cstep N producers O al m c d m' c' d'.
Proof.
  intros E. destruct a; cbn [cexec] in E; destruct c; try discriminate E; taken E; try (econstructor; eauto; fail).
Qed.
Lemma exec_ok a s s' : exec a s = Some s' -> step N most producers O s s'.
Proof.
  destruct s as [m p al c l d]. destruct a; cbn [exec]; intros E.
  - destruct ((i <? producers) && al i) eqn:X; [|discriminate]. apply andb_true_iff in X. rewrite Nat.ltb_lt in X.
    destruct (pexec i a m (p i) l) as [[[m' p'] l']|] eqn:Y; [|discriminate]. injection E as <-. destruct X.
    apply s_producer; auto. eapply pexec_ok; eauto.
  - destruct (i <? producers) eqn:X; [|discriminate]. apply Nat.ltb_lt in X. injection E as <-. apply s_dies. auto.
  - destruct ((i <? producers) && negb (al i)) eqn:X; [|discriminate]. apply andb_true_iff in X. rewrite Nat.ltb_lt in X.
    injection E as <-. destruct X as [X Y]. apply s_comes; auto. apply negb_true_iff. auto.
  - destruct (cexec al a m c d) as [[[m' c'] d']|] eqn:Y; [|discriminate]. injection E as <-. apply s_consumer. eapply cexec_ok; eauto.
  - injection E as <-. apply s_consumer_dies.
Qed.
Fixpoint run (l : list action) s := match l with
  | nil => Some s
  | a :: l => match exec a s with Some s' => run l s' | None => None end end.
Lemma run_ok l : forall s s', reach N most producers O s -> run l s = Some s' -> reach N most producers O s'.
Proof.
  induction l as [|a l IH]; simpl; intros s s' R E; [congruence|].
  destruct (exec a s) eqn:X; [|discriminate]. eapply IH; [|exact E]. eapply rS; eauto. apply exec_ok with a. exact X.
Qed.
End Run.
