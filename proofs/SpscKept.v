(* Every step keeps the invariant: one lemma a step. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc SpscInvariant SpscWrites.

Lemma nth_firstn_lt (l : list nat) n i : i < n -> nth i (firstn n l) 0 = nth i l 0.
Proof. revert n i. induction l; intros [|n] [|i] L; simpl; auto; try lia. apply IHl. lia. Qed.
Lemma firstn_snoc (l : list nat) n : n < length l -> firstn n l ++ [nth n l 0] = firstn (S n) l.
Proof. revert n. induction l; intros [|n] L; simpl in *; auto; try lia. f_equal. apply IHl. lia. Qed.
Lemma firstn_snoc_rec (l : list (list nat)) n : n < length l -> firstn n l ++ [rec l n] = firstn (S n) l.
Proof. unfold rec. revert n. induction l; intros [|n] L; simpl in *; auto; try lia. f_equal. apply IHl. lia. Qed.
Lemma nth_end (l : list nat) x k : nth k (l ++ [x]) 0 = if k =? length l then x else nth k l 0.
Proof.
  destruct (Nat.eqb_spec k (length l)) as [->|E]; [rewrite app_nth2, Nat.sub_diag by lia; auto|].
  destruct (le_lt_dec (length l) k); [|apply app_nth1; auto].
  rewrite !nth_overflow; auto; rewrite ?app_length; simpl; lia.
Qed.
Lemma list_by_index (l : list nat) : map (fun i => nth i l 0) (seq 0 (length l)) = l.
Proof.
  induction l; auto. simpl. f_equal. rewrite <- seq_shift, map_map. exact IHl.
Qed.

(* Differences of machine words. *)
Section Words.
Variable W : nat.
Hypothesis Wpos : 0 < W.
Lemma dist_le a b : b <= a -> a - b < W -> dist W a b = a - b.
Proof.
  intros L1 L2. unfold dist. set (d := a - b). assert (E : a = b + d) by (unfold d; lia). rewrite E.
  assert (d < W) by (unfold d; lia). clearbody d. subst a.
  pose proof (Nat.mod_upper_bound b W). rewrite (Nat.add_mod b d) by lia. rewrite (Nat.mod_small d) by auto.
  set (r := b mod W) in *. destruct (le_lt_dec W (r + d)).
  - replace (r + d) with (r + d - W + 1 * W) by lia. rewrite Nat.mod_add by lia. rewrite (Nat.mod_small (r + d - W)) by lia.
    replace (r + d - W + (W - r)) with d by lia. apply Nat.mod_small. auto.
  - rewrite (Nat.mod_small (r + d)) by auto. replace (r + d + (W - r)) with (d + 1 * W) by lia.
    rewrite Nat.mod_add by lia. apply Nat.mod_small. auto.
Qed.
Lemma dist_gt a b : a < b -> b - a < W -> dist W a b = W - (b - a).
Proof.
  intros L1 L2. unfold dist. set (d := b - a). assert (E : b = a + d) by (unfold d; lia). rewrite E.
  assert (0 < d) by (unfold d; lia). assert (d < W) by (unfold d; lia). clearbody d. subst b.
  pose proof (Nat.mod_upper_bound a W). rewrite (Nat.add_mod a d) by lia. rewrite (Nat.mod_small d) by auto.
  set (r := a mod W) in *. destruct (le_lt_dec W (r + d)).
  - replace (r + d) with (r + d - W + 1 * W) by lia. rewrite Nat.mod_add by lia.
    rewrite (Nat.mod_small (r + d - W)) by lia.
    replace (r + (W - (r + d - W))) with (W - d + 1 * W) by lia. rewrite Nat.mod_add by lia. apply Nat.mod_small. lia.
  - rewrite (Nat.mod_small (r + d)) by auto. replace (r + (W - (r + d))) with (W - d) by lia. apply Nat.mod_small. lia.
Qed.
End Words.

Section Kept.
Variables N most W : nat.
Variable enc : nat -> nat -> nat.
Variable dec : nat -> nat -> option nat.
Hypothesis fits : most + 2 <= N.
Hypothesis wide : 4 * N <= W.
Hypothesis codes : encoding most enc dec.
Notation word := (word N). Notation cell := (cell N). Notation header := (header W enc).
Notation length_of := (length_of W dec). Notation dist := (dist W).
Notation shared := (shared N most W enc). Notation owned := owned.
Notation inv_p := (inv_p N most W enc). Notation inv_c := (inv_c N). Notation inv := (inv N most W enc).
Notation opened := (opened N most W enc). Notation standing := standing.
Notation placed := (placed N W enc). Notation free := (free N). Notation in_record := (in_record N).
Notation header_ok := (header_ok N W enc). Notation payload_ok := (payload_ok N).
Notation header_keep := (header_keep N most W enc fits). Notation payload_keep := (payload_keep N).
Notation ts_in := (ts_in N most W enc). Notation freed_last := (freed_last N most W enc fits).
Notation seen_end := (seen_end N most W enc). Notation seen_last := (seen_last N most W enc fits).
Notation tau_mono := (tau_mono N most W enc fits).
Notation free_range := (free_range N most W enc fits).
Lemma N_pos : 0 < N. Proof. lia. Qed.
Lemma W_pos : 0 < W. Proof. lia. Qed.

Lemma header_some p n : n <= most -> header p n <> 0.
Proof. apply (en_some _ _ _ codes). Qed.
Lemma header_back p n : n <= most -> length_of (header p n) p = Some n.
Proof. apply (en_back _ _ _ codes). Qed.
Lemma header_none p : length_of 0 p = None.
Proof. apply (en_none _ _ _ codes). Qed.

(* ---- what steps leave alone ---- *)
Lemma placed_eq m m' w bs : (forall i, last m' (D i) = last m (D i)) -> placed m w bs -> placed m' w bs.
Proof. intros E A b B. destruct (A b B) as [A1 A2]. split; intros; unfold Spsc.cell, Spsc.word; rewrite E; [apply A1|apply A2]; auto. Qed.
Lemma inv_p_eq m m' log p : (forall i, last m' (D i) = last m (D i)) -> seen m' = seen m -> last m' WP = last m WP ->
  inv_p m log p -> inv_p m' log p.
Proof.
  intros E S L A. pose proof (placed_eq m m') as Q.
  destruct p; simpl in *; unfold SpscInvariant.opened, Spsc.word, Spsc.cell in *; try rewrite S; try rewrite L; auto.
  - intuition.
  - destruct A as [A1 [A2 [A3 [A4 A5]]]]. split; [intuition|]. repeat (split; auto). intros. rewrite E. auto.
  - destruct A as [A1 A2]. split; [intuition|]. rewrite E. auto.
  - intuition.
Qed.
Lemma standing_more tau m m' log e d q held j : last m' RP = last m RP -> last m' FR = last m FR ->
  ck (tv m C) P <= ck (tv m' C) P -> standing tau m log e d q held j -> standing tau m' log e d q held j.
Proof.
  intros E1 E2 K [[S1 [S2 [S3 S4]]] [R1 [R2 R3]]]. unfold SpscInvariant.standing, stands. rewrite E1, E2.
  repeat (split; auto; try lia); destruct (R3 k H) as [X1 [X2 X3]]; auto. lia.
Qed.
Lemma inv_c_eq tau m m' log e d p : last m' RP = last m RP -> last m' FR = last m FR ->
  ck (tv m C) P <= ck (tv m' C) P ->
  (forall p, last m FR <= p -> p < last m RP -> last m' (word p) = last m (word p)) ->
  inv_c tau m log e d p -> inv_c tau m' log e d p.
Proof.
  intros E F K Q [A1 [A2 [A3 [A4 A5]]]]. pose proof (standing_more tau m m' log e d) as SM.
  unfold SpscInvariant.inv_c. rewrite E. do 3 (split; auto). split; [lia|].
  destruct p as [|r|r f|q h|q h n got|q h x|q h p v|q h k]; auto.
  - rewrite F. auto.
  - destruct A5 as [j B]. exists j. auto.
  - destruct A5 as [j [B1 [B2 [B3 [B4 B5]]]]]. exists j. repeat (split; auto; try lia); apply B5.
  - destruct A5 as [j [B1 [B2 [B3 B4]]]]. exists j. split; auto. split; auto. split; auto.
    intros L. destruct (B4 L). split; auto. lia.
  - destruct A5 as [j [B1 [B2 B3]]]. exists j. split; auto. split; auto.
    destruct B1 as [_ [R1 [R2 _]]]. rewrite Q; auto; lia.
  - destruct A5 as [j [B1 B2]]. exists j. auto.
Qed.
Lemma owned_eq tau m m' log e : len m' OW = len m OW -> (forall k, hist m' OW k = hist m OW k) ->
  ts (tv m P) FR <= ts (tv m' P) FR -> owned tau m log e -> owned tau m' log e.
Proof.
  intros E1 E2 T [O1 O2 O3]. constructor; rewrite ?E1; auto; intros k K; rewrite ?E2; auto. pose proof (O3 k K). lia.
Qed.

(* ---- the producer's own writes ---- *)
Lemma placed_keep m w bs p s na rel i x : placed m w bs -> seen m <= w -> w + total bs <= p ->
  p + s <= seen m + N -> 0 < s -> p mod N <= i < p mod N + s -> placed (write na rel P (D i) x m) w bs.
Proof.
  intros A S L1 L2 L3 I b B. destruct (A b B) as [A1 A2].
  assert (Q : forall i', (w + off bs b) mod N <= i' < (w + off bs b) mod N + size (rec bs b) -> i' <> i).
  { intros i' I' E. subst i'. pose proof (off_next bs b (length bs) B (le_n _)). rewrite off_all in *.
    apply (apart N (N_pos) (seen m) (w + off bs b) (size (rec bs b)) p s i); auto; try lia; unfold size; lia. }
  split.
  - intros i' I'. unfold Spsc.cell. rewrite write_last_ne; [apply A1; auto|]. intros E. injection E as E.
    apply (Q i); auto. unfold size. lia.
  - intros B0. unfold Spsc.word. rewrite write_last_ne; [apply A2; auto|]. intros E. injection E as E.
    apply (Q i); auto. unfold size. lia.
Qed.

Lemma seen_write m na rel l x : l <> FR -> seen (write na rel P l x m) = seen m.
Proof.
  intros L. unfold seen. rewrite write_ts, write_hist_ne by congruence. destruct (loc_dec l FR); congruence.
Qed.
Lemma seen_word m na rel p x : seen (write na rel P (word p) x m) = seen m. Proof. apply seen_write. discriminate. Qed.
Lemma seen_cell m na rel p i x : seen (write na rel P (cell p i) x m) = seen m. Proof. apply seen_write. discriminate. Qed.

Lemma total_pos b bs : 0 < total (b :: bs). Proof. simpl. lia. Qed.

Lemma shared_commit tau m log f w b bs : shared tau m log -> opened m log f w (b :: bs) ->
  last m (word (w + total (b :: bs))) = 0 ->
  let m' := write atomic true P (word w) (header w (length b)) m in
  let tau' := fun j => if j <? length log then tau j else ck (tv m' P) P in
  shared tau' m' (log ++ b :: bs).
Proof.
  intros H [Ew [El [Pl [Sz [Room Wl]]]]] Term m' tau'. pose proof H as H0. invs H0.
  assert (SE : seen m <= w) by (subst w; eapply seen_end; eauto).
  assert (Sn : sane m') by (apply sane_write; auto).
  set (i := w mod N). set (n := length log).
  assert (Oth : forall l', (forall i, l' <> D i) -> len m' l' = len m l' /\ hist m' l' = hist m l').
  { intros l' E. unfold m', Machine.write. simpl. rewrite !updl_ne; auto; intros E2; apply (E (w mod N)); symmetry; exact E2. }
  assert (Ot : forall l, l <> D i -> len m' l = len m l /\ (forall k, hist m' l k = hist m l k) /\ last m' l = last m l).
  { intros l E. unfold m'. repeat split; intros; [apply write_len_ne|apply write_hist_ne|apply write_last_ne]; auto. }
  assert (Old : forall l' k, k < len m l' -> hist m' l' k = hist m l' k) by (intros; apply write_hist; auto).
  assert (New : hist m' (D i) (len m (D i)) = Msg (header w (length b)) P (S (ck (tv m P) P)) (tv m' P)) by apply write_hist_new.
  assert (Len : len m' (D i) = S (len m (D i))) by apply write_len_eq.
  destruct (Oth FR) as [FL FH]; [congruence|]. destruct (Oth RP) as [RL RH]; [congruence|].
  destruct (Oth WP) as [WL WH]; [congruence|].
  assert (Se : seen m' = seen m) by apply seen_word.
  assert (Ts : forall l, (forall i, l <> D i) -> ts (tv m' P) l = ts (tv m P) l).
  { intros l E. unfold m'. rewrite write_ts. destruct (loc_dec (word w) l) as [E2|E2]; [exfalso; eapply E; symmetry; exact E2|auto]. }
  assert (CkP : ck (tv m' P) P = S (ck (tv m P) P)) by (unfold m'; apply write_ck_own).
  assert (CC : tv m' C = tv m C) by (unfold m'; apply write_tv_other; congruence).
  assert (CkC : ck (tv m' P) C = ck (tv m P) C) by (unfold m'; apply write_ck; congruence).
  assert (F : free m log i).
  { apply (free_range tau m log w 1 i); auto; try lia; unfold i; try lia. }
  assert (Bl : forall j, j <= n -> before tau' j = before tau j).
  { intros j J. destruct j; auto. simpl. unfold tau'. fold n. destruct (Nat.ltb_spec j n); [auto|lia]. }
  assert (Bg : forall j, n < j -> before tau' j = ck (tv m' P) P).
  { intros j J. destruct j; [lia|]. simpl. unfold tau'. fold n. destruct (Nat.ltb_spec j n); [lia|auto]. }
  assert (Tl : forall j, j < n -> tau' j = tau j).
  { intros j J. unfold tau'. fold n. destruct (Nat.ltb_spec j n); [auto|lia]. }
  assert (Tg : forall j, n <= j -> tau' j = ck (tv m' P) P).
  { intros j J. unfold tau'. fold n. destruct (Nat.ltb_spec j n); [lia|auto]. }
  assert (OwnK : forall l k, k < len m' l -> who (hist m' l k) = P -> known m' l k (ck (tv m' P) P)).
  { intros l k L E. split; [auto|split; auto]. pose proof (sn_st Sn _ L) as Y. rewrite E in Y. auto. }
  assert (Ac : forall na' wr l' u, acc m' na' wr l' u = acc m na' wr l' u \/ (na' = atomic /\ wr = true /\ l' = D i /\ u = P)).
  { intros. unfold m'. edestruct write_acc as [E|[E1 [E2 [E4 [E3 _]]]]]; [left; exact E|right; auto]. }
  assert (AcP : forall wr l' u, acc m' plain wr l' u = acc m plain wr l' u).
  { intros. destruct (Ac plain wr l' u) as [E|[E _]]; [exact E|congruence]. }
  assert (AcC : forall na' wr l', acc m' na' wr l' C = acc m na' wr l' C).
  { intros. destruct (Ac na' wr l' C) as [E|[_ [_ [_ E]]]]; [exact E|congruence]. }
  assert (AcO : forall na' wr l' u, l' <> D i -> acc m' na' wr l' u = acc m na' wr l' u).
  { intros. destruct (Ac na' wr l' u) as [E|[_ [_ [E _]]]]; [exact E|congruence]. }
  assert (Ln : length (log ++ b :: bs) = n + length (b :: bs)) by (rewrite app_length; auto).
  assert (Of : forall j, j <= n -> off (log ++ b :: bs) j = off log j) by (intros; apply off_app; auto).
  assert (Rf : forall j, j < n -> rec (log ++ b :: bs) j = rec log j) by (intros; apply rec_app; auto).
  assert (Og : forall c, off (log ++ b :: bs) (n + c) = w + off (b :: bs) c) by (intros; unfold n; rewrite off_app2; lia).
  assert (Rg : forall c, rec (log ++ b :: bs) (n + c) = rec (b :: bs) c) by (intros; unfold n; apply rec_app2).
  assert (Far : forall c i', c <= length (b :: bs) ->
     (w + off (b :: bs) c) mod N <= i' < (w + off (b :: bs) c) mod N + (if c <? length (b :: bs) then size (rec (b :: bs) c) else 1) ->
     0 < c \/ i' <> i -> i' <> i).
  { intros c i' L I [Z|Z] E; [|auto]. subst i'.
    pose proof (off_next (b :: bs) 0 c Z L) as Q. rewrite off_0 in Q.
    change (rec (b :: bs) 0) with b in Q.
    apply (apart N N_pos (seen m) w (size b) (w + off (b :: bs) c) (if c <? length (b :: bs) then size (rec (b :: bs) c) else 1) i); auto; try (unfold i; lia).
    - destruct (Nat.ltb_spec c (length (b :: bs))).
      + pose proof (off_next (b :: bs) c (length (b :: bs)) H0 (le_n _)) as Q2. rewrite off_all in Q2. lia.
      + assert (c = length (b :: bs)) as -> by lia. rewrite off_all. lia.
    - destruct (Nat.ltb_spec c (length (b :: bs))); unfold size; lia.
    - unfold i, size. lia. }
  assert (Tot : total (log ++ b :: bs) = w + total (b :: bs)) by (rewrite total_app; lia).
  split_shared.
  [race]: {
    unfold m', Machine.write. simpl. rewrite h_race. simpl. eapply racy_writeP; eauto. congruence. }
  [log]: { intros x X. apply in_app_or in X. destruct X; auto. }
  [tau]: {
    intros j J. rewrite Ln in J. destruct (lt_eq_lt_dec j n) as [[L|E]|L].
    - rewrite Bl, Tl by lia. auto.
    - subst j. rewrite Bl, Tg by lia. fold n in h_end. lia.
    - rewrite Bg, Tg by lia. auto. }
  [upto]: { rewrite Ln, Bg; auto. simpl. lia. }
  [same]: {
    intros i'. destruct (Nat.eq_dec i' i) as [->|E].
    - exists (len m (D i)). rewrite Len, New. split; [lia|split; auto].
      intros k K. assert (k = len m (D i)) as -> by lia. rewrite New. symmetry. apply write_last_eq.
    - destruct (Ot (D i')) as [E1 [E2 E3]]; [congruence|]. destruct (h_same i') as [k0 [X1 [X2 X3]]].
      exists k0. rewrite E1, E2, E3. split; auto. split; auto. intros k K. rewrite E2. auto. }
  [whoP]: { intros k. rewrite WL, WH. apply h_whoP. }
  [whoC]: { intros l k [-> | ->]; rewrite ?RL, ?RH, ?FL, ?FH; apply h_whoC; auto. }
  [accC]: { intros i'. rewrite AcC. auto. }
  [accP]: { intros i'. rewrite AcP. auto. }
  [accW]: { intros l wr u E. rewrite AcP. auto. }
  [head]: {
    intros j Sj J. rewrite Ln in J. rewrite Se in Sj. destruct (lt_eq_lt_dec j n) as [[L|E]|L].
    - rewrite Of in Sj by lia.
      assert (Q : word (off log j) <> D i).
      { intros E. injection E as E. apply (proj2 F j); auto. unfold SpscInvariant.in_record, size. lia. }
      destruct (Ot _ Q) as [O1 [O2 O3]].
      assert (X : header_ok tau m' log j).
      { apply (header_keep tau m m'); [exact O1|exact O2|rewrite CC; auto|apply AcP|]. apply h_head; auto. lia. }
      destruct X as [[k0 [X0 X1]] [X2 X3]]. unfold SpscInvariant.header_ok. rewrite Of, Rf, Bl, Tl, Ln by lia.
      split; [|split; [intros; apply X2; auto|exact X3]].
      exists k0. split; auto. intros k K. destruct (X1 k K) as [V|[V1 [V2 V3]]]; auto.
      right. split; [lia|auto].
    - subst j. rewrite Of in Sj by lia. destruct (h_head n) as [[k0 [X0 X1]] [X2 X3]]; auto.
      assert (Ew' : off log n = w) by (unfold n; rewrite off_all; auto).
      unfold SpscInvariant.header_ok. rewrite Of by lia. rewrite Ew' in *. rewrite Bl, Tg by lia.
      assert (R0 : rec (log ++ b :: bs) n = b). { replace n with (n + 0) by lia. rewrite Rg. reflexivity. }
      rewrite R0. change (word w) with (D i) in *.
      split; [|split].
      + exists k0. unfold known in *. rewrite Len, Old by tauto. split; [intuition lia|].
        intros k K. destruct (Nat.eq_dec k (len m (D i))) as [->|].
        * right. rewrite New. split; [rewrite Ln; simpl; lia|]. split; [reflexivity|]. left. apply le_n.
        * rewrite Old by lia. destruct (X1 k) as [V|[V _]]; [lia|auto|]. unfold n in V. lia.
      + intros _. exists (len m (D i)). split; [apply OwnK; [lia|rewrite New; auto]|].
        intros k K. assert (k = len m (D i)) as -> by lia. rewrite New. reflexivity.
      + rewrite AcP. auto.
    - assert (Ej : exists c, j = n + c /\ 0 < c) by (exists (j - n); lia). destruct Ej as [c [-> Cp]].
      set (l := word (w + off (b :: bs) c)).
      assert (Q : l <> D i).
      { intros E. injection E as E. apply (Far c ((w + off (b :: bs) c) mod N)); auto; [lia|].
        destruct (c <? length (b :: bs)); unfold size; lia. }
      unfold SpscInvariant.header_ok. rewrite Og, Rg, Bg, Tg by lia. fold l. destruct (Ot _ Q) as [O1 [O2 O3]].
      destruct (h_same ((w + off (b :: bs) c) mod N)) as [k0 [K1 [K2 K3]]]. change (D ((w + off (b :: bs) c) mod N)) with l in *.
      assert (Kn : known m' l k0 (ck (tv m' P) P)) by (apply OwnK; [lia|rewrite O2; auto]).
      assert (V : (c < length (b :: bs) /\ last m l = header (w + off (b :: bs) c) (length (rec (b :: bs) c))) \/ last m l = 0).
      { destruct (le_lt_dec (length (b :: bs)) c).
        - right. assert (c = length (b :: bs)) as -> by lia. unfold l. rewrite off_all. auto.
        - left. split; auto. apply Pl; auto. }
      split; [|split].
      + exists k0. split; auto. intros k K. rewrite O1 in K. rewrite O2, K3 by auto.
        destruct V as [[V1 V]|V]; [right|left; auto]. split; [rewrite Ln; lia|auto].
      + intros Jl. rewrite Ln in Jl. exists k0. split; auto. intros k K. rewrite O1 in K. rewrite O2, K3 by auto.
        destruct V as [[_ V]|V]; auto. apply Pl; lia.
      + apply (sn_acc Sn). }
  [pay]: {
    intros j Sj J i' I'. rewrite Ln in J. rewrite Se in Sj. destruct (le_lt_dec n j) as [L|L].
    - assert (Ej : exists c, j = n + c) by (exists (j - n); lia). destruct Ej as [c ->].
      rewrite Rg in *. rewrite Og. rewrite Tg by lia.
      assert (Q : cell (w + off (b :: bs) c) i' <> D i).
      { intros E. injection E as E. destruct (Nat.eq_dec c 0).
        - subst c. rewrite off_0 in E. replace (w + 0) with w in E by lia. unfold i in E. lia.
        - apply (Far c ((w + off (b :: bs) c) mod N + 1 + i')); auto; [lia| |lia].
          destruct (Nat.ltb_spec c (length (b :: bs))); [unfold size; lia|lia]. }
      destruct (Ot _ Q) as [O1 [O2 O3]]. split; [rewrite O3; apply Pl; auto; lia|]. intros na'. apply (sn_acc Sn).
    - rewrite Of in * by lia. rewrite Rf in * by lia. rewrite Tl by lia. destruct (h_pay j Sj L i' I') as [X1 X2].
      assert (Q : cell (off log j) i' <> D i).
      { intros E. injection E as E. apply (proj2 F j); auto. unfold SpscInvariant.in_record, size. lia. }
      destruct (Ot _ Q) as [O1 [O2 O3]]. rewrite O3. split; auto. intros na'. rewrite AcO; auto. }
  [past]: {
    intros j p J S L. rewrite Se in S. destruct (le_lt_dec j n) as [Jn|Jn].
    - rewrite Of in L by auto. rewrite Bl by auto. destruct (h_past j p Jn S L) as [X1 X2].
      assert (Q : word p <> D i).
      { intros E. injection E as E. apply (proj1 F p); auto. pose proof (off_end log j Jn). lia. }
      destruct (Ot _ Q) as [O1 [O2 O3]]. split; [intros na'; rewrite AcO; auto|]. intros k. rewrite O1, O2. auto.
    - rewrite Bg by auto. split; [intros na'; apply (sn_acc Sn)|]. intros k K E. apply (OwnK _ _ K E). }
  [cap]: { rewrite Tot, Se. lia. }
  [wp]: {
    intros k K. rewrite WL in K. rewrite WH. destruct (h_wp k K) as [q [Q1 [Q2 Q3]]]. exists q.
    rewrite Ln, Of, Bl by (fold n in Q1; lia). split; [fold n in Q1; lia|]. split; auto. }
  [wmon]: { intros k k'. rewrite WL, WH. auto. }
  [wl]: {
    intros j J. destruct (le_lt_dec j n) as [Jn|Jn].
    - rewrite Of, Bl by auto. unfold known. rewrite WL, WH. apply h_wl; auto.
    - pose proof (off_end _ j J) as OE. rewrite Tot in OE. rewrite Bg by auto. exists (len m WP - 1).
      pose proof (sn_len h_sane WP). split; [apply OwnK; [lia|rewrite WH; apply h_whoP; lia]|].
      rewrite WH. unfold last in Wl. rewrite Wl. lia. }
  [rp]: {
    intros l k LL K. assert (K2 : k < len m l /\ hist m' l k = hist m l k).
    { destruct LL as [-> | ->]; rewrite ?RL, ?RH, ?FL, ?FH in *; auto. }
    destruct K2 as [K2 ->]. destruct (h_rp l k LL K2) as [q [Q1 Q2]]. exists q. fold n in Q1. rewrite Ln, Of by lia.
    split; [lia|auto]. }
  [mon]: { intros l k k' [-> | ->]; rewrite ?RL, ?RH, ?FL, ?FH; apply h_mon; auto. }
  [fr]: { unfold last. rewrite RL, RH, FL, FH. auto. }
  [frp]: { intros k. rewrite RH, FL, FH. auto. }
  [sr]: { rewrite Se, RH, Ts by congruence. auto. }
  [fts]: { intros k. rewrite FL, FH. auto. }
  [know]: { rewrite Ts, FH by congruence. lia. }
  [rdp]: {
    intros k i' K. rewrite FL in K. rewrite FH, AcC. destruct (h_rdp k i' K) as [X|[j [J1 [J2 J3]]]]; [left; exact X|right].
    fold n in J1. exists j. unfold SpscInvariant.in_record in *. rewrite Ln, Of, Rf by lia. split; [lia|auto]. }
  [rda]: {
    intros k i' wr K. rewrite FL in K. rewrite FH, AcC. destruct (h_rda k i' wr K) as [X|[p [J1 [J2 J3]]]]; [left; exact X|right].
    exists p. split; [lia|auto]. }
  all: auto.
Qed.
End Kept.
