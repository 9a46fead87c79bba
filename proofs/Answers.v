(* What an answer that says `nothing`, or `no room`, may leave out: what did not happen before it. *)
From Coq Require Import Arith Lia List.
From Annulus Require Import Machine.

Section Answers.
Variables loc tid : Type.
Notation mem := (Machine.mem loc tid).

(* Message k of l happens before whatever t does next. *)
Definition happened (m : mem) t l k := stamp (hist m l k) <= ck (tv m t) (who (hist m l k)).
(* Message k of l is not the newest, and none of the newer ones happened before. *)
Definition misses (m : mem) t l k := k < len m l - 1 /\ forall k', k < k' < len m l -> ~ happened m t l k'.

(* A load of a message that is not the newest may load it: so none of the newer ones happened before. *)
Lemma stale_misses m t l k : sane m -> can_read m t l k -> misses m t l k \/ k = len m l - 1.
Proof.
  intros S [L1 L2]. destruct (Nat.eq_dec k (len m l - 1)) as [E|E]; auto. left. split; [lia|]. intros k' K H.
  pose proof (sn_hb S (v := tv m t) (or_introl (ex_intro _ t eq_refl)) l) as B. specialize (B k'). unfold happened in H. lia.
Qed.
End Answers.
Arguments happened {loc tid}. Arguments misses {loc tid}.
