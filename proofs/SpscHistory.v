(* The histories of one producer's ring are linearizable: the proof. Along a run, what the sequence has
   popped and what waits in it are what the ring has of them. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Access Spsc SpscFacts Run History.

Section History.
Variables N most W : nat.
Variable enc : nat -> nat -> nat.
Variable dec : nat -> nat -> option nat.
Hypothesis room : most + 2 <= N.
Hypothesis wide : 4 * N <= W.
Hypothesis codes : encoding most enc dec.
Notation reach := (reach N most W enc dec shipped). Notation step := (step N most W enc dec shipped).
Notation history := (history N most W enc dec shipped). Notation points := (points tid_dec).

Definition taking (s : st) := rec (log s) (length (done s ++ held (cc s))).
Definition popped (s : st) := held (cc s) ++ match cc s with Take _ _ _ _ => [taking s] | _ => nil end.
Definition stands_p (p : producer) : phase call answer := match p with
  | Commit _ _ bs => Called (Push bs) | Copy _ _ => Took Ok | Full _ _ _ => Called Claim | _ => Rest end.
Definition stands_c (s : st) : phase call answer := match cc s with
  | Exam _ _ _ => Called Pop | Take _ _ _ _ => Took (Got (taking s)) | _ => Rest end.
Definition follows (s : st) h := exists p l w, points h p l /\ fifo N l (popped s) w /\
  done s ++ popped s ++ w = log s /\ p P = stands_p (pp s) /\ p C = stands_c s.

Lemma history_reach s h : history s h -> reach s.
Proof. induction 1; [apply r0|eapply rS; eauto]. Qed.
Lemma now_eq p r x : now (call := call) (answer := answer) tid_dec p r x r = x.
Proof. unfold now. destruct (tid_dec r r); congruence. Qed.
Lemma now_ne p r x r' : r <> r' -> now (call := call) (answer := answer) tid_dec p r x r' = p r'.
Proof. intros. unfold now. destruct (tid_dec r r'); congruence. Qed.

(* What is taken is the first that waits. *)
Lemma first_waits (g d h w : list (list nat)) : d ++ h ++ w = g -> length (d ++ h) < length g ->
  exists w', w = rec g (length (d ++ h)) :: w' /\ d ++ (h ++ [rec g (length (d ++ h))]) ++ w' = g.
Proof.
  intros E L. rewrite app_assoc in E. destruct w as [|x w]; [rewrite app_nil_r in E; subst g; lia|].
  assert (X : rec g (length (d ++ h)) = x) by (unfold rec; rewrite <- E, app_nth2, Nat.sub_diag by lia; reflexivity).
  exists w. rewrite X. split; auto. rewrite <- E, <- !app_assoc. reflexivity.
Qed.

Lemma tells_p_same p : tells_p p p = nil. Proof. destruct p; reflexivity. Qed.
Lemma tells_c_same c d : tells_c c c d d = nil. Proof. destruct c; simpl; rewrite ?Nat.ltb_irrefl; reflexivity. Qed.
(* A step that tells nothing and leaves the queue as it was. *)
Lemma silent s s' h : follows s h -> tells s s' = nil -> done s' = done s -> log s' = log s -> popped s' = popped s ->
  stands_p (pp s') = stands_p (pp s) -> stands_c s' = stands_c s -> follows s' (h ++ tells s s').
Proof.
  intros [p [l [w [H1 [H2 [H3 [H4 H5]]]]]]] T D G Q P1 C1. rewrite T, app_nil_r. exists p, l, w. rewrite D, G, Q, P1, C1. auto.
Qed.
(* The load of a header that says a record: a pop takes effect; it was called there, or before. *)
Lemma pops s' h q hl n p l w : reach s' -> points h p l -> fifo N l hl w -> p P = stands_p (pp s') -> p C = Called Pop ->
  done s' ++ hl ++ w = log s' -> cc s' = Take q hl n nil -> follows s' h.
Proof.
  intros R H1 H2 P1 C1 E T. destruct (taken N most W enc dec room wide codes s' R _ _ _ _ T) as [L _].
  destruct (first_waits _ _ _ _ E L) as [w' [-> E']].
  exists (now tid_dec p C (Took (Got (taking s')))), (l ++ [Does C Pop (Got (taking s'))]), w'.
  unfold follows, popped, stands_c, taking. rewrite T. cbn [held]. split; [apply at_point; auto|]. split; [apply pop; auto|].
  split; [exact E'|]. split; [rewrite now_ne by discriminate; exact P1|apply now_eq].
Qed.
Ltac tell := unfold tells; cbn [pp cc done tells_p tells_c]; rewrite ?tells_p_same, ?tells_c_same, ?Nat.ltb_irrefl, ?app_nil_r.
Ltac kept := cbn [pp cc log done] in *; unfold popped, taking, stands_c; cbn [pp cc log done SpscFacts.held]; auto.
Ltac quiet := apply silent; tell; kept; reflexivity.
Ltac phases := rewrite ?now_eq; rewrite ?now_ne by discriminate; auto.

Lemma producer_goes m p c g d e z h : follows (St m p c g d e z) h -> follows (St m Away c g d e z) (h ++ tells (St m p c g d e z) (St m Away c g d e z)).
Proof.
  intros F. assert (D : p = Away \/ tells (St m p c g d e z) (St m Away c g d e z) = [Dies P]).
  { tell. destruct p; auto. }
  destruct D as [->|D]; [apply silent; tell; kept|]. rewrite D. destruct F as [ph [l [w [H1 [H2 [H3 [H4 H5]]]]]]].
  exists (now tid_dec ph P Rest), (l ++ [Stops P]), w. kept. split; [apply at_death; auto|]. split; [apply no_producer; auto|].
  split; auto; phases.
Qed.
Lemma consumer_goes m p c g d e z h : follows (St m p c g d e z) h -> follows (St m p Nobody g d e z) (h ++ tells (St m p c g d e z) (St m p Nobody g d e z)).
Proof.
  intros F. assert (D : c = Nobody \/ tells (St m p c g d e z) (St m p Nobody g d e z) = [Dies C]).
  { tell. destruct c; auto. }
  destruct D as [->|D]; [quiet|]. rewrite D. destruct F as [ph [l [w [H1 [H2 [H3 [H4 H5]]]]]]].
  exists (now tid_dec ph C Rest), (l ++ [Stops C]), (popped (St m p c g d e z) ++ w). kept. split; [apply at_death; auto|].
  split; [apply no_consumer; auto|]. split; auto; phases.
Qed.
(* A pop is answered with the record that was taken. *)
Lemma last_read (d h g : list (list nat)) x n : d ++ h ++ [x] = firstn n g -> rec g (length (d ++ h)) = x.
Proof.
  intros E. unfold rec. rewrite <- (firstn_skipn n g), <- E, !app_assoc, <- app_assoc, app_nth2, Nat.sub_diag by lia. reflexivity.
Qed.
Lemma delivers m p q hl n got x q' g d e z h : let s := St m p (Take q hl n got) g d e z in let s' := St m p (Idle q' (hl ++ [x])) g d e z in
  follows s h -> reach s' -> follows s' (h ++ tells s s').
Proof.
  intros s s' [ph [l [w [H1 [H2 [H3 [H4 H5]]]]]]] R'. destruct (prefix N most W enc dec room wide codes s' R') as [j [_ X]].
  apply last_read in X. subst s s'. unfold popped, stands_c, taking in *. cbn [pp cc log done held] in *. tell. rewrite last_last, X in *.
  exists (now tid_dec ph C Rest), l, w. kept. rewrite app_nil_r. split; [apply at_answer; auto|]. split; auto; phases.
Qed.
(* A producer calls, is answered, or fails. *)
Lemma producer_tells m m' p p' c g d e z h : let s := St m p c g d e z in let s' := St m' p' c g d e z in
  (exists k, stands_p p = Rest /\ stands_p p' = Called k /\ tells_p p p' = [Calls P k]) \/
  (exists a, stands_p p = Took a /\ stands_p p' = Rest /\ tells_p p p' = [Answers P a]) \/
  (exists k, stands_p p = Called k /\ stands_p p' = Rest /\ tells_p p p' = [Fails P]) ->
  follows s h -> follows s' (h ++ tells s s').
Proof.
  intros s s' Q [ph [l [w [H1 [H2 [H3 [H4 H5]]]]]]]. subst s s'. tell. cbn [pp cc log done] in *.
  destruct Q as [[k [P1 [P2 ->]]]|[[a [P1 [P2 ->]]]|[k [P1 [P2 ->]]]]]; rewrite P1 in H4; eexists _, l, w; kept; rewrite P2.
  - split; [apply at_call with (c := k); eauto|]. split; auto; phases.
  - split; [eapply at_answer; eauto|]. split; auto; phases.
  - split; [eapply at_failure; eauto|]. split; auto; phases.
Qed.

Lemma follow s s' h : reach s -> follows s h -> step s s' -> follows s' (h ++ tells s s').
Proof.
  intros R F Hs. assert (R' : reach s') by (eapply rS; eauto).
  destruct Hs; try (quiet; fail); try (eapply delivers; eassumption);
    try (apply producer_goes; exact F); try (apply consumer_goes; exact F).
  - (* a push is called *) eapply producer_tells; eauto. left. eexists. repeat split; reflexivity.
  - (* it takes effect *) tell. destruct F as [ph [l [wt [H1 [H2 [H3 [H4 H5]]]]]]].
    pose proof (bounded N most W enc dec room wide codes _ R') as B. cbn [pp cc log done] in *.
    set (s := St m (Commit f w (b :: bs)) c g d e z) in *. match goal with |- follows ?s _ => set (s' := s) in * end.
    assert (Q : popped s' = popped s /\ stands_c s' = stands_c s).
    { unfold popped, stands_c, taking. subst s s'. cbn [cc log done]. destruct c; auto. cbn [SpscFacts.held].
      destruct (taken N most W enc dec room wide codes _ R _ _ _ _ eq_refl) as [L _]. cbn [log done] in L. rewrite rec_app by auto. auto. }
    destruct Q as [Q1 Q2].
    exists (now tid_dec ph P (Took Ok)), (l ++ [Does P (Push (b :: bs)) Ok]), (wt ++ b :: bs). rewrite Q1, Q2. split; [apply at_point; auto|].
    assert (T : d ++ popped s ++ wt ++ b :: bs = g ++ b :: bs) by (rewrite <- H3, <- !app_assoc; reflexivity).
    split; [apply push; auto|].
    { rewrite <- T in B. unfold off in B. rewrite firstn_app, firstn_all, Nat.sub_diag, app_nil_r, total_app in B. lia. }
    split; [exact T|]. phases.
  - (* it is answered *) eapply producer_tells; eauto. right. left. eexists. repeat split; reflexivity.
  - (* no room *) eapply producer_tells; eauto. left. eexists. repeat split; reflexivity.
  - eapply producer_tells; eauto. right. right. eexists. repeat split; reflexivity.
  - (* leaving *) destruct F as [ph [l [wt [H1 [H2 [H3 [H4 H5]]]]]]]. tell.
    exists (now tid_dec ph P Rest), (l ++ [Stops P]), wt. kept. split; [apply at_death; auto|]. split; [apply no_producer; auto|]. phases.
  - destruct (walk_from N W (val (hist m WP k)) r); quiet.
  - destruct (length_of W dec h0 w); [destruct (N <? dist W (f + N) (w + S n))|]; quiet.
  - (* poll *) unfold after_header in *. destruct (length_of W dec (val (hist m (word N (cursor q)) k)) (cursor q)) as [n|]; [|quiet].
    destruct (n <=? most); [|quiet]. tell. destruct F as [ph [l [wt [H1 [H2 [H3 [H4 H5]]]]]]].
    unfold popped in H2, H3. cbn [pp cc log done SpscFacts.held] in *. rewrite ?app_nil_r in *.
    eapply pops; [exact R'|apply at_call; [exact H1|exact H5]|exact H2|..]; cbn [pp log done cc]; auto; phases.
  - (* release *) destruct F as [ph [l [wt [H1 [H2 [H3 [H4 H5]]]]]]]. unfold popped in H2, H3. unfold stands_c in *. cbn [pp cc log done SpscFacts.held] in *.
    rewrite ?app_nil_r in *. destruct held as [|x held].
    + exists ph, l, wt. tell. tell. kept.
    + exists (now tid_dec (now tid_dec (now tid_dec ph C (Called Release)) C (Took Ok)) C Rest), (l ++ [Does C Release Ok]), wt. tell.
      rewrite app_length. replace (length d <? length d + length (x :: held)) with true by (symmetry; apply Nat.ltb_lt; simpl; lia).
      split.
      * cbn [app]. replace (h ++ _) with ((h ++ [Calls C Release]) ++ [Answers C Ok]) by (rewrite <- app_assoc; reflexivity).
        apply at_answer; [apply at_point; [apply at_call; auto|phases]|phases].
      * kept. rewrite <- app_assoc. cbn [app]. split; [eapply release; eauto|]. split; auto; phases.
  - (* a closer look *) destruct F as [ph [l [wt [H1 [H2 [H3 [H4 H5]]]]]]]. tell.
    exists (now tid_dec ph C (Called Pop)), l, wt. kept. split; [apply at_call; auto|]. split; auto; phases.
  - unfold readable, after_header in *. destruct F as [ph [l [wt [H1 [H2 [H3 [H4 H5]]]]]]].
    assert (No : forall c', (c' = Idle q held \/ exists k, c' = Ended q held k) -> forall m' z', follows (St m' p c' g d e z')
      (h ++ tells (St m p (Exam q held x) g d e z) (St m' p c' g d e z'))).
    { intros c' Q m' z'. exists (now tid_dec ph C Rest), l, wt. destruct Q as [->|[k' ->]]; tell; kept;
        (split; [eapply at_failure; [exact H1|exact H5]|split; auto; phases]). }
    destruct (length_of W dec h0 (cursor q)) as [n|]; [destruct (n <=? most)|].
    + tell. unfold popped in H2, H3. cbn [pp cc log done SpscFacts.held] in *. rewrite ?app_nil_r in *.
      eapply pops; [exact R'|exact H1|exact H2|exact H4|exact H5|exact H3|reflexivity].
    + destruct (ending q); apply No; eauto.
    + destruct (ending q); apply No; eauto.
Qed.

Lemma history_follows s h : history s h -> follows s h.
Proof.
  induction 1 as [junk|s s' h H IH Hs]; [|apply follow; auto; eapply history_reach; eauto].
  exists (fun _ => Rest), nil, nil. repeat split; constructor.
Qed.
Lemma linear s h : history s h -> linearizable tid_dec (is_queue N) h.
Proof. intros H. destruct (history_follows s h H) as [p [l [w [H1 [H2 _]]]]]. exists p, l. split; auto. exists (popped s), w. auto. Qed.
End History.

(* ---- what is linearizable is what one expects ---- *)
Section Expected.
Variable N : nat.
Notation event := (event tid call answer). Notation effect := (effect tid call answer). Notation points := (points tid_dec).
Fixpoint called (h : list event) := match h with Calls P (Push bs) :: h => bs ++ called h | _ :: h => called h | nil => nil end.
Fixpoint got (h : list event) := match h with Answers C (Got x) :: h => x :: got h | _ :: h => got h | nil => nil end.
Definition smooth (h : list event) := forall r, ~ In (Dies r) h /\ ~ In (Fails r) h.
Fixpoint pushed (l : list effect) := match l with Does P (Push bs) _ :: l => bs ++ pushed l | _ :: l => pushed l | nil => nil end.
Fixpoint taken_out (l : list effect) := match l with Does C _ (Got x) :: l => x :: taken_out l | _ :: l => taken_out l | nil => nil end.

Lemma called_app a b : called (a ++ b) = called a ++ called b.
Proof. induction a as [|[[] []| | |] a IH]; simpl; auto. rewrite IH, app_assoc. auto. Qed.
Lemma got_app a b : got (a ++ b) = got a ++ got b.
Proof. induction a as [|[|[] []| |] a IH]; simpl; auto. rewrite IH. auto. Qed.
Lemma pushed_app a b : pushed (a ++ b) = pushed a ++ pushed b.
Proof. induction a as [|[[] []|] a IH]; simpl; auto. rewrite IH, app_assoc. auto. Qed.
Lemma taken_out_app a b : taken_out (a ++ b) = taken_out a ++ taken_out b.
Proof. induction a as [|[[] c []|] a IH]; simpl; auto. rewrite IH. auto. Qed.

Lemma fifo_order l h w : fifo N l h w -> ~ In (Stops C) l -> pushed l = taken_out l ++ w.
Proof.
  induction 1 as [|l h w bs F IH B|l h x w F IH|l h w F IH|l h w F IH|l h w F IH]; intros No; auto;
    rewrite ?pushed_app, ?taken_out_app; simpl; rewrite ?app_nil_r; rewrite in_app_iff in No; try (apply IH; tauto).
  - rewrite IH by tauto. apply app_assoc_reverse.
  - rewrite IH by tauto. rewrite <- app_assoc. reflexivity.
  - destruct No. right. left. auto.
Qed.
Lemma points_order h p l : points h p l -> smooth h -> ~ In (Stops C) l /\
  called h = pushed l ++ match p P with Called (Push bs) => bs | _ => nil end /\
  taken_out l = got h ++ match p C with Took (Got x) => [x] | _ => nil end.
Proof.
  unfold smooth. induction 1 as [|h p l r c H IH E|h p l r c a H IH E|h p l r a H IH E|h p l r c H IH E|h p l r H IH]; intros Sm; auto;
    try (assert (Sm' : smooth h) by (intros t; specialize (Sm t); rewrite !in_app_iff in Sm; tauto); specialize (IH Sm'));
    try specialize (IH Sm); try (destruct IH as [I1 [I2 I3]]);
    rewrite ?called_app, ?got_app, ?pushed_app, ?taken_out_app, ?I2, ?I3; try (destruct (Sm r) as [S1 S2]; rewrite in_app_iff in *; simpl in *; tauto).
  all: unfold now; destruct r; cbn [tid_dec tid_rect tid_rec]; simpl; rewrite ?E, ?app_nil_r; repeat split; auto.
  all: first [destruct c; rewrite ?app_nil_r; reflexivity | rewrite in_app_iff; simpl; intros [X|[X|[]]]; [auto|discriminate X]].
Qed.
Lemma in_order h : linearizable tid_dec (is_queue N) h -> smooth h -> exists rest, called h = got h ++ rest.
Proof.
  intros [p [l [H [hl [w F]]]]] Sm. destruct (points_order h p l H Sm) as [I1 [I2 I3]]. rewrite I2, (fifo_order l hl w F I1), I3, <- !app_assoc.
  eauto.
Qed.

(* What is linearizable is so from its beginning to any moment. *)
Lemma snoc_cut A (l : list A) x a b : l ++ [x] = a ++ b -> a = l ++ [x] \/ exists b', b = b' ++ [x] /\ l = a ++ b'.
Proof.
  destruct b as [|y b] using rev_ind; [rewrite app_nil_r; auto|]. rewrite app_assoc. intros E. apply app_inj_tail in E.
  destruct E as [-> ->]. right. eauto.
Qed.
Lemma fifo_cut l h w : fifo N l h w -> forall a b, l = a ++ b -> is_queue N a.
Proof.
  unfold is_queue. induction 1; intros a b E.
  { symmetry in E. apply app_eq_nil in E. destruct E as [-> _]. exists nil, nil. constructor. }
  all: apply snoc_cut in E; destruct E as [->|[b' [_ ->]]]; [|eapply IHfifo; reflexivity].
  all: eexists _, _; econstructor; eauto.
Qed.
Lemma points_cut (h : list event) p (l : list effect) : points h p l -> forall a b, h = a ++ b -> exists p' l' m, points a p' l' /\ l = l' ++ m.
Proof.
  induction 1 as [|h p l r c H IH E|h p l r c x H IH E|h p l r x H IH E|h p l r c H IH E|h p l r H IH]; intros a b Eh.
  { symmetry in Eh. apply app_eq_nil in Eh. destruct Eh as [-> _]. exists (fun _ => Rest), nil, nil. split; [constructor|auto]. }
  2: { destruct (IH a b Eh) as [p' [l' [m [X ->]]]]. exists p', l'. eexists. rewrite <- app_assoc. eauto. }
  all: apply snoc_cut in Eh; destruct Eh as [->|[b' [_ ->]]];
    [|destruct (IH a b' eq_refl) as [p' [l' [m [X ->]]]]; exists p', l'; eexists; rewrite <- ?app_assoc; eauto; fail].
  all: eexists _, _, nil; rewrite app_nil_r; split; [econstructor; eauto|reflexivity].
Qed.
Lemma cut a b : linearizable tid_dec (is_queue N) (a ++ b) -> linearizable tid_dec (is_queue N) a.
Proof.
  intros [p [l [H [hl [w F]]]]]. destruct (points_cut _ p l H a b eq_refl) as [p' [l' [m [X ->]]]]. exists p', l'.
  split; [exact X|]. eapply fifo_cut; eauto.
Qed.
End Expected.

(* ---- the history that a run tells ---- *)
Section Told.
Variables N most W : nat.
Variable enc : nat -> nat -> nat.
Variable dec : nat -> nat -> option nat.
Variable O : orders.
Fixpoint told (l : list act) s := match l with
  | nil => nil
  | a :: l => match exec N most W enc dec O a s with Some s' => tells s s' ++ told l s' | None => nil end end.
Lemma told_ok l : forall s s' h, history N most W enc dec O s h -> run N most W enc dec O l s = Some s' ->
  history N most W enc dec O s' (h ++ told l s).
Proof.
  induction l as [|a l IH]; simpl; intros s s' h H E; [rewrite app_nil_r; congruence|].
  destruct (exec N most W enc dec O a s) eqn:X; [|discriminate]. rewrite app_assoc. eapply IH; [|exact E].
  eapply h_step; eauto. eapply exec_ok. eauto.
Qed.
Lemma told_all junk l s : run N most W enc dec O l (init junk) = Some s -> history N most W enc dec O s (told l (init junk)).
Proof. intros E. apply (told_ok l (init junk) s nil); [constructor|exact E]. Qed.
End Told.
