(* Claims as a list that tiles the positions, and memory that only grows. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc.

Lemma extent_app a b : extent (a ++ b) = extent a + extent b.
Proof. induction a; simpl; lia. Qed.
Lemma at_pos_end l p c : at_pos l p c -> p + words c <= extent l.
Proof. intros [a [b [-> ->]]]. rewrite extent_app. simpl. lia. Qed.
Lemma at_pos_snoc l c p x : at_pos (l ++ [c]) p x <-> at_pos l p x \/ (p = extent l /\ x = c).
Proof.
  split.
  - intros [a [b [E ->]]]. destruct b as [|y b] using rev_ind.
    + apply app_inj_tail in E. destruct E as [-> ->]. auto.
    + rewrite app_comm_cons, app_assoc in E. apply app_inj_tail in E. destruct E as [-> ->]. left. exists a, b. auto.
  - intros [[a [b [-> ->]]]|[-> ->]].
    + exists a, (b ++ [c]). rewrite <- app_assoc. auto.
    + exists l, nil. auto.
Qed.
Definition ended i w c := match what c with Live => if own c =? i then Claim (words c) i w else c | _ => c end.
Lemma ended_words i w c : words (ended i w c) = words c.
Proof. unfold ended. destruct (what c); auto. destruct (own c =? i); auto. Qed.
Lemma ended_own i w c : own (ended i w c) = own c.
Proof. unfold ended. destruct (what c); auto. destruct (Nat.eqb_spec (own c) i); auto. Qed.
Lemma ends_extent l i w : extent (ends_so l i w) = extent l.
Proof.
  unfold ends_so. induction l as [|c l IH]; simpl; auto. rewrite IH. f_equal. apply (ended_words i w c).
Qed.
Lemma at_pos_ends l i w p y : at_pos (ends_so l i w) p y <-> exists x, at_pos l p x /\ y = ended i w x.
Proof.
  unfold ends_so. fold (ended i w). split.
  - intros [a [b [E ->]]]. apply map_eq_app in E. destruct E as [a' [b' [-> [<- E]]]].
    apply map_eq_cons in E. destruct E as [x [b'' [-> [<- <-]]]]. exists x. split; [|reflexivity].
    exists a', b''. split; auto. apply (ends_extent a' i w).
  - intros [x [[a [b [-> ->]]] ->]]. exists (map (ended i w) a), (map (ended i w) b). rewrite map_app. split; auto.
    symmetry. apply (ends_extent a i w).
Qed.

(* ---- memory grows ---- *)
Record later (m m' : mem) : Prop := {
  l_len : forall l, len m l <= len m' l;
  l_val : forall l k, k < len m l -> val (hist m' l k) = val (hist m l k);
  l_mts : forall l k l', k < len m l -> ts (mview (hist m l k)) l' <= ts (mview (hist m' l k)) l';
  l_mck : forall l k t, k < len m l -> ck (mview (hist m l k)) t <= ck (mview (hist m' l k)) t;
  l_ts  : forall t l, sane m -> ts (tv m t) l <= ts (tv m' t) l;
  l_ck  : forall t u, ck (tv m t) u <= ck (tv m' t) u }.

Section Memory.
Variable tids : list tid.
Notation read := (Machine.read loc_dec tid_dec tids).
Notation write := (Machine.write loc_dec tid_dec tids).
Notation rmw := (Machine.rmw loc_dec tid_dec tids).
Notation learn := (Machine.learn tid_dec).

Lemma later_refl m : later m m.
Proof. constructor; auto. Qed.
Lemma later_trans a b c : sane b -> later a b -> later b c -> later a c.
Proof.
  intros S [A1 A2 A3 A4 A5 A6] [B1 B2 B3 B4 B5 B6]. constructor; intros.
  - etransitivity; [apply A1|apply B1].
  - rewrite B2 by (specialize (A1 l); lia). auto.
  - etransitivity; [apply A3; auto|apply B3]. specialize (A1 l). lia.
  - etransitivity; [apply A4; auto|apply B4]. specialize (A1 l). lia.
  - etransitivity; [apply A5; auto|apply B5; auto].
  - etransitivity; [apply A6|apply B6].
Qed.
Lemma later_read na acq t l k m : can_read m t l k -> later m (read na acq t l k m).
Proof.
  intros K. constructor; auto.
  - intros u l' _. destruct (tid_dec u t) as [->|E]; [|rewrite read_tv_other by auto; auto].
    rewrite read_ts. cbv zeta. destruct K. destruct (loc_dec l l') as [<-|]; destruct acq; lia.
  - intros u v. destruct (tid_dec u t) as [->|E]; [|rewrite read_tv_other by auto; auto].
    destruct (tid_dec v t) as [->|E]; [rewrite read_ck_own|rewrite read_ck by auto]; destruct acq; lia.
Qed.
Lemma later_write na rel t l x m : later m (write na rel t l x m).
Proof.
  constructor.
  - intros l'. destruct (loc_dec l' l) as [->|E]; [rewrite write_len_eq; lia|rewrite write_len_ne; auto].
  - intros l' k K. rewrite write_hist; auto.
  - intros l' k l'' K. rewrite write_hist; auto.
  - intros l' k u K. rewrite write_hist; auto.
  - intros u l' S. destruct (tid_dec u t) as [->|E]; [|rewrite write_tv_other by auto; auto].
    rewrite write_ts. destruct (loc_dec l l') as [<-|]; auto.
    pose proof (sn_ts S (v := tv m t) (or_introl (ex_intro _ t eq_refl)) l). lia.
  - intros u v. destruct (tid_dec u t) as [->|E]; [|rewrite write_tv_other by auto; auto].
    destruct (tid_dec v t) as [->|E]; [rewrite write_ck_own; lia|rewrite write_ck; auto].
Qed.
Lemma later_carry l k v m : later m (carry loc_dec l k v m).
Proof.
  assert (H : forall l' k', hist (carry loc_dec l k v m) l' k' = hist m l' k' \/
    (l' = l /\ k' = k /\ hist (carry loc_dec l k v m) l' k' =
      Msg (val (hist m l k)) (who (hist m l k)) (stamp (hist m l k)) (join (mview (hist m l k)) v))).
  { intros l' k'. unfold carry. cbn [hist]. unfold updl, updn. destruct (loc_dec l l') as [<-|]; auto.
    destruct (Nat.eq_dec k k') as [<-|]; auto. }
  constructor; auto; intros.
  - destruct (H l0 k0) as [->|[-> [-> ->]]]; auto.
  - destruct (H l0 k0) as [->|[-> [-> ->]]]; auto. simpl. lia.
  - destruct (H l0 k0) as [->|[-> [-> ->]]]; auto. simpl. lia.
Qed.
Lemma later_learn t u m : later m (learn t u m).
Proof.
  constructor; auto; intros; unfold Machine.learn, updt; cbn [tv]; destruct (tid_dec t t0) as [<-|]; auto; simpl; lia.
Qed.
Lemma later_rmw acq rel t l x m : sane m -> later m (rmw acq rel t l x m).
Proof.
  intros S. pose proof (sn_len S l) as P.
  assert (K : can_read m t l (len m l - 1)).
  { split; [|lia]. pose proof (sn_ts S (v := tv m t) (or_introl (ex_intro _ t eq_refl)) l). lia. }
  assert (S1 : sane (read false acq t l (len m l - 1) m)) by (apply sane_read; auto).
  assert (S2 : sane (write false rel t l x (read false acq t l (len m l - 1) m))) by (apply sane_write; auto).
  unfold Machine.rmw. eapply later_trans; [exact S2| |apply later_carry].
  eapply later_trans; [exact S1|apply later_read; auto|apply later_write].
Qed.
Lemma rmw_new acq rel t l x m : 0 < len m l ->
  val (hist (rmw acq rel t l x m) l (len m l)) = x /\
  (forall l', ts (mview (hist m l (len m l - 1))) l' <= ts (mview (hist (rmw acq rel t l x m) l (len m l))) l') /\
  (rel = true -> forall l', l' <> l -> ts (tv m t) l' <= ts (mview (hist (rmw acq rel t l x m) l (len m l))) l').
Proof.
  intros L. set (k := len m l - 1). set (m1 := read false acq t l k m). set (m2 := write false rel t l x m1).
  assert (E : hist (rmw acq rel t l x m) l (len m l) =
     Msg (val (hist m2 l (len m1 l))) (who (hist m2 l (len m1 l))) (stamp (hist m2 l (len m1 l)))
       (join (mview (hist m2 l (len m1 l))) (mview (hist m l k)))).
  { assert (Sk : S k = len m l) by (unfold k; lia). change (len m1 l) with (len m l). rewrite <- Sk.
    change (rmw acq rel t l x m) with (carry loc_dec l (S k) (mview (hist m l k)) m2).
    unfold carry. cbn [hist]. rewrite updl_eq, updn_eq. reflexivity. }
  pose proof (write_hist_new loc_dec tid_dec tids false rel t l x m1) as Nw. fold m2 in Nw.
  rewrite E, Nw. cbn [val mview]. split; auto. split.
  - intros l'. simpl. lia.
  - intros R l' E'. subst rel. change (ts (tv m t) l' <= max (ts (tv m2 t) l') (ts (mview (hist m l k)) l')). assert (T : ts (tv m2 t) l' = ts (tv m1 t) l').
    { unfold m2. rewrite write_ts. destruct (loc_dec l l'); [congruence|auto]. }
    rewrite T. unfold m1. rewrite read_ts. cbv zeta. destruct (loc_dec l l'); [congruence|]. destruct acq; lia.
Qed.
Lemma rmw_len acq rel t l l' x (m : mem) : len (rmw acq rel t l x m) l' = if loc_dec l l' then S (len m l) else len m l'.
Proof. unfold Machine.rmw, carry. cbn [len]. unfold Machine.write, updl. cbn [len]. destruct (loc_dec l l'); auto. Qed.
Lemma rmw_other acq rel t l l' x (m : mem) : l <> l' -> hist (rmw acq rel t l x m) l' = hist m l'.
Proof.
  intros E. unfold Machine.rmw, carry. cbn [hist]. rewrite updl_ne by auto.
  unfold Machine.write. cbn [hist]. rewrite updl_ne by auto. reflexivity.
Qed.
End Memory.
