(* Many producers: the consumer writes only where it hands space back, so recovery writes nothing. Read
   Mpsc.v first. It holds for any orders, and is seen by looking at each step. *)
From Coq Require Import Arith Lia List Bool.
From Annulus Require Import Machine Mpsc.

Section Recovery.
Variables N producers : nat.
Variable O : orders.
Variables (al : nat -> bool) (m m' : mem) (c c' : consumer) (d d' : list (list nat)).
Hypothesis stepped : cstep N producers O al m c d m' c' d'.
Definition writes_nothing := len m' = len m /\ hist m' = hist m.

(* A step that does not hand back, and does not begin to, leaves every word and its past as they were. *)
Theorem only_handing_back_writes : hands_back c = false -> hands_back c' = false -> writes_nothing.
Proof. unfold writes_nothing. destruct stepped; try discriminate; auto. Qed.

(* Recovery asks, reads headers and zeros, and moves the cursor. What it skips stands as it was left
   until the release: a death inside it loses nothing, and the next consumer finds the same. *)
Definition recovers (c : consumer) := match c with
  | Ask _ _ _ _ _ _ | Doubt _ _ _ _ _ _ | Again _ _ _ _ _ | Scan _ _ _ _ _ _ => true | _ => false end.
Theorem recovery_writes_nothing : recovers c = true -> writes_nothing /\ d' = d /\ hands_back c' = false.
Proof.
  unfold writes_nothing. destruct stepped; try discriminate; unfold scanned;
    repeat match goal with |- context[if ?b then _ else _] => destruct b end; auto.
Qed.
End Recovery.
