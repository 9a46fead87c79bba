(* Claims are won and end; the consumer reads, marks, zeroes and frees: what MpscData.v says is kept. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscClaims MpscKnown MpscFacts MpscData MpscAccess.

Section Claims.
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
Notation occ_word := (occ_word N). Notation occ_index := (occ_index N Npos). Notation apart_at := (apart_at N Npos).
Notation same_at := (same_at N Npos). Notation apart_bound := (apart_bound N Npos). Notation knows_more := (knows_more N Npos).
Notation knows_acc_new := (knows_acc_new N). Notation knows_claims := (knows_claims N). Notation bound_at := (bound_at N Npos).
Notation bound_le := (bound_le N Npos). Notation bound_boundary := (bound_boundary N Npos).
Notation untouched := (untouched N). Notation all_untouched := (all_untouched N). Notation stamped := (stamped N).

Notation own_later := (own_later N Npos). Notation data_neutral := (data_neutral N Npos).
Notation inv_c_keep := (inv_c_keep N Npos).

Lemma fill_hole (m : mem) pp cl t x : (forall p x, at_pos cl p x -> 0 < words x) -> data (Some t) m pp cl ->
  at_pos cl t x -> good m pp t x -> data None m pp cl.
Proof.
  intros Wp H A G. invd H. constructor; auto. intros p y B R _. destruct (Nat.eq_dec p t) as [->|E].
  - rewrite <- (same_at cl Wp t x y A B). auto.
  - apply h_val; auto. congruence.
Qed.

Lemma excused_ends cl i w f j na wr t : excused cl f j na wr t -> excused (ends_so cl i w) f j na wr t.
Proof.
  intros [[p [x [A [B [C D]]]]]|[E1 [E2 [E3 [p [F1 [F2 F3]]]]]]].
  - left. exists p, (ended i w x). split; [apply at_pos_ends; eauto|]. rewrite ended_words, ended_own. split; auto. split; auto.
    destruct D as [D|[D1 D2]]; auto. right. split; auto. unfold ended. destruct (what x) eqn:Wx; congruence.
  - right. split; auto. split; auto. split; auto. exists p. rewrite ends_extent. split; auto. split; auto.
    destruct F3 as [F3|[x F3]]; [left; rewrite ends_extent; auto|right]. exists (ended i w x). apply at_pos_ends. eauto.
Qed.

Lemma data_ends hole (m : mem) pp cl i w p' c : data hole m pp cl -> sane m ->
  (forall p x, at_pos cl p x -> 0 < words x) ->
  match w with Live => False | Gone t | Came t _ | Left t => t = c end -> clock m i <= c ->
  (hole = None \/ exists t x, hole = Some t /\ at_pos cl t x /\ what x = Live /\ own x = i) ->
  (forall p x, at_pos cl p x -> own x = i -> what x = Live -> last m RM <= p -> good m (upd pp i p') p (ended i w x)) ->
  (forall f, frees p' = Some f -> frees (pp i) = Some f) -> has_room N p' ->
  data None m (upd pp i p') (ends_so cl i w).
Proof.
  intros H S Wp Hw Cl Ho G Fr Ro. invd H.
  assert (KA : forall v f, knows_acc m cl v f -> knows_acc m (ends_so cl i w) v f).
  { intros v f. apply knows_claims. intros. apply excused_ends. auto. }
  split_data; auto.
  [cap]: { rewrite ends_extent. auto. }
  [wps]: {
    intros k K. destruct (h_wps k K) as [a [b [E V]]]. exists (ends_so a i w), (ends_so b i w). rewrite ends_extent.
    split; auto. rewrite E. apply map_app. }
  [pr]: {
    intros j f F. assert (F2 : frees (pp j) = Some f).
    { unfold upd in F. destruct (Nat.eq_dec i j) as [<-|]; auto. }
    destruct (h_pr j f F2). auto. }
  [room]: { intros j. unfold upd. destruct (Nat.eq_dec i j); auto. }
  [co]: {
    intros i' na wr j. destruct (h_co i' na wr j) as [X|[p [x [A [B [C D]]]]]]; auto. right. exists p, (ended i w x).
    rewrite ended_words, ended_own. split; [apply at_pos_ends; eauto|auto]. }
  [fin]: {
    intros p y c' i' A B F Oc. apply at_pos_ends in A. destruct A as [x [A ->]]. rewrite ended_words in Oc. rewrite ended_own.
    destruct (finished x) as [c2|] eqn:Fx.
    - apply (h_fin p x c' i' A B); auto. rewrite <- F. unfold ended, finished in *. destruct (what x) eqn:Wx; try discriminate; rewrite Wx; auto.
    - assert (E : own x = i /\ c' = c).
      { unfold ended, finished in *. destruct (what x) eqn:Wx; try discriminate.
        destruct (Nat.eqb_spec (own x) i) as [E|E]; [|rewrite Wx in F; discriminate]. split; auto. simpl in F.
        destruct w; try contradiction; congruence. }
      destruct E as [-> ->]. unfold clock in Cl. split.
      + intros na wr. pose proof (sn_acc S na wr (D i') (Pr i)). lia.
      + intros k K Wh. pose proof (sn_st S (D i') K) as St. rewrite Wh in St. lia. }
  [head]: { intros p y A B. apply at_pos_ends in A. destruct A as [x [A ->]]. rewrite ended_own. auto. }
  [free]: { intros q Q1. rewrite ends_extent in Q1. auto. }
  [val]: {
    intros p y A R _. apply at_pos_ends in A. destruct A as [x [A ->]].
    destruct (what x) eqn:Wx.
    - destruct (Nat.eq_dec (own x) i) as [E|E]; [apply G; auto|].
      assert (Ex : ended i w x = x). { unfold ended. rewrite Wx. destruct (Nat.eqb_spec (own x) i); [contradiction|auto]. }
      rewrite Ex. assert (Hp : hole <> Some p).
      { destruct Ho as [->|[t [z [-> [B1 [B2 B3]]]]]]; [discriminate|]. intros Q. injection Q as ->.
        rewrite (same_at cl Wp p x z A B1) in E. contradiction. }
      specialize (h_val p x A R Hp). unfold MpscData.good in *. rewrite Wx in *. unfold upd. destruct (Nat.eq_dec i (own x)); [congruence|auto].
    - assert (Ex : ended i w x = x) by (unfold ended; rewrite Wx; auto). rewrite Ex.
      assert (Hp : hole <> Some p).
      { destruct Ho as [->|[t [z [-> [B1 [B2 B3]]]]]]; [discriminate|]. intros Q. injection Q as ->.
        rewrite (same_at cl Wp p x z A B1) in Wx. congruence. }
      specialize (h_val p x A R Hp). unfold MpscData.good in *. rewrite Wx in *. auto.
    - assert (Ex : ended i w x = x) by (unfold ended; rewrite Wx; auto). rewrite Ex.
      assert (Hp : hole <> Some p).
      { destruct Ho as [->|[t [z [-> [B1 [B2 B3]]]]]]; [discriminate|]. intros Q. injection Q as ->.
        rewrite (same_at cl Wp p x z A B1) in Wx. congruence. }
      specialize (h_val p x A R Hp). unfold MpscData.good in *. rewrite Wx in *. auto.
    - assert (Ex : ended i w x = x) by (unfold ended; rewrite Wx; auto). rewrite Ex.
      assert (Hp : hole <> Some p).
      { destruct Ho as [->|[t [z [-> [B1 [B2 B3]]]]]]; [discriminate|]. intros Q. injection Q as ->.
        rewrite (same_at cl Wp p x z A B1) in Wx. congruence. }
      specialize (h_val p x A R Hp). unfold MpscData.good in *. rewrite Wx in *. auto. }
Qed.

Lemma ended_not i w x : what x <> Live -> ended i w x = x.
Proof. unfold ended. destruct (what x); congruence. Qed.
Lemma pays_ended a i w : (forall x, In x a -> what x <> Live) -> pays (map (ended i w) a) = pays a.
Proof.
  induction a as [|x a IH]; intros F; auto. simpl. rewrite (ended_not i w x) by (apply F; left; auto).
  rewrite IH; auto. intros y Y. apply F. right. auto.
Qed.
Lemma in_at a (b : list claim) x : In x a -> 0 < words x -> exists p, at_pos (a ++ b) p x /\ p < extent a.
Proof.
  intros I Pw. apply in_split in I. destruct I as [a1 [a2 ->]]. exists (extent a1). split.
  - exists a1, (a2 ++ b). rewrite <- app_assoc. auto.
  - rewrite extent_app. simpl. lia.
Qed.
Lemma split_ends (m : mem) cl i w c l : (forall p x, at_pos cl p x -> 0 < words x) -> below m cl c -> split_at cl c l ->
  split_at (ends_so cl i w) c l.
Proof.
  intros Wp B [a [b [-> [E P]]]]. exists (map (ended i w) a), (map (ended i w) b).
  split; [apply map_app|]. split; [rewrite <- E; apply (ends_extent a i w)|]. rewrite pays_ended; auto.
  intros x I Lv. assert (W0 : 0 < words x).
  { apply in_split in I. destruct I as [a1 [a2 ->]]. apply (Wp (extent a1) x). exists a1, (a2 ++ b). rewrite <- app_assoc. auto. }
  destruct (in_at a b x I W0) as [p [A L]]. destruct (B p x A) as [t [F _]]; [lia|]. unfold finished in F. rewrite Lv in F. discriminate.
Qed.
Lemma below_ends (m : mem) cl i w c : below m cl c -> below m (ends_so cl i w) c.
Proof.
  intros B p y A L. apply at_pos_ends in A. destruct A as [x [A ->]]. destruct (B p x A L) as [t [F K]].
  rewrite ended_not; eauto. intros Lv. unfold finished in F. rewrite Lv in F. discriminate.
Qed.
Lemma bound_ends cl i w c : bound cl c -> bound (ends_so cl i w) c.
Proof.
  intros [a [b [-> E]]]. exists (map (ended i w) a), (map (ended i w) b). split; [apply map_app|].
  rewrite <- E. apply (ends_extent a i w).
Qed.
Lemma inv_c_ends (m : mem) cl i w d c : (forall p x, at_pos cl p x -> 0 < words x) -> inv_c m cl d c -> inv_c m (ends_so cl i w) d c.
Proof.
  intros Wp [A1 [A2 [A3 A4]]].
  split; [apply (split_ends m); auto|]. split; [apply below_ends; auto|]. split; [apply bound_ends; auto|].
  assert (St : forall c r f h, standing m cl d c r f h -> standing m (ends_so cl i w) d c r f h).
  { intros c0 r f h [B1 [B2 [B3 [B4 B5]]]]. split; auto. split; auto. split; auto. split; [apply (split_ends m); auto|apply below_ends; auto]. }
  assert (Bk : forall c e, blank N m cl c e -> blank N m (ends_so cl i w) c e).
  { intros c0 e B p y A Q. apply at_pos_ends in A. destruct A as [x [A ->]]. destruct (B p x A Q) as [[t X] Y].
    rewrite ended_not by congruence. eauto. }
  destruct c; auto.
  - destruct A4 as [B [x [t [y [X1 [X2 X3]]]]]]. split; auto. exists x, t, y. split; auto.
    apply at_pos_ends. exists x. split; auto. rewrite ended_not; congruence.
  - destruct A4 as [B X]. auto.
  - destruct A4 as [B X]. auto.
  - destruct A4 as [B X]. auto.
  - destruct A4 as [B [X1 X2]]. split; auto. split; auto. apply bound_ends. auto.
  - destruct A4 as [B [X1 X2]]. split; auto. split; auto. apply bound_ends. auto.
  - destruct A4 as [B [X1 X2]]. split; auto. split; auto. apply bound_ends. auto.
  - destruct A4 as [B [X [p [x [t [Y1 [Y2 [Y3 [Y4 [Y5 [Y6 Y7]]]]]]]]]]]. split; auto. split; [apply bound_ends; auto|].
    exists p, x, t. split; [apply at_pos_ends; exists x; split; auto; rewrite ended_not; congruence|].
    split; auto. split; auto. split; auto. split; auto. split; [apply (split_ends m); auto|apply below_ends; auto].
Qed.

(* ---- a claim is won ---- *)
Lemma rmw_acc_D acq rel t l x (m : mem) na wr i u : (forall i, l <> D i) -> acc (rmw acq rel t l x m) na wr (D i) u = acc m na wr (D i) u.
Proof.
  intros ND. unfold Machine.rmw, carry. cbn [acc].
  edestruct write_acc as [E|[_ [_ [E _]]]]; [rewrite E|exfalso; eapply ND; symmetry; exact E].
  edestruct read_acc as [E2|[_ [_ [E2 _]]]]; [exact E2|exfalso; eapply ND; symmetry; exact E2].
Qed.
Lemma rmw_plain acq rel t l x (m : mem) wr l' u : acc (rmw acq rel t l x m) plain wr l' u = acc m plain wr l' u.
Proof.
  unfold Machine.rmw, carry. cbn [acc].
  edestruct write_acc as [E|[E _]]; [rewrite E|discriminate]. edestruct read_acc as [E2|[E2 _]]; [exact E2|discriminate].
Qed.
Lemma rmw_race acq rel t l x (m : mem) : race m = false -> (forall wr u, acc m plain wr l u = 0) -> race (rmw acq rel t l x m) = false.
Proof.
  intros R Z. unfold Machine.rmw, carry. cbn [race]. unfold Machine.write. cbn [race]. unfold Machine.read at 1. cbn [race]. rewrite R. cbn [orb].
  apply orb_false_iff. split; apply racy_no; intros u na' wr' C; destruct na'; try discriminate.
  - rewrite Z. lia.
  - edestruct read_acc as [E|[E _]]; [rewrite E, Z; lia|discriminate].
Qed.
Lemma excused_claims cl y f j na wr t : excused cl f j na wr t -> excused (cl ++ [y]) f j na wr t.
Proof.
  intros [[p [x [A B]]]|[E1 [E2 [E3 [p [F1 [F2 F3]]]]]]].
  - left. exists p, x. split; auto. apply at_pos_snoc. auto.
  - right. split; auto. split; auto. split; auto. exists p. rewrite extent_app. split; [lia|]. split; auto. right.
    destruct F3 as [->|[x F3]]; [exists y; apply at_pos_snoc; auto|exists x; apply at_pos_snoc; auto].
Qed.
Lemma split_claims cl y c l : split_at cl c l -> split_at (cl ++ [y]) c l.
Proof. intros [a [b [-> E]]]. exists a, (b ++ [y]). rewrite <- app_assoc. auto. Qed.
Lemma bound_claims cl y c : bound cl c -> bound (cl ++ [y]) c.
Proof. intros [a [b [-> E]]]. exists a, (b ++ [y]). rewrite <- app_assoc. auto. Qed.
Lemma below_claims (m : mem) cl y c : c <= extent cl -> below m cl c -> below m (cl ++ [y]) c.
Proof. intros L B p x A Lt. apply at_pos_snoc in A. destruct A as [A|[-> ->]]; [apply (B p x A Lt)|lia]. Qed.
Lemma inv_c_claims (m : mem) cl y d c : inv_c m cl d c -> inv_c m (cl ++ [y]) d c.
Proof.
  intros [A1 [A2 [A3 A4]]].
  assert (Le : forall c l, split_at cl c l -> c <= extent cl) by (intros c0 l S; apply bound_le; apply (bound_split cl c0 l S)).
  split; [apply split_claims; auto|]. split; [apply below_claims; eauto|]. split; [apply bound_claims; auto|].
  assert (St : forall c r f h, standing m cl d c r f h -> standing m (cl ++ [y]) d c r f h).
  { intros c0 r f h [B1 [B2 [B3 [B4 B5]]]]. split; auto. split; auto. split; auto. split; [apply split_claims; auto|apply below_claims; eauto]. }
  assert (Bk : forall c e, e <= extent cl -> blank N m cl c e -> blank N m (cl ++ [y]) c e).
  { intros c0 e Lt B p x A Q. apply at_pos_snoc in A. destruct A as [A|[-> ->]]; [apply (B p x A Q)|lia]. }
  destruct c; auto.
  - destruct A4 as [B [x [t [z [X1 X2]]]]]. split; auto. exists x, t, z. split; auto. apply at_pos_snoc. auto.
  - destruct A4 as [B X]. auto.
  - destruct A4 as [B X]. auto.
  - destruct A4 as [B X]. split; auto. apply Bk; auto. destruct B as [_ [_ [_ [B4 _]]]]. eapply Le; eauto.
  - destruct A4 as [B [X1 X2]]. split; auto. split; auto. apply bound_claims. auto.
  - destruct A4 as [B [X1 X2]]. split; auto. split; auto. apply bound_claims. auto.
  - destruct A4 as [B [X1 X2]]. split; auto. split; auto. apply bound_claims. auto.
  - destruct A4 as [B [X [p [x [t [Y1 [Y2 [Y3 [Y4 [Y5 [Y6 Y7]]]]]]]]]]]. split; auto. split; [apply bound_claims; auto|].
    exists p, x, t. split; [apply at_pos_snoc; auto|]. split; auto. split; auto. split; auto. split; [apply Bk; eauto|].
    split; [apply split_claims; auto|apply below_claims; eauto].
Qed.

Lemma data_claims (m : mem) pp al cl i f t n : known producers m pp al cl -> data None m pp cl -> pp i = Said f t n ->
  last m WP = t -> 0 < n ->
  let m' := rmw false true (Pr i) WP (t + n) m in
  data None m' (upd pp i (Won f t n)) (cl ++ [Claim n i Live]) /\
  (forall d c, inv_c m cl d c -> inv_c m' (cl ++ [Claim n i Live]) d c).
Proof.
  intros K H P Lw Pn m'. pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10]. pose proof H as H0. invd H0.
  assert (Wp : forall p x, at_pos cl p x -> 0 < words x) by (intros; eapply k4; eauto).
  assert (Et : t = extent cl) by congruence. pose proof (h_room i) as Ro. rewrite P in Ro. simpl in Ro.
  destruct (h_pr i f) as [Kn Fle]; [rewrite P; auto|].
  assert (L : later m m') by (apply later_rmw; auto). assert (Sn : sane m') by (apply sane_rmw; auto).
  assert (Oth : forall l, l <> WP -> len m' l = len m l /\ hist m' l = hist m l).
  { intros l E. split; [unfold m'; rewrite rmw_len; destruct (loc_dec WP l); congruence|apply rmw_other; auto]. }
  assert (OD : forall i, len m' (D i) = len m (D i) /\ hist m' (D i) = hist m (D i)) by (intros; apply Oth; discriminate).
  destruct (Oth FR) as [RL RH]; [discriminate|]. destruct (Oth RM) as [ML MH]; [discriminate|].
  assert (LR : last m' FR = last m FR) by (unfold last; rewrite RL, RH; auto).
  assert (LM : last m' RM = last m RM) by (unfold last; rewrite ML, MH; auto).
  assert (AD : forall na wr i u, acc m' na wr (D i) u = acc m na wr (D i) u) by (intros; apply rmw_acc_D; discriminate).
  assert (Tc : forall i, ts (tv m Co) (D i) <= ts (tv m' Co) (D i)) by (intros; apply (l_ts _ _ L); auto).
  assert (Sw : forall p n, same_words m m' p n) by (intros p n' j _; destruct (OD j) as [-> ->]; auto).
  assert (KA : forall v f, knows_acc m cl v f -> knows_acc m' (cl ++ [Claim n i Live]) v f).
  { intros v f' Kv j na wr u. rewrite AD. destruct (Kv j na wr u) as [X|X]; auto. right. apply excused_claims. auto. }
  split.
  - split_data.
    [race]: { apply rmw_race; auto. intros. apply h_ctl. discriminate. }
    [ctl]: { intros l wr u ND. unfold m'. rewrite rmw_plain. auto. }
    [cap]: { rewrite LR, extent_app. simpl. lia. }
    [wps]: {
      intros k Kk. unfold m' in Kk. rewrite rmw_len in Kk. simpl in Kk. destruct (Nat.eq_dec k (len m WP)) as [->|E].
      - pose proof (sn_len k1 WP) as PW. destruct (rmw_new tids false true (Pr i) WP (t + n) m PW) as [V _]. fold m' in V.
        exists (cl ++ [Claim n i Live]), nil. split; [rewrite app_nil_r; auto|]. rewrite V, extent_app. simpl. lia.
      - rewrite (l_val _ _ L) by lia. destruct (h_wps k) as [a [b [E1 E2]]]; [lia|].
        exists a, (b ++ [Claim n i Live]). rewrite E1 at 1. rewrite <- app_assoc. auto. }
    [mon]: { intros k Kk. rewrite RL in Kk. rewrite RH, LR. auto. }
    [own]: { destruct h_own. split; apply (own_later m); auto. }
    [rm]: { rewrite LR, LM. auto. }
    [rp]: { intros k Kk. rewrite RL in Kk. rewrite RH. auto. }
    [pr]: {
      intros j f' F. rewrite LR. assert (F2 : frees (pp j) = Some f').
      { unfold upd in F. destruct (Nat.eq_dec i j) as [<-|]; [rewrite P|]; auto. }
      destruct (h_pr j f' F2) as [X1 X2]. split; auto. apply KA. apply (knows_more m cl (tv m (Pr j))); auto. intros u. apply (l_ck _ _ L). }
    [room]: { intros j. unfold upd. destruct (Nat.eq_dec i j); auto. }
    [co]: {
      intros i' na wr j. rewrite AD, LR. destruct (h_co i' na wr j) as [X|[p [x [A B]]]].
      - left. exact (Nat.le_trans _ _ _ X (l_ck _ _ L Co (Pr j))).
      - right. exists p, x. split; auto. apply at_pos_snoc. auto. }
    [fin]: {
      intros p x c i' A B F Oc. rewrite LR in B. apply at_pos_snoc in A. destruct A as [A|[-> ->]]; [|discriminate].
      destruct (h_fin p x c i' A B F Oc) as [X1 X2]. destruct (OD i') as [E1 E2]. split.
      - intros. rewrite AD. auto.
      - intros k. rewrite E1, E2. auto. }
    [head]: {
      intros p x A B. rewrite LR in B. unfold Mpsc.word. rewrite AD. apply at_pos_snoc in A. destruct A as [A|[-> ->]].
      - exact (Nat.le_trans _ _ _ (h_head p x A B) (l_ck _ _ L Co (Pr (own x)))).
      - cbn [own]. destruct (h_co (extent cl mod N) plain true i) as [X|[p [x [A [A1 [A2 A3]]]]]].
        + exact (Nat.le_trans _ _ _ X (l_ck _ _ L Co (Pr i))).
        + exfalso. pose proof (at_pos_end cl p x A).
          apply (occ_apart (last m FR) p (words x) (extent cl) n (extent cl mod N)); auto; try lia. apply occ_word. lia. }
    [free]: {
      intros q Q1 Q2. rewrite LR in Q2. rewrite extent_app in Q1. apply (untouched_same N Npos m); [apply Sw|apply Tc|].
      apply h_free; lia. }
    [val]: {
      intros p x A B _. rewrite LM in B. apply at_pos_snoc in A. destruct A as [A|[-> ->]].
      - apply (good_same N Npos m m' pp); eauto; [|apply h_val; auto; discriminate].
        intros Lv. unfold upd. destruct (Nat.eq_dec i (own x)) as [E|]; auto. exfalso.
        specialize (k5 p x A Lv). rewrite <- E, P in k5. exact k5.
      - unfold MpscData.good. cbn [what own words]. unfold upd. destruct (Nat.eq_dec i i); [|congruence].
        intros q Q. apply (untouched_same N Npos m); [apply Sw|apply Tc|]. apply h_free; lia. }
    all: auto.
  - intros d c Ic. apply inv_c_claims. apply (inv_c_keep m); auto.
Qed.

(* ---- the consumer reads the data ---- *)
Lemma data_readC (m : mem) pp al cl na acq j0 k : known producers m pp al cl -> data None m pp cl -> can_read m Co (D j0) k ->
  (forall j na' wr, clash na false na' wr = true -> acc m na' wr (D j0) (Pr j) <= ck (tv m Co) (Pr j)) ->
  (forall f, f <= last m FR -> excused cl f j0 na false Co) ->
  let m' := read na acq Co (D j0) k m in
  data None m' pp cl /\ (forall d c, inv_c m cl d c -> inv_c m' cl d c).
Proof.
  intros K H R RC EX m'. pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10]. pose proof H as H0. invd H0.
  assert (Wp : forall p x, at_pos cl p x -> 0 < words x) by (intros; eapply k4; eauto).
  assert (L : later m m') by (apply later_read; auto). assert (Sn : sane m') by (apply sane_read; auto).
  assert (Ac : forall na' wr' l u, acc m' na' wr' l u = acc m na' wr' l u \/ (na' = na /\ wr' = false /\ l = D j0 /\ u = Co)).
  { intros. unfold m'. edestruct read_acc as [E|[E1 [E2 [E4 [E3 _]]]]]; [left; exact E|right; auto]. }
  assert (AP : forall na' wr' l j, acc m' na' wr' l (Pr j) = acc m na' wr' l (Pr j)).
  { intros. destruct (Ac na' wr' l (Pr j)) as [E|[_ [_ [_ E]]]]; [exact E|discriminate]. }
  assert (KA : forall v f, f <= last m FR -> knows_acc m cl v f -> knows_acc m' cl v f).
  { intros v f Lf. apply knows_acc_new. intros i na' wr' t. destruct (Ac na' wr' (D i) t) as [E|[-> [-> [E ->]]]]; auto.
    injection E as ->. auto. }
  assert (Tc : forall i, ts (tv m Co) (D i) <= ts (tv m' Co) (D i)) by (intros; apply (l_ts _ _ L); auto).
  assert (Sw : forall p n, same_words m m' p n) by (intros p n' j _; auto).
  split.
  - split_data.
    [race]: {
      unfold m', Machine.read. cbn [race]. rewrite h_race. cbn [orb]. apply racy_no. intros u na' wr' C.
      destruct u as [j|]; [auto|apply (sn_acc k1)]. }
    [ctl]: { intros l wr u ND. destruct (Ac plain wr l u) as [->|[_ [_ [E _]]]]; auto. exfalso. eapply ND. exact E. }
    [own]: { destruct h_own. split; apply (own_later m); auto. }
    [rp]: { intros k' Kk. apply KA; [apply h_mon; auto|apply h_rp; auto]. }
    [pr]: {
      intros j f F. destruct (h_pr j f F) as [X1 X2]. split; [|exact X2]. apply KA; [exact X2|].
      apply (knows_more m cl (tv m (Pr j))); [|exact X1]. intros u. apply (l_ck _ _ L). }
    [co]: {
      intros i na' wr j. rewrite AP. destruct (h_co i na' wr j) as [X|X]; [left; exact (Nat.le_trans _ _ _ X (l_ck _ _ L Co (Pr j)))|right; exact X]. }
    [fin]: {
      intros p x c i A B F Oc. destruct (h_fin p x c i A B F Oc) as [X1 X2]. split; [intros; rewrite AP; auto|exact X2]. }
    [head]: { intros p x A B. rewrite AP. exact (Nat.le_trans _ _ _ (h_head p x A B) (l_ck _ _ L Co (Pr (own x)))). }
    [free]: { intros q Q1 Q2. apply (untouched_same N Npos m); [apply Sw|apply Tc|]. apply h_free; auto. }
    [val]: { intros p x A B _. apply (good_same N Npos m m' pp); eauto. apply h_val; auto. discriminate. }
    all: auto.
  - intros d c Ic. apply (inv_c_keep m); auto.
Qed.
End Claims.
