(* Progress of the ring of one producer: what TheoremsProgress.v states of it. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc SpscInvariant SpscConsumer SpscFacts.

(* Own steps until the record is filled, or the batch committed, or the end told once more, at most. *)
Definition steps_of_a_push (p : producer) := match p with
  | Fill _ _ _ x i => 2 * length x - i + 1 | Commit _ _ (_ :: _) => 2 | Copy _ _ | Full _ _ _ => 1 | _ => 0 end.
(* Own steps until the record is delivered, or a word is taken over, at most. *)
Definition steps_of_a_read (c : consumer) := match c with
  | Take _ _ n got => n - length got + 1 | Over _ _ _ _ => 1 | _ => 0 end.

Section Progress.
Variables N most W : nat.
Variable enc : nat -> nat -> nat.
Variable dec : nat -> nat -> option nat.
Hypothesis fits : most + 2 <= N.
Hypothesis wide : 4 * N <= W.
Hypothesis codes : encoding most enc dec.
Notation reach := (reach N most W enc dec shipped). Notation step := (step N most W enc dec shipped).

Lemma push_falls s s' : reach s -> step s s' -> 0 < steps_of_a_push (pp s) ->
  pp s' = pp s \/ steps_of_a_push (pp s') < steps_of_a_push (pp s).
Proof.
  intros R Hs. destruct (inv_reach N most W enc dec fits wide codes s R) as [tau [_ [_ [HP _]]]].
  destruct Hs; cbn [pp steps_of_a_push]; rewrite ?firstn_length; intros L; auto; right; try lia.
  destruct HP as [_ [Le _]]. lia.
Qed.
Lemma read_falls s s' : step s s' -> 0 < steps_of_a_read (cc s) ->
  cc s' = cc s \/ steps_of_a_read (cc s') < steps_of_a_read (cc s).
Proof.
  intros Hs. destruct Hs; cbn [cc steps_of_a_read]; rewrite ?app_length; cbn [length]; intros L; auto; try (right; lia);
    try (left; reflexivity); repeat match goal with |- context[match ?x with Some _ => St _ _ _ _ _ _ _ | None => _ end] => destruct x end; auto.
Qed.

Variable s : st.
Hypothesis reached : reach s.
Lemma push_moves : 0 < steps_of_a_push (pp s) -> exists s', step s s' /\ pp s' <> Away /\
  steps_of_a_push (pp s') < steps_of_a_push (pp s).
Proof.
  destruct (inv_reach N most W enc dec fits wide codes s reached) as [tau [_ [_ [HP _]]]].
  destruct s as [m p c g d e z]. cbn [pp mm log] in *. destruct p as [| | | | | | | |? ? ?|f w bs x i|f w bs|f w|f w bs|]; cbn [steps_of_a_push]; intros L; try lia.
  - destruct HP as [_ [Le _]]. destruct (Nat.eq_dec i (length x)) as [->|E].
    + destruct bs as [|b bs]; (eexists; split; [constructor|split; [discriminate|cbn [pp steps_of_a_push]; lia]]).
    + eexists. split; [apply Spsc.p_fill; lia|]. split; [discriminate|cbn [pp steps_of_a_push]; lia].
  - destruct bs as [|b bs]; [lia|]. eexists. split; [apply Spsc.p_commit|]. split; [discriminate|cbn [pp steps_of_a_push]; lia].
  - eexists. split; [apply Spsc.p_copy|]. split; [discriminate|cbn [pp steps_of_a_push]; lia].
  - eexists. split; [apply Spsc.p_full_tell|]. split; [discriminate|cbn [pp steps_of_a_push]; lia].
Qed.
Lemma push_short : steps_of_a_push (pp s) <= 2 * most + 2.
Proof.
  destruct (inv_reach N most W enc dec fits wide codes s reached) as [tau [_ [_ [HP _]]]].
  destruct s as [m p c g d e z]. cbn [pp mm log] in *. destruct p as [| | | | | | | |? ? ?|f w bs x i|f w [|b bs]|f w|f w bs|]; cbn [steps_of_a_push]; try lia. destruct HP as [_ [_ [Le _]]]. lia.
Qed.
Lemma read_moves : 0 < steps_of_a_read (cc s) -> exists s', step s s' /\ cc s' <> Nobody /\
  steps_of_a_read (cc s') < steps_of_a_read (cc s).
Proof.
  intros L. assert (T : forall q h n got, cc s = Take q h n got -> length got <= n).
  { intros q h n got E. destruct (taken N most W enc dec fits wide codes s reached q h n got E) as [_ [-> ->]]. rewrite firstn_length. lia. }
  destruct s as [m p c g d e z]. cbn [cc] in *. destruct c as [| | | |q h n got| |q h a v|]; cbn [steps_of_a_read] in *; try lia.
  - pose proof (T q h n got eq_refl). destruct (Nat.eq_dec (length got) n) as [<-|E].
    + eexists. split; [apply Spsc.c_deliver|]. split; [discriminate|cbn [cc steps_of_a_read]; lia].
    + eexists. split; [apply Spsc.c_word; [lia|reflexivity]|]. split; [discriminate|]. cbn [cc steps_of_a_read]. rewrite app_length. cbn [length]. lia.
  - eexists. split; [apply Spsc.c_over_store|]. split; [discriminate|cbn [cc steps_of_a_read]; lia].
Qed.
Lemma read_short : steps_of_a_read (cc s) <= most + 1.
Proof.
  destruct (cc s) as [| | | |q h n got| |q h a v|] eqn:E; cbn [steps_of_a_read]; try lia.
  destruct (next_stands N most W enc dec fits wide codes s reached q h) as [Rm _]; try (rewrite E; reflexivity);
    destruct (taken N most W enc dec fits wide codes s reached q h n got E) as [L [-> _]]; auto. lia.
Qed.
End Progress.
