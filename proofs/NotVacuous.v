(* The theorems speak of something: a run with a message, a death between commit and copy, a consumer's
   death with a view in hand, a batch, laps, words taken over, closing, the answer `closed`. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc Run.

(* A small encoding, and a memory without junk. *)
Definition small_enc (p n : nat) := S n.
Definition small_dec (h p : nat) := match h with 0 => None | S n => Some n end.
Lemma small_codes most : encoding most small_enc small_dec.
Proof. constructor; intros; simpl; auto. Qed.
Definition none (_ : nat) := 0.
Notation run_small N most O l := (run N most (4 * N) small_enc small_dec O l).
Notation reach_small N most O := (reach N most (4 * N) small_enc small_dec O).

Definition up n := [Enter; FindFreed 0; FindRead 0; FindStart 0; FindHeader n; FindClear; FindTell; FindCall].
Definition fill x := [Begin x] ++ map (fun _ => Write) x ++ [Filled].
Definition push x := fill x ++ [Terminate; Publish].
Definition arrive := [Arrive 0; ArriveFreed 0; ArriveTell].
Definition story := up 0 ++ push [5; 6]
  ++ [DieP; Enter; FindFreed 0; FindRead 0; FindStart 1; FindHeader 2; FindHeader 1; FindClear; FindTell; FindCall]
  ++ arrive ++ [Poll 2; Word; Word; Deliver; Again 0 1; DieC]
  ++ [Arrive 0; ArriveFreed 1; ArriveTell; Poll 2; Word; Word; Deliver; Release; OverLoad 1 1; OverStore; TellFreed; Room 3]
  ++ fill [7] ++ fill [8] ++ [FullSaid; FullTell; Terminate; Publish; CopyEnd; Close; Leave]
  ++ [Poll 3; Word; Deliver; Poll 1; View; Again 1 0; Mend 1; MendFreed 3; Roll true 3; Owner 3; Look 4; LookHeader 1].

Theorem not_vacuous : exists s q h k, reach_small 8 2 shipped s /\
  log s = [[5; 6]; [7]; [8]] /\ done s = [[5; 6]] /\ cc s = Ended q h k /\ h = [[7]; [8]].
Proof.
  assert (X : option_map (fun s => (log s, done s, match cc s with Ended _ h _ => h | _ => nil end))
    (run_small 8 2 shipped story (init none)) = Some ([[5; 6]; [7]; [8]], [[5; 6]], [[7]; [8]])) by (vm_compute; reflexivity).
  destruct (run 8 2 (4 * 8) small_enc small_dec shipped story (init none)) as [s|] eqn:E; [|discriminate X].
  assert (R : reach_small 8 2 shipped s) by (eapply run_ok; [apply r0|exact E]).
  clear E. injection X as X1 X2 X3. destruct (cc s) as [| | | | | | |q h k] eqn:F; try discriminate X3. exists s, q, h, k. auto.
Qed.
