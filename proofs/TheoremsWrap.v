(* Many producers' steps compare positions that grow for ever; the C++ compares them modulo W, in words
   2^61. Each comparison says the same, as long as no producer sleeps while W less a capacity go by:
   what it knew of `freed` and of write_pos is no older than that. Of the consumer nothing
   is asked, but that an announcement is no more than half of W away. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc Mpsc MpscClaims MpscKnown MpscData MpscHolds MpscStated MpscProgress.

Section Wrap.
Variables W N most producers : nat.
Hypothesis room : 0 < N.
Hypothesis wide : 4 * N <= W.
Notation dist := (Spsc.dist W). Notation is_before := (Spsc.is_before W).

Lemma dist_forward a b : b <= a < b + W -> dist a b = a - b.
Proof.
  intros L. unfold Spsc.dist. pose proof (Nat.mod_upper_bound a W). pose proof (Nat.mod_upper_bound b W).
  pose proof (Nat.div_mod a W). pose proof (Nat.div_mod b W).
  assert (Q : a / W = b / W \/ a / W = S (b / W)).
  { assert (b / W <= a / W) by (apply Nat.div_le_mono; lia).
    assert (a / W <= (b + 1 * W) / W) by (apply Nat.div_le_mono; lia). rewrite Nat.div_add in * by lia. lia. }
  destruct Q as [Q|Q]; rewrite Q in *.
  - replace (a mod W + (W - b mod W)) with (a - b + 1 * W) by nia. rewrite Nat.mod_add by lia. apply Nat.mod_small. lia.
  - replace (a mod W + (W - b mod W)) with (a - b) by nia. apply Nat.mod_small. lia.
Qed.
Lemma dist_back a b : a < b < a + W -> dist a b = W - (b - a).
Proof.
  intros L. assert (E : dist (a + W) b = dist a b).
  { unfold Spsc.dist. replace (a + W) with (a + 1 * W) by lia. rewrite Nat.mod_add by lia. reflexivity. }
  rewrite <- E, dist_forward by lia. lia.
Qed.

(* The sign of a difference: announcements below T, and whatever else is at most half of W away. *)
Theorem before_wraps a b : a < b + W / 2 -> b < a + W / 2 -> is_before a b = (a <? b).
Proof.
  intros A B. pose proof (Nat.div_mod W 2). pose proof (Nat.mod_upper_bound W 2). unfold Spsc.is_before.
  destruct (Nat.ltb_spec a b); [rewrite dist_back by lia; apply Nat.leb_le|rewrite dist_forward by lia; apply Nat.leb_gt]; lia.
Qed.

Variable s : Mpsc.st.
Hypothesis reached : Mpsc.reach N most producers Mpsc.shipped s.
Definition end_of := extent (claims s).              (* write_pos *)

Lemma known_positions i f t n : (Mpsc.pp s i = Try f t n \/ Mpsc.pp s i = Said f t n) -> f <= end_of /\ t <= end_of.
Proof.
  intros P. destruct (pinv_reach N most producers room s reached) as [[_ Se] _].
  destruct (MpscHolds.inv_reach N most producers room s reached) as [[K _] [_ [H _]]].
  destruct (Se i f t n P) as [k [_ [K2 K3]]]. pose proof (a_wps _ _ _ _ _ K k K2).
  destruct (d_pr _ _ _ _ _ H i f) as [_ X]; [destruct P as [P|P]; rewrite P; reflexivity|].
  pose proof (bounded N most producers room s reached). unfold end_of. lia.
Qed.

(* Whether n words at t have room; whether the exchange finds the position that it expects. *)
Theorem room_wraps i f t n : Mpsc.pp s i = Try f t n -> end_of < f + (W - N) -> end_of < t + (W - N) ->
  (f <= t /\ t + n <= f + N) <-> (dist t f <= N /\ dist t f + n <= N).
Proof.
  intros P A B. destruct (known_positions i f t n (or_introl P)). destruct (le_lt_dec f t).
  - rewrite dist_forward by lia. lia.
  - rewrite dist_back by lia. lia.
Qed.
Theorem exchange_wraps i f t n : Mpsc.pp s i = Said f t n -> end_of < t + (W - N) ->
  (Machine.last (Mpsc.mm s) Mpsc.WP = t <-> Machine.last (Mpsc.mm s) Mpsc.WP mod W = t mod W).
Proof.
  intros P B. destruct (known_positions i f t n (or_intror P)).
  destruct (MpscHolds.inv_reach N most producers room s reached) as [[K _] _]. pose proof (a_wp _ _ _ _ _ K) as E.
  unfold end_of in *. split; [intros ->; auto|]. intros M. symmetry. apply (mod_same W); lia.
Qed.

(* Whether a lap is read and not released; whether all is read up to write_pos. *)
Theorem unreleased_wraps c r f h : Mpsc.cc s = Mpsc.Idle c r f h -> (c - f <? N) = (dist c f <? N).
Proof.
  intros E. destruct (MpscHolds.inv_reach N most producers room s reached) as [_ [_ [H [[_ [_ [_ A4]]] _]]]]. rewrite E in A4.
  destruct A4 as [-> [-> [Le [[a [b [Ec [X _]]]] _]]]]. pose proof (bounded N most producers room s reached) as B.
  rewrite Ec, extent_app, X in B. rewrite dist_forward by lia. reflexivity.
Qed.
Theorem examined_wraps c r f h k : Mpsc.cc s = Mpsc.Idle c r f h -> k < Machine.len (Mpsc.mm s) Mpsc.WP ->
  let T := Machine.val (Machine.hist (Mpsc.mm s) Mpsc.WP k) in c <= T -> (c =? T) = (c mod W =? T mod W).
Proof.
  intros E K T L. destruct (MpscHolds.inv_reach N most producers room s reached) as [[Kn _] [_ [H [[_ [_ [_ A4]]] _]]]]. rewrite E in A4.
  destruct A4 as [-> [-> [Le _]]]. pose proof (bounded N most producers room s reached) as B. pose proof (a_wps _ _ _ _ _ Kn k K).
  subst T. destruct (Nat.eqb_spec c (val (hist (mm s) WP k))) as [X|X]; [rewrite <- X; symmetry; apply Nat.eqb_refl|].
  symmetry. apply Nat.eqb_neq. intros M. apply X. apply (mod_same W); auto; lia.
Qed.
End Wrap.
