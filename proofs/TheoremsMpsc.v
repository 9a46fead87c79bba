(* What is proved of the ring of many producers. Read Machine.v (the first 85 lines) and Mpsc.v first. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscClaims MpscKnown MpscFacts.

Section Many_producers.
Variables N most producers : nat.            (* capacity, largest payload in words; how many producers *)
Variable s : st.
Hypothesis reached : reach N most producers shipped s.

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

(* Recovery ends: from each of its steps this measure falls, until the consumer is idle again. *)
Definition recovery_left (c : consumer) := match c with
  | Ask _ _ _ _ T i => producers - i + T + 3 | Again _ _ _ _ T => T + 2 | Scan _ _ _ _ T q => T - q + 1 | _ => 0 end.
Theorem recovery_ends m al c d m' c' d' : cstep N producers shipped al m c d m' c' d' ->
  0 < recovery_left c -> recovery_left c' < recovery_left c.
Proof. exact (recovers N producers m al c d m' c' d'). Qed.
End Many_producers.
