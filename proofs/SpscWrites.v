(* Each write keeps what SpscInvariant.v says of memory. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc SpscInvariant.

Section Writes.
Variables N most W : nat.
Variable enc : nat -> nat -> nat.
Hypothesis fits : most + 2 <= N.
Notation word := (word N). Notation cell := (cell N). Notation header := (header W enc).
Notation shared := (shared N most W enc). Notation free := (free N). Notation in_record := (in_record N).
Notation header_ok := (header_ok N W enc). Notation payload_ok := (payload_ok N).
Notation header_keep := (header_keep N most W enc fits). Notation payload_keep := (payload_keep N).
Notation ts_in := (ts_in N most W enc). Notation freed_last := (freed_last N most W enc fits).
Lemma N_pos : 0 < N. Proof. lia. Qed.

Lemma racy_writeP tau m log na i : shared tau m log -> free m log i ->
  (na = plain -> i <> total log mod N) -> racy tids m na true P (D i) = false.
Proof.
  intros H [F1 F] Z. pose proof H as H0. invs H0. apply racy_no.
  intros u na' wr' E. destruct u; [apply (sn_acc h_sane)|].
  pose proof (ts_in tau m log H P FR). destruct na'.
  - destruct wr'; [rewrite h_accC; lia|]. etransitivity; [|exact h_know].
    destruct (h_rdp _ i H0) as [X|[j [J [S R]]]]; auto. exfalso. apply (F j); auto.
  - destruct na; try discriminate. etransitivity; [|exact h_know].
    destruct (h_rda _ i wr' H0) as [X|[p [L [S R]]]]; auto. exfalso.
    destruct (Nat.eq_dec p (total log)); [subst; apply Z; auto|]. apply (F1 p); auto. lia.
Qed.

(* The producer writes a word that is free; at its end, nothing but a terminator. *)
Lemma shared_writeP tau m log na i x : shared tau m log -> free m log i ->
  (i = total log mod N -> na = atomic /\ x = 0) ->
  shared tau (write na false P (D i) x m) log.
Proof.
  intros H F Z. set (m' := write na false P (D i) x m). pose proof H as H0. invs H0.
  assert (Sn : sane m') by (apply sane_write; auto).
  assert (Ts : forall l, (forall i, l <> D i) -> ts (tv m' P) l = ts (tv m P) l).
  { intros l E. unfold m'. rewrite write_ts. destruct (loc_dec (D i) l); [exfalso; eapply E; eauto|auto]. }
  assert (TF : ts (tv m' P) FR = ts (tv m P) FR) by (apply Ts; congruence).
  assert (Ot : forall l, l <> D i -> len m' l = len m l /\ (forall k, hist m' l k = hist m l k) /\ last m' l = last m l).
  { intros l E. unfold m'. repeat split; intros; [apply write_len_ne|apply write_hist_ne|apply write_last_ne]; auto. }
  assert (Oth : forall l, (forall i, l <> D i) -> len m' l = len m l /\ hist m' l = hist m l).
  { intros l E. unfold m', Machine.write. simpl. rewrite !updl_ne; auto. }
  destruct (Oth FR) as [FL FH]; [congruence|]. destruct (Oth RP) as [RL RH]; [congruence|].
  destruct (Oth WP) as [WL WH]; [congruence|].
  assert (Se : seen m' = seen m) by (unfold seen; rewrite TF, FH; auto).
  assert (CkP : ck (tv m' P) P = S (ck (tv m P) P)) by (unfold m'; apply write_ck_own).
  assert (CkC : ck (tv m' P) C = ck (tv m P) C) by (unfold m'; apply write_ck; congruence).
  assert (CC : tv m' C = tv m C) by (unfold m'; apply write_tv_other; congruence).
  assert (Ac : forall na' wr l' u, acc m' na' wr l' u = acc m na' wr l' u \/ (na' = na /\ wr = true /\ l' = D i /\ u = P)).
  { intros. unfold m'. edestruct write_acc as [E|[E1 [E2 [E4 [E3 _]]]]]; [left; exact E|right; auto]. }
  assert (AcC : forall na' wr l', acc m' na' wr l' C = acc m na' wr l' C).
  { intros. destruct (Ac na' wr l' C) as [E|[_ [_ [_ E]]]]; [exact E|congruence]. }
  assert (AcO : forall na' wr l' u, l' <> D i -> acc m' na' wr l' u = acc m na' wr l' u).
  { intros. destruct (Ac na' wr l' u) as [E|[_ [_ [E _]]]]; [exact E|congruence]. }
  assert (Hd : forall j, seen m <= off log j -> j < length log -> word (off log j) <> D i).
  { intros j S J E. injection E as E. apply (proj2 F j); auto. unfold SpscInvariant.in_record, size. lia. }
  split_shared.
  [race]: {
    unfold m', Machine.write. simpl. rewrite h_race. simpl. eapply racy_writeP; eauto.
    intros E1 E2. destruct (Z E2). congruence. }
  [upto]: { lia. }
  [same]: {
    intros i'. destruct (Nat.eq_dec i' i) as [->|E].
    - exists (len m (D i)). unfold m'. rewrite write_len_eq, write_hist_new. split; [lia|split; auto].
      intros k K. assert (k = len m (D i)) as -> by lia. rewrite write_hist_new, write_last_eq. auto.
    - destruct (Ot (D i')) as [E1 [E2 E3]]; [congruence|]. destruct (h_same i') as [k0 [X1 [X2 X3]]].
      exists k0. rewrite E1, E2, E3. split; auto. split; auto. intros k K. rewrite E2. auto. }
  [whoP]: { intros k. rewrite WL, WH. apply h_whoP. }
  [whoC]: { intros l k [-> | ->]; rewrite ?RL, ?RH, ?FL, ?FH; apply h_whoC; auto. }
  [accC]: { intros i'. rewrite AcC. auto. }
  [accP]: {
    intros i'. destruct (Ac plain false (D i') P) as [E|[_ [E _]]]; [rewrite E; auto|congruence]. }
  [accW]: { intros l wr u E. rewrite AcO; auto. }
  [head]: {
    intros j S J. rewrite Se in S. destruct (loc_dec (word (off log j)) (D i)) as [Q|Q].
    - (* the terminator, at its end *)
      assert (j = length log) as ->.
      { destruct (Nat.eq_dec j (length log)); auto. exfalso. apply (Hd j); auto; lia. }
      destruct (h_head _ S J) as [[k0 [X0 X1]] [_ X3]].
      unfold SpscInvariant.header_ok in *. rewrite off_all in *. injection Q as Q. destruct (Z (eq_sym Q)) as [-> ->].
      change (word (total log)) with (D (total log mod N)) in *. rewrite Q in *.
      split; [|split; [lia|]].
      + exists k0. unfold known in *. unfold m'. rewrite write_len_eq, write_hist_old by tauto.
        split; [intuition lia|]. intros k K. destruct (Nat.eq_dec k (len m (D i))) as [->|]; [rewrite write_hist_new; auto|].
        rewrite write_hist_old by lia. rewrite write_tv_other by congruence. apply X1. lia.
      + destruct (Ac plain true (D i) P) as [E|[E _]]; [rewrite E; auto|congruence].
    - destruct (Ot _ Q) as [O1 [O2 O3]]. apply (header_keep tau m m'); [exact O1|exact O2|rewrite CC; auto|apply AcO; auto|auto]. }
  [pay]: {
    intros j S J. rewrite Se in S. apply (payload_keep tau m m'); auto. intros i' I.
    assert (Q : cell (off log j) i' <> D i).
    { intros E. injection E as E. apply (proj2 F j); auto. unfold SpscInvariant.in_record, size. lia. }
    destruct (Ot _ Q) as [O1 [O2 O3]]. split; auto. }
  [past]: {
    intros j p J S L. rewrite Se in S. destruct (h_past j p J S L) as [X1 X2].
    assert (Q : word p <> D i).
    { intros E. injection E as E. apply (proj1 F p); auto. pose proof (off_mono log j (length log) J (le_n _)).
      rewrite off_all in *. lia. }
    destruct (Ot _ Q) as [O1 [O2 O3]]. split; [intros na'; rewrite AcO; auto|]. intros k. rewrite O1, O2. auto. }
  [cap]: { rewrite Se. auto. }
  [wp]: { intros k. rewrite WL, WH. auto. }
  [wmon]: { intros k k'. rewrite WL, WH. auto. }
  [wl]: { unfold known. rewrite WL, WH. auto. }
  [rp]: { intros l k [-> | ->]; rewrite ?RL, ?RH, ?FL, ?FH; apply h_rp; auto. }
  [mon]: { intros l k k' [-> | ->]; rewrite ?RL, ?RH, ?FL, ?FH; apply h_mon; auto. }
  [fr]: { unfold last. rewrite RL, RH, FL, FH. auto. }
  [frp]: { intros k. rewrite RH, FL, FH. auto. }
  [sr]: { rewrite Se, RH, Ts by congruence. auto. }
  [fts]: { intros k. rewrite FL, FH. auto. }
  [know]: { rewrite TF, FH. lia. }
  [rdp]: { intros k i' K. rewrite FL in K. rewrite FH, AcC. auto. }
  [rda]: { intros k i' wr K. rewrite FL in K. rewrite FH, AcC. auto. }
  all: auto.
Qed.

(* The producer writes a word of its own around the data: write_pos says its end. *)
Definition own_word l := match l with WP | AN | OW | RO => True | _ => False end.
Lemma shared_own tau m log rel l x : shared tau m log -> own_word l -> (l = WP -> rel = true /\ x = total log) ->
  shared tau (write atomic rel P l x m) log.
Proof.
  intros H OwnL Z. set (m' := write atomic rel P l x m). pose proof H as H0. invs H0.
  assert (Sn : sane m') by (apply sane_write; auto).
  assert (ND : forall i, l <> D i) by (intros i E; subst l; contradiction).
  assert (NR : l <> RP) by (intros E; subst l; contradiction). assert (NF : l <> FR) by (intros E; subst l; contradiction).
  assert (Ts : forall l', l' <> l -> ts (tv m' P) l' = ts (tv m P) l').
  { intros l' E. unfold m'. rewrite write_ts. destruct (loc_dec l l'); congruence. }
  assert (TF : ts (tv m' P) FR = ts (tv m P) FR) by (apply Ts; congruence).
  assert (Oth : forall l', l' <> l -> len m' l' = len m l' /\ hist m' l' = hist m l').
  { intros l' E. unfold m', Machine.write. simpl. rewrite !updl_ne; auto. }
  assert (Dat : forall i, len m' (D i) = len m (D i) /\ hist m' (D i) = hist m (D i)).
  { intros i. apply Oth. intros E. apply (ND i). auto. }
  destruct (Oth FR) as [FL FH]; [auto|]. destruct (Oth RP) as [RL RH]; [auto|].
  assert (Se : seen m' = seen m) by (unfold seen; rewrite TF, FH; auto).
  assert (CkP : ck (tv m' P) P = S (ck (tv m P) P)) by (unfold m'; apply write_ck_own).
  assert (CkC : ck (tv m' P) C = ck (tv m P) C) by (unfold m'; apply write_ck; congruence).
  assert (CC : tv m' C = tv m C) by (unfold m'; apply write_tv_other; congruence).
  assert (Ac : forall na' wr l' u, acc m' na' wr l' u = acc m na' wr l' u \/ (na' = atomic /\ wr = true /\ l' = l /\ u = P)).
  { intros. unfold m'. edestruct write_acc as [E|[E1 [E2 [E4 [E3 _]]]]]; [left; exact E|right; auto]. }
  assert (AcP : forall wr l' u, acc m' plain wr l' u = acc m plain wr l' u).
  { intros. destruct (Ac plain wr l' u) as [E|[E _]]; [exact E|congruence]. }
  assert (AcD : forall na wr i u, acc m' na wr (D i) u = acc m na wr (D i) u).
  { intros. destruct (Ac na wr (D i) u) as [E|[_ [_ [E _]]]]; [exact E|]. exfalso. apply (ND i). auto. }
  assert (Lst : forall i, last m' (D i) = last m (D i)).
  { intros i. unfold last. destruct (Dat i) as [-> ->]. auto. }
  split_shared.
  [race]: {
    unfold m', Machine.write. simpl. rewrite h_race. simpl. apply racy_no.
    intros u na' wr' E. destruct na'; try discriminate. rewrite h_accW by auto. lia. }
  [upto]: { lia. }
  [same]: {
    intros i. destruct (Dat i) as [E1 E2]. destruct (h_same i) as [k0 [X1 [X2 X3]]]. exists k0.
    rewrite Lst, E1, E2. auto. }
  [whoP]: {
    intros k L. destruct (loc_dec WP l) as [<-|E].
    - unfold m' in *. rewrite write_len_eq in L. destruct (Nat.eq_dec k (len m WP)) as [->|]; [rewrite write_hist_new; auto|].
      rewrite write_hist_old by lia. apply h_whoP. lia.
    - destruct (Oth _ E) as [E1 E2]. rewrite E1 in L. rewrite E2. auto. }
  [whoC]: { intros l' k [-> | ->]; rewrite ?RL, ?RH, ?FL, ?FH; apply h_whoC; auto. }
  [accC]: { intros i. rewrite AcP. auto. }
  [accP]: { intros i. rewrite AcP. auto. }
  [accW]: { intros l' wr u E. rewrite AcP. auto. }
  [head]: {
    intros j S J. rewrite Se in S. destruct (Dat (off log j mod N)) as [E1 E2].
    apply (header_keep tau m m'); [exact E1|intros k; unfold Spsc.word; rewrite E2; auto|rewrite CC; auto|apply AcP|auto]. }
  [pay]: {
    intros j S J. rewrite Se in S. apply (payload_keep tau m m'); auto. intros i I. split; [apply Lst|intros; apply AcD]. }
  [past]: {
    intros j p J S L. rewrite Se in S. destruct (h_past j p J S L) as [X1 X2]. destruct (Dat (p mod N)) as [E1 E2].
    unfold Spsc.word in *. split; [intros na'; rewrite AcD; auto|]. intros k. rewrite E1, E2. auto. }
  [cap]: { rewrite Se. auto. }
  [wp]: {
    intros k L. destruct (loc_dec WP l) as [<-|E].
    - destruct (Z eq_refl) as [-> ->]. unfold m' in *. rewrite write_len_eq in L. destruct (Nat.eq_dec k (len m WP)) as [->|].
      + rewrite write_hist_new. exists (length log). split; auto. cbn [val mview]. split; [symmetry; apply off_all|].
        rewrite CkP. lia.
      + rewrite write_hist_old by lia. apply h_wp. lia.
    - destruct (Oth _ E) as [E1 E2]. rewrite E1 in L. rewrite E2. auto. }
  [wmon]: {
    intros k k' L L'. destruct (loc_dec WP l) as [<-|E].
    - destruct (Z eq_refl) as [-> ->]. unfold m' in *. rewrite write_len_eq in L'.
      destruct (Nat.eq_dec k' (len m WP)) as [->|]; [|rewrite !write_hist_old by lia; apply h_wmon; lia].
      rewrite write_hist_new. destruct (Nat.eq_dec k (len m WP)) as [->|]; [rewrite write_hist_new; auto|].
      rewrite write_hist_old by lia. destruct (h_wp k) as [q [Q1 [Q2 _]]]; [lia|]. rewrite Q2. cbn [val]. apply off_end. auto.
    - destruct (Oth _ E) as [E1 E2]. rewrite E1 in L'. rewrite E2. auto. }
  [wl]: {
    intros j J. destruct (h_wl j J) as [k [[X1 X2] X3]]. exists k. unfold known, m'. rewrite !write_hist by auto.
    split; auto. split; [|exact X2]. destruct (loc_dec WP l) as [<-|E]; [rewrite write_len_eq; lia|].
    rewrite write_len_ne; auto. }
  [rp]: { intros l' k [-> | ->]; rewrite ?RL, ?RH, ?FL, ?FH; apply h_rp; auto. }
  [mon]: { intros l' k k' [-> | ->]; rewrite ?RL, ?RH, ?FL, ?FH; apply h_mon; auto. }
  [fr]: { unfold last. rewrite RL, RH, FL, FH. auto. }
  [frp]: { intros k. rewrite RH, FL, FH. auto. }
  [sr]: { rewrite Se, RH, Ts by auto. auto. }
  [fts]: { intros k. rewrite FL, FH. auto. }
  [know]: { rewrite TF, FH. lia. }
  [rdp]: { intros k i' K. rewrite FL in K. rewrite FH, AcD. auto. }
  [rda]: { intros k i' wr K. rewrite FL in K. rewrite FH, AcD. auto. }
  all: auto.
Qed.

Lemma shared_carry tau m log l k v : shared tau m log -> l = OW \/ l = RO -> is_view m v -> k < len m l ->
  shared tau (carry loc_dec l k v m) log.
Proof.
  intros H L V K. set (m' := carry loc_dec l k v m). pose proof H as H0. invs H0.
  assert (Sn : sane m') by (apply sane_carry; auto).
  assert (Oth : forall l', l' <> l -> hist m' l' = hist m l').
  { intros l' E. unfold m', carry. simpl. rewrite updl_ne; auto. }
  assert (Dat : forall i, hist m' (D i) = hist m (D i)) by (intros i; apply Oth; destruct L; congruence).
  assert (FH : hist m' FR = hist m FR) by (apply Oth; destruct L; congruence).
  assert (RH : hist m' RP = hist m RP) by (apply Oth; destruct L; congruence).
  assert (WH : hist m' WP = hist m WP) by (apply Oth; destruct L; congruence).
  assert (Se : seen m' = seen m) by (unfold seen; rewrite FH; auto).
  assert (Lst : forall i, last m' (D i) = last m (D i)).
  { intros i. unfold last. rewrite Dat. auto. }
  split_shared.
  [same]: { intros i. destruct (h_same i) as [k0 [X1 [X2 X3]]]. exists k0. rewrite Lst, Dat. auto. }
  [whoP]: { intros k'. rewrite WH. apply h_whoP. }
  [whoC]: { intros l' k' [-> | ->]; rewrite ?RH, ?FH; apply h_whoC; auto. }
  [head]: {
    intros j S J. rewrite Se in S. apply (header_keep tau m m'); auto; try (intros k'; unfold Spsc.word; rewrite Dat; auto; fail). }
  [pay]: { intros j S J. rewrite Se in S. apply (payload_keep tau m m'); auto. intros i I. split; [apply Lst|auto]. }
  [past]: {
    intros j p J S P'. rewrite Se in S. destruct (h_past j p J S P') as [X1 X2]. unfold Spsc.word in *.
    split; auto. rewrite Dat. auto. }
  [cap]: { rewrite Se. auto. }
  [wp]: { intros k'. rewrite WH. auto. }
  [wmon]: { intros k1 k2. rewrite WH. auto. }
  [wl]: { unfold known. rewrite WH. auto. }
  [rp]: { intros l' k' [-> | ->]; rewrite ?RH, ?FH; apply h_rp; auto. }
  [mon]: { intros l' k' k2 [-> | ->]; rewrite ?RH, ?FH; apply h_mon; auto. }
  [fr]: { unfold last. rewrite RH, FH. auto. }
  [frp]: { intros k'. rewrite RH, FH. auto. }
  [sr]: { rewrite Se, RH. auto. }
  [fts]: { intros k'. rewrite FH. auto. }
  [know]: { rewrite FH. auto. }
  [rdp]: { intros k' i' K'. rewrite FH. apply h_rdp; auto. }
  [rda]: { intros k' i' wr K'. rewrite FH. apply h_rda; auto. }
  all: auto.
Qed.

(* The consumer releases, or tells the producer. *)
Lemma shared_release tau m log l j : shared tau m log -> l = RP \/ l = FR -> j <= length log ->
  last m RP <= off log j -> (l = FR -> off log j = last m RP) ->
  shared tau (write atomic (if loc_dec l FR then true else false) C l (off log j) m) log.
Proof.
  intros H L J R Z. set (rel := if loc_dec l FR then true else false).
  set (m' := write atomic rel C l (off log j) m). pose proof H as H0. invs H0.
  assert (Sn : sane m') by (apply sane_write; auto).
  assert (ND : forall i, l <> D i) by (intros i; destruct L; congruence).
  assert (Tv : tv m' P = tv m P) by (unfold m'; apply write_tv_other; congruence).
  assert (Oth : forall l', l' <> l -> len m' l' = len m l' /\ hist m' l' = hist m l').
  { intros l' E. unfold m', Machine.write. simpl. rewrite !updl_ne; auto. }
  assert (Dat : forall i, len m' (D i) = len m (D i) /\ hist m' (D i) = hist m (D i)).
  { intros i. apply Oth. intros E. apply (ND i). auto. }
  destruct (Oth WP) as [WL WH]; [destruct L; congruence|].
  assert (Old : forall l' k, k < len m l' -> hist m' l' k = hist m l' k) by (intros; apply write_hist; auto).
  assert (New : hist m' l (len m l) = Msg (off log j) C (S (ck (tv m C) C)) (if rel then tv m' C else bottom loc tid)) by apply write_hist_new.
  assert (NewF : l = FR -> hist m' FR (len m FR) = Msg (off log j) C (S (ck (tv m C) C)) (tv m' C)).
  { intros E. pose proof New as X. unfold rel in X. clearbody m'. clear - X E. subst l.
    destruct (loc_dec FR FR); [exact X|congruence]. }
  assert (Len : len m' l = S (len m l)) by apply write_len_eq.
  pose proof (ts_in tau m log H) as TI.
  assert (Se : seen m' = seen m) by (unfold seen; rewrite Tv, Old; auto).
  assert (CkC : ck (tv m' C) C = S (ck (tv m C) C)) by (unfold m'; apply write_ck_own).
  assert (CkP : ck (tv m' C) P = ck (tv m C) P) by (unfold m'; apply write_ck; congruence).
  assert (Ac : forall na' wr l' u, acc m' na' wr l' u = acc m na' wr l' u \/ (na' = atomic /\ wr = true /\ l' = l /\ u = C)).
  { intros. unfold m'. edestruct write_acc as [E|[E1 [E2 [E4 [E3 _]]]]]; [left; exact E|right; auto]. }
  assert (AcP : forall wr l' u, acc m' plain wr l' u = acc m plain wr l' u).
  { intros. destruct (Ac plain wr l' u) as [E|[E _]]; [exact E|congruence]. }
  assert (AcD : forall na wr i u, acc m' na wr (D i) u = acc m na wr (D i) u).
  { intros. destruct (Ac na wr (D i) u) as [E|[_ [_ [E _]]]]; [exact E|]. exfalso. apply (ND i). auto. }
  assert (Lst : forall i, last m' (D i) = last m (D i)).
  { intros i. unfold last. destruct (Dat i) as [-> ->]. auto. }
  assert (Spl : forall l' k, k < len m' l' -> k < len m l' \/ (l' = l /\ k = len m l)).
  { intros l' k K. destruct (loc_dec l' l) as [->|E].
    { rewrite Len in K. destruct (Nat.eq_dec k (len m l)); [right; auto|left; lia]. }
    destruct (Oth _ E) as [E1 _]. left. lia. }
  assert (LR : last m' RP = if loc_dec l FR then last m RP else off log j).
  { destruct L as [-> | ->]; simpl; [apply write_last_eq|]. destruct (Oth RP) as [E1 E2]; [congruence|]. unfold last. rewrite E1, E2. auto. }
  assert (LF : last m' FR = if loc_dec l FR then off log j else last m FR).
  { destruct L as [-> | ->]; simpl; [|apply write_last_eq]. destruct (Oth FR) as [E1 E2]; [congruence|]. unfold last. rewrite E1, E2. auto. }
  assert (TC : forall l', l' <> l -> ts (tv m' C) l' = ts (tv m C) l').
  { intros l' E. unfold m'. rewrite write_ts. destruct (loc_dec l l'); congruence. }
  split_shared.
  [race]: {
    unfold m', Machine.write. simpl. rewrite h_race. simpl. apply racy_no.
    intros u na' wr' E. destruct na'; try discriminate. rewrite h_accW by auto. lia. }
  [upto]: { rewrite Tv. auto. }
  [same]: {
    intros i. destruct (Dat i) as [E1 E2]. destruct (h_same i) as [k0 [X1 [X2 X3]]]. exists k0.
    rewrite Lst, E1, E2. auto. }
  [whoP]: { intros k. rewrite WL, WH. apply h_whoP. }
  [whoC]: {
    intros l' k LL K. destruct (Spl l' k) as [S|[-> ->]]; [lia|rewrite Old by auto; apply h_whoC; auto; lia|].
    rewrite New. auto. }
  [accC]: { intros i. rewrite AcP. auto. }
  [accP]: { intros i. rewrite AcP. auto. }
  [accW]: { intros l' wr u E. rewrite AcP. auto. }
  [head]: {
    intros i S I. rewrite Se in S. destruct (Dat (off log i mod N)) as [E1 E2].
    apply (header_keep tau m m'); [exact E1|intros k; unfold Spsc.word; rewrite E2; auto|lia|apply AcP|auto]. }
  [pay]: {
    intros i S I. rewrite Se in S. apply (payload_keep tau m m'); auto. intros c I'. split; [apply Lst|intros; apply AcD]. }
  [past]: {
    intros i p I S L'. rewrite Se in S. destruct (h_past i p I S L') as [X1 X2]. destruct (Dat (p mod N)) as [E1 E2].
    unfold Spsc.word in *. split; [intros na'; rewrite AcD; auto|]. intros k. rewrite E1, E2. auto. }
  [cap]: { rewrite Se. auto. }
  [wp]: { intros k. rewrite WL, WH. auto. }
  [wmon]: { intros k k'. rewrite WL, WH. auto. }
  [wl]: { unfold known. rewrite WL, WH. auto. }
  [rp]: {
    intros l' k LL K. destruct (Spl l' k K) as [S|[-> ->]]; [rewrite Old by auto; apply h_rp; auto|].
    rewrite New. simpl. eauto. }
  [mon]: {
    intros l' k k' LL K K'. destruct (Spl l' k' K') as [S|[-> ->]].
    - rewrite !Old by lia. apply h_mon; auto.
    - rewrite New. destruct (Spl l k) as [S|[_ ->]]; [lia| |rewrite New; auto]. rewrite Old by auto. simpl.
      destruct L as [-> | ->].
      + etransitivity; [|exact R]. unfold last. apply h_mon; auto; lia.
      + rewrite Z by auto. etransitivity; [|exact h_fr]. unfold last. apply h_mon; auto; lia. }
  [fr]: { rewrite LR, LF. destruct (loc_dec l FR) as [E|E]; [rewrite Z; auto|lia]. }
  [frp]: {
    intros k K. destruct (Spl FR k K) as [S|[E ->]].
    - rewrite !Old by (auto; apply (sn_ts h_sane); right; eauto). auto.
    - rewrite <- E. rewrite NewF by auto. cbn [val mview]. rewrite TC by congruence.
      pose proof (TI C RP). rewrite Old by auto. rewrite (ownC N most W enc fits tau m log H RP) by auto.
      rewrite Z by auto. apply le_n. }
  [sr]: { rewrite Se, Tv, Old by auto. auto. }
  [fts]: {
    intros k K. destruct (Spl FR k K) as [S|[E ->]]; [rewrite Old by auto; auto|].
    rewrite <- E, NewF by auto. cbn [mview]. unfold m'. rewrite write_ts, <- E. destruct (loc_dec FR FR); [auto|congruence]. }
  [know]: { rewrite Tv, Old by auto. auto. }
  [rdp]: {
    intros k i K. rewrite AcD. destruct (Spl FR k K) as [S|[E ->]]; [rewrite Old by auto; auto|].
    rewrite <- E, NewF by auto. left. cbn [mview]. rewrite CkC. pose proof (sn_acc h_sane plain false (D i) C). lia. }
  [rda]: {
    intros k i wr K. rewrite AcD. destruct (Spl FR k K) as [S|[E ->]]; [rewrite Old by auto; auto|].
    rewrite <- E, NewF by auto. left. cbn [mview]. rewrite CkC. pose proof (sn_acc h_sane atomic wr (D i) C). lia. }
  all: auto.
Qed.

(* The consumer takes a word over: it rewrites it as it stands. *)
Lemma shared_over tau m log p jd : shared tau m log -> last m FR <= p -> p < off log jd -> jd <= length log ->
  before tau jd <= ck (tv m C) P ->
  shared tau (write atomic false C (word p) (last m (word p)) m) log.
Proof.
  intros H F L J T. set (x := last m (word p)). set (m' := write atomic false C (word p) x m). pose proof H as H0. invs H0.
  assert (Sn : sane m') by (apply sane_write; auto).
  pose proof (seen_last N most W enc fits tau m log H) as SL.
  assert (Pt : p < total log). { pose proof (off_mono log jd (length log) J (le_n _)). rewrite off_all in *. lia. }
  assert (Tv : tv m' P = tv m P) by (unfold m'; apply write_tv_other; congruence).
  assert (Oth : forall l', (forall i, l' <> D i) -> len m' l' = len m l' /\ hist m' l' = hist m l').
  { intros l' E. unfold m', Machine.write. simpl. rewrite !updl_ne; auto; intros E2; apply (E (p mod N)); symmetry; exact E2. }
  assert (Ot : forall l, l <> word p -> len m' l = len m l /\ (forall k, hist m' l k = hist m l k) /\ last m' l = last m l).
  { intros l E. unfold m'. repeat split; intros; [apply write_len_ne|apply write_hist_ne|apply write_last_ne]; auto. }
  assert (Old : forall l' k, k < len m l' -> hist m' l' k = hist m l' k) by (intros; apply write_hist; auto).
  assert (New : hist m' (word p) (len m (word p)) = Msg x C (S (ck (tv m C) C)) (bottom loc tid)) by apply write_hist_new.
  assert (Len : len m' (word p) = S (len m (word p))) by apply write_len_eq.
  assert (Lst : forall l, last m' l = last m l).
  { intros l. destruct (loc_dec l (word p)) as [->|E]; [apply write_last_eq|apply Ot; auto]. }
  destruct (Oth FR) as [FL FH]; [congruence|]. destruct (Oth RP) as [RL RH]; [congruence|].
  destruct (Oth WP) as [WL WH]; [congruence|].
  assert (Se : seen m' = seen m) by (unfold seen; rewrite Tv, FH; auto).
  assert (CkP : ck (tv m' C) P = ck (tv m C) P) by (unfold m'; apply write_ck; congruence).
  assert (Ac : forall na' wr l' u, acc m' na' wr l' u = acc m na' wr l' u \/ (na' = atomic /\ wr = true /\ l' = word p /\ u = C)).
  { intros. unfold m'. edestruct write_acc as [E|[E1 [E2 [E4 [E3 _]]]]]; [left; exact E|right; auto]. }
  assert (AcP : forall wr l' u, acc m' plain wr l' u = acc m plain wr l' u).
  { intros. destruct (Ac plain wr l' u) as [E|[E _]]; [exact E|congruence]. }
  assert (AcO : forall na' wr l', acc m' na' wr l' P = acc m na' wr l' P).
  { intros. destruct (Ac na' wr l' P) as [E|[_ [_ [_ E]]]]; [exact E|congruence]. }
  destruct (h_past jd p J) as [Pa Pb]; [lia|auto|].
  split_shared.
  [race]: {
    unfold m', Machine.write. simpl. rewrite h_race. simpl. apply racy_no.
    intros u na' wr' E. destruct na'; try discriminate. destruct u; [|apply (sn_acc h_sane)].
    destruct wr'; [specialize (Pa plain)|unfold Spsc.word; rewrite h_accP]; lia. }
  [same]: {
    intros i. destruct (h_same i) as [k0 [X1 [X2 X3]]]. rewrite Lst.
    destruct (loc_dec (D i) (word p)) as [E|E].
    - rewrite E in *. exists k0. rewrite Len, Old by auto. split; [lia|split; auto].
      intros k K. destruct (Nat.eq_dec k (len m (word p))) as [->|]; [rewrite New; auto|rewrite Old by lia; apply X3; lia].
    - destruct (Ot _ E) as [E1 [E2 _]]. exists k0. rewrite E1, E2. split; auto. split; auto. intros k. rewrite E2. auto. }
  [accC]: { intros i. rewrite AcP. auto. }
  [accP]: { intros i. rewrite AcP. auto. }
  [accW]: { intros l wr u E. rewrite AcP. auto. }
  [head]: {
    intros j S J'. rewrite Se in S. destruct (loc_dec (word (off log j)) (word p)) as [Q|Q].
    - assert (E : off log j = p).
      { injection Q as Q. pose proof (off_end log j J'). destruct (le_lt_dec p (off log j)).
        - symmetry. apply (mod_same N p (off log j)); auto; lia.
        - apply (mod_same N (off log j) p); auto; lia. }
      assert (JL : j < length log). { apply (off_lt log j (length log)); auto. rewrite off_all. lia. }
      assert (Jd : j < jd). { apply (off_lt log j jd); auto. lia. }
      assert (TJ : tau j <= ck (tv m C) P).
      { pose proof (tau_mono N most W enc fits tau m log H (Datatypes.S j) jd). simpl in *. lia. }
      destruct (h_head j S J') as [[k0 [X0 X1]] [X2 X3]]. destruct (X2 JL) as [k1 [Y0 Y1]].
      unfold SpscInvariant.header_ok. rewrite Q in *.
      assert (XV : x = header (off log j) (length (rec log j))).
      { unfold x, last. apply Y1. destruct Y0. lia. }
      split; [|split].
      + exists k0. unfold known in *. rewrite Len, Old by tauto. split; [intuition lia|]. intros k K.
        destruct (Nat.eq_dec k (len m (word p))) as [->|].
        * rewrite New, CkP. right. repeat split; auto.
        * rewrite Old by lia. rewrite CkP. apply X1. lia.
      + intros _. exists k1. unfold known in *. rewrite Len, Old by tauto. split; [intuition lia|]. intros k K.
        destruct (Nat.eq_dec k (len m (word p))) as [->|]; [rewrite New; auto|]. rewrite Old by lia. apply Y1. lia.
      + rewrite AcO. auto.
    - destruct (Ot _ Q) as [O1 [O2 O3]]. apply (header_keep tau m m'); [exact O1|exact O2|lia|apply AcO|auto]. }
  [pay]: { intros j S J'. rewrite Se in S. apply (payload_keep tau m m'); auto. }
  [past]: {
    intros j p' J' S L'. rewrite Se in S. destruct (h_past j p' J' S L') as [X1 X2].
    split; [intros na'; rewrite AcO; auto|]. intros k K E.
    destruct (loc_dec (word p') (word p)) as [Q|Q].
    - rewrite Q in *. rewrite Len in K. destruct (Nat.eq_dec k (len m (word p))) as [->|]; [rewrite New in E; discriminate|].
      rewrite Old in * by lia. apply X2; auto. lia.
    - destruct (Ot _ Q) as [O1 [O2 _]]. rewrite O1 in K. rewrite O2 in *. auto. }
  [upto]: { rewrite Tv. auto. }
  [whoP]: { intros k. rewrite WL, WH. apply h_whoP. }
  [whoC]: { intros l k [-> | ->]; rewrite ?RL, ?RH, ?FL, ?FH; apply h_whoC; auto. }
  [cap]: { rewrite Se. auto. }
  [wp]: { intros k. rewrite WL, WH. auto. }
  [wmon]: { intros k k'. rewrite WL, WH. auto. }
  [wl]: { unfold known. rewrite WL, WH. auto. }
  [rp]: { intros l k [-> | ->]; rewrite ?RL, ?RH, ?FL, ?FH; apply h_rp; auto. }
  [mon]: { intros l k k' [-> | ->]; rewrite ?RL, ?RH, ?FL, ?FH; apply h_mon; auto. }
  [fr]: { rewrite !Lst. auto. }
  [frp]: { intros k. rewrite RH, FL, FH. auto. }
  [sr]: { rewrite Se, RH, Tv. auto. }
  [fts]: { intros k. rewrite FL, FH. auto. }
  [know]: { rewrite Tv, FH. auto. }
  [rdp]: { intros k i K. rewrite FL in K. rewrite FH, AcP. auto. }
  [rda]: {
    intros k i wr K. rewrite FL in K. rewrite FH. destruct (Ac atomic wr (D i) C) as [E|[_ [_ [E _]]]]; [rewrite E; auto|].
    right. exists p. injection E as ->. pose proof (freed_last tau m log H k K). split; [lia|split; [lia|auto]]. }
  all: auto.
Qed.
End Writes.
