(* What is proved of the ring of many producers. Read Machine.v (the first 85 lines) and Mpsc.v first. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscClaims MpscKnown MpscFacts MpscData MpscStated MpscClosed MpscLinear.

Section Many_producers.
Variables N most producers : nat.            (* capacity, largest payload in words; how many producers *)
Hypothesis room : 0 < N.
Variable s : st.
Hypothesis reached : reach N most producers shipped s.

(* No two accesses to a word, of which one is plain and one writes, are unordered. *)
Theorem no_data_race_of_many : race (mm s) = false.
Proof. exact (race_free N most producers room s reached). Qed.

(* What was released, then what is held, is what was committed of a prefix of the claims, in their
   order: none of it is missing, none comes twice but what a dead consumer held. Those of the prefix
   that gave nothing were aborted, or left by a producer that died before it committed. *)
Theorem read_in_the_order_of_claims : exists passed rest, claims s = passed ++ rest /\
  done s ++ held (cc s) = pays passed /\ forall x, In x passed -> what x <> Live.
Proof. exact (in_order N most producers room s reached). Qed.

(* What is being read is committed, word by word. *)
Theorem nothing_uncommitted_is_read_of_many c r f h n got : cc s = Take c r f h n got -> exists x t y,
  at_pos (claims s) c x /\ what x = Came t y /\ n = length y /\ got = firstn (length got) y.
Proof. exact (read_committed N most producers room s reached c r f h n got). Qed.

(* What is committed and not released stands in memory as it was written: a view reads the same. *)
Theorem nothing_unread_is_overwritten_of_many p x t y :
  at_pos (claims s) p x -> what x = Came t y -> last (mm s) RM <= p ->
  words x = size y /\ last (mm s) (word N p) = committed (words x) /\
  forall i, i < length y -> last (mm s) (cell N p i) = nth i y 0.
Proof. exact (unread_stands N most producers room s reached p x t y). Qed.

(* A consumer that polls can take the claim at its cursor, if it is committed. *)
Theorem nothing_committed_is_hidden_of_many c r f h x t y :
  cc s = Idle c r f h -> at_pos (claims s) c x -> what x = Came t y ->
  exists k, can_read (mm s) Co (word N c) k /\ val (hist (mm s) (word N c) k) = committed (size y).
Proof. exact (takeable N most producers room s reached c r f h x t y). Qed.

(* Space that may be claimed is zero; no more is claimed than a capacity past what was freed. *)
Theorem free_space_is_zero q : extent (claims s) <= q -> q < last (mm s) FR + N -> last (mm s) (word N q) = 0.
Proof. exact (free_is_zero N most producers room s reached q). Qed.
Theorem never_more_than_fits_of_many : last (mm s) FR <= last (mm s) RM /\
  last (mm s) RM <= extent (claims s) /\ extent (claims s) <= last (mm s) FR + N.
Proof. exact (bounded N most producers room s reached). Qed.

(* Claims tile the positions: write_pos is where they end, and no two share a position. *)
Theorem claims_tile :
  last (mm s) WP = extent (claims s) /\
  (forall p x, at_pos (claims s) p x -> 0 < words x /\ p + words x <= extent (claims s)) /\
  (forall p x q y, at_pos (claims s) p x -> at_pos (claims s) q y -> p <= q ->
     p = q /\ x = y \/ p + words x <= q).
Proof. exact (tiles N most producers s reached). Qed.

(* A claim is live as long as its producer lives and works on it, and no longer. *)
Theorem a_live_claim_is_its_producers p x : at_pos (claims s) p x -> what x = Live ->
  alive s (own x) = true /\ opens (pp s (own x)) p (words x).
Proof. exact (lives N most producers s reached p x). Qed.

(* When recovery has asked all, no claim below T is live, however slow its producer: all were
   committed, aborted, or left by the dead. And the consumer knows all that those producers did. *)
Theorem recovery_waits_for_the_living c r f h T : (cc s = Again c r f h T \/ exists q, cc s = Scan c r f h T q) ->
  forall p x, at_pos (claims s) p x -> p < T ->
    what x <> Live /\ exists t, finished x = Some t /\ t <= ck (tv (mm s) Co) (Pr (own x)).
Proof. exact (waits N most producers s reached c r f h T). Qed.

(* `closed` rests on a roll call: of each owner word the consumer has read a message that is not
   `attached`. All that its producer had claimed when it stored that lies behind the cursor: it was
   delivered, if it was committed. *)
Theorem closed_comes_last_of_many ks : roll s = Ended ks -> exists passed rest, claims s = passed ++ rest /\
  done s ++ held (cc s) = pays passed /\ (forall x, In x passed -> what x <> Live) /\
  length ks = producers /\ forall i k, nth_error ks i = Some k -> k < len (mm s) (Own i) /\ val (hist (mm s) (Own i) k) <> 1 /\
    forall p x, before_said s i k p x -> p + words x <= extent passed.
Proof. exact (closed_last N most producers room s reached ks). Qed.

(* And if no owner word has changed since, all that was ever committed was delivered. *)
Theorem closed_only_after_everything_committed_was_delivered ks : roll s = Ended ks ->
  (forall i k, nth_error ks i = Some k -> k = len (mm s) (Own i) - 1) -> done s ++ held (cc s) = pays (claims s).
Proof. exact (closed_all N most producers room s reached ks). Qed.

(* It is a queue of places, in the order of claims, bounded as above: each step is one of the queue's
   (MpscLinear.v, `qstep`), or none. A place is taken at the exchange of write_pos, filled at the commit or
   given up; a pop takes effect at the load of a header that says `committed`. *)
Theorem each_step_is_the_queues_of_many s' : step N most producers shipped s s' ->
  queue_of s' = queue_of s \/ qstep (queue_of s) (queue_of s').
Proof. exact (fifo N most producers room s s' reached). Qed.

(* Recovery ends: from each of its steps this measure falls, until the consumer is idle again. *)
Definition recovery_left (c : consumer) := match c with
  | Ask _ _ _ _ T i => 2 * (producers - i) + T + 4 | Doubt _ _ _ _ T i => 2 * (producers - i) + T + 3
  | Again _ _ _ _ T => T + 2 | Scan _ _ _ _ T q => T - q + 1 | _ => 0 end.
Theorem recovery_ends m al c d m' c' d' : cstep N producers shipped al m c d m' c' d' ->
  0 < recovery_left c -> recovery_left c' < recovery_left c.
Proof. exact (recovers N producers m al c d m' c' d'). Qed.
End Many_producers.
