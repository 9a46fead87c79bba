(* Each order is needed: with any one of them relaxed, a race or a false damage is reached. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc SpscInvariant SpscKept Run Theorems NotVacuous.

Definition bad O := exists s, reach 3 1 O s /\ (race (mm s) = true \/ wrong s = true).
Lemma witness O l : match run 3 1 O l (init none) with Some s => race (mm s) || wrong s | None => false end = true -> bad O.
Proof.
  destruct (run 3 1 O l (init none)) as [s|] eqn:E; [|discriminate]. intros X. exists s.
  split; [eapply run_ok; [apply r0|exact E]|apply orb_true_iff; exact X].
Qed.
Definition one_read := up ++ push [7] ++ [Attach 0; Poll 2; Word].
Definition one_lap := one_read ++ [Deliver; Release; CopyEnd; Room 1; Begin [8]; Write; Filled; Terminate].
Definition one_look := up ++ push [7] ++ [CopyEnd; Attach 0; LookA 2; LookB 0].
Ltac by_running l := apply (witness _ l); vm_compute; reflexivity.
Theorem need_publish_store : bad (Orders false true true true true true true true). Proof. by_running one_read. Qed.
Theorem need_publish_load  : bad (Orders true false true true true true true true). Proof. by_running one_read. Qed.
Theorem need_free_store    : bad (Orders true true false true true true true true). Proof. by_running one_lap. Qed.
Theorem need_free_load     : bad (Orders true true true false true true true true). Proof. by_running one_lap. Qed.
Theorem need_extent_store  : bad (Orders true true true true false true true true). Proof. by_running one_look. Qed.
Theorem need_extent_load   : bad (Orders true true true true true false true true). Proof. by_running one_look. Qed.
(* Without the terminator: what stood there in the last lap poses as a header. *)
Definition no_end := up ++ push [7] ++ [Attach 0; Poll 2; Word; Deliver; Poll 0].
Theorem need_terminator : exists s, reach 4 1 (Orders true true true true true true false true) s /\
  log s = [[7]] /\ exists c h n, cc s = Take c h n [].
Proof.
  set (O := Orders true true true true true true false true).
  assert (X : option_map (fun s => (log s, match cc s with Take _ _ _ [] => true | _ => false end))
    (run 4 1 O no_end (init (fun _ => 9))) = Some ([[7]], true)) by (vm_compute; reflexivity).
  destruct (run 4 1 O no_end (init (fun _ => 9))) as [s|] eqn:E; [|discriminate X].
  exists s. split; [eapply run_ok; [apply r0|exact E]|]. injection X as X1 X2. split; auto.
  destruct (cc s) as [| |c h n [|]|]; try discriminate. eauto.
Qed.
Theorem shipped_is_not_bad : ~ bad shipped.
Proof.
  intros [s [R B]]. destruct (spsc_safe 3 1 (le_n _) s true R) as [A1 [A2 _]]. destruct B; congruence.
Qed.
