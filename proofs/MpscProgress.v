(* Progress of many producers' ring, drawn from the invariant: what TheoremsProgress.v states. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscClaims MpscKnown MpscFacts MpscData MpscHolds MpscStated MpscRun MpscWitness.

(* Own steps until the open claim is settled, at most. *)
Definition steps_of_a_claim (p : producer) := match p with
  | Won _ _ n => 4 * n + 4
  | Fill _ _ n r b x i => 4 * (n - total b - r - size x) + (length x - i) + (if r =? 0 then 1 else 0) + 3
  | Ready _ _ n r b => 4 * (n - total b - r) + 2 | Settle _ => 1 | _ => 0 end.
(* Own steps until the consumer is idle, at most. *)
Definition steps_of_a_call producers (c : consumer) := match c with
  | Nobody | Attach _ | Idle _ _ _ _ => 0
  | Redo c e => c - e + 4
  | Take _ _ _ _ n got => n - length got + 1
  | Zero _ r q _ => r - q + 3 | Hand _ _ _ => 2 | Rest _ _ _ => 1 | Blank _ _ _ _ => 4
  | Ask c _ _ _ T i => 2 * (producers - i) + (T - c) + 8
  | Doubt c _ _ _ T i => 2 * (producers - i) + (T - c) + 7
  | Again c _ _ _ T => T - c + 6 | Scan _ _ _ _ T q => T - q + 5 end.
(* Own steps until the roll was called, at most. *)
Definition steps_of_a_roll producers (q : call) := match q with Asking _ _ ks => producers - length ks + 1 | _ => 0 end.

Section Progress.
Variables N most producers : nat.
Notation reach := (reach N most producers shipped). Notation step := (step N most producers shipped).
Notation pstep := (pstep N most producers shipped). Notation cstep := (cstep N producers shipped).

Lemma claim_falls i m p l m' p' l' : pstep i m p l m' p' l' -> 0 < steps_of_a_claim p -> steps_of_a_claim p' < steps_of_a_claim p.
Proof.
  intros Hs. destruct Hs; cbn [steps_of_a_claim total]; rewrite ?app_length, ?total_app; cbn [total length]; unfold size in *;
    try (destruct (r =? 0); lia); try lia.
  - cbn [Nat.eqb]. lia.
  - rewrite firstn_length_le by auto. cbn [Nat.eqb]. destruct (Nat.eqb_spec r 0); lia.
Qed.
Lemma call_falls al m c d m' c' d' : cstep al m c d m' c' d' -> 0 < steps_of_a_call producers c ->
  steps_of_a_call producers c' < steps_of_a_call producers c.
Proof.
  intros Hs. destruct Hs; unfold scanned; cbn [steps_of_a_call]; rewrite ?app_length; cbn [length]; intros L; try lia.
  - destruct (v =? 0); cbn [steps_of_a_call]; [lia|]. destruct (state_of v =? 1); cbn [steps_of_a_call]; lia.
  - destruct (v =? 0); cbn [steps_of_a_call]; [lia|]. destruct (c =? f); cbn [steps_of_a_call]; lia.
  - destruct (c =? f); cbn [steps_of_a_call]; lia.
Qed.
Lemma roll_falls s s' : step s s' -> steps_of_a_roll producers (roll s') <= steps_of_a_roll producers (roll s) \/
  roll s' = Asking false false nil.
Proof.
  intros Hs. destruct Hs; cbn [roll]; auto; left; cbn [steps_of_a_roll]; rewrite ?app_length; cbn [length]; try lia.
  - unfold answer. destruct (hands_back c || hands_back c'); [lia|]. destruct q; cbn [go_on steps_of_a_roll]; lia.
  - destruct (a && negb b); cbn [steps_of_a_roll]; lia.
Qed.
Lemma asked_few s : reach s -> match roll s with Asking _ _ ks => length ks <= producers | _ => True end.
Proof.
  induction 1 as [|s s' R IH Hs]; [exact I|]. destruct Hs; cbn [roll] in *; auto; try exact I.
  - unfold answer. destruct (hands_back c || hands_back c'); auto. destruct q; cbn [go_on]; auto.
  - apply Nat.le_0_l.
  - rewrite app_length. cbn [length]. unfold i in *. lia.
  - destruct (a && negb b); exact I.
Qed.

Hypothesis Npos : 0 < N.

(* ---- what a producer knows of write_pos ---- *)
Record aims (m : mem) (pp : nat -> producer) : Prop := {
  w_up : forall k k', k < k' < len m WP -> val (hist m WP k) < val (hist m WP k');
  w_seen : forall i f t n, (pp i = Try f t n \/ pp i = Said f t n) ->
    exists k, k <= ts (tv m (Pr i)) WP /\ k < len m WP /\ val (hist m WP k) = t }.
Definition asking (c : consumer) := match c with
  | Ask _ _ _ _ _ i => i <= producers | Doubt _ _ _ _ _ i => i < producers | _ => True end.
Definition pinv (s : st) := aims (mm s) (pp s) /\ asking (cc s).

Lemma aims_quiet m m' pp pp' : later m m' -> sane m -> len m' WP = len m WP ->
  (forall i f t n, (pp' i = Try f t n \/ pp' i = Said f t n) -> (exists f, pp i = Try f t n \/ pp i = Said f t n) \/
    exists k, k <= ts (tv m' (Pr i)) WP /\ k < len m WP /\ val (hist m WP k) = t) ->
  aims m pp -> aims m' pp'.
Proof.
  intros L Sn E P [U S]. constructor.
  - intros k k' K. rewrite E in K. rewrite !(l_val _ _ L) by lia. auto.
  - intros i f t n X. rewrite E. destruct (P i f t n X) as [[f' Y]|[k [A [B C]]]].
    + destruct (S i f' t n Y) as [k [A [B C]]]. exists k. split; [|split; auto; rewrite (l_val _ _ L); auto].
      etransitivity; [exact A|apply (l_ts _ _ L); auto].
    + exists k. split; auto. split; auto. rewrite (l_val _ _ L); auto.
Qed.
Lemma pinv_init : pinv init.
Proof. split; [constructor; simpl; [intros; lia|intros i f t n [X|X]; discriminate]|exact Logic.I]. Qed.

Ltac same := intros who f0 t0 n0 X; unfold upd in X; match type of X with
  (if Nat.eq_dec ?i ?j then _ else _) = _ \/ _ => destruct (Nat.eq_dec i j) as [<-|]; [|left; eauto] end.
Lemma pinv_step s s' : reach s -> pinv s -> step s s' -> pinv s'.
Proof.
  intros R [A B] Hs. destruct (MpscHolds.inv_reach N most producers Npos s R) as [[K _] _].
  pose proof (a_sane _ _ _ _ _ K) as Sn. destruct Hs; cbn [mm pp cc] in *.
  - split; auto. cbn [mm pp cc]. rename H1 into Hp. remember (p i) as was eqn:Eq. symmetry in Eq.
    assert (Rd : forall acq l k, can_read m (Pr i) l k -> let m1 := Machine.read loc_dec tid_dec (tids producers) atomic acq (Pr i) l k m in
      later m m1 /\ len m1 WP = len m WP) by (intros; split; [apply later_read; auto|reflexivity]).
    assert (Wr : forall na rel l x, l <> WP -> let m1 := Machine.write loc_dec tid_dec (tids producers) na rel (Pr i) l x m in
      later m m1 /\ len m1 WP = len m WP) by (intros; split; [apply later_write|apply write_len_ne; auto]).
    assert (Sees : forall acq k, can_read m (Pr i) WP k ->
      k <= ts (tv (Machine.read loc_dec tid_dec (tids producers) atomic acq (Pr i) WP k m) (Pr i)) WP).
    { intros acq k C. rewrite read_ts. cbv zeta. destruct (loc_dec WP WP); [|congruence]. destruct acq; lia. }
    destruct Hp;
      try (match goal with
        | C : can_read m (Pr i) ?l ?k |- aims (Machine.read _ _ _ _ ?acq _ _ _ _) _ =>
          destruct (Rd acq l k C) as [L1 L2]; apply (aims_quiet m _ p); auto; same; destruct X as [X|X]; try discriminate X;
          injection X; intros; subst; first [left; eauto; fail | right; exists k; split; [apply Sees; auto|split; [apply C|auto]]] end; fail);
      try (match goal with
        | |- aims (Machine.write _ _ _ ?na ?rel _ ?l ?x _) _ =>
          destruct (Wr na rel l x) as [L1 L2]; [discriminate|]; apply (aims_quiet m _ p); auto; same;
          destruct X as [X|X]; try discriminate X; injection X; intros; subst; left; eauto end; fail).
    1, 3, 4: apply (aims_quiet m m p); auto; [apply later_refl|]; same; destruct X as [X|X]; discriminate X.
    + (* claims *)
      destruct (a_said _ _ _ _ _ K i f t n Eq) as [Pn _]. pose proof (sn_len Sn WP) as PW.
      set (m1 := Machine.rmw loc_dec tid_dec (tids producers) false (claim_store shipped) (Pr i) WP (t + n) m).
      assert (L : later m m1) by (apply later_rmw; auto).
      assert (LW : len m1 WP = S (len m WP)) by (unfold m1; rewrite rmw_len; reflexivity).
      destruct (rmw_new (tids producers) false (claim_store shipped) (Pr i) WP (t + n) m PW) as [N1 _]. fold m1 in N1.
      destruct A as [U Se]. constructor.
      * intros k k' Kk. rewrite LW in Kk. destruct (Nat.eq_dec k' (len m WP)) as [->|E].
        -- rewrite N1, (l_val _ _ L) by lia. unfold last in H1. destruct (Nat.eq_dec k (len m WP - 1)) as [->|E]; [lia|].
           specialize (U k (len m WP - 1)). lia.
        -- rewrite !(l_val _ _ L) by lia. apply U. lia.
      * intros j f0 t0 n0 X. rewrite LW. assert (Y : p j = Try f0 t0 n0 \/ p j = Said f0 t0 n0).
        { unfold upd in X. destruct (Nat.eq_dec i j); auto. destruct X; discriminate. }
        destruct (Se j f0 t0 n0 Y) as [k [A1 [A2 A3]]]. exists k. split; [etransitivity; [exact A1|apply (l_ts _ _ L); auto]|].
        split; [lia|]. rewrite (l_val _ _ L); auto.
  - split; auto. cbn [mm pp cc]. apply (aims_quiet m m p); auto; [apply later_refl|]. same. destruct X as [X|X]; discriminate X.
  - split; auto. cbn [mm pp cc]. apply (aims_quiet m m p); auto; [apply later_refl|]. same. destruct X as [X|X]; discriminate X.
  - assert (L : later m m' /\ len m' WP = len m WP).
    { destruct H; try (split; [apply later_read; auto|reflexivity]); try (split; [apply later_write|apply write_len_ne; discriminate]);
        try (split; [apply later_refl|reflexivity]).
      - pose proof (sn_len Sn (Mpsc.cell N c (length got))).
        pose proof (sn_ts Sn (v := tv m Co) (or_introl (ex_intro _ Co eq_refl)) (Mpsc.cell N c (length got))). split; lia.
      - split; [apply later_learn|reflexivity]. }
    destruct L as [L E]. split; [apply (aims_quiet m m' p); auto; intros; left; eauto|].
    destruct H; unfold scanned; cbn [asking] in *; auto; try (exact Logic.I); try lia.
    + destruct (state_of v =? 2); [exact Logic.I|]. destruct (state_of v =? 3); exact Logic.I.
    + destruct (c =? T); cbn [asking]; [exact Logic.I|apply Nat.le_0_l].
    + destruct (v =? 0); [exact Logic.I|]. destruct (state_of v =? 1); exact Logic.I.
    + destruct (v =? 0); [exact Logic.I|]. destruct (c =? f); exact Logic.I.
    + destruct (c =? f); exact Logic.I.
  - split; auto. exact Logic.I.
  - split; auto. cbn [mm pp cc]. apply (aims_quiet m _ p); auto; [apply later_rmw; auto|]. same. destruct X as [X|X]; discriminate X.
  - split; auto. cbn [mm pp cc]. apply (aims_quiet m _ p); auto; [apply later_write|]. same. destruct X as [X|X]; discriminate X.
  - split; auto.
  - split; auto. cbn [mm pp cc]. apply (aims_quiet m _ p); auto; [apply later_read; auto|]. intros; left; eauto.
  - split; auto.
  - split; auto. cbn [mm pp cc]. apply (aims_quiet m _ p); auto; [apply later_read; auto|]. intros; left; eauto.
  - split; auto.
  - split; auto. cbn [mm pp cc]. apply (aims_quiet m _ p); auto; [apply later_read, newest_readable; auto|]. intros; left; eauto.
Qed.
Lemma pinv_reach s : reach s -> pinv s.
Proof. induction 1; [apply pinv_init|eapply pinv_step; eauto]. Qed.

Variable s : st.
Hypothesis reached : reach s.
Lemma newest t l : can_read (mm s) t l (len (mm s) l - 1).
Proof.
  destruct (MpscHolds.inv_reach N most producers Npos s reached) as [[K _] _]. pose proof (a_sane _ _ _ _ _ K) as Sn.
  pose proof (sn_ts Sn (v := tv (mm s) t) (or_introl (ex_intro _ t eq_refl)) l). pose proof (sn_len Sn l). split; lia.
Qed.
Lemma roll_moves c r f h a b ks : cc s = Idle c r f h -> roll s = Asking a b ks -> exists s', step s s' /\
  cc s' = cc s /\ steps_of_a_roll producers (roll s') < steps_of_a_roll producers (roll s).
Proof.
  intros E Q. pose proof (asked_few s reached) as L. rewrite Q in L. pose proof (newest Co (Own (length ks))) as R.
  destruct s as [m p al k l d e q]. cbn [cc roll mm] in *. subst k q. destruct (Nat.eq_dec (length ks) producers) as [Eq|Ne].
  - eexists. split; [apply s_called; exact Eq|]. split; auto. cbn [roll]. destruct (a && negb b); cbn [steps_of_a_roll]; lia.
  - eexists. split; [eapply s_hears; [lia|exact R|reflexivity]|]. split; auto. cbn [roll steps_of_a_roll]. rewrite app_length. cbn [length]. lia.
Qed.
(* No more can be passed than was claimed, and that is no more than a capacity past what was freed. *)
Lemma cursor_within c : cursor_of (cc s) = Some c -> c <= last (mm s) FR + N.
Proof.
  destruct (MpscHolds.inv_reach N most producers Npos s reached) as [_ [_ [H [[_ [_ [_ A4]]] _]]]]. pose proof (d_cap _ _ _ _ _ H) as Cap.
  assert (St : forall c r f h, standing (mm s) (claims s) (done s) c r f h -> c <= extent (claims s)).
  { intros c0 r f h [_ [_ [_ [B _]]]]. eapply bound_le; try exact Npos. eapply bound_split. exact B. }
  destruct (cc s); cbn [cursor_of]; intros E; try discriminate E; injection E as <-;
    first [apply St in A4|destruct A4 as [A4 _]; apply St in A4]; lia.
Qed.
Lemma cursor_climbs m' k' d' c c' : cstep (alive s) (mm s) (cc s) (done s) m' k' d' -> cursor_of (cc s) = Some c ->
  cursor_of k' = Some c' -> c <= c'.
Proof.
  destruct (MpscHolds.inv_reach N most producers Npos s reached) as [_ [_ [_ [[_ [_ [_ A4]]] _]]]]. remember (cc s) as k eqn:Ek.
  intros Hs. destruct Hs; unfold scanned; cbn [cursor_of];
    repeat match goal with |- context[if ?b then _ else _] => destruct b end;
    cbn [cursor_of]; intros E F; try discriminate; injection E as <-; injection F as <-; try lia;
    destruct A4 as [_ [_ [p [x [t [_ [_ [Q1 [Q2 _]]]]]]]]]; lia.
Qed.
Lemma claim_moves i : 0 < steps_of_a_claim (pp s i) -> exists m' p' l', pstep i (mm s) (pp s i) (claims s) m' p' l'.
Proof.
  destruct (MpscHolds.inv_reach N most producers Npos s reached) as [[K _] [Op [H [IC _]]]].
  assert (A : forall t n, opens (pp s i) t n -> at_pos (claims s) t (Claim n i Live)) by (intros; apply Op; auto).
  destruct (pp s i) eqn:P; cbn [steps_of_a_claim]; intros L; try lia.
  - assert (W : 0 < n) by apply (a_own _ _ _ _ _ K t _ (A t n (conj eq_refl eq_refl))).
    do 3 eexists. apply (p_stamp N most producers shipped i (mm s) f t n nil); [exact W|apply Nat.le_0_l].
  - pose proof (A t n (conj eq_refl eq_refl)) as At. pose proof (live_above N (mm s) _ _ _ _ _ IC At eq_refl) as Ab.
    pose proof (d_val _ _ _ _ _ H t _ At Ab) as G. specialize (G ltac:(discriminate)). unfold good in G. cbn [what own words] in G.
    rewrite P in G. destruct G as [_ [G _]]. destruct (Nat.eq_dec i0 (length x)) as [->|E].
    + destruct b as [|y b]; do 3 eexists; [apply p_whole|apply p_head].
    + do 3 eexists. apply p_fill. lia.
  - pose proof (A t n (conj eq_refl eq_refl)) as At. pose proof (live_above N (mm s) _ _ _ _ _ IC At eq_refl) as Ab.
    pose proof (d_val _ _ _ _ _ H t _ At Ab) as G. specialize (G ltac:(discriminate)). unfold good in G. cbn [what own words] in G.
    rewrite P in G. destruct G as [G [Nb _]]. destruct b as [|y b]; [congruence|]. destruct (Nat.eq_dec (total (y :: b) + r) n) as [E|E].
    + do 3 eexists. apply p_commit. exact E.
    + do 3 eexists. apply (p_next N most producers shipped i (mm s) f t n r (y :: b) nil); unfold size; cbn [length]; lia.
  - do 3 eexists. apply p_settle.
Qed.
Lemma call_moves : 0 < steps_of_a_call producers (cc s) -> exists m' c' d', cstep (alive s) (mm s) (cc s) (done s) m' c' d'.
Proof.
  destruct (MpscHolds.inv_reach N most producers Npos s reached) as [_ [_ [H [[_ [_ [_ A4]]] _]]]].
  destruct (pinv_reach s reached) as [_ As].
  destruct (cc s) eqn:E; cbn [steps_of_a_call asking] in *; intros L; try lia.
  - do 3 eexists. apply c_redo.
  - destruct A4 as [_ [x [t [y [_ [_ [_ [_ [_ Le]]]]]]]]]. destruct (Nat.eq_dec (length got) n) as [<-|X].
    + do 3 eexists. apply c_deliver.
    + do 3 eexists. eapply c_word; [lia|reflexivity].
  - destruct A4 as [_ [Q _]]. destruct (Nat.eq_dec q r) as [->|X].
    + do 3 eexists. apply c_hand.
    + do 3 eexists. apply c_zero. lia.
  - do 3 eexists. apply c_free.
  - do 3 eexists. apply c_rest.
  - do 3 eexists. apply c_blank.
  - destruct (Nat.eq_dec i producers) as [->|X]; [do 3 eexists; apply c_all|].
    set (a := val (hist (mm s) (Ann i) (len (mm s) (Ann i) - 1))).
    destruct (Nat.eq_dec a 0) as [Z|Z]; [|destruct (le_lt_dec a T)]; do 3 eexists.
    + apply (c_quiet N producers shipped (alive s) (mm s) c r f held T i (done s) (len (mm s) (Ann i) - 1) a); [lia|apply newest|reflexivity|auto].
    + apply (c_doubt N producers shipped (alive s) (mm s) c r f held T i (done s) (len (mm s) (Ann i) - 1) a); [lia|apply newest|reflexivity|lia].
    + apply (c_quiet N producers shipped (alive s) (mm s) c r f held T i (done s) (len (mm s) (Ann i) - 1) a); [lia|apply newest|reflexivity|auto].
  - destruct (alive s i) eqn:Al; do 3 eexists; [apply c_alive; auto|apply c_dead; auto].
  - do 3 eexists. apply (c_again N producers shipped) with (k := len (mm s) (word N c) - 1); [apply newest|reflexivity].
  - destruct A4 as [_ [_ [p [x [t [_ [_ [Q1 [Q2 _]]]]]]]]]. destruct (Nat.eq_dec q T) as [->|X].
    + do 3 eexists. apply c_scanned.
    + do 3 eexists. apply (c_scan N producers shipped) with (k := len (mm s) (word N q) - 1); [lia|apply newest|reflexivity].
Qed.
Lemma bound_extent cl T : bound cl T -> T <= extent cl.
Proof. intros [a [b [-> <-]]]. rewrite extent_app. lia. Qed.
(* How long a call of the consumer may be. *)
Lemma call_short : steps_of_a_call producers (cc s) <= 2 * producers + N + 8.
Proof.
  destruct (MpscHolds.inv_reach N most producers Npos s reached) as [_ [_ [H [[A1 [_ [_ A4]]] Hd]]]].
  pose proof (d_cap _ _ _ _ _ H) as Cap. pose proof (d_rm _ _ _ _ _ H) as Rm. pose proof (bounded N most producers Npos s reached) as Bd0.
  assert (St : forall c r f h, standing (mm s) (claims s) (done s) c r f h -> last (mm s) FR <= c /\ f = last (mm s) FR /\ r <= extent (claims s)).
  { intros c r f h [-> [-> [Le [[a [b [-> [<- _]]]] _]]]]. rewrite extent_app. lia. }
  destruct (cc s) eqn:E; cbn [steps_of_a_call]; auto; try lia.
  - destruct Hd as [_ [_ [_ [_ [_ [Q _]]]]]]. destruct A4 as [-> ->]. lia.
  - destruct A4 as [S1 [x [t [y [At [Wx [_ [-> _]]]]]]]]. pose proof (at_pos_end _ _ _ At).
    assert (R : last (mm s) RM <= c) by (destruct S1 as [-> [_ [Le _]]]; auto).
    destruct (unread_stands N most producers Npos s reached c x t y At Wx R) as [Sz _]. unfold size in Sz.
    destruct (St _ _ _ _ S1) as [X1 _]. lia.
  - destruct A4 as [S1 [Q _]]. destruct (St _ _ _ _ S1) as [X1 [X2 X3]]. lia.
  - destruct A4 as [S1 [Q Bd]]. destruct (St _ _ _ _ S1) as [X1 [X2 X3]]. pose proof (bound_extent _ _ Bd). lia.
  - destruct A4 as [S1 [Q Bd]]. destruct (St _ _ _ _ S1) as [X1 [X2 X3]]. pose proof (bound_extent _ _ Bd). lia.
  - destruct A4 as [S1 [Q Bd]]. destruct (St _ _ _ _ S1) as [X1 [X2 X3]]. pose proof (bound_extent _ _ Bd). lia.
  - destruct A4 as [S1 [Bd [p [x [t [_ [_ [Q1 _]]]]]]]]. destruct (St _ _ _ _ S1) as [X1 [X2 X3]]. pose proof (bound_extent _ _ Bd). lia.
Qed.

Lemma retry_sees_more i f t n k : pp s i = Said f t n \/ pp s i = Try f t n -> can_read (mm s) (Pr i) WP k ->
  t <= val (hist (mm s) WP k) <= extent (claims s) /\ exists a b, claims s = a ++ b /\ extent a = val (hist (mm s) WP k).
Proof.
  intros P [C1 C2]. destruct (pinv_reach s reached) as [[U Se] _].
  destruct (MpscHolds.inv_reach N most producers Npos s reached) as [[K _] [_ [H _]]].
  destruct (Se i f t n) as [k0 [A1 [A2 A3]]]; [tauto|].
  destruct (d_wps _ _ _ _ _ H k C2) as [a [b [E V]]]. split; [|exists a, b; auto].
  split; [|apply (a_wps _ _ _ _ _ K); auto]. destruct (Nat.eq_dec k0 k) as [->|X]; [lia|]. specialize (U k0 k). lia.
Qed.
Lemma fails_forward i f t n m' p' l' : pp s i = Said f t n -> pstep i (mm s) (pp s i) (claims s) m' p' l' ->
  (exists t', p' = Try f t' n /\ l' = claims s /\ t < t' <= extent (claims s)) \/
  (p' = Won f t n /\ l' = claims s ++ [Claim n i Live]).
Proof.
  intros P Hs. rewrite P in Hs. inversion Hs; subst; [right; auto|left].
  destruct (retry_sees_more i f t n k) as [X _]; auto. eexists. split; [reflexivity|]. split; auto. lia.
Qed.
Lemma live_is_ahead p x c : at_pos (claims s) p x -> what x = Live -> cursor_of (cc s) = Some c -> c <= p.
Proof.
  intros A Lv E. destruct (MpscHolds.inv_reach N most producers Npos s reached) as [_ [_ [H [[_ [_ [_ A4]]] _]]]].
  assert (X : forall c r f h, standing (mm s) (claims s) (done s) c r f h -> c <= p).
  { intros c0 r f h [_ [_ [_ [_ B]]]]. destruct (le_lt_dec c0 p) as [|G]; auto. destruct (B p x A G) as [t [F _]].
    unfold finished in F. rewrite Lv in F. discriminate. }
  destruct (cc s); cbn [cursor_of] in E; try discriminate E; injection E as ->; first [eapply X; exact A4|eapply X; exact (proj1 A4)].
Qed.
End Progress.
