(* Many producers' steps as a function, for witnesses and for replaying traces. An action says what the
   step relation leaves open; `plan` says which access it makes, and where all stand then, given the
   clock of the producer that acts, before the access, and what was read. As Run.v has it. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Access Mpsc.

Inductive act :=
| New (k : nat) | Room (k : nat) | Glance (k : nat) | Aim (n k : nat) | AimAgain (k : nat) | Look (k : nat) | GiveUp
| Announce | Exchanges | Fails (k : nat) | Stamp (x : list nat) | Write | Whole | Follow | Next (x : list nat)
| Leave (k r : nat) | Commit | Abort | Settles.
Inductive cact :=
| Comes (k : nat) | ComesMark (k : nat) | Redoes | Poll (k : nat) | Word | Deliver
| Release | ZeroNext | Hands | Frees | Rests | ReleaseBlank
| Mend (k : nat) | MendFreed (k : nat) | Examine (k : nat) | Asks (k : nat) | Alive | Dead | All | AgainHeader (k : nat) | ScanNext (k : nat) | Scanned.
Inductive action := By (i : nat) (a : act) | Dies (i : nat) | Arrives (i : nat) | Consumer (a : cact) | ConsumerDies
| Enters (i : nat) | Closes (i : nat) | Calls | Hears (k : nat) | Called | Ends (k : nat) | EndsFull | Rereads (z j : nat).

Notation access := (Access.access loc tid).

(* All of a state but the memory. *)
Record ctl := Ctl {
  cpp : nat -> producer; calive : nat -> bool; ccc : consumer; ccl : list claim; cdone : list (list nat);
  csaid : nat -> list nat; croll : call }.
Definition ctl_of (s : st) := Ctl (pp s) (alive s) (cc s) (claims s) (done s) (said s) (roll s).
Definition with_mem (m : mem) (q : ctl) := St m (cpp q) (calive q) (ccc q) (ccl q) (cdone q) (csaid q) (croll q).

Section Run.
Variables N most producers : nat.
Variable O : orders.
Notation tids := (Mpsc.tids producers).
Notation perform := (Access.perform loc_dec tid_dec tids).
Notation word := (word N). Notation cell := (cell N).

(* What a producer does: given its clock and what was read, it and the claims then. *)
Definition pplan_t := option (access * (nat -> nat -> option (producer * list claim))).
Definition pplan (i : nat) (a : act) (p : producer) (l : list claim) : pplan_t :=
  let gets x f : pplan_t := Some (x, fun _ v => Some (f v, l)) in
  let does x p : pplan_t := Some (x, fun _ _ => Some (p, l)) in
  match a, p with
  | New k, Here => gets (Fetch atomic (free_load O) (Pr i) FR k) Settle
  | Room k, Free f => gets (Fetch atomic (free_load O) (Pr i) FR k) Free
  | Glance k, Free f => does (Fetch atomic false (Pr i) WP k) (Free f)
  | Aim n k, Free f => if 0 <? n
      then gets (Fetch atomic false (Pr i) WP k) (fun t => Try f t n) else None
  | AimAgain k, Try f t n => gets (Fetch atomic false (Pr i) WP k) (fun t => Try f t n)
  | Look k, Try f t n => gets (Fetch atomic (free_load O) (Pr i) FR k) (fun f => Try f t n)
  | GiveUp, Try f t n => does Nothing (Settle f)
  | Announce, Try f t n => if (f <=? t) && (t + n <=? f + N)
      then does (Store atomic (idle_store O) (Pr i) (Ann i) (S t)) (Said f t n) else None
  | Exchanges, Said f t n => Some (Swap false (claim_store O) (Pr i) WP t (t + n),
      fun _ _ => Some (Won f t n, l ++ [Claim n i Live]))
  | Fails k, Said f t n => Some (Fetch atomic false (Pr i) WP k,
      fun _ v => if v =? t then None else Some (Try f v n, l))
  | Stamp x, Won f t n => if (size x <=? n) && (length x <=? most)
      then does (Store atomic false (Pr i) (word t) (busy n)) (Fill f t n 0 nil x 0) else None
  | Write, Fill f t n r b x j => if j <? length x
      then does (Store plain false (Pr i) (cell (t + total b) j) (nth j x 0)) (Fill f t n r b x (S j)) else None
  | Whole, Fill f t n r nil x j => if j =? length x then does Nothing (Ready f t n r [x]) else None
  | Follow, Fill f t n r (y :: b) x j => if j =? length x
      then does (Store atomic false (Pr i) (word (t + total (y :: b))) (committed (size x)))
        (Ready f t n r ((y :: b) ++ [x])) else None
  | Next x, Ready f t n r b => if (total b + size x + r <=? n) && (length x <=? most)
      then does Nothing (Fill f t n r b x 0) else None
  | Leave k r, Fill f t n 0 b x j => if (0 <? r) && (total b + S k + r =? n) && (k <=? length x)
      then does (Store atomic false (Pr i) (word (t + (n - r))) (aborted r)) (Fill f t n r b (firstn k x) (min j k)) else None
  | Commit, Ready f t n r (x :: b) => if total (x :: b) + r =? n
      then Some (Store atomic (publish_store O) (Pr i) (word t) (committed (size x)),
        fun c _ => Some (Settle f, becomes l i (fun _ => pieces i (S c) (x :: b) r))) else None
  | Abort, Fill f t n r b x j => Some (Store atomic (publish_store O) (Pr i) (word t) (aborted n),
      fun c _ => Some (Settle f, ends_so l i (Left (S c))))
  | Settles, Settle f => does (Store atomic (idle_store O) (Pr i) (Ann i) 0) (Free f)
  | _, _ => None
  end.

(* What the consumer does; `al` is what the kernel knows. *)
Definition cplan_t := option (access * (nat -> option (consumer * list (list nat)))).
Definition cplan (al : nat -> bool) (a : cact) (c : consumer) (d : list (list nat)) : cplan_t :=
  let gets x f : cplan_t := Some (x, fun v => Some (f v, d)) in
  let does x c : cplan_t := Some (x, fun _ => Some (c, d)) in
  match a, c with
  | Comes k, Nobody => gets (Fetch atomic false Co RP k) Attach
  | ComesMark k, Attach e => gets (Fetch atomic false Co RM k) (fun c => Redo c e)
  | Redoes, Redo c e => does (Store atomic false Co RM c) (Zero c c e nil)
  | Poll k, Idle c r f h => if c - f <? N then gets (Fetch atomic (publish_load O) Co (word c) k)
      (fun v => if state_of v =? 2 then Take c r f h (words_of v - 1) nil
        else if state_of v =? 3 then Idle (c + words_of v) r f h else Idle c r f h) else None
  | Word, Take c r f h n got => if length got <? n
      then gets (Peek Co (cell c (length got))) (fun v => Take c r f h n (got ++ v :: nil)) else None
  | Deliver, Take c r f h n got => if length got =? n
      then does Nothing (Idle (c + size got) r f (h ++ got :: nil)) else None
  | Release, Idle c r f h => Some (Store atomic false Co RM c, fun _ => Some (Zero c c f nil, d ++ h))
  | ZeroNext, Zero c r q h => if q <? r then does (Store plain false Co (word q) 0) (Zero c r (S q) h) else None
  | Hands, Zero c r q h => if q =? r then does (Store atomic false Co RP r) (Hand c r h) else None
  | Frees, Hand c r h => does (Store atomic (free_store O) Co FR r) (Rest c r h)
  | Rests, Rest c r h => does (Store atomic false Co RM r) (Idle c r r h)
  | ReleaseBlank, Blank c r f h => Some (Store atomic false Co RM c, fun _ => Some (Zero c c c nil, d ++ h))
  | Mend k, Idle c r f h => does (Fetch atomic false Co RP k) (Idle c r f h)
  | MendFreed k, Idle c r f h => does (Fetch atomic false Co FR k) (Idle c r f h)
  | Examine k, Idle c r f h => Some (Fetch atomic (claim_load O) Co WP k,
      fun T => if c <=? T then Some (if c =? T then Idle c r f h else Ask c r f h T 0, d) else None)
  | Asks k, Ask c r f h T i => if i <? producers then gets (Fetch atomic (idle_load O) Co (Ann i) k)
      (fun a => if (a =? 0) || (T <? a) then Ask c r f h T (S i) else Doubt c r f h T i) else None
  | Alive, Doubt c r f h T i => if al i then does Nothing (Idle c r f h) else None
  | Dead, Doubt c r f h T i => if (i <? producers) && negb (al i)
      then does (Learn Co (Pr i)) (Ask c r f h T (S i)) else None
  | All, Ask c r f h T i => if i =? producers then does Nothing (Again c r f h T) else None
  | AgainHeader k, Again c r f h T => gets (Fetch atomic false Co (word c) k)
      (fun v => if v =? 0 then Scan c r f h T c else if state_of v =? 1 then Idle (c + words_of v) r f h else Idle c r f h)
  | ScanNext k, Scan c r f h T q => if q <? T then gets (Fetch atomic false Co (word q) k)
      (fun v => if v =? 0 then Scan c r f h T (S q) else scanned c q r f h) else None
  | Scanned, Scan c r f h T q => if q =? T then does Nothing (scanned c T r f h) else None
  | _, _ => None
  end.

Fixpoint claim_at (l : list claim) p := match l with
  | nil => None | x :: l => if p =? 0 then Some x else if words x <=? p then claim_at l (p - words x) else None end.
Lemma claim_at_ok l : forall p x, claim_at l p = Some x -> at_pos l p x.
Proof.
  induction l as [|y l IH]; cbn [claim_at]; intros p x E; [discriminate|]. destruct (Nat.eqb_spec p 0) as [->|].
  - injection E as ->. exists nil, l. auto.
  - destruct (Nat.leb_spec (words y) p); [|discriminate]. destruct (IH _ _ E) as [a [b [-> Ep]]].
    exists (y :: a), b. split; auto. cbn [extent]. lia.
Qed.

Definition actor (a : action) := match a with By i _ | Dies i => i | _ => 0 end.
Definition plan_t := option (access * (nat -> list nat -> option ctl)).
Definition plan (a : action) (q : ctl) : plan_t := let (p, al, c, l, d, e, g) := q in
  match a with
  | By i a => if (i <? producers) && al i then match pplan i a (p i) l with
      | Some (x, next) => Some (x, fun k v => match next k (hd 0 v) with
          | Some (p', l') => Some (Ctl (upd p i p') al c l' d e g) | None => None end)
      | None => None end else None
  | Dies i => if i <? producers then Some (Nothing,
      fun k _ => Some (Ctl (upd p i Away) (upd al i false) c (ends_so l i (Gone k)) d e g)) else None
  | Arrives i => if (i <? producers) && negb (al i)
      then Some (Nothing, fun _ _ => Some (Ctl (upd p i Come) (upd al i true) c l d e g)) else None
  | Consumer a => match cplan al a c d with
      | Some (x, next) => Some (x, fun _ v => match next (hd 0 v) with
          | Some (c', d') => Some (Ctl p al c' l d' e (answer c c' g)) | None => None end)
      | None => None end
  | ConsumerDies => Some (Nothing, fun _ _ => Some (Ctl p al Nobody l d e Unasked))
  | Enters i => match p i with
      | Come => if (i <? producers) && al i then Some (Exchange true false (Pr i) (Own i) 1,
          fun _ _ => Some (Ctl (upd p i Here) al c l d (upd e i (e i ++ [extent l])) g)) else None
      | _ => None end
  | Closes i => match p i with
      | Free _ => if (i <? producers) && al i then Some (Store atomic (roll_store O) (Pr i) (Own i) 2,
          fun _ _ => Some (Ctl (upd p i Parted) al c l d (upd e i (e i ++ [extent l])) g)) else None
      | _ => None end
  | Calls => match c with
      | Idle _ _ _ _ => Some (Nothing, fun _ _ => Some (Ctl p al c l d e (Asking false false nil))) | _ => None end
  | Hears k => match c, g with
      | Idle _ _ _ _, Asking a b ks => if length ks <? producers then Some (Fetch atomic (roll_load O) Co (Own (length ks)) k,
          fun _ v => Some (Ctl p al c l d e (Asking (a || (hd 0 v =? 2)) (b || (hd 0 v =? 1)) (ks ++ [k])))) else None
      | _, _ => None end
  | Called => match c, g with
      | Idle _ _ _ _, Asking a b ks => if length ks =? producers then Some (Nothing,
          fun _ _ => Some (Ctl p al c l d e (if a && negb b then Closed ks else Unasked))) else None
      | _, _ => None end
  | Ends k => match c, go_on g with
      | Idle c' _ _ _, Closed ks => Some (Fetch atomic (claim_load O) Co WP k,
          fun _ v => if hd 0 v =? c' then Some (Ctl p al c l d e (Ended ks)) else None)
      | _, _ => None end
  | EndsFull => match c, go_on g with
      | Idle c' _ f _, Closed ks => if N <=? c' - f then Some (Nothing, fun _ _ => Some (Ctl p al c l d e (Ended ks))) else None
      | _, _ => None end
  | Rereads z j => match c, claim_at l z with
      | Idle c' r _ _, Some (Claim _ _ (Came _ y)) => if (r <=? z) && (z <? c') && (j <? length y)
          then Some (Peek Co (cell z j), fun _ _ => Some (Ctl p al c l d e g)) else None
      | _, _ => None end
  end.
Definition exec (a : action) (s : st) : option st := match plan a (ctl_of s) with
  | Some (x, next) => match perform x (mm s) with
      | Some (m, v) => match next (clock (mm s) (actor a)) v with Some q => Some (with_mem m q) | None => None end
      | None => None end
  | None => None end.

Ltac facts := repeat match goal with
  | H : can _ _ _ _ = true |- _ => apply can_ok in H
  | H : _ && _ = true |- _ => apply andb_true_iff in H; destruct H
  | H : (_ <=? _) = true |- _ => apply Nat.leb_le in H
  | H : (_ <? _) = true |- _ => apply Nat.ltb_lt in H
  | H : (_ =? _) = true |- _ => apply Nat.eqb_eq in H
  | H : (_ =? _) = false |- _ => apply Nat.eqb_neq in H
  | H : negb _ = true |- _ => apply negb_true_iff in H
  end.
Ltac cases := repeat match goal with
  | H : (if ?b then _ else _) = Some _ |- _ => let X := fresh in destruct b eqn:X; try discriminate H
  end.

Lemma pplan_ok i a m p l x next m' v p' l' : pplan i a p l = Some (x, next) -> perform x m = Some (m', v) ->
  next (clock m i) (hd 0 v) = Some (p', l') -> pstep N most producers O i m p l m' p' l'.
Proof.
  intros Pl Pf Nx. destruct a; cbn [pplan] in Pl; destruct p; try discriminate Pl; cbv zeta in Pl;
    repeat match type of Pl with match ?v with _ => _ end = _ => is_var v; destruct v; try discriminate Pl end; cases;
    injection Pl as <- <-; cbn [Access.perform] in Pf; cases; injection Pf as <- <-; cbn [hd] in Nx; cases;
    injection Nx as <- <-; facts; subst; try (econstructor; eauto; fail).
Qed.
Lemma cplan_ok al a m c d x next m' v c' d' : cplan al a c d = Some (x, next) -> perform x m = Some (m', v) ->
  next (hd 0 v) = Some (c', d') -> cstep N producers O al m c d m' c' d'.
Proof.
  intros Pl Pf Nx. destruct a; cbn [cplan] in Pl; destruct c; try discriminate Pl; cbv zeta in Pl; cases;
    injection Pl as <- <-; cbn [Access.perform] in Pf; cases; injection Pf as <- <-; cbn [hd] in Nx; cases;
    injection Nx as <- <-; facts; subst; try (econstructor; eauto; fail).
  destruct ((val (hist m (Ann i) k) =? 0) || (T <? val (hist m (Ann i) k))) eqn:E.
  - eapply c_quiet; eauto. apply orb_true_iff in E. rewrite Nat.eqb_eq, Nat.ltb_lt in E. exact E.
  - eapply c_doubt; eauto. apply orb_false_iff in E. rewrite Nat.eqb_neq, Nat.ltb_ge in E. lia.
Qed.
Lemma exec_ok a s s' : exec a s = Some s' -> step N most producers O s s'.
Proof.
  destruct s as [m p al c l d e g]. unfold exec, ctl_of, plan. cbn [mm pp alive cc claims done said roll]. intros E.
  destruct a as [i a|i|i|a| |i|i| |k| |k| |z j]; cbn [actor] in E.
  - destruct ((i <? producers) && al i) eqn:X; [|discriminate]. facts.
    destruct (pplan i a (p i) l) as [[x next]|] eqn:Pl; [|discriminate].
    destruct (perform x m) as [[m' v]|] eqn:Pf; [|discriminate].
    destruct (next (clock m i) (hd 0 v)) as [[p' l']|] eqn:Nx; [|discriminate]. injection E as <-.
    apply s_producer; auto. eapply pplan_ok; eauto.
  - destruct (i <? producers) eqn:X; [|discriminate]. cbn [Access.perform] in E. injection E as <-. facts. apply s_dies. auto.
  - destruct ((i <? producers) && negb (al i)) eqn:X; [|discriminate]. cbn [Access.perform] in E. injection E as <-. facts.
    apply s_comes; auto.
  - destruct (cplan al a c d) as [[x next]|] eqn:Pl; [|discriminate].
    destruct (perform x m) as [[m' v]|] eqn:Pf; [|discriminate].
    destruct (next (hd 0 v)) as [[c' d']|] eqn:Nx; [|discriminate]. injection E as <-.
    apply s_consumer. eapply cplan_ok; eauto.
  - cbn [Access.perform] in E. injection E as <-. apply s_consumer_dies.
  - destruct (p i) eqn:P; try discriminate E. destruct ((i <? producers) && al i) eqn:X; [|discriminate].
    cbn [Access.perform] in E. injection E as <-. facts. apply s_enters; auto.
  - destruct (p i) eqn:P; try discriminate E. destruct ((i <? producers) && al i) eqn:X; [|discriminate].
    cbn [Access.perform] in E. injection E as <-. facts. eapply s_closes; eauto.
  - destruct c; try discriminate E. cbn [Access.perform] in E. injection E as <-. apply s_calls.
  - destruct c; try discriminate E. destruct g; try discriminate E. destruct (length heard <? producers) eqn:X; [|discriminate].
    cbn [Access.perform] in E. destruct (can _ _ _ _) eqn:Y; [|discriminate]. cbn [hd] in E. injection E as <-. facts.
    apply s_hears; auto.
  - destruct c; try discriminate E. destruct g; try discriminate E. destruct (length heard =? producers) eqn:X; [|discriminate].
    cbn [Access.perform] in E. injection E as <-. facts. apply s_called; auto.
  - destruct c; try discriminate E. destruct (go_on g) eqn:G; try discriminate E. cbn [Access.perform] in E.
    destruct (can _ _ _ _) eqn:Y; [|discriminate]. cbn [hd] in E. destruct (_ =? c) eqn:X; [|discriminate]. injection E as <-. facts.
    eapply s_ends; eauto.
  - destruct c; try discriminate E. destruct (go_on g) eqn:G; try discriminate E. destruct (N <=? c - f) eqn:X; [|discriminate].
    cbn [Access.perform] in E. injection E as <-. facts. eapply s_ends_full; eauto.
  - destruct c; try discriminate E. destruct (claim_at l z) as [[w o [| | |]]|] eqn:G; try discriminate E.
    destruct (_ && _) eqn:X; [|discriminate]. cbn [Access.perform] in E. injection E as <-. facts.
    eapply s_again; [apply claim_at_ok; exact G|reflexivity|split; auto|auto|reflexivity].
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
