(* Many producers: the theorems speak of something, and each order is needed. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscStated MpscRun.

Definition arrives i := [Arrives i; Enters i; By i (New 0); By i Settles].
Definition claims_at i n k := [By i (Aim n k); By i Announce; By i Exchanges].
Definition fills i (x : list nat) := map (fun _ => By i Write) x.
Definition push i x k := claims_at i (S (length x)) k ++ [By i (Stamp x)] ++ fills i x ++ [By i Whole; By i Commit; By i Settles].
(* Two records in one claim; a message of n words of which k remain. *)
Definition push_both i x y k := claims_at i (size x + size y) k ++ [By i (Stamp x)] ++ fills i x ++ [By i Whole; By i (Next y)] ++ fills i y ++
  [By i Follow; By i Commit; By i Settles].
Definition push_less i x k n := claims_at i (size x) k ++ [By i (Stamp x)] ++ fills i x ++ [By i (Leave n (length x - n)); By i Whole; By i Commit; By i Settles].
Definition comes := [Consumer (Comes 0); Consumer (ComesMark 0); Consumer Redoes; Consumer Hands; Consumer Frees; Consumer Rests].
Definition reads k n := [Consumer (Poll k)] ++ repeat (Consumer Word) n ++ [Consumer Deliver].

(* One dies with a claim that was never stamped, a second commits behind it: the first is skipped. *)
Definition story := arrives 0 ++ arrives 1 ++ push 0 [5] 0 ++ claims_at 0 2 1 ++ [Dies 0] ++ push 1 [6] 2 ++ comes
  ++ reads 2 1 ++ [Consumer (Examine 3); Consumer (Asks 4); Consumer Dead; Consumer (Asks 3); Consumer All; Consumer (AgainHeader 0);
     Consumer (ScanNext 0); Consumer (ScanNext 0); Consumer (ScanNext 2)] ++ reads 2 1 ++ [Consumer Release].
Theorem not_vacuous_of_many : exists s, reach 8 2 2 shipped s /\ done s = [[5]; [6]] /\ length (claims s) = 3.
Proof.
  assert (X : option_map (fun s => (done s, length (claims s))) (run 8 2 2 shipped story init) = Some ([[5]; [6]], 3)) by (vm_compute; reflexivity).
  destruct (run 8 2 2 shipped story init) as [s|] eqn:E; [|discriminate X].
  exists s. split; [eapply run_ok; [apply r0|exact E]|]. clear E. injection X as X1 X2. auto.
Qed.

(* Claims split: two records come of one claim, of another a shorter message and what is left of it. The
   consumer dies within the first; its successor goes on behind what was handed back. *)
Definition split_story := arrives 0 ++ push_both 0 [5] [6; 7] 0 ++ comes ++ reads 2 1 ++ [Consumer Release; Consumer ZeroNext; Consumer ZeroNext;
    Consumer Hands; Consumer Frees; Consumer Rests] ++ reads 1 2 ++ [ConsumerDies; Consumer (Comes 2); Consumer (ComesMark 4); Consumer Redoes;
    Consumer Hands; Consumer Frees; Consumer Rests] ++ reads 1 2 ++ push_less 0 [8; 9] 1 1 ++ reads 2 1 ++ [Consumer (Poll 2); Consumer Release].
Theorem not_vacuous_of_split_claims : exists s, reach 8 2 2 shipped s /\ done s = [[5]; [6; 7]; [8]] /\
  map words (claims s) = [2; 3; 2; 1] /\ last (mm s) RM = 8.
Proof.
  assert (X : option_map (fun s => (done s, map words (claims s), last (mm s) RM)) (run 8 2 2 shipped split_story init) =
    Some ([[5]; [6; 7]; [8]], [2; 3; 2; 1], 8)) by (vm_compute; reflexivity).
  destruct (run 8 2 2 shipped split_story init) as [s|] eqn:E; [|discriminate X].
  exists s. split; [eapply run_ok; [apply r0|exact E]|]. clear E. injection X as X1 X2 X3. auto.
Qed.

(* What must not be: a race, or the consumer's passing a live claim, or one that was committed, unread. *)
Definition cursor_of (c : consumer) := match c with
  | Idle c _ _ _ | Take c _ _ _ _ _ | Zero c _ _ _ | Hand c _ _ | Rest c _ _ | Blank c _ _ _
  | Ask c _ _ _ _ _ | Doubt c _ _ _ _ _ | Again c _ _ _ _ | Scan c _ _ _ _ _ => Some c
  | Nobody | Attach _ | Redo _ _ => None end.
Fixpoint passed (l : list claim) c := match l with
  | nil => nil | x :: l => if words x <=? c then x :: passed l (c - words x) else nil end.
Definition lives x := match what x with Live => true | _ => false end.
Definition robs (s : st) := match cursor_of (cc s) with
  | Some c => existsb lives (passed (claims s) c) || (length (done s ++ held (cc s)) <? length (pays (passed (claims s) c)))
  | None => false end.
Definition bad_of_many O := exists s, reach 4 1 2 O s /\ (race (mm s) = true \/ robs s = true).
Lemma witness O l : match run 4 1 2 O l init with Some s => race (mm s) || robs s | None => false end = true -> bad_of_many O.
Proof.
  destruct (run 4 1 2 O l init) as [s|] eqn:E; [|discriminate]. intros X. exists s.
  split; [eapply run_ok; [apply r0|exact E]|apply orb_true_iff; exact X].
Qed.
Definition one_read := arrives 0 ++ push 0 [5] 0 ++ comes ++ [Consumer (Poll 2); Consumer Word].
Definition one_lap := one_read ++ [Consumer Deliver; Consumer Release; Consumer ZeroNext; Consumer ZeroNext; Consumer Hands; Consumer Frees; Consumer Rests]
  ++ push 0 [6] 1 ++ [By 0 (Room 2)] ++ claims_at 0 2 2 ++ [By 0 (Stamp [7])].
Definition one_skip k := [Consumer (Examine 1); Consumer (Asks k); Consumer (Asks 0); Consumer All; Consumer (AgainHeader 0);
  Consumer (ScanNext 0); Consumer (ScanNext 0); Consumer Scanned].
Definition a_live_one := arrives 0 ++ claims_at 0 2 0 ++ comes ++ one_skip 1.
Definition a_committed_one := arrives 0 ++ push 0 [5] 0 ++ comes ++ one_skip 3.
Ltac by_running l := apply (witness _ l); vm_compute; reflexivity.
Theorem need_publish_store_of_many : bad_of_many (Orders false true true true true true true true true true). Proof. by_running one_read. Qed.
Theorem need_publish_load_of_many  : bad_of_many (Orders true false true true true true true true true true). Proof. by_running one_read. Qed.
Theorem need_free_store_of_many    : bad_of_many (Orders true true false true true true true true true true). Proof. by_running one_lap. Qed.
Theorem need_free_load_of_many     : bad_of_many (Orders true true true false true true true true true true). Proof. by_running one_lap. Qed.
Theorem need_claim_store_of_many   : bad_of_many (Orders true true true true false true true true true true). Proof. by_running a_live_one. Qed.
Theorem need_claim_load_of_many    : bad_of_many (Orders true true true true true false true true true true). Proof. by_running a_live_one. Qed.
Theorem need_idle_store_of_many    : bad_of_many (Orders true true true true true true false true true true). Proof. by_running a_committed_one. Qed.
Theorem need_idle_load_of_many     : bad_of_many (Orders true true true true true true true false true true). Proof. by_running a_committed_one. Qed.

Lemma passed_prefix a b : (forall x, In x (a ++ b) -> 0 < words x) -> passed (a ++ b) (extent a) = a.
Proof.
  induction a as [|x a IH]; intros W; simpl.
  - destruct b as [|y b]; auto. simpl. pose proof (W y (or_introl eq_refl)). destruct (Nat.leb_spec (words y) 0); [lia|auto].
  - destruct (Nat.leb_spec (words x) (words x + extent a)); [|lia]. f_equal.
    replace (words x + extent a - words x) with (extent a) by lia. apply IH. intros y Y. apply W. right. auto.
Qed.
Theorem shipped_is_not_bad_of_many : ~ bad_of_many shipped.
Proof.
  intros [s [R [B|B]]]; assert (Np : 0 < 4) by lia.
  - rewrite (race_free 4 1 2 Np s R) in B. discriminate.
  - destruct (MpscHolds.inv_reach 4 1 2 Np s R) as [[K _] [_ [_ [[_ [_ [_ A4]]] _]]]].
    assert (Wp : forall p x, at_pos (claims s) p x -> 0 < words x) by (intros p x A; apply (MpscKnown.a_own _ _ _ _ _ K p x A)).
    assert (Ok : forall c r f h, MpscData.standing (mm s) (claims s) (done s) c r f h ->
      existsb lives (passed (claims s) c) || (length (done s ++ h) <? length (pays (passed (claims s) c))) = false).
    { intros c r f h [_ [_ [_ [[a [b [E [X P]]]] Bl]]]]. subst c.
      assert (Wi : forall x, In x (a ++ b) -> 0 < words x).
      { intros x I. rewrite <- E in I. apply in_split in I. destruct I as [a1 [a2 I]]. apply (Wp (extent a1)). exists a1, a2. auto. }
      rewrite E, (passed_prefix a b Wi), P, Nat.ltb_irrefl, orb_false_r. rewrite E in *.
      destruct (existsb lives a) eqn:Ex; auto. apply existsb_exists in Ex. destruct Ex as [x [I L]].
      pose proof (passed_ended 4 Np (mm s) (a ++ b) a b eq_refl Bl Wp x I). unfold lives in L. destruct (what x); congruence. }
    unfold robs in B. destruct (cc s); cbn [cursor_of MpscStated.held] in B; try discriminate B;
      (rewrite Ok in B; [discriminate|first [exact A4|exact (proj1 A4)]]) || (erewrite Ok in B; [discriminate|first [exact A4|exact (proj1 A4)]]).
Qed.
