(* What many producers' ring keeps of its data, and that each kind of access keeps it. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscClaims MpscKnown MpscFacts.

Section Data.
Variables N most producers : nat.
Hypothesis Npos : 0 < N.
Notation tids := (Mpsc.tids producers).
Notation read := (Machine.read loc_dec tid_dec tids).
Notation write := (Machine.write loc_dec tid_dec tids).
Notation rmw := (Machine.rmw loc_dec tid_dec tids).
Notation learn := (Machine.learn tid_dec).
Notation word := (word N). Notation cell := (cell N).
Notation known := (known producers).

(* Index i belongs to n words at p: it is that of one of these positions, or of one in the extension
   that would be, had the data not ended. *)
Definition occ p n i := exists q, p <= q < p + n /\ i mod N = q mod N.
Lemma occ_index p n i : occ p n i -> 0 < n /\ (i < N -> exists q, p <= q < p + n /\ i = q mod N).
Proof. intros [q [Q E]]. split; [lia|]. intros L. exists q. rewrite Nat.mod_small in E by auto. auto. Qed.
Lemma occ_apart f p n q k i : f <= p -> p + n <= q -> q + k <= f + N -> occ p n i -> occ q k i -> False.
Proof. intros L1 L2 L3 [a [A E]] [b [B F]]. rewrite E in F. apply mod_same in F; lia. Qed.
Lemma occ_word p n q : p <= q < p + n -> occ p n (q mod N).
Proof. intros Q. exists q. rewrite Nat.mod_mod by lia. auto. Qed.
Lemma occ_cell p n q j : p <= q + 1 + j < p + n -> occ p n (q mod N + 1 + j).
Proof. intros Q. exists (q + 1 + j). split; [lia|]. rewrite <- !Nat.add_assoc, Nat.add_mod_idemp_l by lia. auto. Qed.
(* What belongs to a claim belongs to one of its pieces. *)
Lemma occ_piece l p i : occ p (extent l) i -> exists z y, at_pos l z y /\ occ (p + z) (words y) i.
Proof.
  intros [q [Q E]]. destruct (containing l (q - p)) as [z [y [A B]]]; [lia|]. exists z, y. split; auto. exists q. split; [lia|auto].
Qed.

Definition boundary cl p := p = extent cl \/ exists x, at_pos cl p x.

(* What a view that knows all below f need not know: accesses to the claims from there on. *)
Definition excused cl f i na wr (t : tid) :=
  (exists p x, at_pos cl p x /\ f <= p /\ occ p (words x) i /\ (t = Pr (own x) \/ t = Co /\ what x <> Live)) \/
  (t = Co /\ na = atomic /\ wr = false /\ exists p, f <= p <= extent cl /\ i = p mod N /\ boundary cl p).
Definition knows_acc (m : mem) cl (v : view loc tid) f := forall i na wr t,
  acc m na wr (D i) t <= ck v t \/ excused cl f i na wr t.

Definition untouched (m : mem) q := last m (word q) = 0 /\ len m (word q) - 1 <= ts (tv m Co) (word q).
Definition placed (m : mem) o p v := last m (word p) = v /\ who (hist m (word p) (len m (word p) - 1)) = Pr o.
Definition stamped (m : mem) p x v c := let l := word p in
  last m l = v /\ who (hist m l (len m l - 1)) = Pr (own x) /\
  exists k0, k0 < len m l /\ k0 <= ts (tv m Co) l /\ forall k, k0 <= k < len m l ->
    val (hist m l k) = 0 \/ state_of (val (hist m l k)) = 1 \/
    (val (hist m l k) = v /\ c <= ck (mview (hist m l k)) (Pr (own x))).
(* x at p is a piece behind another: both ended at once. Who has passed that one knows all of this one. *)
Definition follows cl p x := exists q z c, at_pos cl q z /\ q + words z = p /\ own z = own x /\
  finished z = Some c /\ finished x = Some c.
Definition shown cl (m : mem) p x v c := stamped m p x v c \/ placed m (own x) p v /\ follows cl p x.
Definition all_untouched (m : mem) p n := forall q, p <= q < p + n -> untouched m q.
Definition written (m : mem) p (y : list nat) j := forall i, i < j -> last m (cell p i) = nth i y 0.
(* Records of o from p on, with their headers; and such, of which the first has none yet. *)
Fixpoint laid (m : mem) o p (b : list (list nat)) := match b with nil => True | y :: b =>
  placed m o p (committed (size y)) /\ written m p y (length y) /\ laid m o (p + size y) b end.
Definition headless (m : mem) o p (b : list (list nat)) := match b with nil => True | y :: b =>
  written m p y (length y) /\ laid m o (p + size y) b end.
Definition tailed (m : mem) o p r := 0 < r -> placed m o p (aborted r).

Definition good cl (m : mem) (pp : nat -> producer) p x := match what x with
  | Live => match pp (own x) with
    | Won _ _ _ => all_untouched m p (words x)
    | Fill _ _ _ r b y j => total b + size y + r <= words x /\ j <= length y /\ stamped m p x (busy (words x)) 0 /\
        headless m (own x) p b /\ written m (p + total b) y j /\ tailed m (own x) (p + (words x - r)) r
    | Ready _ _ _ r b => total b + r <= words x /\ b <> nil /\ stamped m p x (busy (words x)) 0 /\
        headless m (own x) p b /\ tailed m (own x) (p + (words x - r)) r
    | _ => False end
  | Gone _ => all_untouched m p (words x) \/ stamped m p x (busy (words x)) 0
  | Came c y => size y = words x /\ shown cl m p x (committed (words x)) c /\ written m p y (length y)
  | Left c => shown cl m p x (aborted (words x)) c end.

Definition frees p := match p with
  | Free f | Try f _ _ | Said f _ _ | Won f _ _ | Fill f _ _ _ _ _ _ | Ready f _ _ _ _ | Settle f => Some f | _ => None end.
Definition has_room p := match p with
  | Said f t n | Won f t n | Fill f t n _ _ _ _ | Ready f t n _ _ => f <= t /\ t + n <= f + N | _ => True end.

(* hole: a position whose claim is just being changed. *)
Record data (hole : option nat) (m : mem) (pp : nat -> producer) cl : Prop := {
  d_race : race m = false;
  d_ctl  : forall l wr u, (forall i, l <> D i) -> acc m plain wr l u = 0;
  d_cap  : extent cl <= last m FR + N;
  d_wps  : forall k, k < len m WP -> exists a b, cl = a ++ b /\ val (hist m WP k) = extent a;
  d_mon  : forall k, k < len m FR -> val (hist m FR k) <= last m FR;
  d_own  : ts (tv m Co) FR = len m FR - 1 /\ ts (tv m Co) RM = len m RM - 1;
  d_rm   : last m FR <= last m RM;
  d_rp   : forall k, k < len m FR -> knows_acc m cl (mview (hist m FR k)) (val (hist m FR k));
  d_pr   : forall i f, frees (pp i) = Some f -> knows_acc m cl (tv m (Pr i)) f /\ f <= last m FR;
  d_room : forall i, has_room (pp i);
  d_co   : forall i na wr j, acc m na wr (D i) (Pr j) <= ck (tv m Co) (Pr j) \/
             exists p x, at_pos cl p x /\ last m FR <= p /\ occ p (words x) i /\ own x = j;
  d_fin  : forall p x c i, at_pos cl p x -> last m FR <= p -> finished x = Some c -> occ p (words x) i ->
             (forall na wr, acc m na wr (D i) (Pr (own x)) <= c) /\
             forall k, k < len m (D i) -> who (hist m (D i) k) = Pr (own x) -> stamp (hist m (D i) k) <= c;
  d_head : forall p x, at_pos cl p x -> last m FR <= p ->
             acc m plain true (word p) (Pr (own x)) <= ck (tv m Co) (Pr (own x)) \/ follows cl p x;
  d_free : forall q, extent cl <= q -> q < last m FR + N -> untouched m q;
  d_val  : forall p x, at_pos cl p x -> last m RM <= p -> hole <> Some p -> good cl m pp p x }.
(* ---- the consumer ---- *)
Definition split_at cl c (l : list (list nat)) := exists a b, cl = a ++ b /\ extent a = c /\ pays a = l.
Definition below (m : mem) cl c := forall p x, at_pos cl p x -> p < c ->
  exists t, finished x = Some t /\ t <= ck (tv m Co) (Pr (own x)).
Definition standing (m : mem) cl d c r f h :=
  r = last m RM /\ f = last m FR /\ r <= c /\ split_at cl c (d ++ h) /\ below m cl c.
Definition bound cl T := exists a b, cl = a ++ b /\ extent a = T.

(* The claims from c to e were left without a stamp. *)
Definition blank (m : mem) cl c e := forall p x, at_pos cl p x -> c <= p < e ->
  (exists t, what x = Gone t) /\ all_untouched m p (words x).

Definition inv_c (m : mem) cl (d : list (list nat)) c :=
  split_at cl (last m RM) d /\ below m cl (last m RM) /\ bound cl (last m FR) /\
  match c with
  | Nobody => True
  | Attach e => e = last m RP
  | Redo c e => c = last m RM /\ e = last m RP
  | Idle c r f h => standing m cl d c r f h
  | Take c r f h n got => standing m cl d c r f h /\ exists x t y, at_pos cl c x /\ what x = Came t y /\
      t <= ck (tv m Co) (Pr (own x)) /\ n = length y /\ got = firstn (length got) y /\ length got <= n
  | Zero c r q h => standing m cl d c r (last m FR) h /\ last m FR <= q <= r /\ all_untouched m (last m FR) (q - last m FR)
  | Hand c r h => standing m cl d c r (last m FR) h /\ r = last m RP /\ all_untouched m (last m FR) (r - last m FR)
  | Rest c r h => standing m cl d c r r h
  | Blank c r f h => standing m cl d c r f h /\ blank m cl f c
  | Ask c r f h T i | Doubt c r f h T i => standing m cl d c r f h /\ c < T /\ bound cl T
  | Again c r f h T => standing m cl d c r f h /\ c < T /\ bound cl T
  | Scan c r f h T q => standing m cl d c r f h /\ bound cl T /\ exists p x t,
      at_pos cl p x /\ what x = Gone t /\ c <= p <= q /\ q <= p + words x <= T /\ blank m cl c (p + words x) /\
      split_at cl (p + words x) (d ++ h) /\ below m cl (p + words x)
  end.
(* What read_pos says and `freed` does not yet is zero. *)
Definition handed (m : mem) cl d := ts (tv m Co) RP = len m RP - 1 /\
  inv_c m cl d (Zero (last m RM) (last m RM) (last m RP) nil).

(* ---- facts ---- *)
Lemma pays_app a b : pays (a ++ b) = pays a ++ pays b.
Proof. induction a as [|x a IH]; simpl; auto. destruct (what x); auto. simpl. f_equal. auto. Qed.
Lemma bound_split cl c l : split_at cl c l -> bound cl c.
Proof. intros [a [b [E [X _]]]]. exists a, b. auto. Qed.
Lemma bound_le cl c : bound cl c -> c <= extent cl.
Proof. intros [a [b [-> <-]]]. rewrite extent_app. lia. Qed.
Lemma bound_at cl c : bound cl c -> c < extent cl -> exists x, at_pos cl c x.
Proof.
  intros [a [b [-> <-]]]. rewrite extent_app. destruct b as [|x b]; simpl; [lia|]. intros _. exists x, a, b. auto.
Qed.
Lemma bound_boundary cl c : bound cl c -> boundary cl c.
Proof.
  intros B. destruct (Nat.eq_dec c (extent cl)); [left; auto|right]. apply bound_at; auto. pose proof (bound_le cl c B). lia.
Qed.

Section Positions.
Variable cl : list claim.
Hypothesis W : forall p x, at_pos cl p x -> 0 < words x.
Lemma same_at p x y : at_pos cl p x -> at_pos cl p y -> x = y.
Proof.
  intros A B. destruct (at_pos_apart cl W p x p y A B) as [[_ E]|E]; auto. pose proof (W p x A). lia.
Qed.
Lemma apart_at p x q y : at_pos cl p x -> at_pos cl q y -> p < q -> p + words x <= q.
Proof. intros A B L. destruct (at_pos_apart cl W p x q y A B) as [[E _]|E]; lia. Qed.
(* No boundary within a claim. *)
Lemma apart_bound p x c : at_pos cl p x -> boundary cl c -> p < c -> p + words x <= c.
Proof.
  intros A [->|[y B]] L; [apply at_pos_end; auto|]. apply (apart_at p x c y); auto.
Qed.
Lemma split_next c l x : split_at cl c l -> at_pos cl c x -> split_at cl (c + words x) (l ++ pays [x]).
Proof.
  intros [a [b [E [X P]]]] A. assert (L : c < extent cl).
  { pose proof (at_pos_end cl c x A). pose proof (W c x A). lia. }
  destruct b as [|y b]; [rewrite E, app_nil_r in L; lia|].
  assert (B : at_pos cl c y) by (exists a, b; auto). rewrite (same_at c x y A B).
  exists (a ++ [y]), b. rewrite <- app_assoc, extent_app, pays_app. split; auto. split; [simpl; lia|]. rewrite P. auto.
Qed.
Lemma below_next m c x t : below m cl c -> at_pos cl c x -> finished x = Some t -> t <= ck (tv m Co) (Pr (own x)) ->
  below m cl (c + words x).
Proof.
  intros B A F K p y Ay L. destruct (lt_eq_lt_dec p c) as [[G|G]|G].
  - apply (B p y); auto.
  - subst p. rewrite <- (same_at c x y A Ay). eauto.
  - pose proof (apart_at c x p y A Ay G). lia.
Qed.
End Positions.

Lemma below_later m m' cl c : later m m' -> below m cl c -> below m' cl c.
Proof.
  intros L B p x A Lt. destruct (B p x A Lt) as [t [F K]]. exists t. split; auto. etransitivity; [exact K|apply (l_ck _ _ L)].
Qed.

Lemma knows_more m cl v v' f : (forall t, ck v t <= ck v' t) -> knows_acc m cl v f -> knows_acc m cl v' f.
Proof. intros L K i na wr t. destruct (K i na wr t) as [X|X]; auto. left. specialize (L t). lia. Qed.
(* Accesses change, and the new ones are excused. *)
Lemma knows_acc_new m m' cl v f : (forall i na wr t, acc m' na wr (D i) t = acc m na wr (D i) t \/ excused cl f i na wr t) ->
  knows_acc m cl v f -> knows_acc m' cl v f.
Proof. intros E K i na wr t. destruct (E i na wr t) as [->|X]; auto. Qed.
Lemma knows_claims m cl cl' v f : (forall i na wr t, excused cl f i na wr t -> excused cl' f i na wr t) ->
  knows_acc m cl v f -> knows_acc m cl' v f.
Proof. intros E K i na wr t. destruct (K i na wr t); auto. Qed.

(* Words that stand as they did. *)
Definition same_words (m m' : mem) p n := forall i, occ p n i ->
  len m' (D i) = len m (D i) /\ (forall k, hist m' (D i) k = hist m (D i) k).
Lemma untouched_same m m' q : same_words m m' q 1 -> ts (tv m Co) (word q) <= ts (tv m' Co) (word q) -> untouched m q -> untouched m' q.
Proof.
  intros S T [U1 U2]. destruct (S (q mod N)) as [E1 E2]; [apply occ_word; lia|]. unfold untouched, last, Mpsc.word in *.
  rewrite E1, E2. split; auto. lia.
Qed.
Lemma same_sub m m' p n q k : same_words m m' p n -> p <= q -> q + k <= p + n -> k <= 1 -> same_words m m' q k.
Proof.
  intros S L1 L2 L3 i O. destruct (occ_index q k i O) as [Pk _]. assert (k = 1) as -> by lia.
  destruct O as [a [O E]]. assert (a = q) as -> by lia. apply S. exists q. split; [lia|auto].
Qed.
Lemma all_untouched_same m m' p n : same_words m m' p n -> (forall i, ts (tv m Co) (D i) <= ts (tv m' Co) (D i)) ->
  all_untouched m p n -> all_untouched m' p n.
Proof.
  intros S T U q Q. apply (untouched_same m); auto; [|apply T]. apply (same_sub m m' p n); auto; lia.
Qed.
Lemma stamped_same m m' p x v c : same_words m m' p 1 -> (forall i, ts (tv m Co) (D i) <= ts (tv m' Co) (D i)) ->
  stamped m p x v c -> stamped m' p x v c.
Proof.
  intros S T [A1 [A2 [k0 [A3 [A4 A5]]]]]. destruct (S (p mod N)) as [E1 E2]; [apply occ_word; lia|].
  unfold stamped, last, Mpsc.word in *. rewrite E1, !E2. split; auto. split; auto. exists k0. split; auto. split; [specialize (T (p mod N)); lia|].
  intros k. rewrite E2. auto.
Qed.
Lemma placed_same m m' o p v : same_words m m' p 1 -> placed m o p v -> placed m' o p v.
Proof.
  intros S. destruct (S (p mod N)) as [E1 E2]; [apply occ_word; lia|]. unfold placed, last, Mpsc.word. rewrite E1, !E2. auto.
Qed.
Lemma same_part m m' p n q k : same_words m m' p n -> p <= q -> q + k <= p + n -> same_words m m' q k.
Proof. intros S L1 L2 i [a [A E]]. apply S. exists a. split; [lia|auto]. Qed.
Lemma written_same m m' p y j n : j < n -> same_words m m' p n -> written m p y j -> written m' p y j.
Proof.
  intros J S Wr i I. destruct (S (p mod N + 1 + i)) as [E1 E2]; [apply occ_cell; lia|].
  unfold written, last, Mpsc.cell in *. rewrite E1, E2. apply Wr. auto.
Qed.
Lemma laid_same m m' o b : forall p, same_words m m' p (total b) -> laid m o p b -> laid m' o p b.
Proof.
  induction b as [|y b IH]; intros p S L; auto. cbn [total laid] in *. destruct L as [L1 [L2 L3]]. unfold size in *.
  split; [apply (placed_same m m'); auto; eapply same_part; eauto; lia|].
  split; [apply (written_same m m' p y _ (Datatypes.S (length y) + total b)); auto; lia|]. apply IH; auto. eapply same_part; eauto; lia.
Qed.
Lemma headless_same m m' o b p : same_words m m' p (total b) -> headless m o p b -> headless m' o p b.
Proof.
  destruct b as [|y b]; intros S L; auto. cbn [total headless] in *. destruct L as [L2 L3]. unfold size in *.
  split; [apply (written_same m m' p y _ (Datatypes.S (length y) + total b)); auto; lia|]. apply (laid_same m m'); auto. eapply same_part; eauto; lia.
Qed.
Lemma shown_same cl m m' p x v c : same_words m m' p 1 -> (forall i, ts (tv m Co) (D i) <= ts (tv m' Co) (D i)) ->
  shown cl m p x v c -> shown cl m' p x v c.
Proof. intros S T [A|[A B]]; [left; apply (stamped_same m); auto|right; split; auto; apply (placed_same m m'); auto]. Qed.
Lemma cell_mod q j : (q mod N + 1 + j) mod N = (q + 1 + j) mod N.
Proof. rewrite <- !Nat.add_assoc, Nat.add_mod_idemp_l by lia. auto. Qed.
(* Two parts of a claim share no index. *)
Lemma not_occ t n p k q j0 : n <= N -> t <= p -> p + k <= t + n -> t <= q < t + n -> q < p \/ p + k <= q ->
  j0 mod N = q mod N -> occ p k j0 -> False.
Proof.
  intros Le L1 L2 Q Ne E [a [A F]]. rewrite F in E. destruct (le_lt_dec a q); [apply mod_same in E; lia|].
  symmetry in E. apply mod_same in E; lia.
Qed.
Lemma good_same cl m m' pp pp' p x : 0 < words x -> same_words m m' p (words x) -> (forall i, ts (tv m Co) (D i) <= ts (tv m' Co) (D i)) ->
  (what x = Live -> pp' (own x) = pp (own x)) -> good cl m pp p x -> good cl m' pp' p x.
Proof.
  intros Pw S T P G. assert (S1 : same_words m m' p 1) by (apply (same_part m m' p (words x)); auto; lia).
  unfold good in *. destruct (what x) eqn:Wx.
  - rewrite P by auto. destruct (pp (own x)); auto; [apply (all_untouched_same m); auto|..].
    + destruct G as [G1 [G2 [G3 [G4 [G5 G6]]]]]. unfold size in G1. split; auto. split; auto. split; [apply (stamped_same m); auto|].
      split; [apply (headless_same m); auto; apply (same_part m m' p (words x)); auto; lia|].
      split; [apply (written_same m m' _ _ _ (words x - total b)); auto; [lia|]; apply (same_part m m' p (words x)); auto; lia|].
      intros R. apply (placed_same m m'); auto. apply (same_part m m' p (words x)); auto; lia.
    + destruct G as [G1 [G2 [G3 [G4 G6]]]]. split; auto. split; auto. split; [apply (stamped_same m); auto|].
      split; [apply (headless_same m); auto; apply (same_part m m' p (words x)); auto; lia|].
      intros R. apply (placed_same m m'); auto. apply (same_part m m' p (words x)); auto; lia.
  - destruct G as [G|G]; [left; apply (all_untouched_same m); auto|right; apply (stamped_same m); auto].
  - destruct G as [G1 [G2 G3]]. unfold size in G1. split; auto. split; [apply (shown_same cl m); auto|apply (written_same m) with (n := words x); auto; lia].
  - apply (shown_same cl m); auto.
Qed.
Lemma laid_snoc m o x b : forall p, laid m o p b -> placed m o (p + total b) (committed (size x)) ->
  written m (p + total b) x (length x) -> laid m o p (b ++ [x]).
Proof.
  induction b as [|y b IH]; intros p L P W; cbn [app total laid] in *; [rewrite Nat.add_0_r in *; auto|]. destruct L as [L1 [L2 L3]].
  split; auto. split; auto. rewrite Nat.add_assoc in *. auto.
Qed.
Lemma laid_at m o x b2 b1 : forall p, laid m o p (b1 ++ x :: b2) ->
  placed m o (p + total b1) (committed (size x)) /\ written m (p + total b1) x (length x).
Proof.
  induction b1 as [|y b IH]; intros p L; cbn [app total laid] in *; [rewrite Nat.add_0_r; tauto|]. destruct L as [_ [_ L]].
  rewrite Nat.add_assoc. apply IH. auto.
Qed.
(* Who has passed all before a piece knows it. *)
Lemma follower_known cl (m : mem) p x c : (forall p x, at_pos cl p x -> 0 < words x) -> below m cl p -> follows cl p x ->
  finished x = Some c -> c <= ck (tv m Co) (Pr (own x)).
Proof.
  intros Wp B [q [z [t [A [<- [O [F1 F2]]]]]]] F. pose proof (Wp q z A). destruct (B q z A) as [u [U V]]; [lia|]. rewrite <- O. congruence.
Qed.
End Data.

(* One goal a clause, by name. *)
Ltac split_data := refine (Build_data _ _ _ _ _ ?[race] ?[ctl] ?[cap] ?[wps] ?[mon] ?[own] ?[rm] ?[rp] ?[pr] ?[room] ?[co]
  ?[fin] ?[head] ?[free] ?[val]).
Ltac invd H := destruct H as [h_race h_ctl h_cap h_wps h_mon h_own h_rm h_rp h_pr h_room h_co h_fin h_head h_free h_val].
