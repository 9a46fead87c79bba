(* The histories of many producers' ring are linearizable, to a queue of places. Read TheoremsHistory.v,
   TheoremsMpsc.v and HistoryMany.v first.

   So they are not to a queue of messages in the order of their commits: places are popped in the order
   in which they were taken. This is of what succeeds; what answers that say `nothing` or `no room`
   mean stands in TheoremsQueue.v. *)
From Coq Require Import Arith List.
Import ListNotations.
From Annulus Require Import Mpsc MpscRun MpscWitness History HistoryMany MpscHistory.

Section Many_producers.
Variables N most producers : nat.            (* as in TheoremsMpsc.v *)
Hypothesis room : 0 < N.

(* Points can be put into every run's history, each between a call and its answer: a place is taken at
   the exchange of write_pos, filled at the store of its first header or given up there, popped at the
   load of a header that says `committed`. A call that a death cut off took effect before, or never. *)
Theorem every_history_of_many_is_linearizable s h : history N most producers shipped s h -> linearizable tid_dec is_queue h.
Proof. exact (linear N most producers room s h). Qed.
Theorem every_run_of_many_has_a_history s : reach N most producers shipped s -> exists h, history N most producers shipped s h.
Proof. induction 1 as [|s s' R [h H] Hs]; [exists nil; constructor|exists (h ++ tells producers s s'); econstructor; eauto]. Qed.
End Many_producers.

(* It speaks of something: the first place is filled last and popped first; one is left by a death. *)
Definition late_story := arrives 0 ++ arrives 1 ++ claims_at 0 2 0 ++ MpscWitness.push 1 [6] 1 ++
  [By 0 (Stamp [5]); By 0 Write; By 0 Whole; By 0 MpscRun.Commit; By 0 Settles] ++ claims_at 0 1 2 ++ [MpscRun.Dies 0] ++
  comes ++ reads 2 1 ++ reads 2 1 ++ [Consumer MpscRun.Release].
Theorem not_vacuous_of_history_of_many : exists s, history 8 2 2 shipped s
  [Calls (Pr 0) Place; Answers (Pr 0) Ok; Calls (Pr 1) Place; Answers (Pr 1) Ok; Calls (Pr 1) (Commit [[6]]); Answers (Pr 1) Ok;
   Calls (Pr 0) (Commit [[5]]); Answers (Pr 0) Ok; Calls (Pr 0) Place; Answers (Pr 0) Ok; Dies (Pr 0);
   Calls Co Pop; Answers Co (Got [5]); Calls Co Pop; Answers Co (Got [6]); Calls Co Release; Answers Co Ok].
Proof.
  match goal with |- exists s, history _ _ _ _ _ ?h => assert (T : told 8 2 2 shipped late_story init = h) by (vm_compute; reflexivity) end.
  assert (X : option_map (fun _ => tt) (run 8 2 2 shipped late_story init) = Some tt) by (vm_compute; reflexivity).
  destruct (run 8 2 2 shipped late_story init) as [s|] eqn:E; [|discriminate X].
  exists s. rewrite <- T. apply told_all. exact E.
Qed.
