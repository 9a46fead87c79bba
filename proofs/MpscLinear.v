(* The ring of many producers is a queue of places, in the order of claims: each of its steps is one of
   the queue's, or none. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscClaims MpscKnown MpscFacts MpscData MpscHolds MpscStated MpscProgress Answers.

Inductive place := Open (i : nat) | Full (x : list nat) | Void.
(* All places that were ever taken, how many of them the consumer has passed, how many were released. *)
Definition queue := (list place * nat * nat)%type.
Inductive qstep : queue -> queue -> Prop :=
| q_claim l t f i : qstep (l, t, f) (l ++ [Open i], t, f)
| q_push a i xs v b t f : xs <> nil -> (forall z, In z v -> z = Void) -> t <= length a -> f <= length a ->
    qstep (a ++ Open i :: b, t, f) (a ++ map Full xs ++ v ++ b, t, f)   (* a batch at once; what it left *)
| q_leave a i b t f : qstep (a ++ Open i :: b, t, f) (a ++ Void :: b, t, f)      (* aborted, or dead *)
| q_pop a x b f : qstep (a ++ Full x :: b, length a, f) (a ++ Full x :: b, S (length a), f)
| q_pass a v b f : (forall x, In x v -> x = Void) ->
    qstep (a ++ v ++ b, length a, f) (a ++ v ++ b, length a + length v, f)
| q_release l t f : qstep (l, t, f) (l, t, t)
| q_dies l t f : qstep (l, t, f) (l, f, f).                    (* what was not released comes again *)

(* The place that the consumer comes to next. *)
Definition next (q : queue) := let '(l, t, _) := q in nth_error l t.

(* The linearization points: a place is taken at the exchange of write_pos (p_claim), and filled at the
   commit, where it becomes one for each record of a batch; a pop is the load of a header that says `committed` (c_poll). Who is being read was popped. *)
Definition place_of c := match what c with
  | Live => Open (own c) | Came _ x => Full x | Gone _ | Left _ => Void end.
Definition front (m : mem) c := match c with
  | Nobody | Attach _ | Redo _ _ => last m RM
  | Take c _ _ _ n _ => c + S n
  | Idle c _ _ _ | Zero c _ _ _ | Hand c _ _ | Rest c _ _ | Blank c _ _ _
  | Ask c _ _ _ _ _ | Doubt c _ _ _ _ _ | Again c _ _ _ _ | Scan c _ _ _ _ _ => c end.
(* How many claims lie below p. *)
Fixpoint below_it (l : list claim) p := match l with
  | nil => 0 | c :: l => if p =? 0 then 0 else S (below_it l (p - words c)) end.
Definition queue_of (s : st) : queue := (map place_of (claims s),
  below_it (claims s) (front (mm s) (cc s)), below_it (claims s) (last (mm s) RM)).

Definition sized (l : list claim) := forall c, In c l -> 0 < words c.
Lemma below_prefix a : forall b, sized (a ++ b) -> below_it (a ++ b) (extent a) = length a.
Proof.
  induction a as [|c a IH]; intros b S; cbn [extent length app].
  - destruct b; reflexivity.
  - pose proof (S c (or_introl eq_refl)). cbn [below_it]. destruct (Nat.eqb_spec (words c + extent a) 0); [lia|].
    f_equal. replace (words c + extent a - words c) with (extent a) by lia. apply IH. intros x I. apply S. right. exact I.
Qed.
Lemma below_snoc l c p : sized (l ++ [c]) -> bound l p -> below_it (l ++ [c]) p = below_it l p.
Proof.
  intros S [a [b [-> <-]]]. rewrite <- app_assoc in *. rewrite !below_prefix; auto.
  intros x I. apply S. apply in_or_app. apply in_app_or in I. rewrite in_app_iff. tauto.
Qed.
(* What comes behind is of no matter to what lies before. *)
Lemma below_front a b b' p : sized (a ++ b) -> sized (a ++ b') -> bound (a ++ b) p -> p <= extent a ->
  below_it (a ++ b') p = below_it (a ++ b) p /\ below_it (a ++ b) p <= length a.
Proof.
  intros S S' [u [v [E <-]]] L. assert (D : exists w, a = u ++ w).
  { destruct (app_eq_app _ _ _ _ E) as [w [[-> _]|[-> ->]]]; [eauto|]. destruct w as [|x w]; [exists nil; rewrite !app_nil_r; auto|].
    exfalso. rewrite extent_app in L. cbn [extent] in L. pose proof (S x ltac:(apply in_or_app; right; left; auto)). lia. }
  destruct D as [w ->]. rewrite <- !app_assoc in *. rewrite !below_prefix by auto. split; auto. rewrite app_length. lia.
Qed.

(* One claim at most is open, and it ends. *)
Lemma becomes_one l i ps : sized l -> (forall p x q y, at_pos l p x -> at_pos l q y -> open i x -> open i y -> p = q) ->
  becomes l i ps = l \/ exists a c b, l = a ++ c :: b /\ open i c /\ becomes l i ps = a ++ ps (words c) ++ b.
Proof.
  intros S One. assert (D : (forall c, In c l -> ~ open i c) \/ exists a c b, l = a ++ c :: b /\ open i c).
  { clear S One. induction l as [|c l [IH|[a [d [b [-> O]]]]]].
    - left. intros c [].
    - destruct (open_dec i c) as [O|O]; [right; exists nil, c, l; auto|left]. intros d [<-|I]; auto.
    - right. exists (c :: a), d, b. split; auto. }
  destruct D as [No|[a [c [b [-> O]]]]]; [left; apply becomes_none; auto|right]. exists a, c, b. split; auto. split; auto.
  assert (Ac : at_pos (a ++ c :: b) (extent a) c) by (exists a, b; auto).
  change (c :: b) with ([c] ++ b) at 1. rewrite !becomes_app, becomes_open, (becomes_none a), (becomes_none b); auto.
  - intros d I Od. apply in_split in I. destruct I as [b1 [b2 ->]].
    assert (Ad : at_pos (a ++ c :: b1 ++ d :: b2) (extent (a ++ c :: b1)) d).
    { exists (a ++ c :: b1), b2. split; auto. rewrite <- app_assoc. auto. }
    pose proof (One _ _ _ _ Ac Ad O Od) as E. rewrite extent_app in E. cbn [extent] in E.
    pose proof (S c ltac:(apply in_or_app; right; left; auto)). lia.
  - intros d I Od. apply in_split in I. destruct I as [a1 [a2 ->]].
    assert (Ad : at_pos ((a1 ++ d :: a2) ++ c :: b) (extent a1) d).
    { exists a1, (a2 ++ c :: b). split; auto. rewrite <- app_assoc. auto. }
    pose proof (One _ _ _ _ Ac Ad O Od) as E. rewrite extent_app in E. cbn [extent] in E.
    pose proof (S d ltac:(apply in_or_app; left; apply in_or_app; right; left; auto)). lia.
Qed.

Section Linear.
Variables N most producers : nat.
Hypothesis Npos : 0 < N.
Notation reach := (reach N most producers shipped). Notation step := (step N most producers shipped).

Lemma all_sized s : reach s -> sized (claims s).
Proof.
  intros R c I. apply in_split in I. destruct I as [a [b E]]. apply (tiles N most producers s R) with (p := extent a).
  exists a, b. auto.
Qed.
Lemma one_open s i : reach s -> forall p x q y, at_pos (claims s) p x -> at_pos (claims s) q y -> open i x -> open i y -> p = q.
Proof.
  intros R p x q y A B [X1 X2] [Y1 Y2]. pose proof (lives N most producers s R p x A X1) as [_ U].
  pose proof (lives N most producers s R q y B Y1) as [_ V]. rewrite X2 in U. rewrite Y2 in V.
  destruct (pp s i); cbn [opens] in U, V; try contradiction; lia.
Qed.
(* Where the consumer stands, claims end; there lies what was read, but for what is being read. *)
Lemma fronts s : reach s -> bound (claims s) (last (mm s) RM) /\ bound (claims s) (front (mm s) (cc s)) /\
  match cc s with Take _ _ _ _ _ _ => True | c => split_at (claims s) (front (mm s) c) (done s ++ held c) /\
    below (mm s) (claims s) (front (mm s) c) end.
Proof.
  intros R. destruct (MpscHolds.inv_reach N most producers Npos s R) as [_ [_ [Dt [[A1 [A2 [_ A4]]] _]]]].
  split; [eapply bound_split; eauto|]. assert (Z : done s ++ nil = done s) by apply app_nil_r.
  destruct (cc s) as [|e|c e|c r f h|c r f h n got|c r q h|c r h|c r h|c r f h|c r f h T i|c r f h T i|c r f h T|c r f h T q] eqn:Ec;
    cbn [front held]; rewrite ?Z;
    try (assert (St : split_at (claims s) c (done s ++ h) /\ below (mm s) (claims s) c)
           by (first [destruct A4 as [_ [_ [_ A4]]]; exact A4|destruct A4 as [[_ [_ [_ A4]]] _]; exact A4]);
         split; [eapply bound_split; apply St|exact St]; fail);
    try (split; [eapply bound_split; exact A1|split; [exact A1|exact A2]]; fail).
  split; auto. destruct A4 as [[B1 [_ [B3 _]]] [x [t [y [X1 [X2 [_ [X4 _]]]]]]]]. subst n.
  rewrite B1 in B3. destruct (unread_stands N most producers Npos s R c x t y X1 X2 B3) as [W _].
  destruct X1 as [a [b [E ->]]]. exists (a ++ [x]), b. rewrite <- app_assoc. split; auto. rewrite extent_app. cbn [extent].
  unfold size in W. lia.
Qed.
(* No open place was passed. *)
Lemma open_ahead s p x : reach s -> at_pos (claims s) p x -> what x = Live -> front (mm s) (cc s) <= p /\ last (mm s) RM <= p.
Proof.
  intros R A Lv. destruct (fronts s R) as [_ [_ F]].
  destruct (MpscHolds.inv_reach N most producers Npos s R) as [_ [_ [Dt [[_ [A2 [_ A4]]] _]]]].
  assert (B : forall e, below (mm s) (claims s) e -> e <= p).
  { intros e Be. destruct (le_lt_dec e p) as [|G]; auto. destruct (Be p x A G) as [t [Fi _]]. unfold finished in Fi. rewrite Lv in Fi. discriminate. }
  split; [|apply B; exact A2]. destruct (cc s) eqn:Ec; try (apply B; apply F; fail). cbn [front].
  destruct A4 as [[B1 [_ [B3 [_ B5]]]] [y [t [z [X1 [X2 [_ [X4 _]]]]]]]]. pose proof (B _ B5). subst n.
  rewrite B1 in B3. destruct (unread_stands N most producers Npos s R _ y t z X1 X2 B3) as [W _].
  destruct (tiles N most producers s R) as [_ [_ T]]. destruct (T _ y p x X1 A) as [[_ E]|E]; auto; [congruence|]. unfold size in W. lia.
Qed.
(* A consumer that goes on, and has read no more, has passed places without a message. *)
Lemma passes m cl p p' d f : sized cl -> split_at cl p d -> split_at cl p' d -> p <= p' -> below m cl p' ->
  qstep (map place_of cl, below_it cl p, f) (map place_of cl, below_it cl p', f).
Proof.
  intros S [a [b [E [<- P]]]] [a' [b' [E' [<- P']]]] L B.
  assert (D : exists v, a' = a ++ v /\ b = v ++ b').
  { assert (Q : a ++ b = a' ++ b') by congruence. apply app_eq_app in Q. destruct Q as [v [[-> ->]|[-> ->]]]; [|eauto].
    destruct v as [|x v]; [exists nil; rewrite !app_nil_r; auto|]. exfalso. rewrite extent_app in L. cbn [extent] in L.
    pose proof (S x ltac:(rewrite E; apply in_or_app; left; apply in_or_app; right; left; auto)). lia. }
  destruct D as [v [-> ->]]. rewrite pays_app, P in P'.
  assert (Pv : pays v = nil) by (apply (app_inv_head d); rewrite P', app_nil_r; auto).
  assert (Ev : forall x, In x v -> what x <> Live).
  { intros x I. apply (passed_ended N Npos m cl (a ++ v) b' E' B); [|apply in_or_app; auto].
    intros q y [a1 [b1 [-> _]]]. apply S. apply in_or_app. right. left. auto. }
  assert (Vv : forall z, In z (map place_of v) -> z = Void).
  { intros z I. apply in_map_iff in I. destruct I as [x [<- I]]. unfold place_of. destruct (what x) eqn:W; auto.
    - destruct (Ev x I W).
    - exfalso. apply in_split in I. destruct I as [v1 [v2 ->]]. rewrite pays_app in Pv. cbn [pays] in Pv. rewrite W in Pv.
      apply app_eq_nil in Pv. destruct Pv. discriminate. }
  assert (X : below_it cl (extent a) = length (map place_of a)).
  { rewrite E, map_length. apply below_prefix. rewrite <- E. exact S. }
  assert (Y : below_it cl (extent (a ++ v)) = length (map place_of a) + length (map place_of v)).
  { rewrite E', !map_length, <- app_length. apply below_prefix. rewrite <- E'. exact S. }
  rewrite X, Y, E, !map_app. apply q_pass. exact Vv.
Qed.

Ltac same := left; unfold queue_of; cbn [mm cc claims front]; rewrite ?write_last_ne by discriminate; reflexivity.
Lemma queue_settles s i ps l' : reach s -> l' = becomes (claims s) i ps -> sized l' ->
  let t := below_it (claims s) (front (mm s) (cc s)) in let f := below_it (claims s) (last (mm s) RM) in
  l' = claims s \/ exists a c b, map place_of (claims s) = a ++ Open i :: b /\ what c = Live /\ own c = i /\ In c (claims s) /\
    map place_of l' = a ++ map place_of (ps (words c)) ++ b /\ t <= length a /\ f <= length a /\
    below_it l' (front (mm s) (cc s)) = t /\ below_it l' (last (mm s) RM) = f.
Proof.
  intros R -> S' t f. destruct (becomes_one (claims s) i ps (all_sized s R) (one_open s i R)) as [->|[a [c [b [E [O Eb]]]]]]; [left; auto|right].
  rewrite Eb in *. destruct (fronts s R) as [Bm [Bf _]]. pose proof (all_sized s R) as S. destruct O as [O1 O2].
  destruct (open_ahead s (extent a) c R) as [L1 L2]; [exists a, b; auto|auto|].
  assert (Ic : In c (claims s)) by (rewrite E; apply in_or_app; right; left; auto).
  unfold t, f. rewrite E in *. destruct (below_front a (c :: b) (ps (words c) ++ b) _ S S' Bf L1) as [F1 F2].
  destruct (below_front a (c :: b) (ps (words c) ++ b) _ S S' Bm L2) as [F3 F4].
  exists (map place_of a), c, (map place_of b). rewrite !map_app, map_length. cbn [map]. unfold place_of at 2. rewrite O1, O2. auto 12.
Qed.
Lemma places_of_pieces i c b r : exists v, map place_of (pieces i c b r) = map Full b ++ v /\ forall z, In z v -> z = Void.
Proof.
  unfold pieces. rewrite map_app, map_map. destruct r; eexists; (split; [reflexivity|]).
  - intros z [].
  - intros z [<-|[]]. auto.
Qed.
Lemma producer_fifo i m p al c l d e q m' p' l' : i < producers -> al i = true ->
  reach (St m p al c l d e q) -> reach (St m' (upd p i p') al c l' d e q) -> pstep N most producers shipped i m (p i) l m' p' l' ->
  queue_of (St m' (upd p i p') al c l' d e q) = queue_of (St m p al c l d e q) \/
  qstep (queue_of (St m p al c l d e q)) (queue_of (St m' (upd p i p') al c l' d e q)).
Proof.
  intros I Al R R' Hp. pose proof (all_sized _ R') as S'. destruct (fronts _ R) as [Bm [Bf _]]. cbn [mm claims cc] in *.
  assert (Fr : last m' RM = last m RM -> front m' c = front m c) by (intros E; destruct c; cbn [front]; auto).
  assert (Lm : last m' RM = last m RM).
  { destruct Hp; try (rewrite write_last_ne by discriminate); reflexivity. }
  unfold queue_of. cbn [mm cc claims]. rewrite Fr, Lm by auto.
  destruct Hp; try (left; reflexivity).
  - (* the exchange *) right. rewrite map_app, !below_snoc by auto. apply q_claim.
  - (* the commit *) cbn [claims] in S'. destruct (queue_settles _ i _ _ R eq_refl S') as [X|[a [o [b0 [E [_ [_ [_ [X [T1 [T2 [T3 T4]]]]]]]]]]]]; cbn [mm cc claims] in *.
    { left. rewrite X. auto. }
    right. rewrite T3, T4, X, E. destruct (places_of_pieces i (Datatypes.S (clock m i)) (x :: b) r) as [v [-> V]].
    rewrite <- app_assoc. apply q_push; auto. discriminate.
  - (* the abort *) cbn [claims] in S'. destruct (queue_settles _ i _ _ R eq_refl S') as [X|[a [o [b0 [E [_ [_ [_ [X [T1 [T2 [T3 T4]]]]]]]]]]]]; cbn [mm cc claims] in *.
    { left. unfold ends_so. rewrite X. auto. }
    right. unfold ends_so. rewrite T3, T4, X, E. apply q_leave.
Qed.
(* A header says `committed`. *)
Lemma popped (m : mem) p al c r f h n l d e q (m0 : mem) : reach (St m p al (Take c r f h n nil) l d e q) -> last m RM = last m0 RM ->
  qstep (map place_of l, below_it l c, below_it l (last m0 RM)) (queue_of (St m p al (Take c r f h n nil) l d e q)).
Proof.
  intros R Lm. pose proof (all_sized _ R) as S. cbn [claims] in S.
  destruct (read_committed N most producers Npos _ R c r f h n nil eq_refl) as [x [t [y [X1 [X2 [X3 _]]]]]].
  destruct (MpscHolds.inv_reach N most producers Npos _ R) as [_ [_ [_ [[_ [_ [_ [[B1 [_ [B3 _]]] _]]]] _]]]].
  cbn [mm claims] in *. rewrite B1 in B3.
  destruct (unread_stands N most producers Npos _ R c x t y X1 X2 B3) as [W _]. destruct X1 as [a [b [E Ec]]].
  assert (X : below_it l c = length (map place_of a)).
  { rewrite Ec, E, map_length. apply below_prefix. rewrite <- E. exact S. }
  assert (Y : below_it l (c + Datatypes.S n) = Datatypes.S (length (map place_of a))).
  { replace (c + Datatypes.S n) with (extent (a ++ [x])) by (rewrite extent_app; cbn [extent]; unfold size in W; lia).
    rewrite E, map_length. change (a ++ x :: b) with (a ++ [x] ++ b). rewrite app_assoc, below_prefix.
    - rewrite app_length. simpl. lia.
    - rewrite <- app_assoc. change (sized (a ++ x :: b)). rewrite <- E. exact S. }
  assert (M : map place_of l = map place_of a ++ Full y :: map place_of b).
  { rewrite E, map_app. cbn [map]. unfold place_of at 2. rewrite X2. auto. }
  unfold queue_of. cbn [mm cc claims front]. rewrite X, Y, M, Lm. apply q_pop.
Qed.
Lemma consumer_fifo m p al c l d e q m' c' d' q' : reach (St m p al c l d e q) -> reach (St m' p al c' l d' e q') ->
  cstep N producers shipped al m c d m' c' d' ->
  queue_of (St m' p al c' l d' e q') = queue_of (St m p al c l d e q) \/
  qstep (queue_of (St m p al c l d e q)) (queue_of (St m' p al c' l d' e q')).
Proof.
  intros R R' Hc. pose proof (all_sized _ R) as S. destruct (fronts _ R) as [_ [_ Sp]]. destruct (fronts _ R') as [_ [_ Sp']].
  pose proof (MpscHolds.inv_reach N most producers Npos _ R) as [_ [_ [_ [[_ [_ [_ A4]]] _]]]].
  cbn [mm cc claims done] in *.
  assert (Pass : forall p p' h, split_at l p (d ++ h) -> split_at l p' (d ++ h) -> p <= p' -> below m' l p' ->
    qstep (map place_of l, below_it l p, below_it l (last m RM)) (map place_of l, below_it l p', below_it l (last m RM))).
  { intros. eapply passes; eauto. }
  destruct Hc; unfold scanned in *; cbn [front held] in *; try same.
  - (* again up to the mark *) destruct A4 as [-> _]. left. unfold queue_of. cbn [mm cc claims front]. rewrite write_last_eq. reflexivity.
  - (* a poll *) destruct (state_of v =? 2); [right; apply popped; [exact R'|reflexivity]|].
    destruct (state_of v =? 3); [right|same]. cbn [front held] in Sp'. apply (Pass c (c + words_of v) h); try tauto. lia.
  - (* release *) right. unfold queue_of. cbn [mm cc claims front]. rewrite write_last_eq. apply q_release.
  - (* at rest *) destruct A4 as [B1 _]. left. unfold queue_of. cbn [mm cc claims front]. rewrite write_last_eq. congruence.
  - (* a closer look *) destruct (c =? T); same.
  - (* the header once more *) destruct (v =? 0); [same|]. destruct (state_of v =? 1); [|same]. cbn [front held] in Sp'.
    right. apply (Pass c (c + words_of v) h); try tauto. lia.
  - (* zeros *) destruct (v =? 0); [same|]. destruct A4 as [_ [_ [p0 [x [t [_ [_ [[Q1 Q2] _]]]]]]]]. right.
    destruct (c =? f) eqn:B; try rewrite B in Sp'; cbn [front held] in Sp'; apply (Pass c q0 h); try tauto; lia.
  - destruct A4 as [_ [_ [p0 [x [t [_ [_ [[Q1 Q2] _]]]]]]]]. right.
    destruct (c =? f) eqn:B; try rewrite B in Sp'; cbn [front held] in Sp'; apply (Pass c T h); try tauto; lia.
  - (* zeros go back *) right. unfold queue_of. cbn [mm cc claims front]. rewrite write_last_eq. apply q_release.
Qed.
Lemma fifo s s' : reach s -> step s s' -> queue_of s' = queue_of s \/ qstep (queue_of s) (queue_of s').
Proof.
  intros R Hs. assert (R' : reach s') by (eapply rS; eauto). destruct Hs; cbn [mm pp cc claims done] in *.
  - eapply producer_fifo; eauto.
  - (* it dies *) pose proof (all_sized _ R') as S'. cbn [claims] in S'.
    destruct (queue_settles _ i _ _ R eq_refl S') as [X|[a [o [b [E [_ [_ [_ [X [T1 [T2 [T3 T4]]]]]]]]]]]]; cbn [mm cc claims] in *;
      unfold queue_of; cbn [mm cc claims]; unfold ends_so; [left; rewrite X; auto|right].
    rewrite T3, T4, X, E. apply q_leave.
  - same.
  - eapply consumer_fifo; eauto.
  - (* the consumer dies *) right. unfold queue_of. cbn [mm cc claims front]. apply q_dies.
  - (* a producer enters *) left. unfold queue_of. cbn [mm cc claims].
    assert (Lm : last (rmw loc_dec tid_dec (Mpsc.tids producers) true false (Pr i) (Own i) 1 m) RM = last m RM).
    { unfold last. rewrite rmw_len, rmw_other by discriminate. reflexivity. }
    rewrite Lm. destruct c; cbn [front]; rewrite ?Lm; reflexivity.
  - left. unfold queue_of. cbn [mm cc claims]. rewrite write_last_ne by discriminate.
    destruct c; cbn [front]; rewrite ?write_last_ne by discriminate; reflexivity.
  - same.
  - same.
  - same.
  - same.
  - same.
  - same.
Qed.

(* ---- where it takes effect ---- *)
Lemma taken_at s s' : reach s -> step s s' -> extent (claims s) < extent (claims s') -> exists i f t n,
  pp s i = Said f t n /\ pp s' i = Won f t n.
Proof.
  intros R Hs. assert (R' : reach s') by (eapply rS; eauto). destruct (tiles N most producers s R) as [Wp _].
  destruct (tiles N most producers s' R') as [Wp' _]. rewrite <- Wp, <- Wp'. clear Wp Wp' R R'. destruct Hs; cbn [mm pp]; try lia.
  - match goal with H : Mpsc.pstep _ _ _ _ _ _ _ _ _ _ _ |- _ => remember (p i) as was eqn:Eq; destruct H end;
      try (rewrite ?write_last_ne by discriminate; intros; exfalso; lia); try (intros L; exfalso; exact (Nat.lt_irrefl _ L)).
    intros _. exists i, f, t, n. split; auto. unfold upd. destruct (Nat.eq_dec i i); congruence.
  - match goal with H : Mpsc.cstep _ _ _ _ _ _ _ _ _ _ |- _ => destruct H end;
      try (rewrite ?write_last_ne by discriminate; intros; exfalso; lia); intros L; exfalso; exact (Nat.lt_irrefl _ L).
  - unfold last at 2. rewrite rmw_len, rmw_other by discriminate. intros L. exfalso. exact (Nat.lt_irrefl _ L).
  - rewrite write_last_ne by discriminate. lia.
  - intros L; exfalso; exact (Nat.lt_irrefl _ L).
  - intros L; exfalso; exact (Nat.lt_irrefl _ L).
  - intros L; exfalso; exact (Nat.lt_irrefl _ L).
Qed.
Lemma pays_ends l i w : match w with Came _ _ => False | _ => True end -> pays (ends_so l i w) = pays l.
Proof.
  intros Nc. induction l as [|c l IH]; auto. unfold ends_so. change (c :: l) with ([c] ++ l). rewrite becomes_app, !pays_app.
  fold (ends_so l i w). rewrite IH. f_equal. destruct (open_dec i c) as [O|O]; [|rewrite becomes_other by auto; auto].
  rewrite becomes_open by auto. destruct O as [E _]. cbn [pays what]. rewrite E. destruct w; auto; contradiction.
Qed.
Lemma pays_pieces i t b r : pays (pieces i t b r) = b.
Proof.
  unfold pieces. rewrite pays_app. assert (E : pays (map (fun x => Claim (size x) i (Came t x)) b) = b) by (induction b; simpl; congruence).
  rewrite E. destruct r; apply app_nil_r.
Qed.
Lemma filled_at s s' : reach s -> step s s' -> pays (claims s') <> pays (claims s) -> exists i f t n r b u v,
  pp s i = Ready f t n r b /\ pp s' i = Settle f /\ pays (claims s) = u ++ v /\ pays (claims s') = u ++ b ++ v.
Proof.
  intros R Hs. destruct Hs; cbn [claims pp]; try congruence; [|rewrite pays_ends by exact I; congruence].
  match goal with H : Mpsc.pstep _ _ _ _ _ _ _ _ _ _ _ |- _ => remember (p i) as was eqn:Eq; destruct H end;
    try (rewrite ?pays_ends, ?pays_app, ?app_nil_r by exact I; congruence).
  intros Ne. exists i, f, t, n, r, (x :: b).
  destruct (becomes_one l i (fun _ => pieces i (S (clock m i)) (x :: b) r) (all_sized _ R) (one_open _ i R))
    as [E|[u [o [v [E [[Lv _] Eb]]]]]]; [rewrite E in Ne; congruence|]. cbn [claims] in *.
  exists (pays u), (pays v). split; auto. split; [unfold upd; destruct (Nat.eq_dec i i); congruence|].
  rewrite Eb, !pays_app, pays_pieces, E, pays_app. cbn [pays]. rewrite Lv. auto.
Qed.
(* Messages that were popped; of one that is being read, that is so already. *)
Definition read_so_far (s : st) := length (done s ++ held (cc s)) + match cc s with Take _ _ _ _ _ _ => 1 | _ => 0 end.
Lemma popped_at s s' : step s s' -> read_so_far s < read_so_far s' -> exists c r f h n, cc s = Idle c r f h /\ cc s' = Take c r f h n nil.
Proof.
  intros Hs. unfold read_so_far. destruct Hs; cbn [done cc]; try lia; [|cbn [held]; rewrite app_nil_r, app_length; lia].
  match goal with H : Mpsc.cstep _ _ _ _ _ _ _ _ _ _ |- _ => destruct H end; unfold scanned;
    repeat match goal with |- context[if ?b then _ else _] => destruct b end;
    cbn [held]; rewrite ?app_nil_r, ?app_length; cbn [length]; intros L; try lia; eauto 8.
Qed.

(* ---- answers ---- *)
Variable s : st.
Hypothesis reached : reach s.
Lemma known_now : known producers (mm s) (pp s) (alive s) (claims s).
Proof. destruct (MpscHolds.inv_reach N most producers Npos s reached) as [[K _] _]. exact K. Qed.
Lemma next_at c r f h : cc s = Idle c r f h -> c <= extent (claims s) /\
  (next (queue_of s) = None /\ c = extent (claims s) \/ exists x, at_pos (claims s) c x /\ next (queue_of s) = Some (place_of x)).
Proof.
  intros E. destruct (fronts s reached) as [_ [B _]]. unfold queue_of, next. rewrite E in *. cbn [front] in *.
  pose proof (all_sized s reached) as S. destruct B as [a [b [Ec <-]]]. rewrite Ec in *. split; [rewrite extent_app; lia|].
  rewrite below_prefix by auto. rewrite map_app, nth_error_app2 by (rewrite map_length; auto).
  rewrite map_length, Nat.sub_diag. destruct b as [|x b]; [left; rewrite app_nil_r; auto|right].
  exists x. split; auto. exists a, b. auto.
Qed.
Lemma found_nothing c r f h k x : cc s = Idle c r f h -> can_read (mm s) Co (word N c) k ->
  state_of (val (hist (mm s) (word N c) k)) <> 2 -> next (queue_of s) = Some (Full x) -> misses (mm s) Co (word N c) k.
Proof.
  intros E R V F. destruct (next_at c r f h E) as [_ [[Z _]|[y [A Y]]]]; [congruence|].
  destruct (stale_misses _ _ _ _ _ _ (a_sane _ _ _ _ _ known_now) R) as [M| ->]; auto. exfalso.
  rewrite Y in F. injection F as F. unfold place_of in F. destruct (what y) as [| |t z|] eqn:Wy; try discriminate.
  destruct (MpscHolds.inv_reach N most producers Npos s reached) as [_ [_ [_ [[_ [_ [_ A4]]] _]]]]. rewrite E in A4.
  destruct A4 as [-> [_ [B3 _]]]. destruct (unread_stands N most producers Npos s reached c y t z A Wy B3) as [_ [L _]].
  apply V. unfold last in L. rewrite L. unfold state_of, committed. rewrite Nat.mul_comm, Nat.add_comm, Nat.mod_add by lia. reflexivity.
Qed.
Lemma found_no_claim c r f h k : cc s = Idle c r f h -> can_read (mm s) Co WP k -> val (hist (mm s) WP k) = c ->
  next (queue_of s) = None \/ misses (mm s) Co WP k.
Proof.
  intros E R V. destruct (next_at c r f h E) as [_ [[Z _]|[y [A _]]]]; [auto|right].
  destruct (stale_misses _ _ _ _ _ _ (a_sane _ _ _ _ _ known_now) R) as [M| ->]; auto. exfalso.
  pose proof (a_wp _ _ _ _ _ known_now) as W. unfold last in W. pose proof (at_pos_end _ _ _ A).
  pose proof (all_sized s reached y) as P. destruct A as [a [b [Ec _]]]. rewrite Ec in P.
  specialize (P ltac:(apply in_or_app; right; left; auto)). lia.
Qed.
Lemma found_no_room i f t n k : pp s i = Try f t n -> can_read (mm s) (Pr i) FR k -> val (hist (mm s) FR k) + N < t + n ->
  last (mm s) FR + N < extent (claims s) + n \/ misses (mm s) (Pr i) FR k.
Proof.
  intros P R V. destruct (stale_misses _ _ _ _ _ _ (a_sane _ _ _ _ _ known_now) R) as [M| ->]; auto. left.
  destruct (pinv_reach N most producers Npos s reached) as [[_ Se] _]. destruct (Se i f t n (or_introl P)) as [k [_ [K Kt]]].
  pose proof (a_wps _ _ _ _ _ known_now k K). unfold last. lia.
Qed.
End Linear.
