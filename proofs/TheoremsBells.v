(* What is proved of waking. Read Bells.v first. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Bells BellsProof.

(* Who sleeps has nothing to do, once all workers are through with their calls: so a worker that gives it
   something wakes it. For any number of workers, every schedule, every stale read, any number of
   deaths and successors of all. But for two cases, which is why no sleep is long: a worker that died between its work
   and its wake (crashed), and a sleeper whose heavy fence failed (not announced). *)
Theorem no_wake_up_is_lost workers s : reach workers shipped s ->
  sleeper s = Asleep -> announced s = true -> crashed s = false ->
  (forall i, i < workers -> working (stage_of (ws s i)) = false) -> works (mm s) <= took s.
Proof. exact (no_lost workers s). Qed.

(* A call ends: from each of its steps this measure falls, until the worker is at rest. *)
Definition left_to_do g := match g with Stored => 5 | InUse => 4 | Looks => 3 | Rings => 2 | Wakes => 1 | _ => 0 end.
Theorem a_worker_never_waits f d w m w' m' : does f d w m = Some (w', m') ->
  working (stage_of w) = true -> d <> Work -> left_to_do (stage_of w') < left_to_do (stage_of w).
Proof.
  destruct w as [g v o a]. unfold does. destruct d, g; cbn; intros D Wk Nw; try discriminate; try congruence;
    repeat match type of D with
    | context[match ?x with _ => _ end] => destruct x; try discriminate D end; injection D as <- <-; cbn; auto with arith.
Qed.

(* The sleeper sleeps for good: nobody is in a call, nobody died, and there is work. *)
Definition oversleeps (s : st) := match sleeper s, stage_of (ws s 0) with
  | Asleep, Rest => announced s && negb (crashed s) && (took s <? works (mm s)) | _, _ => false end.
Fixpoint run f (l : list act) s := match l with
  | nil => Some s | a :: l => match exec 1 f a s with Some s' => run f l s' | None => None end end.
Definition lost f := exists s, reach 1 f s /\ oversleeps s = true.
Lemma run_ok f l : forall s s', reach 1 f s -> run f l s = Some s' -> reach 1 f s'.
Proof.
  induction l as [|a l IH]; simpl; intros s s' R E; [congruence|].
  destruct (exec 1 f a s) eqn:X; [|discriminate]. eapply IH; [|exact E]. eapply rS; eauto.
Qed.
Lemma by_run f l : match run f l init with Some s => oversleeps s | None => false end = true -> lost f.
Proof. destruct (run f l init) as [s|] eqn:E; [|discriminate]. exists s. split; auto. eapply run_ok; [apply r0|exact E]. Qed.

Definition comes := [By 0 (Accepts true); By 0 FenceComes].
Definition announces := [SetsAsleep; BarrierBegins; BarrierReaches; BarrierEnds].
Definition sleeps := [LastLook 0; FutexWait].
Definition slept_once := comes ++ announces ++ sleeps ++ [TimesOut; Rises].
Definition unseen k := [By 0 Work; By 0 (Glance 1); By 0 FenceW; By 0 (Look k)].

(* The run that the theorem speaks of: it sleeps, a worker wakes it, it finds the work. *)
Theorem not_vacuous_of_bells : exists s, reach 1 shipped s /\ sleeper s = Up /\ announced s = true /\ took s = 1.
Proof.
  assert (X : option_map (fun s => (sleeper s, announced s, took s)) (run shipped (slept_once ++ [SetsAsleep; FenceS] ++ sleeps
    ++ unseen 3 ++ [By 0 Cas; By 0 Wake; Rises; Takes 1]) init) = Some (Up, true, 1)) by (vm_compute; reflexivity).
  destruct (run _ _ _) as [s|] eqn:E; [|discriminate X]. exists s. split; [eapply run_ok; [apply r0|exact E]|].
  injection X as X1 X2 X3. auto.
Qed.

(* Each fence is needed: without it the sleeper oversleeps. *)
Theorem need_the_workers_fence : lost (Fences false true true true).
Proof. apply (by_run _ (slept_once ++ [SetsAsleep] ++ unseen 2 ++ [FenceS] ++ sleeps)). vm_compute. reflexivity. Qed.
Theorem need_the_sleepers_fence : lost (Fences true false true true).
Proof. apply (by_run _ (slept_once ++ [SetsAsleep] ++ unseen 2 ++ [FenceS] ++ sleeps)). vm_compute. reflexivity. Qed.
Theorem need_the_heavy_fence : lost (Fences true true false true).
Proof.
  apply (by_run _ (comes ++ [SetsAsleep; BarrierBegins; BarrierEnds; By 0 Work; By 0 (Glance 0)] ++ sleeps)).
  vm_compute. reflexivity.
Qed.
Theorem need_the_coming_fence : lost (Fences true true true false).
Proof. apply (by_run _ (announces ++ sleeps ++ comes ++ [By 0 Work; By 0 (Glance 0)])). vm_compute. reflexivity. Qed.
Theorem shipped_never_oversleeps : ~ lost shipped.
Proof.
  intros [s [R B]]. unfold oversleeps in B. destruct (sleeper s) eqn:P; try discriminate.
  destruct (stage_of (ws s 0)) eqn:G; try discriminate. apply andb_true_iff in B. destruct B as [B T].
  apply andb_true_iff in B. destruct B as [A C]. apply negb_true_iff in C. apply Nat.ltb_lt in T.
  pose proof (no_wake_up_is_lost 1 s R P A C) as X.
  assert (works (mm s) <= took s); [|lia]. apply X. intros i Li. replace i with 0 by lia. rewrite G. reflexivity.
Qed.
