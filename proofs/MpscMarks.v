(* The consumer marks, zeroes and frees; and what a reader of a header finds. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscClaims MpscKnown MpscFacts MpscData MpscAccess MpscEnds.

Section Marks.
Variables N producers : nat.
Hypothesis Npos : 0 < N.
Notation tids := (Mpsc.tids producers).
Notation read := (Machine.read loc_dec tid_dec tids).
Notation write := (Machine.write loc_dec tid_dec tids).
Notation rmw := (Machine.rmw loc_dec tid_dec tids).
Notation learn := (Machine.learn tid_dec).
Notation word := (word N). Notation cell := (cell N).
Notation occ := (occ N). Notation occ_apart := (occ_apart N Npos).
Notation data := (data N). Notation inv_c := (inv_c N). Notation good := (good N).
Notation excused := (excused N). Notation knows_acc := (knows_acc N). Notation same_words := (same_words N).
Notation occ_word := (occ_word N Npos). Notation occ_index := (occ_index N Npos). Notation apart_at := (apart_at N Npos).
Notation same_at := (same_at N Npos). Notation apart_bound := (apart_bound N Npos). Notation knows_more := (knows_more N Npos).
Notation knows_acc_new := (knows_acc_new N). Notation knows_claims := (knows_claims N). Notation bound_at := (bound_at N Npos).
Notation bound_le := (bound_le N Npos). Notation bound_boundary := (bound_boundary N Npos).
Notation untouched := (untouched N). Notation all_untouched := (all_untouched N). Notation stamped := (stamped N).

Notation own_later := (own_later N Npos). Notation data_readC := (data_readC N producers Npos). Notation hb := MpscAccess.hb.
Notation data_neutral := (data_neutral N Npos).
Notation inv_c_keep := (inv_c_keep N Npos).


Section Place.
Variables (m : mem) (pp : nat -> producer) (al : nat -> bool) (cl : list claim).
Hypothesis K : known producers m pp al cl.
Hypothesis H : data None m pp cl.
Lemma Wp p x : at_pos cl p x -> 0 < words x.
Proof. intros A. apply (a_own _ _ _ _ _ K p x A). Qed.
Lemma Sm : sane m. Proof. apply (a_sane _ _ _ _ _ K). Qed.

Lemma uniq p x p' y i : at_pos cl p x -> at_pos cl p' y -> last m FR <= p -> last m FR <= p' ->
  occ p (words x) i -> occ p' (words y) i -> p = p' /\ x = y.
Proof.
  intros A B L1 L2 O1 O2. pose proof (d_cap _ _ _ _ _ H) as Cap. pose proof (at_pos_end cl p x A). pose proof (at_pos_end cl p' y B).
  destruct (lt_eq_lt_dec p p') as [[G|G]|G].
  - exfalso. pose proof (apart_at cl Wp p x p' y A B G). apply (occ_apart (last m FR) p (words x) p' (words y) i); auto; lia.
  - subst p'. split; auto. apply (same_at cl Wp p); auto.
  - exfalso. pose proof (apart_at cl Wp p' y p x B A G). apply (occ_apart (last m FR) p' (words y) p (words x) i); auto; lia.
Qed.
Lemma reads_known p x c j0 : at_pos cl p x -> last m FR <= p -> finished x = Some c -> c <= ck (tv m Co) (Pr (own x)) ->
  occ p (words x) j0 -> forall j na wr, acc m na wr (D j0) (Pr j) <= ck (tv m Co) (Pr j).
Proof.
  intros A R F C Oc j na wr. destruct (d_co _ _ _ _ _ H j0 na wr j) as [X|[p' [y [B [B1 [B2 B3]]]]]]; auto.
  destruct (uniq p x p' y j0 A B R B1 Oc B2) as [<- <-]. rewrite <- B3.
  destruct (d_fin _ _ _ _ _ H p x c j0 A R F Oc) as [X _]. specialize (X na wr). lia.
Qed.
Lemma reads_boundary c : below m cl c -> boundary cl c -> last m FR <= c -> c < last m FR + N ->
  forall j na wr, clash atomic false na wr = true -> acc m na wr (word c) (Pr j) <= ck (tv m Co) (Pr j).
Proof.
  intros Be B R L j na wr C. destruct na, wr; try discriminate. unfold Mpsc.word.
  destruct (d_co _ _ _ _ _ H (c mod N) plain true j) as [X|[p [y [A [A1 [A2 A3]]]]]]; auto.
  destruct B as [->|[x B]].
  - exfalso. pose proof (at_pos_end cl p y A). apply (occ_apart (last m FR) p (words y) (extent cl) 1 (extent cl mod N)); auto; try lia.
    apply occ_word. lia.
  - pose proof (Wp c x B). destruct (uniq c x p y (c mod N) B A R A1) as [<- <-]; auto; [apply occ_word; lia|].
    rewrite <- A3. destruct (d_head _ _ _ _ _ H c x B R) as [X|X]; auto. pose proof X as [_ [_ [t [_ [_ [_ [_ F]]]]]]].
    destruct (d_fin _ _ _ _ _ H c x t (c mod N) B R F) as [Y _]; [apply occ_word; lia|].
    exact (Nat.le_trans _ _ _ (Y plain true) (follower_known N Npos cl m c x t Wp Be X F)).
Qed.
Lemma reads_val p x c k : at_pos cl p x -> last m RM <= p -> finished x = Some c -> c <= ck (tv m Co) (Pr (own x)) ->
  can_read m Co (word p) k -> val (hist m (word p) k) = last m (word p).
Proof.
  intros A R F C [K1 K2]. pose proof (d_rm _ _ _ _ _ H) as RR. pose proof (Wp p x A) as W0.
  assert (Rp : last m FR <= p) by lia. pose proof (d_val _ _ _ _ _ H p x A R) as G. specialize (G ltac:(discriminate)).
  assert (Un : all_untouched m p (words x) -> val (hist m (word p) k) = last m (word p)).
  { intros U. destruct (U p) as [_ U2]; [lia|]. unfold last. f_equal. f_equal. lia. }
  assert (Pl : forall v, placed N m (own x) p v -> val (hist m (word p) k) = last m (word p)).
  { intros v [S1 S2]. assert (PL : 0 < len m (word p)) by apply (sn_len Sm).
    destruct (d_fin _ _ _ _ _ H p x c (p mod N) A Rp F) as [_ X]; [apply occ_word; lia|].
    assert (len m (word p) - 1 <= ts (tv m Co) (word p)).
    { apply (hb m); [apply Sm|lia|]. rewrite S2. etransitivity; [apply (X (len m (word p) - 1)); [unfold Mpsc.word in *; lia|exact S2]|exact C]. }
    unfold last. f_equal. f_equal. lia. }
  assert (St : forall v c', stamped m p x v c' -> val (hist m (word p) k) = last m (word p)).
  { intros v c' [S1 [S2 _]]. apply (Pl v). split; auto. }
  assert (Sh : forall v c', shown N cl m p x v c' -> val (hist m (word p) k) = last m (word p)).
  { intros v c' [S|[S _]]; eauto. }
  unfold MpscData.good in G. unfold finished in F. destruct (what x); try discriminate.
  - destruct G as [G|G]; eauto.
  - destruct G as [_ [G _]]. eauto.
  - eauto.
Qed.

(* ---- marks, zeros, frees ---- *)
Lemma data_mark c : last m RM <= c -> data None (write atomic false Co RM c m) pp cl.
Proof.
  intros Le. set (m' := write atomic false Co RM c m). pose proof H as H0. invd H0.
  assert (L : later m m') by apply later_write. assert (S : sane m') by (apply sane_write; apply Sm).
  assert (Ot : forall l, l <> RM -> len m' l = len m l /\ hist m' l = hist m l).
  { intros l E. split; [apply write_len_ne; auto|]. unfold m', Machine.write. cbn [hist]. apply updl_ne. auto. }
  assert (OD : forall i, len m' (D i) = len m (D i) /\ hist m' (D i) = hist m (D i)) by (intros; apply Ot; discriminate).
  destruct (Ot FR) as [RL RH]; [discriminate|]. destruct (Ot WP) as [WL WH]; [discriminate|].
  assert (LR : last m' FR = last m FR) by (unfold last; rewrite RL, RH; auto).
  assert (LM : last m' RM = c) by apply write_last_eq.
  assert (AD : forall na wr i u, acc m' na wr (D i) u = acc m na wr (D i) u).
  { intros. unfold m'. edestruct write_acc as [E|[_ [_ [E _]]]]; [exact E|discriminate]. }
  assert (AP : forall wr l u, acc m' plain wr l u = acc m plain wr l u).
  { intros. unfold m'. edestruct write_acc as [E|[E _]]; [exact E|discriminate]. }
  assert (Tc : forall i, ts (tv m Co) (D i) <= ts (tv m' Co) (D i)) by (intros; apply (l_ts _ _ L); apply Sm).
  assert (Sw : forall p n, same_words m m' p n) by (intros p n' j _; destruct (OD j) as [-> ->]; auto).
  assert (KA : forall v f, knows_acc m cl v f -> knows_acc m' cl v f).
  { intros v f' Kv j na wr u. rewrite AD. apply Kv. }
  split_data.
  [race]: {
    unfold m', Machine.write. cbn [race]. rewrite h_race. cbn [orb]. apply racy_no. intros u na' wr' C.
    destruct na'; try discriminate. rewrite h_ctl by discriminate. lia. }
  [ctl]: { intros l wr u ND. rewrite AP. auto. }
  [cap]: { rewrite LR. auto. }
  [wps]: { intros k Kk. rewrite WL in Kk. rewrite WH. auto. }
  [mon]: { intros k Kk. rewrite RL in Kk. rewrite RH, LR. auto. }
  [own]: {
    destruct h_own as [O1 O2]. split; [apply (own_later m); auto; apply Sm|].
    unfold m'. rewrite write_ts, write_len_eq. destruct (loc_dec RM RM); [lia|congruence]. }
  [rm]: { rewrite LR, LM. lia. }
  [rp]: { intros k Kk. rewrite RL in Kk. rewrite RH. auto. }
  [pr]: {
    intros j f F. rewrite LR. destruct (h_pr j f F) as [X1 X2]. split; [|auto]. apply KA.
    apply (knows_more m cl (tv m (Pr j))); [|exact X1]. intros u. apply (l_ck _ _ L). }
  [co]: {
    intros i na wr j. rewrite AD, LR. destruct (h_co i na wr j) as [X|X]; [left; exact (Nat.le_trans _ _ _ X (l_ck _ _ L Co (Pr j)))|right; exact X]. }
  [fin]: {
    intros p x c' i A B F Oc. rewrite LR in B. destruct (h_fin p x c' i A B F Oc) as [X1 X2]. destruct (OD i) as [E1 E2].
    split; [intros; rewrite AD; auto|intros k; rewrite E1, E2; auto]. }
  [head]: {
    intros p x A B. rewrite LR in B. unfold Mpsc.word. rewrite AD. destruct (h_head p x A B) as [X|X]; [left|right; exact X].
    exact (Nat.le_trans _ _ _ X (l_ck _ _ L Co (Pr (own x)))). }
  [free]: { intros q Q1 Q2. rewrite LR in Q2. apply (untouched_same N Npos m); [apply Sw|apply Tc|]. apply h_free; auto. }
  [val]: {
    intros p x A B _. rewrite LM in B. apply (good_same N Npos cl m m' pp); auto; [apply (Wp p x A)|]. apply h_val; auto; [lia|discriminate]. }
  all: auto.
Qed.

Lemma data_zero q d c : last m FR <= q -> q < last m RM -> inv_c m cl d c ->
  let m' := write plain false Co (word q) 0 m in
  data None m' pp cl /\ (forall n, last m FR + n <= q -> all_untouched m (last m FR) n -> all_untouched m' (last m FR) (S n) \/ last m FR + n < q) /\
  untouched m' q /\ (forall q', last m FR <= q' -> q' < last m FR + N -> q' <> q -> untouched m q' -> untouched m' q').
Proof.
  intros Q1 Q2 [A1 [A2 [A3 A4]]] m'. pose proof H as H0. invd H0.
  assert (Qe : q < extent cl). { pose proof (bound_le cl (last m RM) (bound_split cl _ _ A1)). lia. }
  destruct (containing cl q Qe) as [p [x [A P]]].
  assert (Rp : last m FR <= p).
  { destruct (le_lt_dec (last m FR) p); auto. exfalso. pose proof (apart_bound cl Wp p x (last m FR) A (bound_boundary cl _ A3) l). lia. }
  destruct (A2 p x A) as [t [F C]]; [lia|]. assert (Oc : occ p (words x) (q mod N)) by (apply occ_word; lia).
  pose proof (reads_known p x t (q mod N) A Rp F C Oc) as RK.
  assert (Nl : what x <> Live) by (intros E; unfold finished in F; rewrite E in F; discriminate).
  assert (L : later m m') by apply later_write. assert (S0 : sane m') by (apply sane_write; apply Sm).
  assert (Ot : forall l, l <> word q -> len m' l = len m l /\ hist m' l = hist m l).
  { intros l E. split; [apply write_len_ne; auto|]. unfold m', Machine.write. cbn [hist]. apply updl_ne. auto. }
  destruct (Ot FR) as [RL RH]; [discriminate|]. destruct (Ot RM) as [ML MH]; [discriminate|]. destruct (Ot WP) as [WL WH]; [discriminate|].
  assert (LR : last m' FR = last m FR) by (unfold last; rewrite RL, RH; auto).
  assert (LM : last m' RM = last m RM) by (unfold last; rewrite ML, MH; auto).
  assert (Ac : forall na wr l u, acc m' na wr l u = acc m na wr l u \/ (na = plain /\ wr = true /\ l = word q /\ u = Co)).
  { intros. unfold m'. edestruct write_acc as [E|[E1 [E2 [E4 [E3 _]]]]]; [left; exact E|right; auto]. }
  assert (AP : forall na wr l j, acc m' na wr l (Pr j) = acc m na wr l (Pr j)).
  { intros. destruct (Ac na wr l (Pr j)) as [E|[_ [_ [_ E]]]]; [exact E|discriminate]. }
  assert (KA : forall v f, f <= last m FR -> knows_acc m cl v f -> knows_acc m' cl v f).
  { intros v f Lf. apply knows_acc_new. intros i na' wr' u. destruct (Ac na' wr' (D i) u) as [E|[-> [-> [E ->]]]]; auto.
    injection E as ->. right. left. exists p, x. split; auto. split; [lia|]. split; auto. }
  assert (Tc : forall i, ts (tv m Co) (D i) <= ts (tv m' Co) (D i)) by (intros; apply (l_ts _ _ L); apply Sm).
  assert (Same : forall p n, (occ p n (q mod N) -> False) -> same_words m m' p n).
  { intros p' n No i Oi. destruct (Ot (D i)) as [-> ->]; auto. intros E. injection E as ->. auto. }
  assert (Near : forall q', last m FR <= q' -> q' < last m FR + N -> q' <> q -> untouched m q' -> untouched m' q').
  { intros q' G1 G2 G3 U. apply (untouched_same N Npos m); [|apply Tc|exact U]. apply Same. intros On.
    pose proof (occ_index q' 1 _ On) as [_ X]. destruct X as [a [Xa Xe]]; [apply Nat.mod_upper_bound; lia|].
    assert (a = q') by lia. subst a. pose proof (at_pos_end cl p x A).
    destruct (le_lt_dec q q'); [apply mod_same in Xe; lia|symmetry in Xe; apply mod_same in Xe; lia]. }
  split; [|split; [|split]].
  - split_data.
    [race]: {
      unfold m', Machine.write. cbn [race]. rewrite h_race. cbn [orb]. apply racy_no. intros u na' wr' _.
      destruct u as [j|]; [apply RK|apply (sn_acc Sm)]. }
    [ctl]: { intros l wr u ND. destruct (Ac plain wr l u) as [->|[_ [_ [E _]]]]; auto. exfalso. eapply ND. exact E. }
    [cap]: { rewrite LR. auto. }
    [wps]: { intros k Kk. rewrite WL in Kk. rewrite WH. auto. }
    [mon]: { intros k Kk. rewrite RL in Kk. rewrite RH, LR. auto. }
    [own]: { destruct h_own. split; apply (own_later m); auto; apply Sm. }
    [rm]: { rewrite LR, LM. auto. }
    [rp]: { intros k Kk. rewrite RL in Kk. rewrite RH. apply KA; auto. }
    [pr]: {
      intros j f Fj. rewrite LR. destruct (h_pr j f Fj) as [X1 X2]. split; [|auto]. apply KA; [auto|].
      apply (knows_more m cl (tv m (Pr j))); [|exact X1]. intros u. apply (l_ck _ _ L). }
    [co]: {
      intros i na wr j. rewrite AP, LR. destruct (h_co i na wr j) as [X|X]; [left; exact (Nat.le_trans _ _ _ X (l_ck _ _ L Co (Pr j)))|right; exact X]. }
    [fin]: {
      intros p' y c' i B B1 Fy Oy. rewrite LR in B1. destruct (h_fin p' y c' i B B1 Fy Oy) as [X1 X2].
      split; [intros; rewrite AP; auto|]. intros k Kk Wk.
      destruct (loc_dec (D i) (word q)) as [E|E]; [|destruct (Ot (D i) E) as [E1 E2]; rewrite E1 in Kk; rewrite E2 in *; auto].
      rewrite E in *. unfold m' in Kk, Wk |- *. rewrite write_len_eq in Kk. destruct (Nat.eq_dec k (len m (word q))) as [->|].
      - rewrite write_hist_new in Wk. discriminate.
      - rewrite write_hist_old in * by lia. apply X2; auto. lia. }
    [head]: { intros p' y B B1. rewrite LR in B1. rewrite AP. destruct (h_head p' y B B1) as [X|X]; [left|right; exact X].
      exact (Nat.le_trans _ _ _ X (l_ck _ _ L Co (Pr (own y)))). }
    [free]: { intros q' G1 G2. rewrite LR in G2. apply Near; [lia|lia|lia|apply h_free; auto]. }
    [val]: {
      intros p' y B B1 _. rewrite LM in B1. apply (good_same N Npos cl m m' pp); auto; [apply (Wp p' y B)| |apply h_val; auto; discriminate].
      apply Same. intros Oy. destruct (uniq p x p' y (q mod N) A B Rp) as [E _]; auto; lia. }
    all: auto.
  - intros n Ln U. destruct (Nat.eq_dec (last m FR + n) q) as [E|E]; [|right; lia]. left. intros q' Q'.
    destruct (Nat.eq_dec q' q) as [->|Ne].
    + split; [apply write_last_eq|]. unfold m'. rewrite write_ts, write_len_eq. destruct (loc_dec (word q) (word q)); [lia|congruence].
    + pose proof (at_pos_end cl p x A). apply Near; [lia|lia|lia|apply U; lia].
  - split; [apply write_last_eq|]. unfold m'. rewrite write_ts, write_len_eq. destruct (loc_dec (word q) (word q)); [lia|congruence].
  - exact Near.
Qed.

Lemma data_free d c : all_untouched m (last m FR) (last m RM - last m FR) -> inv_c m cl d c ->
  data None (write atomic true Co FR (last m RM) m) pp cl.
Proof.
  intros U [A1 [A2 [A3 A4]]]. set (r := last m RM) in *. set (m' := write atomic true Co FR r m). pose proof H as H0. invd H0.
  assert (L : later m m') by apply later_write. assert (S : sane m') by (apply sane_write; apply Sm).
  assert (Ot : forall l, l <> FR -> len m' l = len m l /\ hist m' l = hist m l).
  { intros l E. split; [apply write_len_ne; auto|]. unfold m', Machine.write. cbn [hist]. apply updl_ne. auto. }
  assert (OD : forall i, len m' (D i) = len m (D i) /\ hist m' (D i) = hist m (D i)) by (intros; apply Ot; discriminate).
  destruct (Ot RM) as [ML MH]; [discriminate|]. destruct (Ot WP) as [WL WH]; [discriminate|].
  assert (LR : last m' FR = r) by apply write_last_eq.
  assert (LM : last m' RM = r) by (unfold last; rewrite ML, MH; auto).
  assert (RR : last m FR <= r) by exact h_rm.
  assert (AD : forall na wr i u, acc m' na wr (D i) u = acc m na wr (D i) u).
  { intros. unfold m'. edestruct write_acc as [E|[_ [_ [E _]]]]; [exact E|discriminate]. }
  assert (AP : forall wr l u, acc m' plain wr l u = acc m plain wr l u).
  { intros. unfold m'. edestruct write_acc as [E|[E _]]; [exact E|discriminate]. }
  assert (Tc : forall i, ts (tv m Co) (D i) <= ts (tv m' Co) (D i)) by (intros; apply (l_ts _ _ L); apply Sm).
  assert (Sw : forall p n, same_words m m' p n) by (intros p n' j _; destruct (OD j) as [-> ->]; auto).
  assert (KA : forall v f, knows_acc m cl v f -> knows_acc m' cl v f).
  { intros v f' Kv j na wr u. rewrite AD. apply Kv. }
  assert (Co2 : forall i na wr j, acc m na wr (D i) (Pr j) <= ck (tv m Co) (Pr j) \/
             exists p x, at_pos cl p x /\ r <= p /\ occ p (words x) i /\ own x = j).
  { intros i na wr j. destruct (h_co i na wr j) as [X|[p [x [B [B1 [B2 B3]]]]]]; auto. destruct (le_lt_dec r p) as [G|G]; [right; eauto 7|left].
    destruct (A2 p x B G) as [t [F C]]. destruct (h_fin p x t i B B1 F B2) as [X _]. specialize (X na wr). rewrite B3 in *. lia. }
  split_data.
  [race]: {
    unfold m', Machine.write. cbn [race]. rewrite h_race. cbn [orb]. apply racy_no. intros u na' wr' C.
    destruct na'; try discriminate. rewrite h_ctl by discriminate. lia. }
  [ctl]: { intros l wr u ND. rewrite AP. auto. }
  [cap]: { rewrite LR. lia. }
  [wps]: { intros k Kk. rewrite WL in Kk. rewrite WH. auto. }
  [mon]: {
    intros k Kk. rewrite LR. unfold m' in *. rewrite write_len_eq in Kk. destruct (Nat.eq_dec k (len m FR)) as [->|]; [rewrite write_hist_new; auto|].
    rewrite write_hist_old by lia. etransitivity; [apply h_mon; lia|auto]. }
  [own]: {
    destruct h_own as [O1 O2]. split; [|apply (own_later m); auto; apply Sm].
    unfold m'. rewrite write_ts, write_len_eq. destruct (loc_dec FR FR); [lia|congruence]. }
  [rm]: { rewrite LR, LM. auto. }
  [rp]: {
    intros k Kk. unfold m' in Kk. rewrite write_len_eq in Kk. destruct (Nat.eq_dec k (len m FR)) as [->|].
    - assert (New : hist m' FR (len m FR) = Msg r Co (Datatypes.S (ck (tv m Co) Co)) (tv m' Co)) by apply write_hist_new.
      rewrite New. cbn [val mview]. intros i na wr u. rewrite AD. destruct u as [j|].
      + destruct (Co2 i na wr j) as [X|[p [x [B [B1 [B2 B3]]]]]]; [left; exact (Nat.le_trans _ _ _ X (l_ck _ _ L Co (Pr j)))|].
        right. left. exists p, x. rewrite <- B3. auto 8.
      + left. exact (Nat.le_trans _ _ _ (sn_acc Sm na wr (D i) Co) (l_ck _ _ L Co Co)).
    - assert (E : hist m' FR k = hist m FR k) by (apply write_hist_old; lia). rewrite E. apply KA. apply h_rp. lia. }
  [pr]: {
    intros j f F. rewrite LR. destruct (h_pr j f F) as [X1 X2]. split; [|lia]. apply KA.
    apply (knows_more m cl (tv m (Pr j))); [|exact X1]. intros u. apply (l_ck _ _ L). }
  [co]: {
    intros i na wr j. rewrite AD, LR. destruct (Co2 i na wr j) as [X|X]; [left; exact (Nat.le_trans _ _ _ X (l_ck _ _ L Co (Pr j)))|right; exact X]. }
  [fin]: {
    intros p x c' i A B F Oc. rewrite LR in B. destruct (h_fin p x c' i A) as [X1 X2]; auto; [lia|]. destruct (OD i) as [E1 E2].
    split; [intros; rewrite AD; auto|intros k; rewrite E1, E2; auto]. }
  [head]: {
    intros p x A B. rewrite LR in B. unfold Mpsc.word. rewrite AD.
    assert (B2 : last m FR <= p) by lia. destruct (h_head p x A B2) as [X|X]; [left|right; exact X].
    exact (Nat.le_trans _ _ _ X (l_ck _ _ L Co (Pr (own x)))). }
  [free]: {
    intros q Q1 Q2. rewrite LR in Q2. apply (untouched_same N Npos m); [apply Sw|apply Tc|].
    destruct (le_lt_dec (last m FR + N) q) as [G|G]; [|apply h_free; auto].
    assert (Uq : untouched m (q - N)) by (apply U; lia). unfold MpscData.untouched, Mpsc.word in *.
    assert (E : q mod N = (q - N) mod N). { replace q with (q - N + 1 * N) at 1 by lia. apply Nat.mod_add. lia. }
    rewrite E. exact Uq. }
  [val]: {
    intros p x A B _. rewrite LM in B. apply (good_same N Npos cl m m' pp); auto; [apply (Wp p x A)|]. apply h_val; auto; discriminate. }
  all: auto.
Qed.
End Place.
End Marks.
