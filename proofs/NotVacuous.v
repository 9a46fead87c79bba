(* The theorems speak of something: a run with a message, a death between commit and copy, a batch, laps. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc SpscInvariant SpscKept Run Theorems.

Definition none (_ : nat) := 0.
Definition up := [FindA 0; FindB 0; FindC 0; FindD; FindE].
Definition push x := [Begin x] ++ map (fun _ => Write) x ++ [Filled; Terminate; Publish].
Definition story := up ++ push [5; 6] ++ [DieP; FindA 1; FindB 0; FindC 2; FindC 1; FindD; FindE]
  ++ [Attach 0; Poll 2; Word; Word; Deliver; Again 0 1; DieC; Attach 0; Poll 2; Word; Word; Deliver; Release; Room 1]
  ++ [Begin [7]; Write; Filled; Begin [8]; Write; Filled; Terminate; Publish; CopyEnd]
  ++ [Poll 3; Word; Deliver; Poll 1; Word; Deliver; Release].
Theorem not_vacuous : exists s, reach 8 2 shipped s /\ done s = [[5; 6]; [7]; [8]] /\ log s = [[5; 6]; [7]; [8]].
Proof.
  assert (X : option_map (fun s => (done s, log s)) (run 8 2 shipped story (init none)) = Some ([[5; 6]; [7]; [8]], [[5; 6]; [7]; [8]]))
    by (vm_compute; reflexivity).
  destruct (run 8 2 shipped story (init none)) as [s|] eqn:E; [|discriminate X].
  exists s. split; [eapply run_ok; [apply r0|exact E]|]. injection X as X1 X2. auto.
Qed.
