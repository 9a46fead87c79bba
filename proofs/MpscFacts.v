(* What TheoremsMpsc.v states of many producers' claims, drawn from the invariant. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscClaims MpscKnown.

Lemma at_pos_apart l : (forall p x, at_pos l p x -> 0 < words x) ->
  forall p x q y, at_pos l p x -> at_pos l q y -> p <= q -> p = q /\ x = y \/ p + words x <= q.
Proof.
  induction l as [|z l IH] using rev_ind; intros W p x q y A B L.
  { destruct A as [a [b [E _]]]. destruct a; discriminate. }
  assert (W' : forall p x, at_pos l p x -> 0 < words x).
  { intros p' x' A'. apply (W p'). apply at_pos_snoc. auto. }
  apply at_pos_snoc in A. apply at_pos_snoc in B. destruct A as [A|[-> ->]], B as [B|[-> ->]]; auto.
  - right. apply (at_pos_end l p x A).
  - pose proof (at_pos_end l q y B). pose proof (W' q y B). lia.
Qed.

Section Facts.
Variables N most producers : nat.
Variable s : st.
Hypothesis reached : reach N most producers shipped s.

Lemma tiles : last (mm s) WP = extent (claims s) /\
  (forall p x, at_pos (claims s) p x -> 0 < words x /\ p + words x <= extent (claims s)) /\
  (forall p x q y, at_pos (claims s) p x -> at_pos (claims s) q y -> p <= q ->
     p = q /\ x = y \/ p + words x <= q).
Proof.
  destruct (inv_reach N most producers s reached) as [[k1 k2 k3 k4 k5 k6 k7 k8 k9 k10] _].
  split; auto. split; [|apply at_pos_apart; intros p x A; apply (k4 p x A)].
  intros p x A. split; [apply (k4 p x A)|apply at_pos_end; auto].
Qed.
Lemma lives p x : at_pos (claims s) p x -> what x = Live -> alive s (own x) = true /\ opens (pp s (own x)) p (words x).
Proof.
  intros A W. destruct (inv_reach N most producers s reached) as [[k1 k2 k3 k4 k5 k6 k7 k8 k9 k10] _].
  specialize (k5 p x A W). split; auto. destruct (alive s (own x)) eqn:E; auto. rewrite (k6 _ E) in k5. destruct k5.
Qed.
Lemma waits c r f h T : (cc s = Again c r f h T \/ exists q, cc s = Scan c r f h T q) ->
  forall p x, at_pos (claims s) p x -> p < T ->
    what x <> Live /\ exists t, finished x = Some t /\ t <= ck (tv (mm s) Co) (Pr (own x)).
Proof.
  intros E p x A L. destruct (inv_reach N most producers s reached) as [[k1 k2 k3 k4 k5 k6 k7 k8 k9 k10] As].
  assert (S : settled (mm s) (claims s) T producers) by (destruct E as [E|[q E]]; rewrite E in As; apply As).
  destruct (S p x A L) as [t [F1 F2]]; [apply (k4 p x A)|]. split; [|eauto].
  intros W. unfold finished in F1. rewrite W in F1. discriminate.
Qed.
End Facts.

Definition left_to_do producers (c : consumer) := match c with
  | Ask _ _ _ _ T i => 2 * (producers - i) + T + 4 | Doubt _ _ _ _ T i => 2 * (producers - i) + T + 3
  | Again _ _ _ _ T => T + 2 | Scan _ _ _ _ T q => T - q + 1 | _ => 0 end.
Lemma recovers N producers m al c d m' c' d' : cstep N producers shipped al m c d m' c' d' ->
  0 < left_to_do producers c -> left_to_do producers c' < left_to_do producers c.
Proof.
  intros Hs. destruct Hs; unfold scanned; cbn [left_to_do]; intros L; try lia.
  - destruct (v =? 0); cbn [left_to_do]; [lia|]. destruct (state_of v =? 1); cbn [left_to_do]; lia.
  - destruct (v =? 0); cbn [left_to_do]; [lia|]. destruct (c =? f); cbn [left_to_do]; lia.
  - destruct (c =? f); cbn [left_to_do]; lia.
Qed.
