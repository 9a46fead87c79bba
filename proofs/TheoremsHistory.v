(* The histories of one producer's ring are linearizable. Read Theorems.v and History.v first.

   This is of pushes, pops and releases that succeed. An answer that says `nothing` or `no room` is
   none of a queue in the order of the steps: a call that fails takes effect nowhere, and
   TheoremsQueue.v has what its answer means. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc Run NotVacuous History SpscHistory.

Section One_producer.
Variables N most W : nat.                    (* as in Theorems.v *)
Variable enc : nat -> nat -> nat.
Variable dec : nat -> nat -> option nat.
Hypothesis room : most + 2 <= N.
Hypothesis wide : 4 * N <= W.
Hypothesis codes : encoding most enc dec.

(* Every run's history is, to a queue bounded by the capacity. Points can be put into it, each between
   a call and its answer: a push at the store of its first header, a pop at the load of a header that
   says a record, a release at its store of read_pos. A call that a death cut off took effect before
   the death, or never. *)
Theorem every_history_is_linearizable s h : history N most W enc dec shipped s h -> linearizable tid_dec (is_queue N) h.
Proof. exact (linear N most W enc dec room wide codes s h). Qed.
(* Each run has one. *)
Theorem every_run_has_a_history s : reach N most W enc dec shipped s -> exists h, history N most W enc dec shipped s h.
Proof. induction 1 as [junk|s s' R [h H] Hs]; [exists nil; constructor|exists (h ++ tells s s'); econstructor; eauto]. Qed.
End One_producer.

(* The notion says what one expects. At any moment (for it holds up to there, too), while nobody died and no
   call failed, what pops were answered is the beginning of what was called to be pushed, in order. *)
Theorem linearizable_up_to_any_moment N a b : linearizable tid_dec (is_queue N) (a ++ b) -> linearizable tid_dec (is_queue N) a.
Proof. exact (cut N a b). Qed.
Theorem pops_follow_pushes N h : linearizable tid_dec (is_queue N) h -> smooth h -> exists rest, called h = got h ++ rest.
Proof. exact (in_order N h). Qed.
Ltac by_order := intros H; apply pops_follow_pushes in H; [destruct H as [rest X]; discriminate X|
  intros r; split; intros I; simpl in I; intuition discriminate].
Theorem another_order_is_not_linearizable N : ~ linearizable tid_dec (is_queue N)
  [Calls P (Push [[7]]); Answers P Ok; Calls P (Push [[8]]); Answers P Ok; Calls C Pop; Answers C (Got [8])].
Proof. by_order. Qed.
Theorem a_pop_before_its_push_is_not_linearizable N : ~ linearizable tid_dec (is_queue N)
  [Calls C Pop; Answers C (Got [7]); Calls P (Push [[7]]); Answers P Ok].
Proof.
  intros H. apply (linearizable_up_to_any_moment N [Calls C Pop; Answers C (Got [7])]) in H. revert H. by_order.
Qed.

(* It speaks of something: a push that a death cut off and that took effect, a pop that comes again
   after a death, a batch, a claim without room, a closer look that finds nothing. *)
Theorem not_vacuous_of_history : exists s, history 8 2 (4 * 8) small_enc small_dec shipped s
  [Calls P (Push [[5; 6]]); Dies P; Calls C Pop; Answers C (Got [5; 6]); Dies C;
   Calls C Pop; Answers C (Got [5; 6]); Calls C Release; Answers C Ok;
   Calls P Claim; Fails P; Calls P (Push [[7]; [8]]); Answers P Ok; Dies P;
   Calls C Pop; Answers C (Got [7]); Calls C Pop; Answers C (Got [8]); Calls C Pop; Fails C].
Proof.
  match goal with |- exists s, history _ _ _ _ _ _ _ ?h => assert (T : told 8 2 (4 * 8) small_enc small_dec shipped story (init none) = h)
    by (vm_compute; reflexivity) end.
  assert (X : option_map (fun _ => tt) (run 8 2 (4 * 8) small_enc small_dec shipped story (init none)) = Some tt) by (vm_compute; reflexivity).
  destruct (run 8 2 (4 * 8) small_enc small_dec shipped story (init none)) as [s|] eqn:E; [|discriminate X].
  exists s. rewrite <- T. apply told_all. exact E.
Qed.
