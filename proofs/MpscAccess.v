(* Each kind of access keeps what MpscData.v says. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscClaims MpscKnown MpscFacts MpscData.

Section Access.
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

Lemma in_view (m : mem) t l : sane m -> ts (tv m t) l < len m l.
Proof. intros S. apply (sn_ts S (v := tv m t)). left. eauto. Qed.
Lemma hb (m : mem) t l k : sane m -> k < len m l -> stamp (hist m l k) <= ck (tv m t) (who (hist m l k)) -> k <= ts (tv m t) l.
Proof. intros S K St. apply (sn_hb S (v := tv m t)); auto. left. eauto. Qed.
Lemma own_later (m m' : mem) t l : later m m' -> sane m -> sane m' -> len m' l = len m l -> ts (tv m t) l = len m l - 1 ->
  ts (tv m' t) l = len m' l - 1.
Proof.
  intros L S S' E T. pose proof (l_ts _ _ L t l S). pose proof (in_view m' t l S'). rewrite E in *. lia.
Qed.

(* ---- accesses that leave the data alone ---- *)
Lemma data_neutral hole (m m' : mem) pp pp' cl : later m m' -> sane m -> sane m' ->
  (forall i, len m' (D i) = len m (D i)) -> (forall i, hist m' (D i) = hist m (D i)) ->
  (forall i na wr t, acc m' na wr (D i) t = acc m na wr (D i) t) ->
  len m' FR = len m FR -> hist m' FR = hist m FR -> len m' RM = len m RM -> hist m' RM = hist m RM ->
  len m' WP = len m WP -> (forall k, val (hist m' WP k) = val (hist m WP k)) ->
  race m' = false -> (forall l wr u, (forall i, l <> D i) -> acc m' plain wr l u = 0) ->
  (forall i f, frees (pp' i) = Some f -> frees (pp i) = Some f \/ knows_acc m cl (tv m' (Pr i)) f /\ f <= last m FR) ->
  (forall i, has_room N (pp' i)) -> (forall p x, at_pos cl p x -> what x = Live -> pp' (own x) = pp (own x)) ->
  (forall p x, at_pos cl p x -> 0 < words x) -> data hole m pp cl -> data hole m' pp' cl.
Proof.
  intros L S S' E1 E2 E3 E4 E5 E6 E7 E8 E9 Ra Ct Fr Ro Lv Wp H. invd H.
  assert (LR : last m' FR = last m FR) by (unfold last; rewrite E4, E5; auto).
  assert (LM : last m' RM = last m RM) by (unfold last; rewrite E6, E7; auto).
  assert (KA : forall v f, knows_acc m cl v f -> knows_acc m' cl v f).
  { intros v f K i na wr t. rewrite E3. apply K. }
  assert (Tc : forall i, ts (tv m Co) (D i) <= ts (tv m' Co) (D i)) by (intros; apply (l_ts _ _ L); auto).
  split_data; auto.
  [cap]: { rewrite LR. auto. }
  [wps]: { intros k K. rewrite E8 in K. rewrite E9. auto. }
  [mon]: { intros k K. rewrite E4 in K. rewrite E5, LR. auto. }
  [own]: { destruct h_own. split; apply (own_later m); auto. }
  [rm]: { rewrite LR, LM. auto. }
  [rp]: { intros k K. rewrite E4 in K. rewrite E5. auto. }
  [pr]: {
    intros i f F. rewrite LR. destruct (Fr i f F) as [X|[X Y]]; auto. destruct (h_pr i f X) as [X1 X2]. split; auto.
    apply KA. apply (knows_more m cl (tv m (Pr i))); auto. intros t. apply (l_ck _ _ L). }
  [co]: {
    intros i na wr j. rewrite E3, LR. destruct (h_co i na wr j) as [X|X]; auto. left.
    etransitivity; [exact X|apply (l_ck _ _ L)]. }
  [fin]: {
    intros p x c i A B F Oc. rewrite LR in B. destruct (h_fin p x c i A B F Oc) as [X1 X2]. split.
    - intros. rewrite E3. auto.
    - intros k. rewrite E1, E2. auto. }
  [head]: {
    intros p x A B. rewrite LR in B. unfold Mpsc.word. rewrite E3. destruct (h_head p x A B) as [X|X]; auto. left.
    etransitivity; [exact X|apply (l_ck _ _ L)]. }
  [free]: {
    intros q Q1 Q2. rewrite LR in Q2. apply (untouched_same N Npos m); auto; [|apply Tc]. intros i _. rewrite E1, E2. auto. }
  [val]: {
    intros p x A B Ho. rewrite LM in B. apply (good_same N Npos cl m m' pp); eauto. intros i _. rewrite E1, E2. auto. }
Qed.

(* The consumer's place, while the words that it has an eye on stand. *)
Lemma inv_c_keep (m m' : mem) cl d c : later m m' -> sane m -> last m' FR = last m FR -> last m' RM = last m RM ->
  last m' RP = last m RP ->
  (forall n, last m FR + n <= last m RM -> same_words m m' (last m FR) n) ->
  (forall p x t, at_pos cl p x -> what x = Gone t -> last m FR <= p -> same_words m m' p (words x)) ->
  last m FR <= last m RM ->
  inv_c m cl d c -> inv_c m' cl d c.
Proof.
  intros L S E1 E2 E3 Z G RM' [A1 [A2 [A3 A4]]]. unfold MpscData.inv_c. rewrite E1, E2, E3.
  split; auto. split; [eapply below_later; eauto|]. split; auto.
  assert (Tc : forall i, ts (tv m Co) (D i) <= ts (tv m' Co) (D i)) by (intros; apply (l_ts _ _ L); auto).
  assert (St : forall c r f h, standing m cl d c r f h -> standing m' cl d c r f h).
  { intros c0 r f h [B1 [B2 [B3 [B4 B5]]]]. unfold standing. rewrite E1, E2. repeat (split; auto). eapply below_later; eauto. }
  assert (Bk : forall c e, last m FR <= c -> blank N m cl c e -> blank N m' cl c e).
  { intros c0 e Le B p x A Q. destruct (B p x A Q) as [[t X] Y]. split; [eauto|].
    apply (all_untouched_same N Npos m); auto. apply (G p x t); auto. lia. }
  destruct c; auto.
  - destruct A4 as [B [x [t [y [X1 [X2 [X3 [X4 [X5 X6]]]]]]]]]. split; auto. exists x, t, y.
    split; auto. split; auto. split; [|auto]. etransitivity; [exact X3|apply (l_ck _ _ L)].
  - destruct A4 as [B [X1 X2]]. split; auto. split; auto. destruct B as [B1 _]. subst r.
    apply (all_untouched_same N Npos m); auto. apply Z. lia.
  - destruct A4 as [B [X1 X2]]. split; auto. split; auto. destruct B as [B1 _]. subst r.
    apply (all_untouched_same N Npos m); auto. apply Z. lia.
  - destruct A4 as [B X]. split; auto. destruct B as [_ [B2 _]]. subst f. apply Bk; auto.
  - destruct A4 as [B X]. auto.
  - destruct A4 as [B X]. auto.
  - destruct A4 as [B X]. auto.
  - destruct A4 as [B [X [p [x [t [Y1 [Y2 [Y3 [Y4 [Y5 [Y6 Y7]]]]]]]]]]]. split; auto. split; auto. exists p, x, t.
    destruct B as [B1 [B2 [B3 _]]]. subst r f.
    split; auto. split; auto. split; auto. split; auto.
    split; [apply Bk; auto; lia|]. split; auto. eapply below_later; eauto.
Qed.

(* ---- the producer writes a word of its live claim ---- *)
Lemma data_writeP (m : mem) pp al cl t x (na rel : bool) j0 v p' : known producers m pp al cl -> data None m pp cl ->
  at_pos cl t x -> what x = Live -> occ t (words x) j0 -> last m RM <= t ->
  (na = plain -> exists q, t < q < t + words x /\ j0 mod N = q mod N) ->
  frees p' = frees (pp (own x)) -> has_room N p' ->
  let m' := write na rel (Pr (own x)) (D j0) v m in
  data (Some t) m' (upd pp (own x) p') cl /\ (forall d c, inv_c m cl d c -> inv_c m' cl d c).
Proof.
  intros K H A Lv Oc Rm Kind Fr Ro m'. set (i := own x) in *. pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10].
  assert (Wp : forall p x, at_pos cl p x -> 0 < words x) by (intros; eapply k4; eauto).
  pose proof H as H0. invd H0. pose proof (k5 t x A Lv) as Op. fold i in Op.
  assert (Fx : exists f, frees (pp i) = Some f /\ f <= t /\ t + words x <= f + N).
  { pose proof (h_room i) as R. destruct (pp i); simpl in Op, R; try contradiction; destruct Op as [-> ->]; simpl; eauto. }
  destruct Fx as [f [Ff [F1 F2]]]. destruct (h_pr i f Ff) as [Kn Fle].
  assert (L : later m m') by apply later_write. assert (Sn : sane m') by (apply sane_write; auto).
  assert (Uniq : forall (p : nat) (y : claim) f', at_pos cl p y -> f' <= p -> f' <= last m FR -> t + words x <= f' + N ->
    occ p (words y) j0 -> p = t /\ y = x).
  { intros p y f' B B1 B3 B4 Oy. pose proof (at_pos_end cl p y B) as En. destruct (lt_eq_lt_dec p t) as [[G|G]|G].
    - exfalso. pose proof (apart_at cl Wp p y t x B A G). apply (occ_apart f' p (words y) t (words x) j0); auto.
    - subst p. split; auto. apply (same_at cl Wp t); auto.
    - exfalso. pose proof (apart_at cl Wp t x p y A B G). apply (occ_apart (last m FR) t (words x) p (words y) j0); auto; lia. }
  pose proof (at_pos_end cl t x A) as Ex.
  assert (UniqR : forall (p : nat) (y : claim), at_pos cl p y -> last m FR <= p -> occ p (words y) j0 -> p = t /\ y = x).
  { intros p y B B1. apply (Uniq p y (last m FR)); auto. lia. }
  assert (Ac : forall na' wr' l u, acc m' na' wr' l u = acc m na' wr' l u \/ (na' = na /\ wr' = true /\ l = D j0 /\ u = Pr i)).
  { intros. unfold m'. edestruct write_acc as [E|[E1 [E2 [E4 [E3 _]]]]]; [left; exact E|right; auto]. }
  assert (KA : forall v f', f' <= t -> knows_acc m cl v f' -> knows_acc m' cl v f').
  { intros w f' Lf. apply knows_acc_new. intros i' na' wr' u. destruct (Ac na' wr' (D i') u) as [E|[-> [-> [E ->]]]]; auto.
    injection E as ->. right. left. exists t, x. split; auto. }
  assert (Ot : forall l, l <> D j0 -> len m' l = len m l /\ hist m' l = hist m l).
  { intros l E. split; [apply write_len_ne; auto|]. unfold m', Machine.write. cbn [hist]. apply updl_ne. auto. }
  assert (OtD : forall i', i' <> j0 -> len m' (D i') = len m (D i') /\ (forall k, hist m' (D i') k = hist m (D i') k)).
  { intros i' E. destruct (Ot (D i')) as [E1 E2]; [congruence|]. rewrite E2. auto. }
  destruct (Ot FR) as [RL RH]; [congruence|]. destruct (Ot RP) as [PL PH]; [congruence|]. destruct (Ot RM) as [ML MH]; [congruence|]. destruct (Ot WP) as [WL WH]; [congruence|].
  assert (LR : last m' FR = last m FR) by (unfold last; rewrite RL, RH; auto).
  assert (LM : last m' RM = last m RM) by (unfold last; rewrite ML, MH; auto).
  assert (Tc : forall i, ts (tv m Co) (D i) <= ts (tv m' Co) (D i)) by (intros; apply (l_ts _ _ L); auto).
  assert (LivU : forall (p : nat) (y : claim), at_pos cl p y -> what y = Live -> own y = i -> p = t).
  { intros p y B Ly E. pose proof (k5 p y B Ly) as O2. rewrite E in O2. destruct (pp i); simpl in Op, O2; try contradiction; lia. }
  assert (Same : forall p n, (occ p n j0 -> False) -> same_words m m' p n).
  { intros p n No i' Oi. apply OtD. intros ->. auto. }
  split.
  - split_data.
    [race]: {
      unfold m', Machine.write. cbn [race]. rewrite h_race. cbn [orb]. apply racy_no. intros u na' wr' Cl.
      destruct (Kn j0 na' wr' u) as [X|[[p [y [B [B1 [B2 B3]]]]]|[-> [-> [-> [p [B1 [B2 B3]]]]]]]]; auto.
      - destruct (Uniq p y f B B1 Fle F2 B2) as [-> ->]. destruct B3 as [->|[-> B3]]; [apply (sn_acc k1)|contradiction].
      - exfalso. destruct na; [|discriminate]. destruct (Kind eq_refl) as [j [J1 J2]].
        assert (E : p mod N = j mod N) by (rewrite <- J2, B2, Nat.mod_mod by lia; auto).
        destruct (le_lt_dec p t) as [G|G].
        + apply mod_same in E; lia.
        + pose proof (apart_bound cl Wp t x p A B3 G). symmetry in E. apply mod_same in E; lia. }
    [ctl]: { intros l wr u ND. destruct (Ac plain wr l u) as [->|[_ [_ [E _]]]]; auto. exfalso. eapply ND. exact E. }
    [cap]: { rewrite LR. auto. }
    [wps]: { intros k K'. rewrite WL in K'. rewrite WH. auto. }
    [mon]: { intros k K'. rewrite RL in K'. rewrite RH, LR. auto. }
    [own]: { destruct h_own. split; apply (own_later m); auto. }
    [rm]: { rewrite LR, LM. auto. }
    [rp]: { intros k K'. rewrite RL in K'. rewrite RH. apply KA; auto. specialize (h_mon k K'). lia. }
    [pr]: {
      intros j f' F'. rewrite LR. assert (F2' : frees (pp j) = Some f').
      { unfold upd in F'. destruct (Nat.eq_dec i j) as [<-|]; [rewrite <- Fr|]; auto. }
      destruct (h_pr j f' F2') as [X1 X2]. split; auto. apply KA; [lia|].
      apply (knows_more m cl (tv m (Pr j))); auto. intros u. apply (l_ck _ _ L). }
    [room]: { intros j. unfold upd. destruct (Nat.eq_dec i j); auto. }
    [co]: {
      intros i' na' wr' j. rewrite LR. destruct (Ac na' wr' (D i') (Pr j)) as [->|[-> [-> [E Ej]]]].
      - destruct (h_co i' na' wr' j) as [X|X]; [left; exact (Nat.le_trans _ _ _ X (l_ck _ _ L Co (Pr j)))|right; exact X].
      - right. injection E as ->. injection Ej as ->. exists t, x. repeat (split; auto); lia. }
    [fin]: {
      intros p y c i' B B1 F Oy. rewrite LR in B1. destruct (h_fin p y c i' B B1 F Oy) as [X1 X2].
      assert (No : i' = j0 -> False).
      { intros ->. destruct (UniqR p y B B1 Oy) as [_ ->]. unfold finished in F. rewrite Lv in F. discriminate. }
      split.
      - intros na' wr'. destruct (Ac na' wr' (D i') (Pr (own y))) as [->|[_ [_ [E _]]]]; auto. injection E as E. contradiction.
      - destruct (OtD i') as [E1 E2]; auto. intros k. rewrite E1, E2. auto. }
    [head]: {
      intros p y B B1. rewrite LR in B1. assert (Pr0 : 0 < words y) by eauto.
      destruct (Ac plain true (word p) (Pr (own y))) as [->|[En [_ [E _]]]].
      - destruct (h_head p y B B1) as [X|X]; [left|right; exact X]. exact (Nat.le_trans _ _ _ X (l_ck _ _ L Co (Pr (own y)))).
      - exfalso. injection E as E. subst na. destruct (Kind eq_refl) as [j [J1 J2]].
        destruct (UniqR p y B B1) as [-> _]; [rewrite <- E; apply occ_word; lia|].
        rewrite <- E, Nat.mod_mod in J2 by lia. apply mod_same in J2; lia. }
    [free]: {
      intros q Q1 Q2. rewrite LR in Q2. apply (untouched_same N Npos m); [apply Same|apply Tc|auto]. intros Oq.
      apply (occ_apart (last m FR) t (words x) q 1 j0); auto; lia. }
    [val]: {
      intros p y B B1 Ho. rewrite LM in B1. assert (Np : p <> t) by congruence. apply (good_same N Npos cl m m' pp); eauto.
      - apply Same. intros Oy. destruct (UniqR p y B); auto; lia.
      - intros Ly. unfold upd. destruct (Nat.eq_dec i (own y)) as [E|]; auto. exfalso. apply Np. apply (LivU p y); auto.
      - apply h_val; auto. discriminate. }
  - intros d c. apply inv_c_keep; auto.
    + intros n Ln. apply Same. intros On. apply (occ_apart (last m FR) (last m FR) n t (words x) j0); auto; lia.
    + intros p y u B G B1. apply Same. intros Oy. destruct (UniqR p y B B1 Oy) as [_ ->]. congruence.
Qed.
End Access.
