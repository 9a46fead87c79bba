(* The same steps as a function, for witnesses and for replaying traces. An action says what the step
   relation leaves open: which message is read, which record is begun. `plan` says which access to
   memory the action makes, and where the roles stand then, given what it read; a memory performs the
   access. So what the C++ did is compared with the access alone, and the memory can be another one:
   Finite.v. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Access Spsc.

Inductive act :=
(* producer *)
| Room (k : nat) | Begin (x : list nat) | Write | Shorten (j : nat) | Abort | Filled | Terminate | Publish
| CopyEnd | FullSaid | FullTell | Close | Leave | DieP
| Enter | FindFreed (k : nat) | FindRead (k : nat) | FindStart (k : nat) | FindHeader (k : nat)
| FindClear | FindTell | FindCount (p k : nat) | FindCall
(* consumer *)
| Arrive (k : nat) | ArriveFreed (k : nat) | ArriveCount (p k : nat) | ArriveTell
| Poll (k : nat) | Word | Deliver | View | Again (n i : nat) | Release | OverLoad (p k : nat) | OverStore
| TellFreed | Mend (k : nat) | MendFreed (k : nat) | Roll (acq : bool) (k : nat) | Owner (k : nat)
| Look (k : nat) | LookHeader (k : nat) | GoOn | DieC.

Notation access := (Access.access loc tid).
Notation perform := (Access.perform loc_dec tid_dec tids).

(* All of a state but the memory. *)
Record ctl := Ctl {
  cp : producer; cq : consumer; clog : list (list nat); cdone : list (list nat); cends : list nat; cwrong : bool }.
Definition ctl_of (s : st) := Ctl (pp s) (cc s) (log s) (done s) (ends s) (wrong s).
Definition with_mem (m : mem) (q : ctl) := St m (cp q) (cq q) (clog q) (cdone q) (cends q) (cwrong q).

Section Run.
Variables N most W : nat.
Variable enc : nat -> nat -> nat.
Variable dec : nat -> nat -> option nat.
Variable O : orders.
Notation word := (word N). Notation cell := (cell N). Notation header := (header W enc).
Notation dist := (dist W). Notation length_of := (length_of W dec).

Section Plans.
Variables (p : producer) (c : consumer) (g d : list (list nat)) (e : list nat) (z : bool).
Definition plan_t := option (access * (list nat -> ctl)).
Definition one (f : nat -> ctl) (v : list nat) := f (hd 0 v).
Definition does x p : plan_t := Some (x, fun _ => Ctl p c g d e z).
Definition gets x (f : nat -> producer) : plan_t := Some (x, one (fun v => Ctl (f v) c g d e z)).
Definition doubts x (f : nat -> producer) (z' : nat -> bool) : plan_t :=
  Some (x, one (fun v => Ctl (f v) c g d e (z || z' v))).
Definition does_c x c : plan_t := Some (x, fun _ => Ctl p c g d e z).
Definition gets_c x (f : nat -> consumer) : plan_t := Some (x, one (fun v => Ctl p (f v) g d e z)).
Definition doubts_c x (f : nat -> consumer) (z' : nat -> bool) : plan_t :=
  Some (x, one (fun v => Ctl p (f v) g d e (z || z' v))).

Definition plan_push (a : act) : plan_t := match a, p with
  | Room k, Open f w bs => doubts (Fetch atomic (free_load O) P FR k) (fun r => Open r w bs) (fun r => N <? dist w r)
  | Begin x, Open f w bs => if (length x <=? most) && (length x + 2 <=? dist (f + N) (w + total bs))
      then does Nothing (Fill f w bs x 0) else None
  | Write, Fill f w bs x i => if i <? length x
      then does (Store plain false P (cell (w + total bs) i) (nth i x 0)) (Fill f w bs x (S i)) else None
  | Shorten j, Fill f w bs x i => if (j <=? i) && (j <? length x) then does Nothing (Fill f w bs (firstn j x) j) else None
  | Abort, Fill f w bs x i => does Nothing (Open f w bs)
  | Filled, Fill f w nil x i => if i =? length x then does Nothing (Open f w (x :: nil)) else None
  | Filled, Fill f w (b :: bs) x i => if i =? length x then
      does (Store atomic false P (word (w + total (b :: bs))) (header (w + total (b :: bs)) (length x)))
           (Open f w ((b :: bs) ++ x :: nil)) else None
  | Terminate, Open f w (b :: bs) =>
      does (if terminates O then Store atomic false P (word (w + total (b :: bs))) 0 else Nothing) (Commit f w (b :: bs))
  | Publish, Commit f w (b :: bs) => Some (Store atomic (publish_store O) P (word w) (header w (length b)),
      fun _ => Ctl (Copy f (w + total (b :: bs))) c (g ++ b :: bs) d e z)
  | CopyEnd, Copy f w => does (Store atomic (extent_store O) P WP w) (Open f w nil)
  | FullSaid, Open f w bs => does (Store atomic false P AN (S w)) (Full f w bs)
  | FullTell, Full f w bs => does (Store atomic (extent_store O) P WP w) (Open f w bs)
  | Close, Open f w nil => Some (Store atomic (roll_store O) P OW 2, fun _ => Ctl Closed c g d (e ++ [length g]) z)
  | Leave, Closed => does (Count false true P RO) Away
  | DieP, _ => does Nothing Away
  | _, _ => None end.

Definition plan_find (a : act) : plan_t := match a, p with
  | Enter, Away => Some (Exchange true false P OW 1, fun _ => Ctl Come c g d (e ++ [length g]) z)
  | FindFreed k, Come => gets (Fetch atomic (free_load O) P FR k) Freed
  | FindRead k, Freed f => doubts (Fetch atomic false P RP k) (Known f) (fun r => N <? dist r f)
  | FindStart k, Known f r => doubts (Fetch atomic false P WP k)
      (fun v => match walk_from N W v r with Some w => Walk f w | None => Walk f r end)
      (fun v => match walk_from N W v r with Some w => N <? dist (f + N) w | None => true end)
  | FindHeader k, Walk f w => doubts (Fetch atomic false P (word w) k)
      (fun h => match length_of h w with
        | Some n => if N <? dist (f + N) (w + S n) then Clear f w else Walk f (w + S n) | None => Clear f w end)
      (fun h => match length_of h w with Some n => false | None => negb (h =? 0) end)
  | FindClear, Clear f w =>
      does (if clears N W O f w then Store atomic false P (word w) 0 else Nothing) (Tell f w)
  | FindTell, Tell f w => does (Store atomic (extent_store O) P WP w) (Call f w)
  | FindCount i k, Call f w => does (Fetch atomic false P (word i) k) (Call f w)
  | FindCall, Call f w => does (Count false true P RO) (Open f w nil)
  | _, _ => None end.

Definition plan_read (a : act) : plan_t := match a, c with
  | Arrive k, Nobody => gets_c (Fetch atomic false C RP k) Attach
  | ArriveFreed k, Attach r => doubts_c (Fetch atomic false C FR k) (Attached r) (fun f => N <? dist r f)
  | ArriveCount i k, Attached r f => if (f <=? i) && (i <? r) then
      does_c (Fetch atomic false C (word i) k) (Attached r f) else None
  | ArriveTell, Attached r f => does_c (Store atomic (free_store O) C FR r) (Idle (Place r r r None) nil)
  | Poll k, Idle q held => gets_c (Fetch atomic (publish_load O) C (word (cursor q)) k) (after_header most W dec q held)
  | Word, Take q held n got => if length got <? n then
      gets_c (Peek C (cell (cursor q) (length got))) (fun v => Take q held n (got ++ v :: nil)) else None
  | Deliver, Take q held n got => if length got =? n then
      does_c Nothing (Idle (move q n) (held ++ got :: nil)) else None
  | View, Take q held n nil => Some (Newest (map (fun i => cell (cursor q) i) (seq 0 n)),
      fun vs => Ctl p (Idle (move q n) (held ++ vs :: nil)) g d e z)
  | Again n i, Idle q held => match skipn n held with
      | a :: w2 => if i <? length a then doubts_c (Peek C (cell (cursor q - total (a :: w2)) i))
          (fun _ => Idle q (firstn n held ++ a :: w2)) (fun v => negb (v =? nth i a 0)) else None
      | nil => None end
  | Release, Idle q held => Some (Store atomic false C RP (cursor q),
      fun _ => Ctl p (Idle (Place (cursor q) (cursor q) (told q) (ending q)) nil) g (d ++ held) e z)
  | OverLoad x k, Idle q held => if (told q <=? x) && (x <? released q) then
      gets_c (Fetch atomic false C (word x) k) (Over q held x) else None
  | OverStore, Over q held x v => does_c (Store atomic false C (word x) v) (Idle q held)
  | TellFreed, Idle q held => does_c (Store atomic (free_store O) C FR (released q))
      (Idle (Place (cursor q) (released q) (released q) (ending q)) held)
  | _, _ => None end.

Definition plan_look (a : act) : plan_t := match a, c with
  | Mend k, Idle q held => doubts_c (Fetch atomic false C RP k) (fun _ => Idle q held) (fun v => negb (v =? released q))
  | MendFreed k, Idle q held => doubts_c (Fetch atomic false C FR k) (fun _ => Idle q held) (fun v => negb (v =? told q))
  | Roll acq k, Idle q held => does_c (Fetch atomic acq C RO k) (Idle q held)
  | Owner k, Idle q held => gets_c (Fetch atomic (roll_load O) C OW k)
      (fun v => Idle (Place (cursor q) (released q) (told q) (if v =? 2 then Some k else None)) held)
  | Look k, Idle q held => gets_c (Fetch atomic (extent_load O) C WP k) (Exam q held)
  | LookHeader k, Exam q held x => doubts_c (Fetch atomic (publish_load O) C (word (cursor q)) k)
      (fun h => if readable most W dec q h then after_header most W dec q held h
        else match ending q with Some k => Ended q held k | None => Idle q held end)
      (fun h => negb (readable most W dec q h) && is_before W (cursor q) x)
  | GoOn, Ended q held k => does_c Nothing (Idle q held)
  | DieC, _ => does_c Nothing Nobody
  | _, _ => None end.
End Plans.

Definition or_else (x y : plan_t) := match x with Some z => Some z | None => y end.
Definition plan (a : act) (q : ctl) : plan_t := let (p, c, g, d, e, z) := q in
  or_else (plan_push p c g d e z a) (or_else (plan_find p c g d e z a)
    (or_else (plan_read p c g d e z a) (plan_look p c g d e z a))).

Definition exec (a : act) (s : st) : option st := match plan a (ctl_of s) with
  | Some (x, next) => match perform x (mm s) with Some (m, v) => Some (with_mem m (next v)) | None => None end
  | None => None end.

Notation step := (step N most W enc dec O).
Lemma step_to s t s' : step s t -> t = s' -> step s s'.
Proof. congruence. Qed.

Ltac cases := repeat match goal with
  | H : (match ?l with nil => _ | _ :: _ => _ end) = Some _ |- _ => let X := fresh in destruct l eqn:X; try discriminate H
  | H : (if ?b then _ else _) = Some _ |- _ => let X := fresh in destruct b eqn:X; try discriminate H
  end.
Ltac facts := repeat match goal with
  | H : can _ _ _ _ = true |- _ => apply can_ok in H
  | H : _ && _ = true |- _ => apply andb_true_iff in H; destruct H
  | H : (_ <=? _) = true |- _ => apply Nat.leb_le in H
  | H : (_ <? _) = true |- _ => apply Nat.ltb_lt in H
  | H : (_ =? _) = true |- _ => apply Nat.eqb_eq in H
  end.

Section Plans_are_steps.
Variables (m : mem) (p : producer) (c : consumer) (g d : list (list nat)) (e : list nat) (z : bool).
Definition are_steps (pl : plan_t) := forall x next m' v, pl = Some (x, next) -> perform x m = Some (m', v) ->
  step (St m p c g d e z) (with_mem m' (next v)).

Ltac by_cases a q :=
  intros x next m' v Pl Pf; destruct a; cbn [plan_push plan_find plan_read plan_look] in Pl; try discriminate Pl;
  destruct q; try discriminate Pl;
  cases; unfold does, gets, doubts, does_c, gets_c, doubts_c in Pl; injection Pl as <- <-;
  try match type of Pf with perform (if ?b then _ else _) _ = _ => let X := fresh in destruct b eqn:X end;
  cbn [Access.perform] in Pf; cases; injection Pf as <- <-; facts; subst;
  unfold with_mem, one; cbn [cp cq clog cdone cends cwrong hd]; try (econstructor; eauto; fail).
Ltac by_results := repeat match goal with |- context[match ?x with _ => _ end] => destruct x end;
  rewrite ?orb_true_r, ?orb_false_r; reflexivity.

Lemma pushes_are_steps a : are_steps (plan_push p c g d e z a).
Proof.
  by_cases a p.
  all: match goal with H : terminates O = _ |- _ => eapply step_to; [econstructor|rewrite H; reflexivity] end.
Qed.
Lemma finds_are_steps a : are_steps (plan_find p c g d e z a).
Proof.
  by_cases a p.
  - eapply step_to; [eapply p_find_start; eauto|]. destruct (walk_from _ _ _ _); rewrite ?orb_true_r; reflexivity.
  - eapply step_to; [eapply p_walk; eauto|]. by_results.
  - eapply step_to; [apply p_clear|]. match goal with H : clears _ _ _ _ _ = _ |- _ => rewrite H; reflexivity end.
  - eapply step_to; [apply p_clear|]. match goal with H : clears _ _ _ _ _ = _ |- _ => rewrite H; reflexivity end.
Qed.
Lemma reads_are_steps a : are_steps (plan_read p c g d e z a).
Proof.
  by_cases a c.
  - rewrite map_map. econstructor.
  - match goal with H : skipn ?n ?h = ?a :: ?w |- _ =>
      rewrite <- (firstn_skipn n h) at 1; rewrite H; eapply step_to; [econstructor; eauto|reflexivity] end.
Qed.
Lemma looks_are_steps a : are_steps (plan_look p c g d e z a).
Proof. by_cases a c. Qed.
End Plans_are_steps.

Lemma exec_ok a s s' : exec a s = Some s' -> step s s'.
Proof.
  destruct s as [m p c g d e z]. unfold exec, ctl_of, plan, or_else. cbn [mm pp cc log done ends wrong]. intros E.
  destruct (plan_push _ _ _ _ _ _ _) as [[x next]|] eqn:P1.
  2: destruct (plan_find _ _ _ _ _ _ _) as [[x next]|] eqn:P2.
  3: destruct (plan_read _ _ _ _ _ _ _) as [[x next]|] eqn:P3.
  4: destruct (plan_look _ _ _ _ _ _ _) as [[x next]|] eqn:P4; [|discriminate].
  all: destruct (perform x m) as [[m' v]|] eqn:Pf; [|discriminate]; injection E as <-.
  - eapply pushes_are_steps; eauto.
  - eapply finds_are_steps; eauto.
  - eapply reads_are_steps; eauto.
  - eapply looks_are_steps; eauto.
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
