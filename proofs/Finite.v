(* The memory of Machine.v as finite maps, for runs of any length: what is not in a map is as it was
   in the beginning. It does the same as the functions do, location by location (`same`). *)
From Coq Require Import Arith Lia List Bool FMapAVL FMapFacts OrderedTypeEx.
Import ListNotations.
From Annulus Require Import Machine Access.

Module M := FMapAVL.Make Nat_as_OT.
Module F := FMapFacts.WFacts_fun Nat_as_OT M.

Definition get {B} (other : B) (m : M.t B) i := match M.find i m with Some x => x | None => other end.
Lemma get_add B (o : B) m i x j : get o (M.add i x m) j = if Nat.eq_dec i j then x else get o m j.
Proof.
  unfold get. rewrite F.add_o. destruct (F.eq_dec i j) as [E|E]; destruct (Nat.eq_dec i j); auto; contradiction.
Qed.
Definition later (a b : option nat) := match a, b with
  | Some x, Some y => Some (max x y) | Some x, None => Some x | None, y => y end.
Lemma get_later m n i : get 0 (M.map2 later m n) i = max (get 0 m i) (get 0 n i).
Proof.
  unfold get. rewrite F.map2_1bis by reflexivity. destruct (M.find i m), (M.find i n); simpl; lia.
Qed.

Section Finite.
Variables loc tid : Type.
Variable loc_dec : forall a b : loc, {a = b} + {a <> b}.
Variable tid_dec : forall a b : tid, {a = b} + {a <> b}.
Variable tids : list tid.
Notation mem := (Machine.mem loc tid).
Notation msg := (Machine.msg loc tid).
Notation view := (Machine.view loc tid).
Notation read := (Machine.read loc_dec tid_dec tids).
Notation write := (Machine.write loc_dec tid_dec tids).
Notation rmw := (Machine.rmw loc_dec tid_dec tids).
Notation plain := true.
Arguments Machine.read : simpl never.
Arguments Machine.write : simpl never.
Arguments Machine.rmw : simpl never.

(* Numbers of locations and threads. *)
Variable code : loc -> nat.
Variable tcode : tid -> nat.
Hypothesis code_inj : forall l l', code l = code l' -> l = l'.
Hypothesis tcode_inj : forall t t', tcode t = tcode t' -> t = t'.
Definition acode (na wr : bool) t := 4 * tcode t + 2 * Nat.b2n na + Nat.b2n wr.
Lemma code_eq B l l' (x y : B) : (if Nat.eq_dec (code l) (code l') then x else y) = if loc_dec l l' then x else y.
Proof. destruct (loc_dec l l') as [->|E]; destruct (Nat.eq_dec _ _) as [X|X]; auto; try congruence. exfalso. auto. Qed.
Lemma tcode_eq B t t' (x y : B) : (if Nat.eq_dec (tcode t) (tcode t') then x else y) = if tid_dec t t' then x else y.
Proof. destruct (tid_dec t t') as [->|E]; destruct (Nat.eq_dec _ _) as [X|X]; auto; try congruence. exfalso. auto. Qed.
Lemma acode_inj na wr t na' wr' t' : acode na wr t = acode na' wr' t' -> na = na' /\ wr = wr' /\ t = t'.
Proof.
  unfold acode. intros E. assert (tcode t = tcode t' /\ na = na' /\ wr = wr') as [X [-> ->]].
  { destruct na, wr, na', wr'; cbn [Nat.b2n] in E; repeat split; auto; lia. }
  auto.
Qed.

Record fview := FView { fts : M.t nat; fck : M.t nat }.
Record fmsg := FMsg { fval : nat; fwho : tid; fstamp : nat; fmview : fview }.
Record fmem := FMem {
  flen : M.t nat; fhist : M.t (M.t fmsg); ftv : M.t fview; facc : M.t (M.t nat); frace : bool }.

Definition fbottom := FView (M.empty nat) (M.empty nat).
Definition fjoin a b := FView (M.map2 later (fts a) (fts b)) (M.map2 later (fck a) (fck b)).
Definition see (v : fview) : view := Machine.View (fun l => get 0 (fts v) (code l)) (fun t => get 0 (fck v) (tcode t)).

Variable zero : loc -> nat.      (* what the locations hold in the beginning *)
Variable t0 : tid.

Definition fmsg_at (m : fmem) l k := get (FMsg (zero l) t0 0 fbottom) (get (M.empty fmsg) (fhist m) (code l)) k.
Definition msg_of (g : fmsg) : msg := Msg (fval g) (fwho g) (fstamp g) (see (fmview g)).
Definition fview_at (m : fmem) t := get fbottom (ftv m) (tcode t).
Definition abs (m : fmem) : mem := Mem
  (fun l => get 1 (flen m) (code l)) (fun l k => msg_of (fmsg_at m l k)) (fun t => see (fview_at m t))
  (fun na wr l t => get 0 (get (M.empty nat) (facc m) (code l)) (acode na wr t)) (frace m).

Definition fbump t v := FView (fts v) (M.add (tcode t) (S (get 0 (fck v) (tcode t))) (fck v)).
Definition fput l k v := FView (M.add (code l) k (fts v)) (fck v).
Definition fnoted (m : fmem) na wr l t := M.add (code l)
  (M.add (acode na wr t) (S (get 0 (fck (fview_at m t)) (tcode t))) (get (M.empty nat) (facc m) (code l))) (facc m).

Definition fread (na acq : bool) t l k (m : fmem) :=
  let v := fput l k (fbump t (fview_at m t)) in
  let v := if acq then fjoin v (fmview (fmsg_at m l k)) else v in
  FMem (flen m) (fhist m) (M.add (tcode t) v (ftv m)) (fnoted m na false l t)
       (frace m || racy tids (abs m) na false t l).
Definition fstored (m : fmem) l k g := M.add (code l) (M.add k g (get (M.empty fmsg) (fhist m) (code l))) (fhist m).
Definition fwrite (na rel : bool) t l x (m : fmem) :=
  let n := get 1 (flen m) (code l) in
  let v := fput l n (fbump t (fview_at m t)) in
  let g := FMsg x t (S (get 0 (fck (fview_at m t)) (tcode t))) (if rel then v else fbottom) in
  FMem (M.add (code l) (S n) (flen m)) (fstored m l n g) (M.add (tcode t) v (ftv m)) (fnoted m na true l t)
       (frace m || racy tids (abs m) na true t l).
Definition fcarry l k v (m : fmem) := let g := fmsg_at m l k in
  FMem (flen m) (fstored m l k (FMsg (fval g) (fwho g) (fstamp g) (fjoin (fmview g) v))) (ftv m) (facc m) (frace m).
Definition frmw (acq rel : bool) t l x (m : fmem) := let k := get 1 (flen m) (code l) - 1 in
  fcarry l (S k) (fmview (fmsg_at m l k)) (fwrite false rel t l x (fread false acq t l k m)).

Definition flearn t u (m : fmem) :=
  FMem (flen m) (fhist m) (M.add (tcode t) (fjoin (fview_at m t) (fview_at m u)) (ftv m)) (facc m) (frace m).

(* The same, location by location. *)
Definition same_view (v w : view) := (forall l, ts v l = ts w l) /\ (forall t, ck v t = ck w t).
Definition same_msg (g h : msg) :=
  val g = val h /\ who g = who h /\ stamp g = stamp h /\ same_view (mview g) (mview h).
Record same (m n : mem) : Prop := {
  sm_len : forall l, len m l = len n l;
  sm_hist : forall l k, same_msg (hist m l k) (hist n l k);
  sm_tv : forall t, same_view (tv m t) (tv n t);
  sm_acc : forall na wr l t, acc m na wr l t = acc n na wr l t;
  sm_race : race m = race n }.

Lemma same_start : same (abs (FMem (M.empty nat) (M.empty (M.t fmsg)) (M.empty fview) (M.empty (M.t nat)) false))
  (Machine.start zero t0).
Proof. constructor; simpl; intros; repeat split; auto. Qed.

Lemma racy_same m n na wr t l : same m n -> racy tids m na wr t l = racy tids n na wr t l.
Proof.
  intros [_ _ V A _]. unfold racy. f_equal. destruct (V t) as [_ K].
  induction tids as [|u us IH]; cbn [forallb] in *; [reflexivity|]. rewrite IH, ?A, ?K. reflexivity.
Qed.

Ltac look := repeat (rewrite ?get_add, ?get_later, ?code_eq, ?tcode_eq; simpl).
Lemma get_acc m na wr l t x na' wr' l' t' :
  get 0 (get (M.empty nat) (M.add (code l) (M.add (acode na wr t) x (get (M.empty nat) m (code l))) m) (code l')) (acode na' wr' t') =
  if bool_dec na na' then if bool_dec wr wr' then if loc_dec l l' then if tid_dec t t' then x
  else get 0 (get (M.empty nat) m (code l')) (acode na' wr' t') else get 0 (get (M.empty nat) m (code l')) (acode na' wr' t')
  else get 0 (get (M.empty nat) m (code l')) (acode na' wr' t') else get 0 (get (M.empty nat) m (code l')) (acode na' wr' t').
Proof.
  rewrite get_add, code_eq. destruct (loc_dec l l') as [<-|];
    [|destruct (bool_dec na na'), (bool_dec wr wr'); reflexivity]. rewrite get_add.
  destruct (Nat.eq_dec _ _) as [E|E].
  - apply acode_inj in E as [E1 [E2 E3]]. destruct (bool_dec na na'), (bool_dec wr wr'), (tid_dec t t'); congruence.
  - destruct (bool_dec na na'), (bool_dec wr wr'), (tid_dec t t'); subst; congruence.
Qed.

Lemma fread_same na acq t l k m n : same (abs m) n -> same (abs (fread na acq t l k m)) (read na acq t l k n).
Proof.
  intros S. pose proof (racy_same _ _ na false t l S) as R. destruct S as [L H V A B].
  constructor; unfold Machine.read; cbn [len hist tv acc race].
  - exact L.
  - exact H.
  - intros u. destruct (V t) as [T1 T2]. destruct (H l k) as [_ [_ [_ [M1 M2]]]].
    simpl in T1, T2, M1, M2. split; intros; unfold updt; simpl; unfold fview_at, fread; simpl; look.
    + destruct (tid_dec t u); [|apply (V u)]. destruct acq; simpl; look; unfold updl;
      try rewrite M1; rewrite ?T1; auto; destruct (loc_dec _ _); auto.
    + destruct (tid_dec t u); [|apply (V u)]. destruct acq; simpl; look; unfold updt;
      try rewrite M2; rewrite ?T2; auto; destruct (tid_dec _ _); auto.
  - intros. simpl. unfold fnoted, noted. rewrite get_acc. pose proof (A na0 wr l0 t1) as A'. simpl in A'.
    rewrite A'. destruct (V t) as [_ T2]. simpl in T2. rewrite T2. reflexivity.
  - simpl. simpl in B. rewrite B, R. reflexivity.
Qed.

Lemma same_bottom : same_view (see fbottom) (@bottom loc tid).
Proof. split; reflexivity. Qed.
Lemma fput_same l k t m v : same_view (see (fview_at m t)) v ->
  same_view (see (fput l k (fbump t (fview_at m t)))) (Machine.View (updl loc_dec (ts (tick tid_dec v t)) l k) (ck (tick tid_dec v t))).
Proof.
  intros [T1 T2]. simpl in T1, T2. split; intros; simpl; look; unfold updl, updt; rewrite ?T1, ?T2; auto.
Qed.

Lemma fwrite_same na rel t l x m n : same (abs m) n -> same (abs (fwrite na rel t l x m)) (write na rel t l x n).
Proof.
  intros S. pose proof (racy_same _ _ na true t l S) as R. destruct S as [L H V A B].
  pose proof (fput_same l (len n l) t m _ (V t)) as U. pose proof (L l) as Ll. simpl in Ll.
  constructor; unfold Machine.write; cbn [len hist tv acc race].
  - intros l'. simpl. look. unfold updl. pose proof (L l') as L'. simpl in L'. rewrite L', Ll. reflexivity.
  - intros l' k'. cbn [abs hist]. unfold fmsg_at, fwrite, fstored; cbn [fhist]. rewrite Ll. look. unfold updl.
    destruct (loc_dec l l') as [<-|]; [|apply H]. look. unfold updn. destruct (Nat.eq_dec (len n l) k'); [|apply H].
    destruct (V t) as [_ T2]. simpl in T2. repeat split; simpl; rewrite ?T2; auto; destruct rel; simpl; intros; try apply U; reflexivity.
  - intros u. cbn [abs tv]. unfold fview_at at 1, fwrite; cbn [ftv]. rewrite Ll. look. unfold updt.
    destruct (tid_dec t u); [exact U|apply V].
  - intros. cbn [abs acc]. unfold fwrite; cbn [facc]. unfold fnoted, noted. rewrite get_acc. pose proof (A na0 wr l0 t1) as A'.
    simpl in A'. rewrite A'. destruct (V t) as [_ T2]. simpl in T2. rewrite T2. reflexivity.
  - simpl. simpl in B. rewrite B, R. reflexivity.
Qed.

Lemma fcarry_same l k v w m n : same (abs m) n -> same_view (see v) w -> same (abs (fcarry l k v m)) (carry loc_dec l k w n).
Proof.
  intros [L H V A B] W. constructor; auto. intros l' k'. cbn [abs hist carry].
  unfold fmsg_at, fcarry, fstored; cbn [fhist]. look. unfold updl. destruct (loc_dec l l') as [<-|]; [|apply H]. look. unfold updn.
  destruct (Nat.eq_dec k k') as [<-|]; [|apply H]. destruct (H l k) as [E1 [E2 [E3 [E4 E5]]]]. destruct W as [W1 W2].
  repeat split; auto; simpl; intros; look; simpl in *; rewrite ?E4, ?E5, ?W1, ?W2; reflexivity.
Qed.

Lemma frmw_same acq rel t l x m n : same (abs m) n -> same (abs (frmw acq rel t l x m)) (rmw acq rel t l x n).
Proof.
  intros S. unfold frmw, Machine.rmw. pose proof (sm_len _ _ S l) as L. simpl in L. rewrite L.
  apply fcarry_same; [apply fwrite_same, fread_same; auto|]. apply (sm_hist _ _ S).
Qed.

Lemma flearn_same t u m n : same (abs m) n -> same (abs (flearn t u m)) (learn tid_dec t u n).
Proof.
  intros [L H V A B]. constructor; auto. intros w. cbn [abs tv]. unfold fview_at at 1, flearn, Machine.learn; cbn [ftv tv].
  look. unfold updt. destruct (tid_dec t w); [|apply V]. destruct (V t) as [T1 T2], (V u) as [U1 U2]. simpl in T1, T2, U1, U2.
  split; intros; simpl; look; rewrite ?T1, ?T2, ?U1, ?U2; auto.
Qed.

Definition fperform (x : access loc tid) (m : fmem) : option (fmem * list nat) := match x with
  | Nothing => Some (m, nil)
  | Fetch na acq t l k => if can (abs m) t l k then Some (fread na acq t l k m, [fval (fmsg_at m l k)]) else None
  | Peek t l => let k := get 1 (flen m) (code l) - 1 in Some (fread plain false t l k m, [fval (fmsg_at m l k)])
  | Store na rel t l v => Some (fwrite na rel t l v m, nil)
  | Exchange acq rel t l v => Some (frmw acq rel t l v m, nil)
  | Swap acq rel t l y v => if last (abs m) l =? y then Some (frmw acq rel t l v m, nil) else None
  | Count acq rel t l => Some (frmw acq rel t l (S (last (abs m) l)) m, nil)
  | Newest ls => Some (m, map (last (abs m)) ls)
  | Learn t u => Some (flearn t u m, nil) end.

Lemma last_same m n l : same m n -> last m l = last n l.
Proof. intros S. unfold last. rewrite (sm_len _ _ S). apply (sm_hist _ _ S). Qed.

Lemma fperform_same x m n m' v : same (abs m) n -> fperform x m = Some (m', v) ->
  exists n', perform loc_dec tid_dec tids x n = Some (n', v) /\ same (abs m') n'.
Proof.
  intros S. destruct x; cbn [fperform perform]; intros E.
  - injection E as <- <-. eauto.
  - destruct (can (abs m) t l k) eqn:K; [|discriminate]. injection E as <- <-.
    assert (K' : can n t l k = true).
    { unfold can in *. rewrite <- (sm_len _ _ S). destruct (sm_tv _ _ S t) as [T _]. rewrite <- T. exact K. }
    rewrite K'. destruct (sm_hist _ _ S l k) as [-> _] || (pose proof (sm_hist _ _ S l k) as [X _]; simpl in X; rewrite X).
    eexists. split; [reflexivity|apply fread_same; auto].
  - injection E as <- <-. pose proof (sm_len _ _ S l) as L. simpl in L. rewrite L.
    pose proof (sm_hist _ _ S l (len n l - 1)) as [X _]. simpl in X. rewrite X.
    eexists. split; [reflexivity|apply fread_same; auto].
  - injection E as <- <-. eexists. split; [reflexivity|apply fwrite_same; auto].
  - injection E as <- <-. eexists. split; [reflexivity|apply frmw_same; auto].
  - rewrite (last_same _ _ l S) in E. destruct (last n l =? y); [|discriminate]. injection E as <- <-.
    eexists. split; [reflexivity|apply frmw_same; auto].
  - injection E as <- <-. rewrite (last_same _ _ l S). eexists. split; [reflexivity|apply frmw_same; auto].
  - injection E as <- <-. eexists. split; [|exact S]. do 2 f_equal. apply map_ext. intros. symmetry. apply last_same, S.
  - injection E as <- <-. eexists. split; [reflexivity|apply flearn_same; auto].
Qed.
End Finite.
