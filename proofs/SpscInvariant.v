(* What the protocol keeps, and that reading and writing keep it. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc.

Section Inv.
Variables N most : nat.
Hypothesis fits : most + 2 <= N.
Notation word := (word N). Notation cell := (cell N).

(* The read_pos that the producer knows; what lies from there on is not overwritten. *)
Definition seen (m : mem) := val (hist m RP (ts (tv m P) RP)).

(* tau j: the producer's clock when record j was committed. Whoever knows the producer up to there
   knows the record, and the terminator behind it (of its batch). *)
Definition before (tau : nat -> nat) j := match j with 0 => 0 | S j => tau j end.

(* From some store on that whoever has read all before record j knows, its header is 0 or says the
   record, and who then reads the record learns all of it. *)
Definition header_ok tau (m : mem) log j := let l := word (off log j) in
  (exists k0, k0 < len m l /\ stamp (hist m l k0) <= before tau j /\
    forall k, k0 <= k < len m l -> val (hist m l k) = 0 \/
      (j < length log /\ val (hist m l k) = size (rec log j) /\
       (tau j <= ck (mview (hist m l k)) P \/ tau j <= before tau j))) /\
  (j < length log -> last m l = size (rec log j) /\ stamp (hist m l (len m l - 1)) <= tau j) /\
  acc m plain true l P <= before tau j.

Definition payload_ok tau (m : mem) log j := forall i, i < length (rec log j) ->
  last m (cell (off log j) i) = nth i (rec log j) 0 /\
  (forall na, acc m na true (cell (off log j) i) P <= tau j).

Definition in_record log j i := off log j mod N <= i < off log j mod N + size (rec log j).

Record shared tau (m : mem) log : Prop := {
  s_sane : sane m;
  s_race : race m = false;
  s_log  : forall x, In x log -> length x <= most;
  s_tau  : forall j, j < length log -> before tau j <= tau j;
  s_end  : before tau (length log) <= ck (tv m P) P;
  (* one writer each *)
  s_whoD : forall i k, k < len m (D i) -> who (hist m (D i) k) = P;
  s_whoR : forall k, 0 < k < len m RP -> who (hist m RP k) = C;
  s_accC : forall na i, acc m na true (D i) C = 0;
  s_accW : forall wr u, acc m plain wr WP u = 0;
  s_accR : forall wr u, acc m plain wr RP u = 0;
  (* the data from what the producer knows to be read *)
  s_head : forall j, seen m <= off log j -> j <= length log -> header_ok tau m log j;
  s_pay  : forall j, seen m <= off log j -> j < length log -> payload_ok tau m log j;
  s_cap  : total log + 1 <= seen m + N;
  (* write_pos: ends of records, and whoever reads it knows all below *)
  s_wp   : forall k, k < len m WP -> exists q, q <= length log /\ val (hist m WP k) = off log q /\
             before tau q <= ck (mview (hist m WP k)) P;
  (* read_pos: grows from record to record, and whoever reads it knows what the consumer did below *)
  s_rp   : forall k, k < len m RP -> exists j, j <= length log /\ val (hist m RP k) = off log j;
  s_rmon : forall k k', k <= k' -> k' < len m RP -> val (hist m RP k) <= val (hist m RP k');
  s_rts  : forall k, k < len m RP -> ts (mview (hist m RP k)) RP <= k;
  s_know : ck (mview (hist m RP (ts (tv m P) RP))) C <= ck (tv m P) C;
  s_rdp  : forall k i, k < len m RP -> acc m plain false (D i) C <= ck (mview (hist m RP k)) C \/
             exists j, j < length log /\ val (hist m RP k) <= off log j /\ in_record log j i;
  s_rda  : forall k i, k < len m RP -> acc m atomic false (D i) C <= ck (mview (hist m RP k)) C \/
             exists j, j <= length log /\ val (hist m RP k) <= off log j /\ i = off log j mod N }.

Definition placed (m : mem) w bs := forall b, b < length bs ->
  (forall i, i < length (rec bs b) -> last m (cell (w + off bs b) i) = nth i (rec bs b) 0) /\
  (0 < b -> last m (word (w + off bs b)) = size (rec bs b)).

Definition opened m log w lim bs := w = total log /\ lim = seen m + N /\ placed m w bs /\
  (forall x, In x bs -> length x <= most) /\ w + total bs + 1 <= lim.

Definition inv_p m log p := match p with
  | Open w lim bs => opened m log w lim bs
  | Fill w lim bs x i => opened m log w lim bs /\ i <= length x /\ length x <= most /\
      w + total bs + length x + 2 <= lim /\
      (forall i', i' < i -> last m (cell (w + total bs) i') = nth i' x 0)
  | Commit w lim bs => opened m log w lim bs /\ last m (word (w + total bs)) = 0
  | Copy w lim => w = total log /\ lim = seen m + N
  | Find0 => True
  | Find1 w => exists q, q <= length log /\ w = off log q
  | Find2 w lim => (exists q, q <= length log /\ w = off log q) /\ seen m <= w /\ lim = seen m + N
  | Find3 w lim | Find4 w lim => w = total log /\ lim = seen m + N
  end.

Definition stands tau (m : mem) log (done : list (list nat)) c held j :=
  j <= length log /\ c = off log j /\ done ++ held = firstn j log /\ before tau j <= ck (tv m C) P.

Definition inv_c tau (m : mem) log (done : list (list nat)) p :=
  length done <= length log /\ done = firstn (length done) log /\
  last m RP = off log (length done) /\ before tau (length done) <= ck (tv m C) P /\
  match p with
  | Start => True
  | Idle c held => exists j, stands tau m log done c held j
  | Take c held h got => exists j, stands tau m log done c held j /\ j < length log /\
      h = size (rec log j) /\ tau j <= ck (tv m C) P /\ got = firstn (length got) (rec log j) /\ length got < h
  | Exam c held x => exists j, stands tau m log done c held j /\
      (c < x -> j < length log /\ tau j <= ck (tv m C) P)
  end.

Definition inv s := exists tau, shared tau (mm s) (log s) /\ inv_p (mm s) (log s) (pp s) /\
  inv_c tau (mm s) (log s) (done s) (cc s) /\ wrong s = false.

(* ---- facts ---- *)
Lemma N_pos : 0 < N. Proof. lia. Qed.

Section Facts.
Variables (tau : nat -> nat) (m : mem) (log : list (list nat)).
Hypothesis H : shared tau m log.

Lemma ts_in t l : ts (tv m t) l < len m l.
Proof. apply (sn_ts (s_sane _ _ _ H)). left. eauto. Qed.

Lemma seen_off : exists j, j <= length log /\ seen m = off log j.
Proof. apply (s_rp _ _ _ H). apply ts_in. Qed.

Lemma off_end j : j <= length log -> off log j <= total log.
Proof. intros. rewrite <- off_all. apply off_mono; auto. Qed.

Lemma seen_end : seen m <= total log.
Proof. destruct seen_off as [j [L E]]. rewrite E. apply off_end. auto. Qed.

Lemma tau_mono i j : i <= j -> j <= length log -> before tau i <= before tau j.
Proof.
  intros. induction j; [replace i with 0 by lia; auto|]. destruct (Nat.eq_dec i (S j)); [subst; auto|].
  assert (before tau i <= before tau j) by (apply IHj; lia). pose proof (s_tau _ _ _ H j). simpl. lia.
Qed.

(* hb, for words of the data: who knows of a store reads no older one *)
Lemma hbD t i k : k < len m (D i) -> stamp (hist m (D i) k) <= ck (tv m t) P -> k <= ts (tv m t) (D i).
Proof.
  intros L S. apply (sn_hb (s_sane _ _ _ H)); [left; eauto|auto|]. rewrite (s_whoD _ _ _ H); auto.
Qed.
Lemma ownD i : ts (tv m P) (D i) = len m (D i) - 1.
Proof.
  pose proof (ts_in P (D i)). assert (len m (D i) - 1 <= ts (tv m P) (D i)); [|lia].
  apply hbD; [lia|]. assert (X : len m (D i) - 1 < len m (D i)) by lia.
  pose proof (sn_st (s_sane _ _ _ H) _ X) as Y. rewrite (s_whoD _ _ _ H) in Y by lia. exact Y.
Qed.
Lemma ownR : ts (tv m C) RP = len m RP - 1.
Proof.
  pose proof (ts_in C RP). assert (len m RP - 1 <= ts (tv m C) RP); [|lia].
  destruct (Nat.eq_dec (len m RP) 1); [lia|].
  apply (sn_hb (s_sane _ _ _ H)); [left; eauto|lia|].
  assert (X : len m RP - 1 < len m RP) by lia.
  pose proof (sn_st (s_sane _ _ _ H) _ X) as Y. rewrite (s_whoR _ _ _ H) in * by lia. exact Y.
Qed.

Lemma last_end : last m (word (total log)) = 0.
Proof.
  destruct (s_head _ _ _ H (length log)) as [[k0 [L [S A]]] _]; auto.
  { rewrite off_all. apply seen_end. }
  rewrite off_all in *. unfold last.
  destruct (A (len m (word (total log)) - 1)) as [E|[E _]]; [lia|auto|lia].
Qed.
End Facts.

(* Words that the producer may write: in no record that may still be read. *)
Definition free (m : mem) log i := forall j, j < length log -> seen m <= off log j -> ~ in_record log j i.

Lemma free_range tau m log p s i : shared tau m log -> total log <= p -> p + s <= seen m + N -> 0 < s ->
  p mod N <= i < p mod N + s -> free m log i.
Proof.
  intros H L1 L2 L3 I j J S R. unfold in_record in R.
  apply (apart N N_pos (seen m) (off log j) (size (rec log j)) p s i); auto; try (unfold size; lia).
  pose proof (off_next log j (length log) J (le_n _)). rewrite off_all in *. lia.
Qed.

Ltac invs H := destruct H as [h_sane h_race h_log h_tau h_end h_whoD h_whoR h_accC h_accW h_accR h_head h_pay h_cap h_wp h_rp h_rmon h_rts h_know h_rdp h_rda].

(* ---- reading ---- *)
Lemma shared_readP tau m log l k acq : shared tau m log -> can_read m P l k ->
  acq = match l with RP => true | _ => false end ->
  let m' := read atomic acq P l k m in
  shared tau m' log /\ seen m <= seen m' /\ (l <> RP -> seen m' = seen m) /\ (l = RP -> seen m' = val (hist m RP k)).
Proof.
  intros H K A m'. pose proof H as H0. invs H0.
  assert (Sn : sane m') by (apply sane_read; auto using tids_all).
  assert (T : ts (tv m' P) RP = match l with RP => k | _ => ts (tv m P) RP end).
  { unfold m'. rewrite read_ts. destruct l; subst acq; simpl; auto.
    pose proof (h_rts k). destruct K. specialize (H0 H2). lia. }
  assert (Sl : seen m' = match l with RP => val (hist m RP k) | _ => seen m end).
  { unfold seen. rewrite T. destruct l; reflexivity. }
  assert (Sm : seen m <= seen m').
  { rewrite Sl. destruct l; auto. apply h_rmon; apply K. }
  assert (CkP : ck (tv m P) P <= ck (tv m' P) P).
  { unfold m'. rewrite read_ck_own. destruct acq; lia. }
  assert (CkC : ck (tv m P) C <= ck (tv m' P) C).
  { unfold m'. rewrite read_ck by congruence. destruct acq; lia. }
  assert (Ac : forall na wr l' u, acc m' na wr l' u = acc m na wr l' u \/ (na = atomic /\ wr = false /\ u = P)).
  { intros. unfold m'. edestruct read_acc as [E|[E1 [E2 [_ [E3 _]]]]]; [left; exact E|right; auto]. }
  split; [|split; [auto|split; intros; subst; auto; destruct l; congruence]].
  constructor; auto.
  - unfold m'. simpl. unfold Machine.read. simpl. rewrite h_race. simpl. apply racy_no.
    intros u na' wr' E. destruct na', wr'; try discriminate.
    destruct l; [|rewrite h_accW; lia|rewrite h_accR; lia].
    destruct u; [apply (sn_acc h_sane)|rewrite h_accC; lia].
  - lia.
  - intros na i. destruct (Ac na true (D i) C) as [E|[_ [E _]]]; [rewrite E; auto|congruence].
  - intros j S J. destruct (h_head j) as [X1 [X2 X3]]; auto; [lia|]. split; [exact X1|split; [exact X2|]].
    destruct (Ac plain true (word (off log j)) P) as [E|[E _]]; [rewrite E; auto|congruence].
  - intros j S J i I. destruct (h_pay j) with (i := i) as [X1 X2]; auto; [lia|]. split; [exact X1|].
    intros na. destruct (Ac na true (cell (off log j) i) P) as [E|[_ [E _]]]; [rewrite E; auto|congruence].
  - lia.
  - rewrite T. destruct l; try (etransitivity; [exact h_know|exact CkC]).
    subst acq. unfold m'. rewrite read_ck by congruence. rewrite read_hist. lia.
  - intros k' i K'. destruct (h_rda k' i K') as [X|X]; [left|right; exact X].
    destruct (Ac atomic false (D i) C) as [E|[_ [_ E]]]; [rewrite E; auto|congruence].
Qed.

(* What the consumer reads, it knows; and it stands at or after what it released. *)
Lemma shared_readC tau m log na acq l k : shared tau m log -> can_read m C l k ->
  match l with
  | D i => (forall wr, clash na false plain wr = true -> acc m plain wr (D i) P <= ck (tv m C) P) /\
           (forall wr, clash na false atomic wr = true -> acc m atomic wr (D i) P <= ck (tv m C) P) /\
           (exists j, (forall k, k < len m RP -> val (hist m RP k) <= off log j) /\
             (if na then j < length log /\ in_record log j i else j <= length log /\ i = off log j mod N))
  | _ => na = atomic
  end ->
  shared tau (read na acq C l k m) log.
Proof.
  intros H K A. set (m' := read na acq C l k m). pose proof H as H0. invs H0.
  assert (Sn : sane m') by (apply sane_read; auto using tids_all).
  assert (Tv : tv m' P = tv m P) by (unfold m'; apply read_tv_other; congruence).
  assert (Se : seen m' = seen m) by (unfold seen; rewrite Tv; reflexivity).
  assert (Ac : forall na' wr l' u, acc m' na' wr l' u = acc m na' wr l' u \/ (na' = na /\ wr = false /\ l' = l /\ u = C)).
  { intros. unfold m'. edestruct read_acc as [E|[E1 [E2 [E4 [E3 _]]]]]; [left; exact E|right; auto]. }
  constructor; auto; try rewrite Se; try rewrite Tv; auto.
  - unfold m', Machine.read. simpl. rewrite h_race. simpl. apply racy_no.
    intros u na' wr' E. destruct l as [i| |].
    + destruct A as [A1 [A2 _]]. destruct u; [destruct na'; auto|].
      apply (sn_acc h_sane).
    + subst na. destruct na', wr'; try discriminate. rewrite h_accW. lia.
    + subst na. destruct na', wr'; try discriminate. rewrite h_accR. lia.
  - intros na' i. destruct (Ac na' true (D i) C) as [E|[_ [E _]]]; [rewrite E; auto|congruence].
  - intros wr u. destruct (Ac plain wr WP u) as [E|[E1 [_ [E2 _]]]]; [rewrite E; auto|subst l; congruence].
  - intros wr u. destruct (Ac plain wr RP u) as [E|[E1 [_ [E2 _]]]]; [rewrite E; auto|subst l; congruence].
  - intros j S J. destruct (h_head j) as [X1 [X2 X3]]; auto. split; [exact X1|split; [exact X2|]].
    destruct (Ac plain true (word (off log j)) P) as [E|[_ [E _]]]; [rewrite E; auto|congruence].
  - intros j S J i I. destruct (h_pay j) with (i := i) as [X1 X2]; auto. split; [exact X1|].
    intros na'. destruct (Ac na' true (cell (off log j) i) P) as [E|[_ [E _]]]; [rewrite E; auto|congruence].
  - intros k' i K'. destruct (Ac plain false (D i) C) as [E|[E1 [_ [E2 _]]]].
    + rewrite E. apply h_rdp; auto.
    + right. subst l na. destruct A as [_ [_ [j [B [B1 B2]]]]]. exists j.
      split; [exact B1|split; [exact (B k' K')|exact B2]].
  - intros k' i K'. destruct (Ac atomic false (D i) C) as [E|[E1 [_ [E2 _]]]].
    + rewrite E. apply h_rda; auto.
    + right. subst l na. destruct A as [_ [_ [j [B [B1 B2]]]]]. exists j.
      split; [exact B1|split; [exact (B k' K')|exact B2]].
Qed.

(* ---- writing ---- *)
Lemma racy_writeP tau m log na i : shared tau m log -> free m log i ->
  (na = plain -> i <> total log mod N) -> racy tids m na true P (D i) = false.
Proof.
  intros H F Z. pose proof H as H0. invs H0. apply racy_no.
  intros u na' wr' E. destruct u; [apply (sn_acc h_sane)|].
  destruct wr'; [rewrite h_accC; lia|]. etransitivity; [|exact h_know].
  pose proof (ts_in tau m log H P RP). destruct na'.
  - destruct (h_rdp _ i H0) as [X|[j [J [S R]]]]; auto. exfalso. apply (F j); auto.
  - destruct na; try discriminate. destruct (h_rda _ i H0) as [X|[j [J [S R]]]]; auto. exfalso.
    destruct (Nat.eq_dec j (length log)); [subst; rewrite off_all in *; apply Z; auto|].
    apply (F j); auto; [lia|]. unfold in_record, size. lia.
Qed.

Lemma shared_writeP tau m log na i x : shared tau m log -> free m log i ->
  (i = total log mod N -> na = atomic /\ x = 0) ->
  shared tau (write na false P (D i) x m) log.
Proof.
  intros H F Z. set (m' := write na false P (D i) x m). pose proof H as H0. invs H0.
  assert (Sn : sane m') by (apply sane_write; auto).
  assert (Ts : ts (tv m' P) RP = ts (tv m P) RP) by (unfold m'; rewrite write_ts; reflexivity).
  assert (Ot : forall l, l <> D i -> len m' l = len m l /\ (forall k, hist m' l k = hist m l k) /\ last m' l = last m l).
  { intros l E. unfold m'. repeat split; intros; [apply write_len_ne|apply write_hist_ne|apply write_last_ne]; auto. }
  destruct (Ot RP) as [OR [OH _]]; [congruence|]. destruct (Ot WP) as [OW [OWh _]]; [congruence|].
  assert (Se : seen m' = seen m) by (unfold seen; rewrite Ts, OH; auto).
  assert (CkP : ck (tv m' P) P = S (ck (tv m P) P)) by (unfold m'; apply write_ck_own).
  assert (CkC : ck (tv m' P) C = ck (tv m P) C) by (unfold m'; apply write_ck; congruence).
  assert (Ac : forall na' wr l' u, acc m' na' wr l' u = acc m na' wr l' u \/ (na' = na /\ wr = true /\ l' = D i /\ u = P)).
  { intros. unfold m'. edestruct write_acc as [E|[E1 [E2 [E4 [E3 _]]]]]; [left; exact E|right; auto]. }
  assert (Hd : forall j, seen m <= off log j -> j < length log -> word (off log j) <> D i).
  { intros j S J E. injection E as E. apply (F j); auto. unfold in_record, size. lia. }
  constructor; auto; try rewrite Se; try rewrite Ts; try rewrite OR; auto.
  - unfold m', Machine.write. simpl. rewrite h_race. simpl. eapply racy_writeP; eauto.
    intros E1 E2. destruct (Z E2). congruence.
  - lia.
  - intros i' k L. destruct (Nat.eq_dec i' i) as [->|E].
    + unfold m' in *. rewrite write_len_eq in L. destruct (Nat.eq_dec k (len m (D i))) as [->|].
      * rewrite write_hist_new. auto.
      * rewrite write_hist_old by lia. apply h_whoD. lia.
    + destruct (Ot (D i')) as [E1 [E2 _]]; [congruence|]. rewrite E1 in L. rewrite E2. auto.
  - intros na' i'. destruct (Ac na' true (D i') C) as [E|[_ [_ [_ E]]]]; [rewrite E; auto|congruence].
  - intros wr u. destruct (Ac plain wr WP u) as [E|[_ [_ [E _]]]]; [rewrite E; auto|congruence].
  - intros wr u. destruct (Ac plain wr RP u) as [E|[_ [_ [E _]]]]; [rewrite E; auto|congruence].
  - intros j S J. destruct (h_head j) as [[k0 [X0 [Xs X1]]] [X2 X3]]; auto.
    destruct (loc_dec (word (off log j)) (D i)) as [Q|Q].
    + (* the producer stores a terminator at its end *)
      assert (j = length log) as ->. { destruct (Nat.eq_dec j (length log)); auto. exfalso. apply (Hd j); auto; lia. }
      rewrite off_all in *. injection Q as Q. destruct (Z (eq_sym Q)) as [-> ->].
      unfold header_ok. rewrite off_all. change (word (total log)) with (D (total log mod N)) in *. rewrite Q in *.
      split; [|split; [lia|]].
      * exists k0. unfold m'. rewrite write_len_eq. split; [lia|]. rewrite write_hist_old by auto. split; auto.
        intros k K. destruct (Nat.eq_dec k (len m (D i))) as [->|]; [rewrite write_hist_new; auto|].
        rewrite write_hist_old by lia. apply X1. lia.
      * destruct (Ac plain true (D i) P) as [E|[E _]]; [rewrite E; auto|congruence].
    + destruct (Ot _ Q) as [O1 [O2 O3]]. unfold header_ok. rewrite O1, O3.
      split; [|split; [rewrite O2; auto|]].
      * exists k0. rewrite O2. repeat split; auto. intros k. rewrite O2. auto.
      * destruct (Ac plain true (word (off log j)) P) as [E|[_ [_ [E _]]]]; [rewrite E; auto|congruence].
  - intros j S J i' I. destruct (h_pay j S J i' I) as [X1 X2].
    assert (Q : cell (off log j) i' <> D i).
    { intros E. injection E as E. apply (F j); auto. unfold in_record, size. lia. }
    destruct (Ot _ Q) as [O1 [O2 O3]]. rewrite O3. split; auto.
    intros na'. destruct (Ac na' true (cell (off log j) i') P) as [E|[_ [_ [E _]]]]; [rewrite E; auto|congruence].
  - intros k i' K. rewrite OH. destruct (Ac plain false (D i') C) as [E|[_ [E _]]]; [rewrite E; auto|congruence].
  - intros k i' K. rewrite OH. destruct (Ac atomic false (D i') C) as [E|[_ [E _]]]; [rewrite E; auto|congruence].
Qed.

Lemma shared_copy tau m log : shared tau m log -> shared tau (write atomic true P WP (total log) m) log.
Proof.
  intros H. set (m' := write atomic true P WP (total log) m). pose proof H as H0. invs H0.
  assert (Sn : sane m') by (apply sane_write; auto).
  assert (Ts : ts (tv m' P) RP = ts (tv m P) RP) by (unfold m'; rewrite write_ts; reflexivity).
  assert (Ot : forall l, l <> WP -> len m' l = len m l /\ (forall k, hist m' l k = hist m l k) /\ last m' l = last m l).
  { intros l E. unfold m'. repeat split; intros; [apply write_len_ne|apply write_hist_ne|apply write_last_ne]; auto. }
  destruct (Ot RP) as [OR [OH _]]; [congruence|].
  assert (Se : seen m' = seen m) by (unfold seen; rewrite Ts, OH; auto).
  assert (CkP : ck (tv m' P) P = S (ck (tv m P) P)) by (unfold m'; apply write_ck_own).
  assert (CkC : ck (tv m' P) C = ck (tv m P) C) by (unfold m'; apply write_ck; congruence).
  assert (Ac : forall na' wr l' u, acc m' na' wr l' u = acc m na' wr l' u \/ (na' = atomic /\ wr = true /\ l' = WP /\ u = P)).
  { intros. unfold m'. edestruct write_acc as [E|[E1 [E2 [E4 [E3 _]]]]]; [left; exact E|right; auto]. }
  constructor; auto; try rewrite Se; try rewrite Ts; try rewrite OR; auto.
  - unfold m', Machine.write. simpl. rewrite h_race. simpl. apply racy_no.
    intros u na' wr' E. destruct na'; try discriminate. rewrite h_accW. lia.
  - lia.
  - intros na' i'. destruct (Ac na' true (D i') C) as [E|[_ [_ [_ E]]]]; [rewrite E; auto|congruence].
  - intros j S J i' I. destruct (h_pay j S J i' I) as [X1 X2].
    destruct (Ot (cell (off log j) i')) as [O1 [O2 O3]]; [discriminate|]. rewrite O3. split; auto.
    intros na'. destruct (Ac na' true (cell (off log j) i') P) as [E|[_ [_ [E _]]]]; [rewrite E; auto|discriminate].
  - intros k L. unfold m' in L. rewrite write_len_eq in L. destruct (Nat.eq_dec k (len m WP)) as [->|].
    + exists (length log). split; auto.
      replace (hist m' WP (len m WP)) with (Msg (total log) P (S (ck (tv m P) P)) (tv m' P))
        by (symmetry; apply write_hist_new).
      split; [symmetry; apply off_all|]. change (before tau (length log) <= ck (tv m' P) P). lia.
    + unfold m'. rewrite write_hist_old by lia. apply h_wp. lia.
Qed.

Lemma shared_release tau m log j : shared tau m log -> j <= length log -> last m RP <= off log j ->
  shared tau (write atomic true C RP (off log j) m) log.
Proof.
  intros H J R. set (m' := write atomic true C RP (off log j) m). pose proof H as H0. invs H0.
  assert (Sn : sane m') by (apply sane_write; auto).
  assert (Tv : tv m' P = tv m P) by (unfold m'; apply write_tv_other; congruence).
  assert (Ot : forall l, l <> RP -> len m' l = len m l /\ (forall k, hist m' l k = hist m l k) /\ last m' l = last m l).
  { intros l E. unfold m'. repeat split; intros; [apply write_len_ne|apply write_hist_ne|apply write_last_ne]; auto. }
  assert (Old : forall k, k < len m RP -> hist m' RP k = hist m RP k) by (intros; apply write_hist_old; auto).
  assert (New : hist m' RP (len m RP) = Msg (off log j) C (S (ck (tv m C) C)) (tv m' C)) by apply write_hist_new.
  assert (Len : len m' RP = S (len m RP)) by apply write_len_eq.
  destruct (Ot WP) as [OW [OWh _]]; [congruence|].
  pose proof (ts_in tau m log H P RP) as TL.
  assert (Se : seen m' = seen m) by (unfold seen; rewrite Tv, Old; auto).
  assert (CkC : ck (tv m' C) C = S (ck (tv m C) C)) by (unfold m'; apply write_ck_own).
  assert (Ac : forall na' wr l' u, acc m' na' wr l' u = acc m na' wr l' u \/ (na' = atomic /\ wr = true /\ l' = RP /\ u = C)).
  { intros. unfold m'. edestruct write_acc as [E|[E1 [E2 [E4 [E3 _]]]]]; [left; exact E|right; auto]. }
  assert (Spl : forall k, k < len m' RP -> k < len m RP \/ k = len m RP) by (intros; lia).
  constructor; auto; try rewrite Se; try rewrite Tv; auto.
  - unfold m', Machine.write. simpl. rewrite h_race. simpl. apply racy_no.
    intros u na' wr' E. destruct na'; try discriminate. rewrite h_accR. lia.
  - intros k L. destruct (Spl k) as [K|K]; [lia|rewrite Old by auto; apply h_whoR; lia|]. subst k. rewrite New. auto.
  - intros na' i'. destruct (Ac na' true (D i') C) as [E|[_ [_ [E _]]]]; [rewrite E; auto|congruence].
  - intros i S I i' I'. destruct (h_pay i S I i' I') as [X1 X2].
    destruct (Ot (cell (off log i) i')) as [O1 [O2 O3]]; [discriminate|]. rewrite O3. split; auto.
    intros na'. destruct (Ac na' true (cell (off log i) i') P) as [E|[_ [_ [E _]]]]; [rewrite E; auto|discriminate].
  - intros k L. destruct (Spl k L) as [K|K]; [rewrite Old by auto; auto|]. subst k. rewrite New. simpl. eauto.
  - intros k k' L1 L2. destruct (Spl k' L2) as [K|K].
    + rewrite !Old by lia. auto.
    + subst k'. rewrite New. destruct (Spl k) as [K|K]; [lia| |subst k; rewrite New; auto].
      rewrite Old by auto. etransitivity; [|exact R]. unfold last. apply h_rmon; lia.
  - intros k L. destruct (Spl k L) as [K|K]; [rewrite Old by auto; auto|]. subst k. rewrite New.
    change (ts (tv m' C) RP <= len m RP). unfold m'. rewrite write_ts. simpl. auto.
  - rewrite Old; auto.
  - intros k i K. destruct (Ac plain false (D i) C) as [E|[_ [E _]]]; [rewrite E|congruence].
    destruct (Spl k K) as [L|L]; [rewrite Old by auto; auto|]. subst k. rewrite New. left.
    change (acc m plain false (D i) C <= ck (tv m' C) C). rewrite CkC.
    pose proof (sn_acc h_sane plain false (D i) C). lia.
  - intros k i K. destruct (Ac atomic false (D i) C) as [E|[_ [E _]]]; [rewrite E|congruence].
    destruct (Spl k K) as [L|L]; [rewrite Old by auto; auto|]. subst k. rewrite New. left.
    change (acc m atomic false (D i) C <= ck (tv m' C) C). rewrite CkC.
    pose proof (sn_acc h_sane atomic false (D i) C). lia.
Qed.
End Inv.
