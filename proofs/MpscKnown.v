(* What the consumer knows of claims, and why its grace period skips no live one. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscClaims.

Section Known.
Variables N most producers : nat.
Notation tids := (Mpsc.tids producers).
Notation read := (Machine.read loc_dec tid_dec tids).
Notation write := (Machine.write loc_dec tid_dec tids).
Notation rmw := (Machine.rmw loc_dec tid_dec tids).
Notation learn := (Machine.learn tid_dec).
Notation step := (step N most producers shipped). Notation reach := (reach N most producers shipped).
Notation pstep := (pstep N most producers shipped). Notation cstep := (cstep N producers shipped).
Notation word := (word N). Notation cell := (cell N).

Definition opens p t n := match p with
  | Won _ t' n' | Fill _ t' n' _ _ _ _ | Ready _ t' n' _ _ => t = t' /\ n = n' | _ => False end.

(* Message a of a producer's announcement tells of its claim x at p, and each later one comes after
   the claim has ended, and knows that. *)
Definition announced (m : mem) p x a := let l := Ann (own x) in
  a < len m l /\ 0 < val (hist m l a) <= S p /\
  forall a', a < a' < len m l -> exists c, finished x = Some c /\ c <= ck (mview (hist m l a')) (Pr (own x)).

Record known (m : mem) (pp : nat -> producer) (al : nat -> bool) cl : Prop := {
  a_sane : sane m;
  a_wp   : last m WP = extent cl;
  a_wps  : forall k, k < len m WP -> val (hist m WP k) <= extent cl;
  a_own  : forall p x, at_pos cl p x -> own x < producers /\ 0 < words x;
  a_live : forall p x, at_pos cl p x -> what x = Live -> opens (pp (own x)) p (words x);
  a_dead : forall i, al i = false -> pp i = Away;
  a_done : forall p x c, at_pos cl p x -> finished x = Some c -> c <= clock m (own x);
  a_ann  : forall p x, at_pos cl p x -> exists a, announced m p x a /\
             forall k, k < len m WP -> p < val (hist m WP k) -> a <= ts (mview (hist m WP k)) (Ann (own x));
  a_said : forall i f t n, pp i = Said f t n -> 0 < n /\ last m (Ann i) = S t /\
             ts (tv m (Pr i)) (Ann i) = len m (Ann i) - 1;
  a_try  : forall i f t n, pp i = Try f t n -> 0 < n }.

Ltac split_known := refine (Build_known _ _ _ _ ?[sane] ?[wp] ?[wps] ?[own] ?[live] ?[dead] ?[done] ?[ann] ?[said] ?[try]).

Definition settled (m : mem) cl T i := forall p x, at_pos cl p x -> p < T -> own x < i ->
  exists c, finished x = Some c /\ c <= ck (tv m Co) (Pr (own x)).
Definition asked (m : mem) cl c := match c with
  | Ask _ _ _ _ T i | Doubt _ _ _ _ T i => T <= extent cl /\ settled m cl T i /\
      forall p x, at_pos cl p x -> p < T -> exists a, announced m p x a /\ a <= ts (tv m Co) (Ann (own x))
  | Again _ _ _ _ T | Scan _ _ _ _ T _ => T <= extent cl /\ settled m cl T producers
  | _ => True end.

Definition inv s := known (mm s) (pp s) (alive s) (claims s) /\ asked (mm s) (claims s) (cc s).

(* ---- what grows with memory ---- *)
Lemma clock_later m m' i : later m m' -> clock m i <= clock m' i.
Proof. intros L. apply (l_ck _ _ L). Qed.
Lemma announced_later m m' p x a : later m m' ->
  (forall a', len m (Ann (own x)) <= a' < len m' (Ann (own x)) ->
     exists c, finished x = Some c /\ c <= ck (mview (hist m' (Ann (own x)) a')) (Pr (own x))) ->
  announced m p x a -> announced m' p x a.
Proof.
  intros L New [A1 [A2 A3]]. pose proof (l_len _ _ L (Ann (own x))). split; [lia|]. split.
  - rewrite (l_val _ _ L) by auto. auto.
  - intros a' A. destruct (le_lt_dec (len m (Ann (own x))) a') as [G|G]; [apply New; lia|].
    destruct (A3 a') as [c [C1 C2]]; [lia|]. exists c. split; auto.
    etransitivity; [exact C2|apply (l_mck _ _ L); auto].
Qed.
Lemma settled_later m m' cl T i : later m m' -> settled m cl T i -> settled m' cl T i.
Proof.
  intros L S p x A Lt I. destruct (S p x A Lt I) as [c [C1 C2]]. exists c. split; auto.
  etransitivity; [exact C2|apply (l_ck _ _ L)].
Qed.

(* A step that touches no announcement and not write_pos. *)
Definition quiet (m m' : mem) := later m m' /\ sane m' /\ len m' WP = len m WP /\ forall i, len m' (Ann i) = len m (Ann i).
Lemma quiet_read na acq t l k m : sane m -> can_read m t l k -> quiet m (read na acq t l k m).
Proof. intros S K. split; [apply later_read; auto|]. split; [apply sane_read; auto|auto]. Qed.
Lemma quiet_write na rel t l x m : sane m -> l <> WP -> (forall i, l <> Ann i) -> quiet m (write na rel t l x m).
Proof.
  intros S W A. split; [apply later_write|]. split; [apply sane_write; auto|].
  split; [apply write_len_ne; auto|intros; apply write_len_ne; auto].
Qed.

Lemma announced_quiet m m' p x a : quiet m m' -> announced m p x a -> announced m' p x a.
Proof.
  intros [L [_ [_ Q]]]. apply announced_later; auto. intros a'. rewrite Q. lia.
Qed.
Lemma known_quiet m m' pp pp' al cl : quiet m m' ->
  (forall p x, at_pos cl p x -> what x = Live -> opens (pp (own x)) p (words x) -> opens (pp' (own x)) p (words x)) ->
  (forall i, al i = false -> pp i = Away -> pp' i = Away) ->
  (forall i f t n, pp' i = Said f t n -> 0 < n /\ last m' (Ann i) = S t /\ ts (tv m' (Pr i)) (Ann i) = len m' (Ann i) - 1) ->
  (forall i f t n, pp' i = Try f t n -> 0 < n) ->
  known m pp al cl -> known m' pp' al cl.
Proof.
  intros Q Op Aw Sd Ty [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10]. pose proof Q as [L [S [QW QA]]]. constructor; auto.
  - unfold last in *. rewrite QW. rewrite (l_val _ _ L); auto. pose proof (sn_len k1 WP). lia.
  - intros k K. rewrite QW in K. rewrite (l_val _ _ L) by auto. auto.
  - intros p x c A F. etransitivity; [eapply k7; eauto|apply clock_later; auto].
  - intros p x A. destruct (k8 p x A) as [a [A1 A2]]. exists a. split; [eapply announced_quiet; eauto|].
    intros k K V. rewrite QW in K. rewrite (l_val _ _ L) in V by auto.
    etransitivity; [apply (A2 k K V)|apply (l_mts _ _ L); auto].
Qed.
Lemma asked_quiet m m' cl c : quiet m m' -> sane m -> asked m cl c -> asked m' cl c.
Proof.
  intros Q Sn. pose proof Q as [L _]. destruct c; simpl; auto.
  1, 2: intros [T1 [T2 T3]]; split; auto; split; [eapply settled_later; eauto|]; intros p x A Lt;
    destruct (T3 p x A Lt) as [a [A1 A2]]; exists a; split; [eapply announced_quiet; eauto|];
    etransitivity; [exact A2|apply (l_ts _ _ L); auto].
  - intros [T1 T2]. split; auto. eapply settled_later; eauto.
  - intros [T1 T2]. split; auto. eapply settled_later; eauto.
Qed.

Lemma known_ext m pp pp' al cl : (forall j, pp' j = pp j) -> known m pp al cl -> known m pp' al cl.
Proof.
  intros E [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10]. constructor; auto; intros; rewrite ?E in *; eauto.
Qed.
Lemma upd_twice {A} (f : nat -> A) i x y j : upd f i y j = upd (upd f i x) i y j.
Proof. unfold upd. destruct (Nat.eq_dec i j); auto. Qed.

(* The announcement of producer i changes: all of its claims have ended. *)
Lemma known_announces m pp al cl i x p' : known m pp al cl -> al i = true ->
  (forall t n, ~ opens (pp i) t n) ->
  (forall f t n, p' = Said f t n -> x = S t /\ 0 < n) -> (forall f t n, p' <> Try f t n) ->
  known (write atomic true (Pr i) (Ann i) x m) (upd pp i p') al cl /\
  forall c, asked m cl c -> asked (write atomic true (Pr i) (Ann i) x m) cl c.
Proof.
  intros [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10] Al No Sd Ty. set (m' := write atomic true (Pr i) (Ann i) x m).
  assert (L : later m m') by apply later_write. assert (S : sane m') by (apply sane_write; auto).
  assert (Fin : forall p y, at_pos cl p y -> own y = i -> exists c, finished y = Some c /\ c <= clock m i).
  { intros p y A E. destruct (finished y) as [c|] eqn:F; [|exfalso].
    - exists c. split; auto. rewrite <- E. eapply k7; eauto.
    - unfold finished in F. destruct (what y) eqn:Wy; try discriminate. specialize (k5 p y A Wy). rewrite E in k5. eapply No; eauto. }
  assert (An : forall p y a, at_pos cl p y -> announced m p y a -> announced m' p y a).
  { intros p y a A. apply announced_later; auto. intros a' A'.
    destruct (Nat.eq_dec (own y) i) as [E|E].
    - destruct (Fin p y A E) as [c [C1 C2]]. exists c. split; auto. rewrite E in *. unfold m' in *. rewrite write_len_eq in A'.
      assert (a' = len m (Ann i)) as -> by lia. rewrite write_hist_new. cbn [mview]. rewrite write_ck_own.
      unfold clock in C2. lia.
    - unfold m' in A'. rewrite write_len_ne in A' by congruence. lia. }
  split.
  - split_known.
    [wp]: { unfold m'. rewrite write_last_ne by congruence. auto. }
    [wps]: { intros k K. unfold m' in *. rewrite write_len_ne in K by congruence. rewrite write_hist_ne by congruence. auto. }
    [live]: { intros p y A Wy. unfold upd. destruct (Nat.eq_dec i (own y)) as [E|E]; [|apply k5; auto].
      destruct (Fin p y A) as [c [C1 _]]; auto. unfold finished in C1. rewrite Wy in C1. discriminate. }
    [dead]: { intros j J. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; [congruence|auto]. }
    [done]: { intros p y c A F. etransitivity; [eapply k7; eauto|apply clock_later; auto]. }
    [ann]: { intros p y A. destruct (k8 p y A) as [a [A1 A2]]. exists a. split; [apply An; auto|].
      intros k K V. unfold m' in *. rewrite write_len_ne in K by congruence. rewrite write_hist_ne in V by congruence.
      rewrite write_hist_ne by congruence. auto. }
    [said]: { intros j f t n. unfold upd. destruct (Nat.eq_dec i j) as [<-|E].
      * intros P. destruct (Sd f t n P) as [Ex Pn]. split; auto. split; [rewrite <- Ex; apply write_last_eq|].
        unfold m'. rewrite write_ts, write_len_eq. destruct (loc_dec (Ann i) (Ann i)); [lia|congruence].
      * intros P. destruct (k9 j f t n P) as [X0 [X1 X2]].
        assert (E1 : last m' (Ann j) = last m (Ann j)) by (apply write_last_ne; congruence).
        assert (E2 : len m' (Ann j) = len m (Ann j)) by (apply write_len_ne; congruence).
        assert (E3 : tv m' (Pr j) = tv m (Pr j)) by (apply write_tv_other; congruence).
        rewrite E1, E2, E3. auto. }
    [try]: { intros j f t n. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; [intros P; destruct (Ty f t n P)|apply k10]. }
    all: auto.
  - intros c. destruct c; simpl; auto.
    1-2: intros [T1 [T2 T3]]; split; auto; split; [eapply settled_later; eauto|]; intros p y A Lt;
      destruct (T3 p y A Lt) as [a [A1 A2]]; exists a; split; [apply An; auto|];
      etransitivity; [exact A2|apply (l_ts _ _ L); auto].
    all: intros [T1 T2]; split; auto; eapply settled_later; eauto.
Qed.

(* The open claim of producer i ends. *)
Lemma known_becomes m pp al cl i ps t p' al' : known m pp al cl -> cuts cl i ps t -> t <= clock m i ->
  (forall t n, ~ opens p' t n) -> (forall f t n, p' <> Said f t n) -> (forall f t n, p' <> Try f t n) ->
  (forall j, al' j = false -> al j = false \/ j = i /\ p' = Away) -> (al' i = false -> p' = Away) ->
  known m (upd pp i p') al' (becomes cl i ps) /\ forall c, asked m cl c -> asked m (becomes cl i ps) c.
Proof.
  intros [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10] Cu Cl No Ns Nt Al' Al2.
  assert (Ex : extent (becomes cl i ps) = extent cl) by (eapply becomes_extent; eauto).
  (* A piece y lies behind where its claim began, and is of the same producer, which has announced no other since. *)
  assert (Pi : forall p y, at_pos (becomes cl i ps) p y -> at_pos cl p y /\ ~ open i y \/
    exists q x, at_pos cl q x /\ open i x /\ q <= p /\ own y = i /\ 0 < words y /\ finished y = Some t).
  { intros p y A. destruct (at_pos_becomes cl i ps t p y Cu A) as [X|[q [x [z [B [O [D ->]]]]]]]; [left; auto|right].
    exists q, x. split; auto. split; auto. split; [lia|]. destruct (Cu x (at_pos_in _ _ _ B) O) as [_ X]. apply X. eapply at_pos_in; eauto. }
  assert (An : forall p q x y a, announced m q x a -> open i x -> q <= p -> own y = i -> announced m p y a).
  { intros p q x y a [A1 [A2 A3]] [Lx Ox] Le Oy. unfold announced in *. rewrite Ox in *. rewrite Oy. split; auto. split; [lia|].
    intros a' A'. destruct (A3 a' A') as [c [C1 _]]. unfold finished in C1. rewrite Lx in C1. discriminate. }
  assert (Se : forall T j, settled m cl T j -> settled m (becomes cl i ps) T j).
  { intros T j S p y A Lt I. destruct (Pi p y A) as [[B _]|[q [x [B [[O1 O2] [Le [Oy _]]]]]]]; [apply (S p y B Lt I)|].
    exfalso. destruct (S q x B) as [c [C1 _]]; [lia|congruence|]. unfold finished in C1. rewrite O1 in C1. discriminate. }
  split.
  - split_known.
    [wp]: { rewrite Ex. auto. }
    [wps]: { rewrite Ex. auto. }
    [own]: { intros p y A. destruct (Pi p y A) as [[B _]|[q [x [B [[_ O2] [_ [Oy [W _]]]]]]]]; [eauto|].
      split; auto. rewrite Oy, <- O2. apply (k4 q x B). }
    [live]: { intros p y A Wy. destruct (Pi p y A) as [[B O]|[q [x [_ [_ [_ [_ [_ F]]]]]]]].
      * unfold upd. destruct (Nat.eq_dec i (own y)) as [E|E]; [destruct O; split; auto|]. apply k5; auto.
      * unfold finished in F. rewrite Wy in F. discriminate. }
    [dead]: { intros j J. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; auto. destruct (Al' j J) as [X|[X _]]; [auto|congruence]. }
    [done]: { intros p y c A F. destruct (Pi p y A) as [[B O]|[q [x [_ [_ [_ [Oy [_ F2]]]]]]]]; [eapply k7; eauto|].
      rewrite F2 in F. injection F as <-. rewrite Oy. auto. }
    [ann]: { intros p y A. destruct (Pi p y A) as [[B O]|[q [x [B [O [Le [Oy _]]]]]]]; [auto|].
      destruct (k8 q x B) as [a [A1 A2]]. exists a. split; [apply (An p q x); auto|]. rewrite Oy. destruct O as [_ O2]. rewrite O2 in A2.
      intros k K V. apply A2; auto. lia. }
    [said]: { intros j f t' n. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; [intros P; destruct (Ns f t' n P)|apply k9]. }
    [try]: { intros j f t' n. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; [intros P; destruct (Nt f t' n P)|apply k10]. }
    all: auto.
  - intros c. destruct c; simpl; auto; rewrite Ex.
    1-2: intros [T1 [T2 T3]]; split; auto; split; auto; intros p y A Lt;
      destruct (Pi p y A) as [[B _]|[q [x [B [O [Le [Oy _]]]]]]]; [apply (T3 p y B Lt)|];
      destruct (T3 q x B) as [a [A1 A2]]; [lia|]; exists a; split; [apply (An p q x); auto|];
      rewrite Oy; destruct O as [_ O2]; rewrite O2 in A2; exact A2.
    all: intros [T1 T2]; auto.
Qed.

(* Producer i wins a claim. *)
Lemma known_claims m pp al cl i f t n : known m pp al cl -> al i = true -> i < producers -> pp i = Said f t n -> last m WP = t ->
  known (rmw false true (Pr i) WP (t + n) m) (upd pp i (Won f t n)) al (cl ++ [Claim n i Live]) /\
  forall c, asked m cl c -> asked (rmw false true (Pr i) WP (t + n) m) (cl ++ [Claim n i Live]) c.
Proof.
  intros [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10] Al Ip P Lw. set (m' := rmw false true (Pr i) WP (t + n) m).
  destruct (k9 i f t n P) as [Pn [P1 P2]].
  pose proof (sn_len k1 WP) as PW. pose proof (sn_len k1 (Ann i)) as PA.
  assert (L : later m m') by (apply later_rmw; auto). assert (S : sane m') by (apply sane_rmw; auto).
  assert (LW : len m' WP = Datatypes.S (len m WP)) by (unfold m'; rewrite rmw_len; reflexivity).
  assert (LA : forall j, len m' (Ann j) = len m (Ann j)) by (intros; unfold m'; rewrite rmw_len; reflexivity).
  assert (HA : forall j, hist m' (Ann j) = hist m (Ann j)) by (intros; apply rmw_other; congruence).
  destruct (rmw_new tids false true (Pr i) WP (t + n) m PW) as [N1 [N2 N3]]. specialize (N3 eq_refl). fold m' in N1, N2, N3.
  assert (An : forall p y a, announced m p y a -> announced m' p y a).
  { intros p y a. apply announced_later; auto. intros a'. rewrite LA. lia. }
  assert (Et : extent (cl ++ [Claim n i Live]) = t + n) by (rewrite extent_app; simpl; lia).
  assert (NoL : forall p x, at_pos cl p x -> what x = Live -> own x <> i).
  { intros p x A Wx E. specialize (k5 p x A Wx). rewrite E, P in k5. exact k5. }
  split.
  - split_known.
    [wp]: { rewrite Et. unfold last. rewrite LW. replace (Datatypes.S (len m WP) - 1) with (len m WP) by lia. auto. }
    [wps]: { intros k K. rewrite LW in K. rewrite Et. destruct (Nat.eq_dec k (len m WP)) as [->|E]; [lia|].
      rewrite (l_val _ _ L) by lia. specialize (k3 k). lia. }
    [own]: { intros p x A. apply at_pos_snoc in A. destruct A as [A|[-> ->]]; eauto. }
    [live]: { intros p x A Wx. apply at_pos_snoc in A. destruct A as [A|[-> ->]].
      * unfold upd. destruct (Nat.eq_dec i (own x)) as [E|E]; [|auto]. destruct (NoL p x A Wx). auto.
      * simpl. unfold upd. destruct (Nat.eq_dec i i); [|congruence]. simpl. split; auto. congruence. }
    [dead]: { intros j J. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; [congruence|auto]. }
    [done]: { intros p x c A F. apply at_pos_snoc in A. destruct A as [A|[-> ->]]; [|discriminate].
      etransitivity; [eapply k7; eauto|apply clock_later; auto]. }
    [ann]: { intros p x A. apply at_pos_snoc in A. destruct A as [A|[-> ->]].
      * destruct (k8 p x A) as [a [A1 A2]]. exists a. split; auto. intros k K V. rewrite LW in K.
        pose proof (at_pos_end cl p x A) as AE. destruct (k4 p x A) as [_ W0].
        destruct (Nat.eq_dec k (len m WP)) as [->|E].
        -- etransitivity; [apply (A2 (len m WP - 1)); [lia|]|apply N2]. unfold last in k2. rewrite k2. lia.
        -- rewrite (l_val _ _ L) in V by lia. etransitivity; [apply (A2 k); [lia|auto]|apply (l_mts _ _ L); lia].
      * exists (len m (Ann i) - 1). split.
        -- unfold announced. cbn [own]. rewrite LA, HA. split; [lia|]. split; [|intros a' A'; lia].
           unfold last in P1. rewrite P1. lia.
        -- cbn [own]. intros k K V. rewrite LW in K. destruct (Nat.eq_dec k (len m WP)) as [->|E].
           ++ rewrite <- P2. apply N3. congruence.
           ++ rewrite (l_val _ _ L) in V by lia. specialize (k3 k). lia. }
    [said]: { intros j f' t' n'. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; [discriminate|]. intros Pj.
      destruct (k9 j f' t' n' Pj) as [X0 [X1 X2]]. split; auto. unfold last. rewrite LA, HA. split; [exact X1|].
      rewrite <- X2. unfold m', Machine.rmw, carry. cbn [tv]. rewrite write_tv_other, read_tv_other by congruence. auto. }
    [try]: { intros j f' t' n'. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; [discriminate|apply k10]. }
    all: auto.
  - assert (Se : forall T j, T <= extent cl -> settled m cl T j -> settled m' (cl ++ [Claim n i Live]) T j).
    { intros T j TE Se p x A Lt I. apply at_pos_snoc in A. destruct A as [A|[-> ->]]; [|lia].
      eapply settled_later; eauto. }
    intros c. destruct c; simpl; auto; rewrite Et.
    1-2: intros [T1 [T2 T3]]; split; [lia|]; split; auto; intros p x A Lt; apply at_pos_snoc in A; destruct A as [A|[-> ->]]; [|lia];
      destruct (T3 p x A Lt) as [a [A1 A2]]; exists a; split; [auto|]; exact (Nat.le_trans _ _ _ A2 (l_ts _ _ L Co (Ann (own x)) k1)).
    + intros [T1 T2]. split; [lia|auto].
    + intros [T1 T2]. split; [lia|auto].
Qed.

(* A quiet step of producer i. *)
Lemma quietly m m' pp al cl c i p' : known m pp al cl -> asked m cl c -> al i = true -> quiet m m' ->
  (forall t n, opens (pp i) t n -> opens p' t n) -> (forall f t n, p' <> Said f t n) -> (forall f t n, p' = Try f t n -> 0 < n) ->
  (forall j, j <> i -> tv m' (Pr j) = tv m (Pr j)) -> (forall j, hist m' (Ann j) = hist m (Ann j)) ->
  known m' (upd pp i p') al cl /\ asked m' cl c.
Proof.
  intros K A Al Q Op Ns Nt Tv Ha. pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10]. pose proof Q as [L [S [QW QA]]].
  split; [|apply (asked_quiet m); auto]. apply (known_quiet m m' pp); auto.
  - intros p x _ _. unfold upd. destruct (Nat.eq_dec i (own x)) as [<-|E]; auto.
  - intros j J _. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; [congruence|auto].
  - intros j f t n. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; [intros P; destruct (Ns f t n P)|]. intros P.
    destruct (k9 j f t n P) as [X0 [X1 X2]]. split; auto. unfold last. rewrite QA, Ha, Tv by auto. auto.
  - intros j f t n. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; [apply Nt|apply k10].
Qed.

Lemma inv_producer m pp al c cl d sd rc i m' p' cl' : i < producers -> al i = true -> inv (St m pp al c cl d sd rc) ->
  pstep i m (pp i) cl m' p' cl' -> inv (St m' (upd pp i p') al c cl' d sd rc).
Proof.
  intros Ip Al [K A] Hs. unfold inv. cbn [mm Mpsc.pp alive claims cc] in *. pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10].
  assert (Rd : forall acq l k, can_read m (Pr i) l k -> (forall j, j <> i -> tv (read false acq (Pr i) l k m) (Pr j) = tv m (Pr j))).
  { intros. apply read_tv_other. congruence. }
  assert (Wr : forall na rel l x j, j <> i -> tv (write na rel (Pr i) l x m) (Pr j) = tv m (Pr j)).
  { intros. apply write_tv_other. congruence. }
  assert (Hw : forall na rel l x j, (forall i, l <> Ann i) -> hist (write na rel (Pr i) l x m) (Ann j) = hist m (Ann j)).
  { intros. unfold Machine.write. cbn [hist]. apply updl_ne. auto. }
  remember (pp i) as p eqn:Ep. destruct Hs; cbn [shipped free_load idle_store claim_store publish_store] in *.
  - apply (quietly m); auto; [apply quiet_read; auto|rewrite <- Ep; simpl; auto|discriminate|discriminate].
  - apply (quietly m); auto; [apply quiet_read; auto|rewrite <- Ep; simpl; auto|discriminate|discriminate].
  - apply (quietly m); auto; [apply quiet_read; auto|rewrite <- Ep; simpl; auto|discriminate|]. intros ? ? ? E. injection E as <- <- <-. lia.
  - apply (quietly m); auto; [apply quiet_read; auto|rewrite <- Ep; simpl; auto|discriminate|]. intros ? ? ? E. injection E as <- <- <-. eapply k10; eauto.
  - apply (quietly m); auto; [apply quiet_read; auto|rewrite <- Ep; simpl; auto|discriminate|]. intros ? ? ? E. injection E as <- <- <-. eapply k10; eauto.
  - apply (quietly m); auto; [|rewrite <- Ep; simpl; auto|discriminate|discriminate]. split; [apply later_refl|auto].
  - (* announces *) destruct (known_announces m pp al l i (Datatypes.S t) (Said f t n) K Al) as [X1 X2].
    + intros t' n'. rewrite <- Ep. simpl. auto.
    + intros ? ? ? E. injection E as <- <- <-. split; auto. eapply k10; eauto.
    + discriminate.
    + auto.
  - (* claims *) destruct (known_claims m pp al l i f t n K Al Ip) as [X1 X2]; auto.
  - (* another was faster *) destruct (k9 i f t n (eq_sym Ep)) as [Pn _].
    apply (quietly m); auto; [apply quiet_read; auto|rewrite <- Ep; simpl; auto|discriminate|]. intros ? ? ? E. injection E as <- <- <-. auto.
  - apply (quietly m); auto; [apply quiet_write; auto; discriminate|rewrite <- Ep; simpl; auto|discriminate|discriminate].
  - apply (quietly m); auto; [apply quiet_write; auto; discriminate|rewrite <- Ep; simpl; auto|discriminate|discriminate].
  - (* a record is whole *) apply (quietly m); auto; [split; [apply later_refl|auto]|rewrite <- Ep; simpl; auto|discriminate|discriminate].
  - apply (quietly m); auto; [apply quiet_write; auto; discriminate|rewrite <- Ep; simpl; auto|discriminate|discriminate].
  - apply (quietly m); auto; [split; [apply later_refl|auto]|rewrite <- Ep; simpl; auto|discriminate|discriminate].
  - apply (quietly m); auto; [apply quiet_write; auto; discriminate|rewrite <- Ep; simpl; auto|discriminate|discriminate].
  - (* commits *)
    set (m' := write false true (Pr i) (word t) (committed (size x)) m).
    assert (Q : quiet m m') by (apply quiet_write; auto; discriminate).
    destruct (quietly m m' pp al l c i (Ready f t n r (x :: b)) K A Al Q) as [X1 X2];
      [rewrite <- Ep; simpl; auto|discriminate|discriminate|apply Wr|intros; apply Hw; discriminate|].
    destruct (known_becomes m' _ al l i (fun _ => pieces i (Datatypes.S (clock m i)) (x :: b) r) (Datatypes.S (clock m i)) (Settle f) al X1)
      as [Y1 Y2]; auto; try discriminate.
    + intros z I [Lz Oz]. rewrite total_pieces. split; [|apply in_pieces].
      destruct (in_at_pos l z I) as [q B]. pose proof (k5 q z B Lz) as Op. rewrite Oz, <- Ep in Op. destruct Op as [_ ->]. auto.
    + unfold clock, m'. rewrite write_ck_own. auto.
    + congruence.
    + split; [|apply Y2; auto]. eapply known_ext; [|exact Y1]. intros j'. apply upd_twice.
  - (* aborts *)
    set (m' := write false true (Pr i) (word t) (aborted n) m).
    assert (Q : quiet m m') by (apply quiet_write; auto; discriminate).
    destruct (quietly m m' pp al l c i (Fill f t n r b x 0) K A Al Q) as [X1 X2];
      [rewrite <- Ep; simpl; auto|discriminate|discriminate|apply Wr|intros; apply Hw; discriminate|].
    destruct (known_becomes m' _ al l i (fun n => [Claim n i (Left (Datatypes.S (clock m i)))]) (Datatypes.S (clock m i)) (Settle f) al X1)
      as [Y1 Y2]; auto; try discriminate.
    + apply cuts_one; auto. intros z I. destruct (in_at_pos l z I) as [q B]. apply (k4 q z B).
    + unfold clock, m'. rewrite write_ck_own. auto.
    + congruence.
    + split; [|apply Y2; auto]. eapply known_ext; [|exact Y1]. intros j'. apply upd_twice.
  - (* settles *) destruct (known_announces m pp al l i 0 (Free f) K Al) as [X1 X2]; auto; try discriminate.
    intros t' n'. rewrite <- Ep. simpl. auto.
  - (* is new *) apply (quietly m); auto; [apply quiet_read; auto|rewrite <- Ep; simpl; auto|discriminate|discriminate].
Qed.

(* What the consumer does leaves claims as they are. *)
Lemma consumer_quiet m m' pp al cl : quiet m m' -> (forall j, tv m' (Pr j) = tv m (Pr j)) ->
  (forall j, hist m' (Ann j) = hist m (Ann j)) -> known m pp al cl -> known m' pp al cl.
Proof.
  intros Q Tv Ha K. pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10]. pose proof Q as [L [S [QW QA]]].
  apply (known_quiet m m' pp); auto. intros i f t n P. destruct (k9 i f t n P) as [X0 [X1 X2]].
  split; auto. unfold last. rewrite QA, Ha, Tv. auto.
Qed.

Lemma inv_consumer m pp al c cl d sd rc rc' m' c' d' : inv (St m pp al c cl d sd rc) -> cstep al m c d m' c' d' ->
  inv (St m' pp al c' cl d' sd rc').
Proof.
  intros [K A] Hs. unfold inv. cbn [mm Mpsc.pp alive claims cc] in *. pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10].
  assert (Rd : forall na acq l k, can_read m Co l k -> known (read na acq Co l k m) pp al cl /\ quiet m (read na acq Co l k m)).
  { intros na acq l k R. assert (Q : quiet m (read na acq Co l k m)) by (apply quiet_read; auto). split; auto.
    apply (consumer_quiet m); [exact Q|intros; apply read_tv_other; congruence|reflexivity|exact K]. }
  assert (Wr : forall na rel l x, l <> WP -> (forall i, l <> Ann i) -> known (write na rel Co l x m) pp al cl).
  { intros na rel l x W Na. apply (consumer_quiet m); [apply quiet_write; auto|intros; apply write_tv_other; congruence| |exact K].
    intros. unfold Machine.write. cbn [hist]. apply updl_ne. auto. }
  assert (RdP : forall l i, i = len m l - 1 -> can_read m Co l i).
  { intros l i ->. pose proof (sn_len k1 l). split; [|lia].
    pose proof (sn_ts k1 (v := tv m Co) (or_introl (ex_intro _ Co eq_refl)) l). lia. }
  destruct Hs; cbn [shipped publish_load free_store claim_load idle_load asked] in *.
  - split; [apply Rd; auto|exact I].
  - split; [apply Rd; auto|exact I].
  - split; [apply Wr; discriminate|exact I].
  - split; [apply Rd; auto|]. destruct (state_of v =? 2); [exact I|destruct (state_of v =? 3); exact I].
  - split; [apply Rd; auto|exact I].
  - auto.
  - split; [apply Wr; discriminate|exact I].
  - split; [apply Wr; discriminate|exact I].
  - split; [apply Wr; discriminate|exact I].
  - split; [apply Wr; discriminate|exact I].
  - split; [apply Wr; discriminate|exact I].
  - split; [apply Rd; auto|exact I].
  - split; [apply Rd; auto|exact I].
  - (* reads T *) destruct (Rd false true WP k) as [K' Q]; auto. split; auto. destruct (c =? T); [exact I|]. subst T.
    pose proof Q as [L _]. destruct H as [R1 R2].
    split; [apply k3; auto|]. split; [intros p x _ _ Lt; lia|]. intros p x At Lt.
    destruct (k8 p x At) as [a [A1 A2]]. exists a. split; [apply (announced_quiet m); auto|].
    etransitivity; [apply (A2 k R2 Lt)|]. rewrite read_ts. cbv zeta. lia.
  - (* an announcement that is idle, or beyond *)
    destruct (Rd false true (Ann i) k) as [K' Q]; auto. split; auto. pose proof Q as [L _]. destruct A as [T1 [T2 T3]].
    split; auto. split.
    + intros p x At Lt Ow. destruct (Nat.eq_dec (own x) i) as [E|E].
      * destruct (T3 p x At Lt) as [a' [[B1 [B2 B3]] C1]]. rewrite E in *.
        assert (a' < k). { destruct H0 as [R1 R2]. destruct (Nat.eq_dec a' k) as [->|]; [|lia]. subst a. lia. }
        destruct (B3 k) as [t [F1 F2]]; [destruct H0; lia|]. exists t. split; auto.
        etransitivity; [exact F2|]. rewrite read_ck by congruence. lia.
      * destruct (T2 p x At Lt) as [t [F1 F2]]; [lia|]. exists t. split; auto. etransitivity; [exact F2|apply (l_ck _ _ L)].
    + intros p x At Lt. destruct (T3 p x At Lt) as [a' [B C1]]. exists a'. split; [apply (announced_quiet m); auto|].
      etransitivity; [exact C1|apply (l_ts _ _ L); auto].
  - (* one that is below *)
    destruct (Rd false true (Ann i) k) as [K' Q]; auto. split; auto. apply (asked_quiet m _ cl (Ask c r f h T i)); auto.
  - split; [exact K|exact I].
  - (* the kernel says that it is dead *)
    assert (Q2 : quiet m (learn Co (Pr i) m)).
    { split; [apply later_learn|]. split; [apply sane_learn; auto|auto]. }
    pose proof Q2 as [L2 _]. split.
    { apply (consumer_quiet m); [exact Q2| |reflexivity|exact K].
      intros. unfold Machine.learn, updt. cbn [tv]. destruct (tid_dec Co (Pr j)); [discriminate|auto]. }
    destruct A as [T1 [T2 T3]]. split; auto. split.
    + intros p x At Lt Ow. destruct (Nat.eq_dec (own x) i) as [E|E].
      * destruct (finished x) as [t|] eqn:F.
        -- exists t. split; auto. pose proof (k7 p x t At F) as Cl. rewrite E in *. unfold Machine.learn, updt. cbn [tv].
           destruct (tid_dec Co Co); [|congruence]. unfold join. cbn [ck]. unfold clock in Cl. lia.
        -- exfalso. unfold finished in F. destruct (what x) eqn:Wx; try discriminate.
           specialize (k5 p x At Wx). rewrite E, (k6 i H0) in k5. exact k5.
      * destruct (T2 p x At Lt) as [t [F1 F2]]; [lia|]. exists t. split; auto.
        etransitivity; [exact F2|]. apply (l_ck _ _ L2).
    + intros p x At Lt. destruct (T3 p x At Lt) as [a' [B C1]]. exists a'.
      split; [apply (announced_quiet m); auto|]. etransitivity; [exact C1|]. apply (l_ts _ _ L2); auto.
  - destruct A as [T1 [T2 T3]]. auto.
  - (* the header once more *) destruct (Rd false false (word c) k) as [K' Q]; auto. split; auto.
    destruct A as [T1 T2]. destruct (v =? 0); [|destruct (state_of v =? 1); exact I].
    split; auto; apply (settled_later m); auto; apply Q.
  - destruct (Rd false false (word q) k) as [K' Q]; auto. split; auto.
    destruct A as [T1 T2]. destruct (v =? 0); [|unfold scanned; destruct (c =? f); exact I].
    split; auto; apply (settled_later m); auto; apply Q.
  - unfold scanned. split; auto. destruct (c =? f); exact I.
  - split; [apply Wr; discriminate|exact I].
Qed.

Lemma newest_readable (m : mem) t l k : sane m -> k = len m l - 1 -> can_read m t l k.
Proof.
  intros Sn ->. pose proof (sn_ts Sn (v := tv m t) (or_introl (ex_intro _ t eq_refl)) l). split; lia.
Qed.
Lemma reads_control m p al c l d e q e' q' na acq x k : inv (St m p al c l d e q) -> can_read m Co x k ->
  inv (St (read na acq Co x k m) p al c l d e' q').
Proof.
  intros [K A] R. unfold inv. cbn [mm Mpsc.pp alive claims cc] in *.
  assert (Q : quiet m (read na acq Co x k m)) by (apply quiet_read; [apply (a_sane _ _ _ _ K)|auto]).
  split; [|apply (asked_quiet m); auto; apply (a_sane _ _ _ _ K)].
  apply (consumer_quiet m); auto.
Qed.

Lemma inv_step s s' : inv s -> step s s' -> inv s'.
Proof.
  intros I Hs. destruct Hs.
  - eapply inv_producer; eauto.
  - (* dies *) destruct I as [K A]. unfold inv. cbn [mm Mpsc.pp alive claims cc] in *.
    destruct (known_becomes m p al l i (fun n => [Claim n i (Gone (clock m i))]) (clock m i) Away (upd al i false) K) as [X1 X2]; auto; try discriminate.
    + apply cuts_one; auto. intros z I. destruct (in_at_pos l z I) as [q0 B]. apply (a_own _ _ _ _ K q0 z B).
    + intros j. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; auto.
  - (* comes *) destruct I as [K A]. unfold inv. cbn [mm Mpsc.pp alive claims cc] in *. split; auto.
    pose proof K as [k1 k2 k3 k4 k5 k6 k7 k8 k9 k10].
    constructor; auto.
    + intros q0 x At Wx. unfold upd. destruct (Nat.eq_dec i (own x)) as [E|E]; auto.
      specialize (k5 q0 x At Wx). rewrite <- E, (k6 i H0) in k5. destruct k5.
    + intros j. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; [discriminate|auto].
    + intros j f t n. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; [discriminate|apply k9].
    + intros j f t n. unfold upd. destruct (Nat.eq_dec i j) as [<-|E]; [discriminate|apply k10].
  - eapply inv_consumer; eauto.
  - destruct I as [K A]. split; auto. exact Logic.I.
  - (* enters *) destruct I as [K A]. unfold inv. cbn [mm Mpsc.pp alive claims cc] in *. pose proof (a_sane _ _ _ _ K) as Sn.
    assert (Tv : forall j, j <> i -> tv (rmw true false (Pr i) (Own i) 1 m) (Pr j) = tv m (Pr j)).
    { intros j E. unfold Machine.rmw, carry. cbn [tv]. rewrite write_tv_other, read_tv_other by congruence. auto. }
    apply (quietly m); auto; try discriminate.
    + split; [apply later_rmw; auto|]. split; [apply sane_rmw; auto|]. split; [rewrite rmw_len; reflexivity|intros; rewrite rmw_len; reflexivity].
    + rewrite H1. auto.
  - (* closes *) destruct I as [K A]. unfold inv. cbn [mm Mpsc.pp alive claims cc] in *. pose proof (a_sane _ _ _ _ K) as Sn.
    apply (quietly m); auto; try discriminate; [apply quiet_write; auto; discriminate|rewrite H1; auto|].
    intros. apply write_tv_other. congruence.
  - exact I.
  - apply (reads_control m) with (q := Asking a b ks) (e := e); auto.
  - destruct I as [K A]. split; [exact K|exact Logic.I].
  - apply (reads_control m) with (q := q) (e := e); auto.
  - destruct I as [K A]. split; [exact K|exact Logic.I].
  - apply (reads_control m) with (q := q) (e := e); [exact I|]. destruct I as [K A]. apply newest_readable; auto. apply (a_sane _ _ _ _ K).
Qed.

Lemma inv_init : inv init.
Proof.
  split; [|exact I]. constructor; simpl; auto; try discriminate.
  - apply sane_start.
  - intros p x [a [b [E _]]]. destruct a; discriminate.
  - intros p x [a [b [E _]]]. destruct a; discriminate.
  - intros p x c [a [b [E _]]]. destruct a; discriminate.
  - intros p x [a [b [E _]]]. destruct a; discriminate.
Qed.

Lemma inv_reach s : reach s -> inv s.
Proof. induction 1; [apply inv_init|eapply inv_step; eauto]. Qed.
End Known.
