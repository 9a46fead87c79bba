(* What is proved of the ring of one producer. Read Machine.v (first 85 lines) and Spsc.v first. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc SpscInvariant SpscKept Run.

Definition held (c : cpc) := match c with
  | Start => nil | Idle _ h => h | Take _ h _ _ => h | Exam _ h _ => h end.

Section Safety.
Variables N most : nat.
Hypothesis fits : most + 2 <= N.       (* one largest record, and a terminator behind it *)
Variable s : st.
(* Whether a producer that comes stores write_pos again makes no difference; the shipped one does. *)
Variable again : bool.
Hypothesis reached : reach N most (Orders true true true true true true true again) s.

(* No data race, no false damage, no view that changes; what is released for good and what is held
   are, in order, the records that were committed: none lost, none twice, none that was not. *)
Theorem spsc_safe :
  race (mm s) = false /\ wrong s = false /\
  exists n, length (done s) <= n <= length (log s) /\ done s ++ held (cc s) = firstn n (log s).
Proof.
  destruct (inv_reach N most fits again s reached) as [tau [H [_ [HC HW]]]].
  split; [apply (s_race _ _ _ _ _ H)|]. split; [exact HW|].
  destruct HC as [A1 [A2 [A3 [A4 A5]]]].
  assert (St : forall c h j, stands tau (mm s) (log s) (done s) c h j ->
    exists n, length (done s) <= n <= length (log s) /\ done s ++ h = firstn n (log s)).
  { intros c h j S. assert (length (done s) <= j) by (eapply done_le; eauto). destruct S as [S1 [_ [S3 _]]]. exists j. auto. }
  destruct (cc s); simpl.
  - exists (length (done s)). rewrite app_nil_r. auto.
  - destruct A5 as [j S]. eapply St; eauto.
  - destruct A5 as [j [S _]]. eapply St; eauto.
  - destruct A5 as [j [S _]]. eapply St; eauto.
Qed.

(* What is committed and not released stands in memory as it was written. *)
Theorem nothing_overwritten j i : length (done s) <= j -> j < length (log s) -> i < length (rec (log s) j) ->
  last (mm s) (word N (off (log s) j)) = size (rec (log s) j) /\
  last (mm s) (cell N (off (log s) j) i) = nth i (rec (log s) j) 0.
Proof.
  intros J1 J2 I. destruct (inv_reach N most fits again s reached) as [tau [H [_ [[A1 [A2 [A3 _]]] _]]]].
  assert (S : seen (mm s) <= off (log s) j).
  { pose proof (seen_released N most fits tau _ _ _ H A3). pose proof (off_mono (log s) (length (done s)) j). lia. }
  split; [apply (s_head _ _ _ _ _ H j S); auto; lia|]. apply (s_pay _ _ _ _ _ H j S J2 i I).
Qed.

Theorem never_more_than_fits : total (log s) + 1 <= off (log s) (length (done s)) + N.
Proof.
  destruct (inv_reach N most fits again s reached) as [tau [H [_ [[A1 [A2 [A3 _]]] _]]]].
  pose proof (seen_released N most fits tau _ _ _ H A3). pose proof (s_cap _ _ _ _ _ H). lia.
Qed.

(* A consumer that polls can take whatever is committed: the newest header is there for it. *)
Theorem nothing_hidden c h : cc s = Idle c h -> length (done s ++ h) < length (log s) ->
  exists k, can_read (mm s) C (word N c) k /\ val (hist (mm s) (word N c) k) = size (rec (log s) (length (done s ++ h))).
Proof.
  intros E L. destruct (inv_reach N most fits again s reached) as [tau [H [_ [[A1 [A2 [A3 [A4 A5]]]] _]]]].
  rewrite E in A5. destruct A5 as [j S]. assert (Dj : length (done s) <= j) by (eapply done_le; eauto). destruct S as [S1 [S2 [S3 S4]]].
  assert (Lj : length (done s ++ h) = j) by (rewrite S3; apply firstn_length_le; auto). rewrite Lj in *.
  assert (Sn : seen (mm s) <= off (log s) j).
  { pose proof (seen_released N most fits tau _ _ _ H A3). pose proof (off_mono (log s) (length (done s)) j Dj S1). lia. }
  destruct (s_head _ _ _ _ _ H j Sn S1) as [_ [X _]]. destruct (X L) as [X1 _].
  pose proof (ts_in N most tau _ _ H C (word N c)). subst c. exists (len (mm s) (word N (off (log s) j)) - 1).
  split; [split; lia|exact X1].
Qed.
End Safety.
