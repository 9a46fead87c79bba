(* What the ring keeps, and that reading and writing keep it. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc.

Section Invariant.
Variables N most W : nat.
Variable enc : nat -> nat -> nat.
Hypothesis fits : most + 2 <= N.
Notation word := (word N). Notation cell := (cell N). Notation header := (header W enc).

(* The freed position that the producer knows; what lies from there on is not overwritten. *)
Definition seen (m : mem) := val (hist m FR (ts (tv m P) FR)).

(* tau j: the producer's clock when record j was committed. Whoever knows the producer up to there
   knows the record, and the terminator behind it (of its batch). *)
Definition before (tau : nat -> nat) j := match j with 0 => 0 | S j => tau j end.

(* Message k of a word is the producer's, known by the time t. *)
Definition known (m : mem) l k t := k < len m l /\ who (hist m l k) = P /\ stamp (hist m l k) <= t.

(* From some store on that whoever has read all before record j knows, its header is 0 or says the
   record, and who then reads the record learns all of it, or has learned it before. *)
Definition header_ok tau (m : mem) log j := let l := word (off log j) in
  (exists k0, known m l k0 (before tau j) /\
    forall k, k0 <= k < len m l -> val (hist m l k) = 0 \/
      (j < length log /\ val (hist m l k) = header (off log j) (length (rec log j)) /\
       (tau j <= ck (mview (hist m l k)) P \/ tau j <= before tau j \/ tau j <= ck (tv m C) P))) /\
  (j < length log -> exists k1, known m l k1 (tau j) /\
    forall k, k1 <= k < len m l -> val (hist m l k) = header (off log j) (length (rec log j))) /\
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
  (* the consumer changes no word of the data *)
  s_same : forall i, exists k0, k0 < len m (D i) /\ who (hist m (D i) k0) = P /\
             forall k, k0 <= k < len m (D i) -> val (hist m (D i) k) = last m (D i);
  (* one writer each *)
  s_whoP : forall k, k < len m WP -> who (hist m WP k) = P;
  s_whoC : forall l k, l = RP \/ l = FR -> 0 < k < len m l -> who (hist m l k) = C;
  s_accC : forall i, acc m plain true (D i) C = 0;
  s_accP : forall i, acc m plain false (D i) P = 0;
  s_accW : forall l wr u, (forall i, l <> D i) -> acc m plain wr l u = 0;
  (* the data from what the producer knows to be freed *)
  s_head : forall j, seen m <= off log j -> j <= length log -> header_ok tau m log j;
  s_pay  : forall j, seen m <= off log j -> j < length log -> payload_ok tau m log j;
  s_past : forall j p, j <= length log -> seen m <= p -> p < off log j ->
             (forall na, acc m na true (word p) P <= before tau j) /\
             (forall k, k < len m (word p) -> who (hist m (word p) k) = P ->
                stamp (hist m (word p) k) <= before tau j);
  s_cap  : total log + 1 <= seen m + N;
  (* write_pos: ends of records, and whoever reads it knows all below; at most one batch behind *)
  s_wp   : forall k, k < len m WP -> exists q, q <= length log /\ val (hist m WP k) = off log q /\
             before tau q <= ck (mview (hist m WP k)) P;
  s_wmon : forall k k', k <= k' -> k' < len m WP -> val (hist m WP k) <= val (hist m WP k');
  s_wl   : forall j, j <= length log -> exists k, known m WP k (before tau j) /\
             off log j <= val (hist m WP k) + N;
  (* read_pos and freed: grow from record to record, freed behind read_pos *)
  s_rp   : forall l k, l = RP \/ l = FR -> k < len m l ->
             exists j, j <= length log /\ val (hist m l k) = off log j;
  s_mon  : forall l k k', l = RP \/ l = FR -> k <= k' -> k' < len m l ->
             val (hist m l k) <= val (hist m l k');
  s_fr   : last m FR <= last m RP;
  s_frp  : forall k, k < len m FR ->
             val (hist m FR k) <= val (hist m RP (ts (mview (hist m FR k)) RP));
  s_sr   : seen m <= val (hist m RP (ts (tv m P) RP));
  (* whoever reads freed knows what the consumer did below *)
  s_fts  : forall k, k < len m FR -> ts (mview (hist m FR k)) FR <= k;
  s_know : ck (mview (hist m FR (ts (tv m P) FR))) C <= ck (tv m P) C;
  s_rdp  : forall k i, k < len m FR -> acc m plain false (D i) C <= ck (mview (hist m FR k)) C \/
             exists j, j < length log /\ val (hist m FR k) <= off log j /\ in_record log j i;
  s_rda  : forall k i wr, k < len m FR -> acc m atomic wr (D i) C <= ck (mview (hist m FR k)) C \/
             exists p, p <= total log /\ val (hist m FR k) <= p /\ i = p mod N }.

(* The owner word: whoever reads a closing knows all that was committed before it. *)
Record owned tau (m : mem) (log : list (list nat)) ends : Prop := {
  o_len : length ends = len m OW;
  o_end : forall k, k < len m OW -> nth k ends 0 <= length log /\
            (val (hist m OW k) = 2 -> before tau (nth k ends 0) <= ck (mview (hist m OW k)) P);
  o_ts  : forall k, k < len m OW -> ts (mview (hist m OW k)) FR <= ts (tv m P) FR }.

Definition placed (m : mem) w bs := forall b, b < length bs ->
  (forall i, i < length (rec bs b) -> last m (cell (w + off bs b) i) = nth i (rec bs b) 0) /\
  (0 < b -> last m (word (w + off bs b)) = header (w + off bs b) (length (rec bs b))).

Definition opened m log f w bs := w = total log /\ f = seen m /\ placed m w bs /\
  (forall x, In x bs -> length x <= most) /\ w + total bs + 1 <= f + N /\ last m WP = w.

Definition inv_p m log p := match p with
  | Open f w bs | Full f w bs => opened m log f w bs
  | Fill f w bs x i => opened m log f w bs /\ i <= length x /\ length x <= most /\
      w + total bs + length x + 2 <= f + N /\
      (forall i', i' < i -> last m (cell (w + total bs) i') = nth i' x 0)
  | Commit f w bs => opened m log f w bs /\ last m (word (w + total bs)) = 0
  | Copy f w => w = total log /\ f = seen m
  | Away | Come | Closed => True
  | Freed f => f = seen m
  | Known f r => f = seen m /\ f <= r /\ exists j, j <= length log /\ r = off log j
  | Walk f w => (exists q, q <= length log /\ w = off log q) /\ seen m <= w /\ f = seen m
  | Clear f w | Tell f w => w = total log /\ f = seen m
  | Call f w => w = total log /\ f = seen m /\ last m WP = w
  end.

Definition stands tau (m : mem) log (done : list (list nat)) c held j :=
  j <= length log /\ c = off log j /\ done ++ held = firstn j log /\ before tau j <= ck (tv m C) P.

(* What the consumer knows is so. *)
Definition standing tau (m : mem) log ends (done : list (list nat)) q held j :=
  stands tau m log done (cursor q) held j /\ released q = last m RP /\ told q = last m FR /\
  forall k, ending q = Some k -> k < length ends /\ nth k ends 0 <= length log /\
    before tau (nth k ends 0) <= ck (tv m C) P.

Definition inv_c tau (m : mem) log ends (done : list (list nat)) p :=
  length done <= length log /\ done = firstn (length done) log /\
  last m RP = off log (length done) /\ before tau (length done) <= ck (tv m C) P /\
  match p with
  | Nobody => True
  | Attach r => r = last m RP
  | Attached r f => r = last m RP /\ f = last m FR
  | Idle q held => exists j, standing tau m log ends done q held j
  | Take q held n got => exists j, standing tau m log ends done q held j /\ j < length log /\
      n = length (rec log j) /\ tau j <= ck (tv m C) P /\ got = firstn (length got) (rec log j) /\
      length got <= n
  | Exam q held x => exists j, standing tau m log ends done q held j /\
      x <= total log /\ cursor q <= x + N /\ (cursor q < x -> j < length log /\ tau j <= ck (tv m C) P)
  | Over q held p v => exists j, standing tau m log ends done q held j /\
      told q <= p < released q /\ v = last m (word p)
  | Ended q held k => exists j, standing tau m log ends done q held j /\ k < length ends /\
      nth k ends 0 <= j
  end.

Definition inv s := exists tau, shared tau (mm s) (log s) /\ owned tau (mm s) (log s) (ends s) /\
  inv_p (mm s) (log s) (pp s) /\ inv_c tau (mm s) (log s) (ends s) (done s) (cc s) /\ wrong s = false.

(* ---- facts ---- *)
Lemma N_pos : 0 < N. Proof. lia. Qed.

Section Facts.
Variables (tau : nat -> nat) (m : mem) (log : list (list nat)).
Hypothesis H : shared tau m log.

Lemma ts_in t l : ts (tv m t) l < len m l.
Proof. apply (sn_ts (s_sane _ _ _ H)). left. eauto. Qed.
Lemma len_pos l : 0 < len m l.
Proof. apply (sn_len (s_sane _ _ _ H)). Qed.

Lemma seen_off : exists j, j <= length log /\ seen m = off log j.
Proof. apply (s_rp _ _ _ H); auto. apply ts_in. Qed.

Lemma off_end j : j <= length log -> off log j <= total log.
Proof. intros. rewrite <- off_all. apply off_mono; auto. Qed.

Lemma seen_end : seen m <= total log.
Proof. destruct seen_off as [j [L E]]. rewrite E. apply off_end. auto. Qed.

Lemma tau_mono i j : i <= j -> j <= length log -> before tau i <= before tau j.
Proof.
  intros. induction j; [replace i with 0 by lia; auto|]. destruct (Nat.eq_dec i (S j)); [subst; auto|].
  assert (before tau i <= before tau j) by (apply IHj; lia). pose proof (s_tau _ _ _ H j). simpl. lia.
Qed.

Lemma freed_last k : k < len m FR -> val (hist m FR k) <= last m FR.
Proof. intros. unfold last. apply (s_mon _ _ _ H); auto; lia. Qed.
Lemma read_last k : k < len m RP -> val (hist m RP k) <= last m RP.
Proof. intros. unfold last. apply (s_mon _ _ _ H); auto; lia. Qed.
Lemma seen_last : seen m <= last m FR.
Proof. apply freed_last, ts_in. Qed.

(* Happens-before: who knows of a store reads no older one. *)
Lemma hb t l k : known m l k (ck (tv m t) P) -> k <= ts (tv m t) l.
Proof.
  intros [L [E S]]. apply (sn_hb (s_sane _ _ _ H)); [left; eauto|auto|]. rewrite E. auto.
Qed.
Lemma own_known l k : k < len m l -> who (hist m l k) = P -> known m l k (ck (tv m P) P).
Proof. intros L E. split; [auto|split; auto]. pose proof (sn_st (s_sane _ _ _ H) _ L) as Y. rewrite E in Y. auto. Qed.
Lemma ownP k i : ts (tv m P) (D i) <= k < len m (D i) -> val (hist m (D i) k) = last m (D i).
Proof.
  intros K. destruct (s_same _ _ _ H i) as [k0 [L [E S]]]. apply S. split; [|lia].
  pose proof (hb P (D i) k0 (own_known _ _ L E)). lia.
Qed.
Lemma ownW : ts (tv m P) WP = len m WP - 1.
Proof.
  pose proof (ts_in P WP). assert (len m WP - 1 <= ts (tv m P) WP); [|lia].
  apply hb, own_known; [lia|]. apply (s_whoP _ _ _ H). lia.
Qed.
Lemma ownC l : l = RP \/ l = FR -> ts (tv m C) l = len m l - 1.
Proof.
  intros LL. pose proof (ts_in C l). assert (len m l - 1 <= ts (tv m C) l); [|lia].
  destruct (Nat.eq_dec (len m l) 1); [lia|].
  apply (sn_hb (s_sane _ _ _ H)); [left; eauto|lia|].
  assert (X : len m l - 1 < len m l) by lia.
  pose proof (sn_st (s_sane _ _ _ H) _ X) as Y. rewrite (s_whoC _ _ _ H) in * by (auto; lia). exact Y.
Qed.

Lemma ext_last k : k < len m WP -> val (hist m WP k) <= last m WP.
Proof. intros. unfold last. apply (s_wmon _ _ _ H); lia. Qed.
Lemma end_near : total log <= last m WP + N.
Proof.
  destruct (s_wl _ _ _ H (length log) (le_n _)) as [k [[K _] L]]. rewrite off_all in L. pose proof (ext_last k K). lia.
Qed.
(* An extent that somebody may read, who knows all before record j, is not far behind. *)
Lemma ext_near t j k : j <= length log -> before tau j <= ck (tv m t) P -> can_read m t WP k ->
  off log j <= val (hist m WP k) + N.
Proof.
  intros J T [K1 K2]. destruct (s_wl _ _ _ H j J) as [k0 [[X1 [X2 X3]] L]].
  assert (k0 <= k). { etransitivity; [|exact K1]. apply hb. split; auto. split; auto. lia. }
  pose proof (s_wmon _ _ _ H k0 k). lia.
Qed.

Lemma last_end : last m (word (total log)) = 0.
Proof.
  destruct (s_head _ _ _ H (length log)) as [[k0 [[L [_ S]] A]] _]; auto.
  { rewrite off_all. apply seen_end. }
  rewrite off_all in *. unfold last.
  destruct (A (len m (word (total log)) - 1)) as [E|[E _]]; [lia|auto|lia].
Qed.
Lemma last_header j : seen m <= off log j -> j < length log ->
  last m (word (off log j)) = header (off log j) (length (rec log j)).
Proof.
  intros S J. destruct (s_head _ _ _ H j S) as [_ [X _]]; [lia|]. destruct (X J) as [k1 [[L _] A]].
  apply A. lia.
Qed.
End Facts.

(* Words that the producer may write: in no record that may still be read, nor to be taken over. *)
Definition free (m : mem) log i := (forall p, seen m <= p -> p < total log -> i <> p mod N) /\
  forall j, j < length log -> seen m <= off log j -> ~ in_record log j i.

Lemma free_range tau m log p s i : shared tau m log -> total log <= p -> p + s <= seen m + N -> 0 < s ->
  p mod N <= i < p mod N + s -> free m log i.
Proof.
  intros H L1 L2 L3 I. split.
  - intros p' S' L' E. pose proof (Nat.mod_upper_bound p' N). assert (E2 : p' mod N = (p + (i - p mod N)) mod N).
    { rewrite mod_shift; lia. }
    apply mod_same in E2; lia.
  - intros j J S R. unfold in_record in R.
    apply (apart N N_pos (seen m) (off log j) (size (rec log j)) p s i); auto; try (unfold size; lia).
    pose proof (off_next log j (length log) J (le_n _)). rewrite off_all in *. lia.
Qed.

(* One goal a clause, by name. *)
Ltac split_shared := refine (Build_shared _ _ _ ?[sane] ?[race] ?[log] ?[tau] ?[upto] ?[same] ?[whoP] ?[whoC] ?[accC] ?[accP] ?[accW] ?[head] ?[pay] ?[past]
  ?[cap] ?[wp] ?[wmon] ?[wl] ?[rp] ?[mon] ?[fr] ?[frp] ?[sr] ?[fts] ?[know] ?[rdp] ?[rda]).

Ltac invs H := destruct H as [h_sane h_race h_log h_tau h_end h_same h_whoP h_whoC h_accC h_accP h_accW h_head h_pay h_past h_cap h_wp h_wmon h_wl h_rp h_mon h_fr h_frp h_sr h_fts h_know h_rdp h_rda].

Lemma known_le (m : mem) l k t t' : t <= t' -> known m l k t -> known m l k t'.
Proof. unfold known. intuition lia. Qed.

(* A header keeps being good while its word is left alone, and the consumer only learns. *)
Lemma header_keep tau (m m' : mem) log j : let l := word (off log j) in
  len m' l = len m l -> (forall k, hist m' l k = hist m l k) -> ck (tv m C) P <= ck (tv m' C) P ->
  acc m' plain true l P = acc m plain true l P -> header_ok tau m log j -> header_ok tau m' log j.
Proof.
  intros l E1 E2 E3 E4 [[k0 [X0 X1]] [X2 X3]]. unfold header_ok, known in *. fold l in X0, X1, X2, X3 |- *.
  rewrite E1, E4. split; [|split; [|exact X3]].
  - exists k0. rewrite !E2. split; auto. intros k K. rewrite !E2. destruct (X1 k K) as [V|[V1 [V2 V3]]]; auto.
    right. split; auto. split; auto. destruct V3 as [V3|[V3|V3]]; auto. right. right. lia.
  - intros J. destruct (X2 J) as [k1 [Y1 Y2]]. exists k1. rewrite !E2. split; auto. intros k K. rewrite !E2. auto.
Qed.

Lemma payload_keep tau (m m' : mem) log j :
  (forall i, i < length (rec log j) -> let l := cell (off log j) i in
     last m' l = last m l /\ forall na, acc m' na true l P = acc m na true l P) ->
  payload_ok tau m log j -> payload_ok tau m' log j.
Proof.
  intros E X i I. destruct (E i I) as [E1 E2]. destruct (X i I) as [X1 X2]. rewrite E1. split; auto.
  intros na. rewrite E2. auto.
Qed.

(* ---- reading ---- *)
Lemma shared_readP tau m log l k acq : shared tau m log -> can_read m P l k ->
  (acq = true -> l = FR \/ ts (mview (hist m l k)) FR <= ts (tv m P) FR) -> (l = FR -> acq = true) ->
  let m' := read atomic acq P l k m in
  shared tau m' log /\ seen m <= seen m' /\ (l <> FR -> seen m' = seen m) /\ (l = FR -> seen m' = val (hist m FR k)) /\
  ts (tv m P) FR <= ts (tv m' P) FR.
Proof.
  intros H K A A' m'. pose proof H as H0. invs H0.
  assert (Sn : sane m') by (apply sane_read; auto using tids_all).
  assert (T : ts (tv m' P) FR = if loc_dec l FR then k else ts (tv m P) FR).
  { unfold m'. rewrite read_ts. cbv zeta. destruct (loc_dec l FR) as [->|E]; destruct acq; auto.
    - pose proof (h_fts k). destruct K. lia.
    - destruct A; auto; [congruence|lia]. }
  assert (TF : ts (tv m P) FR <= ts (tv m' P) FR).
  { rewrite T. destruct (loc_dec l FR) as [->|E]; auto. apply K. }
  assert (Sl : seen m' = if loc_dec l FR then val (hist m FR k) else seen m).
  { unfold seen. rewrite T. destruct (loc_dec l FR); reflexivity. }
  assert (Sm : seen m <= seen m').
  { rewrite Sl. destruct (loc_dec l FR) as [->|E]; auto. unfold seen. apply h_mon; auto; apply K. }
  assert (CkP : ck (tv m P) P <= ck (tv m' P) P).
  { unfold m'. rewrite read_ck_own. destruct acq; lia. }
  assert (CkC : ck (tv m P) C <= ck (tv m' P) C).
  { unfold m'. rewrite read_ck by congruence. destruct acq; lia. }
  assert (Ac : forall na wr l' u, acc m' na wr l' u = acc m na wr l' u \/ (na = atomic /\ wr = false /\ u = P)).
  { intros. unfold m'. edestruct read_acc as [E|[E1 [E2 [_ [E3 _]]]]]; [left; exact E|right; auto]. }
  assert (AcW : forall na l' u, acc m' na true l' u = acc m na true l' u).
  { intros. destruct (Ac na true l' u) as [E|[_ [E _]]]; [exact E|congruence]. }
  assert (AcP : forall wr l' u, acc m' plain wr l' u = acc m plain wr l' u).
  { intros. destruct (Ac plain wr l' u) as [E|[E _]]; [exact E|congruence]. }
  assert (AcC : forall na wr l', acc m' na wr l' C = acc m na wr l' C).
  { intros. destruct (Ac na wr l' C) as [E|[_ [_ E]]]; [exact E|congruence]. }
  assert (CC : tv m' C = tv m C) by (unfold m'; apply read_tv_other; congruence).
  assert (TR : val (hist m RP (ts (tv m P) RP)) <= val (hist m RP (ts (tv m' P) RP))).
  { pose proof (sn_ts Sn (v := tv m' P)) as X. specialize (X (or_introl (ex_intro _ P eq_refl)) RP).
    apply h_mon; auto. unfold m'. rewrite read_ts. cbv zeta. destruct K as [K1 K2].
    destruct (loc_dec l RP) as [->|E]; destruct acq; lia. }
  split; [|split; [exact Sm|split; [|split; [|exact TF]]]; intros; rewrite Sl; destruct (loc_dec l FR); congruence].
  split_shared.
  [race]: {
    unfold m'. simpl. unfold Machine.read. simpl. rewrite h_race. simpl. apply racy_no.
    intros u na' wr' E. destruct na', wr'; try discriminate.
    destruct l; try (rewrite h_accW by congruence; lia).
    destruct u; [apply (sn_acc h_sane)|rewrite h_accC; lia]. }
  [upto]: { lia. }
  [accC]: { intros i. rewrite AcP. apply h_accC. }
  [accP]: { intros i. rewrite AcP. apply h_accP. }
  [accW]: { intros l' wr u E. rewrite AcP. auto. }
  [head]: {
    intros j S J. apply (header_keep tau m m'); [auto|auto|rewrite CC; auto|apply AcP|apply h_head; lia]. }
  [pay]: {
    intros j S J. apply (payload_keep tau m m'); [|apply h_pay; auto; lia]. intros i I. split; auto. }
  [past]: {
    intros j p J S L. destruct (h_past j p J) as [X1 X2]; [lia|lia|].
    split; [intros na; rewrite AcW; auto|exact X2]. }
  [cap]: { lia. }
  [sr]: {
    change (hist m' RP) with (hist m RP). rewrite Sl. destruct (loc_dec l FR) as [->|E]; [|exact (Nat.le_trans _ _ _ h_sr TR)].
    assert (acq = true) by auto. subst acq. etransitivity; [apply h_frp, K|]. apply h_mon; auto.
    - unfold m'. rewrite read_ts. simpl. lia.
    - apply (sn_ts Sn (v := tv m' P)). left. eauto. }
  [know]: {
    rewrite T. change (hist m' FR) with (hist m FR). destruct (loc_dec l FR) as [->|E]; [|lia].
    assert (acq = true) by auto. subst acq. unfold m'. rewrite read_ck by congruence. lia. }
  [rdp]: { intros k' i K'. rewrite AcP. apply h_rdp, K'. }
  [rda]: { intros k' i wr K'. rewrite AcC. apply h_rda, K'. }
  all: auto.
Qed.

(* What the consumer reads, it knows; and it stands at or after what it freed. *)
Lemma shared_readC tau m log na acq l k : shared tau m log -> can_read m C l k ->
  match l with
  | D i => (forall wr, clash na false plain wr = true -> acc m plain wr (D i) P <= ck (tv m C) P) /\
           (forall wr, clash na false atomic wr = true -> acc m atomic wr (D i) P <= ck (tv m C) P) /\
           if na then exists j, last m FR <= off log j /\ j < length log /\ in_record log j i
           else exists p, last m FR <= p /\ p <= total log /\ i = p mod N
  | _ => na = atomic
  end ->
  shared tau (read na acq C l k m) log.
Proof.
  intros H K A. set (m' := read na acq C l k m). pose proof H as H0. invs H0.
  assert (Sn : sane m') by (apply sane_read; auto using tids_all).
  assert (Tv : tv m' P = tv m P) by (unfold m'; apply read_tv_other; congruence).
  assert (Se : seen m' = seen m) by (unfold seen; rewrite Tv; reflexivity).
  assert (CkC : ck (tv m C) P <= ck (tv m' C) P).
  { unfold m'. rewrite read_ck by congruence. destruct acq; lia. }
  assert (Ac : forall na' wr l' u, acc m' na' wr l' u = acc m na' wr l' u \/ (na' = na /\ wr = false /\ l' = l /\ u = C)).
  { intros. unfold m'. edestruct read_acc as [E|[E1 [E2 [E4 [E3 _]]]]]; [left; exact E|right; auto]. }
  assert (AcW : forall na l' u, acc m' na true l' u = acc m na true l' u).
  { intros. destruct (Ac na0 true l' u) as [E|[_ [E _]]]; [exact E|congruence]. }
  split_shared.
  [race]: {
    unfold m', Machine.read. simpl. rewrite h_race. simpl. apply racy_no.
    intros u na' wr' E.
    destruct l as [i| | | | | |]; try (subst na; destruct na', wr'; try discriminate; rewrite h_accW by congruence; lia).
    destruct A as [A1 [A2 _]]. destruct u; [destruct na'; auto|]. apply (sn_acc h_sane). }
  [accC]: { intros i. rewrite AcW. auto. }
  [accP]: {
    intros i. destruct (Ac plain false (D i) P) as [E|[_ [_ [_ E]]]]; [rewrite E; auto|congruence]. }
  [accW]: {
    intros l' wr u L'. destruct (Ac plain wr l' u) as [E|[E1 [_ [E2 _]]]]; [rewrite E; auto|].
    subst l'. destruct l; subst; try discriminate. exfalso. eapply L'. reflexivity. }
  [head]: { intros j S J. rewrite Se in S. apply (header_keep tau m m'); auto. }
  [pay]: { intros j S J. rewrite Se in S. apply (payload_keep tau m m'); auto. }
  [past]: {
    intros j p J S L. rewrite Se in S. destruct (h_past j p J S L) as [X1 X2]. split; [intros na'; rewrite AcW; auto|exact X2]. }
  [rdp]: {
    intros k' i K'. destruct (Ac plain false (D i) C) as [E|[E1 [_ [E2 _]]]]; [rewrite E; apply h_rdp; auto|].
    right. subst l na. destruct A as [_ [_ [j [B [B1 B2]]]]]. exists j. split; auto. split; auto.
    pose proof (freed_last tau m log H k' K'). change (hist m' FR) with (hist m FR). lia. }
  [rda]: {
    intros k' i wr K'. destruct (Ac atomic wr (D i) C) as [E|[E1 [_ [E2 _]]]]; [rewrite E; apply h_rda; auto|].
    right. subst l na. destruct A as [_ [_ [p [B [B1 B2]]]]]. exists p. split; auto. split; auto.
    pose proof (freed_last tau m log H k' K'). change (hist m' FR) with (hist m FR). lia. }
  all: rewrite ?Se, ?Tv; auto.
Qed.
End Invariant.

(* One goal a clause, by name. *)
Ltac split_shared := refine (Build_shared _ _ _ _ _ _ _ ?[sane] ?[race] ?[log] ?[tau] ?[upto] ?[same] ?[whoP] ?[whoC] ?[accC] ?[accP] ?[accW] ?[head] ?[pay] ?[past]
  ?[cap] ?[wp] ?[wmon] ?[wl] ?[rp] ?[mon] ?[fr] ?[frp] ?[sr] ?[fts] ?[know] ?[rdp] ?[rda]).

Ltac invs H := destruct H as [h_sane h_race h_log h_tau h_end h_same h_whoP h_whoC h_accC h_accP h_accW h_head h_pay h_past h_cap h_wp h_wmon h_wl h_rp h_mon h_fr h_frp h_sr h_fts h_know h_rdp h_rda].
