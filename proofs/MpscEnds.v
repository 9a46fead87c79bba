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
Notation occ_word := (occ_word N Npos). Notation occ_index := (occ_index N Npos). Notation apart_at := (apart_at N Npos).
Notation same_at := (same_at N Npos). Notation apart_bound := (apart_bound N Npos). Notation knows_more := (knows_more N Npos).
Notation knows_acc_new := (knows_acc_new N). Notation knows_claims := (knows_claims N). Notation bound_at := (bound_at N Npos).
Notation bound_le := (bound_le N Npos). Notation bound_boundary := (bound_boundary N Npos).
Notation untouched := (untouched N). Notation all_untouched := (all_untouched N). Notation stamped := (stamped N).

Notation own_later := (own_later N Npos). Notation data_neutral := (data_neutral N Npos).
Notation inv_c_keep := (inv_c_keep N Npos).

Lemma fill_hole (m : mem) pp cl t x : (forall p x, at_pos cl p x -> 0 < words x) -> data (Some t) m pp cl ->
  at_pos cl t x -> good cl m pp t x -> data None m pp cl.
Proof.
  intros Wp H A G. invd H. constructor; auto. intros p y B R _. destruct (Nat.eq_dec p t) as [->|E].
  - rewrite <- (same_at cl Wp t x y A B). auto.
  - apply h_val; auto. congruence.
Qed.

(* ---- a claim ends, and becomes pieces ---- *)
Section Becomes.
Variables (cl : list claim) (i : nat) (ps : nat -> list claim) (c : nat).
Hypothesis Cu : cuts cl i ps c.
Notation cl' := (becomes cl i ps).
Hypothesis Wp : forall p x, at_pos cl p x -> 0 < words x.
Lemma Ex : extent cl' = extent cl.
Proof. eapply becomes_extent; eauto. Qed.
Lemma Pieces p y : at_pos cl' p y -> at_pos cl p y /\ ~ open i y \/
  exists q x z, at_pos cl q x /\ open i x /\ at_pos (ps (words x)) z y /\ p = q + z /\ own y = i /\ finished y = Some c.
Proof.
  intros A. destruct (at_pos_becomes cl i ps c p y Cu A) as [X|[q [x [z [B [O [D ->]]]]]]]; [left; auto|right].
  exists q, x, z. destruct (Cu x (at_pos_in _ _ _ B) O) as [_ X]. destruct (X y (at_pos_in _ _ _ D)) as [X1 [_ X2]]. auto 6.
Qed.
(* Where it was, pieces are, at its beginning and at each index. *)
Lemma piece_at q x j : at_pos cl q x -> open i x -> occ q (words x) j -> exists z y, at_pos (ps (words x)) z y /\
  at_pos cl' (q + z) y /\ own y = i /\ finished y = Some c /\ occ (q + z) (words y) j.
Proof.
  intros A O Oc. destruct (Cu x (at_pos_in _ _ _ A) O) as [E X]. rewrite <- E in Oc. destruct (occ_piece N Npos (ps (words x)) q j Oc) as [z [y [B D]]].
  exists z, y. split; auto. split; [eapply at_pos_piece; eauto|]. destruct (X y (at_pos_in _ _ _ B)) as [X1 [_ X2]]. auto.
Qed.
Lemma boundary_becomes p : boundary cl p -> boundary cl' p.
Proof.
  intros [->|[x A]]; [left; symmetry; exact Ex|right]. destruct (open_dec i x) as [O|O]; [|exists x; eapply at_pos_other; eauto].
  destruct (Cu x (at_pos_in _ _ _ A) O) as [E _]. destruct (at_pos_0 (ps (words x))) as [y B]; [rewrite E; eauto|].
  exists y. rewrite <- (Nat.add_0_r p). eapply at_pos_piece; eauto.
Qed.
Lemma follows_becomes p x : follows cl p x -> follows cl' p x.
Proof.
  intros [q [z [t [A [E [O [F1 F2]]]]]]]. exists q, z, t. split; auto. eapply at_pos_other; eauto. eapply finished_not_open; eauto.
Qed.
Lemma good_becomes (m : mem) pp p' p x : ~ open i x -> good cl m pp p x -> good cl' m (upd pp i p') p x.
Proof.
  intros O G. assert (Sh : forall v t, shown N cl m p x v t -> shown N cl' m p x v t).
  { intros v t [A|[A B]]; [left; auto|right; split; auto; apply follows_becomes; auto]. }
  unfold MpscData.good in *. destruct (what x) eqn:Wx; auto.
  - unfold upd. destruct (Nat.eq_dec i (own x)) as [E|E]; auto. destruct O. split; auto.
  - destruct G as [G1 [G2 G3]]. auto.
Qed.
Lemma excused_becomes f j na wr t : excused cl f j na wr t -> excused cl' f j na wr t.
Proof.
  intros [[p [x [A [B [C D]]]]]|[E1 [E2 [E3 [p [F1 [F2 F3]]]]]]].
  - left. destruct (open_dec i x) as [O|O].
    + destruct (piece_at p x j A O C) as [z [y [_ [X1 [X2 [X3 X4]]]]]]. exists (p + z), y. split; auto. split; [lia|]. split; auto. left.
      destruct O as [Lv O]. destruct D as [->|[_ D]]; congruence.
    + exists p, x. split; [eapply at_pos_other; eauto|auto].
  - right. split; auto. split; auto. split; auto. exists p. rewrite Ex. split; auto. split; auto. apply boundary_becomes. auto.
Qed.

Lemma data_becomes hole (m : mem) pp p' : data hole m pp cl -> sane m -> clock m i <= c ->
  (forall p x, at_pos cl p x -> open i x -> last m RM <= p) ->
  (hole = None \/ exists t x, hole = Some t /\ at_pos cl t x /\ open i x) ->
  (forall p x z y, at_pos cl p x -> open i x -> at_pos (ps (words x)) z y -> z = 0 \/ follows cl' (p + z) y) ->
  (forall p x z y, at_pos cl p x -> open i x -> at_pos (ps (words x)) z y -> good cl' m (upd pp i p') (p + z) y) ->
  (forall f, frees p' = Some f -> frees (pp i) = Some f) -> has_room N p' ->
  data None m (upd pp i p') cl'.
Proof.
  intros H S Cl Ab Ho Fo G Fr Ro. invd H.
  assert (KA : forall v f, knows_acc m cl v f -> knows_acc m cl' v f).
  { intros v f. apply knows_claims. intros. apply excused_becomes. auto. }
  split_data; auto.
  [cap]: { rewrite Ex. auto. }
  [wps]: {
    intros k K. destruct (h_wps k K) as [a [b [E V]]]. exists (becomes a i ps), (becomes b i ps). rewrite E, becomes_app. split; auto.
    rewrite V. symmetry. eapply becomes_extent. rewrite E in Cu. apply (cuts_app a b i ps c Cu). }
  [pr]: {
    intros j f F. assert (F2 : frees (pp j) = Some f).
    { unfold upd in F. destruct (Nat.eq_dec i j) as [<-|]; auto. }
    destruct (h_pr j f F2). auto. }
  [room]: { intros j. unfold upd. destruct (Nat.eq_dec i j); auto. }
  [co]: {
    intros i' na wr j. destruct (h_co i' na wr j) as [X|[p [x [A [B [C D]]]]]]; auto. right.
    destruct (open_dec i x) as [O|O]; [|exists p, x; split; auto; eapply at_pos_other; eauto].
    destruct (piece_at p x i' A O C) as [z [y [_ [X1 [X2 [X3 X4]]]]]]. exists (p + z), y. split; auto. split; [lia|]. split; auto.
    destruct O. congruence. }
  [fin]: {
    intros p y c' i' A B F Oc. destruct (Pieces p y A) as [[X _]|[q [x [z [_ [_ [_ [_ [-> F2]]]]]]]]]; [apply (h_fin p y c' i' X B F Oc)|].
    assert (c' = c) as -> by congruence. unfold clock in Cl. split.
    - intros na wr. pose proof (sn_acc S na wr (D i') (Pr i)). lia.
    - intros k K Wh. pose proof (sn_st S (D i') K) as St. rewrite Wh in St. lia. }
  [head]: {
    intros p y A B. destruct (Pieces p y A) as [[X _]|[q [x [z [X [O [Y [-> [E _]]]]]]]]].
    - destruct (h_head p y X B); auto. right. apply follows_becomes. auto.
    - destruct (Fo q x z y X O Y) as [->|F]; auto. rewrite Nat.add_0_r, E in *. pose proof (Ab q x X O).
      destruct O as [Lv <-]. destruct (h_head q x X) as [Z|[? [? [t [_ [_ [_ [_ Z]]]]]]]]; [lia|left; exact Z|].
      unfold finished in Z. rewrite Lv in Z. discriminate. }
  [free]: { intros q Q1. rewrite Ex in Q1. auto. }
  [val]: {
    intros p y A R _. destruct (Pieces p y A) as [[X O]|[q [x [z [X [O [Y [-> _]]]]]]]]; [|apply (G q x z y); auto].
    apply good_becomes; auto. apply h_val; auto. intros ->. destruct Ho as [Ho|[t [z [Ho [B1 B2]]]]]; [discriminate|].
    injection Ho as <-. rewrite (same_at cl Wp p y z X B1) in O. contradiction. }
Qed.

Lemma split_becomes (m : mem) e l : below m cl e -> split_at cl e l -> split_at cl' e l.
Proof.
  intros B [a [b [E [X P]]]]. exists a, (becomes b i ps). split; auto. rewrite E, becomes_app. f_equal.
  apply becomes_none. intros x I O. apply in_split in I. destruct I as [a1 [a2 I]].
  assert (A : at_pos cl (extent a1) x) by (exists a1, (a2 ++ b); rewrite E, I, <- app_assoc; auto).
  destruct (B _ x A) as [t [F _]]; [|exact (finished_not_open i x t F O)].
  rewrite <- X, I, extent_app. cbn [extent]. pose proof (Wp _ _ A). lia.
Qed.
Lemma below_becomes (m : mem) e : below m cl e -> below m cl' e.
Proof.
  intros B p y A L. destruct (Pieces p y A) as [[X _]|[q [x [z [X [O [_ [-> _]]]]]]]]; [apply (B p y X L)|].
  destruct (B q x X) as [t [F _]]; [lia|]. destruct (finished_not_open i x t F O).
Qed.
Lemma bound_becomes e : bound cl e -> bound cl' e.
Proof.
  intros [a [b [E <-]]]. exists (becomes a i ps), (becomes b i ps). rewrite E, becomes_app. split; auto.
  eapply becomes_extent. rewrite E in Cu. apply (cuts_app a b i ps c Cu).
Qed.
Lemma inv_c_becomes (m : mem) d k : inv_c m cl d k -> inv_c m cl' d k.
Proof.
  intros [A1 [A2 [A3 A4]]].
  split; [apply (split_becomes m); auto|]. split; [apply below_becomes; auto|]. split; [apply bound_becomes; auto|].
  assert (St : forall e r f h, standing m cl d e r f h -> standing m cl' d e r f h).
  { intros e r f h [B1 [B2 [B3 [B4 B5]]]]. split; auto. split; auto. split; auto. split; [apply (split_becomes m); auto|apply below_becomes; auto]. }
  assert (Bk : forall a e, below m cl e -> blank N m cl a e -> blank N m cl' a e).
  { intros a e Be B p y A Q. destruct (Pieces p y A) as [[X _]|[q [x [z [X [O [_ [-> _]]]]]]]]; [apply (B p y X Q)|].
    destruct (Be q x X) as [t [F _]]; [lia|]. destruct (finished_not_open i x t F O). }
  assert (Ot : forall p x t, at_pos cl p x -> finished x = Some t -> at_pos cl' p x).
  { intros p x t A F. eapply at_pos_other; eauto. eapply finished_not_open; eauto. }
  destruct k; auto.
  - destruct A4 as [B [x [t [y [X1 [X2 X3]]]]]]. split; auto. exists x, t, y. split; auto.
    apply (Ot _ _ t); auto. unfold finished. rewrite X2. auto.
  - destruct A4 as [B X]. auto.
  - destruct A4 as [B X]. auto.
  - destruct A4 as [B X]. split; auto. apply Bk; auto. apply B.
  - destruct A4 as [B [X1 X2]]. split; auto. split; auto. apply bound_becomes. auto.
  - destruct A4 as [B [X1 X2]]. split; auto. split; auto. apply bound_becomes. auto.
  - destruct A4 as [B [X1 X2]]. split; auto. split; auto. apply bound_becomes. auto.
  - destruct A4 as [B [X [p [x [t [Y1 [Y2 [Y3 [Y4 [Y5 [Y6 Y7]]]]]]]]]]]. split; auto. split; [apply bound_becomes; auto|].
    exists p, x, t. split; [apply (Ot _ _ t); auto; unfold finished; rewrite Y2; auto|].
    split; auto. split; auto. split; auto. split; auto. split; [apply (split_becomes m); auto|apply below_becomes; auto].
Qed.
End Becomes.

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
Lemma follows_claims cl y p x : follows cl p x -> follows (cl ++ [y]) p x.
Proof. intros [q [z [t [A X]]]]. exists q, z, t. split; auto. apply at_pos_snoc. auto. Qed.
Lemma good_claims cl y (m : mem) pp p x : good cl m pp p x -> good (cl ++ [y]) m pp p x.
Proof.
  assert (Sh : forall v t, shown N cl m p x v t -> shown N (cl ++ [y]) m p x v t).
  { intros v t [A|[A B]]; [left; auto|right; split; auto; apply follows_claims; auto]. }
  unfold MpscData.good. destruct (what x); auto. intros [G1 [G2 G3]]. auto.
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
      - destruct (h_head p x A B) as [X|X]; [left|right; apply follows_claims; exact X].
        exact (Nat.le_trans _ _ _ X (l_ck _ _ L Co (Pr (own x)))).
      - left. cbn [own]. destruct (h_co (extent cl mod N) plain true i) as [X|[p [x [A [A1 [A2 A3]]]]]].
        + exact (Nat.le_trans _ _ _ X (l_ck _ _ L Co (Pr i))).
        + exfalso. pose proof (at_pos_end cl p x A).
          apply (occ_apart (last m FR) p (words x) (extent cl) n (extent cl mod N)); auto; try lia. apply occ_word. lia. }
    [free]: {
      intros q Q1 Q2. rewrite LR in Q2. rewrite extent_app in Q1. apply (untouched_same N Npos m); [apply Sw|apply Tc|].
      apply h_free; lia. }
    [val]: {
      intros p x A B _. rewrite LM in B. apply at_pos_snoc in A. destruct A as [A|[-> ->]].
      - apply good_claims, (good_same N Npos cl m m' pp); eauto; [|apply h_val; auto; discriminate].
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
    [head]: { intros p x A B. rewrite AP. destruct (h_head p x A B) as [X|X]; [left|right; exact X].
      exact (Nat.le_trans _ _ _ X (l_ck _ _ L Co (Pr (own x)))). }
    [free]: { intros q Q1 Q2. apply (untouched_same N Npos m); [apply Sw|apply Tc|]. apply h_free; auto. }
    [val]: { intros p x A B _. apply (good_same N Npos cl m m' pp); eauto. apply h_val; auto. discriminate. }
    all: auto.
  - intros d c Ic. apply (inv_c_keep m); auto.
Qed.
End Claims.
