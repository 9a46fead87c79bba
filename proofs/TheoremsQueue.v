(* What `empty` and `full` say of the queues that the rings are. Read Theorems.v and TheoremsMpsc.v
   first, `queue_of` in Linear.v and MpscLinear.v, and Answers.v.

   A load may read an old message, so either answer may be late: `empty_may_be_late`. In the order of
   the steps neither is linearizable, in the order of what happens before what both are: they are
   wrong only of what did not happen before. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Answers.
From Annulus Require Spsc SpscFacts Linear Run NotVacuous Mpsc MpscLinear.

Section One_producer.
Import Spsc SpscFacts Linear.
Variables N most W : nat.                    (* as in Theorems.v *)
Variable enc : nat -> nat -> nat.
Variable dec : nat -> nat -> option nat.
Hypothesis room : most + 2 <= N.
Hypothesis wide : 4 * N <= W.
Hypothesis codes : encoding most enc dec.
Variable s : st.
Hypothesis reached : reach N most W enc dec shipped s.

(* A push takes effect at the store of its first header, a pop at the load of a header that says a
   record: only there. (What each step does to the queue: each_step_is_the_queues.) *)
Theorem a_push_takes_effect_at_its_commit s' : step N most W enc dec shipped s s' -> log s' <> log s ->
  exists f w bs, pp s = Commit f w bs /\ log s' = log s ++ bs.
Proof. exact (pushed_at N most W enc dec s s'). Qed.
Theorem a_pop_takes_effect_at_its_load s' : step N most W enc dec shipped s s' ->
  popped (queue_of s) < popped (queue_of s') ->
  exists q h n, (cc s = Idle q h \/ exists x, cc s = Exam q h x) /\ cc s' = Take q h n nil.
Proof. exact (popped_at N most W enc dec room wide s s'). Qed.

(* A poll, or a closer look, reads no readable header at the cursor: the queue is empty, or what was
   pushed there did not happen before. *)
Theorem empty_only_of_what_is_unknown q h k : (cc s = Idle q h \/ exists x, cc s = Exam q h x) ->
  can_read (mm s) C (word N (cursor q)) k -> readable most W dec q (val (hist (mm s) (word N (cursor q)) k)) = false ->
  is_empty (queue_of s) \/ misses (mm s) C (word N (cursor q)) k.
Proof.
  intros E. assert (X : place_of (cc s) = Some q /\ held (cc s) = h /\ queue_of s = (log s, length (done s ++ h) + 0, length (done s))).
  { unfold queue_of. destruct E as [->|[x ->]]; auto. }
  destruct X as [X1 [X2 ->]]. unfold is_empty. rewrite Nat.add_0_r.
  exact (found_nothing N most W enc dec room wide codes s reached q h k X1 X2).
Qed.

(* No room for a record of n words and its terminator behind the batch (p_begin): then there is none,
   counted from a record that the consumer has released and freed; later ones it had not freed, or
   that did not happen before. *)
Theorem full_only_of_what_is_unknown f w bs n : pp s = Open f w bs -> dist W (f + N) (w + total bs) < n + 2 ->
  exists j k, j <= length (done s) /\ k < len (mm s) FR /\ val (hist (mm s) FR k) = off (log s) j /\
    (k = len (mm s) FR - 1 \/ misses (mm s) P FR k) /\ off (log s) j + N < total (log s) + total bs + n + 2.
Proof. exact (found_no_room N most W enc dec room wide codes s reached f w bs n). Qed.
End One_producer.

Section Many_producers.
Import Mpsc MpscLinear.
Variables N most producers : nat.            (* as in TheoremsMpsc.v *)
Hypothesis room : 0 < N.
Variable s : st.
Hypothesis reached : reach N most producers shipped s.

(* A place is taken at the exchange of write_pos, filled at the store of its first header, popped at the
   load of a header that says `committed`: only there. Of a batch all are filled at once: none before. *)
Theorem a_place_is_taken_at_the_exchange s' : step N most producers shipped s s' -> extent (claims s) < extent (claims s') ->
  exists i f t n, pp s i = Said f t n /\ pp s' i = Won f t n.
Proof. exact (taken_at N most producers room s s' reached). Qed.
Theorem a_place_is_filled_at_the_commit s' : step N most producers shipped s s' -> pays (claims s') <> pays (claims s) ->
  exists i f t n r b u v, pp s i = Ready f t n r b /\ pp s' i = Settle f /\
    pays (claims s) = u ++ v /\ pays (claims s') = u ++ b ++ v.
Proof. exact (filled_at N most producers room s s' reached). Qed.
Theorem a_pop_takes_effect_at_its_load_of_many s' : step N most producers shipped s s' -> read_so_far s < read_so_far s' ->
  exists c r f h n, cc s = Idle c r f h /\ cc s' = Take c r f h n nil.
Proof. exact (popped_at N most producers room s s'). Qed.

(* A poll finds nothing: the next place is not filled (none is taken, or it is open, or void), or its
   commit did not happen before. Behind a place that is open, filled ones may stand. *)
Theorem empty_only_of_what_is_unknown_of_many c r f h k x : cc s = Idle c r f h -> can_read (mm s) Co (word N c) k ->
  state_of (val (hist (mm s) (word N c) k)) <> 2 -> next (queue_of s) = Some (Full x) -> misses (mm s) Co (word N c) k.
Proof. exact (found_nothing N most producers room s reached c r f h k x). Qed.

(* A closer look finds write_pos at its cursor: no place is taken, or its exchange did not happen before. *)
Theorem no_claim_only_of_what_is_unknown c r f h k : cc s = Idle c r f h -> can_read (mm s) Co WP k ->
  val (hist (mm s) WP k) = c -> next (queue_of s) = None \/ misses (mm s) Co WP k.
Proof. exact (found_no_claim N most producers room s reached c r f h k). Qed.

(* No room for n words behind what was claimed: then there is none, or a release did not happen before. *)
Theorem full_only_of_what_is_unknown_of_many i f t n k : pp s i = Try f t n -> can_read (mm s) (Pr i) FR k ->
  val (hist (mm s) FR k) + N < t + n -> last (mm s) FR + N < extent (claims s) + n \/ misses (mm s) (Pr i) FR k.
Proof. exact (found_no_room N most producers room s reached i f t n k). Qed.
End Many_producers.

(* It happens: a record was pushed, and a poll may still find nothing. *)
Section Late.
Import Spsc SpscFacts Linear Run NotVacuous.
Theorem empty_may_be_late : exists s q h k, reach 8 2 (4 * 8) small_enc small_dec shipped s /\ cc s = Idle q h /\
  can_read (mm s) C (word 8 (cursor q)) k /\
  readable 2 (4 * 8) small_dec q (val (hist (mm s) (word 8 (cursor q)) k)) = false /\ ~ is_empty (queue_of s).
Proof.
  pose (l := up 0 ++ arrive ++ push [5]).
  assert (X : option_map (fun s => (match cc s with Idle q nil => Some (cursor q, length (done s)) | _ => None end, log s,
      ts (tv (mm s) C) (D 0), 0 <? len (mm s) (D 0), val (hist (mm s) (D 0) 0)))
    (run 8 2 (4 * 8) small_enc small_dec shipped l (init none)) = Some (Some (0, 0), [[5]], 0, true, 0)) by (vm_compute; reflexivity).
  destruct (run 8 2 (4 * 8) small_enc small_dec shipped l (init none)) as [s|] eqn:E; [|discriminate X].
  assert (R : reach 8 2 (4 * 8) small_enc small_dec shipped s) by (eapply run_ok; [apply r0|exact E]).
  clear E. injection X as X1 X2 X3 X4 X5. destruct (cc s) as [| | |q [|]| | | |] eqn:F; try discriminate X1.
  injection X1 as X1 X6. exists s, q, nil, 0. apply Nat.ltb_lt in X4. unfold queue_of. rewrite F, X1, X2. cbn [held].
  rewrite app_nil_r, X6. change (word 8 0) with (D 0). rewrite X5. split; auto. split; auto. split; [split; [lia|auto]|].
  split; [unfold readable; rewrite X1; reflexivity|discriminate].
Qed.
End Late.
