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
Lemma in_at_pos l x : In x l -> exists p, at_pos l p x.
Proof. intros I. apply in_split in I. destruct I as [a [b ->]]. exists (extent a), a, b. auto. Qed.
Lemma at_pos_in l p x : at_pos l p x -> In x l.
Proof. intros [a [b [-> _]]]. apply in_or_app. right. left. auto. Qed.
Lemma at_pos_0 l : 0 < extent l -> exists x, at_pos l 0 x.
Proof. destruct l as [|x l]; simpl; [lia|]. intros _. exists x, nil, l. auto. Qed.
(* Each position below the end is in a claim. *)
Lemma containing cl q : q < extent cl -> exists p x, at_pos cl p x /\ p <= q < p + words x.
Proof.
  induction cl as [|y cl IH] using rev_ind; intros L; [simpl in L; lia|]. rewrite extent_app in L. simpl in L.
  destruct (le_lt_dec (extent cl) q) as [G|G].
  - exists (extent cl), y. split; [apply at_pos_snoc; auto|lia].
  - destruct IH as [p [x [A B]]]; auto. exists p, x. split; auto. apply at_pos_snoc. auto.
Qed.

(* ---- a claim becomes pieces ---- *)
Definition open i c := what c = Live /\ own c = i.
Lemma open_dec i c : {open i c} + {~ open i c}.
Proof.
  unfold open. destruct (what c); try (right; intros [E _]; discriminate E).
  destruct (Nat.eq_dec (own c) i); [left; auto|right; intros [_ E]; auto].
Defined.
Lemma finished_not_open i c t : finished c = Some t -> ~ open i c.
Proof. unfold finished, open. intros F [E _]. rewrite E in F. discriminate. Qed.
(* It fills them, and they have ended at clock t. *)
Definition cuts l i (ps : nat -> list claim) t := forall x, In x l -> open i x -> extent (ps (words x)) = words x /\
  forall y, In y (ps (words x)) -> own y = i /\ 0 < words y /\ finished y = Some t.
Lemma becomes_app a b i ps : becomes (a ++ b) i ps = becomes a i ps ++ becomes b i ps.
Proof. apply flat_map_app. Qed.
Lemma becomes_open x i ps : open i x -> becomes [x] i ps = ps (words x).
Proof. intros [L E]. cbn [becomes flat_map]. rewrite L, E, Nat.eqb_refl. apply app_nil_r. Qed.
Lemma becomes_other x i ps : ~ open i x -> becomes [x] i ps = [x].
Proof.
  intros No. cbn [becomes flat_map]. rewrite app_nil_r. destruct (what x) eqn:L; auto. destruct (Nat.eqb_spec (own x) i); auto.
  destruct No. split; auto.
Qed.
Lemma becomes_none l i ps : (forall x, In x l -> ~ open i x) -> becomes l i ps = l.
Proof.
  induction l as [|x l IH]; intros No; auto. change (x :: l) with ([x] ++ l). rewrite becomes_app, becomes_other, IH; auto.
  - intros y I. apply No. right. auto.
  - apply No. left. auto.
Qed.
Lemma cuts_app a b i ps t : cuts (a ++ b) i ps t -> cuts a i ps t /\ cuts b i ps t.
Proof. intros C. split; intros x I; apply C, in_or_app; auto. Qed.
Lemma becomes_extent l i ps t : cuts l i ps t -> extent (becomes l i ps) = extent l.
Proof.
  induction l as [|x l IH]; intros C; auto. change (x :: l) with ([x] ++ l) in *. destruct (cuts_app _ _ _ _ _ C) as [C1 C2].
  rewrite becomes_app, !extent_app, (IH C2). f_equal. destruct (open_dec i x) as [O|O]; [|rewrite becomes_other by auto; auto].
  rewrite becomes_open by auto. destruct (C1 x (or_introl eq_refl) O) as [-> _]. simpl. lia.
Qed.
Lemma at_pos_app a b p x : at_pos (a ++ b) p x <-> at_pos a p x \/ exists q, at_pos b q x /\ p = extent a + q.
Proof.
  induction b as [|y b IH] using rev_ind.
  - rewrite app_nil_r. split; auto. intros [A|[q [[u [v [E _]]] _]]]; auto. destruct u; discriminate.
  - rewrite app_assoc, at_pos_snoc, IH, extent_app. split.
    + intros [[A|[q [A E]]]|[E ->]]; auto; right; [exists q|exists (extent b)]; rewrite at_pos_snoc; auto.
    + intros [A|[q [A E]]]; auto. apply at_pos_snoc in A. destruct A as [A|[-> ->]]; eauto.
Qed.
Lemma at_pos_one x p y : at_pos [x] p y <-> p = 0 /\ y = x.
Proof. change [x] with (nil ++ [x]). rewrite at_pos_snoc. split; [intros [[a [b [E _]]]|A]; [destruct a; discriminate|auto]|auto]. Qed.
(* What is there then was there, or is a piece. *)
Lemma at_pos_becomes l i ps t p y : cuts l i ps t -> at_pos (becomes l i ps) p y ->
  at_pos l p y /\ ~ open i y \/
  exists q x z, at_pos l q x /\ open i x /\ at_pos (ps (words x)) z y /\ p = q + z.
Proof.
  revert p. induction l as [|x l IH] using rev_ind; intros p C A; [destruct A as [a [b [E _]]]; destruct a; discriminate|].
  destruct (cuts_app _ _ _ _ _ C) as [C1 C2]. rewrite becomes_app in A. apply at_pos_app in A.
  rewrite (becomes_extent l i ps t C1) in A. destruct A as [A|[q [A ->]]].
  - destruct (IH p C1 A) as [[B O]|[q [z [w [B X]]]]]; [left|right; exists q, z, w]; rewrite at_pos_snoc; auto.
  - destruct (open_dec i x) as [O|O].
    + rewrite becomes_open in A by auto. right. exists (extent l), x, q. rewrite at_pos_snoc. auto.
    + rewrite becomes_other in A by auto. apply at_pos_one in A. destruct A as [-> ->]. left. split; auto.
      apply at_pos_snoc. right. split; auto.
Qed.
Lemma at_pos_other l i ps t p x : cuts l i ps t -> at_pos l p x -> ~ open i x -> at_pos (becomes l i ps) p x.
Proof.
  intros C [a [b [-> ->]]] O. destruct (cuts_app _ _ _ _ _ C) as [C1 _]. change (x :: b) with ([x] ++ b).
  rewrite !becomes_app, becomes_other by auto. exists (becomes a i ps), (becomes b i ps). split; auto.
  symmetry. apply (becomes_extent a i ps t C1).
Qed.
Lemma at_pos_piece l i ps t q x z y : cuts l i ps t -> at_pos l q x -> open i x -> at_pos (ps (words x)) z y ->
  at_pos (becomes l i ps) (q + z) y.
Proof.
  intros C [a [b [-> ->]]] O [u [v [E ->]]]. destruct (cuts_app _ _ _ _ _ C) as [C1 _]. change (x :: b) with ([x] ++ b).
  rewrite !becomes_app, becomes_open, E by auto. exists (becomes a i ps ++ u), (v ++ becomes b i ps).
  rewrite extent_app, (becomes_extent a i ps t C1). split; auto. rewrite <- !app_assoc. auto.
Qed.
Lemma cuts_one l i w t : match w with Live => False | Gone c | Came c _ | Left c => c = t end ->
  (forall x, In x l -> 0 < words x) -> cuts l i (fun n => [Claim n i w]) t.
Proof.
  intros W P x I _. cbn [extent words]. split; [lia|]. intros y [<-|[]]. cbn [own words]. split; auto. split; auto.
  unfold finished. cbn [what]. destruct w; try contradiction; congruence.
Qed.
Lemma total_pieces i t b r : extent (pieces i t b r) = total b + r.
Proof.
  unfold pieces. rewrite extent_app. assert (E : extent (map (fun x => Claim (size x) i (Came t x)) b) = total b).
  { induction b; simpl; auto. }
  rewrite E. destruct r; simpl; lia.
Qed.
Lemma in_pieces i t b r y : In y (pieces i t b r) -> own y = i /\ 0 < words y /\ finished y = Some t.
Proof.
  unfold pieces. intros I. apply in_app_or in I. destruct I as [I|I].
  - apply in_map_iff in I. destruct I as [x [<- _]]. unfold size. cbn. repeat split; auto. lia.
  - destruct r as [|r]; [destruct I|]. destruct I as [<-|[]]. cbn. repeat split; auto. lia.
Qed.

Lemma at_pos_pieces i t b r z y : at_pos (pieces i t b r) z y ->
  (exists b1 x b2, b = b1 ++ x :: b2 /\ z = total b1 /\ y = Claim (size x) i (Came t x)) \/
  (0 < r /\ z = total b /\ y = Claim r i (Left t)).
Proof.
  assert (E : forall b, extent (map (fun x => Claim (size x) i (Came t x)) b) = total b) by (induction b0; simpl; auto).
  unfold pieces. intros A. apply at_pos_app in A. destruct A as [[u [v [M ->]]]|[q [A ->]]].
  - left. apply map_eq_app in M. destruct M as [b1 [b2 [-> [<- M]]]]. apply map_eq_cons in M. destruct M as [x [b3 [-> [<- _]]]].
    exists b1, x, b3. auto.
  - right. rewrite E. destruct r as [|r]; [destruct A as [u [v [M _]]]; destruct u; discriminate|].
    apply at_pos_one in A. destruct A as [-> ->]. split; [lia|]. split; auto.
Qed.
Lemma at_pos_before l z y : at_pos l z y -> 0 < z -> exists q w, at_pos l q w /\ q + words w = z.
Proof.
  intros [a [b [-> ->]]] Z. destruct a as [|w a] using rev_ind; [simpl in Z; lia|]. exists (extent a), w. split.
  - exists a, (y :: b). rewrite <- app_assoc. auto.
  - rewrite extent_app. simpl. lia.
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
