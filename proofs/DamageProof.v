(* Whatever memory answers, the calls of Damage.v stay in bounds and end, within so many accesses. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Spsc SpscKept Damage.

Section Words.
Variable W : nat.
Hypothesis Wpos : 0 < W.
Notation dist := (dist W).
Lemma dist_small a b : dist a b < W.
Proof. unfold dist. apply Nat.mod_upper_bound. lia. Qed.
Lemma dist_back a b : (b + dist a b) mod W = a mod W.
Proof.
  unfold dist. rewrite Nat.add_mod_idemp_r by lia. rewrite (Nat.div_mod b W) at 1 by lia.
  pose proof (Nat.mod_upper_bound b W).
  replace (W * (b / W) + b mod W + (a mod W + (W - b mod W))) with (a mod W + (1 + b / W) * W) by lia.
  rewrite Nat.mod_add by lia. apply Nat.mod_mod. lia.
Qed.
Lemma dist_mod a a' b : a mod W = a' mod W -> dist a b = dist a' b.
Proof. unfold dist. intros ->. reflexivity. Qed.
Lemma dist_mod_r a b b' : b mod W = b' mod W -> dist a b = dist a b'.
Proof. unfold dist. intros ->. reflexivity. Qed.
Lemma dist_on a b k : k <= dist a b -> dist a (b + k) = dist a b - k.
Proof.
  intros K. pose proof (dist_small a b). rewrite (dist_mod a (b + dist a b) (b + k)) by (symmetry; apply dist_back).
  rewrite dist_le by lia. lia.
Qed.
Lemma dist_past a b k : dist a b < k -> k < W -> dist a (b + k) = W - (k - dist a b).
Proof.
  intros K1 K2. rewrite (dist_mod a (b + dist a b) (b + k)) by (symmetry; apply dist_back).
  rewrite dist_gt by lia. lia.
Qed.
Lemma dist_turned a b : dist b a = if dist a b =? 0 then 0 else W - dist a b.
Proof.
  pose proof (dist_small a b) as D. pose proof (dist_back a b) as B.
  assert (E : dist b a = dist b (b + dist a b)) by (apply dist_mod_r; symmetry; exact B).
  rewrite E. destruct (Nat.eqb_spec (dist a b) 0) as [Z|Z].
  - rewrite Z, Nat.add_0_r. rewrite dist_le by lia. lia.
  - rewrite dist_gt by lia. lia.
Qed.
Lemma before_iff a b : is_before W b a = true <-> 0 < dist a b /\ 2 * dist a b <= W.
Proof.
  unfold is_before. rewrite Nat.leb_le, (dist_turned a b). pose proof (dist_small a b). destruct (Nat.eqb_spec (dist a b) 0); lia.
Qed.
End Words.

Section Safe.
Variables may_load may_store : place -> Prop.
Notation safe := (safe may_load may_store).
Lemma safe_mono A (Q R : A -> nat -> Prop) : (forall a n, Q a n -> R a n) -> forall p n, safe Q n p -> safe R n p.
Proof.
  intros QR p. induction p as [a|l k IH|l v k IH|]; simpl; auto.
  - intros n [M [L S]]. repeat split; auto.
  - intros n [M [L S]]. repeat split; auto.
Qed.
Lemma safe_bind A B (Q : B -> nat -> Prop) (f : A -> prog B) p : forall n, safe (fun a m => safe Q m (f a)) n p -> safe Q n (bind p f).
Proof.
  induction p as [a|l k IH|l v k IH|]; simpl; auto.
  - intros n [M [L S]]. repeat split; auto.
  - intros n [M [L S]]. repeat split; auto.
Qed.
End Safe.

Section Calls.
Variables N most W trailer : nat.
Variable dec : nat -> nat -> option nat.
Variable sum : nat -> list nat -> nat.
Hypothesis room : most + trailer + 2 <= N.
Hypothesis wide : 4 * N <= W.
Notation dist := (dist W). Notation is_before := (is_before W). Notation at_ := (at_ N).
Notation is_record := (is_record most dec). Notation record := (record trailer).

Notation in_bounds := (in_bounds N most trailer). Notation sane := (sane W).
Notation honest := (honest N most trailer dec sum). Notation passes := (passes sum).

Lemma at_in p : in_bounds (at_ p).
Proof. pose proof (Nat.mod_upper_bound p N). unfold Damage.at_. simpl. lia. Qed.
Lemma record_most h p n : is_record h p = Some n -> n <= most.
Proof.
  unfold Damage.is_record. destruct (h =? 0); [discriminate|]. destruct (dec h p) as [x|]; [|discriminate].
  destruct (Nat.leb_spec x most); [|discriminate]. intros X. injection X as <-. auto.
Qed.

Notation search_cost := (search_cost N most trailer).
Section Reads.
Variable may_store : place -> Prop.
Notation safe := (safe in_bounds may_store).

Lemma loads_safe k : forall i (Q : list nat -> nat -> Prop) n, k <= n -> i + k <= N + most + trailer ->
  (forall ws, length ws = k -> Q ws (n - k)) -> safe Q n (loads i k).
Proof.
  induction k as [|k IH]; intros i Q n L B H; simpl.
  - replace n with (n - 0) by lia. apply H. auto.
  - split; [lia|]. split; [lia|]. intros v. apply safe_bind. apply IH; [lia|lia|].
    intros ws E. simpl. replace (n - 1 - k) with (n - S k) by lia. apply H. simpl. lia.
Qed.
Lemma whole_safe p k (Q : bool * list nat -> nat -> Prop) n : k <= most -> k + trailer <= n ->
  (forall good ws m, n - (k + trailer) <= m -> (trailer <> 0 -> good = true -> length ws = k + trailer /\ passes p k ws = true) ->
    Q (good, ws) m) -> safe Q n (whole N trailer sum p k).
Proof.
  intros K L H. unfold whole. destruct (Nat.eqb_spec trailer 0) as [Z|Z].
  - apply H; [lia|]. intros; contradiction.
  - apply safe_bind. apply loads_safe; [lia| |].
    + pose proof (Nat.mod_upper_bound p N). lia.
    + intros ws E. simpl. apply H; [lia|]. intros _ G. auto.
Qed.
Lemma next_header_safe more : forall from p e (Q : nat * option nat -> nat -> Prop) n,
  dist e p <= more -> dist e p <= n ->
  (forall m, m <= n -> n - dist e p <= m -> forall k, k <= dist e p -> (0 < k -> 2 * dist e p <= W) -> Q (p + k, None) m) ->
  (forall k x, k < dist e p -> p + k <> from -> x <= most -> Q (p + k, Some x) (n - S k)) ->
  safe Q n (next_header N most W dec more from p e).
Proof.
  induction more as [|more IH]; intros from p e Q n L B Hn Hs.
  - simpl. destruct (is_before p e) eqn:Bf; [apply before_iff in Bf; lia|].
    replace p with (p + 0) by lia. apply Hn; lia.
  - simpl. destruct (is_before p e) eqn:Bf; [|replace p with (p + 0) by lia; apply Hn; lia].
    apply before_iff in Bf; [|lia]. destruct Bf as [B1 B2].
    assert (St : dist e (S p) = dist e p - 1) by (rewrite <- Nat.add_1_r; apply dist_on; lia).
    split; [apply at_in|]. split; [lia|]. intros h.
    assert (Go : safe Q (n - 1) (next_header N most W dec more from (S p) e)).
    { apply IH; try lia.
      - intros m M1 M2 k K1 K2. replace (S p + k) with (p + S k) by lia. apply Hn; lia.
      - intros k x K F X. replace (S p + k) with (p + S k) in * by lia. replace (n - 1 - S k) with (n - S (S k)) by lia.
        apply Hs; auto. lia. }
    destruct (Nat.eqb_spec p from) as [E|E]; [exact Go|].
    destruct (is_record h p) as [x|] eqn:R; [|exact Go]. simpl.
    replace p with (p + 0) at 1 by lia. apply Hs; [lia|lia|]. eapply record_most; eauto.
Qed.
Lemma next_record_safe more : forall checked from e (Q : nat * option nat -> nat -> Prop) n,
  dist e from <= more -> search_cost (dist e from) checked <= n ->
  (forall k h m, k <= dist e from -> n - search_cost (dist e from) checked <= m -> Q (from + k, h) m) ->
  safe Q n (next_record N most W trailer dec sum more checked from e).
Proof.
  induction more as [|more IH]; intros checked from e Q n L B H.
  all: set (d := dist e from) in *; assert (Cd : d <= search_cost d checked) by (unfold search_cost; lia); cbn [next_record];
    apply safe_bind; apply next_header_safe; [lia|lia|intros; apply H; lia|].
  all: intros k x K F X; assert (K1 : 1 <= k) by lia.
  - lia.
  - destruct (Nat.leb_spec N checked) as [C|C].
    + apply H; [lia|]. unfold search_cost. lia.
    + apply safe_bind. unfold search_cost in *. destruct (Nat.leb_spec N checked); [lia|].
      assert (Kt : trailer * k >= trailer) by (destruct k; [lia|]; rewrite Nat.mul_succ_r; lia).
      assert (Dk : trailer * k <= trailer * d) by (apply Nat.mul_le_mono_l; lia).
      apply whole_safe; [auto|lia|]. intros good ws m M _. simpl. destruct good; [simpl; apply H; lia|].
      assert (De : dist e (from + k) = d - k) by (apply dist_on; lia).
      apply IH; rewrite De; [lia| |].
      * rewrite Nat.mul_sub_distr_l. destruct (Nat.leb_spec N (checked + x)); lia.
      * intros k' h m' K' M'. replace (from + k + k') with (from + (k + k')) by lia. apply H; [lia|].
        rewrite Nat.mul_sub_distr_l in M'. destruct (Nat.leb_spec N (checked + x)); lia.
Qed.
End Reads.

(* The consumer. *)
Notation csafe := (safe in_bounds positions_only).
Lemma rp_in : positions_only Rp. Proof. left. auto. Qed.
Lemma fr_in : positions_only Fr. Proof. right. auto. Qed.

Lemma lost_safe q from (Q : consumer * answer -> nat -> Prop) n : 2 <= n ->
  (forall q' m, cursor q' = cursor q -> released q <= cursor q -> told q <= released q ->
     told q <= told q' <= released q' -> released q' <= cursor q' ->
     released q' = released q \/ released q = from -> Q (q', Damaged from (cursor q)) m) ->
  told q <= released q <= cursor q -> csafe Q n (lost q from).
Proof.
  intros L H S. unfold lost, release. destruct (Nat.eqb_spec from (released q)) as [E|E].
  - simpl. split; [apply rp_in|]. split; [lia|]. split; [apply fr_in|]. split; [lia|].
    apply H; simpl; auto; lia.
  - simpl. apply H; auto; lia.
Qed.
Lemma deliver_safe q k h n : told q <= released q <= cursor q -> is_record h (cursor q) = Some k -> k + trailer + 2 <= n ->
  csafe (fun r _ => honest q r) n (deliver N trailer sum q k h).
Proof.
  intros S R L. pose proof (record_most _ _ _ R) as K. unfold deliver. apply safe_bind.
  apply whole_safe; [auto|lia|]. intros good ws m M G. cbn [fst snd]. destruct good.
  - simpl. unfold Damage.record. repeat split; auto; try lia; apply G; auto.
  - apply lost_safe; [lia| |simpl; unfold Damage.record; lia]. simpl. unfold Damage.record. intros q' m' C1 C2 C3 C4 C5 C6.
    repeat split; auto; lia.
Qed.
Lemma poll_safe q : sane q -> csafe (fun r _ => honest q r) (most + trailer + 3) (poll N most trailer dec sum q).
Proof.
  intros [S _]. unfold poll. split; [apply at_in|]. split; [lia|]. intros h.
  destruct (is_record h (cursor q)) as [k|] eqn:R.
  - pose proof (record_most _ _ _ R). apply deliver_safe; auto. lia.
  - simpl. repeat split; auto; lia.
Qed.
Definition search_bound := search_cost N 0 + most + trailer + 5.
Lemma search_safe q extent empty n : sane q -> is_before (cursor q) extent = true -> search_bound <= n ->
  csafe (fun r _ => honest q r) n (search_behind N most W trailer dec sum q extent empty).
Proof.
  intros [S Hd] Bf L. apply before_iff in Bf; [|lia]. destruct Bf as [B1 B2]. unfold search_bound in L.
  unfold search_behind. split; [exact I|]. split; [lia|]. intros a.
  destruct (_ && negb _); [simpl; repeat split; auto; lia|].
  assert (Lo : forall d c m, 2 <= m -> cursor q <= c <= cursor q + N ->
    csafe (fun r _ => honest q r) m (lost (Consumer c (released q) (told q) d) (cursor q))).
  { intros d c m Lm Lc. apply lost_safe; [auto| |simpl; lia]. simpl. intros. repeat split; auto; lia. }
  destruct (Nat.leb_spec (dist extent (told q)) N) as [Po|Po]; cbn [negb cursor released told doubted]; [|apply Lo; lia].
  assert (D : dist extent (cursor q) <= N).
  { replace (cursor q) with (told q + (cursor q - told q)) by lia. set (k := cursor q - told q) in *.
    destruct (le_lt_dec k (dist extent (told q))); [rewrite dist_on by lia; lia|].
    assert (X : dist extent (told q + k) = W - (k - dist extent (told q))) by (apply dist_past; lia).
    replace (told q + k) with (cursor q) in X by (unfold k; lia). rewrite X in B2. lia. }
  apply safe_bind. apply next_record_safe; [lia|unfold search_cost in *; destruct (N <=? 0); nia|].
  intros k h m K M.
  assert (M5 : most + trailer + 4 <= m).
  { unfold search_cost in *. destruct (N <=? 0); assert ((2 + trailer) * dist extent (cursor q) <= (2 + trailer) * N) by
      (apply Nat.mul_le_mono_l; auto); lia. }
  destruct h as [x|].
  - destruct empty; [|apply Lo; lia]. split; [apply at_in|]. split; [lia|]. intros _. split; [apply at_in|]. split; [lia|]. intros late.
    destruct (is_record late (cursor q)) as [y|] eqn:R; [|apply Lo; lia].
    pose proof (record_most _ _ _ R).
    eapply safe_mono; [|eapply (deliver_safe (Consumer (cursor q) (released q) (told q) extent)); [simpl; lia|exact R|lia]].
    intros r u Hr. exact Hr.
  - destruct (_ && _); [apply Lo; lia|]. unfold moved. cbn [cursor released told doubted]. apply Lo; lia.
Qed.
Lemma examine_safe q : sane q -> csafe (fun r _ => honest q r) (search_bound + 8) (examine N most W trailer dec sum q).
Proof.
  intros [S Hd]. unfold examine.
  split; [exact I|]. split; [lia|]. intros _. split; [apply rp_in|]. split; [lia|]. split; [exact I|]. split; [lia|]. intros _.
  split; [apply fr_in|]. split; [lia|]. split; [apply fr_in|]. split; [lia|]. split; [exact I|]. split; [lia|]. intros extent.
  split; [apply at_in|]. split; [lia|]. intros h. cbn [telling cursor].
  assert (Sq : sane (telling q)) by (unfold Damage.sane, telling; simpl; lia).
  assert (Mono : forall r (n : nat), honest (telling q) r -> honest q r).
  { intros [q' a] _. unfold Damage.honest, telling. simpl. intros [H1 [H2 [H3 [H4 H5]]]]. repeat split; auto; lia. }
  destruct (is_record h (cursor q)) as [k|] eqn:R.
  - eapply safe_mono; [exact Mono|]. pose proof (record_most _ _ _ R). apply deliver_safe; [simpl; lia|exact R|unfold search_bound; lia].
  - destruct (is_before (cursor q) extent) eqn:Bf; [|simpl; repeat split; auto; lia].
    eapply safe_mono; [exact Mono|]. apply search_safe; auto. lia.
Qed.
Lemma look_safe q : sane q -> csafe (fun r _ => honest q r) (look_cost N most trailer) (examine N most W trailer dec sum q).
Proof.
  intros S. replace (look_cost N most trailer) with (search_bound + 8) by (unfold look_cost, search_bound; lia).
  apply examine_safe. auto.
Qed.
Lemma attach_safe : csafe (fun q _ => sane q /\ cursor q = told q) 4 (attach N W).
Proof.
  assert (F : forall s n, 1 <= n -> csafe (fun q _ => sane q /\ cursor q = told q) n (Put Fr s (Ret (Consumer s s s s)))).
  { intros s n L. split; [apply fr_in|]. split; [lia|]. simpl. unfold Damage.sane. simpl. lia. }
  unfold attach. split; [exact I|]. split; [lia|]. intros r. split; [exact I|]. split; [lia|]. intros f.
  destruct (_ <=? _); [apply F; lia|]. split; [exact I|]. split; [lia|]. intros w. apply F. lia.
Qed.

(* The producer. *)
Notation psafe := (safe in_bounds in_bounds).
Notation longest := (longest most trailer).
Lemma ends_here_safe more : forall back p (Q : bool -> nat -> Prop) n, more <= n -> (forall b m, n - more <= m -> Q b m) ->
  psafe Q n (ends_here N most W trailer dec back more p).
Proof.
  induction more as [|more IH]; intros back p Q n L H; cbn [ends_here]; [apply H; lia|].
  split; [apply at_in|]. split; [lia|]. intros h.
  destruct (is_record _ _); [destruct (_ =? _); [apply H; lia|]|]; apply IH; try lia; intros; apply H; lia.
Qed.
Lemma walk_safe more clean : forall p limit (Q : nat -> nat -> Prop) n, dist limit p < more -> dist limit p <= N ->
  3 * dist limit p + 1 <= n -> (forall p' m, dist limit p' <= N -> n - (3 * dist limit p + 1) <= m -> Q p' m) ->
  psafe Q n (walk N most W trailer dec more clean p limit).
Proof.
  induction more as [|more IH]; intros p limit Q n L D B H; [lia|]. cbn [walk].
  split; [apply at_in|]. split; [lia|]. intros h. destruct (is_record h p) as [k|] eqn:R.
  - pose proof (record_most _ _ _ R) as K. destruct (Nat.ltb_spec N (dist limit (p + record k))) as [T|T]; [apply H; lia|].
    assert (Ok : record k <= dist limit p).
    { destruct (le_lt_dec (record k) (dist limit p)); auto. rewrite dist_past in T by (unfold Damage.record in *; lia).
      unfold Damage.record in *. lia. }
    assert (E : dist limit (p + record k) = dist limit p - record k) by (apply dist_on; lia).
    assert (1 <= record k) by (unfold Damage.record; lia).
    apply IH; rewrite ?E; try lia. intros. apply H; lia.
  - destruct (h =? 0); [apply H; lia|]. destruct clean; [apply H; lia|].
    apply safe_bind. apply next_header_safe; [lia|lia| |].
    + intros m M1 M2 k _ _. apply H; [|lia]. rewrite dist_on by lia. lia.
    + intros k x K F _. assert (E : dist limit (p + k) = dist limit p - k) by (apply dist_on; lia).
      assert (1 <= k) by lia. apply IH; rewrite ?E; try lia. intros. apply H; lia.
Qed.
Lemma find_end_safe first clean : psafe (fun r _ => match r with Some (p, limit) => dist limit p <= N | None => True end)
  (3 * N + longest + 6) (find_end N most W trailer dec first clean).
Proof.
  unfold find_end. split; [exact I|]. split; [lia|]. intros f. split; [exact I|]. split; [lia|]. intros r.
  split; [exact I|]. split; [lia|]. intros s. set (off := (N <? dist r f) && (dist s f <=? N)). set (limit := (if (dist r f <=? N) || off then f else r) + N). apply safe_bind.
  assert (G : forall p m, 3 * N + 3 <= m -> psafe (fun r _ => match r with Some (p, limit) => dist limit p <= N | None => True end) m
    (if N <? dist limit p then Ret None else bind (walk N most W trailer dec (S (dist limit p)) clean p limit) (fun p =>
       let done := Put Wp p (Ret (Some (p, limit))) in if dist limit p =? 0 then done else Put (at_ p) 0 done))).
  { intros p m M. destruct (Nat.ltb_spec N (dist limit p)); [exact I|]. apply safe_bind. apply walk_safe; [lia|auto|lia|].
    intros p' m' D' M'. cbv zeta. destruct (_ =? 0).
    - split; [exact I|]. split; [lia|]. exact D'.
    - split; [apply at_in|]. split; [lia|]. split; [exact I|]. split; [lia|]. exact D'. }
  clearbody limit. destruct off; [apply (G s); lia|]. destruct (dist s r <=? N); [apply (G s); lia|]. destruct (dist r s <=? N); [apply (G r); lia|].
  apply safe_bind. destruct (dist r first =? 0); [apply (G r); lia|].
  apply ends_here_safe; [lia|]. intros b m M. apply (G (if b then r else s)). lia.
Qed.
Lemma stores_safe (may : place -> Prop) k : forall i then_ (Q : pushed -> nat -> Prop) n, k <= n -> (forall j, i <= j < i + k -> may (Data j)) ->
  safe in_bounds may Q (n - k) then_ -> safe in_bounds may Q n (stores i k then_).
Proof.
  induction k as [|k IH]; intros i th Q n L B H; simpl.
  - replace n with (n - 0) by lia. exact H.
  - split; [apply B; lia|]. split; [lia|]. apply IH; [lia|intros; apply B; lia|]. replace (n - 1 - k) with (n - S k) by lia. exact H.
Qed.
Lemma push_safe w k : k <= most -> safe in_bounds (of_record N trailer w k) (fun r _ => match r with
    | Pushed w' limit => w' = w + record k /\ record k + 1 <= dist limit w <= N | _ => True end)
  (k + trailer + 4) (push N W trailer w k).
Proof.
  intros K. unfold push. split; [exact I|]. split; [lia|]. intros f.
  destruct (Nat.ltb_spec N (dist w f)) as [T|T]; [exact I|].
  destruct (Nat.ltb_spec (dist (f + N) w) (record k + 1)) as [F|F].
  - split; [exact I|]. split; [lia|]. split; [exact I|]. split; [lia|]. exact I.
  - apply stores_safe; [lia|intros j J; simpl; lia|].
    + split; [simpl; auto|]. split; [lia|]. split; [simpl; lia|]. split; [lia|]. split; [exact I|]. split; [lia|].
      split; [reflexivity|]. split; [lia|].
      assert (X : dist w f <= N) by lia. pose proof (dist_back W ltac:(lia) w f) as Bk.
      rewrite (dist_mod_r W (f + N) w (f + dist w f)) by (symmetry; exact Bk).
      rewrite dist_le by lia. lia.
Qed.
End Calls.
