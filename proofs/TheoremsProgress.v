(* Which operations wait for nobody, and which do. Read Mpsc.v and Spsc.v first: a step is one access of
   one role, or none. A schedule decides who steps; no theorem here needs it to be fair. The measures
   steps_of_... stand at the heads of MpscProgress.v and SpscProgress.v. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Mpsc MpscClaims MpscKnown MpscRun MpscWitness MpscProgress.
From Annulus Require Spsc SpscProgress.

Section Progress.
Variables N most producers : nat.            (* as in TheoremsMpsc.v *)
Hypothesis room : 0 < N.
Variable s : st.
Hypothesis reached : reach N most producers shipped s.

(* Stamp, fill, commit, abort and settle are wait-free, of a batch too: with a claim open, a producer
   can always step, and each of its steps lowers this measure, whatever the others do. *)
Theorem an_open_claim_can_go_on i : 0 < steps_of_a_claim (pp s i) ->
  exists m p l, pstep N most producers shipped i (mm s) (pp s i) (claims s) m p l.
Proof. exact (claim_moves N most producers room s reached i). Qed.
Theorem an_open_claim_ends_in_own_steps i m p l m' p' l' : pstep N most producers shipped i m p l m' p' l' ->
  0 < steps_of_a_claim p -> steps_of_a_claim p' < steps_of_a_claim p.
Proof. exact (claim_falls N most producers i m p l m' p' l'). Qed.

(* A claim is lock-free: its exchange wins, or it fails and has seen a write_pos that other claims
   moved, so it never fails more often than claims are won meanwhile. *)
Theorem a_failed_exchange_means_that_others_won i f t n m p l : pp s i = Said f t n ->
  pstep N most producers shipped i (mm s) (pp s i) (claims s) m p l ->
  (exists t', p = Try f t' n /\ l = claims s /\ t < t' <= extent (claims s)) \/
  (p = Won f t n /\ l = claims s ++ [Claim n i Live]).
Proof. exact (fails_forward N most producers room s reached i f t n m p l). Qed.
(* Nor does looking at write_pos again lead back. *)
Theorem a_claim_aims_no_lower i f t n k : pp s i = Try f t n -> can_read (mm s) (Pr i) WP k ->
  t <= val (hist (mm s) WP k) <= extent (claims s).
Proof. intros P C. apply (retry_sees_more N most producers room s reached i f t n k (or_intror P) C). Qed.

(* The consumer's calls are wait-free, each round of a closer look one: begun, it can always step, each
   step lowers this measure, and it is linear in the capacity and the number of producers. *)
Theorem a_call_of_the_consumer_can_go_on : 0 < steps_of_a_call producers (cc s) ->
  exists m c d, cstep N producers shipped (alive s) (mm s) (cc s) (done s) m c d.
Proof. exact (call_moves N most producers room s reached). Qed.
Theorem a_call_of_the_consumer_ends_in_own_steps al m c d m' c' d' : cstep N producers shipped al m c d m' c' d' ->
  0 < steps_of_a_call producers c -> steps_of_a_call producers c' < steps_of_a_call producers c.
Proof. exact (call_falls N producers al m c d m' c' d'). Qed.
Theorem a_call_of_the_consumer_is_short : steps_of_a_call producers (cc s) <= 2 * producers + N + 8.
Proof. exact (call_short N most producers room s reached). Qed.

(* A poll is a round for each claim that it passes. No step leads the cursor back, and it is never more
   than a capacity past what was freed: so between two releases there are no more rounds than words. *)
Theorem a_cursor_stays_within_a_capacity c : cursor_of (cc s) = Some c -> c <= last (mm s) FR + N.
Proof. exact (cursor_within N most producers room s reached c). Qed.
Theorem a_cursor_never_goes_back m k d c c' : cstep N producers shipped (alive s) (mm s) (cc s) (done s) m k d ->
  cursor_of (cc s) = Some c -> cursor_of k = Some c' -> c <= c'.
Proof. exact (cursor_climbs N most producers room s reached m k d c c'). Qed.

(* A roll call is wait-free: it asks each producer once, and nothing but another call lengthens it. *)
Theorem a_roll_call_can_go_on c r f h a b ks : cc s = Idle c r f h -> roll s = Asking a b ks -> exists s',
  step N most producers shipped s s' /\ cc s' = cc s /\ steps_of_a_roll producers (roll s') < steps_of_a_roll producers (roll s).
Proof. exact (roll_moves N most producers room s reached c r f h a b ks). Qed.
Theorem a_roll_call_grows_no_longer s' : step N most producers shipped s s' ->
  steps_of_a_roll producers (roll s') <= steps_of_a_roll producers (roll s) \/ roll s' = Asking false false nil.
Proof. exact (roll_falls N most producers s s'). Qed.

(* The ring is blocking in this: no cursor passes a live claim, so what is committed behind it waits. *)
Theorem a_live_claim_holds_up_what_is_behind p x c : at_pos (claims s) p x -> what x = Live ->
  cursor_of (cc s) = Some c -> c <= p.
Proof. exact (live_is_ahead N most producers room s reached p x c). Qed.
End Progress.

(* It does happen: a committed message behind a live claim, and a consumer that has asked for it. *)
Theorem not_vacuous_of_progress : exists s, reach 8 2 2 shipped s /\ pays (claims s) = [[6]] /\
  cc s = Idle 0 0 0 [] /\ exists x, at_pos (claims s) 0 x /\ what x = Live.
Proof.
  pose (l := arrives 0 ++ arrives 1 ++ claims_at 0 2 0 ++ push 1 [6] 1 ++ comes ++
    [Consumer (Examine 2); Consumer (Asks 2); Consumer Alive]).
  assert (X : match run 8 2 2 shipped l init with
    | Some s => pays (claims s) = [[6]] /\ cc s = Idle 0 0 0 [] /\ hd_error (claims s) = Some (Claim 2 0 Live)
    | None => False end) by (vm_compute; auto).
  destruct (run 8 2 2 shipped l init) as [s|] eqn:E; [|contradiction]. destruct X as [X1 [X2 X3]].
  exists s. split; [eapply run_ok; [apply r0|exact E]|]. split; [exact X1|]. split; [exact X2|].
  exists (Claim 2 0 Live). split; auto. destruct (claims s) as [|y r]; [discriminate|]. injection X3 as ->.
  exists nil, r. auto.
Qed.

(* One producer. Once room was found a record is filled, and a batch committed, in so many own steps;
   others' steps leave it where it is. A record is read in so many, a word taken over in one. *)
Section One_producer.
Import Spsc SpscProgress.
Variables N most W : nat.                    (* as in Theorems.v *)
Variable enc : nat -> nat -> nat.
Variable dec : nat -> nat -> option nat.
Hypothesis room : most + 2 <= N.
Hypothesis wide : 4 * N <= W.
Hypothesis codes : encoding most enc dec.
Variable s : st.
Hypothesis reached : reach N most W enc dec shipped s.
Notation step := (step N most W enc dec shipped).

Theorem a_push_can_go_on : 0 < steps_of_a_push (pp s) ->
  exists s', step s s' /\ pp s' <> Away /\ steps_of_a_push (pp s') < steps_of_a_push (pp s).
Proof. exact (push_moves N most W enc dec room wide codes s reached). Qed.
Theorem a_push_ends_in_own_steps s' : step s s' -> 0 < steps_of_a_push (pp s) ->
  pp s' = pp s \/ steps_of_a_push (pp s') < steps_of_a_push (pp s).
Proof. exact (push_falls N most W enc dec room wide codes s s' reached). Qed.
Theorem a_read_can_go_on : 0 < steps_of_a_read (cc s) ->
  exists s', step s s' /\ cc s' <> Nobody /\ steps_of_a_read (cc s') < steps_of_a_read (cc s).
Proof. exact (read_moves N most W enc dec room wide codes s reached). Qed.
Theorem a_read_ends_in_own_steps s' : step s s' -> 0 < steps_of_a_read (cc s) ->
  cc s' = cc s \/ steps_of_a_read (cc s') < steps_of_a_read (cc s).
Proof. exact (read_falls N most W enc dec room wide s s'). Qed.
Theorem both_are_short : steps_of_a_push (pp s) <= 2 * most + 2 /\ steps_of_a_read (cc s) <= most + 1.
Proof.
  split; [exact (push_short N most W enc dec room wide codes s reached)|exact (read_short N most W enc dec room wide codes s reached)].
Qed.
End One_producer.
