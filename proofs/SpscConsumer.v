(* Every step of the consumer keeps the invariant; so all steps do. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc SpscInvariant SpscWrites SpscKept SpscProducer.

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

Ltac start := intros [tau [H [O [HP [HC HW]]]]]; cbn [mm pp cc Spsc.log Spsc.done Spsc.ends wrong] in *; try rewrite HW in *; clear HW;
  unfold SpscInvariant.inv; cbn [mm pp cc Spsc.log Spsc.done Spsc.ends wrong].

Lemma done_le tau m g d c held j : stands tau m g d c held j -> length d <= j.
Proof.
  intros [S1 [_ [S3 _]]]. assert (length (d ++ held) = j) by (rewrite S3; apply firstn_length_le; auto).
  rewrite app_length in *. lia.
Qed.

Lemma ck_read na acq l k m : ck (tv m C) P <= ck (tv (read na acq C l k m) C) P.
Proof. rewrite read_ck by congruence. destruct acq; lia. Qed.
Lemma ck_acquire na l k m : ck (mview (hist m l k)) P <= ck (tv (read na true C l k m) C) P.
Proof. rewrite read_ck by congruence. lia. Qed.

(* Where a record of the held ones lies. *)
Lemma held_at (g d w1 : list (list nat)) a w2 j : j <= length g -> d ++ w1 ++ a :: w2 = firstn j g ->
  let j' := length d + length w1 in
  j' < j /\ rec g j' = a /\ off g j - total (a :: w2) = off g j'.
Proof.
  intros J E j'. assert (Lj : length (d ++ w1 ++ a :: w2) = j) by (rewrite E; apply firstn_length_le; auto).
  rewrite !app_length in Lj. simpl in Lj. split; [unfold j'; lia|].
  assert (G : g = (d ++ w1) ++ (a :: w2) ++ skipn j g).
  { rewrite app_assoc, <- (app_assoc d), E. symmetry. apply firstn_skipn. }
  assert (Lw : length (d ++ w1) = j') by (rewrite app_length; auto).
  split.
  - rewrite G. unfold rec. rewrite app_nth2 by lia. rewrite Lw, Nat.sub_diag. reflexivity.
  - unfold off. rewrite <- E. rewrite !total_app. simpl.
    replace (firstn j' g) with (d ++ w1); [rewrite total_app; lia|].
    rewrite G, <- Lw. rewrite firstn_app, Nat.sub_diag, firstn_all. simpl. now rewrite app_nil_r.
Qed.

(* What the consumer's reads leave as it was. *)
Lemma reads_C tau m g e pp na acq l k : shared tau m g -> owned tau m g e -> inv_p m g pp -> can_read m C l k ->
  let m' := read na acq C l k m in shared tau m' g ->
  owned tau m' g e /\ inv_p m' g pp.
Proof.
  intros H O HP K m' S. assert (Tv : tv m' P = tv m P) by (apply read_tv_other; congruence).
  split; [apply (owned_eq tau m); [auto|auto|rewrite Tv; auto|exact O]|].
  apply (inv_p_eq m m'); [reflexivity|unfold seen; rewrite Tv; reflexivity|reflexivity|exact HP].
Qed.

Section Consumer.
Variables (tau : nat -> nat) (m : mem) (g d : list (list nat)).
Hypothesis H : shared tau m g.
Hypothesis Ld : length d <= length g.
Hypothesis L : last m RP = off g (length d).

Lemma freed_done : last m FR <= off g (length d).
Proof. pose proof (s_fr _ _ _ _ _ _ _ H). lia. Qed.
Lemma seen_done : seen m <= off g (length d).
Proof. pose proof (seen_last tau m g H). pose proof freed_done. lia. Qed.

(* A header at the cursor. *)
Lemma polled c held j k acq : stands tau m g d c held j -> can_read m C (word c) k ->
  shared tau (read atomic acq C (word c) k m) g /\
  (val (hist m (word c) k) = 0 \/
   j < length g /\ val (hist m (word c) k) = header c (length (rec g j)) /\
   (tau j <= ck (mview (hist m (word c) k)) P \/ tau j <= ck (tv m C) P)) /\
  (j < length g -> tau j <= ck (tv m C) P -> val (hist m (word c) k) = header c (length (rec g j))).
Proof.
  intros St K. pose proof (done_le _ _ _ _ _ _ _ St) as Dj. destruct St as [S1 [S2 [S3 S4]]]. subst c.
  pose proof (off_mono g (length d) j Dj S1) as OM. pose proof seen_done as SD. pose proof freed_done as FD.
  destruct (s_head _ _ _ _ _ _ _ H j) as [[k0 [X0 X1]] [X2 X3]]; [lia|auto|].
  split; [|split].
  - apply shared_readC; auto. unfold Spsc.word. split; [|split].
    + intros wr E. destruct wr; [|discriminate]. unfold Spsc.word in X3. lia.
    + intros wr E. destruct wr; discriminate.
    + exists (off g j). split; [lia|]. split; [apply off_end; auto|auto].
  - assert (k0 <= k).
    { etransitivity; [|apply K]. apply hb with (tau := tau) (log := g); [exact H|].
      eapply (known_le N most enc fits); [|exact X0]. exact S4. }
    destruct (X1 k) as [V|[V1 [V2 V3]]]; [split; [auto|apply K]|auto|].
    right. split; auto. split; auto. destruct V3 as [V3|[V3|V3]]; auto. right. lia.
  - intros J T. destruct (X2 J) as [k1 [Y1 Y2]]. apply Y2. split; [|apply K].
    etransitivity; [|apply K]. apply hb with (tau := tau) (log := g); [exact H|].
    eapply (known_le N most enc fits); [|exact Y1]. exact T.
Qed.

(* A word of a record that the consumer knows. *)
Lemma payload j i : length d <= j -> j < length g -> tau j <= ck (tv m C) P -> i < length (rec g j) ->
  shared tau (read plain false C (cell (off g j) i) (len m (cell (off g j) i) - 1) m) g /\
  last m (cell (off g j) i) = nth i (rec g j) 0.
Proof.
  intros Dj J T I. assert (J' : j <= length g) by lia. pose proof (off_mono g (length d) j Dj J') as M.
  pose proof seen_done as SD. pose proof freed_done as FD.
  destruct (s_pay _ _ _ _ _ _ _ H j) with (i := i) as [X1 X2]; auto; [lia|].
  split; [|exact X1]. apply shared_readC; auto.
  - pose proof (ts_in tau m g H C (cell (off g j) i)). split; unfold Spsc.cell in *; lia.
  - unfold Spsc.cell in *. split; [|split].
    + intros wr E. destruct wr; [|discriminate]. specialize (X2 plain). lia.
    + intros wr E. destruct wr; [|discriminate]. specialize (X2 atomic). lia.
    + exists j. split; [lia|split; auto]. unfold SpscInvariant.in_record, size. lia.
Qed.

(* A word that it may take over. *)
Lemma over p k : last m FR <= p -> p < last m RP -> before tau (length d) <= ck (tv m C) P ->
  can_read m C (word p) k ->
  shared tau (read atomic false C (word p) k m) g /\ val (hist m (word p) k) = last m (word p).
Proof.
  intros P1 P2 T K. rewrite L in P2. pose proof (seen_last tau m g H) as SL.
  destruct (s_past _ _ _ _ _ _ _ H (length d) p) as [Pa Pb]; auto; [lia|].
  pose proof (off_end g (length d) Ld) as OE.
  split.
  - apply shared_readC; auto. unfold Spsc.word in *. split; [|split].
    + intros wr E. destruct wr; [|discriminate]. specialize (Pa plain). lia.
    + intros wr E. destruct wr; discriminate.
    + exists p. split; auto. split; auto. lia.
  - destruct (s_same _ _ _ _ _ _ _ H (p mod N)) as [k0 [Y1 [Y2 Y3]]]. apply Y3. split; [|apply K].
    etransitivity; [|apply K]. apply hb with (tau := tau) (log := g); [exact H|]. split; auto. split; auto.
    etransitivity; [apply Pb; auto|exact T].
Qed.
End Consumer.

Lemma c_attach m p g d e z k : can_read m C RP k -> inv (St m p Nobody g d e z) ->
  inv (St (read atomic false C RP k m) p (Attach (val (hist m RP k))) g d e z).
Proof.
  intros K. start. assert (S : shared tau (read atomic false C RP k m) g) by (apply shared_readC; auto).
  destruct (reads_C tau m g e p atomic false RP k H O HP K S) as [O' P'].
  exists tau. split; [exact S|]. split; [exact O'|]. split; [exact P'|]. split; auto.
  pose proof (ck_read atomic false RP k m). destruct HC as [A1 [A2 [A3 [A4 A5]]]].
  split; auto. split; auto. split; auto. split; [lia|].
  assert (k = len m RP - 1) as ->; [|reflexivity]. destruct K as [K1 K2]. rewrite (ownC tau m g H) in K1 by auto. lia.
Qed.
Lemma c_attach_freed m p r g d e z k : can_read m C FR k -> inv (St m p (Attach r) g d e z) ->
  inv (St (read atomic false C FR k m) p (Attached r (val (hist m FR k))) g d e (z || (N <? dist r (val (hist m FR k))))).
Proof.
  intros K. start. assert (S : shared tau (read atomic false C FR k m) g) by (apply shared_readC; auto).
  destruct (reads_C tau m g e p atomic false FR k H O HP K S) as [O' P'].
  exists tau. split; [exact S|]. split; [exact O'|]. split; [exact P'|].
  pose proof (ck_read atomic false FR k m). destruct HC as [A1 [A2 [A3 [A4 A5]]]].
  assert (k = len m FR - 1) as ->. { destruct K as [K1 K2]. rewrite (ownC tau m g H) in K1 by auto. lia. }
  change (val (hist m FR (len m FR - 1))) with (last m FR).
  split; [repeat (split; auto); lia|].
  pose proof (s_fr _ _ _ _ _ _ _ H). pose proof (seen_last tau m g H). pose proof (s_cap _ _ _ _ _ _ _ H).
  pose proof (off_end g (length d) A1). rewrite A5, dist_le by lia. simpl.
  destruct (Nat.ltb_spec N (last m RP - last m FR)); [lia|auto].
Qed.

Lemma tells_C tau m g e p l j : shared tau m g -> owned tau m g e -> inv_p m g p -> l = RP \/ l = FR -> j <= length g ->
  last m RP <= off g j -> (l = FR -> off g j = last m RP) ->
  let m' := write atomic (if loc_dec l FR then true else false) C l (off g j) m in
  shared tau m' g /\ owned tau m' g e /\ inv_p m' g p /\ ck (tv m' C) P = ck (tv m C) P /\
  last m' RP = (if loc_dec l FR then last m RP else off g j) /\
  last m' FR = (if loc_dec l FR then off g j else last m FR).
Proof.
  intros H O HP LL J R Z m'.
  assert (S : shared tau m' g) by (apply (shared_release N most W enc fits); auto).
  assert (Tv : tv m' P = tv m P) by (apply write_tv_other; congruence).
  assert (Old : forall l' k, k < len m l' -> hist m' l' k = hist m l' k) by (intros; apply write_hist; auto).
  assert (ND : forall i, l <> D i) by (intros i; destruct LL; congruence).
  split; [exact S|]. split; [|split; [|split]].
  - apply (owned_eq tau m); [| | |exact O].
    + apply write_len_ne. destruct LL; congruence.
    + intros k. apply write_hist_ne. destruct LL; congruence.
    + rewrite Tv. auto.
  - apply (inv_p_eq m m'); [| | |exact HP].
    + intros i. apply write_last_ne. auto.
    + unfold seen. rewrite Tv, Old; auto. apply (ts_in tau m g H).
    + apply write_last_ne. destruct LL; congruence.
  - apply write_ck. congruence.
  - destruct LL; subst l; simpl; split; first [apply write_last_eq | apply write_last_ne; discriminate].
Qed.

Lemma frees_C tau m g e p j : shared tau m g -> owned tau m g e -> inv_p m g p -> j <= length g -> last m RP = off g j ->
  let m' := write atomic true C FR (off g j) m in
  shared tau m' g /\ owned tau m' g e /\ inv_p m' g p /\ ck (tv m' C) P = ck (tv m C) P /\
  last m' RP = off g j /\ last m' FR = off g j.
Proof.
  intros H O HP J R m'. destruct (tells_C tau m g e p FR j) as [S1 [S2 [S3 [S4 [S5 S6]]]]]; auto; [lia|].
  split; [exact S1|]. split; [exact S2|]. split; [exact S3|]. split; [exact S4|]. split; [|exact S6].
  transitivity (last m RP); [exact S5|exact R].
Qed.
Lemma releases_C tau m g e p j : shared tau m g -> owned tau m g e -> inv_p m g p -> j <= length g -> last m RP <= off g j ->
  let m' := write atomic false C RP (off g j) m in
  shared tau m' g /\ owned tau m' g e /\ inv_p m' g p /\ ck (tv m' C) P = ck (tv m C) P /\
  last m' RP = off g j /\ last m' FR = last m FR.
Proof. intros H O HP J R m'. apply (tells_C tau m g e p RP j); auto. discriminate. Qed.

Lemma c_count m p r f g d e z i k : f <= i < r -> can_read m C (word i) k -> inv (St m p (Attached r f) g d e z) ->
  inv (St (read atomic false C (word i) k m) p (Attached r f) g d e z).
Proof.
  intros B K. start. destruct HC as [A1 [A2 [A3 [A4 [A5 A6]]]]]. subst r f.
  destruct (over tau m g d H A1 A3 i k) as [S V]; auto; try lia.
  destruct (reads_C tau m g e p atomic false _ k H O HP K S) as [O' P'].
  pose proof (ck_read atomic false (word i) k m) as CR.
  exists tau. split; [exact S|]. split; [exact O'|]. split; [exact P'|]. split; auto.
  repeat (split; auto).
Qed.
Lemma c_attach_tell m p r f g d e z : inv (St m p (Attached r f) g d e z) ->
  inv (St (write atomic true C FR r m) p (Idle (Place r r r None) nil) g d e z).
Proof.
  start. destruct HC as [A1 [A2 [A3 [A4 [A5 A6]]]]]. subst r. rewrite A3.
  destruct (frees_C tau m g e p (length d)) as [S1 [S2 [S3 [S4 [S5 S6]]]]]; auto.
  exists tau. split; [exact S1|]. split; [exact S2|]. split; [exact S3|]. split; auto.
  split; auto. split; auto. split; [rewrite S5; auto|]. split; [lia|].
  exists (length d). split; [|split; [|split]]; simpl; try lia; [|discriminate].
  split; auto. split; auto. rewrite app_nil_r. split; auto.
Qed.

Lemma after_idle tau m g e d q held j h : shared tau m g -> standing tau m g e d q held j ->
  (h = 0 \/ j < length g /\ h = header (cursor q) (length (rec g j)) /\ tau j <= ck (tv m C) P) ->
  match after_header most W dec q held h with
  | Idle q' h' => q' = q /\ h' = held /\ h = 0
  | Take q' h' n got => q' = q /\ h' = held /\ j < length g /\ n = length (rec g j) /\ tau j <= ck (tv m C) P /\ got = nil
  | _ => False end.
Proof.
  intros H St Hh. unfold after_header. destruct Hh as [->|[J [-> T]]]; [rewrite header_none; auto|].
  pose proof (rec_ok most g (s_log _ _ _ _ _ _ _ H) j) as Rm. rewrite header_back by auto.
  destruct (Nat.leb_spec (length (rec g j)) most); [|lia]. repeat split; auto.
Qed.

Lemma c_poll m p q held g d e z k : can_read m C (word (cursor q)) k -> inv (St m p (Idle q held) g d e z) ->
  inv (St (read atomic true C (word (cursor q)) k m) p (after_header most W dec q held (val (hist m (word (cursor q)) k))) g d e z).
Proof.
  intros K. start. destruct HC as [A1 [A2 [A3 [A4 [j St]]]]]. pose proof (proj1 St) as St0.
  destruct (polled tau m g d H A1 A3 _ _ _ k true St0 K) as [S1 [S2 S3]].
  set (h := val (hist m (word (cursor q)) k)) in *. set (m' := read atomic true C (word (cursor q)) k m) in *.
  destruct (reads_C tau m g e p atomic true _ k H O HP K S1) as [O' P'].
  pose proof (ck_read atomic true (word (cursor q)) k m) as CR. pose proof (ck_acquire atomic (word (cursor q)) k m) as CA. fold m' in CR, CA.
  assert (St' : standing tau m' g e d q held j) by (apply (standing_more tau m); auto).
  exists tau. split; [exact S1|]. split; [exact O'|]. split; [exact P'|]. split; auto.
  split; auto. split; auto. split; [exact A3|]. split; [lia|].
  assert (Q : h = 0 \/ j < length g /\ h = header (cursor q) (length (rec g j)) /\ tau j <= ck (tv m' C) P).
  { destruct S2 as [Z|[Z1 [Z2 Z3]]]; auto. right. split; auto. split; auto. destruct Z3; lia. }
  pose proof (after_idle tau m' g e d q held j h S1 St' Q) as R.
  destruct (after_header most W dec q held h); try contradiction.
  - destruct R as [-> [-> _]]. eauto.
  - destruct R as [-> [-> [R1 [R2 [R3 ->]]]]]. exists j. repeat (split; auto). simpl. lia.
Qed.

Lemma c_word m p q held n got g d e z k : length got < n -> k = len m (cell (cursor q) (length got)) - 1 ->
  inv (St m p (Take q held n got) g d e z) ->
  inv (St (read plain false C (cell (cursor q) (length got)) k m) p
          (Take q held n (got ++ val (hist m (cell (cursor q) (length got)) k) :: nil)) g d e z).
Proof.
  intros Lt Ek. start. destruct HC as [A1 [A2 [A3 [A4 [j [St [J [Hn [T [G1 G2]]]]]]]]]].
  pose proof (proj1 St) as St0. pose proof (done_le _ _ _ _ _ _ _ St0) as Dj. pose proof St0 as [S1 [S2 [S3 S4]]].
  assert (I : length got < length (rec g j)) by lia.
  destruct (payload tau m g d H A1 A3 j (length got) Dj J T I) as [Sh V]. rewrite <- S2 in Sh, V.
  set (l := cell (cursor q) (length got)) in *. subst k.
  assert (K : can_read m C l (len m l - 1)).
  { pose proof (ts_in tau m g H C l). split; lia. }
  destruct (reads_C tau m g e p plain false l _ H O HP K Sh) as [O' P'].
  pose proof (ck_read plain false l (len m l - 1) m) as CR.
  exists tau. split; [exact Sh|]. split; [exact O'|]. split; [exact P'|]. split; auto.
  split; auto. split; auto. split; [exact A3|]. split; [lia|].
  exists j. split; [apply (standing_more tau m); auto|]. split; auto. split; auto. split; [lia|].
  change (val (hist m l (len m l - 1))) with (last m l). rewrite V, app_length. simpl. split; [|lia].
  rewrite G1 at 1. rewrite firstn_snoc by auto. f_equal. lia.
Qed.

(* The record at the cursor was read, or is at least known. *)
Lemma takes tau m g e d q held j x : length d <= length g -> standing tau m g e d q held j -> j < length g ->
  tau j <= ck (tv m C) P -> x = rec g j -> standing tau m g e d (move q (length x)) (held ++ x :: nil) (S j).
Proof.
  intros Ld [[S1 [S2 [S3 S4]]] R] J T ->. split; [|exact R]. split; [lia|]. rewrite off_S by auto.
  split; [simpl; unfold size; lia|]. split; [|exact T]. rewrite app_assoc, S3. apply firstn_snoc_rec. auto.
Qed.
Lemma c_deliver m p q held got g d e z : inv (St m p (Take q held (length got) got) g d e z) ->
  inv (St m p (Idle (move q (length got)) (held ++ got :: nil)) g d e z).
Proof.
  start. destruct HC as [A1 [A2 [A3 [A4 [j [St [J [Hn [T [G1 G2]]]]]]]]]].
  exists tau. split; auto. split; auto. split; auto. split; auto. do 4 (split; auto).
  exists (S j). apply takes; auto. rewrite G1. apply firstn_all2. lia.
Qed.
Lemma c_view m p q held n g d e z : inv (St m p (Take q held n nil) g d e z) ->
  inv (St m p (Idle (move q n) (held ++ map (fun i => last m (cell (cursor q) i)) (seq 0 n) :: nil)) g d e z).
Proof.
  start. destruct HC as [A1 [A2 [A3 [A4 [j [St [J [Hn [T [G1 G2]]]]]]]]]].
  pose proof (proj1 St) as St0. pose proof (done_le _ _ _ _ _ _ _ St0) as Dj. pose proof St0 as [S1 [S2 [S3 S4]]].
  assert (X : map (fun i => last m (cell (cursor q) i)) (seq 0 n) = rec g j).
  { rewrite <- (list_by_index (rec g j)), <- Hn. apply map_ext_in. intros i I. apply in_seq in I. rewrite S2.
    apply (payload tau m g d H A1 A3 j i Dj J T). lia. }
  rewrite X, Hn. exists tau. split; auto. split; auto. split; auto. split; auto. do 4 (split; auto).
  exists (S j). apply takes; auto.
Qed.

Lemma c_again m p q w1 a w2 i k g d e z :
  i < length a -> k = len m (cell (cursor q - total (a :: w2)) i) - 1 ->
  inv (St m p (Idle q (w1 ++ a :: w2)) g d e z) ->
  inv (St (read plain false C (cell (cursor q - total (a :: w2)) i) k m) p (Idle q (w1 ++ a :: w2)) g d e
          (z || negb (val (hist m (cell (cursor q - total (a :: w2)) i) k) =? nth i a 0))).
Proof.
  intros Li Ek. start. destruct HC as [A1 [A2 [A3 [A4 [j St]]]]]. pose proof (proj1 St) as St0. pose proof St0 as [S1 [S2 [S3 S4]]].
  destruct (held_at g d w1 a w2 j S1 S3) as [B1 [B2 B3]].
  assert (Eq : cursor q - total (a :: w2) = off g (length d + length w1)) by (rewrite S2; exact B3).
  rewrite Eq in *. clear Eq B3.
  assert (T : tau (length d + length w1) <= ck (tv m C) P).
  { pose proof (tau_mono tau m g H (S (length d + length w1)) j). simpl in *. lia. }
  assert (I : i < length (rec g (length d + length w1))) by (rewrite B2; auto).
  destruct (payload tau m g d H A1 A3 (length d + length w1) i) as [Sh V]; auto; try lia.
  set (l := cell (off g (length d + length w1)) i) in *. subst k.
  assert (K : can_read m C l (len m l - 1)).
  { pose proof (ts_in tau m g H C l). split; lia. }
  destruct (reads_C tau m g e p plain false l _ H O HP K Sh) as [O' P'].
  pose proof (ck_read plain false l (len m l - 1) m) as CR.
  exists tau. split; [exact Sh|]. split; [exact O'|]. split; [exact P'|].
  change (val (hist m l (len m l - 1))) with (last m l). rewrite V, B2, Nat.eqb_refl. split; auto.
  split; auto. split; auto. split; [exact A3|]. split; [lia|].
  exists j. apply (standing_more tau m); auto.
Qed.

Lemma c_release m p q held g d e z : inv (St m p (Idle q held) g d e z) ->
  inv (St (write atomic false C RP (cursor q) m) p (Idle (Place (cursor q) (cursor q) (told q) (ending q)) nil) g (d ++ held) e z).
Proof.
  start. destruct HC as [A1 [A2 [A3 [A4 [j St]]]]]. destruct St as [St0 [R1 [R2 R3]]].
  pose proof (done_le _ _ _ _ _ _ _ St0) as Dj. destruct St0 as [S1 [S2 [S3 S4]]].
  assert (Ld : length (d ++ held) = j) by (rewrite S3; apply firstn_length_le; auto).
  pose proof (off_mono g (length d) j Dj S1) as OM.
  destruct (releases_C tau m g e p j) as [T1 [T2 [T3 [T4 [T5 T6]]]]]; auto; [lia|].
  rewrite S2. exists tau. split; [exact T1|]. split; [exact T2|]. split; [exact T3|]. split; auto.
  unfold SpscInvariant.inv_c. rewrite Ld, S3. split; auto. split; auto. split; [exact T5|]. split; [lia|].
  exists j. split; [|split; [|split]]; cbn [cursor released told ending].
  - split; auto. split; auto. rewrite app_nil_r. split; auto.
  - auto.
  - lia.
  - intros k Ek. rewrite T4. auto.
Qed.
Lemma c_tell m p q held g d e z : inv (St m p (Idle q held) g d e z) ->
  inv (St (write atomic true C FR (released q) m) p (Idle (Place (cursor q) (released q) (released q) (ending q)) held) g d e z).
Proof.
  start. destruct HC as [A1 [A2 [A3 [A4 [j St]]]]]. destruct St as [St0 [R1 [R2 R3]]].
  destruct (frees_C tau m g e p (length d)) as [T1 [T2 [T3 [T4 [T5 T6]]]]]; auto.
  rewrite R1, A3. exists tau. split; [exact T1|]. split; [exact T2|]. split; [exact T3|]. split; auto.
  split; auto. split; auto. split; [rewrite T5; auto|]. split; [lia|].
  exists j. split; [|split; [|split]]; cbn [cursor released told ending].
  - destruct St0 as [S1 [S2 [S3 S4]]]. repeat split; auto.
  - lia.
  - lia.
  - intros k Ek. rewrite T4. auto.
Qed.

Lemma c_over m p q held at_ k g d e z : told q <= at_ < released q -> can_read m C (word at_) k ->
  inv (St m p (Idle q held) g d e z) ->
  inv (St (read atomic false C (word at_) k m) p (Over q held at_ (val (hist m (word at_) k))) g d e z).
Proof.
  intros B K. start. destruct HC as [A1 [A2 [A3 [A4 [j St]]]]]. pose proof St as [_ [R1 [R2 _]]].
  destruct (over tau m g d H A1 A3 at_ k) as [S V]; auto; try lia.
  destruct (reads_C tau m g e p atomic false _ k H O HP K S) as [O' P'].
  pose proof (ck_read atomic false (word at_) k m) as CR.
  exists tau. split; [exact S|]. split; [exact O'|]. split; [exact P'|]. split; auto.
  split; auto. split; auto. split; [exact A3|]. split; [lia|].
  exists j. split; [apply (standing_more tau m); auto|]. split; auto.
Qed.
Lemma c_over_store m p q held at_ v g d e z : inv (St m p (Over q held at_ v) g d e z) ->
  inv (St (write atomic false C (word at_) v m) p (Idle q held) g d e z).
Proof.
  start. destruct HC as [A1 [A2 [A3 [A4 [j [St [B Ev]]]]]]]. pose proof St as [_ [R1 [R2 _]]]. subst v.
  set (m' := write atomic false C (word at_) (last m (word at_)) m).
  assert (S : shared tau m' g) by (apply (shared_over N most W enc fits) with (jd := length d); auto; lia).
  assert (Lst : forall l, last m' l = last m l).
  { intros l. destruct (loc_dec l (word at_)) as [->|E]; [apply write_last_eq|apply write_last_ne; auto]. }
  assert (Tv : tv m' P = tv m P) by (apply write_tv_other; congruence).
  assert (CK : ck (tv m' C) P = ck (tv m C) P) by (apply write_ck; congruence).
  exists tau. split; [exact S|]. split; [|split; [|split; auto]].
  - apply (owned_eq tau m); [apply write_len_ne; discriminate|intros; apply write_hist_ne; discriminate|rewrite Tv; auto|exact O].
  - apply (inv_p_eq m m'); auto; unfold seen; rewrite Tv; unfold m'; rewrite write_hist_ne by discriminate; auto.
  - split; auto. split; auto. split; [rewrite Lst; auto|]. split; [lia|].
    exists j. apply (standing_more tau m); auto.
Qed.

(* Reads of control words, which change nothing. *)
Lemma looks m p q held g d e z acq l k : (forall i, l <> D i) -> can_read m C l k -> inv (St m p (Idle q held) g d e z) ->
  inv (St (read atomic acq C l k m) p (Idle q held) g d e z).
Proof.
  intros ND K. start. assert (S : shared tau (read atomic acq C l k m) g).
  { apply shared_readC; auto. destruct l; auto. exfalso. eapply ND. reflexivity. }
  destruct (reads_C tau m g e p atomic acq l k H O HP K S) as [O' P'].
  pose proof (ck_read atomic acq l k m). destruct HC as [A1 [A2 [A3 [A4 [j St]]]]].
  exists tau. split; [exact S|]. split; [exact O'|]. split; [exact P'|]. split; auto.
  split; auto. split; auto. split; auto. split; [lia|]. exists j. apply (standing_more tau m); auto.
Qed.
Lemma c_mend m p q held g d e z k : can_read m C RP k -> inv (St m p (Idle q held) g d e z) ->
  inv (St (read atomic false C RP k m) p (Idle q held) g d e (z || negb (val (hist m RP k) =? released q))).
Proof.
  intros K I. replace (z || _) with z; [apply looks; auto; discriminate|].
  revert I. start. destruct HC as [_ [_ [_ [_ [j [_ [R1 _]]]]]]].
  assert (k = len m RP - 1) as ->. { destruct K as [K1 K2]. rewrite (ownC tau m g H) in K1 by auto. lia. }
  rewrite R1. unfold last. rewrite Nat.eqb_refl. auto.
Qed.
Lemma c_mend_freed m p q held g d e z k : can_read m C FR k -> inv (St m p (Idle q held) g d e z) ->
  inv (St (read atomic false C FR k m) p (Idle q held) g d e (z || negb (val (hist m FR k) =? told q))).
Proof.
  intros K I. replace (z || _) with z; [apply looks; auto; discriminate|].
  revert I. start. destruct HC as [_ [_ [_ [_ [j [_ [_ [R1 _]]]]]]]].
  assert (k = len m FR - 1) as ->. { destruct K as [K1 K2]. rewrite (ownC tau m g H) in K1 by auto. lia. }
  rewrite R1. unfold last. rewrite Nat.eqb_refl. auto.
Qed.

Lemma c_owner m p q held g d e z k : can_read m C OW k -> inv (St m p (Idle q held) g d e z) ->
  inv (St (read atomic true C OW k m) p
          (Idle (Place (cursor q) (released q) (told q) (if val (hist m OW k) =? 2 then Some k else None)) held) g d e z).
Proof.
  intros K I. apply (looks _ _ _ _ _ _ _ _ true OW k) in I; auto; [|discriminate]. revert I. start.
  destruct HC as [A1 [A2 [A3 [A4 [j [St [R1 [R2 R3]]]]]]]].
  exists tau. split; auto. split; auto. split; auto. split; auto. do 4 (split; auto).
  exists j. split; auto. split; auto. split; auto. simpl. intros k' Ek'.
  destruct (Nat.eqb_spec (val (hist m OW k)) 2) as [V|]; [|discriminate]. injection Ek' as <-.
  destruct O as [O1 O2 O3]. rewrite O1. assert (KL : k < len (read atomic true C OW k m) OW) by apply K.
  destruct (O2 k KL) as [X1 X2]. split; auto. split; auto.
  etransitivity; [apply X2; exact V|]. apply (ck_acquire atomic OW k m).
Qed.

Lemma c_exam m p q held g d e z k : can_read m C WP k -> inv (St m p (Idle q held) g d e z) ->
  inv (St (read atomic true C WP k m) p (Exam q held (val (hist m WP k))) g d e z).
Proof.
  intros K. start. assert (S : shared tau (read atomic true C WP k m) g) by (apply shared_readC; auto).
  destruct (reads_C tau m g e p atomic true WP k H O HP K S) as [O' P'].
  pose proof (ck_read atomic true WP k m) as CR. pose proof (ck_acquire atomic WP k m) as CA.
  destruct HC as [A1 [A2 [A3 [A4 [j St]]]]].
  exists tau. split; [exact S|]. split; [exact O'|]. split; [exact P'|]. split; auto.
  split; auto. split; auto. split; auto. split; [lia|]. exists j. split; [apply (standing_more tau m); auto|].
  destruct (s_wp _ _ _ _ _ _ _ H k) as [w [Q1 [Q2 Q3]]]; [apply K|].
  destruct (proj1 St) as [S1 [S2 [S3 S4]]].
  split; [rewrite Q2; apply off_end; auto|].
  split; [rewrite S2; apply (ext_near tau m g H C); auto|]. rewrite Q2, S2. intros Lt.
  pose proof (off_lt g j w S1 Lt Q1). split; [lia|].
  pose proof (tau_mono tau m g H (Datatypes.S j) w). simpl in *. lia.
Qed.
Lemma c_exam_header m p q held x g d e z k h : can_read m C (word (cursor q)) k ->
  h = val (hist m (word (cursor q)) k) -> inv (St m p (Exam q held x) g d e z) ->
  inv (St (read atomic true C (word (cursor q)) k m) p
          (if readable most W dec q h then after_header most W dec q held h
           else match ending q with Some k => Ended q held k | None => Idle q held end) g d e
          (z || (negb (readable most W dec q h) && is_before W (cursor q) x))).
Proof.
  intros K Eh. start. destruct HC as [A1 [A2 [A3 [A4 [j [St [X1 [X2 X3]]]]]]]]. pose proof (proj1 St) as St0.
  destruct (polled tau m g d H A1 A3 _ _ _ k true St0 K) as [S1 [S2 S3]]. rewrite <- Eh in S2, S3.
  set (m' := read atomic true C (word (cursor q)) k m) in *.
  destruct (reads_C tau m g e p atomic true _ k H O HP K S1) as [O' P'].
  pose proof (ck_read atomic true (word (cursor q)) k m) as CR. pose proof (ck_acquire atomic (word (cursor q)) k m) as CA. fold m' in CR, CA.
  assert (St' : standing tau m' g e d q held j) by (apply (standing_more tau m); auto).
  assert (Q : h = 0 \/ j < length g /\ h = header (cursor q) (length (rec g j)) /\ tau j <= ck (tv m' C) P).
  { destruct S2 as [Z|[Z1 [Z2 Z3]]]; auto. right. split; auto. split; auto. destruct Z3; lia. }
  pose proof (rec_ok most g (s_log _ _ _ _ _ _ _ H)) as Rm.
  pose proof (after_idle tau m' g e d q held j h S1 St' Q) as R.
  exists tau. split; [exact S1|]. split; [exact O'|]. split; [exact P'|].
  assert (Pre : forall c, match c with
     | Idle q held => exists j, standing tau m' g e d q held j
     | Take q held n got => exists j, standing tau m' g e d q held j /\ j < length g /\
         n = length (rec g j) /\ tau j <= ck (tv m' C) P /\ got = firstn (length got) (rec g j) /\ length got <= n
     | Ended q held k => exists j, standing tau m' g e d q held j /\ k < length e /\ nth k e 0 <= j
     | _ => False end -> inv_c tau m' g e d c).
  { intros c B. split; auto. split; auto. split; [exact A3|]. split; [lia|]. destruct c; auto; contradiction. }
  destruct Q as [Z|[J [Hh T]]].
  - (* nothing is here *)
    unfold readable. rewrite Z, header_none. assert (NB : is_before W (cursor q) x = false).
    { unfold is_before. destruct (Nat.ltb_spec (cursor q) x) as [B|B].
      - exfalso. destruct (X3 B) as [J T]. specialize (S3 J T). rewrite Z in S3.
        apply (header_some (cursor q) (length (rec g j))); auto.
      - destruct (St0) as [B1 [B2 _]]. pose proof (off_end g j B1). rewrite dist_le by lia. apply Nat.leb_gt. lia. }
    rewrite NB. split; [|auto]. apply Pre. destruct (ending q) as [k'|] eqn:Ek; [|eauto].
    destruct (proj2 (proj2 (proj2 St)) k' Ek) as [Y1 [Y2 Y3]]. exists j. split; auto. split; auto.
    destruct (le_lt_dec (nth k' e 0) j) as [|Lt]; auto. exfalso.
    assert (J : j < length g) by lia. assert (T : tau j <= ck (tv m C) P).
    { pose proof (tau_mono tau m g H (Datatypes.S j) (nth k' e 0)). simpl in *. lia. }
    specialize (S3 J T). rewrite Z in S3. apply (header_some (cursor q) (length (rec g j))); auto.
  - (* a record *)
    assert (RD : readable most W dec q h = true).
    { unfold readable. rewrite Hh, header_back by auto. apply Nat.leb_le. auto. }
    rewrite RD. split; [|auto]. apply Pre.
    destruct (after_header most W dec q held h); try contradiction.
    + destruct R as [-> [-> _]]. eauto.
    + destruct R as [-> [-> [R1 [R2 [R3 ->]]]]]. exists j. repeat (split; auto). simpl. lia.
Qed.
Lemma c_goes_on m p q held k g d e z : inv (St m p (Ended q held k) g d e z) -> inv (St m p (Idle q held) g d e z).
Proof.
  start. destruct HC as [A1 [A2 [A3 [A4 [j [St _]]]]]]. exists tau. split; auto. split; auto. split; auto. split; auto.
  do 4 (split; auto). eauto.
Qed.
Lemma c_dies m p c g d e z : inv (St m p c g d e z) -> inv (St m p Nobody g d e z).
Proof.
  start. destruct HC as [A1 [A2 [A3 [A4 _]]]]. exists tau. split; auto. split; auto. split; auto. split; auto.
  do 4 (split; auto).
Qed.

Theorem inv_step s s' : inv s -> step s s' -> inv s'.
Proof.
  intros I Hs. destruct Hs;
    cbn [publish_store publish_load free_store free_load extent_store extent_load roll_store roll_load terminates shipped];
    first
    [ eapply k_room; eassumption | eapply k_begin; eassumption | eapply k_fill; eassumption
    | eapply k_shorten; eassumption | eapply k_abort; eassumption | eapply k_first; eassumption
    | eapply k_next; eassumption | eapply k_terminate; eassumption | eapply k_commit; eassumption
    | eapply k_copy; eassumption | eapply k_full; eassumption | eapply k_full_tell; eassumption
    | eapply k_close; eassumption | eapply k_closed; eassumption | eapply k_enter; eassumption
    | eapply k_find_freed; eassumption | eapply k_find_read; eassumption
    | eapply k_find_start; eassumption | eapply k_walk; eassumption | eapply k_clear; eassumption
    | eapply k_tell; eassumption | eapply k_call; eassumption | eapply k_count; eassumption
    | eapply c_count; eassumption
    | eapply c_attach; eassumption | eapply c_attach_freed; eassumption | eapply c_attach_tell; eassumption
    | eapply c_poll; eassumption | eapply c_word; eassumption | eapply c_deliver; eassumption
    | eapply c_view; eassumption | eapply c_again; eassumption | eapply c_release; eassumption
    | eapply c_over; eassumption | eapply c_over_store; eassumption | eapply c_tell; eassumption
    | eapply c_mend; eassumption | eapply c_mend_freed; eassumption
    | eapply c_owner; eassumption | eapply c_exam; eassumption | eapply c_exam_header; eassumption
    | eapply c_goes_on; eassumption
    | eapply looks; [discriminate|eassumption|eassumption]
    | eapply k_dies; eassumption | eapply c_dies; eassumption ].
Qed.

Lemma inv_init junk : inv (init junk).
Proof.
  exists (fun _ => 0). split; [|split; [|split; [exact I|split; [|reflexivity]]]].
  - split_shared.
    [sane]: { apply sane_start. }
    [same]: {
      intros i. exists 0. split; [simpl; auto|split; [reflexivity|]]. intros k K. simpl in K.
      assert (k = 0) as -> by lia. reflexivity. }
    [head]: {
      intros j S J. simpl in J. assert (j = 0) as -> by lia. unfold SpscInvariant.header_ok. rewrite off_0.
      unfold Spsc.word. rewrite Nat.mod_0_l by lia. split; [|split; [simpl; lia|simpl; lia]].
      exists 0. split; [repeat split; simpl; auto|]. intros k K. left. reflexivity. }
    [past]: { intros j p J S L. simpl in J. assert (j = 0) as -> by lia. rewrite off_0 in L. lia. }
    [wp]: { intros k K. exists 0. simpl. auto. }
    [wl]: { intros j J. simpl in J. assert (j = 0) as -> by lia. exists 0.
      split; [repeat split; simpl; auto|rewrite off_0; lia]. }
    [rp]: { intros l k [-> | ->] K; exists 0; auto. }
    all: simpl; intros; auto; try lia.
  - constructor; simpl; auto; intros k K; assert (k = 0) as -> by lia; simpl; auto.
  - split; simpl; auto.
Qed.

Theorem inv_reach s : reach N most W enc dec shipped s -> inv s.
Proof. induction 1; [apply inv_init|eapply inv_step; eauto]. Qed.
End Steps.
