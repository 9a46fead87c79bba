(* What Theorems.v states of the ring of one producer, drawn from the invariant. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc SpscInvariant SpscWrites SpscKept SpscProducer SpscConsumer Answers.

Definition held (c : consumer) := match c with
  | Nobody | Attach _ | Attached _ _ => nil
  | Idle _ h | Take _ h _ _ | Exam _ h _ | Over _ h _ _ | Ended _ h _ => h end.

Section Facts.
Variables N most W : nat.
Variable enc : nat -> nat -> nat.
Variable dec : nat -> nat -> option nat.
Hypothesis fits : most + 2 <= N.
Hypothesis wide : 4 * N <= W.
Hypothesis codes : encoding most enc dec.
Notation word := (word N). Notation cell := (cell N). Notation header := (header W enc).
Notation reach := (reach N most W enc dec shipped). Notation step := (step N most W enc dec shipped).

(* ---- the owner word ---- *)
Definition place_of c := match c with
  | Nobody | Attach _ | Attached _ _ => None
  | Idle q _ | Take q _ _ _ | Exam q _ _ | Over q _ _ _ | Ended q _ _ => Some q end.
Record closings (s : st) : Prop := {
  cl_len  : length (ends s) = len (mm s) OW;
  cl_live : match pp s with Away | Closed => True | _ => last (mm s) OW <> 2 end;
  cl_end  : last (mm s) OW = 2 -> nth (length (ends s) - 1) (ends s) 0 = length (log s);
  cl_seen : forall q k, place_of (cc s) = Some q -> ending q = Some k ->
              k < len (mm s) OW /\ val (hist (mm s) OW k) = 2;
  cl_told : forall q h k, cc s = Ended q h k -> k < len (mm s) OW /\ val (hist (mm s) OW k) = 2 }.

Lemma grown (m m' : mem) : len m OW <= len m' OW ->
  (forall k, k < len m OW -> val (hist m' OW k) = val (hist m OW k)) ->
  forall k, k < len m OW /\ val (hist m OW k) = 2 -> k < len m' OW /\ val (hist m' OW k) = 2.
Proof. intros L E k [K V]. split; [lia|]. rewrite E; auto. Qed.

Lemma rmw_last acq rel t l x (m : mem) : 0 < len m l -> last (rmw acq rel t l x m) l = x.
Proof.
  intros L. unfold last. change (len (rmw acq rel t l x m) l) with (len (write atomic rel t l x (read atomic acq t l (len m l - 1) m)) l).
  rewrite write_len_eq, read_len. replace (S (len m l) - 1) with (len m l) by lia.
  unfold Machine.rmw, carry. cbn [hist]. rewrite updl_eq. replace (S (len m l - 1)) with (len m l) by lia. rewrite updn_eq.
  pose proof (write_last_eq loc_dec tid_dec tids false rel t l x (read atomic acq t l (len m l - 1) m)) as X.
  unfold last in X. rewrite write_len_eq, read_len in X. replace (S (len m l) - 1) with (len m l) in X by lia. exact X.
Qed.
Lemma rmw_old acq rel t l l' x (m : mem) k : (l = l' -> k < len m l) -> val (hist (rmw acq rel t l x m) l' k) = val (hist m l' k).
Proof.
  intros L. unfold Machine.rmw, carry. cbn [hist]. destruct (loc_dec l l') as [<-|E].
  - specialize (L eq_refl). rewrite updl_eq, updn_ne by lia. rewrite write_hist_old by (rewrite read_len; auto). reflexivity.
  - rewrite updl_ne by auto. rewrite write_hist_ne by auto. reflexivity.
Qed.
Lemma rmw_len acq rel t l l' x (m : mem) : len (rmw acq rel t l x m) l' = if loc_dec l l' then S (len m l) else len m l'.
Proof. unfold Machine.rmw, carry. cbn [len]. unfold Machine.write, updl. cbn [len]. destruct (loc_dec l l'); auto. Qed.
Lemma rmw_last_ne acq rel t l l' x (m : mem) : l <> l' -> last (rmw acq rel t l x m) l' = last m l'.
Proof. intros E. unfold last. rewrite rmw_len. destruct (loc_dec l l'); [contradiction|]. apply rmw_old. congruence. Qed.

Lemma closings_same s m p c g d z : closings s -> len m OW = len (mm s) OW ->
  (forall k, val (hist m OW k) = val (hist (mm s) OW k)) ->
  match p with Away | Closed => True | _ => match pp s with Away | Closed => False | _ => True end end ->
  (length g = length (log s) \/ match pp s with Away | Closed => False | _ => True end) ->
  (forall q k, place_of c = Some q -> ending q = Some k -> k < len m OW /\ val (hist m OW k) = 2) ->
  (forall q h k, c = Ended q h k -> k < len m OW /\ val (hist m OW k) = 2) ->
  closings (St m p c g d (ends s) z).
Proof.
  intros [C1 C2 C3 C4 C5] E1 E2 P G S T.
  assert (L : last m OW = last (mm s) OW) by (unfold last; rewrite E1; apply E2).
  constructor; simpl; auto.
  - rewrite E1. auto.
  - rewrite L. destruct p; auto; destruct (pp s); auto; contradiction.
  - rewrite L. intros X. destruct G as [G|G]; [rewrite G; auto|]. destruct (pp s); contradiction.
Qed.
Lemma after_place q h v : place_of (after_header most W dec q h v) = Some q.
Proof. unfold after_header. destruct (length_of W dec v (cursor q)) as [n|]; auto. destruct (n <=? most); auto. Qed.
Lemma after_not_ended q h v q' h' k : after_header most W dec q h v <> Ended q' h' k.
Proof. unfold after_header. destruct (length_of W dec v (cursor q)) as [n|]; try discriminate. destruct (n <=? most); discriminate. Qed.

Lemma closings_step s s' : 0 < len (mm s) OW -> closings s -> step s s' -> closings s'.
Proof.
  intros Pos H Hs. pose proof H as [C1 C2 C3 C4 C5].
  destruct Hs; cbn [mm pp cc log ends] in *;
    try match goal with |- context[match walk_from ?a ?b ?c ?d with _ => _ end] => destruct (walk_from a b c d) end;
    try match goal with |- context[match length_of ?a ?b ?c ?d with _ => _ end] => destruct (length_of a b c d) end;
    try match goal with |- context[if clears ?a ?b ?c ?d ?e then _ else _] => destruct (clears a b c d e) end;
    try match goal with |- context[if ?n <? ?b then Clear ?f ?w else Walk ?f ?v] => destruct (n <? b) end.
  all: try (eapply (closings_same _) in H as X; [exact X|..]; cbn [mm pp cc log ends];
    try reflexivity; try (intros; apply write_len_ne; discriminate);
    try (intros; rewrite write_hist_ne by discriminate; reflexivity);
    try (rewrite rmw_len; reflexivity); try (intros; apply rmw_old; discriminate);
    try exact I; auto; fail).
  (* closing and coming *)
  1: { (* close *)
    constructor; cbn [mm pp cc log ends].
    - rewrite app_length, write_len_eq. simpl. lia.
    - exact I.
    - intros _. rewrite app_length, nth_end. simpl. replace (length e + 1 - 1) with (length e) by lia. rewrite Nat.eqb_refl. auto.
    - intros q k Q E. apply (grown m); [rewrite write_len_eq; lia|intros; rewrite write_hist_old; auto|eapply C4; eauto].
    - intros q h k Q. apply (grown m); [rewrite write_len_eq; lia|intros; rewrite write_hist_old; auto|eapply C5; eauto]. }
  1: { (* come *)
    constructor; cbn [mm pp cc log ends].
    - rewrite app_length, rmw_len. simpl. lia.
    - rewrite rmw_last; [discriminate|exact Pos].
    - rewrite rmw_last; [discriminate|exact Pos].
    - intros q k Q E. apply (grown m); [rewrite rmw_len; simpl; lia|intros; apply rmw_old; auto|eapply C4; eauto].
    - intros q h k Q. apply (grown m); [rewrite rmw_len; simpl; lia|intros; apply rmw_old; auto|eapply C5; eauto]. }
  (* the consumer *)
  all: match type of H with closings ?s => refine (closings_same s _ _ _ _ _ _ H _ _ _ _ _ _) end; cbn [mm pp cc log ends];
    try reflexivity; try (apply write_len_ne; discriminate); try (intros; rewrite write_hist_ne by discriminate; reflexivity);
    try (destruct p; exact I); try (left; reflexivity); try discriminate.
  all: try (intros; exact (after_not_ended _ _ _ _ _ _ H0)).
  all: try (intros ? ? Q E; injection Q as <-; cbn [ending] in E; first [discriminate E | exact (C4 _ _ eq_refl E)]; fail).
  all: try (intros ? ? Q E; rewrite after_place in Q; injection Q as <-; exact (C4 _ _ eq_refl E); fail).
  - (* poll *) intros q' h' k' Q. destruct (after_not_ended _ _ _ _ _ _ Q).
  - (* the owner word *) intros q' k' Q E. injection Q as <-. cbn [ending] in E.
    destruct (Nat.eqb_spec (val (hist m OW k)) 2) as [V|]; [|discriminate]. injection E as <-. split; [apply H0|exact V].
  - (* a closer look *) intros q' k' Q E. apply (C4 q k' eq_refl).
    destruct (readable most W dec q h); [rewrite after_place in Q; congruence|].
    destruct (ending q) eqn:F; injection Q as <-; congruence.
  - intros q' h' k' Q. destruct (readable most W dec q h); [destruct (after_not_ended _ _ _ _ _ _ Q)|].
    destruct (ending q) eqn:E; [|discriminate]. injection Q as <- <- <-. exact (C4 q n eq_refl E).
Qed.

Lemma closings_reach s : reach s -> closings s.
Proof.
  induction 1 as [junk|s s' R IH Hs].
  - constructor; simpl; auto; intros; discriminate.
  - apply (closings_step s); auto. destruct (inv_reach N most W enc dec fits wide codes s R) as [tau [H _]].
    apply (sn_len (s_sane _ _ _ _ _ _ _ H)).
Qed.

(* ---- what is stated ---- *)
Section Stated.
Variable s : st.
Hypothesis reached : reach s.

Lemma stood : exists tau, shared N most W enc tau (mm s) (log s) /\ wrong s = false /\
  length (done s) <= length (log s) /\ last (mm s) RP = off (log s) (length (done s)) /\
  exists n, length (done s) <= n <= length (log s) /\ done s ++ held (cc s) = firstn n (log s) /\
    before tau n <= ck (tv (mm s) C) P /\
    match place_of (cc s) with Some q => cursor q = off (log s) n | None => True end /\
    (forall q h m got, cc s = Take q h m got -> n < length (log s) /\ m = length (rec (log s) n) /\
       got = firstn (length got) (rec (log s) n)) /\
    (forall q h k, cc s = Ended q h k -> nth k (ends s) 0 <= n).
Proof.
  destruct (inv_reach N most W enc dec fits wide codes s reached) as [tau [H [O [_ [HC HW]]]]].
  exists tau. split; auto. split; auto. destruct HC as [A1 [A2 [A3 [A4 A5]]]]. split; auto. split; auto.
  assert (St : forall q h j, standing tau (mm s) (log s) (ends s) (done s) q h j ->
    length (done s) <= j <= length (log s) /\ done s ++ h = firstn j (log s) /\ before tau j <= ck (tv (mm s) C) P /\
    cursor q = off (log s) j).
  { intros q h j [S _]. assert (length (done s) <= j) by (eapply done_le; eauto). destruct S as [S1 [S2 [S3 S4]]]. auto. }
  destruct (cc s) as [|r|r f|q h|q h n got|q h x|q h p v|q h k]; simpl.
  1-3: exists (length (done s)); rewrite app_nil_r; repeat (split; auto); intros; discriminate.
  - destruct A5 as [j S]. destruct (St _ _ _ S) as [S1 [S2 [S3 S4]]]. exists j. repeat (split; auto); intros; discriminate.
  - destruct A5 as [j [S [J1 [J2 [J3 [J4 J5]]]]]]. destruct (St _ _ _ S) as [S1 [S2 [S3 S4]]]. exists j.
    do 4 (split; auto). split; [|intros; discriminate]. intros q' h' m' g' Q. injection Q as <- <- <- <-. auto.
  - destruct A5 as [j [S _]]. destruct (St _ _ _ S) as [S1 [S2 [S3 S4]]]. exists j. repeat (split; auto); intros; discriminate.
  - destruct A5 as [j [S _]]. destruct (St _ _ _ S) as [S1 [S2 [S3 S4]]]. exists j. repeat (split; auto); intros; discriminate.
  - destruct A5 as [j [S [J1 J2]]]. destruct (St _ _ _ S) as [S1 [S2 [S3 S4]]]. exists j.
    do 4 (split; auto). split; [intros; discriminate|]. intros q' h' k' Q. injection Q as <- <- <-. auto.
Qed.

Lemma race_free : race (mm s) = false.
Proof. destruct stood as [tau [H _]]. apply (s_race _ _ _ _ _ _ _ H). Qed.
Lemma never_wrong : wrong s = false.
Proof. destruct stood as [tau [_ [X _]]]. auto. Qed.
Lemma prefix : exists n, length (done s) <= n <= length (log s) /\ done s ++ held (cc s) = firstn n (log s).
Proof. destruct stood as [tau [_ [_ [_ [_ [n [X1 [X2 _]]]]]]]]. eauto. Qed.
Lemma taken q h n got : cc s = Take q h n got -> length (done s ++ h) < length (log s) /\
  n = length (rec (log s) (length (done s ++ h))) /\ got = firstn (length got) (rec (log s) (length (done s ++ h))).
Proof.
  intros E. destruct stood as [tau [_ [_ [_ [_ [j [X1 [X2 [_ [_ [X3 _]]]]]]]]]]]. rewrite E in X2. simpl in X2.
  assert (L : length (done s ++ h) = j) by (rewrite X2; apply firstn_length_le; lia). rewrite L. eapply X3. eauto.
Qed.

Lemma unread j : length (done s) <= j -> j < length (log s) -> exists tau,
  shared N most W enc tau (mm s) (log s) /\ seen (mm s) <= off (log s) j.
Proof.
  intros J1 J2. destruct stood as [tau [H [_ [A1 [A3 _]]]]]. exists tau. split; auto.
  pose proof (seen_last N most W enc fits tau _ _ H). pose proof (s_fr _ _ _ _ _ _ _ H).
  pose proof (off_mono (log s) (length (done s)) j). lia.
Qed.
Lemma stands_written j i : length (done s) <= j -> j < length (log s) -> i < length (rec (log s) j) ->
  last (mm s) (word (off (log s) j)) = header (off (log s) j) (length (rec (log s) j)) /\
  last (mm s) (cell (off (log s) j) i) = nth i (rec (log s) j) 0.
Proof.
  intros J1 J2 I. destruct (unread j J1 J2) as [tau [H S]].
  split; [apply (last_header N most W enc fits tau); auto|]. apply (s_pay _ _ _ _ _ _ _ H j S J2 i I).
Qed.
Lemma bounded : total (log s) + 1 <= off (log s) (length (done s)) + N.
Proof.
  destruct stood as [tau [H [_ [A1 [A3 _]]]]]. pose proof (seen_last N most W enc fits tau _ _ H).
  pose proof (s_fr _ _ _ _ _ _ _ H). pose proof (s_cap _ _ _ _ _ _ _ H). lia.
Qed.
Lemma cleared f w : pp s = Clear f w -> clears N W shipped f w = true.
Proof.
  intros E. pose proof (inv_reach N most W enc dec fits wide codes s reached) as I.
  destruct s as [m p c g d e z]. cbn [pp] in E. subst p. eapply always_clears; eauto.
Qed.
(* Where the consumer stands, the next record's header does, if there is one. *)
Lemma next_stands q h : place_of (cc s) = Some q -> held (cc s) = h -> length (done s ++ h) < length (log s) ->
  let n := length (rec (log s) (length (done s ++ h))) in n <= most /\ last (mm s) (word (cursor q)) = header (cursor q) n.
Proof.
  intros Q Hd L. destruct stood as [tau [H [_ [_ [_ [j [X1 [X2 [_ [X3 _]]]]]]]]]]. rewrite Hd in X2. rewrite Q in X3.
  assert (Lj : length (done s ++ h) = j) by (rewrite X2; apply firstn_length_le; lia). rewrite Lj in *.
  destruct (unread j) as [tau' [H' S]]; [lia|auto|]. split; [apply (rec_ok most (log s) (s_log _ _ _ _ _ _ _ H') j)|].
  rewrite X3. apply (last_header N most W enc fits tau' (mm s) (log s) H' j S L).
Qed.
Lemma takeable q h : cc s = Idle q h -> length (done s ++ h) < length (log s) ->
  exists k, can_read (mm s) C (word (cursor q)) k /\
    after_header most W dec q h (val (hist (mm s) (word (cursor q)) k)) =
      Take q h (length (rec (log s) (length (done s ++ h)))) nil.
Proof.
  intros E L. destruct (next_stands q h) as [Rm Ls]; [rewrite E; reflexivity|rewrite E; reflexivity|auto|].
  destruct stood as [tau [H _]]. pose proof (ts_in N most W enc tau _ _ H C (word (cursor q))).
  exists (len (mm s) (word (cursor q)) - 1). split; [split; lia|]. unfold last in Ls. rewrite Ls.
  unfold after_header. rewrite (header_back most W enc dec codes) by auto.
  destruct (Nat.leb_spec (length (rec (log s) (length (done s ++ h)))) most); [auto|lia].
Qed.
(* Nothing readable was read at the cursor: there is nothing, or the load missed it. *)
Lemma found_nothing q h k : place_of (cc s) = Some q -> held (cc s) = h -> can_read (mm s) C (word (cursor q)) k ->
  readable most W dec q (val (hist (mm s) (word (cursor q)) k)) = false ->
  length (done s ++ h) = length (log s) \/ misses (mm s) C (word (cursor q)) k.
Proof.
  intros Q Hd R N0. destruct stood as [tau [H [_ [_ [_ [j [X1 [X2 _]]]]]]]].
  destruct (stale_misses _ _ _ _ _ _ (s_sane _ _ _ _ _ _ _ H) R) as [M|M]; auto. left.
  assert (Le : length (done s ++ h) <= length (log s)) by (rewrite <- Hd, X2; rewrite firstn_length_le; lia).
  destruct (Nat.eq_dec (length (done s ++ h)) (length (log s))) as [|Ne]; auto. exfalso.
  destruct (next_stands q h Q Hd) as [Rm Ls]; [lia|]. subst k. unfold last in Ls. rewrite Ls in N0.
  unfold readable in N0. rewrite (header_back most W enc dec codes) in N0 by auto. apply Nat.leb_gt in N0. lia.
Qed.
(* No room was found: what the producer knows to be freed leaves none. *)
Lemma found_no_room f w bs n : pp s = Open f w bs -> dist W (f + N) (w + total bs) < n + 2 -> exists j k,
  j <= length (done s) /\ k < len (mm s) FR /\ val (hist (mm s) FR k) = off (log s) j /\
  (k = len (mm s) FR - 1 \/ misses (mm s) P FR k) /\ off (log s) j + N < total (log s) + total bs + n + 2.
Proof.
  intros E D. destruct (inv_reach N most W enc dec fits wide codes s reached) as [tau [H [_ [HP [[A1 [_ [A3 _]]] _]]]]].
  rewrite E in HP. destruct HP as [E1 [E2 [_ [_ [E5 _]]]]].
  destruct (seen_off N most W enc tau _ _ H) as [j [J1 J2]].
  pose proof (seen_last N most W enc fits tau _ _ H) as Sl. pose proof (s_fr _ _ _ _ _ _ _ H) as Fr.
  pose proof (ts_in N most W enc tau _ _ H P FR) as T.
  destruct (le_lt_dec j (length (done s))) as [Lj|Lj].
  2: { exfalso. pose proof (off_next (log s) (length (done s)) j Lj J1). unfold size in *. lia. }
  exists j, (ts (tv (mm s) P) FR). split; auto. split; auto. split; [exact J2|]. split.
  - destruct (stale_misses _ _ (mm s) P FR (ts (tv (mm s) P) FR) (s_sane _ _ _ _ _ _ _ H)); auto. split; lia.
  - pose proof (off_mono (log s) j (length (log s)) J1) as M. rewrite off_all in M.
    rewrite (dist_le W) in D by lia. lia.
Qed.
Lemma ended q h k : cc s = Ended q h k ->
  k < len (mm s) OW /\ val (hist (mm s) OW k) = 2 /\ nth k (ends s) 0 <= length (done s ++ h) /\
  (S k = len (mm s) OW -> done s ++ h = log s).
Proof.
  intros E. destruct (closings_reach s reached) as [C1 _ C3 _ C5]. destruct (C5 _ _ _ E) as [K V].
  destruct stood as [tau [H [_ [_ [_ [j [X1 [X2 [_ [_ [_ X4]]]]]]]]]]]. specialize (X4 _ _ _ E). rewrite E in X2. simpl in X2.
  assert (Lj : length (done s ++ h) = j) by (rewrite X2; apply firstn_length_le; lia).
  split; auto. split; auto. split; [lia|]. intros Kl.
  assert (Kn : k = len (mm s) OW - 1) by lia. assert (V2 : last (mm s) OW = 2) by (unfold last; rewrite <- Kn; auto).
  specialize (C3 V2). rewrite C1, <- Kn in C3. assert (j = length (log s)) by lia. subst j.
  rewrite X2, H0. apply firstn_all.
Qed.
End Stated.
End Facts.

Lemma wrapped_index N W p : N <> 0 -> W mod N = 0 -> (p mod W) mod N = p mod N.
Proof.
  intros Np D. destruct (Nat.eq_dec W 0) as [->|Wp]; [reflexivity|].
  apply Nat.mod_divides in D; auto. destruct D as [c ->]. rewrite Nat.mul_comm in *.
  rewrite (Nat.mod_eq p (c * N)) by auto. set (a := p / (c * N)).
  assert (L : c * N * a <= p) by (apply Nat.mul_div_le; auto).
  rewrite <- (Nat.mod_add (p - c * N * a) (c * a) N) by auto. f_equal. nia.
Qed.
Lemma wrapped_distance W a b : W <> 0 -> dist W (a mod W) (b mod W) = dist W a b.
Proof. intros. unfold dist. rewrite !Nat.mod_mod by auto. reflexivity. Qed.
