(* The histories of many producers' ring are linearizable: the proof. Along a run, what the sequence has
   popped and the places that follow in it are what the claims have of them. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscClaims MpscKnown MpscFacts MpscData MpscHolds MpscStated MpscLinear.
From Annulus Require Import MpscRun History HistoryMany.

(* Places that were given up are none. *)
Definition places (l : list claim) := flat_map (fun c => match what c with
  | Live => [Open (own c)] | Came _ x => [Full x] | Gone _ | Left _ => nil end) l.
Lemma places_app a b : places (a ++ b) = places a ++ places b. Proof. apply flat_map_app. Qed.
Lemma places_pieces i t b r : places (pieces i t b r) = map Full b.
Proof. unfold pieces. rewrite places_app. replace (places (match r with 0 => nil | _ => _ end)) with (@nil place) by (destruct r; reflexivity).
  rewrite app_nil_r. induction b; simpl; congruence. Qed.
Lemma places_passed l : (forall x, In x l -> what x <> Live) -> places l = map Full (pays l).
Proof.
  induction l as [|c l IH]; intros No; auto. cbn [places flat_map pays]. fold (places l). rewrite IH by (intros x I; apply No; right; auto).
  specialize (No c (or_introl eq_refl)). destruct (what c); auto. contradiction.
Qed.
Lemma in_places l i : In (Open i) (places l) -> exists c, In c l /\ open i c.
Proof.
  unfold places. rewrite in_flat_map. intros [c [I O]]. exists c. split; auto. unfold open. destruct (what c); simpl in O; try tauto.
  - destruct O as [O|[]]. injection O as O. auto.
  - destruct O as [O|[]]. discriminate O.
Qed.
Lemma behind d w u v i : map Full d ++ w = u ++ Open i :: v -> exists u', u = map Full d ++ u' /\ w = u' ++ Open i :: v.
Proof.
  revert u. induction d as [|x d IH]; intros u E; [exists u; auto|]. destruct u as [|y u]; cbn [map app] in E; [discriminate E|].
  injection E as E1 E2. destruct (IH u E2) as [u' [-> ->]]. exists u'. rewrite <- E1. auto.
Qed.
Lemma same_prefix d e w v : length d = length e -> map Full d ++ w = map Full e ++ v -> d = e /\ w = v.
Proof.
  revert e. induction d as [|x d IH]; intros [|y e] L E; try discriminate L; auto. cbn [map app] in E. injection E as E1 E2.
  injection L as L. destruct (IH e L E2). split; congruence.
Qed.

Section History.
Variables N most producers : nat.
Hypothesis Npos : 0 < N.
Notation reach := (reach N most producers shipped). Notation step := (step N most producers shipped).
Notation history := (history N most producers shipped). Notation points := (points tid_dec). Notation tells := (tells producers).

Definition stands_p (p : producer) : phase call answer := match p with Said _ _ _ => Called Place | _ => Rest end.
Definition follows (s : st) h := exists p l w xs, points h p l /\ queue l (held (cc s) ++ xs) w /\
  places (claims s) = map Full (done s ++ held (cc s) ++ xs) ++ w /\ (forall i, p (Pr i) = stands_p (pp s i)) /\
  match cc s with Take _ _ _ _ _ _ => exists y, xs = [y] /\ p Co = Took (Got y) | _ => xs = nil /\ p Co = Rest end.

Lemma history_reach s h : history s h -> reach s.
Proof. induction 1; [apply r0|eapply rS; eauto]. Qed.
Lemma now_eq p r x : now (call := call) (answer := answer) tid_dec p r x r = x.
Proof. unfold now. destruct (tid_dec r r); congruence. Qed.
Lemma now_ne p r x r' : r <> r' -> now (call := call) (answer := answer) tid_dec p r x r' = p r'.
Proof. intros. unfold now. destruct (tid_dec r r'); congruence. Qed.

(* ---- what a step tells ---- *)
Lemma tells_p_same i p : tells_p i p p = nil. Proof. destruct p; reflexivity. Qed.
Lemma tells_c_same c d : tells_c c c d d = nil. Proof. destruct c; simpl; rewrite ?Nat.ltb_irrefl; reflexivity. Qed.
Lemma one_of A (f : nat -> list A) i n : (forall j, j <> i -> f j = nil) -> flat_map f (seq 0 n) = if i <? n then f i else nil.
Proof.
  intros No. induction n as [|n IH]; auto. rewrite seq_S, flat_map_app, IH. cbn [flat_map plus]. rewrite app_nil_r.
  destruct (Nat.ltb_spec i n), (Nat.ltb_spec i (S n)); try lia.
  1, 3: rewrite (No n) by lia; rewrite ?app_nil_r; auto. replace n with i by lia. auto.
Qed.
Lemma tells_nobody s s' : pp s' = pp s -> tells s s' = tells_c (cc s) (cc s') (length (done s)) (length (done s')).
Proof.
  intros E. unfold HistoryMany.tells. rewrite E, (one_of _ _ producers); [rewrite Nat.ltb_irrefl; auto|]. intros j _. apply tells_p_same.
Qed.
Lemma tells_of i m m' p p' al al' c l l' d e e' q q' : i < producers ->
  tells (St m p al c l d e q) (St m' (upd p i p') al' c l' d e' q') = tells_p i (p i) p'.
Proof.
  intros I. unfold HistoryMany.tells. cbn [pp cc done]. rewrite tells_c_same, app_nil_r, (one_of _ _ i).
  - destruct (Nat.ltb_spec i producers); [|lia]. unfold upd. destruct (Nat.eq_dec i i); congruence.
  - intros j J. unfold upd. destruct (Nat.eq_dec i j); [congruence|apply tells_p_same].
Qed.

(* ---- the open claim ---- *)
Lemma others s i a c b : reach s -> claims s = a ++ c :: b -> open i c -> (forall x, In x a -> ~ open i x) /\ forall x, In x b -> ~ open i x.
Proof.
  intros R E O. pose proof (all_sized N most producers s R) as S. rewrite E in S.
  assert (Ac : at_pos (claims s) (extent a) c) by (exists a, b; auto).
  split; intros d I Od; apply in_split in I; destruct I as [d1 [d2 ->]].
  - assert (Ad : at_pos (claims s) (extent d1) d) by (exists d1, (d2 ++ c :: b); rewrite E, <- app_assoc; auto).
    pose proof (one_open N most producers Npos s i R _ _ _ _ Ac Ad O Od) as X. rewrite extent_app in X. cbn [extent] in X.
    pose proof (S d ltac:(apply in_or_app; left; apply in_or_app; right; left; auto)). lia.
  - assert (Ad : at_pos (claims s) (extent (a ++ c :: d1)) d) by (exists (a ++ c :: d1), d2; rewrite E, <- app_assoc; auto).
    pose proof (one_open N most producers Npos s i R _ _ _ _ Ac Ad O Od) as X. rewrite extent_app in X. cbn [extent] in X.
    pose proof (S c ltac:(apply in_or_app; right; left; auto)). lia.
Qed.
Lemma becomes_places s i a c b ps : reach s -> claims s = a ++ c :: b -> open i c ->
  places (claims s) = places a ++ Open i :: places b /\
  places (becomes (claims s) i ps) = places a ++ places (ps (words c)) ++ places b.
Proof.
  intros R E O. destruct (others s i a c b R E O) as [A B]. rewrite E. change (c :: b) with ([c] ++ b).
  rewrite !becomes_app, (becomes_none a), (becomes_none b), becomes_open, !places_app by auto. split; auto.
  f_equal. destruct O as [O1 O2]. cbn [places flat_map]. rewrite O1, O2. auto.
Qed.
Lemma its_claim s i t n : reach s -> opens (pp s i) t n -> exists a b, claims s = a ++ Mpsc.Claim n i Live :: b.
Proof.
  intros R O. destruct (MpscHolds.inv_reach N most producers Npos s R) as [_ [X _]]. destruct (X i t n O) as [a [b [E _]]]. eauto.
Qed.

Ltac phases := unfold now; repeat match goal with |- context[tid_dec ?a ?b] => destruct (tid_dec a b) end; try congruence; auto.
Ltac its_phase := intros j; unfold upd; destruct (Nat.eq_dec _ j) as [<-|]; [|rewrite ?now_ne by congruence; auto].
(* A step that tells nothing, and leaves the queue as it was. *)
Lemma silent s s' h : follows s h -> tells s s' = nil -> (forall i, stands_p (pp s' i) = stands_p (pp s i)) ->
  places (claims s') = places (claims s) -> done s' ++ held (cc s') = done s ++ held (cc s) -> held (cc s') = held (cc s) ->
  match cc s', cc s with Take _ _ _ _ _ _, Take _ _ _ _ _ _ => True | Take _ _ _ _ _ _, _ | _, Take _ _ _ _ _ _ => False | _, _ => True end ->
  follows s' (h ++ tells s s').
Proof.
  intros [p [l [w [xs [H1 [H2 [H3 [H4 H5]]]]]]]] T P C D Hd K. rewrite T, app_nil_r. exists p, l, w, xs. rewrite C, Hd.
  rewrite app_assoc in H3. rewrite Hd in D. rewrite app_assoc, D. split; auto. split; auto. split; auto.
  split; [intros i; rewrite P; auto|]. destruct (cc s), (cc s'); auto; contradiction.
Qed.
Lemma stands_upd p i q j : stands_p (p i) = stands_p q -> stands_p (upd p i q j) = stands_p (p j).
Proof. intros E. unfold upd. destruct (Nat.eq_dec i j) as [<-|]; auto. Qed.
(* Both at once: called, taken effect, answered. *)
Lemma at_once (h : list event) p (l : list effect) r c a : points h p l -> p r = Rest -> exists p', points (h ++ [Calls r c; Answers r a]) p' (l ++ [Does r c a]) /\
  forall r', p' r' = p r'.
Proof.
  intros H E. eexists. split.
  - change [Calls r c; Answers r a] with ([Calls r c] ++ [Answers r a]). rewrite app_assoc. eapply at_answer; [eapply at_point; [apply at_call; eauto|apply now_eq]|apply now_eq].
  - intros r'. unfold now. destruct (tid_dec r r'); congruence.
Qed.
(* A producer's place becomes these: in what waits, too. *)
Lemma waits s i t n d w ps zs : reach s -> opens (pp s i) t n -> places (claims s) = map Full d ++ w -> places (ps n) = map Full zs ->
  exists u v, w = u ++ Open i :: v /\ places (becomes (claims s) i ps) = map Full d ++ u ++ map Full zs ++ v.
Proof.
  intros R O W Z. destruct (its_claim s i t n R O) as [a [b E]].
  destruct (becomes_places s i a (Mpsc.Claim n i Live) b ps R E (conj eq_refl eq_refl)) as [X Y]. rewrite X in W. symmetry in W.
  destruct (behind _ _ _ _ _ W) as [u [Ea ->]]. exists u, (places b). split; auto. rewrite Y, Ea. cbn [words]. rewrite Z, <- !app_assoc. auto.
Qed.

Lemma producer_follows i m p al c l d e q m' p' l' h : let s := St m p al c l d e q in let s' := St m' (upd p i p') al c l' d e q in
  i < producers -> reach s -> follows s h -> pstep N most producers shipped i m (p i) l m' p' l' -> follows s' (h ++ tells s s').
Proof.
  intros s s' I R F Hp. assert (T : tells s s' = tells_p i (p i) p') by (apply tells_of; exact I). subst s s'.
  remember (p i) as was eqn:Eq. destruct Hp;
    try (apply silent; [exact F|exact T|intros ?; cbn [pp]; apply stands_upd; rewrite <- Eq; reflexivity|reflexivity|reflexivity|reflexivity|
         cbn [cc]; destruct c; exact Logic.I]).
  all: rewrite T; destruct F as [ph [sq [w [xs [G1 [G2 [G3 [G4 G5]]]]]]]]; pose proof (G4 i) as Hi; cbn [pp cc claims done] in *;
    rewrite <- Eq in Hi; cbn [stands_p] in Hi.
  - (* announced *) exists (now tid_dec ph (Pr i) (Called Place)), sq, w, xs. split; [apply at_call; auto|]. split; [exact G2|]. split; [exact G3|].
    cbn [pp cc]. split; [its_phase; rewrite now_eq; reflexivity|]. rewrite now_ne by discriminate. exact G5.
  - (* won *) exists (now tid_dec (now tid_dec ph (Pr i) (Took Ok)) (Pr i) Rest), (sq ++ [Does (Pr i) Place Ok]), (w ++ [Open i]), xs.
    split; [apply at_answer; [apply at_point; auto|apply now_eq]|]. split; [apply place_; exact G2|]. cbn [pp cc claims done].
    split; [rewrite places_app, G3, <- app_assoc; reflexivity|].
    split; [its_phase; rewrite now_eq; reflexivity|]. rewrite !now_ne by discriminate. exact G5.
  - (* lost *) exists (now tid_dec ph (Pr i) Rest), sq, w, xs. split; [eapply at_failure; eauto|]. split; [exact G2|]. split; [exact G3|].
    cbn [pp cc]. split; [its_phase; rewrite now_eq; reflexivity|]. rewrite now_ne by discriminate. exact G5.
  - (* committed *) destruct (waits _ i t n (d ++ held c ++ xs) w (fun _ => pieces i (S (clock m i)) (x :: b) r) (x :: b) R) as [u [v [-> W]]];
      [cbn [pp]; rewrite <- Eq; split; reflexivity|exact G3|apply places_pieces|]. cbn [claims] in W.
    destruct (at_once h ph sq (Pr i) (Commit (x :: b)) Ok G1 Hi) as [p1 [P1 P2]]. exists p1, (sq ++ [Does (Pr i) (Commit (x :: b)) Ok]), (u ++ map Full (x :: b) ++ v), xs.
    split; [exact P1|]. split; [eapply commit; exact G2|]. split; [exact W|]. cbn [pp cc].
    split; [intros j; rewrite P2; unfold upd; destruct (Nat.eq_dec i j) as [<-|]; auto|]. rewrite P2. exact G5.
  - (* given up *) destruct (waits _ i t n (d ++ held c ++ xs) w (fun n => [Mpsc.Claim n i (Left (S (clock m i)))]) nil R) as [u [v [-> W]]];
      [cbn [pp]; rewrite <- Eq; split; reflexivity|exact G3|reflexivity|]. cbn [claims] in W.
    destruct (at_once h ph sq (Pr i) GiveUp Ok G1 Hi) as [p1 [P1 P2]]. exists p1, (sq ++ [Does (Pr i) GiveUp Ok]), (u ++ v), xs.
    split; [exact P1|]. split; [eapply gives_up; exact G2|]. split; [exact W|]. cbn [pp cc].
    split; [intros j0; rewrite P2; unfold upd; destruct (Nat.eq_dec i j0) as [<-|]; auto|]. rewrite P2. exact G5.
Qed.

Lemma first_waits s c r f h x t y w : reach s -> cc s = Idle c r f h -> at_pos (claims s) c x -> what x = Came t y ->
  places (claims s) = map Full (done s ++ h) ++ w -> exists w', w = Full y :: w'.
Proof.
  intros R E A W P. destruct (fronts N most producers Npos s R) as [_ [_ F]]. rewrite E in F. cbn [front held] in F.
  destruct F as [[a [b [Ea [Xa Pa]]]] Be]. destruct A as [a2 [b2 [Eb Xb]]].
  assert (S : sized (claims s)) by (apply (all_sized N most producers s R)).
  assert (Same : a = a2 /\ b = x :: b2).
  { rewrite Ea in Eb, S. rewrite Xb in Xa. destruct (app_eq_app _ _ _ _ Eb) as [v [[-> ->]|[-> Ev]]].
    - destruct v as [|z v]; [rewrite app_nil_r; auto|]. exfalso. rewrite extent_app in Xa. cbn [extent] in Xa.
      pose proof (S z ltac:(apply in_or_app; left; apply in_or_app; right; left; auto)). lia.
    - destruct v as [|z v]; [rewrite app_nil_r; auto|]. exfalso. rewrite extent_app in Xa. cbn [extent] in Xa.
      pose proof (S z ltac:(apply in_or_app; right; rewrite Ev; left; auto)). lia. }
  destruct Same as [-> ->]. rewrite Ea, places_app in P.
  rewrite places_passed in P.
  - rewrite Pa in P. apply app_inv_head in P. exists (places b2). rewrite <- P. cbn [places flat_map]. rewrite W. reflexivity.
  - apply (passed_ended N Npos (mm s) (claims s) a2 (x :: b2) Ea); [rewrite <- Xb; exact Be|].
    intros q z [a1 [b1 [E1 _]]]. apply S. rewrite E1. apply in_or_app. right. left. auto.
Qed.
Lemma consumer_follows m p al c l d e q m' c' d' q' h : let s := St m p al c l d e q in let s' := St m' p al c' l d' e q' in
  reach s -> reach s' -> follows s h -> cstep N producers shipped al m c d m' c' d' -> follows s' (h ++ tells s s').
Proof.
  intros s s' R R' F Hc. assert (T : tells s s' = tells_c c c' (length d) (length d')) by (apply tells_nobody; reflexivity). subst s s'.
  assert (Sil : held c' = held c -> d' = d -> tells_c c c' (length d) (length d') = nil ->
    match c', c with Take _ _ _ _ _ _, Take _ _ _ _ _ _ => True | Take _ _ _ _ _ _, _ | _, Take _ _ _ _ _ _ => False | _, _ => True end ->
    follows (St m' p al c' l d' e q') (h ++ tells (St m p al c l d e q) (St m' p al c' l d' e q'))).
  { intros Eh Ed Et Em. apply silent; auto; [rewrite T; exact Et|cbn [done cc]; rewrite Ed, Eh; reflexivity]. }
  destruct Hc; unfold scanned in *;
    try (apply Sil; cbn [held tells_c]; rewrite ?Nat.ltb_irrefl; solve [reflexivity|exact Logic.I]).

  - (* a poll *) destruct (state_of v =? 2).
    + rewrite T. cbn [tells_c]. destruct F as [ph [sq [w [xs [G1 [G2 [G3 [G4 [-> G5]]]]]]]]]. cbn [pp cc claims done held] in *. rewrite app_nil_r in *.
      destruct (read_committed N most producers Npos _ R' c r f h0 _ nil eq_refl) as [x [t [y [A [W _]]]]]. cbn [claims] in A.
      destruct (first_waits _ c r f h0 x t y w R eq_refl A W G3) as [w' ->].
      exists (now tid_dec (now tid_dec ph Co (Called Pop)) Co (Took (Got y))), (sq ++ [Does Co Pop (Got y)]), w', [y]. cbn [pp cc claims done held].
      split; [apply at_point; [apply at_call; auto|apply now_eq]|]. split; [apply pop; exact G2|].
      split; [rewrite app_assoc, map_app, <- app_assoc; exact G3|]. split; [intros j; rewrite !now_ne by discriminate; auto|].
      exists y. split; [auto|apply now_eq].
    + destruct (state_of v =? 3); apply Sil; cbn [held tells_c]; rewrite ?Nat.ltb_irrefl; auto.
  - (* delivered *) rewrite T. cbn [tells_c]. rewrite last_last. destruct F as [ph [sq [w [xs [G1 [G2 [G3 [G4 [y [-> G5]]]]]]]]]].
    cbn [pp cc claims done held] in *. destruct (in_order N most producers Npos _ R') as [a [b [Ea [Pa La]]]]. cbn [claims done cc held] in Ea, Pa.
    assert (Y : got = y).
    { rewrite Ea, places_app, places_passed, <- Pa in G3 by exact La. symmetry in G3. apply same_prefix in G3; [|rewrite !app_length; auto].
      destruct G3 as [G3 _]. apply app_inv_head in G3. apply app_inv_head in G3. congruence. }
    rewrite Y. exists (now tid_dec ph Co Rest), sq, w, nil. cbn [pp cc claims done held]. rewrite app_nil_r.
    split; [apply at_answer; auto|]. split; [exact G2|]. split; [exact G3|]. split; [intros j; rewrite now_ne by discriminate; auto|].
    split; [auto|apply now_eq].
  - (* release *) destruct F as [ph [sq [w [xs [G1 [G2 [G3 [G4 [-> G5]]]]]]]]]. cbn [pp cc claims done held] in *. rewrite app_nil_r in *.
    destruct h0 as [|x h0].
    + rewrite app_nil_r in G3. rewrite T. cbn [tells_c]. rewrite app_nil_r, Nat.ltb_irrefl, app_nil_r. exists ph, sq, w, nil. cbn [pp cc claims done held]. rewrite !app_nil_r.
      split; [exact G1|]. split; [exact G2|]. split; [exact G3|]. auto.
    + rewrite T. cbn [tells_c]. rewrite app_length. replace (length d <? length d + length (x :: h0)) with true by (symmetry; apply Nat.ltb_lt; simpl; lia).
      destruct (at_once h ph sq Co Release Ok G1 G5) as [p1 [P1 P2]]. exists p1, (sq ++ [Does Co Release Ok]), w, nil. cbn [pp cc claims done held].
      rewrite !app_nil_r. split; [exact P1|]. split; [eapply release; exact G2|]. split; [exact G3|]. split; [intros j; rewrite P2; auto|]. rewrite P2. auto.
  - destruct (c =? T0); apply Sil; cbn [held tells_c]; rewrite ?Nat.ltb_irrefl; auto.
  - destruct (v =? 0); [|destruct (state_of v =? 1)]; apply Sil; cbn [held tells_c]; rewrite ?Nat.ltb_irrefl; auto.
  - destruct (v =? 0); [|destruct (c =? f)]; apply Sil; cbn [held tells_c]; rewrite ?Nat.ltb_irrefl; auto.
  - destruct (c =? f); apply Sil; cbn [held tells_c]; rewrite ?Nat.ltb_irrefl; auto.
  - (* zeros go back *) destruct F as [ph [sq [w [xs [G1 [G2 [G3 [G4 [-> G5]]]]]]]]]. cbn [pp cc claims done held] in *. rewrite app_nil_r in *.
    destruct h0 as [|x h0].
    + rewrite app_nil_r in G3. rewrite T. cbn [tells_c]. rewrite app_nil_r, Nat.ltb_irrefl, app_nil_r. exists ph, sq, w, nil. cbn [pp cc claims done held]. rewrite !app_nil_r.
      split; [exact G1|]. split; [exact G2|]. split; [exact G3|]. auto.
    + rewrite T. cbn [tells_c]. rewrite app_length. replace (length d <? length d + length (x :: h0)) with true by (symmetry; apply Nat.ltb_lt; simpl; lia).
      destruct (at_once h ph sq Co Release Ok G1 G5) as [p1 [P1 P2]]. exists p1, (sq ++ [Does Co Release Ok]), w, nil. cbn [pp cc claims done held].
      rewrite !app_nil_r. split; [exact P1|]. split; [eapply release; exact G2|]. split; [exact G3|]. split; [intros j; rewrite P2; auto|]. rewrite P2. auto.
Qed.

Lemma goes i m p al al' c l d e q h : i < producers -> reach (St m p al c l d e q) -> follows (St m p al c l d e q) h ->
  let s := St m p al c l d e q in let s' := St m (upd p i Away) al' c (ends_so l i (Gone (clock m i))) d e q in follows s' (h ++ tells s s').
Proof.
  intros I R F s s'. assert (T : tells s s' = tells_p i (p i) Away) by (apply tells_of; exact I). subst s s'.
  assert (No : (forall x, In x l -> ~ open i x) -> ends_so l i (Gone (clock m i)) = l) by apply becomes_none.
  assert (D : p i = Away \/ tells_p i (p i) Away = [Dies (Pr i)]) by (destruct (p i); auto).
  destruct D as [A|D].
  - apply silent; auto; [rewrite T, A; reflexivity|intros j; cbn [pp]; apply stands_upd; rewrite A; reflexivity| |cbn [cc]; destruct c; exact Logic.I].
    cbn [claims]. rewrite No; auto. intros x Ix [Lv Ow]. destruct (in_at_pos l x Ix) as [z At].
    destruct (lives N most producers _ R z x At Lv) as [_ O]. cbn [pp] in O. rewrite Ow, A in O. exact O.
  - rewrite T, D. destruct F as [ph [sq [w [xs [G1 [G2 [G3 [G4 G5]]]]]]]]. cbn [pp cc claims done] in *.
    destruct (Exists_dec (open i) l (open_dec i)) as [X|X].
    + apply Exists_exists in X. destruct X as [o [Io O]]. apply in_split in Io. destruct Io as [a [b E]].
      destruct (becomes_places _ i a o b (fun n => [Mpsc.Claim n i (Gone (clock m i))]) R E O) as [Y Z]. cbn [claims] in Y, Z.
      rewrite Y in G3. symmetry in G3. destruct (behind _ _ _ _ _ G3) as [u [Ea ->]].
      exists (now tid_dec ph (Pr i) Rest), (sq ++ [Stops (Pr i)]), (u ++ places b), xs. cbn [pp cc claims done].
      split; [apply at_death; exact G1|]. split; [eapply loses; exact G2|]. split; [unfold ends_so; rewrite Z, Ea, <- app_assoc; reflexivity|].
      split; [its_phase; apply now_eq|]. rewrite now_ne by discriminate. exact G5.
    + assert (No' : forall x, In x l -> ~ open i x) by (intros x Ix O; apply X, Exists_exists; eauto). rewrite No by exact No'.
      exists (now tid_dec ph (Pr i) Rest), (sq ++ [Stops (Pr i)]), w, xs. cbn [pp cc claims done].
      split; [apply at_death; exact G1|]. split; [apply loses_none; [exact G2|]|split; [exact G3|]].
      { intros O. destruct (in_places l i) as [o [Io Oo]]; [rewrite G3; apply in_or_app; auto|]. exact (No' o Io Oo). }
      split; [its_phase; apply now_eq|]. rewrite now_ne by discriminate. exact G5.
Qed.
Lemma follow s s' h : reach s -> follows s h -> step s s' -> follows s' (h ++ tells s s').
Proof.
  intros R F Hs. assert (R' : reach s') by (eapply rS; eauto).
  assert (Quiet : pp s' = pp s -> cc s' = cc s -> claims s' = claims s -> done s' = done s -> follows s' (h ++ tells s s')).
  { intros E1 E2 E3 E4. apply silent; rewrite ?E1, ?E2, ?E3, ?E4; auto; [|destruct (cc s); exact Logic.I].
    rewrite tells_nobody by exact E1. rewrite E2, E4. apply tells_c_same. }
  destruct Hs; try (apply Quiet; reflexivity).
  - eapply producer_follows; eauto.
  - apply goes; auto.
  - (* comes *) assert (A : p i = Away).
    { destruct (MpscHolds.inv_reach N most producers Npos _ R) as [[K _] _]. apply (a_dead _ _ _ _ _ K). auto. }
    apply silent; auto; [rewrite (tells_of i) by auto; rewrite A; reflexivity|intros j; cbn [pp]; apply stands_upd; rewrite A; reflexivity|
      cbn [cc]; destruct c; exact Logic.I].
  - eapply consumer_follows; eauto.
  - (* the consumer dies *) destruct F as [ph [sq [w [xs [G1 [G2 [G3 [G4 G5]]]]]]]]. rewrite tells_nobody by reflexivity. cbn [pp cc claims done] in *.
    assert (D : c = Nobody \/ tells_c c Nobody (length d) (length d) = [Dies Co]) by (destruct c; auto). destruct D as [->|D].
    + cbn [tells_c]. rewrite app_nil_r. exists ph, sq, w, xs. auto.
    + rewrite D. exists (now tid_dec ph Co Rest), (sq ++ [Stops Co]), (map Full (held c ++ xs) ++ w), nil. cbn [pp cc claims done held].
      split; [apply at_death; exact G1|]. split; [apply puts_back; exact G2|]. split; [rewrite G3, !app_nil_r, map_app, <- app_assoc; reflexivity|].
      split; [intros j; rewrite now_ne by discriminate; auto|]. split; [auto|apply now_eq].
  - (* enters *) apply silent; auto; [rewrite (tells_of i) by auto; rewrite H1; reflexivity|intros j; cbn [pp]; apply stands_upd; rewrite H1; reflexivity|
      cbn [cc]; destruct c; exact Logic.I].
  - (* closes *) apply silent; auto; [rewrite (tells_of i) by auto; rewrite H1; reflexivity|intros j; cbn [pp]; apply stands_upd; rewrite H1; reflexivity|
      cbn [cc]; destruct c; exact Logic.I].
Qed.
Lemma linear s h : history s h -> linearizable tid_dec is_queue h.
Proof.
  intros H. assert (F : follows s h).
  { induction H as [|s s' h H IH Hs]; [|apply follow; auto; eapply history_reach; eauto].
    exists (fun _ => Rest), nil, nil, nil. repeat split; constructor. }
  destruct F as [p [l [w [xs [G1 [G2 _]]]]]]. exists p, l. split; [exact G1|]. eexists _, _. exact G2.
Qed.
End History.

(* ---- the history that a run tells ---- *)
Section Told.
Variables N most producers : nat.
Variable O : orders.
Fixpoint told (l : list action) s := match l with
  | nil => nil
  | a :: l => match exec N most producers O a s with Some s' => tells producers s s' ++ told l s' | None => nil end end.
Lemma told_ok l : forall s s' h, history N most producers O s h -> run N most producers O l s = Some s' ->
  history N most producers O s' (h ++ told l s).
Proof.
  induction l as [|a l IH]; simpl; intros s s' h H E; [rewrite app_nil_r; congruence|].
  destruct (exec N most producers O a s) eqn:X; [|discriminate]. rewrite app_assoc. eapply IH; [|exact E].
  eapply h_step; eauto. eapply exec_ok. eauto.
Qed.
Lemma told_all l s : run N most producers O l init = Some s -> history N most producers O s (told l init).
Proof. intros E. apply (told_ok l init s nil); [constructor|exact E]. Qed.
End Told.
