(* `closed` of many producers: what TheoremsMpsc.v states of it, by an invariant of its own. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscClaims MpscKnown MpscFacts MpscData MpscHolds MpscStated MpscProgress.

(* Who has this view, and then reads write_pos, reads e or more. *)
Definition reaches (m : mem) (v : view loc tid) e := exists j, j <= ts v WP /\ j < len m WP /\ e <= val (hist m WP j).
(* What i had claimed when it stored message k of its owner word. *)
Definition before_said (s : st) i k p x := at_pos (claims s) p x /\ own x = i /\ p < nth k (said s i) 0.
Definition there p := match p with Away | Come | Parted => False | _ => True end.
Definition heard_well (s : st) hs := forall i k, nth_error hs i = Some k ->
  k < len (mm s) (Own i) /\ val (hist (mm s) (Own i) k) <> 1 /\
  forall p x, before_said s i k p x -> reaches (mm s) (tv (mm s) Co) (p + words x).
Definition cursor (c : consumer) := match c with
  | Idle c _ _ _ | Zero c _ _ _ | Hand c _ _ | Rest c _ _ => Some c | _ => None end.
Definition at_end producers (s : st) hs := exists c, cursor (cc s) = Some c /\
  forall i k p x, i < producers -> nth_error hs i = Some k -> before_said s i k p x -> p + words x <= c.
Definition hears producers (s : st) := match roll s with
  | Unasked => True
  | Asking _ open hs => open = false -> heard_well s hs
  | Closed hs => heard_well s hs /\ length hs = producers
  | Ended hs => heard_well s hs /\ length hs = producers /\ at_end producers s hs end.

Record closing (s : st) : Prop := {
  e_len : forall i, len (mm s) (Own i) = length (said s i);
  e_most : forall i k, nth k (said s i) 0 <= extent (claims s);
  e_wp : forall p x, at_pos (claims s) p x -> reaches (mm s) (tv (mm s) (Pr (own x))) (p + words x);
  e_msg : forall i k, k < len (mm s) (Own i) -> val (hist (mm s) (Own i) k) <> 1 -> forall p x, before_said s i k p x ->
            reaches (mm s) (mview (hist (mm s) (Own i) k)) (p + words x);
  e_all : forall i, last (mm s) (Own i) <> 1 -> forall p x, at_pos (claims s) p x -> own x = i ->
            p < nth (len (mm s) (Own i) - 1) (said s i) 0;
  e_there : forall i, there (pp s i) -> last (mm s) (Own i) = 1 }.

Lemma reaches_later m m' v v' e : later m m' -> ts v WP <= ts v' WP -> reaches m v e -> reaches m' v' e.
Proof.
  intros L T [j [A [B C]]]. exists j. split; [lia|]. split; [pose proof (l_len _ _ L WP); lia|]. rewrite (l_val _ _ L); auto.
Qed.

Section Closed.
Variables N most producers : nat.
Hypothesis Npos : 0 < N.
Notation tids := (Mpsc.tids producers).
Notation read := (Machine.read loc_dec tid_dec tids).
Notation write := (Machine.write loc_dec tid_dec tids).
Notation rmw := (Machine.rmw loc_dec tid_dec tids).
Notation learn := (Machine.learn tid_dec).
Notation reach := (reach N most producers shipped). Notation step := (step N most producers shipped).
Notation pstep := (pstep N most producers shipped). Notation cstep := (cstep N producers shipped).
Notation hears := (hears producers). Notation at_end := (at_end producers).

Definition same_owners (m m' : mem) := later m m' /\ forall i, len m' (Own i) = len m (Own i) /\ hist m' (Own i) = hist m (Own i).
Lemma owners_read na acq t l k m : can_read m t l k -> same_owners m (read na acq t l k m).
Proof. intros C. split; [apply later_read; auto|split; reflexivity]. Qed.
Lemma owners_write na rel t l x m : (forall i, l <> Own i) -> same_owners m (write na rel t l x m).
Proof.
  intros E. split; [apply later_write|]. intros i. split; [apply write_len_ne; auto|].
  unfold Machine.write. cbn [hist]. apply updl_ne. auto.
Qed.
Lemma owners_rmw acq rel t l x m : sane m -> (forall i, l <> Own i) -> same_owners m (rmw acq rel t l x m).
Proof.
  intros S E. split; [apply later_rmw; auto|]. intros i. split; [|apply rmw_other; auto].
  rewrite rmw_len. destruct (loc_dec l (Own i)); auto. destruct (E i). auto.
Qed.

(* Each claim of the new list is one of the old, as far as it matters here, or part of one. *)
Definition part_of cl p y := exists q x, at_pos cl q x /\ q <= p /\ p + words y <= q + words x /\ own x = own y.
Definition same_claims (pp : nat -> producer) cl cl' := forall p y, at_pos cl' p y -> part_of cl p y /\
  ((exists x, at_pos cl p x /\ own x = own y) \/ there (pp (own y))).
Lemma part_of_itself cl p y : at_pos cl p y -> part_of cl p y.
Proof. intros A. exists p, y. auto. Qed.
Lemma same_claims_refl pp cl : same_claims pp cl cl.
Proof. intros p y A. split; [apply part_of_itself; auto|eauto]. Qed.
Lemma same_claims_becomes (pp : nat -> producer) cl i ps c : cuts cl i ps c ->
  (there (pp i) \/ forall x z y, open i x -> at_pos (ps (words x)) z y -> z = 0) -> same_claims pp cl (becomes cl i ps).
Proof.
  intros Cu Th p y A. destruct (at_pos_becomes cl i ps c p y Cu A) as [[X _]|[q [x [z [X [O [D ->]]]]]]].
  - split; [apply part_of_itself; auto|eauto].
  - destruct (Cu x (at_pos_in _ _ _ X) O) as [E F]. destruct (F y (at_pos_in _ _ _ D)) as [Oy _]. pose proof (at_pos_end _ _ _ D).
    destruct O as [O1 O2]. split; [exists q, x; split; auto; split; [lia|split; [lia|congruence]]|].
    destruct Th as [T|Z]; [right; congruence|left]. exists x. rewrite (Z x z y), Nat.add_0_r; auto; [split; auto; congruence|split; auto].
Qed.

(* Steps that touch no owner word. *)
Lemma kept m pp al c cl d sd q m' pp' al' c' cl' d' q' : sane m -> same_owners m m' -> extent cl <= extent cl' ->
  (forall p y, at_pos cl' p y -> part_of cl p y /\ ((exists x, at_pos cl p x /\ own x = own y) \/ there (pp (own y))) \/
     (p = extent cl /\ there (pp (own y)) /\ reaches m' (tv m' (Pr (own y))) (p + words y))) ->
  (forall i, there (pp' i) -> there (pp i)) ->
  closing (St m pp al c cl d sd q) -> closing (St m' pp' al' c' cl' d' sd q') /\
  (forall hs, heard_well (St m pp al c cl d sd q) hs -> heard_well (St m' pp' al' c' cl' d' sd q') hs) /\
  (forall i k p y, k < len m (Own i) -> before_said (St m' pp' al' c' cl' d' sd q') i k p y ->
     exists q0 x, p + words y <= q0 + words x /\ before_said (St m pp al c cl d sd q) i k q0 x).
Proof.
  intros Sn [L O] Ex C Th [e1 e2 e3 e4 e5 e6]. unfold before_said, heard_well. cbn [mm Mpsc.pp claims said] in *.
  assert (B : forall i k p y, k < len m (Own i) -> at_pos cl' p y /\ own y = i /\ p < nth k (sd i) 0 ->
     exists q0 x, p + words y <= q0 + words x /\ at_pos cl q0 x /\ own x = i /\ q0 < nth k (sd i) 0).
  { intros i k p y K [A [E Lt]]. destruct (C p y A) as [[[q0 [x [X1 [X2 [X3 X4]]]]] _]|[X _]].
    - exists q0, x. split; auto. split; auto. split; [congruence|lia].
    - specialize (e2 i k). lia. }
  assert (Re : forall v v' e e', ts v WP <= ts v' WP -> e <= e' -> reaches m v e' -> reaches m' v' e).
  { intros v v' a a' T Le [j [J1 [J2 J3]]]. apply (reaches_later m m' v v' a L T). exists j. split; auto. split; auto. lia. }
  assert (Ol : forall i, len m' (Own i) = len m (Own i)) by apply O. assert (Oh : forall i, hist m' (Own i) = hist m (Own i)) by apply O.
  split; [constructor; unfold before_said; cbn [mm Mpsc.pp claims said]; unfold last in *|split].
  - intros i. rewrite Ol. auto.
  - intros i k. specialize (e2 i k). lia.
  - intros p y A. destruct (C p y A) as [[[q0 [x [X1 [X2 [X3 X4]]]]] _]|[_ [_ X]]]; auto. rewrite <- X4.
    eapply Re; [apply (l_ts _ _ L); auto|exact X3|auto].
  - intros i k K V p y Y. rewrite Ol in K. rewrite Oh in *. destruct (B i k p y K Y) as [q0 [x [Le X]]].
    eapply Re; [|exact Le|apply (e4 i k K V q0 x X)]. auto.
  - intros i V p y A E. rewrite Ol, Oh in *. destruct (C p y A) as [[_ [[x [X1 X2]]|X]]|[_ [X _]]].
    + apply (e5 i V p x X1). congruence.
    + rewrite E in X. destruct (V (e6 i X)).
    + rewrite E in X. destruct (V (e6 i X)).
  - intros i T. rewrite Ol, Oh. apply e6. auto.
  - intros hs W i k K. destruct (W i k K) as [W1 [W2 W3]]. rewrite Ol, Oh. split; auto. split; auto.
    intros p y Y. destruct (B i k p y W1 Y) as [q0 [x [Le X]]]. eapply Re; [apply (l_ts _ _ L); auto|exact Le|apply (W3 q0 x X)].
  - exact B.
Qed.
Lemma ends_kept s s' hs : (forall i k p y, k < len (mm s) (Own i) -> before_said s' i k p y ->
     exists q x, p + words y <= q + words x /\ before_said s i k q x) -> heard_well s hs -> cc s' = cc s -> at_end s hs -> at_end s' hs.
Proof.
  intros B W E [c [C A]]. exists c. split; [congruence|]. intros i k p y I K Y.
  destruct (B i k p y) as [q [x [Le X]]]; [apply (W i k K)|auto|]. etransitivity; [exact Le|]. eapply A; eauto.
Qed.
Lemma hears_kept s s' : (forall hs, heard_well s hs -> heard_well s' hs) -> (forall hs, heard_well s hs -> at_end s hs -> at_end s' hs) ->
  roll s' = roll s -> hears s -> hears s'.
Proof.
  intros A B E H. unfold MpscClosed.hears in *. rewrite E. destruct (roll s); auto.
  - destruct H. split; auto.
  - destruct H as [H1 [H2 H3]]. split; auto.
Qed.

(* A producer's step. *)
Lemma producer_kept (pp : nat -> producer) al i m cl m' p' cl' : known producers m pp al cl -> pstep i m (pp i) cl m' p' cl' ->
  same_owners m m' /\ extent cl <= extent cl' /\ there (pp i) /\ forall q y, at_pos cl' q y ->
    part_of cl q y /\ ((exists x, at_pos cl q x /\ own x = own y) \/ there (pp (own y))) \/
    (q = extent cl /\ own y = i /\ reaches m' (tv m' (Pr i)) (q + words y)).
Proof.
  intros K Hs. pose proof (a_sane _ _ _ _ _ K) as Sn. pose proof (a_wp _ _ _ _ _ K) as Lw.
  assert (Th : there (pp i)) by (destruct Hs; exact I).
  assert (Cm : forall f t n r x b, pp i = Ready f t n r (x :: b) -> total (x :: b) + r = n ->
    cuts cl i (fun _ => pieces i (S (clock m i)) (x :: b) r) (S (clock m i))).
  { intros f t n r x b Ep E y I [Lv Eo]. rewrite total_pieces. split; [|apply in_pieces]. destruct (in_at_pos cl y I) as [q B].
    pose proof (a_live _ _ _ _ _ K q y B Lv) as Oy. rewrite Eo, Ep in Oy. destruct Oy as [_ ->]. auto. }
  assert (Cl : cuts cl i (fun n => [Claim n i (Left (S (clock m i)))]) (S (clock m i))).
  { apply cuts_one; auto. intros y I. destruct (in_at_pos cl y I) as [q B]. apply (a_own _ _ _ _ _ K q y B). }
  remember (pp i) as p eqn:Ep. destruct Hs;
    try (split; [first [apply owners_read; assumption|apply owners_write; discriminate|split; [apply later_refl|split; reflexivity]]|
      split; [auto|split; [exact I|intros q0 y0 A; left; apply (same_claims_refl pp l q0 y0 A)]]]; fail).
  - split; [apply owners_rmw; auto; discriminate|]. split; [rewrite extent_app; lia|]. split; [exact I|].
    intros q y A. apply at_pos_snoc in A. destruct A as [A|[-> ->]]; [left; apply (same_claims_refl pp l q y A)|right]. split; auto. split; auto. cbn [words].
    pose proof (sn_len Sn WP) as PW. destruct (rmw_new tids false (claim_store shipped) (Pr i) WP (t + n) m PW) as [V _].
    exists (len m WP). split; [|split; [rewrite rmw_len; destruct (loc_dec WP WP); [lia|congruence]|rewrite V; lia]].
    unfold Machine.rmw, carry. cbn [tv]. rewrite write_ts. destruct (loc_dec WP WP); [|congruence].
    change (len (read atomic false (Pr i) WP (len m WP - 1) m) WP) with (len m WP). lia.
  - pose proof (Cm f t n r x b eq_refl ltac:(assumption)) as C. split; [apply owners_write; discriminate|].
    split; [rewrite (becomes_extent _ _ _ _ C); auto|]. split; [exact I|]. intros q y A. left.
    apply (same_claims_becomes pp _ _ _ _ C); auto. left. rewrite <- Ep. exact I.
  - split; [apply owners_write; discriminate|]. unfold ends_so.
    split; [rewrite (becomes_extent _ _ _ _ Cl); auto|]. split; [exact I|]. intros q y A. left.
    apply (same_claims_becomes pp _ _ _ _ Cl); auto. left. rewrite <- Ep. exact I.
Qed.
Lemma consumer_kept al m c d m' c' d' : sane m -> cstep al m c d m' c' d' -> same_owners m m'.
Proof.
  intros Sn Hs. destruct Hs; try (apply owners_read; auto; fail); try (apply owners_write; discriminate);
    try (split; [apply later_refl|split; reflexivity]).
  - apply owners_read. subst k. pose proof (sn_len Sn (Mpsc.cell N c (length got))).
    pose proof (sn_ts Sn (v := tv m Co) (or_introl (ex_intro _ Co eq_refl)) (Mpsc.cell N c (length got))). split; lia.
  - split; [apply later_learn|split; reflexivity].
Qed.

Lemma hands_back_kept al m c d m' c' d' p : cstep al m c d m' c' d' -> hands_back c || hands_back c' = true ->
  cursor c = Some p -> cursor c' = Some p.
Proof.
  intros Hs. destruct Hs; unfold scanned; cbn [hands_back orb cursor]; intros E K; try discriminate; auto;
    repeat match type of E with context[if ?b then _ else _] => destruct b end; discriminate.
Qed.

(* An owner word is stored. *)
Lemma owner_stored m pp al c cl d sd q i v m' p' : sane m -> sane m' -> later m m' -> v = 1 \/ v = 2 ->
  (forall j, len m' (Own j) = if Nat.eq_dec i j then S (len m (Own j)) else len m (Own j)) ->
  (forall j k, k < len m (Own j) -> hist m' (Own j) k = hist m (Own j) k) ->
  val (hist m' (Own i) (len m (Own i))) = v -> (v = 2 -> mview (hist m' (Own i) (len m (Own i))) = tv m' (Pr i)) ->
  (there p' -> v = 1) -> (forall p x, at_pos cl p x -> 0 < words x) ->
  closing (St m pp al c cl d sd q) -> hears (St m pp al c cl d sd q) ->
  let s' := St m' (upd pp i p') al c cl d (upd sd i (sd i ++ [extent cl])) q in closing s' /\ hears s'.
Proof.
  intros Sn Sn' L Vv Ol Oh Nv Nm Tp Wp [e1 e2 e3 e4 e5 e6] H s'. unfold before_said in *. cbn [mm Mpsc.pp claims said] in *.
  assert (Nth : forall j k, k < len m (Own j) -> nth k (upd sd i (sd i ++ [extent cl]) j) 0 = nth k (sd j) 0).
  { intros j k K. unfold upd. destruct (Nat.eq_dec i j) as [<-|]; auto. rewrite app_nth1; auto. rewrite <- e1. auto. }
  assert (New : nth (len m (Own i)) (upd sd i (sd i ++ [extent cl]) i) 0 = extent cl).
  { unfold upd. destruct (Nat.eq_dec i i); [|congruence]. rewrite e1, app_nth2, Nat.sub_diag by lia. reflexivity. }
  assert (PL : forall j, 0 < len m (Own j)) by (intros; apply (sn_len Sn)).
  assert (HW : forall hs, heard_well (St m pp al c cl d sd q) hs -> heard_well s' hs).
  { intros hs W j k K. destruct (W j k K) as [W1 [W2 W3]]. cbn [mm] in *. unfold before_said in *. cbn [claims said s'] in *.
    split; [rewrite Ol; destruct (Nat.eq_dec i j); lia|]. rewrite Oh, Nth by auto. split; auto.
    intros p x X. eapply reaches_later; [exact L|apply (l_ts _ _ L); auto|apply (W3 p x X)]. }
  split; [|apply (hears_kept (St m pp al c cl d sd q)); auto].
  - constructor; unfold before_said, last; cbn [mm Mpsc.pp claims said s'].
    + intros j. rewrite Ol. unfold upd. destruct (Nat.eq_dec i j) as [<-|]; auto. rewrite app_length. simpl. rewrite e1. lia.
    + intros j k. unfold upd. destruct (Nat.eq_dec i j) as [<-|]; auto. destruct (lt_eq_lt_dec k (length (sd i))) as [[K|K]|K].
      * rewrite app_nth1; auto.
      * rewrite K, app_nth2, Nat.sub_diag by lia. auto.
      * rewrite nth_overflow; [lia|]. rewrite app_length. simpl. lia.
    + intros p x A. eapply reaches_later; [exact L|apply (l_ts _ _ L); auto|auto].
    + intros j k K Vk p x [A [E Lt]]. rewrite Ol in K. destruct (Nat.eq_dec k (len m (Own j))) as [->|Nk].
      * destruct (Nat.eq_dec i j) as [<-|]; [|lia]. rewrite Nv in Vk. rewrite Nm by lia. rewrite <- E.
        eapply reaches_later; [exact L|apply (l_ts _ _ L); auto|auto].
      * assert (Kl : k < len m (Own j)) by (destruct (Nat.eq_dec i j); lia). rewrite Oh in * by auto. rewrite Nth in Lt by auto.
        eapply reaches_later; [exact L| |apply (e4 j k Kl Vk p x); auto]. auto.
    + intros j Vj p x A E. rewrite Ol in *. destruct (Nat.eq_dec i j) as [<-|Nj].
      * replace (S (len m (Own i)) - 1) with (len m (Own i)) by lia. rewrite New. pose proof (at_pos_end cl p x A). pose proof (Wp p x A). lia.
      * specialize (PL j). rewrite Oh in Vj by lia. rewrite Nth by lia. apply (e5 j Vj p x A E).
    + intros j T. rewrite Ol. unfold upd in T. destruct (Nat.eq_dec i j) as [<-|Nj].
      * replace (S (len m (Own i)) - 1) with (len m (Own i)) by lia. rewrite Nv. auto.
      * specialize (PL j). rewrite Oh by lia. apply e6. auto.
  - intros hs W [c0 [C A]]. exists c0. split; [exact C|]. intros j k p x J K [X1 [X2 X3]].
    cbn [claims said s'] in *. apply (A j k p x J K). split; auto. split; auto. rewrite Nth in X3; auto. apply (W j k K).
Qed.

Definition cinv s := closing s /\ hears s.
Lemma cinv_init : cinv init.
Proof.
  assert (E : forall p x, ~ at_pos nil p x) by (intros p x [a [b [X _]]]; destruct a; discriminate).
  split; [|exact I]. constructor; unfold before_said; simpl; auto.
  - intros i k. destruct k as [|[|k]]; auto.
  - intros p x A. destruct (E p x A).
  - intros i k K V p x [A _]. destruct (E p x A).
  - intros i V p x A. destruct (E p x A).
  - intros i T. destruct T.
Qed.
Lemma cinv_step s s' : reach s -> cinv s -> step s s' -> cinv s'.
Proof.
  intros R [C H] Hs. destruct (MpscHolds.inv_reach N most producers Npos s R) as [[K _] [_ [Dt [IC _]]]].
  destruct (pinv_reach N most producers Npos s R) as [[U _] _].
  pose proof (a_sane _ _ _ _ _ K) as Sn. pose proof (a_wp _ _ _ _ _ K) as Lw.
  assert (Wp : forall p x, at_pos (claims s) p x -> 0 < words x) by (intros p x A; apply (a_own _ _ _ _ _ K p x A)).
  destruct Hs; cbn [mm pp cc claims done] in *.
  - rename H2 into Hp. destruct (producer_kept p al i m l m' p' l' K Hp) as [O [Ex [Th Cl]]].
    destruct (kept m p al c l d e q m' (upd p i p') al c l' d q) as [X1 [X2 X3]]; auto.
    { intros r y A. destruct (Cl r y A) as [Y|[Y1 [<- Y2]]]; auto. }
    { intros j. unfold upd. destruct (Nat.eq_dec i j) as [<-|]; auto. }
    split; [exact X1|]. eapply hears_kept; [exact X2| |reflexivity|exact H]. intros hs W. eapply ends_kept; eauto.
  - assert (Cu : cuts l i (fun n => [Claim n i (Gone (clock m i))]) (clock m i)).
    { apply cuts_one; auto. intros y I. destruct (in_at_pos l y I) as [q0 B]. eauto. }
    destruct (kept m p al c l d e q m (upd p i Away) (upd al i false) c (ends_so l i (Gone (clock m i))) d q) as [X1 [X2 X3]]; auto.
    { split; [apply later_refl|split; reflexivity]. }
    { unfold ends_so. erewrite becomes_extent; eauto. }
    { intros r y A. left. unfold ends_so in A. eapply (same_claims_becomes p); [exact Cu| |exact A]. right.
      intros x z w _ D. apply at_pos_one in D. apply D. }
    { intros j. unfold upd. destruct (Nat.eq_dec i j) as [<-|]; auto. intros []. }
    split; [exact X1|]. eapply hears_kept; [exact X2| |reflexivity|exact H]. intros hs W. eapply ends_kept; eauto.
  - destruct (kept m p al c l d e q m (upd p i Come) (upd al i true) c l d q) as [X1 [X2 X3]]; auto.
    { split; [apply later_refl|split; reflexivity]. }
    { intros r y A. left. apply (same_claims_refl p l r y A). }
    { intros j. unfold upd. destruct (Nat.eq_dec i j) as [<-|]; auto. intros []. }
    split; [exact X1|]. eapply hears_kept; [exact X2| |reflexivity|exact H]. intros hs W. eapply ends_kept; eauto.
  - rename H0 into Hc. pose proof (consumer_kept al m c d m' c' d' Sn Hc) as O.
    destruct (kept m p al c l d e q m' p al c' l d' (answer c c' q)) as [X1 [X2 X3]]; auto.
    { intros r y A. left. apply (same_claims_refl p l r y A). }
    split; [exact X1|]. unfold MpscClosed.hears, answer in *. cbn [roll] in *. destruct (hands_back c || hands_back c') eqn:B.
    + destruct q; auto; [destruct H; auto|]. destruct H as [W [Lk [c0 [E A]]]]. split; [apply X2; exact W|]. split; [exact Lk|].
      exists c0. split; [cbn [cc]; eapply hands_back_kept; eauto|]. intros i k q0 y I Ek Y.
      destruct (X3 i k q0 y) as [q' [x [Le X]]]; [apply (W i k Ek)|exact Y|]. etransitivity; [exact Le|]. eapply A; eauto.
    + destruct q; cbn [go_on]; try (split; [apply X2|]); try apply H; auto.
  - destruct (kept m p al c l d e q m p al Nobody l d Unasked) as [X1 [X2 X3]]; auto.
    { split; [apply later_refl|split; reflexivity]. }
    { intros r y A. left. apply (same_claims_refl p l r y A). }
    split; [exact X1|exact I].
  - (* enters *) apply (owner_stored m p al c l d e q i 1); auto; [apply sane_rmw; auto|apply later_rmw; auto| | | |].
    + intros j. rewrite rmw_len. destruct (loc_dec (Own i) (Own j)) as [E|E], (Nat.eq_dec i j); congruence.
    + intros j k Kl. destruct (Nat.eq_dec i j) as [<-|Nj]; [|rewrite rmw_other by congruence; auto].
      pose proof (sn_len Sn (Own i)) as P. unfold Machine.rmw, carry. cbn [hist]. rewrite updl_eq, updn_ne by lia.
      rewrite write_hist; auto.
    + apply rmw_new. apply (sn_len Sn).
    + discriminate.
  - (* closes *) apply (owner_stored m p al c l d e q i 2); auto; [apply sane_write; auto|apply later_write| | | | |].
    + intros j. destruct (Nat.eq_dec i j) as [<-|Nj]; [apply write_len_eq|apply write_len_ne; congruence].
    + intros j k Kl. apply write_hist. auto.
    + rewrite write_hist_new. reflexivity.
    + intros _. rewrite write_hist_new. reflexivity.
    + intros [].
  - split; [destruct C; constructor; auto|]. intros _ j k E. destruct j; discriminate E.
  - (* hears *) destruct (kept m p al (Idle c r f h) l d e (Asking a b ks) (read atomic true Co (Own i) k m) p al (Idle c r f h) l d
      (Asking (a || (v =? 2)) (b || (v =? 1)) (ks ++ [k]))) as [X1 [X2 X3]]; auto.
    { apply owners_read. auto. }
    { intros q0 y A. left. apply (same_claims_refl p l q0 y A). }
    split; [exact X1|]. intros B. apply orb_false_iff in B. destruct B as [B1 B2]. apply Nat.eqb_neq in B2.
    assert (W : heard_well _ ks) by (apply X2, H; auto). intros j k0 E. destruct (lt_eq_lt_dec j (length ks)) as [[J|J]|J].
    + rewrite nth_error_app1 in E by auto. apply (W j k0 E).
    + rewrite J, nth_error_app2, Nat.sub_diag in E by lia. injection E as <-. fold i in J. rewrite J. destruct H1 as [C1 C2].
      cbn [mm]. split; [exact C2|]. split; [change (val (hist m (Own i) k) <> 1); congruence|]. intros q0 y Y.
      destruct (X3 i k q0 y C2 Y) as [q' [x [Le X]]]. destruct C as [_ _ _ e4 _ _]. cbn [mm] in e4.
      assert (V1 : val (hist m (Own i) k) <> 1) by congruence. destruct (e4 i k C2 V1 q' x X) as [j0 [J1 [J2 J3]]].
      assert (Rr : reaches m (mview (hist m (Own i) k)) (q0 + words y)) by (exists j0; repeat split; auto; lia).
      eapply reaches_later; [apply later_read; split; assumption| |exact Rr]. rewrite read_ts. cbv zeta.
      change (Machine.ts (mview (hist m (Own i) k)) WP <= max (if loc_dec (Own i) WP then k else Machine.ts (tv m Co) WP) (Machine.ts (mview (hist m (Own i) k)) WP)).
      apply Nat.le_max_r.
    + assert (Le : length (ks ++ [k]) <= j) by (rewrite app_length; simpl; lia).
      apply nth_error_None in Le. congruence.
  - split; [destruct C; constructor; auto|]. unfold MpscClosed.hears in *. cbn [roll] in *. destruct a, b; cbn [andb negb]; auto.
  - (* ends *) destruct (kept m p al (Idle c r f h) l d e q (read atomic true Co WP k m) p al (Idle c r f h) l d (Ended ks)) as [X1 [X2 X3]]; auto.
    { apply owners_read. auto. }
    { intros q0 y A. left. apply (same_claims_refl p l q0 y A). }
    assert (W : heard_well (St m p al (Idle c r f h) l d e q) ks /\ length ks = producers).
    { unfold MpscClosed.hears in H. cbn [roll] in H. destruct q; try discriminate; cbn [go_on] in H0; injection H0 as ->; tauto. }
    destruct W as [W Lk]. split; [exact X1|]. split; [apply X2; exact W|]. split; [exact Lk|]. exists c. split; [reflexivity|].
    intros i k0 q0 y I E Y. destruct (X3 i k0 q0 y) as [q' [x [Le X]]]; auto; [apply (W i k0 E)|].
    destruct (W i k0 E) as [_ [_ W3]]. destruct (W3 q' x X) as [j [J1 [J2 J3]]]. cbn [mm] in *. destruct H1 as [C1 C2].
    destruct (Nat.eq_dec j k) as [->|]; [lia|]. specialize (U j k). lia.
  - (* the ring is full of what is held *)
    assert (W : heard_well (St m p al (Idle c r f h) l d e q) ks /\ length ks = producers).
    { unfold MpscClosed.hears in H. cbn [roll] in H. destruct q; try discriminate; cbn [go_on] in H0; injection H0 as ->; tauto. }
    destruct W as [W Lk]. split; [destruct C; constructor; auto|]. split; [exact W|]. split; [exact Lk|]. exists c. split; [reflexivity|].
    intros i k0 q0 y I E [A _]. cbn [claims] in A. pose proof (at_pos_end l q0 y A). pose proof (d_cap _ _ _ _ _ Dt).
    destruct IC as [_ [_ [_ [_ [-> _]]]]]. lia.
  - (* a view once more *) destruct (kept m p al (Idle c r f h) l d e q (read plain false Co (Mpsc.cell N z j) k m) p al (Idle c r f h) l d q)
      as [X1 [X2 X3]]; auto.
    { apply owners_read, newest_readable; auto. }
    { intros q0 y0 A. left. apply (same_claims_refl p l q0 y0 A). }
    split; [exact X1|]. eapply hears_kept; [exact X2| |reflexivity|exact H]. intros hs W. eapply ends_kept; eauto.
Qed.
Lemma cinv_reach s : reach s -> cinv s.
Proof. induction 1; [apply cinv_init|eapply cinv_step; eauto]. Qed.

Variable s : st.
Hypothesis reached : reach s.
Lemma closed_last ks : roll s = Ended ks -> exists passed rest, claims s = passed ++ rest /\
  done s ++ held (cc s) = pays passed /\ (forall x, In x passed -> what x <> Live) /\
  length ks = producers /\ forall i k, nth_error ks i = Some k -> k < len (mm s) (Own i) /\ val (hist (mm s) (Own i) k) <> 1 /\
    forall p x, before_said s i k p x -> p + words x <= extent passed.
Proof.
  intros E. destruct (cinv_reach s reached) as [_ H]. unfold MpscClosed.hears in H. rewrite E in H. destruct H as [W [Lk [c [Ec A]]]].
  destruct (MpscHolds.inv_reach N most producers Npos s reached) as [[K _] [_ [_ [[_ [_ [_ A4]]] _]]]].
  assert (Wp : forall p x, at_pos (claims s) p x -> 0 < words x) by (intros p x X; apply (a_own _ _ _ _ _ K p x X)).
  assert (St : exists r f h, held (cc s) = h /\ standing (mm s) (claims s) (done s) c r f h).
  { destruct (cc s); try discriminate Ec; injection Ec as ->; do 3 eexists; split; try reflexivity;
      first [exact A4|apply A4]. }
  destruct St as [r [f [h [Eh [_ [_ [_ [[a [b [B1 [B2 B3]]]] B5]]]]]]]]. rewrite Eh. exists a, b. split; auto. split; [symmetry; exact B3|].
  rewrite B2. split; [subst c; eapply (passed_ended N Npos (mm s) (claims s)); [exact B1|exact B5|exact Wp]|]. split; auto.
  intros i k Ek. destruct (W i k Ek) as [W1 [W2 _]]. split; auto. split; auto. intros p x X.
  apply (A i k p x); auto. rewrite <- Lk. apply nth_error_Some. congruence.
Qed.
Lemma closed_all ks : roll s = Ended ks -> (forall i k, nth_error ks i = Some k -> k = len (mm s) (Own i) - 1) ->
  done s ++ held (cc s) = pays (claims s).
Proof.
  intros E Nw. destruct (closed_last ks E) as [a [b [B1 [B2 [_ [Lk B4]]]]]]. rewrite B2.
  destruct (MpscHolds.inv_reach N most producers Npos s reached) as [[K _] _]. destruct (cinv_reach s reached) as [[_ _ _ _ e5 _] _].
  assert (b = nil) as ->; [|rewrite B1, app_nil_r; auto]. destruct b as [|x b]; auto. exfalso.
  assert (A : at_pos (claims s) (extent a) x) by (exists a, b; auto). destruct (a_own _ _ _ _ _ K _ x A) as [Ow Wx].
  destruct (nth_error ks (own x)) as [k|] eqn:Ek; [|apply nth_error_None in Ek; lia].
  destruct (B4 _ k Ek) as [_ [V Le]]. pose proof (Nw _ k Ek). subst k.
  assert (L : extent a + words x <= extent a); [|lia].
  apply (Le (extent a) x). split; [exact A|]. split; [reflexivity|]. apply (e5 (own x) V (extent a) x A eq_refl).
Qed.
End Closed.
