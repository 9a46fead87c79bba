(* The ring of one producer is a FIFO queue: each of its steps is one of the queue's, or none. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc SpscFacts.

(* A queue: all that was pushed, how much of it was popped, how much of that was released. *)
Definition queue := (list (list nat) * nat * nat)%type.
Inductive qstep : queue -> queue -> Prop :=
| q_push l t f bs : bs <> nil -> qstep (l, t, f) (l ++ bs, t, f)          (* a batch, at once *)
| q_pop l t f : t < length l -> qstep (l, t, f) (l, S t, f)               (* the next one: record t *)
| q_release l t f : qstep (l, t, f) (l, t, t)
| q_dies l t f : qstep (l, t, f) (l, f, f).                               (* what was not released comes again *)

Definition popped (q : queue) := let '(_, t, _) := q in t.
Definition is_empty (q : queue) := let '(l, t, _) := q in t = length l.

(* The linearization points: a push is the store of its first header (p_commit); a pop is the load of
   a header that says a record (c_poll, c_exam_header). A record that is being read was popped. *)
Definition queue_of (s : st) : queue :=
  (log s, length (done s ++ held (cc s)) + match cc s with Take _ _ _ _ => 1 | _ => 0 end, length (done s)).

Section Linear.
Variables N most W : nat.
Variable enc : nat -> nat -> nat.
Variable dec : nat -> nat -> option nat.
Hypothesis room : most + 2 <= N.
Hypothesis wide : 4 * N <= W.
Hypothesis codes : encoding most enc dec.
Notation reach := (reach N most W enc dec shipped). Notation step := (step N most W enc dec shipped).

Ltac same := left; unfold queue_of; cbn [log done cc held]; reflexivity.
Lemma found s q h v : reach s -> cc s = after_header most W dec q h v ->
  queue_of s = (log s, length (done s ++ h), length (done s)) \/
  qstep (log s, length (done s ++ h), length (done s)) (queue_of s).
Proof.
  intros R E. unfold after_header in E.
  assert (Idl : cc s = Idle q h -> queue_of s = (log s, length (done s ++ h), length (done s))).
  { intros X. unfold queue_of. rewrite X. cbn [held]. rewrite Nat.add_0_r. auto. }
  destruct (length_of W dec v (cursor q)) as [n|]; [|left; auto]. destruct (n <=? most); [|left; auto]. right.
  destruct (taken N most W enc dec room wide codes s R q h n nil E) as [L _].
  unfold queue_of. rewrite E. cbn [held]. replace (length (done s ++ h) + 1) with (S (length (done s ++ h))) by lia. apply q_pop. auto.
Qed.

Lemma fifo s s' : reach s -> step s s' -> queue_of s' = queue_of s \/ qstep (queue_of s) (queue_of s').
Proof.
  intros R Hs. assert (R' : reach s') by (eapply rS; eauto). destruct Hs; try same.
  - (* commit *) right. unfold queue_of. cbn [log done cc held]. apply q_push. discriminate.
  - left. destruct (walk_from N W (val (hist m WP k)) r); reflexivity.
  - left. destruct (length_of W dec h w); reflexivity.
  - (* poll *) destruct (found _ q held (val (hist m (word N (cursor q)) k)) R' eq_refl) as [X|X]; cbn [log done] in X.
    + left. rewrite X. unfold queue_of. cbn [log done cc SpscFacts.held]. rewrite Nat.add_0_r. auto.
    + right. unfold queue_of at 1. cbn [log done cc SpscFacts.held]. rewrite Nat.add_0_r. exact X.
  - (* deliver *) left. unfold queue_of. cbn [log done cc SpscFacts.held]. rewrite !app_length. simpl. do 2 f_equal. lia.
  - left. unfold queue_of. cbn [log done cc SpscFacts.held]. rewrite !app_length. simpl. do 2 f_equal. lia.
  - (* release *) right. unfold queue_of. cbn [log done cc SpscFacts.held]. rewrite app_nil_r, !Nat.add_0_r. apply q_release.
  - (* a closer look *) destruct (readable most W dec q h) eqn:Rd.
    + destruct (found _ q held h R' eq_refl) as [X|X]; cbn [log done] in X.
      * left. rewrite X. unfold queue_of. cbn [log done cc SpscFacts.held]. rewrite Nat.add_0_r. auto.
      * right. unfold queue_of at 1. cbn [log done cc SpscFacts.held]. rewrite Nat.add_0_r. exact X.
    + left. unfold queue_of. cbn [log done cc]. destruct (ending q); reflexivity.
  - (* the consumer dies *) right. unfold queue_of at 2. cbn [log done cc SpscFacts.held]. rewrite app_nil_r, Nat.add_0_r.
    unfold queue_of. cbn [log done]. apply q_dies.
Qed.

(* Where it takes effect. *)
Ltac cases := repeat match goal with
  | |- context[match ?x with Some _ => _ | None => _ end] => destruct x
  | |- context[if ?b then _ else _] => destruct b end.
Lemma pushed_at s s' : step s s' -> log s' <> log s -> exists f w bs, pp s = Commit f w bs /\ log s' = log s ++ bs.
Proof. intros Hs. destruct Hs; cbn [log pp]; cases; cbn [log]; intros D; try congruence. eauto. Qed.
Lemma popped_at s s' : step s s' -> popped (queue_of s) < popped (queue_of s') -> exists q h n,
  (cc s = Idle q h \/ exists x, cc s = Exam q h x) /\ cc s' = Take q h n nil.
Proof.
  intros Hs. unfold queue_of, popped. destruct Hs; unfold after_header; cbn [done cc SpscFacts.held]; cases;
    cbn [done cc SpscFacts.held]; rewrite ?app_nil_r, ?app_length; cbn [length]; intros L; try lia; eauto 8.
Qed.
End Linear.
