(* Each order is needed: with any one of them relaxed, a data race, a false report of damage or an early
   `closed` is reached. So is the terminator. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc SpscFacts Run NotVacuous Theorems.

Definition early (s : st) := match cc s with Ended _ h k => length (done s ++ h) <? nth k (ends s) 0 | _ => false end.
Definition bad O := exists s, reach_small 3 1 O s /\ (race (mm s) = true \/ wrong s = true \/ early s = true).
Lemma witness O l :
  match run_small 3 1 O l (init none) with Some s => race (mm s) || (wrong s || early s) | None => false end = true -> bad O.
Proof.
  destruct (run 3 1 (4 * 3) small_enc small_dec O l (init none)) as [s|] eqn:E; [|discriminate]. intros X. exists s.
  split; [eapply run_ok; [apply r0|exact E]|].
  apply orb_true_iff in X. destruct X as [X|X]; auto. apply orb_true_iff in X. auto.
Qed.
Definition one_read := up 0 ++ push [7] ++ arrive ++ [Poll 2; Word].
Definition one_lap := one_read ++ [Deliver; Release; TellFreed; CopyEnd; Room 2] ++ fill [8] ++ [Terminate].
Definition one_look := up 0 ++ push [7] ++ [CopyEnd] ++ arrive ++ [Look 2; LookHeader 0].
Definition one_close := up 0 ++ push [7] ++ [CopyEnd; Close] ++ arrive ++ [Owner 2; Look 0; LookHeader 0].
Ltac by_running l := apply (witness _ l); vm_compute; reflexivity.
Theorem need_publish_store : bad (Orders false true true true true true true true true true). Proof. by_running one_read. Qed.
Theorem need_publish_load  : bad (Orders true false true true true true true true true true). Proof. by_running one_read. Qed.
Theorem need_free_store    : bad (Orders true true false true true true true true true true). Proof. by_running one_lap. Qed.
Theorem need_free_load     : bad (Orders true true true false true true true true true true). Proof. by_running one_lap. Qed.
Theorem need_extent_store  : bad (Orders true true true true false true true true true true). Proof. by_running one_look. Qed.
Theorem need_extent_load   : bad (Orders true true true true true false true true true true). Proof. by_running one_look. Qed.
Theorem need_roll_store    : bad (Orders true true true true true true false true true true). Proof. by_running one_close. Qed.
Theorem need_roll_load     : bad (Orders true true true true true true true false true true). Proof. by_running one_close. Qed.

(* Without the terminator: what stood there in the last lap poses as a header. *)
Definition no_end := up 0 ++ push [7] ++ arrive ++ [Poll 2; Word; Deliver; Poll 0].
Theorem need_terminator : exists s q h n, reach_small 4 1 (Orders true true true true true true true true false true) s /\
  log s = [[7]] /\ h = [[7]] /\ cc s = Take q h n [].
Proof.
  set (O := Orders true true true true true true true true false true).
  assert (X : option_map (fun s => (log s, match cc s with Take _ h _ [] => h | _ => [] end))
    (run_small 4 1 O no_end (init (fun _ => 1))) = Some ([[7]], [[7]])) by (vm_compute; reflexivity).
  destruct (run 4 1 (4 * 4) small_enc small_dec O no_end (init (fun _ => 1))) as [s|] eqn:E; [|discriminate X].
  assert (R : reach_small 4 1 O s) by (eapply run_ok; [apply r0|exact E]). clear E. injection X as X1 X2.
  destruct (cc s) as [| | | |q h n [|]| | |] eqn:F; try discriminate X2. exists s, q, h, n. auto.
Qed.

(* Without the guard of find_end: one word says something else between a death and the next attach,
   write_pos, and the clearing at the end takes the header of what is unread. With it, it stays. *)
Definition damaged l x s := St (write atomic false P l x (mm s)) (pp s) (cc s) (log s) (done s) (ends s) (wrong s).
Definition search := [Enter; FindFreed 0; FindRead 0; FindStart 2; FindHeader 2; FindClear; FindTell; FindCall].
Definition leaves O header := exists s s', reach_small 3 1 shipped s /\ log s = [[7]] /\ done s = [] /\
  run_small 3 1 O search (damaged WP 3 s) = Some s' /\ last (mm s') (word 3 0) = header.
Lemma left_behind O x : match run_small 3 1 shipped (up 0 ++ push [7] ++ [DieP]) (init none) with
  | Some s => Some (log s, done s, option_map (fun s => last (mm s) (word 3 0)) (run_small 3 1 O search (damaged WP 3 s)))
  | None => None end = Some ([[7]], [], Some x) -> leaves O x.
Proof.
  destruct (run 3 1 (4 * 3) small_enc small_dec shipped _ _) as [s|] eqn:E; [|discriminate].
  destruct (run 3 1 (4 * 3) small_enc small_dec O search (damaged WP 3 s)) as [s'|] eqn:E'; [|discriminate].
  cbn [option_map]. intros X. injection X as A B D. exists s, s'.
  split; [eapply run_ok; [apply r0|exact E]|auto].
Qed.
Theorem need_to_spare : leaves (Orders true true true true true true true true true false) 0.
Proof. apply left_behind. vm_compute. reflexivity. Qed.
Theorem shipped_spares : leaves shipped (small_enc 0 1).
Proof. apply left_behind. vm_compute. reflexivity. Qed.

Theorem shipped_is_not_bad : ~ bad shipped.
Proof.
  intros [s [R B]]. assert (L : 1 + 2 <= 3) by auto. assert (Wd : 4 * 3 <= 4 * 3) by auto.
  destruct B as [B|[B|B]].
  - rewrite (no_data_race 3 1 _ _ _ L Wd (small_codes 1) s R) in B. discriminate.
  - rewrite (no_false_damage_and_no_view_changes 3 1 _ _ _ L Wd (small_codes 1) s R) in B. discriminate.
  - unfold early in B. destruct (cc s) eqn:E; try discriminate.
    destruct (closed_comes_last 3 1 _ _ _ L Wd (small_codes 1) s R _ _ _ E) as [_ [_ [X _]]].
    apply Nat.ltb_lt in B. lia.
Qed.
