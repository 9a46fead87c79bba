(* No wake-up is lost: the invariant of Bells.v, kept by each step. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Bells.

Section Proof.
Variable n : nat.
Notation does := (does shipped). Notation exec := (exec n shipped). Notation reach := (reach n shipped).

(* A worker: its view is of the past; what it stored is behind a fence, unless it is in its call. *)
Definition within v m := work_seen v <= works m /\ bell_seen v <= newest m.
Definition okw m w := within (its w) m /\ own w <= works m /\ match stage_of w with
  | Stored | InUse => True
  | Rest => accepts w = false -> own w <= work_seen (common m)
  | _ => own w <= work_seen (common m) end /\ own w <= work_seen (its w).
(* The bell is in use since message a, and a worker knows it. *)
Definition since m a := a <= bell_seen (common m) /\ forall k, a <= k <= newest m -> bell m k <> none.
Definition met m a w := match stage_of w with Gone | Comes => True | g => accepts w = true ->
  a <= bell_seen (its w) /\ (g = Rest -> own w <= work_seen (common m)) end.
(* Message d says that the sleeper sleeps; only workers have rung since. *)
Definition lies m v d := d <= bell_seen v /\ d <= newest m /\ bell m d = asleep /\
  forall k, d < k <= newest m -> bell m k = awake.
(* The sleeper saw the worker's work, or was rung, or will be. *)
Definition covered m v cr d w := own w <= work_seen v \/ last m <> asleep \/ cr = true \/
  match stage_of w with Stored | InUse | Rings => True | Looks => d <= bell_seen (its w) | _ => False end.

Definition slept (s : st) := let (m, w, p, v, c, an, cr) := s in match p with
  | Up | Woken => True
  | Set_ => exists d, lies m v d
  | Barrier j => exists d, lies m v d /\ d <= bell_seen (common m) /\ an = false /\ forall i, i < n -> i < j -> met m d (w i)
  | Fenced | WillSleep | Asleep =>
      exists d, lies m v d /\ d <= bell_seen (common m) /\ (an = true -> forall i, i < n -> covered m v cr d (w i)) end.
Definition inv (s : st) := let (m, w, p, v, c, an, cr) := s in
  within v m /\ within (common m) m /\ (forall i, i < n -> okw m (w i)) /\
  (works m = 0 \/ exists i, i < n /\ own (w i) = works m) /\
  (an = true -> exists a, since m a /\ forall i, i < n -> met m a (w i)) /\ slept s /\
  (p = WillSleep \/ p = Asleep -> work_seen v <= c) /\
  (p = Asleep -> last m = asleep \/ cr = true \/ exists i, i < n /\ stage_of (w i) = Wakes).

Definition grows m m' := works m <= works m' /\ newest m <= newest m' /\
  work_seen (common m) <= work_seen (common m') /\ bell_seen (common m) <= bell_seen (common m') /\
  (forall k, k <= newest m -> bell m' k = bell m k) /\ (forall k, newest m < k <= newest m' -> bell m' k = awake).

Lemma upd_eq B (f : nat -> B) i x : upd f i x i = x.
Proof. unfold upd. destruct (Nat.eq_dec i i); congruence. Qed.
Lemma upd_ne B (f : nat -> B) i j x : i <> j -> upd f i x j = f j.
Proof. unfold upd. destruct (Nat.eq_dec i j); congruence. Qed.

Lemma grows_refl m : grows m m.
Proof. unfold grows. repeat split; auto; intros; lia. Qed.
Lemma grows_fenced v m : grows m (fenced v m).
Proof. unfold grows. simpl. repeat split; auto; intros; try lia. Qed.
Lemma grows_put m : grows m (put awake m).
Proof.
  unfold grows. simpl. repeat split; auto; intros; try lia.
  - apply upd_ne. lia.
  - replace k with (S (newest m)) by lia. apply upd_eq.
Qed.
Lemma within_grows v m m' : within v m -> grows m m' -> within v m'.
Proof. unfold within, grows. intros. lia. Qed.
Lemma since_grows m m' a : since m a -> within (common m) m -> grows m m' -> since m' a.
Proof.
  intros [S1 S2] [_ Wb] [_ [G2 [_ [G4 [G5 G6]]]]]. split; [lia|]. intros k K.
  destruct (le_lt_dec k (newest m)); [rewrite G5 by auto; apply S2; lia|rewrite G6 by lia; discriminate].
Qed.
Lemma lies_grows m m' v d : lies m v d -> grows m m' -> lies m' v d.
Proof.
  intros [S1 [S2 [S3 S4]]] [_ [G2 [_ [_ [G5 G6]]]]]. split; [auto|]. split; [lia|]. split; [rewrite G5; auto|].
  intros k K. destruct (le_lt_dec k (newest m)); [rewrite G5 by auto; apply S4; lia|apply G6; lia].
Qed.
Lemma lies_later m v v' d : lies m v d -> bell_seen v <= bell_seen v' -> lies m v' d.
Proof. intros [S1 S2] L. split; [lia|auto]. Qed.
Lemma rung_grows m m' : last m <> asleep -> grows m m' -> last m' <> asleep.
Proof.
  unfold last. intros R [_ [G2 [_ [_ [G5 G6]]]]]. destruct (le_lt_dec (newest m') (newest m)).
  - replace (newest m') with (newest m) by lia. rewrite G5; auto.
  - rewrite G6 by lia. discriminate.
Qed.
Lemma okw_grows m m' w : okw m w -> grows m m' -> okw m' w.
Proof.
  intros [A [B [C D]]] G. split; [eapply within_grows; eauto|]. destruct G as [G1 [_ [G3 _]]]. split; [lia|]. split; [|auto].
  destruct (stage_of w); auto; try (intros; specialize (C H)); lia.
Qed.
Lemma met_grows m m' a w : met m a w -> grows m m' -> met m' a w.
Proof.
  intros M [_ [_ [G3 _]]]. unfold met in *. destruct (stage_of w); auto; intros A; destruct (M A) as [M1 M2];
    split; auto; intros E; specialize (M2 E); lia.
Qed.
Lemma covered_grows m m' v cr d w : covered m v cr d w -> grows m m' -> covered m' v cr d w.
Proof. intros [C|[C|C]] G; [left; auto|right; left; eapply rung_grows; eauto|right; right; auto]. Qed.

Ltac opened D := match type of D with
  | context[match ?x with _ => _ end] => let X := fresh in destruct x eqn:X; try discriminate D; opened D
  | _ => injection D as <- <- end.
Ltac bools := repeat match goal with
  | H : can _ _ _ = true |- _ => unfold can in H
  | H : _ && _ = true |- _ => apply andb_true_iff in H; destruct H
  | H : (_ <=? _) = true |- _ => apply Nat.leb_le in H
  | H : (_ <? _) = true |- _ => apply Nat.ltb_lt in H
  | H : (_ =? _) = true |- _ => apply Nat.eqb_eq in H end.

Lemma does_grows d w m w' m' : does d w m = Some (w', m') -> grows m m'.
Proof.
  destruct w as [g v o a]. unfold Bells.does. cbn [maybe by_worker on_coming shipped]. intros D.
  opened D; try apply grows_refl; try apply grows_fenced; try apply grows_put.
  all: unfold grows; simpl; repeat split; auto; intros; lia.
Qed.
Lemma does_own d w m w' m' : does d w m = Some (w', m') ->
  own w' = own w /\ works m' = works m \/ own w' = works m'.
Proof.
  destruct w as [g v o a]. unfold Bells.does. cbn [maybe by_worker on_coming shipped]. intros D.
  opened D; simpl; auto.
Qed.
Lemma does_okw d w m w' m' : does d w m = Some (w', m') -> within (common m) m -> okw m w -> okw m' w'.
Proof.
  destruct w as [g v o a]. unfold Bells.does. cbn [maybe by_worker on_coming shipped]. intros D [W1 W2] [[A1 A2] [B [C E]]].
  cbn [its own stage_of accepts] in *.
  opened D; bools; unfold okw, within; simpl in *; repeat split; auto; try lia; intros; try discriminate; try lia.
Qed.
Lemma does_met d w m w' m' a : does d w m = Some (w', m') -> within (common m) m -> okw m w -> since m a -> met m a w -> met m' a w'.
Proof.
  destruct w as [g v o b]. unfold Bells.does. cbn [maybe by_worker on_coming shipped]. intros D [W1 W2] [[A1 A2] [B [C E]]] [S1 S2] M.
  unfold met in *. cbn [its own stage_of accepts] in *.
  opened D; bools; simpl in *; auto; intros; try discriminate; try (destruct M; [auto|]);
    try (split; [lia|intros; try discriminate; try lia; auto]).
  all: exfalso; eapply S2; [|eassumption]; lia.
Qed.
Definition died (d : deed) w := match d with Dies => working (stage_of w) | _ => false end.
Lemma does_covered d w m w' m' a v cr e : does d w m = Some (w', m') -> within (common m) m -> okw m w ->
  since m a -> met m a w -> lies m v e -> e <= bell_seen (common m) ->
  covered m v cr e w -> covered m' v (cr || died d w) e w'.
Proof.
  intros D W K S M L Le Cv. pose proof (does_grows _ _ _ _ _ D) as G. revert D W K M.
  destruct w as [g u o b]. unfold Bells.does. cbn [maybe by_worker on_coming shipped]. intros D [W1 W2] [[A1 A2] [B [C E]]] M.
  unfold met in M. unfold covered in *. unfold died. cbn [its own stage_of accepts] in *.
  destruct Cv as [Cv|[Cv|[Cv|Cv]]]; [|right; left; eapply rung_grows; eauto|right; right; left; rewrite Cv; auto|].
  - opened D; simpl in *; auto.
  - destruct L as [L1 [L2 [L3 L4]]]. opened D; bools; simpl in *; auto; try tauto.
    all: try (right; right; left; apply orb_true_r).
    all: try (right; right; right; lia).
    all: try (right; left; unfold last in *; congruence).
    all: try (exfalso; destruct M as [M1 _]; [auto|]; destruct S as [_ S2]; eapply S2; [|eassumption]; lia).
    all: try (right; left; rewrite upd_eq; discriminate).
    all: try (destruct g; simpl in *; try contradiction; right; right; left; apply orb_true_r).
    all: match goal with X : bell _ ?k = _ |- _ => destruct (Nat.eq_dec e k); [subst; congruence|] end.
    all: right; left; unfold last; rewrite L4 by lia; discriminate.
Qed.
Lemma does_common d w m w' m' : does d w m = Some (w', m') -> within (common m) m -> okw m w -> within (common m') m'.
Proof.
  destruct w as [g v o a]. unfold Bells.does. cbn [maybe by_worker on_coming shipped]. intros D [W1 W2] [[A1 A2] _].
  cbn [its] in *. opened D; unfold within; simpl in *; lia.
Qed.
Lemma does_wakes d w m w' m' : does d w m = Some (w', m') ->
  (last m = asleep -> last m' = asleep \/ stage_of w' = Wakes) /\
  (stage_of w = Wakes -> d = Wake \/ died d w = true).
Proof.
  destruct w as [g v o a]. unfold Bells.does, died. cbn [maybe by_worker on_coming shipped stage_of]. intros D.
  opened D; split; intros; simpl; auto; try discriminate; subst; auto.
Qed.

Lemma by_kept i d m w p v c an cr s' : inv (St m w p v c an cr) -> exec (By i d) (St m w p v c an cr) = Some s' -> inv s'.
Proof.
  intros [I1 [I2 [I3 [I4 [I5 [I6 [I7 I8]]]]]]] X. cbn [Bells.exec] in X. destruct (Nat.ltb_spec i n) as [Li|]; [|discriminate].
  destruct (does d (w i) m) as [[q m']|] eqn:D; [|discriminate]. injection X as <-. fold (died d (w i)).
  pose proof (does_grows _ _ _ _ _ D) as G. pose proof (I3 i Li) as Ki.
  remember (match d, p with Wake, Asleep => Woken | _, _ => p end) as p' eqn:Hp.
  assert (Pp : p' = p \/ p' = Woken /\ d = Wake /\ p = Asleep) by (subst p'; destruct d; auto; destruct p; auto).
  assert (Met : forall a, since m a -> (forall j, j < n -> met m a (w j)) -> forall j, j < n -> met m' a (upd w i q j)).
  { intros a S M j Lj. destruct (Nat.eq_dec i j) as [<-|E].
    - rewrite upd_eq. eapply does_met; eauto.
    - rewrite upd_ne by auto. eapply met_grows; eauto. }
  split; [eapply within_grows; eauto|]. split; [eapply does_common; eauto|]. split; [|split; [|split; [|split; [|split]]]].
  - intros j Lj. destruct (Nat.eq_dec i j) as [<-|E]; [rewrite upd_eq; eapply does_okw; eauto|].
    rewrite upd_ne by auto. eapply okw_grows; eauto.
  - destruct (does_own _ _ _ _ _ D) as [[O1 O2]|O]; [|right; exists i; rewrite upd_eq; auto].
    rewrite O2. destruct I4 as [I4|[j [Lj I4]]]; auto. right. exists j. split; auto.
    destruct (Nat.eq_dec i j) as [<-|E]; [rewrite upd_eq; congruence|rewrite upd_ne; auto].
  - intros A. destruct (I5 A) as [a [S M]]. exists a. split; [eapply since_grows; eauto|auto].
  - assert (Sl : slept (St m' (upd w i q) p v c an (cr || died d (w i)))).
    { destruct p; simpl in *; auto.
      3-5: destruct I6 as [e [L [Le Cv]]]; exists e; (split; [eapply lies_grows; eauto|]);
        (split; [destruct G as [_ [_ [_ [G4 _]]]]; lia|]); intros A j Lj; destruct (I5 A) as [a [S M]];
        (destruct (Nat.eq_dec i j) as [<-|E]; [rewrite upd_eq; eapply does_covered; eauto|]);
        rewrite upd_ne by auto; destruct (covered_grows _ _ _ _ _ _ (Cv A j Lj) G) as [C1|[C1|[C1|C1]]];
        unfold covered; auto; rewrite C1; auto.
      - destruct I6 as [e L]. exists e. eapply lies_grows; eauto.
      - destruct I6 as [e [L [Le [A M]]]]. exists e. split; [eapply lies_grows; eauto|].
        split; [destruct G as [_ [_ [_ [G4 _]]]]; lia|]. split; auto. intros j Lj Lk.
        assert (S : since m e). { destruct L as [L1 [L2 [L3 L4]]]. split; auto. intros k K.
          destruct (Nat.eq_dec e k); [subst; congruence|]. rewrite L4 by lia. discriminate. }
        destruct (Nat.eq_dec i j) as [<-|E]; [rewrite upd_eq; eapply does_met; eauto|].
        rewrite upd_ne by auto. eapply met_grows; eauto. }
    destruct Pp as [->|[-> _]]; [exact Sl|exact I].
  - intros Q. apply I7. destruct Pp as [->|[X [_ ->]]]; auto.
  - intros Q. destruct Pp as [E|[X _]]; [|congruence]. rewrite E in *. destruct (does_wakes _ _ _ _ _ D) as [V1 V2].
    assert (Nw : d <> Wake) by (intros ->; subst p; rewrite Q in Hp; discriminate).
    destruct (I8 Q) as [H|[H|[j [Lj H]]]].
    + destruct (V1 H); auto. right. right. exists i. rewrite upd_eq. auto.
    + rewrite H. auto.
    + destruct (Nat.eq_dec i j) as [<-|Ne].
      * destruct (V2 H) as [?|H']; [contradiction|]. rewrite H', orb_true_r. auto.
      * right. right. exists j. rewrite upd_ne; auto.
Qed.
Lemma put_within c v m : within v m -> within v (put c m).
Proof. unfold within. simpl. lia. Qed.
Lemma put_okw c m w : okw m w -> okw (put c m) w.
Proof. intros [A B]. split; [apply put_within; auto|exact B]. Qed.
Lemma put_since c m a : since m a -> within (common m) m -> c <> none -> since (put c m) a.
Proof.
  intros [S1 S2] [_ W] C. split; auto. intros k K. simpl in *. unfold upd. destruct (Nat.eq_dec (S (newest m)) k); auto.
  apply S2. lia.
Qed.
Lemma put_own c v m : within v m -> within (saw_bell v (S (newest m))) (put c m).
Proof. unfold within. simpl. lia. Qed.
Lemma fenced_within v m : within v m -> within (common m) m -> within (join v (common m)) (fenced v m).
Proof. unfold within. simpl. lia. Qed.
Lemma lies_put v m : lies (put asleep m) (saw_bell v (S (newest m))) (S (newest m)).
Proof. unfold lies. simpl. rewrite upd_eq. repeat split; auto. intros. lia. Qed.
Lemma lies_fenced m v u d : lies m v d -> lies (fenced u m) v d.
Proof. intros L. exact L. Qed.
Lemma lies_since m v d : lies m v d -> d <= bell_seen (common m) -> since m d.
Proof.
  intros [L1 [L2 [L3 L4]]] Le. split; auto. intros k K. destruct (Nat.eq_dec d k); [subst; congruence|].
  rewrite L4 by lia. discriminate.
Qed.

(* Behind the sleeper's fence it knows the work of all who are in no call. *)
Lemma all_covered m v w d a : (forall i, i < n -> okw m (w i)) -> (forall i, i < n -> met m a (w i)) ->
  work_seen (common m) <= work_seen v -> forall i, i < n -> covered m v false d (w i).
Proof.
  intros K M Wv i Li. destruct (K i Li) as [_ [_ [C _]]]. specialize (M i Li). unfold covered, met in *.
  destruct (stage_of (w i)); auto; try (left; lia).
  destruct (accepts (w i)); [destruct (M eq_refl) as [_ M2]; specialize (M2 eq_refl)|specialize (C eq_refl)]; left; lia.
Qed.

Theorem inv_init : inv init.
Proof.
  unfold inv, init, within, okw, within. simpl. repeat split; auto; intros; try lia; try discriminate.
Qed.
Theorem inv_step s s' a : inv s -> exec a s = Some s' -> inv s'.
Proof.
  destruct s as [m w p v c an cr]. intros I E. destruct a as [i d|k| | | | | | |k| | | | |]; [eapply by_kept; eauto|..];
    destruct I as [I1 [I2 [I3 [I4 [I5 [I6 [I7 I8]]]]]]]; cbn [Bells.exec] in E; destruct p; try discriminate E;
    (* Successor, whatever its predecessor did *)
    try (injection E as <-; (split; [exact I1|]); (split; [exact I2|]); (split; [exact I3|]); (split; [exact I4|]);
      (split; [discriminate|]); (split; [exact Logic.I|]); split; [intros [?|?]; discriminate|discriminate]).
  - (* Takes *) destruct (_ && _) eqn:K in E; [|discriminate]. injection E as <-. bools.
    split; [unfold within in *; simpl; lia|]. split; [exact I2|]. split; [exact I3|]. split; [exact I4|]. split; [exact I5|].
    split; [exact Logic.I|]. split; [intros [?|?]; discriminate|discriminate].
  - (* SetsAsleep *) injection E as <-.
    split; [apply put_own; auto|]. split; [apply put_within; auto|]. split; [intros; apply put_okw; auto|]. split; [exact I4|].
    split; [intros A; destruct (I5 A) as [a [S M]]; exists a; split; [apply put_since; auto; discriminate|exact M]|].
    split; [eexists; apply lies_put|]. split; [intros [?|?]; discriminate|discriminate].
  - (* FenceS *) destruct an; [|discriminate]. cbn [maybe by_sleeper shipped] in E. injection E as <-.
    pose proof (grows_fenced v m) as G.
    destruct I6 as [d L]. destruct (I5 eq_refl) as [a [S M]].
    assert (K' : forall i, i < n -> okw (fenced v m) (w i)) by (intros; eapply okw_grows; eauto).
    assert (M' : forall i, i < n -> met (fenced v m) a (w i)) by (intros; eapply met_grows; eauto).
    split; [apply fenced_within; auto|]. split; [exact (fenced_within _ _ I1 I2)|]. split; [exact K'|]. split; [exact I4|].
    split; [intros _; exists a; split; [eapply since_grows; eauto|exact M']|].
    split; [|split; [intros [?|?]; discriminate|discriminate]].
    exists d. split; [eapply lies_later; [exact L|simpl; lia]|].
    split; [destruct L as [L _]; simpl; lia|]. intros _. eapply all_covered; eauto.
  - (* BarrierBegins *) destruct an; [discriminate|]. cbn [heavy shipped] in E. injection E as <-.
    pose proof (grows_fenced v m) as G. destruct I6 as [d L].
    split; [apply fenced_within; auto|]. split; [exact (fenced_within _ _ I1 I2)|].
    split; [intros; eapply okw_grows; eauto|]. split; [exact I4|]. split; [discriminate|].
    split; [|split; [intros [?|?]; discriminate|discriminate]].
    exists d. split; [eapply lies_later; [exact L|simpl; lia]|].
    split; [destruct L as [L _]; simpl; lia|]. split; auto. intros. lia.
  - (* BarrierReaches *) destruct (Nat.ltb_spec i n) as [Li|]; [|discriminate].
    destruct (w i) as [g u o b] eqn:Wi. destruct I6 as [d [L [Le [An M]]]]. pose proof (I3 i Li) as Ki.
    destruct (b && negb (gone g)) eqn:B; injection E as <-.
    + pose proof (grows_fenced u m) as G. rewrite Wi in Ki. pose proof Ki as [Ku _].
      assert (Kf : okw (fenced u m) (Worker g (join u (common m)) o b)).
      { destruct Ki as [[A1 A2] [B1 [C1 D1]]]. split; [apply fenced_within; auto; split; auto|]. simpl in *. split; auto.
        split; [destruct g; auto; try (intros; specialize (C1 H)); lia|lia]. }
      split; [eapply within_grows; eauto|]. split; [exact (fenced_within _ _ Ku I2)|]. split; [|split; [|split; [|split; [|split]]]].
      * intros j Lj. destruct (Nat.eq_dec i j) as [<-|Ne]; [rewrite upd_eq; auto|]. rewrite upd_ne by auto. eapply okw_grows; eauto.
      * destruct I4 as [I4|[j [Lj I4]]]; [left; auto|right; exists j; split; auto].
        destruct (Nat.eq_dec i j) as [<-|Ne]; [rewrite upd_eq; rewrite Wi in I4; exact I4|rewrite upd_ne; auto].
      * congruence.
      * exists d. split; [exact L|]. split; [simpl; lia|]. split; auto. intros j Lj Lk.
        destruct (Nat.eq_dec i j) as [<-|Ne].
        -- rewrite upd_eq. destruct Ki as [_ [_ [_ D1]]]. unfold met. simpl in *. destruct g; auto; intros _; split; auto; lia.
        -- rewrite upd_ne by auto. eapply met_grows; [apply M; auto; lia|exact G].
      * intros [?|?]; discriminate.
      * discriminate.
    + split; [exact I1|]. split; [exact I2|]. split; [exact I3|]. split; [exact I4|]. split; [exact I5|].
      split; [|split; [intros [?|?]; discriminate|discriminate]].
      exists d. split; [exact L|]. split; [exact Le|]. split; auto. intros j Lj Lk.
      destruct (Nat.eq_dec i j) as [<-|Ne]; [|apply M; auto; lia].
      unfold met. rewrite Wi. simpl. destruct g; auto; destruct b; try discriminate; intros; discriminate.
  - (* BarrierEnds *) destruct (Nat.eqb_spec i n) as [->|]; [|discriminate]. injection E as <-.
    pose proof (grows_fenced v m) as G. destruct I6 as [d [L [Le [An M]]]].
    assert (K' : forall i, i < n -> okw (fenced v m) (w i)) by (intros; eapply okw_grows; eauto).
    assert (M' : forall i, i < n -> met (fenced v m) d (w i)) by (intros; eapply met_grows; eauto).
    assert (L' : lies (fenced v m) (join v (common m)) d) by (eapply lies_later; [exact L|simpl; lia]).
    split; [apply fenced_within; auto|]. split; [exact (fenced_within _ _ I1 I2)|]. split; [exact K'|]. split; [exact I4|].
    split; [intros _; exists d; split; [eapply lies_since; [exact L'|simpl; lia]|exact M']|].
    split; [|split; [intros [?|?]; discriminate|discriminate]].
    exists d. split; [exact L'|]. split; [simpl; lia|]. intros _. eapply all_covered; eauto.
  - (* BarrierFails *) destruct an; [discriminate|]. injection E as <-. pose proof (grows_fenced v m) as G. destruct I6 as [d L].
    split; [apply fenced_within; auto|]. split; [exact (fenced_within _ _ I1 I2)|].
    split; [intros; eapply okw_grows; eauto|]. split; [exact I4|]. split; [discriminate|].
    split; [|split; [intros [?|?]; discriminate|discriminate]].
    exists d. split; [eapply lies_later; [exact L|simpl; lia]|]. split; [destruct L as [L _]; simpl; lia|discriminate].
  - (* LastLook *) destruct (_ && _) eqn:K in E; [|discriminate]. injection E as <-. bools. destruct I6 as [d [L [Le Cv]]].
    split; [unfold within in *; simpl; lia|]. split; [exact I2|]. split; [exact I3|]. split; [exact I4|]. split; [exact I5|].
    destruct (Nat.leb_spec k c).
    + split; [|split; [simpl; lia|discriminate]]. exists d. split; [exact L|]. split; [exact Le|]. intros A i Li.
      destruct (Cv A i Li) as [X|X]; [left; simpl; lia|right; exact X].
    + split; [exact Logic.I|]. split; [intros [?|?]; discriminate|discriminate].
  - (* FutexWait *) injection E as <-.
    split; [exact I1|]. split; [exact I2|]. split; [exact I3|]. split; [exact I4|]. split; [exact I5|].
    destruct (last m) eqn:La; try (split; [exact Logic.I|]; split; [intros [?|?]; discriminate|discriminate]).
    split; [exact I6|]. split; [auto|auto].
  - (* TimesOut *) injection E as <-.
    split; [exact I1|]. split; [exact I2|]. split; [exact I3|]. split; [exact I4|]. split; [exact I5|].
    split; [exact Logic.I|]. split; [intros [?|?]; discriminate|discriminate].
  - (* Rises, without a sleep *) injection E as <-.
    split; [apply put_own; auto|]. split; [apply put_within; auto|]. split; [intros; apply put_okw; auto|]. split; [exact I4|].
    split; [intros A; destruct (I5 A) as [a [S M]]; exists a; split; [apply put_since; auto; discriminate|exact M]|].
    split; [exact Logic.I|]. split; [intros [?|?]; discriminate|discriminate].
  - (* Rises *) injection E as <-.
    split; [apply put_own; auto|]. split; [apply put_within; auto|]. split; [intros; apply put_okw; auto|]. split; [exact I4|].
    split; [intros A; destruct (I5 A) as [a [S M]]; exists a; split; [apply put_since; auto; discriminate|exact M]|].
    split; [exact Logic.I|]. split; [intros [?|?]; discriminate|discriminate].
  - (* StaysAwake *) destruct an; [|discriminate]. injection E as <-.
    split; [apply put_own; auto|]. split; [apply put_within; auto|]. split; [intros; apply put_okw; auto|]. split; [exact I4|].
    split; [discriminate|]. split; [exact Logic.I|]. split; [intros [?|?]; discriminate|discriminate].
Qed.
Theorem inv_reach s : reach s -> inv s.
Proof. intros R. induction R as [|s s' a R IH E]; [apply inv_init|eapply inv_step; eauto]. Qed.

Theorem no_lost s : reach s -> sleeper s = Asleep -> announced s = true -> crashed s = false ->
  (forall i, i < n -> working (stage_of (ws s i)) = false) -> works (mm s) <= took s.
Proof.
  intros R P A C Wk. pose proof (inv_reach s R) as I. destruct s as [m w p v c an cr].
  cbn [sleeper announced crashed ws mm took] in *. subst.
  destruct I as [_ [_ [_ [[I4|[i [Li I4]]] [_ [[d [_ [_ Cv]]] [I7 I8]]]]]]]; [lia|]. specialize (I7 (or_intror eq_refl)).
  assert (La : last m = asleep).
  { destruct (I8 eq_refl) as [H|[H|[j [Lj H]]]]; [auto|discriminate|]. specialize (Wk j Lj). rewrite H in Wk. discriminate. }
  specialize (Cv eq_refl i Li). specialize (Wk i Li). destruct Cv as [Cv|[Cv|[Cv|Cv]]]; [lia|congruence|discriminate|].
  destruct (stage_of (w i)); simpl in *; try discriminate; contradiction.
Qed.
End Proof.
