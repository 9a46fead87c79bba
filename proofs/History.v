(* Histories of calls, what it means that one is linearizable, and the histories of one producer's ring.

   A history lists, in the order of the machine's steps: a call, its answer or that it failed, and
   deaths. It is linearizable if its operations can be put into a sequence that the queue allows, each
   taking effect at a point between its call and its answer, with that answer: so an operation that
   was answered before another was called comes before it (Herlihy and Wing). A call that fails takes
   effect nowhere. A call that a death cuts off took effect before the death, or never does (strict
   linearizability, Aguilera and Frølund). *)
From Coq Require Import Arith List.
Import ListNotations.
From Annulus Require Import Layout Spsc.

Section Linearizable.
Variables role call answer : Type.
Variable same : forall a b : role, {a = b} + {a <> b}.
Inductive event := Calls (r : role) (c : call) | Answers (r : role) (a : answer) | Fails (r : role) | Dies (r : role).
(* What a sequence is made of: an operation that takes effect, whose, and its answer; or a death. *)
Inductive effect := Does (r : role) (c : call) (a : answer) | Stops (r : role).

(* Where a role stands: it has called nothing, its call has had no effect yet, or has had it. *)
Inductive phase := Rest | Called (c : call) | Took (a : answer).
Definition now (p : role -> phase) r x := fun r' => if same r r' then x else p r'.
(* Points put into a history: where the roles stand behind it, and the sequence of the effects. *)
Inductive points : list event -> (role -> phase) -> list effect -> Prop :=
| at_first : points nil (fun _ => Rest) nil
| at_call h p l r c : points h p l -> p r = Rest -> points (h ++ [Calls r c]) (now p r (Called c)) l
| at_point h p l r c a : points h p l -> p r = Called c -> points h (now p r (Took a)) (l ++ [Does r c a])
| at_answer h p l r a : points h p l -> p r = Took a -> points (h ++ [Answers r a]) (now p r Rest) l
| at_failure h p l r c : points h p l -> p r = Called c -> points (h ++ [Fails r]) (now p r Rest) l
| at_death h p l r : points h p l -> points (h ++ [Dies r]) (now p r Rest) (l ++ [Stops r]).
Definition linearizable (allowed : list effect -> Prop) h := exists p l, points h p l /\ allowed l.
End Linearizable.
Arguments Calls {role call answer}. Arguments Answers {role call answer}.
Arguments Fails {role call answer}. Arguments Dies {role call answer}.
Arguments Does {role call answer}. Arguments Stops {role call answer}.
Arguments Rest {call answer}. Arguments Called {call answer}. Arguments Took {call answer}.
Arguments points {role call answer}. Arguments linearizable {role call answer}. Arguments now {role call answer}.

(* One producer's queue, bounded by N words. A push is of a batch, at once; a claim asks for room. *)
Inductive call := Push (bs : list (list nat)) | Claim | Pop | Release.
Inductive answer := Ok | Got (x : list nat).
(* After a sequence: what was popped and not released, and what waits. A consumer's death, or its
   leaving, puts back what it had not released. *)
Inductive fifo (N : nat) : list (effect tid call answer) -> list (list nat) -> list (list nat) -> Prop :=
| new : fifo N nil nil nil
| push l h w bs : fifo N l h w -> total (h ++ w ++ bs) < N -> fifo N (l ++ [Does P (Push bs) Ok]) h (w ++ bs)
| pop l h x w : fifo N l h (x :: w) -> fifo N (l ++ [Does C Pop (Got x)]) (h ++ [x]) w
| release l h w : fifo N l h w -> fifo N (l ++ [Does C Release Ok]) nil w
| no_producer l h w : fifo N l h w -> fifo N (l ++ [Stops P]) h w
| no_consumer l h w : fifo N l h w -> fifo N (l ++ [Stops C]) nil (h ++ w).
Definition is_queue N l := exists h w, fifo N l h w.

(* What a step tells. A push is its commit: called before the terminator, answered behind the copy of
   the end. A closer look is a call of pop, and fails when it finds nothing. A poll is called where it
   finds a record: one that finds nothing would be a call and its failure at once, and leaves no trace
   in a state, so it is no event. So it is with a claim that finds room, and a release of nothing. *)
Definition tells_p (p p' : producer) : list (event tid call answer) := match p, p' with
  | Open _ _ _, Commit _ _ bs => [Calls P (Push bs)]
  | Copy _ _, Open _ _ _ => [Answers P Ok]
  | Open _ _ _, Full _ _ _ => [Calls P Claim]
  | Full _ _ _, Open _ _ _ => [Fails P]
  | Away, Away => nil
  | _, Away => [Dies P]
  | _, _ => nil end.
Definition tells_c (c c' : consumer) (d d' : nat) : list (event tid call answer) := match c, c' with
  | Idle _ _, Take _ _ _ _ | Idle _ _, Exam _ _ _ => [Calls C Pop]
  | Exam _ _ _, Idle _ _ | Exam _ _ _, Ended _ _ _ => [Fails C]
  | Take _ _ _ _, Idle _ h => [Answers C (Got (List.last h nil))]
  | Idle _ _, Idle _ _ => if d <? d' then [Calls C Release; Answers C Ok] else nil
  | Nobody, Nobody => nil
  | _, Nobody => [Dies C]
  | _, _ => nil end.
Definition tells (s s' : st) :=
  tells_p (pp s) (pp s') ++ tells_c (cc s) (cc s') (length (done s)) (length (done s')).

Inductive history N most W enc dec O : st -> list (event tid call answer) -> Prop :=
| h_0 junk : history N most W enc dec O (init junk) nil
| h_step s s' h : history N most W enc dec O s h -> step N most W enc dec O s s' -> history N most W enc dec O s' (h ++ tells s s').
