(* What is proved of the lone producer's ring when any word says anything: damage, or a hostile peer.
   Read Damage.v first. Memory may answer each load anew, so this holds while a peer writes at will. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Damage DamageProof.

Section Damage.
Variables N most W trailer : nat.            (* as in Theorems.v; the checksum's words *)
Variable dec : nat -> nat -> option nat.     (* a header's check, and the checksum: any functions *)
Variable sum : nat -> list nat -> nat.
Hypothesis room : most + trailer + 2 <= N.
Hypothesis wide : 4 * N <= W.
Notation in_bounds := (in_bounds N most trailer). Notation honest := (honest N most trailer dec sum).

(* A read: it loads in bounds, writes no word but the consumer's own two, ends within so many accesses, and is
   honest: what it delivers stands where it stood, is no longer than a largest message, and passed. *)
Theorem a_poll_is_safe q : sane W q ->
  safe in_bounds positions_only (fun r _ => honest q r) (most + trailer + 3) (poll N most trailer dec sum q).
Proof. exact (poll_safe N most W trailer dec sum room wide q). Qed.

(* A closer look, which searches behind damage: as safe, in time linear in the capacity. *)
Theorem a_closer_look_is_safe q : sane W q ->
  safe in_bounds positions_only (fun r _ => honest q r) (look_cost N most trailer) (examine N most W trailer dec sum q).
Proof. exact (look_safe N most W trailer dec sum room wide q). Qed.

(* A new consumer begins with positions that make sense. *)
Theorem attaching_is_safe : safe in_bounds positions_only (fun q _ => sane W q /\ cursor q = told q) 4 (attach N W).
Proof. exact (attach_safe N most W trailer room wide). Qed.

(* A new producer finds an end at most a capacity before its limit, or says that there is none. *)
Theorem finding_the_end_is_safe first clean : safe in_bounds in_bounds
  (fun r _ => match r with Some (p, limit) => Spsc.dist W limit p <= N | None => True end)
  (3 * N + longest most trailer + 6) (find_end N most W trailer dec first clean).
Proof. exact (find_end_safe N most W trailer dec room wide first clean). Qed.

(* A push: it stores to its record and the terminator, which have room below the limit that it was told. *)
Theorem a_push_is_safe w n : n <= most -> safe in_bounds (of_record N trailer w n)
  (fun r _ => match r with
    | Pushed w' limit => w' = w + record trailer n /\ record trailer n + 1 <= Spsc.dist W limit w <= N
    | _ => True end) (n + trailer + 4) (push N W trailer w n).
Proof. exact (push_safe N most W trailer room wide w n). Qed.
End Damage.

(* The theorems speak of something: a memory, in which a call is made. *)
Definition set (m : place -> nat) l v l' := if match l, l' with
  | Data i, Data j => i =? j | Wp, Wp | Rp, Rp | Fr, Fr | An, An => true | _, _ => false end then v else m l'.
Fixpoint made {A} (p : prog A) (m : place -> nat) : option A := match p with
  | Ret a => Some a | Get l k => made (k (m l)) m | Put l v k => made k (set m l v) | Stuck => None end.
(* A header says n where it is n + 1; the checksum is the payload's sum. *)
Definition says (h p : nat) := match h with 0 => None | S n => Some n end.
Definition adds (p : nat) (l : list nat) := fold_right plus 0 l.
Definition of_words l (e a : nat) := fun l' => match l' with Data i => nth i l 0 | Wp => e | An => a | _ => 0 end.
Notation look m := (made (examine 8 2 32 1 says adds (Consumer 0 0 0 0)) m).
Theorem not_vacuous_of_damage :
  look (of_words [3; 5; 6; 11] 4 0) = Some (Consumer 4 0 0 0, Message 0 2 3 [5; 6; 11]) /\    (* good *)
  look (of_words [3; 5; 6; 12] 4 0) = Some (Consumer 4 4 4 0, Damaged 0 4) /\                 (* a wrong checksum *)
  look (of_words [9; 5; 6; 12; 2; 7; 7] 7 0) = Some (Consumer 4 4 4 7, Damaged 0 4) /\        (* a wrong header; the next is good *)
  look (of_words [9; 5; 6; 12] 12 0) = Some (Consumer 0 0 0 12, Damaged 0 0) /\               (* an end that is none *)
  look (of_words [0; 5; 6; 12] 4 0) = Some (Consumer 0 0 0 4, Damaged 0 0) /\                 (* nothing here: told once *)
  look (of_words [0; 5; 6; 12] 4 5) = Some (Consumer 4 4 4 4, Damaged 0 4).                   (* told twice by the producer *)
Proof. vm_compute. repeat split; reflexivity. Qed.
