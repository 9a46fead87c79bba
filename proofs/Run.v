(* The steps as a function, for witnesses and for replaying traces: an action says what the step
   relation leaves open (which message is read, which record is begun). *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc.

Inductive act :=
(* producer *)
| Room (k : nat) | Begin (x : list nat) | Write | Shorten | Abort | Filled | Terminate | Publish
| CopyEnd | FullSaid | FullTell | Close | Leave | DieP
| Enter | FindFreed (k : nat) | FindRead (k : nat) | FindStart (k : nat) | FindHeader (k : nat)
| FindClear | FindTell | FindCount (p k : nat) | FindCall
(* consumer *)
| Arrive (k : nat) | ArriveFreed (k : nat) | ArriveCount (p k : nat) | ArriveTell
| Poll (k : nat) | Word | Deliver | View | Again (n i : nat) | Release | OverLoad (p k : nat) | OverStore
| TellFreed | Mend (k : nat) | MendFreed (k : nat) | Roll (acq : bool) (k : nat) | Owner (k : nat)
| Look (k : nat) | LookHeader (k : nat) | GoOn | DieC.

Section Run.
Variables N most W : nat.
Variable enc : nat -> nat -> nat.
Variable dec : nat -> nat -> option nat.
Variable O : orders.
Notation word := (word N). Notation cell := (cell N). Notation header := (header W enc).
Notation length_of := (length_of W dec). Notation dist := (dist W). Notation step := (step N most W enc dec O).
Definition can (m : mem) t l k := (ts (tv m t) l <=? k) && (k <? len m l).

Definition exec_p (a : act) (s : st) : option st := let (m, p, c, g, d, e, z) := s in
  match a, p with
  | Room k, Open f w bs => if can m P FR k then
      Some (St (read atomic (free_load O) P FR k m) (Open (val (hist m FR k)) w bs) c g d e
              (z || (N <? dist w (val (hist m FR k))))) else None
  | Begin x, Open f w bs => if (length x <=? most) && (length x + 2 <=? dist (f + N) (w + total bs)) then
      Some (St m (Fill f w bs x 0) c g d e z) else None
  | Write, Fill f w bs x i => if i <? length x then
      Some (St (write plain false P (cell (w + total bs) i) (nth i x 0) m) (Fill f w bs x (S i)) c g d e z) else None
  | Shorten, Fill f w bs x i => Some (St m (Fill f w bs (firstn i x) (length (firstn i x))) c g d e z)
  | Abort, Fill f w bs x i => Some (St m (Open f w bs) c g d e z)
  | Filled, Fill f w nil x i => if i =? length x then Some (St m (Open f w (x :: nil)) c g d e z) else None
  | Filled, Fill f w (b :: bs) x i => if i =? length x then
      Some (St (write atomic false P (word (w + total (b :: bs))) (header (w + total (b :: bs)) (length x)) m)
               (Open f w ((b :: bs) ++ x :: nil)) c g d e z) else None
  | Terminate, Open f w (b :: bs) =>
      Some (St (if terminates O then write atomic false P (word (w + total (b :: bs))) 0 m else m)
               (Commit f w (b :: bs)) c g d e z)
  | Publish, Commit f w (b :: bs) =>
      Some (St (write atomic (publish_store O) P (word w) (header w (length b)) m)
               (Copy f (w + total (b :: bs))) c (g ++ b :: bs) d e z)
  | CopyEnd, Copy f w => Some (St (write atomic (extent_store O) P WP w m) (Open f w nil) c g d e z)
  | FullSaid, Open f w bs => Some (St (write atomic false P AN (S w) m) (Full f w bs) c g d e z)
  | FullTell, Full f w bs => Some (St (write atomic (extent_store O) P WP w m) (Open f w bs) c g d e z)
  | Close, Open f w nil => Some (St (write atomic (roll_store O) P OW 2 m) Closed c g d (e ++ [length g]) z)
  | Leave, Closed => Some (St (rmw false true P RO (S (last m RO)) m) Away c g d e z)
  | DieP, _ => Some (St m Away c g d e z)
  | Enter, Away => Some (St (rmw true false P OW 1 m) Come c g d (e ++ [length g]) z)
  | FindFreed k, Come => if can m P FR k then
      Some (St (read atomic (free_load O) P FR k m) (Freed (val (hist m FR k))) c g d e z) else None
  | FindRead k, Freed f => if can m P RP k then
      Some (St (read atomic false P RP k m) (Known f (val (hist m RP k))) c g d e
              (z || (N <? dist (val (hist m RP k)) f))) else None
  | FindStart k, Known f r => if can m P WP k then
      Some (match walk_from N W (val (hist m WP k)) r with
            | Some w => St (read atomic false P WP k m) (Walk f w) c g d e (z || (N <? dist (f + N) w))
            | None => St (read atomic false P WP k m) (Walk f r) c g d e true end) else None
  | FindCount i k, Call f w => if can m P (word i) k then
      Some (St (read atomic false P (word i) k m) (Call f w) c g d e z) else None
  | FindHeader k, Walk f w => if can m P (word w) k then let h := val (hist m (word w) k) in
      Some (match length_of h w with
            | Some n => St (read atomic false P (word w) k m)
                (if N <? dist (f + N) (w + S n) then Clear f w else Walk f (w + S n)) c g d e z
            | None => St (read atomic false P (word w) k m) (Clear f w) c g d e (z || negb (h =? 0)) end) else None
  | FindClear, Clear f w => Some (St (write atomic false P (word w) 0 m) (Tell f w) c g d e z)
  | FindTell, Tell f w => Some (St (write atomic (extent_store O) P WP w m) (Call f w) c g d e z)
  | FindCall, Call f w => Some (St (rmw false true P RO (S (last m RO)) m) (Open f w nil) c g d e z)
  | _, _ => None
  end.

Definition exec_c (a : act) (s : st) : option st := let (m, p, c, g, d, e, z) := s in
  match a, c with
  | Arrive k, Nobody => if can m C RP k then
      Some (St (read atomic false C RP k m) p (Attach (val (hist m RP k))) g d e z) else None
  | ArriveFreed k, Attach r => if can m C FR k then
      Some (St (read atomic false C FR k m) p (Attached r (val (hist m FR k))) g d e
              (z || (N <? dist r (val (hist m FR k))))) else None
  | ArriveCount i k, Attached r f => if (f <=? i) && (i <? r) && can m C (word i) k then
      Some (St (read atomic false C (word i) k m) p (Attached r f) g d e z) else None
  | ArriveTell, Attached r f =>
      Some (St (write atomic (free_store O) C FR r m) p (Idle (Place r r r None) nil) g d e z)
  | Poll k, Idle q held => if can m C (word (cursor q)) k then
      Some (St (read atomic (publish_load O) C (word (cursor q)) k m) p
               (after_header most W dec q held (val (hist m (word (cursor q)) k))) g d e z) else None
  | Word, Take q held n got => let l := cell (cursor q) (length got) in let k := len m l - 1 in
      if length got <? n then
        Some (St (read plain false C l k m) p (Take q held n (got ++ val (hist m l k) :: nil)) g d e z) else None
  | Deliver, Take q held n got => if length got =? n then
      Some (St m p (Idle (move q (length got)) (held ++ got :: nil)) g d e z) else None
  | View, Take q held n nil =>
      Some (St m p (Idle (move q n) (held ++ map (fun i => last m (cell (cursor q) i)) (seq 0 n) :: nil)) g d e z)
  | Again n i, Idle q held => match skipn n held with
      | a :: w2 => if i <? length a then let l := cell (cursor q - total (a :: w2)) i in let k := len m l - 1 in
          Some (St (read plain false C l k m) p (Idle q (firstn n held ++ a :: w2)) g d e
                   (z || negb (val (hist m l k) =? nth i a 0))) else None
      | nil => None end
  | Release, Idle q held =>
      Some (St (write atomic false C RP (cursor q) m) p
               (Idle (Place (cursor q) (cursor q) (told q) (ending q)) nil) g (d ++ held) e z)
  | OverLoad i k, Idle q held => if (told q <=? i) && (i <? released q) && can m C (word i) k then
      Some (St (read atomic false C (word i) k m) p (Over q held i (val (hist m (word i) k))) g d e z) else None
  | OverStore, Over q held i v => Some (St (write atomic false C (word i) v m) p (Idle q held) g d e z)
  | TellFreed, Idle q held =>
      Some (St (write atomic (free_store O) C FR (released q) m) p
               (Idle (Place (cursor q) (released q) (released q) (ending q)) held) g d e z)
  | Mend k, Idle q held => if can m C RP k then
      Some (St (read atomic false C RP k m) p (Idle q held) g d e (z || negb (val (hist m RP k) =? released q))) else None
  | MendFreed k, Idle q held => if can m C FR k then
      Some (St (read atomic false C FR k m) p (Idle q held) g d e (z || negb (val (hist m FR k) =? told q))) else None
  | Roll acq k, Idle q held => if can m C RO k then Some (St (read atomic acq C RO k m) p (Idle q held) g d e z) else None
  | Owner k, Idle q held => if can m C OW k then
      Some (St (read atomic (roll_load O) C OW k m) p
        (Idle (Place (cursor q) (released q) (told q) (if val (hist m OW k) =? 2 then Some k else None)) held) g d e z) else None
  | Look k, Idle q held => if can m C WP k then
      Some (St (read atomic (extent_load O) C WP k m) p (Exam q held (val (hist m WP k))) g d e z) else None
  | LookHeader k, Exam q held x => if can m C (word (cursor q)) k then let h := val (hist m (word (cursor q)) k) in
      Some (St (read atomic (publish_load O) C (word (cursor q)) k m) p
             (if readable most W dec q h then after_header most W dec q held h
              else match ending q with Some k => Ended q held k | None => Idle q held end) g d e
             (z || (negb (readable most W dec q h) && is_before W (cursor q) x))) else None
  | GoOn, Ended q held k => Some (St m p (Idle q held) g d e z)
  | DieC, _ => Some (St m p Nobody g d e z)
  | _, _ => None
  end.

Definition exec a s := match exec_p a s with Some s' => Some s' | None => exec_c a s end.

Lemma can_ok m t l k : can m t l k = true -> can_read m t l k.
Proof. unfold can, can_read. intros E. apply andb_true_iff in E. rewrite Nat.leb_le, Nat.ltb_lt in E. auto. Qed.

Ltac taken E := repeat match type of E with
  | (match ?l with nil => _ | _ :: _ => _ end) = Some _ => let X := fresh in destruct l eqn:X; try discriminate E
  | (if ?b then _ else _) = Some _ => let X := fresh in destruct b eqn:X; try discriminate E
  end; cbv zeta in E; injection E as <-;
  repeat match goal with
  | H : can _ _ _ _ = true |- _ => apply can_ok in H
  | H : _ && _ = true |- _ => apply andb_true_iff in H; destruct H
  | H : (_ <=? _) = true |- _ => apply Nat.leb_le in H
  | H : (_ <? _) = true |- _ => apply Nat.ltb_lt in H
  | H : (_ =? _) = true |- _ => apply Nat.eqb_eq in H
  end; subst.

Lemma exec_p_ok a s s' : exec_p a s = Some s' -> step s s'.
Proof.
  destruct s as [m p c g d e z]. intros E.
  destruct a; cbn [exec_p] in E; try discriminate E; try (destruct p; try discriminate E); taken E;
    try (econstructor; eauto; fail).
Qed.
Lemma exec_c_ok a s s' : exec_c a s = Some s' -> step s s'.
Proof.
  destruct s as [m p c g d e z]. intros E.
  destruct a; cbn [exec_c] in E; try discriminate E; try (destruct c; try discriminate E); taken E;
    try (econstructor; eauto; fail).
  match goal with H : skipn ?n ?h = ?a :: ?w |- _ =>
    rewrite <- (firstn_skipn n h) at 1; rewrite H; econstructor; eauto end.
Qed.
Lemma exec_ok a s s' : exec a s = Some s' -> step s s'.
Proof.
  unfold exec. destruct (exec_p a s) eqn:E; [|apply exec_c_ok]. intros X. injection X as <-. apply (exec_p_ok a). auto.
Qed.

Fixpoint run (l : list act) s := match l with
  | nil => Some s
  | a :: l => match exec a s with Some s' => run l s' | None => None end end.

Lemma run_ok l : forall s s', reach N most W enc dec O s -> run l s = Some s' -> reach N most W enc dec O s'.
Proof.
  induction l as [|a l IH]; simpl; intros s s' R E; [congruence|].
  destruct (exec a s) eqn:X; [|discriminate]. eapply IH; [|exact E]. eapply rS; eauto. apply exec_ok with a. exact X.
Qed.
End Run.
