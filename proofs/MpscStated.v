(* What TheoremsMpsc.v states of many producers' data, drawn from the invariant. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscClaims MpscKnown MpscFacts MpscData MpscHolds.

Definition held (c : consumer) := match c with
  | Nobody | Attach _ | Redo _ _ => nil
  | Idle _ _ _ h | Take _ _ _ h _ _ | Zero _ _ _ h | Hand _ _ h | Rest _ _ h | Blank _ _ _ h
  | Ask _ _ _ h _ _ | Doubt _ _ _ h _ _ | Again _ _ _ h _ | Scan _ _ _ h _ _ => h end.

Section Stated.
Variables N most producers : nat.
Hypothesis Npos : 0 < N.
Variable s : st.
Hypothesis reached : reach N most producers shipped s.
Notation word := (word N). Notation cell := (cell N).

Lemma race_free : race (mm s) = false.
Proof. destruct (inv_reach N most producers Npos s reached) as [_ [_ [H _]]]. apply (d_race _ _ _ _ _ H). Qed.

(* Passed, all of them ended. *)
Lemma passed_ended m cl a b : cl = a ++ b -> below m cl (extent a) -> (forall p x, at_pos cl p x -> 0 < words x) ->
  forall x, In x a -> what x <> Live.
Proof.
  intros E B Wp x I Lv. apply in_split in I. destruct I as [a1 [a2 ->]].
  assert (A : at_pos cl (extent a1) x) by (exists a1, (a2 ++ b); rewrite E, <- app_assoc; auto).
  pose proof (Wp _ _ A). destruct (B _ _ A) as [t [F _]]; [rewrite extent_app; simpl; lia|].
  unfold finished in F. rewrite Lv in F. discriminate.
Qed.
Lemma in_order : exists passed rest, claims s = passed ++ rest /\
  done s ++ held (cc s) = pays passed /\ forall x, In x passed -> what x <> Live.
Proof.
  destruct (inv_reach N most producers Npos s reached) as [[K _] [_ [H [[A1 [A2 [A3 A4]]] _]]]].
  assert (Wp : forall p x, at_pos (claims s) p x -> 0 < words x) by (intros p x A; apply (a_own _ _ _ _ _ K p x A)).
  assert (X : forall c h, split_at (claims s) c (done s ++ h) -> below (mm s) (claims s) c ->
    exists a b, claims s = a ++ b /\ done s ++ h = pays a /\ forall x, In x a -> what x <> Live).
  { intros c h [a [b [E [L P]]]] B. exists a, b. split; auto. split; auto. subst c. eapply passed_ended; eauto. }
  assert (Y : forall c r f h, standing (mm s) (claims s) (done s) c r f h ->
    exists a b, claims s = a ++ b /\ done s ++ h = pays a /\ forall x, In x a -> what x <> Live).
  { intros c r f h [_ [_ [_ [B4 B5]]]]. eapply X; eauto. }
  assert (Z : done s ++ nil = done s) by apply app_nil_r.
  destruct (cc s); cbn [held].
  1-3: apply (X (last (mm s) RM)); rewrite ?Z; auto.
  all: try (destruct A4 as [St _]; eapply Y; eauto; fail); eapply Y; eauto.
Qed.
Lemma read_committed c r f h n got : cc s = Take c r f h n got -> exists x t y,
  at_pos (claims s) c x /\ what x = Came t y /\ n = length y /\ got = firstn (length got) y.
Proof.
  intros E. destruct (inv_reach N most producers Npos s reached) as [_ [_ [_ [[_ [_ [_ A4]]] _]]]]. rewrite E in A4.
  destruct A4 as [_ [x [t [y [X1 [X2 [_ [X4 [X5 _]]]]]]]]]. exists x, t, y. auto.
Qed.
Lemma unread_stands p x t y : at_pos (claims s) p x -> what x = Came t y -> last (mm s) RM <= p ->
  words x = size y /\ last (mm s) (word p) = committed (words x) /\
  forall i, i < length y -> last (mm s) (cell p i) = nth i y 0.
Proof.
  intros A W R. destruct (inv_reach N most producers Npos s reached) as [_ [_ [H _]]].
  pose proof (d_val _ _ _ _ _ H p x A R) as G. specialize (G ltac:(discriminate)). unfold good in G. rewrite W in G.
  destruct G as [G1 [G2 G3]]. split; auto. split; auto. destruct G2 as [[G2 _]|[[G2 _] _]]; exact G2.
Qed.
Lemma free_is_zero q : extent (claims s) <= q -> q < last (mm s) FR + N -> last (mm s) (word q) = 0.
Proof.
  intros L1 L2. destruct (inv_reach N most producers Npos s reached) as [_ [_ [H _]]]. apply (d_free _ _ _ _ _ H q L1 L2).
Qed.
Lemma bounded : last (mm s) FR <= last (mm s) RM /\ last (mm s) RM <= extent (claims s) /\ extent (claims s) <= last (mm s) FR + N.
Proof.
  destruct (inv_reach N most producers Npos s reached) as [_ [_ [H [[A1 _] _]]]]. split; [apply (d_rm _ _ _ _ _ H)|].
  split; [|apply (d_cap _ _ _ _ _ H)]. destruct A1 as [a [b [E [X _]]]]. rewrite E, extent_app. lia.
Qed.
Lemma takeable c r f h x t y : cc s = Idle c r f h -> at_pos (claims s) c x -> what x = Came t y ->
  exists k, can_read (mm s) Co (word c) k /\ val (hist (mm s) (word c) k) = committed (size y).
Proof.
  intros E A W. destruct (inv_reach N most producers Npos s reached) as [[K _] [_ [H [[_ [_ [_ A4]]] _]]]]. rewrite E in A4.
  destruct A4 as [B1 [_ [B3 _]]]. subst r. destruct (unread_stands c x t y A W B3) as [G1 [G2 _]].
  pose proof (a_sane _ _ _ _ _ K) as Sn. pose proof (sn_len Sn (word c)) as PL.
  pose proof (sn_ts Sn (v := tv (mm s) Co) (or_introl (ex_intro _ Co eq_refl)) (word c)) as Ts.
  exists (len (mm s) (word c) - 1). split; [split; lia|]. rewrite <- G1. exact G2.
Qed.
End Stated.
