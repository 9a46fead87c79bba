(* `closed` of many producers: the theorem speaks of something, and its orders and last look are needed. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Mpsc MpscStated MpscRun MpscWitness MpscClosed.

(* Of two producers one pushes and closes; the other never came. The consumer calls the roll. *)
Definition one_closes := arrives 0 ++ push 0 [5] 0 ++ [Closes 0] ++ comes.
Definition the_roll := [Calls; Hears 2; Hears 0; Called].
(* No owner word has changed since the roll call, and something that was committed was not delivered. *)
Definition lost (s : st) ks := length ks = 2 /\ (forall i k, nth_error ks i = Some k -> k = len (mm s) (Own i) - 1) /\
  length (done s ++ held (cc s)) < length (pays (claims s)).
Definition closes_early O := exists s ks, reach 4 1 2 O s /\ roll s = Ended ks /\ lost s ks.

Lemma newest_of_two s a b : len (mm s) (Own 0) = S a -> len (mm s) (Own 1) = S b ->
  forall i k, nth_error [a; b] i = Some k -> k = len (mm s) (Own i) - 1.
Proof. intros A B i k E. destruct i as [|[|[|i]]]; simpl in E; try discriminate E; injection E as <-; lia. Qed.
Definition told (s : st) := (roll s, len (mm s) (Own 0), len (mm s) (Own 1), done s ++ held (cc s), pays (claims s)).

Theorem not_vacuous_of_closed : exists s ks, reach 4 1 2 shipped s /\ roll s = Ended ks /\ pays (claims s) = [[5]] /\
  forall i k, nth_error ks i = Some k -> k = len (mm s) (Own i) - 1.
Proof.
  pose (l := one_closes ++ the_roll ++ reads 2 1 ++ [Ends 1]).
  assert (X : option_map told (run 4 1 2 shipped l init) = Some (Ended [2; 0], 3, 1, [[5]], [[5]])) by (vm_compute; reflexivity).
  destruct (run 4 1 2 shipped l init) as [s|] eqn:E; [|discriminate X]. injection X as X1 X2 X3 X4 X5.
  exists s, [2; 0]. split; [eapply run_ok; [apply r0|exact E]|]. split; [exact X1|]. split; [exact X5|]. apply newest_of_two; auto.
Qed.

Lemma early O : option_map told (run 4 1 2 O (one_closes ++ the_roll ++ [Ends 0]) init) = Some (Ended [2; 0], 3, 1, nil, [[5]]) -> closes_early O.
Proof.
  destruct (run 4 1 2 O _ init) as [s|] eqn:E; [|discriminate]. intros X. injection X as X1 X2 X3 X4 X5.
  exists s, [2; 0]. split; [eapply run_ok; [apply r0|exact E]|]. split; [exact X1|]. split; [reflexivity|].
  split; [apply newest_of_two; auto|]. rewrite X4, X5. simpl. lia.
Qed.
Theorem need_roll_store_of_many : closes_early (Orders true true true true true true true true false true).
Proof. apply early. vm_compute. reflexivity. Qed.
Theorem need_roll_load_of_many : closes_early (Orders true true true true true true true true true false).
Proof. apply early. vm_compute. reflexivity. Qed.
(* With the roll called and no look behind it, a message is there that would be lost. *)
Theorem need_the_last_look_of_many : exists s ks, reach 4 1 2 shipped s /\ roll s = Closed ks /\ lost s ks.
Proof.
  assert (X : option_map told (run 4 1 2 shipped (one_closes ++ the_roll) init) = Some (Closed [2; 0], 3, 1, nil, [[5]])) by (vm_compute; reflexivity).
  destruct (run 4 1 2 shipped (one_closes ++ the_roll) init) as [s|] eqn:E; [|discriminate X]. injection X as X1 X2 X3 X4 X5.
  exists s, [2; 0]. split; [eapply run_ok; [apply r0|exact E]|]. split; [exact X1|]. split; [reflexivity|].
  split; [apply newest_of_two; auto|]. rewrite X4, X5. simpl. lia.
Qed.
Theorem shipped_does_not_close_early : ~ closes_early shipped.
Proof.
  intros [s [ks [R [E [_ [L X]]]]]]. assert (Np : 0 < 4) by lia. rewrite (closed_all 4 1 2 Np s R ks E L) in X. lia.
Qed.
