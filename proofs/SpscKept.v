(* Every step keeps the invariant. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc SpscInvariant.

Lemma nth_firstn_lt (l : list nat) n i : i < n -> nth i (firstn n l) 0 = nth i l 0.
Proof. revert n i. induction l; intros [|n] [|i] L; simpl; auto; try lia. apply IHl. lia. Qed.
Lemma firstn_snoc (l : list nat) n : n < length l -> firstn n l ++ [nth n l 0] = firstn (S n) l.
Proof. revert n. induction l; intros [|n] L; simpl in *; auto; try lia. f_equal. apply IHl. lia. Qed.
Lemma firstn_snoc_rec (l : list (list nat)) n : n < length l -> firstn n l ++ [rec l n] = firstn (S n) l.
Proof. unfold rec. revert n. induction l; intros [|n] L; simpl in *; auto; try lia. f_equal. apply IHl. lia. Qed.

Ltac invs H := destruct H as [h_sane h_race h_log h_tau h_end h_whoD h_whoR h_accC h_accW h_accR h_head h_pay h_cap h_wp h_rp h_rmon h_rts h_know h_rdp h_rda].

Section Proof.
Variables N most : nat.
Hypothesis fits : most + 2 <= N.
Notation word := (word N). Notation cell := (cell N).
Notation shared := (shared N most).
Notation inv_p := (inv_p N most).
Notation opened := (opened N most).
Notation placed := (placed N). Notation free := (free N). Notation in_record := (in_record N).

Lemma N_pos : 0 < N. Proof. lia. Qed.

(* ---- what the other side's steps leave alone ---- *)
Lemma placed_eq m m' w bs : (forall i, last m' (D i) = last m (D i)) -> placed m w bs -> placed m' w bs.
Proof. intros E A b B. destruct (A b B) as [A1 A2]. split; intros; unfold Spsc.cell, Spsc.word; rewrite E; [apply A1|apply A2]; auto. Qed.
Lemma inv_p_eq m m' log p : (forall i, last m' (D i) = last m (D i)) -> seen m' = seen m ->
  inv_p m log p -> inv_p m' log p.
Proof.
  intros E S A. destruct p; simpl in *; unfold SpscInvariant.opened in *; try rewrite S; auto.
  - destruct A as [A1 [A2 [A3 A4]]]. apply (placed_eq m m') in A3; auto.
  - destruct A as [[A1 [A2 [A3 A4]]] [A5 [A6 [A7 A8]]]]. apply (placed_eq m m') in A3; auto.
    do 4 (split; auto). intros. unfold Spsc.cell. rewrite E. apply A8. auto.
  - destruct A as [[A1 [A2 [A3 A4]]] A5]. apply (placed_eq m m') in A3; auto.
    split; auto. unfold Spsc.word. rewrite E. auto.
Qed.
Lemma inv_c_eq tau m m' log d p : last m' RP = last m RP -> ck (tv m C) P <= ck (tv m' C) P ->
  inv_c tau m log d p -> inv_c tau m' log d p.
Proof.
  intros E K [A1 [A2 [A3 [A4 A5]]]]. unfold inv_c, stands in *. rewrite E. repeat split; auto; [lia|].
  destruct p; auto.
  - destruct A5 as [j B]. exists j. intuition lia.
  - destruct A5 as [j B]. exists j. intuition lia.
  - destruct A5 as [j B]. exists j. intuition lia.
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

Lemma seen_write m na rel i x : seen (write na rel P (D i) x m) = seen m.
Proof.
  unfold seen. rewrite write_ts, write_hist_ne by congruence.
  match goal with |- context[if ?c then _ else _] => destruct c; [discriminate|reflexivity] end.
Qed.
Lemma seen_word m na rel p x : seen (write na rel P (word p) x m) = seen m. Proof. apply seen_write. Qed.
Lemma seen_cell m na rel p i x : seen (write na rel P (cell p i) x m) = seen m. Proof. apply seen_write. Qed.
Lemma seen_copy m x rel : seen (write atomic rel P WP x m) = seen m.
Proof.
  unfold seen. rewrite write_ts, write_hist_ne by congruence.
  match goal with |- context[if ?c then _ else _] => destruct c; [discriminate|reflexivity] end.
Qed.

Lemma total_pos b bs : 0 < total (b :: bs). Proof. simpl. lia. Qed.

Lemma shared_commit tau m log w lim b bs : shared tau m log -> opened m log w lim (b :: bs) ->
  last m (word (w + total (b :: bs))) = 0 ->
  let m' := write atomic true P (word w) (size b) m in
  let tau' := fun j => if j <? length log then tau j else ck (tv m' P) P in
  shared tau' m' (log ++ b :: bs).
Proof.
  intros H [Ew [El [Pl [Sz Room]]]] Term m' tau'. pose proof H as H0. invs H0.
  assert (SE : seen m <= w) by (subst w; eapply seen_end; eauto).
  assert (Sn : sane m') by (apply sane_write; auto).
  assert (Ts : ts (tv m' P) RP = ts (tv m P) RP) by (unfold m'; rewrite write_ts; reflexivity).
  set (i := w mod N). set (n := length log).
  assert (Ot : forall l, l <> D i -> len m' l = len m l /\ (forall k, hist m' l k = hist m l k) /\ last m' l = last m l).
  { intros l E. unfold m'. repeat split; intros; [apply write_len_ne|apply write_hist_ne|apply write_last_ne]; auto. }
  assert (Se : seen m' = seen m) by apply seen_write.
  assert (CkP : ck (tv m' P) P = S (ck (tv m P) P)) by (unfold m'; apply write_ck_own).
  assert (F : free m log i).
  { apply (free_range N most fits tau m log w 1 i); auto; try lia; unfold i; try lia. }
  assert (Bl : forall j, j <= n -> before tau' j = before tau j).
  { intros j J. destruct j; auto. simpl. unfold tau'. fold n. destruct (Nat.ltb_spec j n); [auto|lia]. }
  assert (Bg : forall j, n < j -> before tau' j = ck (tv m' P) P).
  { intros j J. destruct j; [lia|]. simpl. unfold tau'. fold n. destruct (Nat.ltb_spec j n); [lia|auto]. }
  assert (Tl : forall j, j < n -> tau' j = tau j).
  { intros j J. unfold tau'. fold n. destruct (Nat.ltb_spec j n); [auto|lia]. }
  assert (Tg : forall j, n <= j -> tau' j = ck (tv m' P) P).
  { intros j J. unfold tau'. fold n. destruct (Nat.ltb_spec j n); [lia|auto]. }
  assert (WhoD : forall i k, k < len m' (D i) -> who (hist m' (D i) k) = P).
  { intros i' k L. destruct (loc_dec (D i') (D i)) as [E|E].
    - rewrite E in *. unfold m', Spsc.word in *. fold i in L |- *. rewrite write_len_eq in L.
      destruct (Nat.eq_dec k (len m (D i))) as [->|]; [rewrite write_hist_new; auto|].
      rewrite write_hist_old by lia. apply h_whoD. lia.
    - destruct (Ot _ E) as [E1 [E2 _]]. rewrite E1 in L. rewrite E2. auto. }
  assert (Own : forall i' k, k < len m' (D i') -> stamp (hist m' (D i') k) <= ck (tv m' P) P).
  { intros i' k L. pose proof (sn_st Sn _ L) as X. rewrite (WhoD _ _ L) in X. exact X. }
  assert (Ac : forall na' wr l' u, acc m' na' wr l' u = acc m na' wr l' u \/ (na' = atomic /\ wr = true /\ l' = D i /\ u = P)).
  { intros. unfold m'. edestruct write_acc as [E|[E1 [E2 [E4 [E3 _]]]]]; [left; exact E|right; auto]. }
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
  constructor; auto; try rewrite Se; try rewrite Ts; auto.
  - unfold m', Machine.write. simpl. rewrite h_race. simpl. eapply racy_writeP; eauto. congruence.
  - intros x X. apply in_app_or in X. destruct X; auto.
  - intros j J. rewrite Ln in J. destruct (lt_eq_lt_dec j n) as [[L|E]|L].
    + rewrite Bl, Tl by lia. auto.
    + subst j. rewrite Bl, Tg by lia. fold n in h_end. lia.
    + rewrite Bg, Tg by lia. auto.
  - rewrite Ln, Bg; auto. simpl. lia.
  - intros na' i'. destruct (Ac na' true (D i') C) as [E|[_ [_ [_ E]]]]; [rewrite E; auto|congruence].
  - (* headers *)
    intros j Sj J. rewrite Ln in J. destruct (lt_eq_lt_dec j n) as [[L|E]|L].
    + rewrite Of in Sj by lia. destruct (h_head j) as [[k0 [X0 [Xs X1]]] [X2 X3]]; auto; [lia|].
      assert (Q : word (off log j) <> D i).
      { intros E. injection E as E. apply (F j); auto. unfold in_record, size. lia. }
      destruct (Ot _ Q) as [O1 [O2 O3]]. unfold header_ok. rewrite Of, Rf, Bl, Tl, O1, O3, !O2, Ln by lia.
      split; [|split; [intros; apply X2; auto|]].
      * exists k0. rewrite O2. repeat split; auto. intros k K. rewrite O2. destruct (X1 k K) as [V|[V1 [V2 V3]]]; auto.
        right. split; [lia|auto].
      * destruct (Ac plain true (word (off log j)) P) as [E|[E _]]; [rewrite E; auto|congruence].
    + subst j. rewrite Of in Sj by lia. destruct (h_head n) as [[k0 [X0 [Xs X1]]] [X2 X3]]; auto.
      assert (Ew' : off log n = w) by (unfold n; rewrite off_all; auto).
      unfold header_ok. rewrite Of by lia. rewrite Ew' in *. rewrite Bl, Tg by lia.
      assert (R0 : rec (log ++ b :: bs) n = b). { replace n with (n + 0) by lia. rewrite Rg. reflexivity. }
      rewrite R0. change (word w) with (D i) in *.
      assert (LL : len m' (D i) = S (len m (D i))) by apply write_len_eq.
      split; [|split].
      * exists k0. rewrite LL. split; [lia|].
        assert (O1 : forall k, k < len m (D i) -> hist m' (D i) k = hist m (D i) k) by (intros; apply write_hist_old; auto).
        rewrite O1 by auto. split; auto. intros k K. destruct (Nat.eq_dec k (len m (D i))) as [->|].
        -- right. replace (hist m' (D i) (len m (D i))) with (Msg (size b) P (S (ck (tv m P) P)) (tv m' P))
             by (symmetry; apply write_hist_new). split; [rewrite Ln; simpl; lia|]. split; [reflexivity|].
           left. apply le_n.
        -- rewrite O1 by lia. destruct (X1 k) as [V|[V _]]; [lia|auto|]. unfold n in V. lia.
      * intros _. split; [apply write_last_eq|]. apply Own. lia.
      * destruct (Ac plain true (D i) P) as [E|[E _]]; [rewrite E; auto|congruence].
    + assert (Ej : exists c, j = n + c /\ 0 < c) by (exists (j - n); lia). destruct Ej as [c [-> Cp]].
      assert (Q : word (w + off (b :: bs) c) <> D i).
      { intros E. injection E as E. apply (Far c ((w + off (b :: bs) c) mod N)); auto; [lia|].
        destruct (c <? length (b :: bs)); unfold size; lia. }
      unfold header_ok. rewrite Og, Rg, Bg, Tg by lia. destruct (Ot _ Q) as [O1 [O2 O3]].
      assert (Pos : 0 < len m' (word (w + off (b :: bs) c))) by apply (sn_len Sn).
      assert (V : (c < length (b :: bs) /\ last m' (word (w + off (b :: bs) c)) = size (rec (b :: bs) c)) \/
                  last m' (word (w + off (b :: bs) c)) = 0).
      { rewrite O3. destruct (le_lt_dec (length (b :: bs)) c).
        - right. assert (c = length (b :: bs)) as -> by lia. rewrite off_all. auto.
        - left. split; auto. apply Pl; auto. }
      split; [|split].
      * exists (len m' (word (w + off (b :: bs) c)) - 1). split; [lia|]. split; [apply Own; unfold Spsc.word in *; lia|].
        intros k K. assert (k = len m' (word (w + off (b :: bs) c)) - 1) as -> by lia.
        destruct V as [[V1 V]|V]; unfold last in V; [right|left; auto].
        split; [rewrite Ln; lia|]. split; auto.
      * intros Jl. rewrite Ln in Jl. split; [|apply Own; unfold Spsc.word in *; lia].
        destruct V as [[_ V]|V]; auto. rewrite O3. apply Pl; lia.
      * apply (sn_acc Sn).
  - (* payloads *)
    intros j Sj J i' I'. rewrite Ln in J. destruct (le_lt_dec n j) as [L|L].
    + assert (Ej : exists c, j = n + c) by (exists (j - n); lia). destruct Ej as [c ->].
      rewrite Rg in *. rewrite Og. rewrite Tg by lia.
      assert (Q : cell (w + off (b :: bs) c) i' <> D i).
      { intros E. injection E as E. destruct (Nat.eq_dec c 0).
        - subst c. rewrite off_0 in E. replace (w + 0) with w in E by lia. unfold i in E. lia.
        - apply (Far c ((w + off (b :: bs) c) mod N + 1 + i')); auto; [lia| |lia].
          destruct (Nat.ltb_spec c (length (b :: bs))); [unfold size; lia|lia]. }
      destruct (Ot _ Q) as [O1 [O2 O3]]. split; [rewrite O3; apply Pl; auto; lia|]. intros na'. apply (sn_acc Sn).
    + rewrite Of in * by lia. rewrite Rf in * by lia. rewrite Tl by lia. destruct (h_pay j Sj L i' I') as [X1 X2].
      assert (Q : cell (off log j) i' <> D i).
      { intros E. injection E as E. apply (F j); auto. unfold in_record, size. lia. }
      destruct (Ot _ Q) as [O1 [O2 O3]]. rewrite O3. split; auto. intros na'.
      destruct (Ac na' true (cell (off log j) i') P) as [E|[_ [_ [E _]]]]; [rewrite E; auto|congruence].
  - rewrite total_app. lia.
  - intros k K. destruct (h_wp k K) as [q [Q1 [Q2 Q3]]]. exists q. rewrite Ln, Of, Bl by (fold n in Q1; lia).
    split; [fold n in Q1; lia|]. split; auto.
  - intros k K. destruct (h_rp k K) as [q [Q1 Q2]]. exists q. fold n in Q1. rewrite Ln, Of by lia. split; [lia|auto].
  - intros k i' K. destruct (h_rdp k i' K) as [X|[j [J1 [J2 J3]]]]; [left; exact X|right].
    fold n in J1. exists j. unfold in_record in *. rewrite Ln, Of, Rf by lia. split; [lia|auto].
  - intros k i' K. destruct (h_rda k i' K) as [X|[j [J1 [J2 J3]]]]; [left; exact X|right].
    fold n in J1. exists j. rewrite Ln, Of by lia. split; [lia|auto].
Qed.

Lemma inv_c_log tau tau' m m' log bs d p : last m' RP = last m RP -> tv m' C = tv m C ->
  (forall j, j < length log -> tau' j = tau j) -> inv_c tau m log d p -> inv_c tau' m' (log ++ bs) d p.
Proof.
  intros E K T [A1 [A2 [A3 [A4 A5]]]].
  assert (B : forall j, j <= length log -> before tau' j = before tau j).
  { intros j J. destruct j; simpl; auto. }
  assert (F : forall j, j <= length log -> firstn j (log ++ bs) = firstn j log).
  { intros j J. rewrite firstn_app. replace (j - length log) with 0 by lia. simpl. apply app_nil_r. }
  assert (S : forall c held j, stands tau m log d c held j -> stands tau' m' (log ++ bs) d c held j).
  { intros c held j [S1 [S2 [S3 S4]]]. unfold stands. rewrite off_app, F, B, K, app_length by auto.
    repeat split; auto. lia. }
  unfold inv_c. rewrite E, K, off_app, F, B, app_length by auto. repeat split; auto; [lia|].
  destruct p; auto.
  - destruct A5 as [j X]. exists j. auto.
  - destruct A5 as [j [X1 [X2 X3]]]. exists j. rewrite rec_app, T by auto. split; auto. split; [lia|auto].
  - destruct A5 as [j [X1 X2]]. exists j. split; auto. intros L. destruct (X2 L). rewrite T by auto. split; [lia|auto].
Qed.

(* ---- the consumer's reads ---- *)
Lemma done_le tau m log d c held j : stands tau m log d c held j -> length d <= j.
Proof.
  intros [S1 [_ [S3 _]]]. assert (length (d ++ held) = j) by (rewrite S3; apply firstn_length_le; auto).
  rewrite app_length in *. lia.
Qed.

Section Consumer.
Variables (tau : nat -> nat) (m : mem) (log d : list (list nat)).
Hypothesis H : shared tau m log.
Hypothesis L : last m RP = off log (length d).

Lemma released_max k : k < len m RP -> val (hist m RP k) <= off log (length d).
Proof. intros. rewrite <- L. unfold last. apply (s_rmon _ _ _ _ _ H); lia. Qed.
Lemma seen_released : seen m <= off log (length d).
Proof. unfold seen. apply released_max. eapply ts_in; eauto. Qed.

(* A header at the cursor. *)
Lemma poll c held j k acq : stands tau m log d c held j -> can_read m C (word c) k ->
  shared tau (read atomic acq C (word c) k m) log /\
  (val (hist m (word c) k) = 0 \/
   j < length log /\ val (hist m (word c) k) = size (rec log j) /\
   (tau j <= ck (mview (hist m (word c) k)) P \/ tau j <= ck (tv m C) P)) /\
  (j < length log -> tau j <= ck (tv m C) P -> val (hist m (word c) k) <> 0).
Proof.
  intros St K. pose proof (done_le _ _ _ _ _ _ _ St) as Dj. destruct St as [S1 [S2 [S3 S4]]]. subst c.
  assert (Sj : seen m <= off log j).
  { pose proof seen_released. pose proof (off_mono log (length d) j Dj S1). lia. }
  destruct (s_head _ _ _ _ _ H j Sj S1) as [[k0 [X0 [Xs X1]]] [X2 X3]].
  split; [|split].
  - apply (shared_readC N most fits tau m log); auto. unfold Spsc.word. split; [|split].
    + intros wr E. destruct wr; [|discriminate]. unfold Spsc.word in X3. lia.
    + intros wr E. destruct wr; discriminate.
    + exists j. split; auto. intros k' K'. pose proof (released_max k' K').
      pose proof (off_mono log (length d) j Dj S1). lia.
  - assert (k0 <= k).
    { etransitivity; [|apply K]. apply (hbD N most tau m log H C (off log j mod N) k0); [exact X0|].
      etransitivity; [exact Xs|exact S4]. }
    destruct (X1 k) as [V|[V1 [V2 V3]]]; [split; [auto|apply K]|auto|].
    right. split; auto. split; auto. destruct V3; [auto|right; lia].
  - intros J T. destruct (X2 J) as [Y1 Y2]. assert (Pos : 0 < len m (word (off log j))) by apply (sn_len (s_sane _ _ _ _ _ H)).
    assert (len m (word (off log j)) - 1 <= k).
    { etransitivity; [|apply K]. apply (hbD N most tau m log H C (off log j mod N)); unfold Spsc.word in *; lia. }
    destruct K as [_ K]. assert (k = len m (word (off log j)) - 1) as -> by lia.
    unfold last in Y1. rewrite Y1. unfold size. lia.
Qed.

(* A word of a record that the consumer knows. *)
Lemma payload j i : length d <= j -> j < length log -> tau j <= ck (tv m C) P -> i < length (rec log j) ->
  shared tau (read plain false C (cell (off log j) i) (len m (cell (off log j) i) - 1) m) log /\
  val (hist m (cell (off log j) i) (len m (cell (off log j) i) - 1)) = nth i (rec log j) 0.
Proof.
  intros Dj J T I. assert (J' : j <= length log) by lia. pose proof (off_mono log (length d) j Dj J') as M.
  destruct (s_pay _ _ _ _ _ H j) with (i := i) as [X1 X2]; auto.
  { pose proof seen_released. lia. }
  split; [|exact X1]. apply (shared_readC N most fits tau m log); auto.
  - pose proof (ts_in N most tau m log H C (cell (off log j) i)). split; unfold Spsc.cell in *; lia.
  - unfold Spsc.cell in *. split; [|split].
    + intros wr E. destruct wr; [|discriminate]. specialize (X2 plain). lia.
    + intros wr E. destruct wr; [|discriminate]. specialize (X2 atomic). lia.
    + exists j. split; [|split; auto; unfold SpscInvariant.in_record, size; lia].
      intros k' K'. pose proof (released_max k' K'). lia.
Qed.
End Consumer.

Lemma ck_read na acq l k m : ck (tv m C) P <= ck (tv (read na acq C l k m) C) P.
Proof. rewrite read_ck by congruence. destruct acq; lia. Qed.
Lemma ck_acquire na l k m : ck (mview (hist m l k)) P <= ck (tv (read na true C l k m) C) P.
Proof. rewrite read_ck by congruence. lia. Qed.
Lemma read_seen na acq l k m : seen (read na acq C l k m) = seen m.
Proof. unfold seen. rewrite read_tv_other by congruence. reflexivity. Qed.
Lemma stands_more tau m m' log d c held j : ck (tv m C) P <= ck (tv m' C) P ->
  stands tau m log d c held j -> stands tau m' log d c held j.
Proof. unfold stands. intuition lia. Qed.
Lemma inv_p_read na acq l k m log p : inv_p m log p -> inv_p (read na acq C l k m) log p.
Proof. apply inv_p_eq; [reflexivity|apply read_seen]. Qed.

(* Where a record of the held ones lies. *)
Lemma held_at (log d w1 : list (list nat)) a w2 j : j <= length log -> d ++ w1 ++ a :: w2 = firstn j log ->
  let j' := length d + length w1 in
  j' < j /\ rec log j' = a /\ off log j - total (a :: w2) = off log j'.
Proof.
  intros J E j'. assert (Lj : length (d ++ w1 ++ a :: w2) = j) by (rewrite E; apply firstn_length_le; auto).
  rewrite !app_length in Lj. simpl in Lj. split; [unfold j'; lia|].
  assert (G : log = (d ++ w1) ++ (a :: w2) ++ skipn j log).
  { rewrite app_assoc, <- (app_assoc d), E. symmetry. apply firstn_skipn. }
  assert (Lw : length (d ++ w1) = j') by (rewrite app_length; auto).
  split.
  - rewrite G. unfold rec. rewrite app_nth2 by lia. rewrite Lw, Nat.sub_diag. reflexivity.
  - unfold off. rewrite <- E. rewrite !total_app. simpl.
    replace (firstn j' log) with (d ++ w1); [rewrite total_app; lia|].
    rewrite G, <- Lw. rewrite firstn_app, Nat.sub_diag, firstn_all. simpl. now rewrite app_nil_r.
Qed.

Variable again : bool.
Notation orders := (Orders true true true true true true true again).

Theorem inv_step s s' : inv N most s -> step N most orders s s' -> inv N most s'.
Proof.
  intros [tau [H [HP [HC HW]]]] Hs. destruct Hs; unfold inv in *; cbn [mm pp cc Spsc.log Spsc.done wrong SpscInvariant.inv_p publish_store publish_load free_store free_load extent_store extent_load terminates copies_again] in *;
    try unfold SpscInvariant.opened in HP.
  - (* room *) destruct HP as [E1 [E2 [E3 [E4 E5]]]].
    destruct (shared_readP N most fits tau m g RP k true H H0 eq_refl) as [S1 [S2 [S3 S4]]].
    exists tau. split; [exact S1|]. split; [|split; [|exact HW]].
    + rewrite S4 in S2 by auto. unfold SpscInvariant.opened. rewrite S4 by auto.
      do 4 (split; auto). lia.
    + eapply inv_c_eq; [| |exact HC]; [reflexivity|]. rewrite read_tv_other by congruence. auto.
  - (* begin *) exists tau. destruct HP as [E1 [E2 [E3 [E4 E5]]]]. split; auto. split; auto. unfold SpscInvariant.opened.
    repeat (split; auto); intros; lia.
  - (* fill *) destruct HP as [[E1 [E2 [E3 [E4 E5]]]] [E6 [E7 [E8 E9]]]].
    assert (SE : seen m <= w) by (subst w; eapply seen_end; eauto).
    set (p := w + total bs) in *.
    assert (I : p mod N <= p mod N + 1 + i < p mod N + size x) by (unfold size; lia).
    assert (Fr : free m g (p mod N + 1 + i)).
    { apply (free_range N most fits tau m g p (size x)); auto; unfold size in *; lia. }
    exists tau. split; [|split; [|split; [|exact HW]]].
    + apply (shared_writeP N most fits tau m g true); auto. intros E. exfalso.
      destruct bs as [|b bs]; [unfold p in E; simpl in E; subst w; rewrite Nat.add_0_r in E; lia|].
      pose proof (total_pos b bs).
      apply (apart N N_pos (seen m) w 1 p (size x) (p mod N + 1 + i)); auto; unfold size in *; try lia.
      rewrite E, E1. lia.
    + cbn [SpscInvariant.inv_p]. unfold SpscInvariant.opened. rewrite !seen_cell. split; [|split; [lia|split; [auto|split; [auto|]]]].
      * split; auto. split; auto. split; [|auto]. unfold Spsc.cell. fold p.
        apply placed_keep with (p := p) (s := size x); auto; unfold size in *; lia.
      * intros i' I'. fold p. destruct (Nat.eq_dec i' i) as [->|].
        -- apply write_last_eq.
        -- rewrite write_last_ne; [apply E9; lia|]. unfold Spsc.cell. intros E. injection E. lia.
    + eapply inv_c_eq; [| |exact HC]; [apply write_last_ne; discriminate|]. rewrite write_tv_other by congruence. auto.
  - (* shorten *) exists tau. destruct HP as [[E1 [E2 [E3 [E4 E5]]]] [E6 [E7 [E8 E9]]]].
    split; auto. split; auto. unfold SpscInvariant.opened. rewrite firstn_length_le by auto.
    do 2 (split; auto; try lia). split; [lia|]. split; [lia|].
    intros i' I'. rewrite nth_firstn_lt by auto. apply E9. auto.
  - (* abort *) exists tau. destruct HP as [E _]. auto.
  - (* first *) exists tau. destruct HP as [[E1 [E2 [E3 [E4 E5]]]] [E6 [E7 [E8 E9]]]].
    split; auto. split; auto. unfold SpscInvariant.opened. split; auto. split; auto. split; [|split].
    + intros b B. simpl in B. assert (b = 0) as -> by lia. rewrite off_0. split; [|lia].
      intros i I. change (rec [x] 0) with x in *. apply E9. auto.
    + intros y [<-|[]]; auto.
    + simpl in *. unfold size. lia.
  - (* next *) destruct HP as [[E1 [E2 [E3 [E4 E5]]]] [E6 [E7 [E8 E9]]]].
    assert (SE : seen m <= w) by (subst w; eapply seen_end; eauto).
    set (bb := b :: bs) in *. set (p := w + total bb) in *. pose proof (total_pos b bs) as Tp. fold bb in Tp.
    assert (Fr : free m g (p mod N)).
    { apply (free_range N most fits tau m g p 1); auto; try lia. }
    assert (Pk : placed (write atomic false P (word p) (size x) m) w bb).
    { apply placed_keep with (p := p) (s := 1); auto; lia. }
    exists tau. split; [|split; [|split; [|exact HW]]].
    + apply (shared_writeP N most fits tau m g false); auto. intros E. exfalso.
      apply (apart N N_pos (seen m) w 1 p 1 (p mod N)); auto; try lia. rewrite E, E1. lia.
    + cbn [SpscInvariant.inv_p]. unfold SpscInvariant.opened. rewrite !seen_word. split; auto. split; auto. split; [|split].
      * intros e Le. rewrite app_length in Le. change (length [x]) with 1 in Le.
        destruct (le_lt_dec (length bb) e).
        -- assert (e = length bb + 0) as -> by lia. rewrite off_app2, rec_app2, off_0.
           change (rec [x] 0) with x. replace (w + (total bb + 0)) with p by (unfold p; lia). split.
           ++ intros i I. rewrite write_last_ne; [apply E9; auto|]. unfold Spsc.cell, Spsc.word. intros E. injection E. lia.
           ++ intros _. apply write_last_eq.
        -- rewrite off_app, rec_app by lia. apply Pk. auto.
      * intros y Y. apply in_app_or in Y. destruct Y as [Y|[<-|[]]]; auto.
      * rewrite total_app. change (total [x]) with (size x + 0). unfold size, p in *. lia.
    + eapply inv_c_eq; [| |exact HC]; [apply write_last_ne; discriminate|]. rewrite write_tv_other by congruence. auto.
  - (* terminate *) destruct HP as [E1 [E2 [E3 [E4 E5]]]].
    assert (SE : seen m <= w) by (subst w; eapply seen_end; eauto).
    set (bb := b :: bs) in *. set (p := w + total bb) in *.
    exists tau. split; [|split; [|split; [|exact HW]]].
    + apply (shared_writeP N most fits tau m g false); auto.
      apply (free_range N most fits tau m g p 1); auto; lia.
    + cbn [SpscInvariant.inv_p]. unfold SpscInvariant.opened. rewrite !seen_word. split; [|apply write_last_eq].
      split; auto. split; auto. split; auto. apply placed_keep with (p := p) (s := 1); auto; lia.
    + eapply inv_c_eq; [| |exact HC]; [apply write_last_ne; discriminate|]. rewrite write_tv_other by congruence. auto.
  - (* commit *) destruct HP as [HO HT]. pose proof (shared_commit tau m g w lim b bs H HO HT) as X. cbv zeta in X.
    destruct HO as [E1 [E2 [E3 [E4 E5]]]].
    eexists. split; [exact X|]. split; [|split; [|exact HW]].
    + rewrite seen_word. rewrite total_app. split; [lia|auto].
    + eapply inv_c_log; [| | |exact HC]; [apply write_last_ne; discriminate|apply write_tv_other; congruence|].
      intros j J. cbv beta. destruct (Nat.ltb_spec j (length g)); [auto|lia].
  - (* copy *) destruct HP as [E1 E2]. subst w. exists tau. split; [apply shared_copy; auto|]. split; [|split; [|exact HW]].
    + unfold SpscInvariant.opened. rewrite seen_copy. split; auto. split; auto. split; [|split].
      * intros b B. simpl in B. lia.
      * intros x [].
      * pose proof (s_cap _ _ _ _ _ H). simpl. lia.
    + eapply inv_c_eq; [| |exact HC]; [apply write_last_ne; discriminate|]. rewrite write_tv_other by congruence. auto.
  - (* dies *) exists tau. auto.
  - (* find 0 *) destruct (shared_readP N most fits tau m g WP k false H H0 eq_refl) as [S1 [S2 [S3 S4]]].
    exists tau. split; [exact S1|]. split; [|split; [|exact HW]].
    + destruct (s_wp _ _ _ _ _ H k) as [q [Q1 [Q2 _]]]; [apply H0|]. exists q. auto.
    + eapply inv_c_eq; [| |exact HC]; [reflexivity|]. rewrite read_tv_other by congruence. auto.
  - (* find 1 *) destruct (shared_readP N most fits tau m g RP k true H H0 eq_refl) as [S1 [S2 [S3 S4]]].
    exists tau. split; [exact S1|]. split; [|split; [|exact HW]].
    + rewrite S4 by auto. destruct HP as [q [Q1 Q2]]. destruct (s_rp _ _ _ _ _ H k) as [r [R1 R2]]; [apply H0|].
      split; [|split; [lia|auto]].
      destruct (Nat.max_spec w (val (hist m RP k))) as [[_ X]|[_ X]]; rewrite X; [exists r|exists q]; auto.
    + eapply inv_c_eq; [| |exact HC]; [reflexivity|]. rewrite read_tv_other by congruence. auto.
  - (* find 2 *) destruct HP as [[q [Q1 Q2]] [Q3 Q4]].
    assert (R : word w <> RP) by discriminate.
    destruct (shared_readP N most fits tau m g (word w) k false H H0 eq_refl) as [S1 [S2 [S3 S4]]].
    specialize (S3 R).
    assert (K : k = len m (word w) - 1).
    { destruct H0 as [K1 K2]. unfold Spsc.word in *. rewrite (ownD N most fits tau m g H) in K1. lia. }
    assert (Hv : h = last m (word w)) by (subst h k; reflexivity).
    exists tau. split; [exact S1|]. split; [|split; [|exact HW]].
    + pose proof (s_cap _ _ _ _ _ H) as Cap.
      destruct (Nat.eq_dec q (length g)) as [E|E].
      * subst q. rewrite off_all in Q2. subst w. rewrite (last_end N most fits tau m g H) in Hv.
        rewrite Hv. cbn [Nat.eqb orb SpscInvariant.inv_p]. rewrite S3. auto.
      * destruct (s_head _ _ _ _ _ H q) as [_ [X _]]; [lia|auto|]. destruct X as [X _]; [lia|].
        rewrite <- Q2, <- Hv in X.
        pose proof (off_S g q) as OS. pose proof (off_end g (S q)) as OE.
        rewrite X. change (size (rec g q) =? 0) with false. cbn [orb].
        destruct (Nat.ltb_spec lim (w + size (rec g q))) as [B|B].
        -- lia.
        -- cbn [SpscInvariant.inv_p]. rewrite S3. split; [|split; [lia|auto]]. exists (S q). split; lia.
    + eapply inv_c_eq; [| |exact HC]; [reflexivity|]. rewrite read_tv_other by congruence. auto.
  - (* find 3 *) destruct HP as [E1 E2]. pose proof (s_cap _ _ _ _ _ H) as Cap.
    exists tau. split; [|split; [|split; [|exact HW]]].
    + apply (shared_writeP N most fits tau m g false); auto.
      apply (free_range N most fits tau m g w 1); auto; lia.
    + rewrite seen_word. auto.
    + eapply inv_c_eq; [| |exact HC]; [apply write_last_ne; discriminate|]. rewrite write_tv_other by congruence. auto.
  - (* find 4: the copy is not needed for any of this *) destruct HP as [E1 E2]. subst w. exists tau.
    split; [destruct again; [apply shared_copy|]; auto|]. split; [|split; [|exact HW]].
    + unfold SpscInvariant.opened. replace (seen (if again then _ else m)) with (seen m) by (destruct again; auto using seen_copy). split; auto. split; auto. split; [|split].
      * intros b B. simpl in B. lia.
      * intros x [].
      * pose proof (s_cap _ _ _ _ _ H). simpl. lia.
    + destruct again; [|exact HC].
      eapply inv_c_eq; [| |exact HC]; [apply write_last_ne; discriminate|]. rewrite write_tv_other by congruence. auto.
  - (* start *) destruct HC as [A1 [A2 [A3 [A4 A5]]]].
    exists tau. split; [apply (shared_readC N most fits tau m g); auto|]. split; [apply inv_p_read; auto|]. split; auto.
    assert (K : k = len m RP - 1). { destruct H0 as [K1 K2]. rewrite (ownR N most fits tau m g H) in K1. lia. }
    pose proof (ck_read false false RP k m).
    unfold inv_c. split; auto. split; auto. split; [exact A3|]. split; [lia|].
    exists (length d). unfold stands. rewrite app_nil_r. split; auto. split; [subst k; exact A3|]. split; [auto|lia].
  - (* poll *) destruct HC as [A1 [A2 [A3 [A4 [j St]]]]].
    destruct (poll tau m g d H A3 c held j k true St H0) as [S1 [S2 S3]]. rewrite <- H1 in *.
    exists tau. split; [exact S1|]. split; [apply inv_p_read; auto|]. split; auto.
    pose proof (ck_read false true (word c) k m) as CR. pose proof (ck_acquire false (word c) k m) as CA.
    pose proof (stands_more _ _ _ _ _ _ _ _ CR St) as St'.
    unfold inv_c. split; auto. split; auto. split; [exact A3|]. split; [lia|].
    destruct S2 as [Z|[Z1 [Z2 Z3]]].
    + rewrite Z. cbn [Nat.eqb]. exists j. auto.
    + rewrite Z2. change (size (rec g j) =? 0) with false. cbv iota. exists j. split; auto. split; auto. split; auto. split; [destruct Z3; lia|]. split; [auto|unfold size; simpl; lia].
  - (* word *) destruct HC as [A1 [A2 [A3 [A4 [j [St [J [Hh [T [G1 G2]]]]]]]]]].
    pose proof (done_le _ _ _ _ _ _ _ St) as Dj. pose proof St as [S1 [S2 [S3 S4]]]. subst c k.
    assert (I : length got < length (rec g j)) by (rewrite Hh in H0; unfold size in H0; lia).
    destruct (payload tau m g d H A3 j (length got) Dj J T I) as [Sh V].
    exists tau. split; [exact Sh|]. split; [apply inv_p_read; auto|]. split; auto.
    pose proof (ck_read true false (cell (off g j) (length got)) (len m (cell (off g j) (length got)) - 1) m) as CR.
    unfold inv_c. split; auto. split; auto. split; [exact A3|]. split; [lia|].
    exists j. split; [eapply stands_more; eauto|]. split; auto. split; auto. split; [lia|].
    rewrite V, app_length. simpl. split; [|lia]. rewrite G1 at 1. rewrite firstn_snoc by auto. f_equal. lia.
  - (* deliver *) destruct HC as [A1 [A2 [A3 [A4 [j [St [J [Hh [T [G1 G2]]]]]]]]]].
    destruct St as [S1 [S2 [S3 S4]]]. exists tau. split; auto. split; auto. split; auto.
    unfold inv_c. split; auto. split; auto. split; [exact A3|]. split; [auto|].
    exists (S j). unfold stands. split; [lia|]. rewrite off_S by auto. split; [lia|]. split; [|exact T].
    assert (got = rec g j) as ->. { rewrite G1. rewrite firstn_all2; auto. unfold size in Hh. lia. }
    rewrite app_assoc, S3. apply firstn_snoc_rec. auto.
  - (* again *) destruct HC as [A1 [A2 [A3 [A4 [j St]]]]].
    pose proof St as [S1 [S2 [S3 S4]]].
    destruct (held_at g d w1 a w2 j S1 S3) as [B1 [B2 B3]].
    assert (Eq : c - total (a :: w2) = off g (length d + length w1)) by (rewrite S2; exact B3).
    rewrite Eq in *. clear Eq B3.
    assert (T : tau (length d + length w1) <= ck (tv m C) P).
    { pose proof (tau_mono N most fits tau m g H (S (length d + length w1)) j). simpl in *. lia. }
    assert (I : i < length (rec g (length d + length w1))) by (rewrite B2; auto).
    destruct (payload tau m g d H A3 (length d + length w1) i) as [Sh V]; auto; try lia.
    subst k. exists tau. split; [exact Sh|]. split; [apply inv_p_read; auto|].
    pose proof (ck_read true false (cell (off g (length d + length w1)) i) (len m (cell (off g (length d + length w1)) i) - 1) m) as CR.
    split.
    + unfold inv_c. split; auto. split; auto. split; [exact A3|]. split; [lia|].
      exists j. eapply stands_more; eauto.
    + rewrite HW, V, B2, Nat.eqb_refl. reflexivity.
  - (* release *) destruct HC as [A1 [A2 [A3 [A4 [j St]]]]].
    pose proof (done_le _ _ _ _ _ _ _ St) as Dj. destruct St as [S1 [S2 [S3 S4]]]. subst c.
    assert (Ld : length (d ++ held) = j) by (rewrite S3; apply firstn_length_le; auto).
    exists tau. split; [|split; [|split; [|exact HW]]].
    + apply shared_release; auto. rewrite A3. apply off_mono; auto.
    + eapply inv_p_eq; [| |exact HP]; [intros; apply write_last_ne; discriminate|].
      unfold seen. rewrite write_tv_other by congruence. rewrite write_hist_old; auto. eapply ts_in; eauto.
    + assert (CK : ck (tv (write atomic true C RP (off g j) m) C) P = ck (tv m C) P) by (apply write_ck; congruence).
      unfold inv_c. rewrite Ld, CK, S3. split; auto. split; [auto|]. split; [apply write_last_eq|]. split; auto.
      exists j. unfold stands. rewrite app_nil_r, CK. auto.
  - (* look 1 *) destruct HC as [A1 [A2 [A3 [A4 [j St]]]]].
    exists tau. split; [apply (shared_readC N most fits tau m g); auto|]. split; [apply inv_p_read; auto|]. split; auto.
    pose proof (ck_read false true WP k m) as CR. pose proof (ck_acquire false WP k m) as CA.
    unfold inv_c. split; auto. split; auto. split; [exact A3|]. split; [lia|].
    exists j. split; [eapply stands_more; eauto|]. intros Lt. destruct St as [S1 [S2 [S3 S4]]].
    destruct (s_wp _ _ _ _ _ H k) as [q [Q1 [Q2 Q3]]]; [apply H0|]. rewrite Q2, S2 in Lt.
    pose proof (off_lt g j q S1 Lt Q1). split; [lia|].
    pose proof (tau_mono N most fits tau m g H (S j) q). simpl in *. lia.
  - (* look 2 *) destruct HC as [A1 [A2 [A3 [A4 [j [St X]]]]]].
    destruct (poll tau m g d H A3 c held j k true St H0) as [S1 [S2 S3]]. rewrite <- H1 in *.
    exists tau. split; [exact S1|]. split; [apply inv_p_read; auto|].
    pose proof (ck_read false true (word c) k m) as CR. pose proof (ck_acquire false (word c) k m) as CA.
    pose proof (stands_more _ _ _ _ _ _ _ _ CR St) as St'.
    split.
    + unfold inv_c. split; auto. split; auto. split; [exact A3|]. split; [lia|].
      destruct S2 as [Z|[Z1 [Z2 Z3]]].
      * rewrite Z. cbn [Nat.eqb]. exists j. auto.
      * rewrite Z2. change (size (rec g j) =? 0) with false. cbv iota. exists j. split; auto. split; auto. split; auto. split; [destruct Z3; lia|]. split; [auto|unfold size; simpl; lia].
    + rewrite HW. simpl. destruct (Nat.eqb_spec h 0) as [E|E]; auto. simpl.
      destruct (Nat.ltb_spec c x) as [B|B]; auto. exfalso. destruct (X B). apply S3; auto.
  - (* dies *) exists tau. split; auto. split; auto. split; auto.
    destruct HC as [A1 [A2 [A3 [A4 _]]]]. unfold inv_c. auto.
Qed.

Lemma inv_init junk : inv N most (init junk).
Proof.
  exists (fun _ => 0). split; [|split; [exact I|split; [|reflexivity]]].
  - constructor; simpl; intros; auto; try lia.
    + apply sane_start.
    + assert (j = 0) as -> by lia. unfold header_ok. rewrite off_0. unfold Spsc.word. rewrite Nat.mod_0_l by lia.
      split; [|split; [simpl; lia|simpl; lia]]. exists 0. simpl. split; [lia|]. split; [lia|]. intros; left; reflexivity.
    + exists 0. split; auto.
    + exists 0. auto.
  - unfold inv_c. simpl. auto.
Qed.

Theorem inv_reach s : reach N most orders s -> inv N most s.
Proof. induction 1; [apply inv_init|eapply inv_step; eauto]. Qed.
End Proof.
