(* Every step of the producer keeps the invariant: one lemma a step. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc SpscInvariant SpscWrites SpscKept.

Section Steps.
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
Notation N_pos := (N_pos N most W fits wide). Notation W_pos := (W_pos N most W fits wide).
Notation dist_le := (dist_le W W_pos). Notation dist_gt := (dist_gt W W_pos).
Notation total_pos := (total_pos N most W fits wide). Notation placed_keep := (placed_keep N most W enc fits wide).
Notation owned_eq := (owned_eq N most W fits wide). Notation standing_more := (standing_more N most W fits wide).
Notation header_back := (header_back most W enc dec codes). Notation header_none := (header_none most W enc dec codes).
Notation header_some := (header_some most W enc dec codes).
Notation inv_p_eq := (inv_p_eq N most W enc). Notation inv_c_eq := (inv_c_eq N most W fits wide).
Notation hb := (hb N most W enc). Notation ownP := (ownP N most W enc fits). Notation ownC := (ownC N most W enc fits).
Notation shared_readP := (shared_readP N most W enc fits). Notation shared_readC := (shared_readC N most W enc fits).
Notation shared_writeP := (shared_writeP N most W enc fits). Notation shared_own := (shared_own N most W enc fits).
Notation end_near := (end_near N most W enc fits). Notation ext_near := (ext_near N most W enc fits).
Notation ownW := (ownW N most W enc fits).
Notation step := (step N most W enc dec shipped).

(* A read of the producer: what of the rest it leaves as it was. *)
Lemma reads_P tau m g d e c l k acq : shared tau m g -> owned tau m g e -> inv_c tau m g e d c -> can_read m P l k ->
  (acq = true -> l = FR \/ l = OW) -> (l = FR -> acq = true) ->
  let m' := read atomic acq P l k m in
  shared tau m' g /\ owned tau m' g e /\ inv_c tau m' g e d c /\ seen m <= seen m' /\
  (l <> FR -> seen m' = seen m) /\ (l = FR -> seen m' = val (hist m FR k)).
Proof.
  intros H O HC K A A' m'.
  destruct (shared_readP tau m g l k acq H K) as [S1 [S2 [S3 [S4 S5]]]]; auto.
  { intros Q. destruct (A Q) as [E|E]; auto. right. subst l. apply (o_ts _ _ _ _ O), K. }
  split; auto. split; [apply (owned_eq tau m); auto|]. split; [|auto].
  apply (inv_c_eq tau m); [reflexivity|reflexivity| |reflexivity|exact HC].
  unfold m'. rewrite read_tv_other by congruence. auto.
Qed.

(* A store of the producer into a free word. *)
Lemma stores_P tau m g d e c na i x : shared tau m g -> owned tau m g e -> inv_c tau m g e d c -> free m g i ->
  (i = total g mod N -> na = atomic /\ x = 0) ->
  let m' := write na false P (D i) x m in
  shared tau m' g /\ owned tau m' g e /\ inv_c tau m' g e d c.
Proof.
  intros H O HC F Z m'. split; [apply shared_writeP; auto|]. split.
  - apply (owned_eq tau m); [| | |exact O].
    + unfold m'. apply write_len_ne. congruence.
    + intros. unfold m'. apply write_hist_ne. congruence.
    + unfold m'. rewrite write_ts. simpl. auto.
  - destruct HC as [A1 [A2 [A3 A4]]].
    eapply inv_c_eq; [| | | |repeat (split; eauto)]; unfold m'; try (apply write_last_ne; congruence).
    + rewrite write_tv_other by congruence. auto.
    + intros p F1 F2. apply write_last_ne. intros E. injection E as E. rewrite A3 in F2.
      pose proof (seen_last tau m g H). pose proof (off_end g (length d) A1). apply (proj1 F p); lia.
Qed.

(* A store of the producer into a word of its own around the data. *)
Lemma tells_P tau m g d e c rel l x : shared tau m g -> owned tau m g e -> inv_c tau m g e d c ->
  own_word l -> l <> OW -> (l = WP -> rel = true /\ x = total g) ->
  let m' := write atomic rel P l x m in
  shared tau m' g /\ owned tau m' g e /\ inv_c tau m' g e d c /\ seen m' = seen m /\
  (forall i, last m' (D i) = last m (D i)).
Proof.
  intros H O HC L NO Z m'.
  assert (ND : forall i, l <> D i) by (intros i E; subst l; contradiction).
  assert (NF : l <> FR) by (intros E; subst l; contradiction). assert (NR : l <> RP) by (intros E; subst l; contradiction).
  split; [apply shared_own; auto|]. split; [|split; [|split]].
  - apply (owned_eq tau m); [| | |exact O].
    + unfold m'. apply write_len_ne. congruence.
    + intros. unfold m'. apply write_hist_ne. congruence.
    + unfold m'. rewrite write_ts. destruct (loc_dec l FR); [congruence|auto].
  - eapply inv_c_eq; [| | | |exact HC]; unfold m'; try (apply write_last_ne; congruence).
    + rewrite write_tv_other by congruence. auto.
    + intros p _ _. apply write_last_ne. intros E. apply (ND (p mod N)). auto.
  - apply seen_write. auto.
  - intros i. apply write_last_ne. auto.
Qed.

Lemma opened_eq m m' g f w bs : (forall i, last m' (D i) = last m (D i)) -> seen m' = seen m -> last m' WP = last m WP ->
  opened m g f w bs -> opened m' g f w bs.
Proof. intros A1 A2 A3 A. apply (inv_p_eq m m' g (Open f w bs)); auto. Qed.
Lemma opened_nil tau m g f w : shared tau m g -> w = total g -> f = seen m -> last m WP = w -> opened m g f w nil.
Proof.
  intros H E1 E2 E3. pose proof (s_cap _ _ _ _ _ _ _ H). split; auto. split; auto. split; [|split; [|split; auto]].
  - intros b B. simpl in B. lia.
  - intros x [].
  - simpl. lia.
Qed.

Ltac start := intros [tau [H [O [HP [HC HW]]]]]; cbn [mm pp cc Spsc.log Spsc.done Spsc.ends wrong] in *; try rewrite HW in *; clear HW;
  unfold SpscInvariant.inv; cbn [mm pp cc Spsc.log Spsc.done Spsc.ends wrong].

Lemma k_room m f w bs c g d e z k : can_read m P FR k -> inv (St m (Open f w bs) c g d e z) ->
  inv (St (read atomic true P FR k m) (Open (val (hist m FR k)) w bs) c g d e (z || (N <? dist w (val (hist m FR k))))).
Proof.
  intros K. start. destruct HP as [E1 [E2 [E3 [E4 [E5 E6]]]]].
  destruct (reads_P tau m g d e c FR k true H O HC K) as [S1 [S2 [S3 [S4 [_ S5]]]]]; auto.
  rewrite S5 in S4 by auto. exists tau. split; [exact S1|]. split; [exact S2|]. split; [|split; [exact S3|]].
  - split; auto. split; [rewrite S5; auto|]. split; [exact E3|]. split; auto. split; [lia|]. exact E6.
  - simpl. destruct (Nat.ltb_spec N (dist w (val (hist m FR k)))) as [L|L]; auto. exfalso.
    pose proof (seen_end tau _ g S1) as SE. rewrite S5 in SE by auto. rewrite dist_le in L; lia.
Qed.

Lemma k_begin m f w bs x c g d e z : length x <= most -> length x + 2 <= dist (f + N) (w + total bs) ->
  inv (St m (Open f w bs) c g d e z) -> inv (St m (Fill f w bs x 0) c g d e z).
Proof.
  intros L1 L2. start. pose proof HP as [E1 [E2 [E3 [E4 [E5 E6]]]]].
  pose proof (seen_end tau m g H). rewrite dist_le in L2 by lia.
  exists tau. repeat (split; auto; try lia).
Qed.

Lemma k_fill m f w bs x i c g d e z : i < length x -> inv (St m (Fill f w bs x i) c g d e z) ->
  inv (St (write plain false P (cell (w + total bs) i) (nth i x 0) m) (Fill f w bs x (S i)) c g d e z).
Proof.
  intros L. start. destruct HP as [[E1 [E2 [E3 [E4 [E5 E5']]]]] [E6 [E7 [E8 E9]]]].
  assert (SE : seen m <= w) by (subst w; eapply seen_end; eauto).
  set (p := w + total bs) in *.
  assert (I : p mod N <= p mod N + 1 + i < p mod N + size x) by (unfold size; lia).
  assert (Fr : free m g (p mod N + 1 + i)).
  { apply (free_range tau m g p (size x)); auto; unfold size in *; lia. }
  destruct (stores_P tau m g d e c plain (p mod N + 1 + i) (nth i x 0) H O HC Fr) as [S1 [S2 S3]].
  { intros E. exfalso.
    destruct bs as [|b bs]; [unfold p in E; simpl in E; subst w; rewrite Nat.add_0_r in E; lia|].
    pose proof (total_pos b bs).
    apply (apart N N_pos (seen m) w 1 p (size x) (p mod N + 1 + i)); auto; unfold size in *; try lia.
    rewrite E, E1. lia. }
  exists tau. split; [exact S1|]. split; [exact S2|]. split; [|split; [exact S3|auto]].
  split; [|split; [lia|split; [auto|split; [auto|]]]].
  - split; auto. split; [symmetry; rewrite seen_cell; auto|]. split; [|split; auto].
    + unfold Spsc.cell. fold p. apply placed_keep with (p := p) (s := size x); auto; unfold size in *; lia.
  - intros i' I'. fold p. destruct (Nat.eq_dec i' i) as [->|].
    + apply write_last_eq.
    + rewrite write_last_ne; [apply E9; lia|]. unfold Spsc.cell. intros E. injection E. lia.
Qed.

Lemma k_shorten m f w bs x i j c g d e z : j <= i -> j < length x -> inv (St m (Fill f w bs x i) c g d e z) ->
  inv (St m (Fill f w bs (firstn j x) j) c g d e z).
Proof.
  intros J1 J2. start. destruct HP as [E1 [E6 [E7 [E8 E9]]]]. exists tau. split; auto. split; auto. split; [|auto].
  cbn [SpscInvariant.inv_p]. rewrite firstn_length_le by lia. repeat (split; auto; try lia).
  intros i' I'. rewrite nth_firstn_lt by auto. apply E9. lia.
Qed.
Lemma k_abort m f w bs x i c g d e z : inv (St m (Fill f w bs x i) c g d e z) -> inv (St m (Open f w bs) c g d e z).
Proof. start. destruct HP as [E _]. exists tau. auto. Qed.

Lemma k_first m f w x c g d e z : inv (St m (Fill f w nil x (length x)) c g d e z) ->
  inv (St m (Open f w (x :: nil)) c g d e z).
Proof.
  start. destruct HP as [[E1 [E2 [E3 [E4 [E5 E5']]]]] [E6 [E7 [E8 E9]]]].
  exists tau. split; auto. split; auto. split; [|auto]. split; auto. split; auto. split; [|split; [|split; auto]].
  - intros b B. simpl in B. assert (b = 0) as -> by lia. rewrite off_0. split; [|lia].
    intros i I. change (rec [x] 0) with x in *. apply E9. auto.
  - intros y [<-|[]]; auto.
  - simpl in *. unfold size. lia.
Qed.

Lemma k_next m f w b bs x c g d e z : inv (St m (Fill f w (b :: bs) x (length x)) c g d e z) ->
  inv (St (write atomic false P (word (w + total (b :: bs))) (header (w + total (b :: bs)) (length x)) m)
          (Open f w ((b :: bs) ++ x :: nil)) c g d e z).
Proof.
  start. destruct HP as [[E1 [E2 [E3 [E4 [E5 E5']]]]] [E6 [E7 [E8 E9]]]].
  assert (SE : seen m <= w) by (subst w; eapply seen_end; eauto).
  set (bb := b :: bs) in *. set (p := w + total bb) in *. pose proof (total_pos b bs) as Tp. fold bb in Tp.
  assert (Fr : free m g (p mod N)) by (apply (free_range tau m g p 1); auto; lia).
  assert (Pk : placed (write atomic false P (word p) (header p (length x)) m) w bb).
  { apply placed_keep with (p := p) (s := 1); auto; lia. }
  destruct (stores_P tau m g d e c atomic (p mod N) (header p (length x)) H O HC Fr) as [S1 [S2 S3]].
  { intros E. exfalso. apply (apart N N_pos (seen m) w 1 p 1 (p mod N)); auto; try lia. rewrite E, E1. lia. }
  exists tau. split; [exact S1|]. split; [exact S2|]. split; [|split; [exact S3|auto]].
  split; auto. split; [symmetry; rewrite seen_word; auto|]. split; [|split; [|split]].
  - intros y Le. rewrite app_length in Le. change (length [x]) with 1 in Le.
    destruct (le_lt_dec (length bb) y).
    + assert (y = length bb + 0) as -> by lia. rewrite off_app2, rec_app2, off_0.
      change (rec [x] 0) with x. replace (w + (total bb + 0)) with p by (unfold p; lia). split.
      * intros i I. rewrite write_last_ne; [apply E9; auto|]. unfold Spsc.cell, Spsc.word. intros E. injection E. lia.
      * intros _. apply write_last_eq.
    + rewrite off_app, rec_app by lia. apply Pk. auto.
  - intros y Y. apply in_app_or in Y. destruct Y as [Y|[<-|[]]]; auto.
  - rewrite total_app. change (total [x]) with (size x + 0). unfold size, p in *. lia.
  - rewrite write_last_ne by discriminate. auto.
Qed.

Lemma k_terminate m f w b bs c g d e z : inv (St m (Open f w (b :: bs)) c g d e z) ->
  inv (St (write atomic false P (word (w + total (b :: bs))) 0 m) (Commit f w (b :: bs)) c g d e z).
Proof.
  start. destruct HP as [E1 [E2 [E3 [E4 [E5 E6]]]]].
  assert (SE : seen m <= w) by (subst w; eapply seen_end; eauto).
  set (bb := b :: bs) in *. set (p := w + total bb) in *.
  assert (Fr : free m g (p mod N)) by (apply (free_range tau m g p 1); auto; lia).
  destruct (stores_P tau m g d e c atomic (p mod N) 0 H O HC Fr) as [S1 [S2 S3]]; auto.
  exists tau. split; [exact S1|]. split; [exact S2|]. split; [|split; [exact S3|auto]].
  split; [|apply write_last_eq]. split; auto. split; [symmetry; rewrite seen_word; auto|].
  split; [apply placed_keep with (p := p) (s := 1); auto; lia|].
  split; auto.
Qed.

Lemma inv_c_log tau tau' m m' log bs e d p : (forall l, l <> word (total log) -> last m' l = last m l) -> tv m' C = tv m C ->
  length e = len m OW -> last m RP <= total log ->
  (forall k, k < length e -> nth k e 0 <= length log) ->
  (forall j, j < length log -> tau' j = tau j) ->
  (forall p, last m FR <= p -> p < last m RP -> word p <> word (total log)) ->
  inv_c tau m log e d p -> inv_c tau' m' (log ++ bs) e d p.
Proof.
  intros L K EL LR EO T Q [A1 [A2 [A3 [A4 A5]]]].
  assert (E : last m' RP = last m RP) by (apply L; discriminate).
  assert (E' : last m' FR = last m FR) by (apply L; discriminate).
  assert (B : forall j, j <= length log -> before tau' j = before tau j).
  { intros j J. destruct j; simpl; auto. }
  assert (F : forall j, j <= length log -> firstn j (log ++ bs) = firstn j log).
  { intros j J. rewrite firstn_app. replace (j - length log) with 0 by lia. simpl. apply app_nil_r. }
  assert (S : forall q held j, standing tau m log e d q held j -> standing tau' m' (log ++ bs) e d q held j).
  { intros q held j [[S1 [S2 [S3 S4]]] [R1 [R2 R3]]]. unfold SpscInvariant.standing, stands.
    rewrite off_app, F, B, K, app_length, E, E' by auto.
    split; [repeat split; auto; lia|]. split; auto. split; auto. intros k Ek. destruct (R3 k Ek) as [X1 [X2 X3]].
    rewrite B by auto. split; auto. split; [lia|auto]. }
  unfold SpscInvariant.inv_c. rewrite E, K, off_app, F, B, app_length by auto.
  split; [lia|]. split; auto. split; auto. split; auto.
  destruct p as [|r|r f|q h|q h n got|q h x|q h p v|q h k]; auto.
  - rewrite E'. auto.
  - destruct A5 as [j X]. exists j. auto.
  - destruct A5 as [j [X1 [X2 X3]]]. exists j. rewrite rec_app, T by auto. split; auto. split; [lia|auto].
  - destruct A5 as [j [X1 [X2 [X2' X3]]]]. exists j. split; auto. rewrite total_app. split; [lia|]. split; auto.
    intros Lt. destruct (X3 Lt). rewrite T by auto. split; [lia|auto].
  - destruct A5 as [j [X1 [X2 X3]]]. exists j. split; auto. split; auto. rewrite L; auto.
    destruct X1 as [_ [R1 [R2 _]]]. apply Q; lia.
  - destruct A5 as [j [X1 X2]]. exists j. auto.
Qed.

Lemma k_commit m f w b bs c g d e z : inv (St m (Commit f w (b :: bs)) c g d e z) ->
  inv (St (write atomic true P (word w) (header w (length b)) m) (Copy f (w + total (b :: bs))) c (g ++ b :: bs) d e z).
Proof.
  start. destruct HP as [HO HT].
  pose proof (shared_commit N most W enc fits wide tau m g f w b bs H HO HT) as X. cbv zeta in X.
  destruct HO as [E1 [E2 [E3 [E4 [E5 E6]]]]]. pose proof HC as [A1 [A2 [A3 A4]]].
  assert (Bt : forall j, j <= length g -> before (fun j => if j <? length g then tau j else
    ck (tv (write atomic true P (word w) (header w (length b)) m) P) P) j = before tau j).
  { intros j J. destruct j; auto. simpl. destruct (Nat.ltb_spec j (length g)); [auto|lia]. }
  eexists. split; [exact X|]. split; [|split; [|split; [|auto]]].
  - destruct O as [O1 O2 O3]. constructor.
    + rewrite write_len_ne by discriminate. auto.
    + intros k. rewrite write_len_ne, write_hist_ne by discriminate. intros K. destruct (O2 k K) as [X1 X2].
      rewrite app_length. split; [lia|]. rewrite Bt by auto. auto.
    + intros k. rewrite write_len_ne, write_hist_ne by discriminate. intros K. rewrite write_ts. simpl. auto.
  - cbn [SpscInvariant.inv_p]. rewrite seen_word, total_app. split; [lia|auto].
  - pose proof (seen_last tau m g H). pose proof (off_end g (length d) A1).
    eapply inv_c_log; [| | | | | | |exact HC].
    + intros l L. apply write_last_ne. subst w. auto.
    + apply write_tv_other. congruence.
    + apply (o_len _ _ _ _ O).
    + lia.
    + intros k K. rewrite (o_len _ _ _ _ O) in K. apply (o_end _ _ _ _ O). auto.
    + intros j J. cbv beta. destruct (Nat.ltb_spec j (length g)); [auto|lia].
    + intros p P1 P2 E. injection E as E. apply mod_same in E; lia.
Qed.

Lemma k_copy m f w c g d e z : inv (St m (Copy f w) c g d e z) ->
  inv (St (write atomic true P WP w m) (Open f w nil) c g d e z).
Proof.
  start. destruct HP as [E1 E2]. subst w.
  destruct (tells_P tau m g d e c true WP (total g) H O HC) as [S1 [S2 [S3 [S4 S5]]]]; simpl; auto; try discriminate.
  exists tau. split; [exact S1|]. split; [exact S2|]. split; [|split; [exact S3|auto]].
  apply (opened_nil tau); [exact S1|auto|congruence|apply write_last_eq].
Qed.
Lemma k_full m f w bs c g d e z : inv (St m (Open f w bs) c g d e z) ->
  inv (St (write atomic false P AN (S w) m) (Full f w bs) c g d e z).
Proof.
  start. destruct (tells_P tau m g d e c false AN (S w) H O HC) as [S1 [S2 [S3 [S4 S5]]]]; simpl; auto; try discriminate.
  exists tau. split; [exact S1|]. split; [exact S2|]. split; [|split; [exact S3|auto]].
  apply (opened_eq m); auto.
Qed.
Lemma k_full_tell m f w bs c g d e z : inv (St m (Full f w bs) c g d e z) ->
  inv (St (write atomic true P WP w m) (Open f w bs) c g d e z).
Proof.
  start. pose proof HP as [E1 [E2 [E3 [E4 [E5 E6]]]]].
  destruct (tells_P tau m g d e c true WP w H O HC) as [S1 [S2 [S3 [S4 S5]]]]; simpl; auto; try discriminate.
  exists tau. split; [exact S1|]. split; [exact S2|]. split; [|split; [exact S3|auto]].
  apply (opened_eq m); auto. rewrite write_last_eq. auto.
Qed.

(* The roll, a count: nobody rests on its value. *)
Lemma calls_P tau m g d e c x : shared tau m g -> owned tau m g e -> inv_c tau m g e d c ->
  let m' := rmw false true P RO x m in
  shared tau m' g /\ owned tau m' g e /\ inv_c tau m' g e d c /\ seen m' = seen m /\
  (forall l, l <> RO -> last m' l = last m l).
Proof.
  intros H O HC m'. set (k := len m RO - 1). pose proof (sn_len (s_sane _ _ _ _ _ _ _ H) RO) as LP.
  assert (K : can_read m P RO k).
  { split; [|unfold k; lia]. pose proof (ts_in tau m g H P RO). unfold k. lia. }
  destruct (reads_P tau m g d e c RO k false H O HC K) as [S1 [S2 [S3 [_ [S4 _]]]]]; try discriminate.
  set (m1 := read atomic false P RO k m) in *.
  destruct (tells_P tau m1 g d e c true RO x S1 S2 S3) as [T1 [T2 [T3 [T4 T5]]]]; simpl; auto; try discriminate.
  set (m2 := write atomic true P RO x m1) in *.
  assert (E : m' = carry loc_dec RO (S k) (mview (hist m RO k)) m2) by reflexivity.
  assert (L2 : len m2 RO = S (S k)). { unfold m2. rewrite write_len_eq. unfold m1. rewrite read_len. unfold k. lia. }
  assert (V : is_view m2 (mview (hist m RO k))).
  { right. exists RO, k. rewrite L2. split; [lia|]. unfold m2. rewrite write_hist_old; [reflexivity|]. unfold m1. rewrite read_len. unfold k. lia. }
  assert (Hh : forall l, l <> RO -> hist m' l = hist m2 l).
  { intros l L. rewrite E. unfold carry. cbn [hist]. rewrite updl_ne; auto. }
  assert (Ll : forall l, l <> RO -> last m' l = last m2 l).
  { intros l L. unfold last. rewrite Hh by auto. reflexivity. }
  assert (Se : seen m' = seen m2) by (unfold seen; rewrite Hh by discriminate; reflexivity).
  split; [|split; [|split; [|split]]].
  - rewrite E. apply (shared_carry N most W enc fits); auto. lia.
  - apply (owned_eq tau m2); [reflexivity|intros; rewrite Hh by discriminate; auto|apply le_n|exact T2].
  - eapply (inv_c_eq tau m2); [| | | |exact T3]; try (apply Ll; discriminate); auto; intros; apply Ll; discriminate.
  - rewrite Se, T4. apply S4. discriminate.
  - intros l L. rewrite Ll by auto. unfold m2. rewrite write_last_ne by auto. reflexivity.
Qed.
Lemma k_closed m c g d e z x : inv (St m Closed c g d e z) -> inv (St (rmw false true P RO x m) Away c g d e z).
Proof.
  start. destruct (calls_P tau m g d e c x H O HC) as [S1 [S2 [S3 [S4 S5]]]].
  exists tau. split; [exact S1|]. split; [exact S2|]. split; [exact I|]. auto.
Qed.
Lemma k_call m f w c g d e z x : inv (St m (Call f w) c g d e z) -> inv (St (rmw false true P RO x m) (Open f w nil) c g d e z).
Proof.
  start. destruct (calls_P tau m g d e c x H O HC) as [S1 [S2 [S3 [S4 S5]]]]. destruct HP as [E1 [E2 E3]].
  exists tau. split; [exact S1|]. split; [exact S2|]. split; [|auto].
  apply (opened_nil tau); [exact S1|auto|congruence|rewrite S5 by discriminate; auto].
Qed.

Lemma inv_c_ends tau m g e d c n : inv_c tau m g e d c -> inv_c tau m g (e ++ [n]) d c.
Proof.
  intros [A1 [A2 [A3 [A4 A5]]]]. do 4 (split; auto).
  assert (S : forall q held j, standing tau m g e d q held j -> standing tau m g (e ++ [n]) d q held j).
  { intros q held j [S1 [S2 [S3 S4]]]. split; auto. split; auto. split; auto. intros k K. destruct (S4 k K) as [X1 [X2 X3]].
    rewrite app_length, nth_end. destruct (Nat.eqb_spec k (length e)); [lia|]. split; [lia|auto]. }
  destruct c as [|r|r f|q h|q h x got|q h x|q h p v|q h k]; auto; destruct A5 as [j X]; exists j.
  - auto.
  - destruct X as [X1 X2]. auto.
  - destruct X as [X1 X2]. auto.
  - destruct X as [X1 X2]. auto.
  - destruct X as [X1 [X2 X3]]. split; auto. rewrite app_length, nth_end. destruct (Nat.eqb_spec k (length e)); [lia|]. split; [lia|auto].
Qed.

Lemma k_close m f w c g d e z : inv (St m (Open f w nil) c g d e z) ->
  inv (St (write atomic true P OW 2 m) Closed c g d (e ++ [length g]) z).
Proof.
  start. exists tau.
  assert (S1 : shared tau (write atomic true P OW 2 m) g).
  { apply (shared_own tau m g true OW 2); simpl; auto; discriminate. }
  split; [exact S1|]. split; [|split; [exact I|split; [|auto]]].
  - destruct O as [O1 O2 O3]. constructor.
    + rewrite app_length, write_len_eq. simpl. lia.
    + intros k K. rewrite write_len_eq in K. rewrite nth_end. destruct (Nat.eqb_spec k (length e)) as [->|E].
      * split; auto. intros _. rewrite O1, write_hist_new. cbn [mview]. rewrite write_ck_own.
        pose proof (s_end _ _ _ _ _ _ _ H). lia.
      * rewrite write_hist_old by lia. apply O2. lia.
    + intros k K. rewrite write_len_eq in K.
      assert (T : ts (tv (write atomic true P OW 2 m) P) FR = ts (tv m P) FR) by (rewrite write_ts; reflexivity).
      rewrite T. destruct (Nat.eq_dec k (len m OW)) as [->|E].
      * rewrite write_hist_new. cbn [mview]. rewrite T. auto.
      * rewrite write_hist_old by lia. apply O3. lia.
  - apply inv_c_ends. eapply inv_c_eq; [| | | |exact HC]; try (apply write_last_ne; discriminate).
    + rewrite write_tv_other by congruence. auto.
    + intros. apply write_last_ne. discriminate.
Qed.

Lemma k_enter m c g d e z : inv (St m Away c g d e z) -> inv (St (rmw true false P OW 1 m) Come c g d (e ++ [length g]) z).
Proof.
  start. set (k := len m OW - 1). pose proof (sn_len (s_sane _ _ _ _ _ _ _ H) OW) as LP.
  assert (K : can_read m P OW k).
  { split; [|unfold k; lia]. pose proof (ts_in tau m g H P OW). unfold k. lia. }
  destruct (reads_P tau m g d e c OW k true H O HC K) as [S1 [S2 [S3 [_ [S4 _]]]]]; auto; try discriminate.
  set (m1 := read atomic true P OW k m) in *.
  assert (T1 : shared tau (write atomic false P OW 1 m1) g).
  { apply (shared_own tau m1 g false OW 1); simpl; auto; discriminate. }
  set (m2 := write atomic false P OW 1 m1) in *. set (m' := rmw true false P OW 1 m).
  assert (E : m' = carry loc_dec OW (S k) (mview (hist m OW k)) m2) by reflexivity.
  assert (L1 : len m1 OW = S k) by (unfold m1; rewrite read_len; unfold k; lia).
  assert (L2 : len m2 OW = S (S k)) by (unfold m2; rewrite write_len_eq; lia).
  assert (V : is_view m2 (mview (hist m OW k))).
  { right. exists OW, k. rewrite L2. split; [lia|]. unfold m2. rewrite write_hist_old by lia. reflexivity. }
  assert (Hh : forall l, l <> OW -> hist m' l = hist m2 l).
  { intros l L. rewrite E. unfold carry. cbn [hist]. rewrite updl_ne; auto. }
  assert (Ll : forall l, l <> OW -> last m' l = last m2 l).
  { intros l L. unfold last. rewrite Hh by auto. reflexivity. }
  assert (Ho : forall i, i <= k -> hist m' OW i = hist m OW i).
  { intros i I. rewrite E. unfold carry. cbn [hist]. rewrite updl_eq, updn_ne by lia.
    transitivity (hist m1 OW i); [|reflexivity]. apply write_hist_old. lia. }
  assert (Hn : hist m' OW (S k) = Msg 1 P (S (ck (tv m1 P) P)) (join (bottom loc tid) (mview (hist m OW k)))).
  { rewrite E. unfold carry. cbn [hist]. rewrite updl_eq, updn_eq. rewrite <- L1.
    pose proof (write_hist_new loc_dec tid_dec tids false false P OW 1 m1) as X. change (hist m2 OW (len m1 OW) = Msg 1 P (S (ck (tv m1 P) P)) (bottom loc tid)) in X.
    rewrite X. reflexivity. }
  assert (TS : ts (tv m' P) FR = ts (tv m1 P) FR).
  { change (tv m' P) with (tv m2 P). unfold m2. rewrite write_ts. simpl. auto. }
  exists tau. split; [|split; [|split; [exact I|split; [|auto]]]].
  - change (rmw true false P OW 1 m) with m'. rewrite E. apply (shared_carry N most W enc fits); auto. lia.
  - destruct S2 as [O1 O2 O3]. change (rmw true false P OW 1 m) with m'. rewrite L1 in *.
    constructor; change (len m' OW) with (len m2 OW); rewrite L2.
    + rewrite app_length. simpl. lia.
    + intros i I. rewrite nth_end. destruct (Nat.eqb_spec i (length e)) as [->|Ne].
      * split; auto. rewrite O1, Hn. discriminate.
      * rewrite Ho by lia. apply O2. lia.
    + intros i I. rewrite TS. destruct (Nat.eq_dec i (S k)) as [->|Ne].
      * rewrite Hn. simpl. apply O3. lia.
      * rewrite Ho by lia. apply O3. lia.
  - change (rmw true false P OW 1 m) with m'. apply inv_c_ends.
    eapply (inv_c_eq tau m1); [| | | |exact S3]; try (rewrite Ll by discriminate; apply write_last_ne; discriminate).
    + change (tv m' C) with (tv m2 C). unfold m2. rewrite write_tv_other by congruence. auto.
    + intros. rewrite Ll by discriminate. apply write_last_ne. discriminate.
Qed.

Lemma k_dies m p c g d e z : inv (St m p c g d e z) -> inv (St m Away c g d e z).
Proof. start. exists tau. split; auto. split; auto. split; [exact I|auto]. Qed.

(* ---- finding the end ---- *)
Lemma k_find_freed m c g d e z k : can_read m P FR k -> inv (St m Come c g d e z) ->
  inv (St (read atomic true P FR k m) (Freed (val (hist m FR k))) c g d e z).
Proof.
  intros K. start. destruct (reads_P tau m g d e c FR k true H O HC K) as [S1 [S2 [S3 [S4 [_ S5]]]]]; auto.
  exists tau. split; [exact S1|]. split; [exact S2|]. split; [|auto]. simpl. rewrite S5; auto.
Qed.
Lemma k_find_read m f c g d e z k : can_read m P RP k -> inv (St m (Freed f) c g d e z) ->
  inv (St (read atomic false P RP k m) (Known f (val (hist m RP k))) c g d e (z || (N <? dist (val (hist m RP k)) f))).
Proof.
  intros K. start. destruct (reads_P tau m g d e c RP k false H O HC K) as [S1 [S2 [S3 [S4 [S5 _]]]]]; try discriminate.
  specialize (S5 ltac:(discriminate)). pose proof (s_cap _ _ _ _ _ _ _ H) as Cap.
  destruct (s_rp _ _ _ _ _ _ _ H RP k) as [r [R1 R2]]; [auto|apply K|]. pose proof (off_end g r R1) as OR.
  assert (SR : seen m <= off g r).
  { rewrite <- R2. etransitivity; [apply (s_sr _ _ _ _ _ _ _ H)|]. apply (s_mon _ _ _ _ _ _ _ H); auto; apply K. }
  simpl in HP. exists tau. split; [exact S1|]. split; [exact S2|]. rewrite R2. split; [|split; [exact S3|]].
  - simpl. rewrite S5. split; auto. split; [lia|eauto].
  - rewrite dist_le by lia. simpl. destruct (Nat.ltb_spec N (off g r - f)); [lia|auto].
Qed.
Lemma k_find_start m f r c g d e z k : can_read m P WP k -> inv (St m (Known f r) c g d e z) ->
  inv (match walk_from N W (val (hist m WP k)) r with
       | Some w => St (read atomic false P WP k m) (Walk f w) c g d e (z || (N <? dist (f + N) w))
       | None => St (read atomic false P WP k m) (Walk f r) c g d e true end).
Proof.
  intros K. start. destruct (reads_P tau m g d e c WP k false H O HC K) as [S1 [S2 [S3 [S4 [S5 _]]]]]; try discriminate.
  specialize (S5 ltac:(discriminate)). destruct HP as [E1 [E2 [j [R1 R2]]]].
  pose proof (end_near tau m g H) as EN. pose proof (s_cap _ _ _ _ _ _ _ H) as Cap.
  assert (k = len m WP - 1) as ->. { destruct K as [K1 K2]. rewrite (ownW tau m g H) in K1. lia. }
  pose proof (sn_len (s_sane _ _ _ _ _ _ _ H) WP) as LW.
  destruct (s_wp _ _ _ _ _ _ _ H (len m WP - 1)) as [q [Q1 [Q2 _]]]; [lia|].
  unfold last in EN. rewrite Q2 in *. pose proof (off_end g q Q1) as OQ. pose proof (off_end g j R1) as OR.
  assert (WF : walk_from N W (off g q) r = Some (max (off g q) (off g j))).
  { unfold walk_from. rewrite R2 in *. destruct (le_lt_dec (off g j) (off g q)).
    - rewrite dist_le by lia. destruct (Nat.leb_spec (off g q - off g j) N); [|lia]. f_equal. lia.
    - rewrite dist_gt by lia. destruct (Nat.leb_spec (W - (off g j - off g q)) N); [lia|].
      rewrite dist_le by lia. destruct (Nat.leb_spec (off g j - off g q) N); [|lia]. f_equal. lia. }
  rewrite WF. exists tau. cbn [mm pp cc Spsc.log Spsc.done Spsc.ends wrong].
  split; [exact S1|]. split; [exact S2|]. split; [|split; [exact S3|]].
  - cbn [SpscInvariant.inv_p]. rewrite S5. split; [|split; [lia|auto]].
    destruct (Nat.max_spec (off g q) (off g j)) as [[_ X]|[_ X]]; rewrite X; eauto.
  - rewrite dist_le by lia. simpl. destruct (Nat.ltb_spec N (f + N - Nat.max (off g q) (off g j))); [lia|auto].
Qed.
Lemma k_count m f w c g d e z p k : can_read m P (word p) k -> inv (St m (Call f w) c g d e z) ->
  inv (St (read atomic false P (word p) k m) (Call f w) c g d e z).
Proof.
  intros K. start. destruct (reads_P tau m g d e c (word p) k false H O HC K) as [S1 [S2 [S3 [S4 [S5 _]]]]]; try discriminate.
  exists tau. split; [exact S1|]. split; [exact S2|]. split; [|split; [exact S3|auto]].
  simpl in *. rewrite S5 by discriminate. exact HP.
Qed.
Lemma k_walk m f w c g d e z k h : can_read m P (word w) k -> h = val (hist m (word w) k) -> inv (St m (Walk f w) c g d e z) ->
  inv (match length_of h w with
       | Some n => St (read atomic false P (word w) k m) (if N <? dist (f + N) (w + S n) then Clear f w else Walk f (w + S n)) c g d e z
       | None => St (read atomic false P (word w) k m) (Clear f w) c g d e (z || negb (h =? 0)) end).
Proof.
  intros K Eh. start.
  destruct (reads_P tau m g d e c (word w) k false H O HC K) as [S1 [S2 [S3 [S4 [S5 _]]]]]; try discriminate.
  specialize (S5 ltac:(discriminate)). destruct HP as [[q [Q1 Q2]] [Q3 Q4]].
  assert (Hv : h = last m (word w)) by (subst h; apply ownP with (tau := tau) (log := g); auto).
  pose proof (s_cap _ _ _ _ _ _ _ H) as Cap.
  destruct (Nat.eq_dec q (length g)) as [E|E].
  - subst q. rewrite off_all in Q2. subst w. rewrite (last_end N most W enc fits tau m g H) in Hv. rewrite Hv, header_none.
    exists tau. cbn [mm pp cc Spsc.log Spsc.done Spsc.ends wrong].
    split; [exact S1|]. split; [exact S2|]. split; [simpl; rewrite S5; auto|]. split; [exact S3|auto].
  - assert (Lt : q < length g) by lia. assert (Qs : seen m <= off g q) by lia.
    rewrite Q2 in Hv. rewrite (last_header N most W enc fits tau m g H q Qs Lt), <- Q2 in Hv.
    pose proof (rec_ok most g (s_log _ _ _ _ _ _ _ H) q) as Rm. rewrite Hv, header_back by auto.
    pose proof (off_S g q) as OS. pose proof (off_end g (S q)) as OE. unfold size in OS.
    exists tau. cbn [mm pp cc Spsc.log Spsc.done Spsc.ends wrong].
    split; [exact S1|]. split; [exact S2|]. split; [|split; [exact S3|auto]].
    rewrite dist_le by lia. destruct (Nat.ltb_spec N (f + N - (w + S (length (rec g q))))); [lia|].
    simpl. rewrite S5. split; [|split; [lia|auto]]. exists (S q). split; lia.
Qed.
Lemma always_clears m f w c g d e z : inv (St m (Clear f w) c g d e z) -> clears N W shipped f w = true.
Proof.
  start. destruct HP as [E1 E2]. pose proof (s_cap _ _ _ _ _ _ _ H) as Cap. pose proof (seen_end _ _ _ H).
  unfold clears. cbn [spares shipped andb]. rewrite dist_le by lia.
  destruct (Nat.eqb_spec (f + N - w) 0); [lia|reflexivity].
Qed.
Lemma k_clear m f w c g d e z : inv (St m (Clear f w) c g d e z) ->
  inv (St (if clears N W shipped f w then write atomic false P (word w) 0 m else m) (Tell f w) c g d e z).
Proof.
  intros I. rewrite (always_clears _ _ _ _ _ _ _ _ I). revert I.
  start. destruct HP as [E1 E2]. pose proof (s_cap _ _ _ _ _ _ _ H) as Cap.
  destruct (stores_P tau m g d e c atomic (w mod N) 0 H O HC) as [S1 [S2 S3]]; auto.
  { apply (free_range tau m g w 1); auto; lia. }
  exists tau. split; [exact S1|]. split; [exact S2|]. split; [|auto].
  simpl. change (D (w mod N)) with (word w). rewrite seen_word. auto.
Qed.
Lemma k_tell m f w c g d e z : inv (St m (Tell f w) c g d e z) ->
  inv (St (write atomic true P WP w m) (Call f w) c g d e z).
Proof.
  start. destruct HP as [E1 E2]. subst w.
  destruct (tells_P tau m g d e c true WP (total g) H O HC) as [S1 [S2 [S3 [S4 S5]]]]; simpl; auto; try discriminate.
  exists tau. split; [exact S1|]. split; [exact S2|]. split; [|split; [exact S3|auto]].
  simpl. rewrite S4. split; auto. split; auto. apply write_last_eq.
Qed.
End Steps.
