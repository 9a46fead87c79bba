(* Every step of many producers' ring keeps the invariant of its data. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscClaims MpscKnown MpscFacts MpscData MpscAccess MpscEnds MpscMarks.

Lemma nth_firstn' (l : list nat) n i : i < n -> nth i (firstn n l) 0 = nth i l 0.
Proof. revert n i. induction l; intros [|n] [|i] L; simpl; auto; try lia. apply IHl. lia. Qed.
Lemma firstn_snoc' (l : list nat) n : n < length l -> firstn n l ++ [nth n l 0] = firstn (S n) l.
Proof. revert n. induction l; intros [|n] L; simpl in *; auto; try lia. f_equal. apply IHl. lia. Qed.

Section Holds.
Variables N most producers : nat.
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


Notation pstep := (pstep N most producers shipped). Notation cstep := (cstep N producers shipped).
Notation step := (step N most producers shipped). Notation reach := (reach N most producers shipped).
Notation data_writeP := (data_writeP N producers Npos). Notation fill_hole := (fill_hole N Npos).

Definition opened (pp : nat -> producer) cl := forall i t n, opens (pp i) t n -> at_pos cl t (Claim n i Live).
Definition inv s := MpscKnown.inv producers s /\ opened (pp s) (claims s) /\
  data None (mm s) (pp s) (claims s) /\ inv_c (mm s) (claims s) (done s) (cc s) /\ handed N (mm s) (claims s) (done s).

Lemma state_busy n : state_of (busy n) = 1.
Proof. unfold state_of, busy. rewrite Nat.mul_comm, Nat.add_comm, Nat.mod_add by lia. reflexivity. Qed.
Lemma state_committed n : state_of (committed n) = 2.
Proof. unfold state_of, committed. rewrite Nat.mul_comm, Nat.add_comm, Nat.mod_add by lia. reflexivity. Qed.
Lemma state_aborted n : state_of (aborted n) = 3.
Proof. unfold state_of, aborted. rewrite Nat.mul_comm, Nat.add_comm, Nat.mod_add by lia. reflexivity. Qed.
Lemma words_busy n : words_of (busy n) = n.
Proof. unfold words_of, busy. rewrite Nat.mul_comm, Nat.div_add_l by lia. simpl. lia. Qed.
Lemma words_committed n : words_of (committed n) = n.
Proof. unfold words_of, committed. rewrite Nat.mul_comm, Nat.div_add_l by lia. simpl. lia. Qed.
Lemma words_aborted n : words_of (aborted n) = n.
Proof. unfold words_of, aborted. rewrite Nat.mul_comm, Nat.div_add_l by lia. simpl. lia. Qed.

(* ---- producers ---- *)
Lemma live_above (m : mem) cl d c p x : inv_c m cl d c -> at_pos cl p x -> what x = Live -> last m RM <= p.
Proof.
  intros [_ [B _]] A Lv. destruct (le_lt_dec (last m RM) p); auto. destruct (B p x A l) as [t [F _]].
  unfold finished in F. rewrite Lv in F. discriminate.
Qed.
Lemma no_live (m : mem) pp al cl i : known producers m pp al cl -> (forall t n, ~ opens (pp i) t n) ->
  forall p x, at_pos cl p x -> what x = Live -> own x <> i.
Proof. intros K No p x A Lv E. pose proof (a_live _ _ _ _ _ K p x A Lv) as O. rewrite E in O. eapply No; eauto. Qed.

Lemma opened_keep pp cl i p' : opened pp cl -> (forall t n, opens p' t n -> opens (pp i) t n) -> opened (upd pp i p') cl.
Proof. intros O P j t n. unfold upd. destruct (Nat.eq_dec i j) as [<-|]; auto. Qed.
Lemma opened_becomes pp cl i ps c p' : cuts cl i ps c -> opened pp cl -> (forall t n, ~ opens p' t n) ->
  opened (upd pp i p') (becomes cl i ps).
Proof.
  intros Cu O P j t n. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; [intros X; destruct (P _ _ X)|]. intros X.
  eapply at_pos_other; eauto. intros [_ Ow]. cbn [own] in Ow. congruence.
Qed.

Lemma neutral_readP (m : mem) pp al cl i acq l k p' : known producers m pp al cl -> data None m pp cl -> can_read m (Pr i) l k ->
  (forall j, l <> D j) -> (forall t n, ~ opens (pp i) t n) ->
  (forall f, frees p' = Some f -> frees (pp i) = Some f \/ l = FR /\ acq = true /\ f = val (hist m FR k)) -> has_room N p' ->
  let m' := read atomic acq (Pr i) l k m in
  data None m' (upd pp i p') cl /\ (forall d c, inv_c m cl d c -> inv_c m' cl d c).
Proof.
  intros K H R ND No Fr Ro m'. pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10]. pose proof H as H0. invd H0.
  assert (L : later m m') by (apply later_read; auto). assert (Sn : sane m') by (apply sane_read; auto).
  split.
  - apply (data_neutral None m m' pp); auto.
    + intros j na wr u. unfold m'. edestruct read_acc as [E|[_ [_ [E _]]]]; [exact E|]. exfalso. eapply ND. symmetry. exact E.
    + unfold m', Machine.read. cbn [race]. rewrite h_race. cbn [orb]. apply racy_no. intros u na' wr' C.
      destruct na', wr'; try discriminate. rewrite h_ctl; auto. lia.
    + intros j f F. unfold upd in F. destruct (Nat.eq_dec i j) as [<-|]; [|auto].
      destruct (Fr f F) as [X|[-> [-> ->]]]; auto. right. destruct R as [R1 R2]. split; [|apply h_mon; auto].
      apply (knows_more m cl (mview (hist m FR k))); [|apply h_rp; auto]. intros u. unfold m'.
      destruct (tid_dec u (Pr i)) as [->|E]; [rewrite read_ck_own|rewrite read_ck by auto]; lia.
    + intros j. unfold upd. destruct (Nat.eq_dec i j); auto.
    + intros p x A Lv. unfold upd. destruct (Nat.eq_dec i (own x)) as [E|]; auto. exfalso.
      apply (no_live m pp al cl i K No p x A Lv). auto.
    + intros p x A. eapply k4; eauto.
  - intros d c. apply (inv_c_keep m); auto; intros; intros j Hj; auto.
Qed.
Lemma neutral_none (m : mem) pp al cl i p' : known producers m pp al cl -> data None m pp cl -> (forall t n, ~ opens (pp i) t n) ->
  (forall f, frees p' = Some f -> frees (pp i) = Some f) -> has_room N p' -> data None m (upd pp i p') cl.
Proof.
  intros K H No Fr Ro. pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10]. pose proof H as H0. invd H0.
  assert (Rm : forall j, has_room N (upd pp i p' j)) by (intros j; unfold upd; destruct (Nat.eq_dec i j); auto).
  apply (data_neutral None m m pp); auto; [apply later_refl| | |].
  - intros j f F. unfold upd in F. destruct (Nat.eq_dec i j) as [<-|]; auto.
  - intros p x A Lv. unfold upd. destruct (Nat.eq_dec i (own x)) as [E|]; auto. exfalso.
    apply (no_live m pp al cl i K No p x A Lv). auto.
  - intros p x A. eapply k4; eauto.
Qed.
Lemma neutral_ann (m : mem) pp al cl i l0 rel v p' : (exists j, l0 = Ann j \/ l0 = Own j) -> known producers m pp al cl -> data None m pp cl -> (forall t n, ~ opens (pp i) t n) ->
  (forall f, frees p' = Some f -> frees (pp i) = Some f) -> has_room N p' ->
  let m' := write atomic rel (Pr i) l0 v m in
  data None m' (upd pp i p') cl /\ (forall d c, inv_c m cl d c -> inv_c m' cl d c).
Proof.
  intros Lo K H No Fr Ro m'. pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10]. pose proof H as H0. invd H0.
  assert (L : later m m') by apply later_write. assert (Sn : sane m') by (apply sane_write; auto).
  assert (Nl : l0 <> WP /\ l0 <> RM /\ l0 <> RP /\ l0 <> FR /\ forall j, l0 <> D j)
    by (destruct Lo as [j [->| ->]]; repeat (split; [discriminate|]); intros ?; discriminate).
  destruct Nl as [Nw [Nm [Np [Nf Nd]]]].
  assert (Ot : forall l, l <> l0 -> len m' l = len m l /\ hist m' l = hist m l).
  { intros l E. split; [apply write_len_ne; auto|]. unfold m', Machine.write. cbn [hist]. apply updl_ne. auto. }
  assert (OD : forall i, len m' (D i) = len m (D i) /\ hist m' (D i) = hist m (D i)) by (intros; apply Ot; auto).
  destruct (Ot FR) as [RL RH]; [auto|]. destruct (Ot RM) as [ML MH]; [auto|]. destruct (Ot WP) as [WL WH]; [auto|].
  destruct (Ot RP) as [PL PH]; [auto|].
  split.
  - assert (Rm : forall j, has_room N (upd pp i p' j)) by (intros j'; unfold upd; destruct (Nat.eq_dec i j'); auto).
    assert (Wp : forall p x, at_pos cl p x -> 0 < words x) by (intros; eapply k4; eauto).
    assert (Lv : forall p x, at_pos cl p x -> what x = Live -> upd pp i p' (own x) = pp (own x)).
    { intros p x A Lv. unfold upd. destruct (Nat.eq_dec i (own x)) as [E|]; auto. exfalso.
      apply (no_live m pp al cl i K No p x A Lv). auto. }
    assert (Fq : forall j f, frees (upd pp i p' j) = Some f -> frees (pp j) = Some f).
    { intros j' f F. unfold upd in F. destruct (Nat.eq_dec i j') as [<-|]; auto. }
    assert (Ra : race m' = false).
    { unfold m', Machine.write. cbn [race]. rewrite h_race. cbn [orb]. apply racy_no. intros u na' wr' C.
      destruct na'; try discriminate. rewrite h_ctl by auto. lia. }
    assert (AD : forall j na wr u, acc m' na wr (D j) u = acc m na wr (D j) u).
    { intros j' na wr u. unfold m'. edestruct write_acc as [E|[_ [_ [E _]]]]; [exact E|exfalso; apply (Nd j'); congruence]. }
    assert (AP : forall wr l u, acc m' plain wr l u = acc m plain wr l u).
    { intros wr l' u. unfold m'. edestruct write_acc as [E|[E _]]; [exact E|discriminate]. }
    apply (data_neutral None m m' pp); auto; try (intros; apply OD).
    all: try (intros k; rewrite WH; reflexivity). all: intros l' wr u ND'; rewrite AP; auto.
  - intros d c. apply (inv_c_keep m); auto; try (unfold last; rewrite ?RL, ?RH, ?ML, ?MH, ?PL, ?PH; auto; fail);
      intros; intros j' Hj; destruct (OD j') as [-> ->]; auto.
Qed.

(* A producer says that it is there. *)
Lemma neutral_enter (m : mem) pp al cl i p' : known producers m pp al cl -> data None m pp cl -> (forall t n, ~ opens (pp i) t n) ->
  frees p' = None -> has_room N p' ->
  let m' := rmw true false (Pr i) (Own i) 1 m in
  data None m' (upd pp i p') cl /\ (forall d c, inv_c m cl d c -> inv_c m' cl d c).
Proof.
  intros K H No Fr Ro m'. pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10]. pose proof H as H0. invd H0.
  assert (L : later m m') by (apply later_rmw; auto). assert (Sn : sane m') by (apply sane_rmw; auto).
  assert (Ot : forall l, l <> Own i -> len m' l = len m l /\ hist m' l = hist m l).
  { intros l E. split; [unfold m'; rewrite rmw_len; destruct (loc_dec (Own i) l); congruence|apply rmw_other; auto]. }
  assert (OD : forall j, len m' (D j) = len m (D j) /\ hist m' (D j) = hist m (D j)) by (intros; apply Ot; discriminate).
  destruct (Ot FR) as [RL RH]; [discriminate|]. destruct (Ot RM) as [ML MH]; [discriminate|]. destruct (Ot WP) as [WL WH]; [discriminate|].
  destruct (Ot RP) as [PL PH]; [discriminate|]. split.
  - assert (Rm : forall j, has_room N (upd pp i p' j)) by (intros j'; unfold upd; destruct (Nat.eq_dec i j'); auto).
    apply (data_neutral None m m' pp); auto; try (intros; apply OD).
    + intros j na wr u. apply rmw_acc_D. discriminate.
    + apply (rmw_race N producers Npos); auto. intros. apply h_ctl. discriminate.
    + intros j f F. unfold upd in F. destruct (Nat.eq_dec i j) as [<-|]; auto. congruence.
    + intros p x A Lv. unfold upd. destruct (Nat.eq_dec i (own x)) as [E|]; auto. exfalso.
      apply (no_live m pp al cl i K No p x A Lv). auto.
    + intros p x A. eapply k4; eauto.
  - intros d c. apply (inv_c_keep m); auto; try (unfold last; rewrite ?RL, ?RH, ?ML, ?MH, ?PL, ?PH; auto; fail);
      intros; intros j' Hj; destruct (OD j') as [-> ->]; auto.
Qed.

(* Words that an access to another index leaves. *)
Lemma aside (m : mem) na rel u j0 v p n : (occ p n j0 -> False) -> same_words m (write na rel u (D j0) v m) p n.
Proof.
  intros No i O. destruct (Nat.eq_dec i j0) as [->|E]; [destruct (No O)|].
  split; [apply write_len_ne; congruence|intros; apply write_hist_ne; congruence].
Qed.
Lemma placed_new (m : mem) rel o p v : placed N (write atomic rel (Pr o) (word p) v m) o p v.
Proof.
  split; [apply write_last_eq|]. rewrite write_len_eq. replace (Datatypes.S (len m (word p)) - 1) with (len m (word p)) by lia.
  rewrite write_hist_new. reflexivity.
Qed.
Lemma written_beside (m : mem) na rel u q v y j : written N m q y j -> written N (write na rel u (word q) v m) q y j.
Proof. intros W i I. rewrite write_last_ne; [apply W; auto|]. unfold Mpsc.cell, Mpsc.word. intros Q. injection Q. lia. Qed.

(* The owner writes its claim's header. *)
Lemma stamp_header (m : mem) p x (rel : bool) v c : 0 < len m (word p) ->
  (exists k0, k0 < len m (word p) /\ k0 <= ts (tv m Co) (word p) /\ forall k, k0 <= k < len m (word p) ->
     val (hist m (word p) k) = 0 \/ state_of (val (hist m (word p) k)) = 1) ->
  (rel = true -> c <= Datatypes.S (clock m (own x))) -> (rel = false -> state_of v = 1) ->
  stamped (write atomic rel (Pr (own x)) (word p) v m) p x v c.
Proof.
  intros PL [k0 [X1 [X2 X3]]] Rl Rv. set (m' := write atomic rel (Pr (own x)) (word p) v m).
  assert (LL : len m' (word p) = Datatypes.S (len m (word p))) by apply write_len_eq.
  assert (New : hist m' (word p) (len m (word p)) = Msg v (Pr (own x)) (Datatypes.S (clock m (own x))) (if rel then tv m' (Pr (own x)) else bottom loc tid)) by apply write_hist_new.
  assert (Old : forall k, k < len m (word p) -> hist m' (word p) k = hist m (word p) k) by (intros; apply write_hist_old; auto).
  unfold MpscData.stamped. rewrite LL. replace (Datatypes.S (len m (word p)) - 1) with (len m (word p)) by lia. rewrite New.
  split; [apply write_last_eq|]. split; [reflexivity|]. exists k0. split; [lia|].
  split. { unfold m'. rewrite write_tv_other by discriminate. auto. }
  intros k Kk. destruct (Nat.eq_dec k (len m (word p))) as [->|E].
  - rewrite New. cbn [val mview]. destruct rel; [right; right|right; left; auto]. split; auto.
    unfold m'. rewrite write_ck_own. apply Rl. auto.
  - rewrite Old by lia. destruct (X3 k) as [X|X]; auto. lia.
Qed.

Lemma busy_header (m : mem) p x : (all_untouched m p (words x) \/ stamped m p x (busy (words x)) 0) -> 0 < words x -> 0 < len m (word p) ->
  exists k0, k0 < len m (word p) /\ k0 <= ts (tv m Co) (word p) /\ forall k, k0 <= k < len m (word p) ->
     val (hist m (word p) k) = 0 \/ state_of (val (hist m (word p) k)) = 1.
Proof.
  intros [U|[_ [_ [k0 [A [B C]]]]]] Pw PL.
  - destruct (U p) as [U1 U2]; [lia|]. exists (len m (word p) - 1). split; [lia|]. split; auto. intros k Kk.
    assert (k = len m (word p) - 1) as -> by lia. left. exact U1.
  - exists k0. split; auto. split; auto. intros k Kk. destruct (C k Kk) as [X|[X|[X _]]]; auto. rewrite X, state_busy. auto.
Qed.

(* A producer goes on with its open claim, and touches nothing. *)
Lemma data_turns (m : mem) pp cl i t x p' : data None m pp cl -> at_pos cl t x -> (forall p x, at_pos cl p x -> 0 < words x) ->
  (forall p y, at_pos cl p y -> open i y -> p = t) -> frees p' = frees (pp i) -> has_room N p' ->
  good cl m (upd pp i p') t x -> data None m (upd pp i p') cl.
Proof.
  intros H A Wp One Fr Ro G. invd H. constructor; auto.
  - intros j f F. apply h_pr. unfold upd in F. destruct (Nat.eq_dec i j) as [<-|]; [rewrite <- Fr|]; auto.
  - intros j. unfold upd. destruct (Nat.eq_dec i j); auto.
  - intros p y B R Ho. destruct (Nat.eq_dec p t) as [->|Ne].
    + rewrite <- (same_at cl Wp t x y A B). auto.
    + specialize (h_val p y B R Ho). unfold MpscData.good in *. destruct (what y) eqn:Wy; auto.
      unfold upd. destruct (Nat.eq_dec i (own y)); auto. destruct Ne. apply (One p y B). split; auto.
Qed.

Ltac shut := apply opened_keep; [assumption|intros ? ? Hx; simpl in Hx; tauto].

Lemma data_ext hole m pp pp' cl : (forall j, pp' j = pp j) -> data hole m pp cl -> data hole m pp' cl.
Proof.
  intros E H. invd H. constructor; auto.
  - intros j f. rewrite E. auto.
  - intros j. rewrite E. auto.
  - intros p x A R Ho. specialize (h_val p x A R Ho). unfold MpscData.good in *. rewrite E. auto.
Qed.

(* read_pos is the consumer's. *)
Lemma producer_leaves i m p cl m' p' cl' : pstep i m p cl m' p' cl' ->
  len m' RP = len m RP /\ hist m' RP = hist m RP /\ tv m' Co = tv m Co.
Proof.
  assert (W : forall na rel l x, l <> RP -> len (write na rel (Pr i) l x m) RP = len m RP /\
    hist (write na rel (Pr i) l x m) RP = hist m RP /\ tv (write na rel (Pr i) l x m) Co = tv m Co).
  { intros na rel l x E. split; [apply write_len_ne; auto|]. split; [|apply write_tv_other; discriminate].
    unfold Machine.write. cbn [hist]. apply updl_ne. auto. }
  intros Hs. destruct Hs; try (split; [reflexivity|split; [reflexivity|try apply read_tv_other; reflexivity || discriminate]]; fail);
    try (apply W; discriminate).
Qed.

Lemma inv_producer m pp al c cl d sd rc i m' p' cl' : i < producers -> al i = true -> inv (St m pp al c cl d sd rc) ->
  pstep i m (pp i) cl m' p' cl' -> inv (St m' (upd pp i p') al c cl' d sd rc).
Proof.
  intros Ip Al [KI [Op [H [IC Hd]]]] Hs.
  assert (KI' : MpscKnown.inv producers (St m' (upd pp i p') al c cl' d sd rc)).
  { apply (MpscKnown.inv_producer N most producers m pp al c cl d sd rc i m' p' cl'); auto. }
  split; auto. clear KI'. destruct KI as [K _]. cbn [mm Mpsc.pp alive claims cc done] in *.
  pose proof (producer_leaves i m (pp i) cl m' p' cl' Hs) as [PL [PH PT]].
  enough (X : opened (upd pp i p') cl' /\ data None m' (upd pp i p') cl' /\ last m' RM = last m RM /\
    forall d c, inv_c m cl d c -> inv_c m' cl' d c).
  { destruct X as [X1 [X2 [X3 X4]]]. split; auto. split; auto. split; auto. destruct Hd as [D1 D2].
    assert (E : last m' RP = last m RP) by (unfold last; rewrite PL, PH; auto).
    split; [rewrite PT, PL; auto|rewrite E, X3; auto]. }
  clear PL PH PT Hd. assert (Mk : forall na rel l x, l <> RM -> last (write na rel (Pr i) l x m) RM = last m RM).
  { intros. apply write_last_ne. auto. }
  pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10].
  assert (Wp : forall p x, at_pos cl p x -> 0 < words x) by (intros; eapply k4; eauto).
  assert (PL : forall l, 0 < len m l) by apply (sn_len k1).
  remember (pp i) as p eqn:Ep. destruct Hs; cbn [shipped free_load idle_store claim_store publish_store] in *.
  - (* room *) destruct (neutral_readP m pp al l i true FR k (Free (val (hist m FR k))) K H) as [X1 X2]; auto; [discriminate| | |exact I|].
    + rewrite <- Ep. auto.
    + intros g E. injection E as <-. auto.
    + split; [shut|auto].
  - destruct (neutral_readP m pp al l i false WP k (Free f) K H) as [X1 X2]; auto; [discriminate| | |exact I|].
    + rewrite <- Ep. auto.
    + rewrite <- Ep. intros g E. injection E as <-. auto.
    + split; [shut|auto].
  - destruct (neutral_readP m pp al l i false WP k (Try f (val (hist m WP k)) n) K H) as [X1 X2]; auto; [discriminate| | |exact I|].
    + rewrite <- Ep. auto.
    + rewrite <- Ep. intros g E. injection E as <-. auto.
    + split; [shut|auto].
  - destruct (neutral_readP m pp al l i false WP k (Try f (val (hist m WP k)) n) K H) as [X1 X2]; auto; [discriminate| | |exact I|].
    + rewrite <- Ep. auto.
    + rewrite <- Ep. intros g E. injection E as <-. auto.
    + split; [shut|auto].
  - destruct (neutral_readP m pp al l i true FR k (Try (val (hist m FR k)) t n) K H) as [X1 X2]; auto; [discriminate| | |exact I|].
    + rewrite <- Ep. auto.
    + intros g E. injection E as <-. auto.
    + split; [shut|auto].
  - split; [shut|]. split; auto. apply (neutral_none m pp al); auto; [rewrite <- Ep; auto| |exact I].
    rewrite <- Ep. auto.
  - (* announces *) destruct (neutral_ann m pp al l i (Ann i) true (Datatypes.S t) (Said f t n) (ex_intro _ i (or_introl eq_refl)) K H) as [X1 X2]; auto.
    + rewrite <- Ep. auto.
    + rewrite <- Ep. auto.
    + simpl. auto.
    + split; [shut|auto].
  - (* claims *) destruct (k9 i f t n (eq_sym Ep)) as [Pn _].
    destruct (data_claims N producers Npos m pp al l i f t n K H) as [X1 X2]; auto.
    split; [|auto]. intros j t' n'. unfold upd. destruct (Nat.eq_dec i j) as [<-|E].
    + intros [-> ->]. apply at_pos_snoc. right. split; auto. congruence.
    + intros X. apply at_pos_snoc. left. auto.
  - destruct (neutral_readP m pp al l i false WP k (Try f (val (hist m WP k)) n) K H) as [X1 X2]; auto; [discriminate| | |exact I|].
    + rewrite <- Ep. auto.
    + rewrite <- Ep. intros g E. injection E as <-. auto.
    + split; [shut|auto].
  - (* stamps *)
    assert (A : at_pos l t (Claim n i Live)) by (apply Op; rewrite <- Ep; simpl; auto). set (z := Claim n i Live) in *.
    pose proof (live_above m l d c t z IC A eq_refl) as Ab. pose proof (Wp t z A) as Pn. cbn [words z] in Pn.
    pose proof (d_room _ _ _ _ _ H i) as Ro. rewrite <- Ep in Ro. assert (Nn : n <= N) by (simpl in Ro; lia).
    pose proof (d_val _ _ _ _ _ H t z A Ab) as G. specialize (G ltac:(discriminate)). unfold MpscData.good in G. cbn [what own words z] in G.
    rewrite <- Ep in G.
    assert (One : forall p y, at_pos l p y -> open i y -> p = t).
    { intros p0 y0 B [Lv Eo]. pose proof (k5 p0 y0 B Lv) as Oy. rewrite Eo, <- Ep in Oy. simpl in Oy. lia. }
    destruct (data_writeP m pp al l t z false false (t mod N) (busy n) (Fill f t n 0 nil x 0) K H A) as [X1 X2]; auto; try discriminate.
    { apply occ_word. cbn [words z]. lia. }
    { cbn [own z]. rewrite <- Ep. auto. }
    split; [apply opened_keep; auto; rewrite <- Ep; auto|]. split; [|auto].
    apply (fill_hole _ _ _ t z); auto. unfold MpscData.good. cbn [what own words z]. unfold upd. destruct (Nat.eq_dec i i); [|congruence].
    cbn [total]. split; [lia|]. split; [lia|]. split; [|split; [exact I|split; [intros j Hj; lia|intros R; lia]]].
    change (Pr i) with (Pr (own z)). apply stamp_header; auto; [|discriminate|intros; apply state_busy]. apply (busy_header m t z); auto.
  - (* fills *)
    assert (A : at_pos l t (Claim n i Live)) by (apply Op; rewrite <- Ep; simpl; auto). set (z := Claim n i Live) in *.
    pose proof (live_above m l d c t z IC A eq_refl) as Ab. pose proof (Wp t z A) as Pn. cbn [words z] in Pn.
    pose proof (d_room _ _ _ _ _ H i) as Ro. rewrite <- Ep in Ro. assert (Nn : n <= N) by (simpl in Ro; lia).
    pose proof (d_val _ _ _ _ _ H t z A Ab) as G. specialize (G ltac:(discriminate)). unfold MpscData.good in G. cbn [what own words z] in G.
    rewrite <- Ep in G.
    assert (One : forall p y, at_pos l p y -> open i y -> p = t).
    { intros p0 y0 B [Lv Eo]. pose proof (k5 p0 y0 B Lv) as Oy. rewrite Eo, <- Ep in Oy. simpl in Oy. lia. }
    destruct G as [G1 [G2 [G3 [G4 [G5 G6]]]]]. unfold size in G1.
    set (q := t + total b + 1 + j). assert (Eq : ((t + total b) mod N + 1 + j) mod N = q mod N) by apply (cell_mod N Npos).
    destruct (data_writeP m pp al l t z true false ((t + total b) mod N + 1 + j) (nth j x 0) (Fill f t n r b x (Datatypes.S j)) K H A) as [X1 X2]; auto.
    { apply (occ_cell N Npos). cbn [words z]. lia. }
    { intros _. exists q. cbn [words z]. split; [unfold q; lia|exact Eq]. }
    { cbn [own z]. rewrite <- Ep. auto. }
    split; [apply opened_keep; auto; rewrite <- Ep; auto|]. split; [|auto].
    set (m' := write plain false (Pr i) (cell (t + total b) j) (nth j x 0) m).
    assert (L : later m m') by apply later_write.
    assert (Sw : forall p k, t <= p -> p + k <= t + n -> q < p \/ p + k <= q -> same_words m m' p k).
    { intros p k Q1 Q2 Q3. apply aside. apply (not_occ N Npos t n p k q); auto. unfold q. lia. }
    apply (fill_hole _ _ _ t z); auto. unfold MpscData.good. cbn [what own words z]. unfold upd. destruct (Nat.eq_dec i i); [|congruence].
    split; [unfold size; lia|]. split; [lia|]. split; [|split; [|split]].
    + apply (stamped_same N Npos m m'); auto. apply Sw; unfold q; lia.
    + apply (headless_same N Npos m m'); auto. apply Sw; unfold q; lia.
    + intros j' Hj. destruct (Nat.eq_dec j' j) as [->|E]; [apply write_last_eq|].
      change (last m' (cell (t + total b) j') = nth j' x 0). unfold m'. rewrite write_last_ne; [apply G5; lia|]. unfold Mpsc.cell. intros Q. injection Q. lia.
    + intros R. apply (placed_same N Npos m m'); auto. apply Sw; unfold q; lia.
  - (* the first record is whole *)
    assert (A : at_pos l t (Claim n i Live)) by (apply Op; rewrite <- Ep; simpl; auto). set (z := Claim n i Live) in *.
    pose proof (live_above m l d c t z IC A eq_refl) as Ab. pose proof (Wp t z A) as Pn. cbn [words z] in Pn.
    pose proof (d_room _ _ _ _ _ H i) as Ro. rewrite <- Ep in Ro. assert (Nn : n <= N) by (simpl in Ro; lia).
    pose proof (d_val _ _ _ _ _ H t z A Ab) as G. specialize (G ltac:(discriminate)). unfold MpscData.good in G. cbn [what own words z] in G.
    rewrite <- Ep in G.
    assert (One : forall p y, at_pos l p y -> open i y -> p = t).
    { intros p0 y0 B [Lv Eo]. pose proof (k5 p0 y0 B Lv) as Oy. rewrite Eo, <- Ep in Oy. simpl in Oy. lia. }
    destruct G as [G1 [G2 [G3 [G4 [G5 G6]]]]]. unfold size in G1.
    split; [apply opened_keep; auto; rewrite <- Ep; auto|]. split; [|auto].
    apply (data_turns m pp l i t z); auto; [rewrite <- Ep; auto|].
    unfold MpscData.good. cbn [what own words z]. unfold upd. destruct (Nat.eq_dec i i); [|congruence]. cbn [total] in *.
    rewrite Nat.add_0_r in *. split; [unfold size; lia|]. split; [discriminate|]. split; auto. split; auto. split; [auto|exact I].
  - (* another is *)
    assert (A : at_pos l t (Claim n i Live)) by (apply Op; rewrite <- Ep; simpl; auto). set (z := Claim n i Live) in *.
    pose proof (live_above m l d c t z IC A eq_refl) as Ab. pose proof (Wp t z A) as Pn. cbn [words z] in Pn.
    pose proof (d_room _ _ _ _ _ H i) as Ro. rewrite <- Ep in Ro. assert (Nn : n <= N) by (simpl in Ro; lia).
    pose proof (d_val _ _ _ _ _ H t z A Ab) as G. specialize (G ltac:(discriminate)). unfold MpscData.good in G. cbn [what own words z] in G.
    rewrite <- Ep in G.
    assert (One : forall p y, at_pos l p y -> open i y -> p = t).
    { intros p0 y0 B [Lv Eo]. pose proof (k5 p0 y0 B Lv) as Oy. rewrite Eo, <- Ep in Oy. simpl in Oy. lia. }
    destruct G as [G1 [G2 [G3 [G4 [G5 G6]]]]]. unfold size in G1.
    set (b' := y :: b) in *. set (q := t + total b'). assert (Tb : 0 < total b') by (unfold b'; simpl; lia).
    destruct (data_writeP m pp al l t z false false (q mod N) (committed (size x)) (Ready f t n r (b' ++ [x])) K H A) as [X1 X2]; auto; try discriminate.
    { apply occ_word. cbn [words z]. unfold q. lia. }
    { cbn [own z]. rewrite <- Ep. auto. }
    split; [apply opened_keep; auto; rewrite <- Ep; auto|]. split; [|auto].
    set (m' := write atomic false (Pr i) (word q) (committed (size x)) m).
    assert (L : later m m') by apply later_write.
    assert (Sw : forall p k, t <= p -> p + k <= t + n -> q < p \/ p + k <= q -> same_words m m' p k).
    { intros p k Q1 Q2 Q3. apply aside. apply (not_occ N Npos t n p k q); auto; [unfold q; lia|apply Nat.mod_mod; lia]. }
    apply (fill_hole _ _ _ t z); auto. unfold MpscData.good. cbn [what own words z]. unfold upd. destruct (Nat.eq_dec i i); [|congruence].
    rewrite total_app. cbn [total]. split; [unfold size; lia|]. split; [discriminate|]. split; [|split].
    + apply (stamped_same N Npos m m'); auto. apply Sw; unfold q; lia.
    + assert (Hl : headless N m' i t b') by (apply (headless_same N Npos m m'); auto; apply Sw; unfold q; lia).
      unfold b' in *. cbn [app headless] in *. destruct Hl as [Hl1 Hl2]. split; auto.
      assert (Eq : t + size y + total b = q) by (unfold q; cbn [total]; lia).
      apply (laid_snoc N); auto; rewrite Eq; [apply placed_new|apply written_beside; exact G5].
    + intros R. apply (placed_same N Npos m m'); auto. apply Sw; unfold q; lia.
  - (* the next of a batch *)
    assert (A : at_pos l t (Claim n i Live)) by (apply Op; rewrite <- Ep; simpl; auto). set (z := Claim n i Live) in *.
    pose proof (live_above m l d c t z IC A eq_refl) as Ab. pose proof (Wp t z A) as Pn. cbn [words z] in Pn.
    pose proof (d_room _ _ _ _ _ H i) as Ro. rewrite <- Ep in Ro. assert (Nn : n <= N) by (simpl in Ro; lia).
    pose proof (d_val _ _ _ _ _ H t z A Ab) as G. specialize (G ltac:(discriminate)). unfold MpscData.good in G. cbn [what own words z] in G.
    rewrite <- Ep in G.
    assert (One : forall p y, at_pos l p y -> open i y -> p = t).
    { intros p0 y0 B [Lv Eo]. pose proof (k5 p0 y0 B Lv) as Oy. rewrite Eo, <- Ep in Oy. simpl in Oy. lia. }
    destruct G as [G1 [G2 [G3 [G4 G5]]]].
    split; [apply opened_keep; auto; rewrite <- Ep; auto|]. split; [|auto].
    apply (data_turns m pp l i t z); auto; [rewrite <- Ep; auto|].
    unfold MpscData.good. cbn [what own words z]. unfold upd. destruct (Nat.eq_dec i i); [|congruence].
    split; auto. split; [lia|]. split; auto. split; auto. split; [intros j Hj; lia|auto].
  - (* what is left of a shorter message *)
    assert (A : at_pos l t (Claim n i Live)) by (apply Op; rewrite <- Ep; simpl; auto). set (z := Claim n i Live) in *.
    pose proof (live_above m l d c t z IC A eq_refl) as Ab. pose proof (Wp t z A) as Pn. cbn [words z] in Pn.
    pose proof (d_room _ _ _ _ _ H i) as Ro. rewrite <- Ep in Ro. assert (Nn : n <= N) by (simpl in Ro; lia).
    pose proof (d_val _ _ _ _ _ H t z A Ab) as G. specialize (G ltac:(discriminate)). unfold MpscData.good in G. cbn [what own words z] in G.
    rewrite <- Ep in G.
    assert (One : forall p y, at_pos l p y -> open i y -> p = t).
    { intros p0 y0 B [Lv Eo]. pose proof (k5 p0 y0 B Lv) as Oy. rewrite Eo, <- Ep in Oy. simpl in Oy. lia. }
    destruct G as [G1 [G2 [G3 [G4 [G5 G6]]]]]. unfold size in G1.
    set (q := t + (n - r)).
    destruct (data_writeP m pp al l t z false false (q mod N) (aborted r) (Fill f t n r b (firstn k x) (min j k)) K H A) as [X1 X2]; auto; try discriminate.
    { apply occ_word. cbn [words z]. unfold q. lia. }
    { cbn [own z]. rewrite <- Ep. auto. }
    split; [apply opened_keep; auto; rewrite <- Ep; auto|]. split; [|auto].
    set (m' := write atomic false (Pr i) (word q) (aborted r) m).
    assert (L : later m m') by apply later_write.
    assert (Sw : forall p k, t <= p -> p + k <= t + n -> q < p \/ p + k <= q -> same_words m m' p k).
    { intros p k' Q1 Q2 Q3. apply aside. apply (not_occ N Npos t n p k' q); auto; [unfold q; lia|apply Nat.mod_mod; lia]. }
    assert (Fl : length (firstn k x) = k) by (apply firstn_length_le; auto).
    apply (fill_hole _ _ _ t z); auto. unfold MpscData.good. cbn [what own words z]. unfold upd. destruct (Nat.eq_dec i i); [|congruence].
    unfold size. rewrite Fl. split; [lia|]. split; [lia|]. split; [|split; [|split]].
    + apply (stamped_same N Npos m m'); auto. apply Sw; unfold q; lia.
    + apply (headless_same N Npos m m'); auto. apply Sw; unfold q; lia.
    + apply (written_same N Npos m m' _ _ _ (Datatypes.S k)); [lia|apply Sw; unfold q; lia|].
      intros j' Hj. rewrite nth_firstn' by lia. apply G5. lia.
    + intros _. apply placed_new.
  - (* commits *)
    assert (A : at_pos l t (Claim n i Live)) by (apply Op; rewrite <- Ep; simpl; auto). set (z := Claim n i Live) in *.
    pose proof (live_above m l d c t z IC A eq_refl) as Ab. pose proof (Wp t z A) as Pn. cbn [words z] in Pn.
    pose proof (d_room _ _ _ _ _ H i) as Ro. rewrite <- Ep in Ro. assert (Nn : n <= N) by (simpl in Ro; lia).
    pose proof (d_val _ _ _ _ _ H t z A Ab) as G. specialize (G ltac:(discriminate)). unfold MpscData.good in G. cbn [what own words z] in G.
    rewrite <- Ep in G.
    assert (One : forall p y, at_pos l p y -> open i y -> p = t).
    { intros p0 y0 B [Lv Eo]. pose proof (k5 p0 y0 B Lv) as Oy. rewrite Eo, <- Ep in Oy. simpl in Oy. lia. }
    destruct G as [G1 [G2 [G3 [G4 G5]]]].
    set (c0 := Datatypes.S (clock m i)). set (ps := fun _ : nat => pieces i c0 (x :: b) r).
    destruct (data_writeP m pp al l t z false true (t mod N) (committed (size x)) (Settle f) K H A) as [X1 X2]; auto; try discriminate.
    { apply occ_word. cbn [words z]. lia. }
    { cbn [own z]. rewrite <- Ep. auto. }
    { exact I. }
    set (m' := write atomic true (Pr i) (word t) (committed (size x)) m).
    assert (L : later m m') by apply later_write. assert (Sn : sane m') by (apply sane_write; auto).
    assert (LM : last m' RM = last m RM) by (apply write_last_ne; discriminate).
    assert (Cu : cuts l i ps c0).
    { intros y I O. unfold ps. rewrite total_pieces. split; [|apply in_pieces]. destruct (in_at_pos l y I) as [q B].
      destruct O as [Lv Eo]. pose proof (k5 q y B Lv) as Oy. rewrite Eo, <- Ep in Oy. destruct Oy as [_ ->]. auto. }
    assert (Sw : forall p k, t < p -> p + k <= t + n -> same_words m m' p k).
    { intros p k Q1 Q2. apply aside. apply (not_occ N Npos t n p k t); auto; [lia|lia|apply Nat.mod_mod; lia]. }
    split; [apply (opened_becomes pp l i ps c0); auto|]. split; [|split; [auto|intros d0 e0 Ic; apply (inv_c_becomes N Npos l i ps c0); auto]].
    eapply data_ext; [apply (upd_twice pp i (Settle f) (Settle f))|].
    assert (Fo : forall q y z0 w, at_pos l q y -> open i y -> at_pos (ps (words y)) z0 w -> z0 = 0 \/ follows (becomes l i ps) (q + z0) w).
    { intros q y z0 w B O D. destruct (Nat.eq_dec z0 0) as [|Nz]; [left; auto|right].
      destruct (at_pos_before _ z0 w D) as [q1 [u [D1 D2]]]; [lia|]. exists (q + q1), u, c0.
      destruct (in_pieces i c0 (x :: b) r u (at_pos_in _ _ _ D1)) as [E1 [_ E2]].
      destruct (in_pieces i c0 (x :: b) r w (at_pos_in _ _ _ D)) as [E3 [_ E4]].
      split; [eapply at_pos_piece; eauto|]. split; [lia|]. split; [congruence|auto]. }
    apply (data_becomes N Npos l i ps c0 Cu Wp (Some t) m' (upd pp i (Settle f)) (Settle f)); auto.
    + unfold clock, m', c0. rewrite write_ck_own. auto.
    + intros p y B O. rewrite (One p y B O), LM. auto.
    + right. exists t, z. split; auto. split; auto. split; auto.
    + intros p y z0 w B O D. pose proof (Fo p y z0 w B O D) as Fw. rewrite (One p y B O) in *. unfold ps in D. apply at_pos_pieces in D.
      destruct G4 as [W0 La]. assert (Lx : laid N m' i (t + size x) b).
      { apply (laid_same N Npos m m'); auto. cbn [total] in *. unfold size in *. apply Sw; lia. }
      unfold MpscData.good. destruct D as [[b1 [x1 [b2 [E [-> ->]]]]]|[R [-> ->]]]; cbn [what words own].
      * split; auto. destruct b1 as [|x2 b1].
        -- injection E as <- <-. cbn [total]. rewrite Nat.add_0_r. split; [left|apply written_beside; auto].
           apply (stamp_header m t (Claim (size x) i (Came c0 x)) true); auto; [|discriminate]. apply (busy_header m t z); auto.
        -- injection E as <- E. cbn [total]. rewrite E in Lx. destruct (laid_at N m' i x1 b2 b1 (t + size x) Lx) as [P1 P2].
           rewrite Nat.add_assoc. split; auto. right. split; auto. destruct Fw as [Fw|Fw]; [cbn [total] in Fw; unfold size in Fw; lia|].
           cbn [total] in Fw. rewrite Nat.add_assoc in Fw. exact Fw.
      * right. destruct Fw as [Fw|Fw]; [cbn [total] in Fw; unfold size in Fw; lia|]. split; auto.
        apply (placed_same N Npos m m'); [apply Sw; cbn [total] in *; unfold size in *; lia|].
        replace (t + total (x :: b)) with (t + (n - r)) by lia. apply G5. auto.
    + unfold upd. destruct (Nat.eq_dec i i); [auto|congruence].
    + exact I.
  - (* aborts *)
    assert (A : at_pos l t (Claim n i Live)) by (apply Op; rewrite <- Ep; simpl; auto). set (z := Claim n i Live) in *.
    pose proof (live_above m l d c t z IC A eq_refl) as Ab. pose proof (Wp t z A) as Pn. cbn [words z] in Pn.
    pose proof (d_room _ _ _ _ _ H i) as Ro. rewrite <- Ep in Ro. assert (Nn : n <= N) by (simpl in Ro; lia).
    pose proof (d_val _ _ _ _ _ H t z A Ab) as G. specialize (G ltac:(discriminate)). unfold MpscData.good in G. cbn [what own words z] in G.
    rewrite <- Ep in G.
    assert (One : forall p y, at_pos l p y -> open i y -> p = t).
    { intros p0 y0 B [Lv Eo]. pose proof (k5 p0 y0 B Lv) as Oy. rewrite Eo, <- Ep in Oy. simpl in Oy. lia. }
    destruct G as [_ [_ [G3 _]]].
    set (c0 := Datatypes.S (clock m i)). set (ps := fun n : nat => [Claim n i (Left c0)]).
    destruct (data_writeP m pp al l t z false true (t mod N) (aborted n) (Settle f) K H A) as [X1 X2]; auto; try discriminate.
    { apply occ_word. cbn [words z]. lia. }
    { cbn [own z]. rewrite <- Ep. auto. }
    { exact I. }
    set (m' := write atomic true (Pr i) (word t) (aborted n) m).
    assert (Sn : sane m') by (apply sane_write; auto).
    assert (LM : last m' RM = last m RM) by (apply write_last_ne; discriminate).
    assert (Cu : cuts l i ps c0).
    { apply cuts_one; auto. intros y I. destruct (in_at_pos l y I) as [q B]. eauto. }
    split; [apply (opened_becomes pp l i ps c0); auto|]. split; [|split; [auto|intros d0 e0 Ic; apply (inv_c_becomes N Npos l i ps c0); auto]].
    eapply data_ext; [apply (upd_twice pp i (Settle f) (Settle f))|].
    apply (data_becomes N Npos l i ps c0 Cu Wp (Some t) m' (upd pp i (Settle f)) (Settle f)); auto.
    + unfold clock, m', c0. rewrite write_ck_own. auto.
    + intros p y B O. rewrite (One p y B O), LM. auto.
    + right. exists t, z. split; auto. split; auto. split; auto.
    + intros p y z0 w B O D. apply at_pos_one in D. left. apply D.
    + intros p y z0 w B O D. apply at_pos_one in D. destruct D as [-> ->]. pose proof (One p y B O) as ->. rewrite Nat.add_0_r.
      rewrite (MpscData.same_at N Npos l Wp t y z B A).
      unfold MpscData.good. cbn [what words own z]. left. apply (stamp_header m t (Claim n i (Left c0)) true); auto; [|discriminate].
      apply (busy_header m t z); auto.
    + unfold upd. destruct (Nat.eq_dec i i); [auto|congruence].
    + exact I.
  - (* settles *) destruct (neutral_ann m pp al l i (Ann i) true 0 (Free f) (ex_intro _ i (or_introl eq_refl)) K H) as [X1 X2]; auto.
    + rewrite <- Ep. auto.
    + rewrite <- Ep. auto.
    + exact I.
    + split; [shut|auto].
  - (* is new *) destruct (neutral_readP m pp al l i true FR k (Settle (val (hist m FR k))) K H) as [X1 X2]; auto; [discriminate| | |exact I|].
    + rewrite <- Ep. auto.
    + intros g E. injection E as <-. auto.
    + split; [shut|auto].
Qed.

(* ---- the consumer ---- *)
Notation split_next := (split_next N Npos). Notation below_next := (below_next N Npos).
Notation reads_known := (reads_known N producers Npos). Notation reads_boundary := (reads_boundary N producers Npos).
Notation reads_val := (reads_val N producers Npos).

(* Accesses of the consumer to words around the data. *)
Lemma neutral_readC (m : mem) pp al cl acq l k : known producers m pp al cl -> data None m pp cl -> can_read m Co l k ->
  (forall j, l <> D j) -> let m' := read atomic acq Co l k m in
  data None m' pp cl /\ (forall d c, inv_c m cl d c -> inv_c m' cl d c).
Proof.
  intros K H R ND m'. pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10]. pose proof H as H0. invd H0.
  assert (L : later m m') by (apply later_read; auto). assert (Sn : sane m') by (apply sane_read; auto).
  split.
  - assert (Ra : race m' = false).
    { unfold m', Machine.read. cbn [race]. rewrite h_race. cbn [orb]. apply racy_no. intros u na' wr' C.
      destruct na', wr'; try discriminate. rewrite h_ctl; auto. lia. }
    assert (AD : forall j na wr u, acc m' na wr (D j) u = acc m na wr (D j) u).
    { intros j na wr u. unfold m'. edestruct read_acc as [E|[_ [_ [E _]]]]; [exact E|]. exfalso. eapply ND. symmetry. exact E. }
    assert (AP : forall wr l u, acc m' plain wr l u = acc m plain wr l u).
    { intros wr l' u. unfold m'. edestruct read_acc as [E|[E _]]; [exact E|discriminate]. }
    assert (Wp : forall p x, at_pos cl p x -> 0 < words x) by (intros p x A; eapply k4; eauto).
    apply (data_neutral None m m' pp); auto.
  - intros d c. apply (inv_c_keep m); auto; intros; intros j Hj; auto.
Qed.
Lemma neutral_learn (m : mem) pp al cl i : known producers m pp al cl -> data None m pp cl ->
  data None (learn Co (Pr i) m) pp cl /\ (forall d c, inv_c m cl d c -> inv_c (learn Co (Pr i) m) cl d c).
Proof.
  intros K H. pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10]. pose proof H as H0. invd H0.
  assert (L : later m (learn Co (Pr i) m)) by apply later_learn. assert (Sn : sane (learn Co (Pr i) m)) by (apply sane_learn; auto).
  split.
  - apply (data_neutral None m _ pp); auto. intros p x A. eapply k4; eauto.
  - intros d c. apply (inv_c_keep m); auto; intros; intros j Hj; auto.
Qed.

Lemma standing_same (m m' : mem) cl d c r f h : later m m' -> last m' RM = last m RM -> last m' FR = last m FR ->
  standing m cl d c r f h -> standing m' cl d c r f h.
Proof.
  intros L E1 E2 [B1 [B2 [B3 [B4 B5]]]]. unfold standing. rewrite E1, E2. split; auto. split; auto. split; auto. split; auto.
  eapply below_later; eauto.
Qed.
(* The consumer passes a claim. *)
Lemma passes (m : mem) cl d c r f h x t : (forall p x, at_pos cl p x -> 0 < words x) -> standing m cl d c r f h -> at_pos cl c x ->
  finished x = Some t -> t <= ck (tv m Co) (Pr (own x)) -> standing m cl d (c + words x) r f (h ++ pays [x]).
Proof.
  intros Wp [B1 [B2 [B3 [B4 B5]]]] A F C. split; auto. split; auto. split; [lia|].
  split; [rewrite app_assoc; apply split_next; auto|eapply below_next; eauto].
Qed.

(* The consumer writes where its successor goes on. *)
Lemma neutral_rp (m : mem) pp al cl v : known producers m pp al cl -> data None m pp cl -> data None (write atomic false Co RP v m) pp cl.
Proof.
  intros K H. set (m' := write atomic false Co RP v m). pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10]. pose proof H as H0. invd H0.
  assert (L : later m m') by apply later_write. assert (Sn : sane m') by (apply sane_write; auto).
  assert (Ra : race m' = false).
  { unfold m', Machine.write. cbn [race]. rewrite h_race. cbn [orb]. apply racy_no. intros u na' wr' C.
    destruct na'; try discriminate. rewrite h_ctl by discriminate. lia. }
  assert (AP : forall wr l u, acc m' plain wr l u = acc m plain wr l u).
  { intros. unfold m'. edestruct write_acc as [E|[E _]]; [exact E|discriminate]. }
  assert (AD : forall j na wr u, acc m' na wr (D j) u = acc m na wr (D j) u).
  { intros. unfold m'. edestruct write_acc as [E|[_ [_ [E _]]]]; [exact E|discriminate]. }
  assert (Wp : forall p x, at_pos cl p x -> 0 < words x) by (intros p x A; eapply k4; eauto).
  apply (data_neutral None m m' pp); auto.
Qed.

(* Zeros from claim to claim. *)
Lemma blank_next (m : mem) cl c p x t : (forall p x, at_pos cl p x -> 0 < words x) -> blank N m cl c p -> at_pos cl p x ->
  what x = Gone t -> all_untouched m p (words x) -> blank N m cl c (p + words x).
Proof.
  intros Wp B A G U p' y A' Q. destruct (lt_eq_lt_dec p' p) as [[L|L]|L].
  - apply (B p' y A'). lia.
  - subst p'. rewrite <- (same_at cl Wp p x y A A'). eauto.
  - pose proof (apart_at cl Wp p x p' y A A' L). lia.
Qed.
Lemma blank_none (m : mem) cl c : blank N m cl c c.
Proof. intros p x _ Q. lia. Qed.
Lemma blank_all (m : mem) cl c e : (forall p x, at_pos cl p x -> 0 < words x) -> bound cl c -> e <= extent cl -> blank N m cl c e ->
  all_untouched m c (e - c).
Proof.
  intros Wp Bc Le B q Q. destruct (containing cl q) as [p [x [A P]]]; [lia|].
  assert (c <= p). { destruct (le_lt_dec c p); auto. pose proof (apart_bound cl Wp p x c A (bound_boundary cl c Bc) l). lia. }
  destruct (B p x A) as [_ U]; [lia|]. apply U. lia.
Qed.

(* What read_pos says goes on to hold. *)
Lemma handed_intro (m : mem) cl d c : inv_c m cl d c -> ts (tv m Co) RP = len m RP - 1 -> last m FR <= last m RP <= last m RM ->
  all_untouched m (last m FR) (last m RP - last m FR) -> handed N m cl d.
Proof.
  intros [A1 [A2 [A3 _]]] T L U. split; auto. split; auto. split; auto. split; auto. split; [|auto].
  split; auto. split; auto. split; auto. rewrite app_nil_r. auto.
Qed.
Lemma handed_stands (m m' : mem) cl d d' c' : later m m' -> sane m -> sane m' -> handed N m cl d -> inv_c m' cl d' c' ->
  len m' RP = len m RP -> last m' RP = last m RP -> last m' FR = last m FR -> last m RM <= last m' RM ->
  (forall i, len m' (D i) = len m (D i) /\ forall k, hist m' (D i) k = hist m (D i) k) -> handed N m' cl d'.
Proof.
  intros L S S' [T [_ [_ [_ [St [Le U]]]]]] I E1 E2 E3 M W. apply (handed_intro m' cl d' c'); auto.
  - apply (own_later m); auto.
  - lia.
  - rewrite E2, E3. apply (all_untouched_same N Npos m); auto; [intros i _; apply W|intros; apply (l_ts _ _ L); auto].
Qed.
Lemma handed_consumer m pp al c cl d m' c' d' : known producers m pp al cl -> data None m pp cl -> inv_c m cl d c -> handed N m cl d ->
  cstep al m c d m' c' d' -> inv_c m' cl d' c' -> handed N m' cl d'.
Proof.
  intros K H IC Hd Hs IC'. pose proof (a_sane _ _ _ _ _ K) as S. pose proof IC as [A1 [A2 [A3 A4]]].
  pose proof Hd as [T [_ [_ [_ [_ [Le U]]]]]].
  assert (Rd : forall na acq l k, can_read m Co l k -> inv_c (read na acq Co l k m) cl d' c' -> handed N (read na acq Co l k m) cl d').
  { intros na acq l k R I. apply (handed_stands m _ cl d d' c'); auto; [apply later_read; auto|apply sane_read; auto]. }
  assert (Mk : forall v, last m RM <= v -> inv_c (write atomic false Co RM v m) cl d' c' -> handed N (write atomic false Co RM v m) cl d').
  { intros v Lv I. apply (handed_stands m _ cl d d' c'); auto; [apply later_write|apply sane_write; auto|].
    rewrite write_last_eq. auto. }
  destruct Hs; auto.
  - apply Mk; auto. destruct A4 as [-> _]. auto.
  - apply Rd; auto. subst k. pose proof (sn_len S (cell c (length got))). pose proof (MpscAccess.in_view m Co (cell c (length got)) S).
    split; lia.
  - apply Mk; auto. destruct A4 as [<- [_ [X _]]]. auto.
  - (* zeroes *) destruct A4 as [St [Q1 Q2]]. pose proof St as [B1 _]. subst r.
    destruct (data_zero N producers Npos m pp al cl K H q d _ (proj1 Q1) H0 IC) as [_ [_ [X3 X4]]].
    apply (handed_intro _ cl d (Zero c (last m RM) (Datatypes.S q) h)); auto.
    change (all_untouched (write plain false Co (word q) 0 m) (last m FR) (last m RP - last m FR)).
    intros q' Q'. destruct (Nat.eq_dec q' q) as [->|E]; auto. apply X4; auto; [lia|].
    pose proof (bound_le cl (last m RM) (bound_split cl _ _ A1)). pose proof (d_cap _ _ _ _ _ H). lia.
  - (* hands over *) destruct A4 as [St [Q1 Q2]]. pose proof St as [B1 _].
    set (m' := write atomic false Co RP r m) in *. assert (LR : last m' RP = r) by apply write_last_eq.
    assert (L : later m m') by apply later_write.
    apply (handed_intro m' cl d (Hand c r h)); auto.
    + unfold m'. rewrite write_ts, write_len_eq. destruct (loc_dec RP RP); [lia|congruence].
    + rewrite LR. change (last m FR <= r <= last m RM). lia.
    + rewrite LR. change (all_untouched m' (last m FR) (r - last m FR)).
      apply (all_untouched_same N Npos m); auto. intros i _. auto.
  - (* frees *) destruct A4 as [[B1 _] [Q1 Q2]]. set (m' := write atomic true Co FR r m) in *.
    assert (LF : last m' FR = r) by apply write_last_eq.
    apply (handed_intro m' cl d (Rest c r h)); auto.
    + rewrite LF. change (r <= last m RP <= last m RM). lia.
    + rewrite LF. change (all_untouched m' r (last m RP - r)). intros q Q. lia.
  - apply Mk; auto. destruct A4 as [<- _]. auto.
  - apply (handed_stands m _ cl d d (Ask c r f h T0 (Datatypes.S i))); auto; [apply later_learn|apply sane_learn; auto].
  - apply Mk; auto. destruct A4 as [[<- [_ [X _]]] _]. auto.
Qed.

Lemma inv_consumer m pp al c cl d sd rc rc' m' c' d' : inv (St m pp al c cl d sd rc) -> cstep al m c d m' c' d' ->
  inv (St m' pp al c' cl d' sd rc').
Proof.
  intros [KI [Op [H [IC Hd]]]] Hs.
  assert (KI' : MpscKnown.inv producers (St m' pp al c' cl d' sd rc')).
  { apply (MpscKnown.inv_consumer N producers m pp al c cl d sd rc rc' m' c' d'); auto. }
  split; auto. destruct KI as [K As]. destruct KI' as [K' _]. cbn [mm Mpsc.pp alive claims cc done] in *. split; auto.
  enough (X : data None m' pp cl /\ inv_c m' cl d' c').
  { split; [apply X|]. split; [apply X|]. apply (handed_consumer m pp al c cl d m' c' d'); auto; apply X. }
  pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10].
  assert (Wp : forall p x, at_pos cl p x -> 0 < words x) by (intros; eapply k4; eauto).
  pose proof IC as [A1 [A2 [A3 A4]]]. pose proof H as H0. invd H0.
  assert (Last : forall l k, can_read m Co l k -> ts (tv m Co) l = len m l - 1 -> val (hist m l k) = last m l).
  { intros l k [R1 R2] E. unfold last. f_equal. f_equal. lia. }
  destruct h_own as [OwR OwM]. destruct Hd as [OwP [_ [_ [_ [_ [LeP UnP]]]]]].
  assert (Marks : forall v d' q, last m RM <= v -> split_at cl v d' -> below m cl v -> last m FR <= q <= v ->
    all_untouched m (last m FR) (q - last m FR) ->
    data None (write atomic false Co RM v m) pp cl /\ inv_c (write atomic false Co RM v m) cl d' (Zero v v q nil)).
  { intros v d0 q Le Sp Be Q U. set (m1 := write atomic false Co RM v m). assert (L : later m m1) by apply later_write.
    split; [apply (data_mark N producers Npos m pp al cl K H); auto|].
    assert (LM : last m1 RM = v) by apply write_last_eq. assert (LR : last m1 FR = last m FR) by (apply write_last_ne; discriminate).
    assert (Bl : below m1 cl v) by (eapply below_later; eauto). unfold MpscData.inv_c, standing. rewrite LM, LR, app_nil_r.
    repeat (split; auto). }
  destruct Hs; cbn [shipped publish_load free_store claim_load idle_load MpscKnown.asked] in *.
  - (* comes *) destruct (neutral_readC m pp al cl false RP k K H) as [X1 X2]; auto; [discriminate|]. split; auto.
    destruct (X2 d Nobody IC) as [B1 [B2 [B3 _]]]. split; auto. split; auto. split; auto. exact (Last RP k H0 OwP).
  - destruct (neutral_readC m pp al cl false RM k K H) as [X1 X2]; auto; [discriminate|]. split; auto.
    destruct (X2 d _ IC) as [B1 [B2 [B3 B4]]]. split; auto. split; auto. split; auto. split; [exact (Last RM k H0 OwM)|exact B4].
  - (* goes on at the mark *) destruct A4 as [-> ->]. apply Marks; auto.
  - (* polls *)
    destruct A4 as [B1 [B2 [B3 [B4 B5]]]]. subst r f. pose proof (bound_split cl c _ B4) as Bc.
    pose proof (bound_boundary cl c Bc) as By. pose proof (bound_le cl c Bc) as Le.
    assert (Rc : last m FR <= c) by lia. assert (Lc : c < last m FR + N) by lia.
    destruct (data_readC m pp al cl atomic true (c mod N) k K H H1) as [X1 X2].
    { apply (reads_boundary m pp al cl K H c B5 By Rc Lc). }
    { intros f Lf. right. split; auto. split; auto. split; auto. exists c. split; [lia|auto]. }
    set (m' := read atomic true Co (word c) k m) in *. change (D (c mod N)) with (word c) in *.
    assert (L : later m m') by (apply later_read; auto).
    split; auto. pose proof (X2 d _ IC) as IC'. destruct IC' as [C1 [C2 [C3 C4]]].
    assert (Ix : forall z, (match z with
      | Idle c r f h => standing m' cl d c r f h
      | Take c r f h n got => standing m' cl d c r f h /\ exists x t y, at_pos cl c x /\ what x = Came t y /\
          t <= ck (tv m' Co) (Pr (own x)) /\ n = length y /\ got = firstn (length got) y /\ length got <= n
      | _ => False end) -> inv_c m' cl d z).
    { intros z Z. split; auto. split; auto. split; auto. destruct z; auto; contradiction. }
    assert (Stay : forall u, u = 0 \/ state_of u = 1 -> inv_c m' cl d
       (if state_of u =? 2 then Take c (last m RM) (last m FR) h (words_of u - 1) nil
        else if state_of u =? 3 then Idle (c + words_of u) (last m RM) (last m FR) h else Idle c (last m RM) (last m FR) h)).
    { intros u [->|Su]; [|rewrite Su]; apply Ix; exact C4. }
    destruct (Nat.eq_dec c (extent cl)) as [Ec|Ec].
    { destruct (h_free c) as [U1 U2]; [lia|lia|]. apply Stay. left. rewrite <- U1. rewrite H2. unfold last. f_equal. f_equal. destruct H1. lia. }
    destruct (bound_at cl c Bc) as [x A]; [lia|]. assert (Rm : last m RM <= c) by lia.
    pose proof (h_val c x A Rm) as G. specialize (G ltac:(discriminate)). pose proof (Wp c x A) as W0.
    assert (Un : all_untouched m c (words x) -> v = 0).
    { intros U. destruct (U c) as [U1 U2]; [lia|]. rewrite <- U1, H2. unfold last. f_equal. f_equal. destruct H1. lia. }
    assert (Sp : forall vv t, stamped m c x vv t -> v = 0 \/ state_of v = 1 \/ (v = vv /\ t <= ck (tv m' Co) (Pr (own x)))).
    { intros vv t [_ [_ [k0 [Y1 [Y2 Y3]]]]]. destruct (Y3 k) as [Y|[Y|[Y Z]]]; [destruct H1; lia|left; congruence|right; left; congruence|].
      right. right. split; [congruence|]. etransitivity; [exact Z|]. unfold m'. rewrite read_ck by congruence. lia. }
    assert (Sh : forall vv t, shown N cl m c x vv t -> finished x = Some t ->
      v = 0 \/ state_of v = 1 \/ (v = vv /\ t <= ck (tv m' Co) (Pr (own x)))).
    { intros vv t [S|[[S1 _] S2]] F; [apply Sp; auto|right; right].
      pose proof (follower_known N Npos cl m c x t Wp B5 S2 F) as Ck. split; [|etransitivity; [exact Ck|apply (l_ck _ _ L)]].
      rewrite H2, <- S1. apply (reads_val m pp al cl K H c x t k); auto. }
    unfold MpscData.good in G. destruct (what x) eqn:Wx.
    + apply Stay. destruct (pp (own x)); try contradiction; [left; auto|..]; destruct G as [_ [_ [G _]]];
      destruct (Sp _ _ G) as [->|[Y|[-> _]]]; auto; right; apply state_busy.
    + apply Stay. destruct G as [G|G]; [left; auto|]. destruct (Sp _ _ G) as [->|[Y|[-> _]]]; auto; right; apply state_busy.
    + destruct G as [G1 [G2 G3]]. destruct (Sh _ _ G2) as [->|[Y|[-> Ck]]]; [unfold finished; rewrite Wx; auto|..].
      * apply Stay; auto.
      * apply Stay. auto.
      * rewrite state_committed, words_committed. apply Ix. split; [exact C4|]. exists x, clock, x0. unfold size in G1.
        split; auto. split; auto. split; auto. split; [lia|]. simpl. split; auto. lia.
    + destruct (Sh _ _ G) as [->|[Y|[-> Ck]]]; [unfold finished; rewrite Wx; auto|..].
      * apply Stay; auto.
      * apply Stay. auto.
      * rewrite state_aborted, words_aborted. apply Ix.
        replace h with (h ++ pays [x]) by (simpl; rewrite Wx; apply app_nil_r).
        apply passes with (t := clock); auto. unfold finished. rewrite Wx. auto.
  - (* a word *)
    destruct A4 as [St [x [t [y [Y1 [Y2 [Y3 [Y4 [Y5 Y6]]]]]]]]]. pose proof St as [B1 [B2 [B3 [B4 B5]]]].
    assert (Rc : last m FR <= c) by lia. pose proof (Wp c x Y1) as W0.
    pose proof (h_val c x Y1) as G. rewrite <- B1 in G. specialize (G B3 ltac:(discriminate)). unfold MpscData.good in G. rewrite Y2 in G.
    destruct G as [G1 [G2 G3]]. unfold size in G1. set (j0 := c mod N + 1 + length got).
    assert (Oc : occ c (words x) j0) by (apply (occ_cell N Npos); lia).
    assert (F : finished x = Some t) by (unfold finished; rewrite Y2; auto).
    assert (R : can_read m Co (D j0) k).
    { subst k. pose proof (sn_len k1 (cell c (length got))). change (D j0) with (cell c (length got)). split; [|lia].
      pose proof (MpscAccess.in_view m Co (cell c (length got)) k1). lia. }
    destruct (data_readC m pp al cl plain false j0 k K H R) as [X1 X2].
    { intros j na' wr _. apply (reads_known m pp al cl K H c x t j0 Y1 Rc F Y3 Oc). }
    { intros g Lg. left. exists c, x. split; auto. split; [lia|]. split; auto. right. split; auto. congruence. }
    split; auto. destruct (X2 d _ IC) as [C1 [C2 [C3 [C4 [x' [t' [y' [Z1 [Z2 [Z3 [Z4 [Z5 Z6]]]]]]]]]]]].
    assert (x' = x) as -> by (apply (MpscData.same_at N Npos cl Wp c); auto). rewrite Y2 in Z2. injection Z2 as <- <-.
    split; auto. split; auto. split; auto. split; auto. exists x, t, y. split; auto. split; auto. split; auto. split; auto.
    assert (V : val (hist m (cell c (length got)) k) = nth (length got) y 0).
    { rewrite <- G3 by lia. subst k. reflexivity. }
    rewrite V, app_length. simpl. split; [|lia]. rewrite Y5 at 1. rewrite firstn_snoc' by lia. f_equal. lia.
  - (* delivers *)
    destruct A4 as [St [x [t [y [Y1 [Y2 [Y3 [Y4 [Y5 Y6]]]]]]]]]. split; auto. split; auto. split; auto. split; auto.
    pose proof St as [B1 [B2 [B3 [B4 B5]]]].
    pose proof (h_val c x Y1) as G. rewrite <- B1 in G. specialize (G B3 ltac:(discriminate)). unfold MpscData.good in G. rewrite Y2 in G.
    destruct G as [G1 _]. assert (Eg : got = y) by (rewrite Y5; apply firstn_all2; lia).
    replace (c + size got) with (c + words x) by (rewrite Eg; lia).
    replace [got] with (pays [x]) by (simpl; rewrite Y2, Eg; auto).
    apply passes with (t := t); auto. unfold finished. rewrite Y2. auto.
  - (* releases *) destruct A4 as [B1 [B2 [B3 [B4 B5]]]]. subst r f. apply Marks; auto; [lia|]. intros q Q. lia.
  - (* zeroes *)
    destruct A4 as [St [Q1 Q2]]. pose proof St as [B1 [B2 [B3 [B4 B5]]]]. subst r.
    destruct (data_zero N producers Npos m pp al cl K H q d _ (proj1 Q1) H0 IC) as [X1 [X2 [X3 X4]]].
    set (m' := write plain false Co (word q) 0 m) in *. assert (L : later m m') by apply later_write.
    assert (LM : last m' RM = last m RM) by (apply write_last_ne; discriminate).
    assert (LR : last m' FR = last m FR) by (apply write_last_ne; discriminate).
    split; auto. split; [rewrite LM; auto|]. split; [rewrite LM; eapply below_later; eauto|]. split; [rewrite LR; auto|].
    rewrite LR. split; [apply (standing_same m); auto|]. split; [lia|]. intros q' Hq. destruct (Nat.eq_dec q' q) as [->|E]; auto.
    pose proof (bound_le cl (last m RM) (bound_split cl _ _ A1)). apply X4; [lia|lia|auto|]. apply Q2. lia.
  - (* hands over *)
    destruct A4 as [St [Q1 Q2]]. set (m' := write atomic false Co RP r m). assert (L : later m m') by apply later_write.
    split; [apply (neutral_rp m pp al); auto|]. destruct A3 as [a [b A3]].
    split; [exact A1|]. split; [exact (below_later m m' cl _ L A2)|]. split; [exists a, b; exact A3|].
    split; [apply (standing_same m); auto|]. split; [symmetry; apply write_last_eq|].
    apply (all_untouched_same N Npos m); auto. intros i _. auto.
  - (* frees *)
    destruct A4 as [St [Q1 Q2]]. pose proof St as [B1 [B2 [B3 [B4 B5]]]]. subst r. rewrite B1 in *.
    assert (X1 : data None (write atomic true Co FR (last m RM) m) pp cl) by (eapply (data_free N producers Npos m pp al cl K H); eauto).
    set (m' := write atomic true Co FR (last m RM) m) in *. assert (L : later m m') by apply later_write.
    assert (LM : last m' RM = last m RM) by (apply write_last_ne; discriminate).
    assert (LR : last m' FR = last m RM) by apply write_last_eq.
    assert (Bl : below m' cl c) by (eapply below_later; eauto). assert (Bm : below m' cl (last m RM)) by (eapply below_later; eauto).
    pose proof (bound_split cl _ _ A1). unfold MpscData.inv_c, standing. rewrite LM, LR. repeat (split; auto).
  - (* the mark is at rest *)
    destruct A4 as [B1 [B2 [B3 [B4 B5]]]]. destruct (Marks r d r) as [X1 [X2 [X3 [X4 X5]]]]; auto; try lia.
    + rewrite B1. auto.
    + rewrite B1. auto.
    + intros q Q. lia.
    + split; auto. split; auto. split; auto. split; auto. destruct X5 as [[Y1 [Y2 _]] _].
      split; auto.
  - destruct (neutral_readC m pp al cl false RP k K H) as [X1 X2]; auto. discriminate.
  - destruct (neutral_readC m pp al cl false FR k K H) as [X1 X2]; auto. discriminate.
  - (* examines *) destruct (neutral_readC m pp al cl true WP k K H) as [X1 X2]; auto; [discriminate|]. split; auto.
    destruct (X2 d _ IC) as [C1 [C2 [C3 C4]]]. split; auto. split; auto. split; auto.
    destruct (Nat.eqb_spec c T); [exact C4|]. split; [exact C4|]. split; [lia|].
    destruct (h_wps k) as [a [b [E1 E2]]]; [apply H0|]. exists a, b. split; [auto|congruence].
  - destruct (neutral_readC m pp al cl true (Ann i) k K H) as [X1 X2]; [assumption|discriminate|]. split; [exact X1|exact (X2 d _ IC)].
  - destruct (neutral_readC m pp al cl true (Ann i) k K H) as [X1 X2]; [assumption|discriminate|].
    split; [exact X1|exact (X2 d (Doubt c r f h T i) IC)].
  - split; auto. split; auto. split; auto. split; auto. destruct A4 as [St _]. exact St.
  - destruct (neutral_learn m pp al cl i K H) as [Y1 Y2]. split; [exact Y1|exact (Y2 d (Ask c r f h T (Datatypes.S i)) IC)].
  - split; auto.
  - (* the header once more *)
    destruct As as [T1 T2]. destruct A4 as [St [Lt BT]]. pose proof St as [B1 [B2 [B3 [B4 B5]]]]. subst r f.
    pose proof (bound_split cl c _ B4) as Bc. pose proof (bound_le cl T BT) as LeT.
    destruct (bound_at cl c Bc) as [x A]; [lia|]. pose proof (Wp c x A) as W0.
    destruct (T2 c x A Lt) as [t [F Ck]]; [eapply k4; eauto|]. assert (Rc : last m FR <= c) by lia.
    assert (Oc : occ c (words x) (c mod N)) by (apply occ_word; lia).
    assert (Nl : what x <> Live) by (intros E; unfold finished in F; rewrite E in F; discriminate).
    destruct (data_readC m pp al cl atomic false (c mod N) k K H H0) as [X1 X2].
    { intros j na' wr _. apply (reads_known m pp al cl K H c x t (c mod N) A Rc F Ck Oc). }
    { intros g Lg. left. exists c, x. split; auto. split; [lia|]. split; auto. }
    set (m' := read atomic false Co (word c) k m) in *. change (D (c mod N)) with (word c) in *.
    assert (L : later m m') by (apply later_read; auto). split; auto.
    destruct (X2 d _ IC) as [C1 [C2 [C3 [C4 _]]]].
    assert (Ck' : t <= ck (tv m' Co) (Pr (own x))) by (etransitivity; [exact Ck|apply (l_ck _ _ L)]).
    assert (V : v = last m (word c)) by (rewrite H1; apply (reads_val m pp al cl K H c x t k); auto).
    pose proof (h_val c x A B3) as G. specialize (G ltac:(discriminate)). unfold MpscData.good in G.
    assert (Sh : forall vv u, shown N cl m c x vv u -> last m (word c) = vv) by (intros vv u [[S _]|[[S _] _]]; exact S).
    pose proof (apart_bound cl Wp c x T A (bound_boundary cl T BT) Lt) as Nx.
    assert (Ps : pays [x] = [] -> standing m' cl d (c + words x) (last m RM) (last m FR) h).
    { intros E. rewrite <- (app_nil_r h), <- E. apply passes with (t := t); auto. }
    unfold finished in F. destruct (what x) eqn:Wx; try discriminate.
    + destruct G as [G|G].
      * destruct (G c) as [U1 _]; [lia|]. rewrite V, U1. cbn [Nat.eqb]. split; auto. split; auto. split; auto. split; auto. split; auto.
        exists c, x, clock. split; auto. split; auto. split; [lia|]. split; [lia|].
        split; [apply (blank_next m' cl c c x clock); auto; [apply blank_none|];
          apply (all_untouched_same N Npos m); auto; [intros i0 _; auto|intros; apply (l_ts _ _ L); auto]|].
        destruct Ps as [_ [_ [_ [P4 P5]]]]; [simpl; rewrite Wx; auto|]. auto.
      * destruct G as [G _]. rewrite V, G. unfold busy at 1. replace (4 * words x + 1) with (Datatypes.S (4 * words x)) by lia. cbn [Nat.eqb].
        replace (Datatypes.S (4 * words x)) with (busy (words x)) by (unfold busy; lia). rewrite state_busy, words_busy. cbn [Nat.eqb].
        split; auto. split; auto. split; auto. apply Ps. simpl. rewrite Wx. auto.
    + destruct G as [_ [G _]]. apply Sh in G. rewrite V, G. rewrite state_committed. unfold committed.
      replace (4 * words x + 2) with (Datatypes.S (4 * words x + 1)) by lia. cbn [Nat.eqb]. split; auto.
    + apply Sh in G. rewrite V, G. rewrite state_aborted. unfold aborted.
      replace (4 * words x + 3) with (Datatypes.S (4 * words x + 2)) by lia. cbn [Nat.eqb]. split; auto.
  - (* scans *)
    destruct As as [T1 T2]. destruct A4 as [St [BT [p [x [t [Y1 [Y2 [Y3 [Y4 [Y5 [Y6 Y7]]]]]]]]]]]. pose proof St as [B1 [B2 [B3 [B4 B5]]]]. subst r f.
    pose proof (bound_le cl T BT) as LeT. pose proof (Wp p x Y1) as W0.
    assert (St' : forall m', later m m' -> last m' RM = last m RM -> last m' FR = last m FR ->
      standing m' cl d (p + words x) (last m RM) (last m FR) h).
    { intros m' L E1 E2. split; auto. split; auto. split; [lia|]. split; auto. eapply below_later; eauto. }
    destruct (Nat.eq_dec q (p + words x)) as [Eq|Eq].
    + (* the next claim begins here *)
      assert (Bq : bound cl q) by (rewrite Eq; apply (bound_split cl _ _ Y6)).
      destruct (bound_at cl q Bq) as [z A]; [lia|]. pose proof (Wp q z A) as Wz.
      destruct (T2 q z A H0) as [u [F Ck]]; [eapply k4; eauto|]. assert (Rq : last m FR <= q) by lia. assert (Mq : last m RM <= q) by lia.
      assert (Oc : occ q (words z) (q mod N)) by (apply occ_word; lia).
      assert (Nl : what z <> Live) by (intros E; unfold finished in F; rewrite E in F; discriminate).
      destruct (data_readC m pp al cl atomic false (q mod N) k K H H1) as [X1 X2].
      { intros j na' wr _. apply (reads_known m pp al cl K H q z u (q mod N) A Rq F Ck Oc). }
      { intros g Lg. left. exists q, z. split; auto. split; [lia|]. split; auto. }
      set (m' := read atomic false Co (word q) k m) in *. change (D (q mod N)) with (word q) in *.
      assert (L : later m m') by (apply later_read; auto). split; auto.
      destruct (X2 d _ IC) as [C1 [C2 [C3 [C4 _]]]].
      assert (V : v = last m (word q)) by (rewrite H2; apply (reads_val m pp al cl K H q z u k); auto).
      pose proof (h_val q z A Mq) as G. specialize (G ltac:(discriminate)). unfold MpscData.good in G.
      assert (Sh : forall vv u, shown N cl m q z vv u -> last m (word q) = vv) by (intros vv w [[S _]|[[S _] _]]; exact S).
      pose proof (apart_bound cl Wp q z T A (bound_boundary cl T BT) H0) as Nx.
      assert (Bq' : blank N m' cl c q).
      { rewrite Eq. assert (B0 : blank N m cl c (p + words x)) by exact Y5. intros p0 x0 Ax Qx. destruct (B0 p0 x0 Ax Qx) as [X Z]. split; auto.
        apply (all_untouched_same N Npos m); auto; [intros i0 _; auto|intros; apply (l_ts _ _ L); auto]. }
      assert (Sq : inv_c m' cl d (scanned c q (last m RM) (last m FR) h)).
      { split; auto. split; auto. split; auto. unfold scanned. destruct (Nat.eqb_spec c (last m FR)) as [Ec|Ne].
        - split; [rewrite Eq; apply St'; auto|rewrite <- Ec; exact Bq'].
        - rewrite Eq; apply St'; auto. }
      assert (Ck' : u <= ck (tv m' Co) (Pr (own z))) by (etransitivity; [exact Ck|apply (l_ck _ _ L)]).
      unfold finished in F. destruct (what z) eqn:Wz'; try discriminate.
      * destruct G as [G|G].
        -- destruct (G q) as [U1 _]; [lia|]. rewrite V, U1. cbn [Nat.eqb]. split; auto. split; auto. split; auto. split; [exact C4|]. split; auto.
           exists q, z, clock. split; auto. split; auto. split; [lia|]. split; [lia|].
           split; [apply (blank_next m' cl c q z clock); auto;
             apply (all_untouched_same N Npos m); auto; [intros i0 _; auto|intros; apply (l_ts _ _ L); auto]|].
           assert (Stq : standing m' cl d q (last m RM) (last m FR) h) by (rewrite Eq; apply St'; auto).
           pose proof (passes m' cl d q _ _ h z u Wp Stq A) as [_ [_ [_ [P4 P5]]]]; [unfold finished; rewrite Wz'; auto|auto|].
           simpl in P4. rewrite Wz', app_nil_r in P4. auto.
        -- destruct G as [G _]. rewrite V, G. unfold busy. replace (4 * words z + 1) with (Datatypes.S (4 * words z)) by lia. exact Sq.
      * destruct G as [_ [G _]]. apply Sh in G. rewrite V, G. unfold committed. replace (4 * words z + 2) with (Datatypes.S (4 * words z + 1)) by lia. exact Sq.
      * apply Sh in G. rewrite V, G. unfold aborted. replace (4 * words z + 3) with (Datatypes.S (4 * words z + 2)) by lia. exact Sq.
    + (* a word of a dead claim that was never stamped *)
      destruct (Y5 p x Y1) as [_ Yu]; [lia|]. destruct (Yu q) as [U1 U2]; [lia|]. assert (Rp : last m FR <= p) by lia.
      assert (Oc : occ p (words x) (q mod N)) by (apply occ_word; lia).
      destruct (T2 p x Y1) as [u [F Ck]]; [lia|eapply k4; eauto|].
      destruct (data_readC m pp al cl atomic false (q mod N) k K H H1) as [X1 X2].
      { intros j na' wr _. apply (reads_known m pp al cl K H p x u (q mod N) Y1 Rp F Ck Oc). }
      { intros g Lg. left. exists p, x. split; auto. split; [lia|]. split; auto. right. split; auto. congruence. }
      set (m' := read atomic false Co (word q) k m) in *. change (D (q mod N)) with (word q) in *.
      assert (L : later m m') by (apply later_read; auto). split; auto.
      assert (V : v = 0). { rewrite H2, <- U1. unfold last. f_equal. f_equal. destruct H1. lia. }
      rewrite V. cbn [Nat.eqb]. destruct (X2 d _ IC) as [C1 [C2 [C3 [C4 _]]]].
      split; auto. split; auto. split; auto. split; [exact C4|]. split; auto. exists p, x, t.
      split; auto. split; auto. split; [lia|]. split; [lia|]. split; [|split; auto].
      intros p0 x0 Ax Qx. destruct (Y5 p0 x0 Ax Qx) as [X Z]. split; auto.
      apply (all_untouched_same N Npos m); auto; [intros i0 _; auto|intros; apply (l_ts _ _ L); auto].
  - (* has scanned all *)
    split; auto. destruct A4 as [St [BT [p [x [t [Y1 [Y2 [Y3 [Y4 [Y5 [Y6 Y7]]]]]]]]]]]. destruct St as [B1 [B2 [B3 [B4 B5]]]].
    assert (E : T = p + words x) by lia. split; auto. split; auto. split; auto.
    assert (StT : standing m cl d T r f h) by (rewrite E; split; auto; split; auto; split; [lia|auto]).
    unfold scanned. destruct (Nat.eqb_spec c f) as [<-|]; [split; [exact StT|rewrite E; exact Y5]|exact StT].
  - (* zeros go back as they are *)
    destruct A4 as [[B1 [B2 [B3 [B4 B5]]]] Bk]. subst r f. apply Marks; auto; [lia|].
    apply (blank_all m cl); auto. apply (bound_le cl c). apply (bound_split cl _ _ B4).
Qed.

(* The roll call and the last look leave the consumer where it is. *)
Lemma reads_control m p al c r f h l d e q e' q' acq x k : inv (St m p al (Idle c r f h) l d e q) -> can_read m Co x k ->
  (forall j, x <> D j) -> inv (St (read atomic acq Co x k m) p al (Idle c r f h) l d e' q').
Proof.
  intros [[K As] [Op [H [IC Ha]]]] R ND. unfold inv. cbn [mm Mpsc.pp alive claims cc done] in *.
  pose proof (a_sane _ _ _ _ _ K) as Sn. destruct (neutral_readC m p al l acq x k K H R ND) as [X1 X2].
  assert (Q : quiet m (read atomic acq Co x k m)) by (apply quiet_read; auto).
  split; [split; [|exact Logic.I]|].
  { apply (consumer_quiet producers m); auto. }
  split; auto. split; auto. split; auto.
  apply (handed_stands m _ l d d (Idle c r f h)); auto; [apply later_read; auto|apply sane_read; auto].
Qed.

Lemma inv_step s s' : inv s -> step s s' -> inv s'.
Proof.
  intros I Hs. destruct Hs.
  - eapply inv_producer; eauto.
  - (* dies *) destruct I as [KI [Op [Hd [IC Ha]]]].
    assert (KI' : MpscKnown.inv producers (St m (upd p i Away) (upd al i false) c (ends_so l i (Gone (clock m i))) d e q)).
    { eapply (MpscKnown.inv_step N most producers); [exact KI|]. apply s_dies. auto. }
    destruct KI as [K _]. unfold inv. cbn [mm Mpsc.pp alive claims cc done] in *. split; auto.
    assert (Wp : forall p x, at_pos l p x -> 0 < words x) by (intros q0 x A; apply (a_own _ _ _ _ _ K q0 x A)).
    set (ps := fun n : nat => [Claim n i (Gone (clock m i))]).
    assert (Cu : cuts l i ps (clock m i)).
    { apply cuts_one; auto. intros y I. destruct (in_at_pos l y I) as [q0 B]. eauto. }
    assert (Ab : forall q0 x, at_pos l q0 x -> open i x -> last m RM <= q0).
    { intros q0 x A [Lv _]. apply (live_above m l d c q0 x IC A Lv). }
    split; [apply (opened_becomes p l i ps (clock m i)); auto|].
    split; [|split; [apply (inv_c_becomes N Npos l i ps (clock m i)); auto|split; [apply Ha|apply (inv_c_becomes N Npos l i ps (clock m i)); auto; apply Ha]]].
    apply (data_becomes N Npos l i ps (clock m i) Cu Wp None m p Away); auto; [apply (a_sane _ _ _ _ _ K)| | |discriminate|exact I].
    { intros q0 x z y B O D. apply at_pos_one in D. left. apply D. }
    intros q0 x z y A O D. apply at_pos_one in D. destruct D as [-> ->]. rewrite Nat.add_0_r.
    pose proof (d_val _ _ _ _ _ Hd q0 x A (Ab q0 x A O)) as G. specialize (G ltac:(discriminate)).
    destruct O as [Lv E]. unfold MpscData.good in *. rewrite Lv, E in G. cbn [what words own].
    destruct (p i); try contradiction; [left; auto|right|right]; destruct G as [_ [_ [G _]]];
      unfold MpscData.stamped in *; cbn [own words]; rewrite E in G; exact G.
  - (* comes *) destruct I as [KI [Op [Hd [IC Ha]]]].
    assert (KI' : MpscKnown.inv producers (St m (upd p i Come) (upd al i true) c l d e q)).
    { eapply (MpscKnown.inv_step N most producers); [exact KI|]. apply s_comes; auto. }
    destruct KI as [K _]. unfold inv. cbn [mm Mpsc.pp alive claims cc done] in *. split; auto.
    pose proof (a_dead _ _ _ _ _ K i H0) as Aw.
    split; [apply opened_keep; auto; intros t n Hx; destruct Hx|]. split; [|split; auto].
    apply (neutral_none m p al); auto; [rewrite Aw; auto|discriminate|exact Logic.I].
  - eapply inv_consumer; eauto.
  - (* the consumer dies *) destruct I as [KI [Op [Hd [IC Ha]]]]. destruct KI as [K _].
    split; [split; [exact K|exact Logic.I]|]. split; auto. split; auto. split; [|exact Ha]. destruct IC as [B1 [B2 [B3 _]]].
    split; [exact B1|]. split; [exact B2|]. split; [exact B3|exact Logic.I].
  - (* enters *) destruct (neutral_enter m p al l i Here) as [X1 X2]; try apply I; auto; [rewrite H1; auto|exact Logic.I|].
    assert (KI : MpscKnown.inv producers (St (rmw true false (Pr i) (Own i) 1 m) (upd p i Here) al c l d (upd e i (e i ++ [extent l])) q)).
    { eapply (MpscKnown.inv_step N most producers); [apply I|]. apply s_enters; auto. }
    destruct I as [[K _] [Op [Hd [IC [T Ha]]]]]. unfold inv. cbn [mm Mpsc.pp alive claims cc done] in *. split; auto.
    assert (Ot : forall l, l <> Own i -> last (rmw true false (Pr i) (Own i) 1 m) l = last m l).
    { intros l0 E. unfold last. rewrite rmw_len, rmw_other by auto. destruct (loc_dec (Own i) l0); [congruence|auto]. }
    split; [apply opened_keep; auto; intros ? ? []|]. split; auto. split; auto. unfold handed.
    rewrite !Ot, rmw_len by discriminate. split; [|apply X2; exact Ha].
    unfold Machine.rmw, carry. cbn [tv]. rewrite write_tv_other, read_tv_other by discriminate. exact T.
  - (* closes *) destruct (neutral_ann m p al l i (Own i) true 2 Parted) as [X1 X2]; try apply I; eauto; [rewrite H1; auto|discriminate|exact Logic.I|].
    assert (KI : MpscKnown.inv producers (St (write atomic true (Pr i) (Own i) 2 m) (upd p i Parted) al c l d (upd e i (e i ++ [extent l])) q)).
    { eapply (MpscKnown.inv_step N most producers); [apply I|]. apply (s_closes N most producers shipped) with (f := f); auto. }
    destruct I as [[K _] [Op [Hd [IC [T Ha]]]]]. unfold inv. cbn [mm Mpsc.pp alive claims cc done shipped roll_store] in *. split; auto.
    split; [apply opened_keep; auto; intros ? ? []|]. split; auto. split; auto. unfold handed.
    rewrite !write_last_ne, write_len_ne, write_tv_other by discriminate. split; [exact T|apply X2; exact Ha].
  - exact I.
  - apply reads_control with (e := e) (q := Asking a b ks); auto. discriminate.
  - destruct I as [[K _] R]. split; [split; [exact K|exact Logic.I]|exact R].
  - apply reads_control with (e := e) (q := q); auto. discriminate.
  - destruct I as [[K _] R]. split; [split; [exact K|exact Logic.I]|exact R].
  - (* a view once more *) destruct I as [KI [Op [Hd [IC Ha]]]]. pose proof KI as [K As]. cbn [mm Mpsc.pp alive claims cc done] in *.
    pose proof (a_sane _ _ _ _ _ K) as Sn. pose proof IC as [_ [_ [_ [B1 [_ [_ [_ B5]]]]]]].
    assert (R : can_read m Co (cell z j) k) by (apply newest_readable; auto).
    assert (Rm : last m RM <= z) by lia. assert (Rc : last m FR <= z) by (pose proof (d_rm _ _ _ _ _ Hd); lia).
    pose proof (d_val _ _ _ _ _ Hd z x H Rm) as G. specialize (G ltac:(discriminate)). unfold MpscData.good in G. rewrite H0 in G.
    destruct G as [G _]. unfold size in G. destruct (B5 z x H) as [u [F Kn]]; [lia|].
    assert (Oc : occ z (words x) (z mod N + 1 + j)) by (apply (occ_cell N Npos); lia).
    destruct (data_readC m p al l plain false (z mod N + 1 + j) k K Hd R) as [X1 X2].
    { intros j' na wr _. apply (reads_known m p al l K Hd z x u _ H Rc F Kn Oc). }
    { intros g Lg. left. exists z, x. split; auto. split; [lia|]. split; auto. right. split; auto. congruence. }
    split; [apply (MpscKnown.reads_control producers m p al (Idle c r f h) l d e q e q plain false _ k KI R)|]. cbn [mm Mpsc.pp alive claims cc done].
    split; auto. split; auto. split; [apply X2; exact IC|].
    apply (handed_stands m _ l d d (Idle c r f h)); auto; [apply later_read; auto|apply sane_read; auto].
Qed.

Lemma inv_init : inv init.
Proof.
  split; [apply MpscKnown.inv_init|]. assert (E : forall p x, ~ at_pos nil p x) by (intros p x [a [b [X _]]]; destruct a; discriminate).
  split; [intros i t n X; destruct X|]. split.
  - split_data.
    [cap]: { simpl. lia. }
    [wps]: { intros k K. exists nil, nil. auto. }
    [rp]: { intros k K i na wr t. left. apply Nat.le_0_l. }
    [pr]: { intros i f F. discriminate. }
    [co]: { intros i na wr j. left. apply Nat.le_0_l. }
    [fin]: { intros p x c i A. destruct (E p x A). }
    [head]: { intros p x A. destruct (E p x A). }
    [free]: { intros q Q1 Q2. split; simpl; auto. }
    [val]: { intros p x A. destruct (E p x A). }
    all: simpl; auto.
  - assert (X : forall c, match c with Nobody => True | _ => False end -> inv_c (mm init) nil nil c).
    { intros c Hc. split; [exists nil, nil; auto|]. split; [intros p x A; destruct (E p x A)|]. split; [exists nil, nil; auto|].
      destruct c; auto; contradiction. }
    split; [apply X; exact I|]. apply (handed_intro _ nil nil Nobody); [apply X; exact I|reflexivity|change (0 <= 0 <= 0); lia|]. intros q Q. change (0 <= q < 0 + 0) in Q. lia.
Qed.

Lemma inv_reach s : reach s -> inv s.
Proof. induction 1; [apply inv_init|eapply inv_step; eauto]. Qed.
End Holds.
