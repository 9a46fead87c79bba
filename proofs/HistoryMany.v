(* The histories of many producers' ring, and the queue of places that they are linearizable to. Read
   History.v and Mpsc.v first.

   It is a queue in the order in which places are taken, not in that of the commits: a place that is
   taken and not filled holds up those behind it. *)
From Coq Require Import Arith List.
Import ListNotations.
From Annulus Require Import History Mpsc.

Inductive call := Place | Commit (bs : list (list nat)) | GiveUp | Pop | Release.
Inductive answer := Ok | Got (x : list nat).
Notation event := (event tid call answer). Notation effect := (effect tid call answer).
Inductive place := Open (i : nat) | Full (x : list nat).      (* i is to fill it, or it is filled *)

(* After a sequence: what was popped and not released, and the places from there on. A commit makes a
   place one for each record of a batch. A death takes its producer's place away; the consumer's puts
   back what it had not released. *)
Inductive queue : list effect -> list (list nat) -> list place -> Prop :=
| new : queue nil nil nil
| place_ l h w i : queue l h w -> queue (l ++ [Does (Pr i) Place Ok]) h (w ++ [Open i])
| commit l h u i v bs : queue l h (u ++ Open i :: v) -> queue (l ++ [Does (Pr i) (Commit bs) Ok]) h (u ++ map Full bs ++ v)
| gives_up l h u i v : queue l h (u ++ Open i :: v) -> queue (l ++ [Does (Pr i) GiveUp Ok]) h (u ++ v)
| pop l h x w : queue l h (Full x :: w) -> queue (l ++ [Does Co Pop (Got x)]) (h ++ [x]) w
| release l h w : queue l h w -> queue (l ++ [Does Co Release Ok]) nil w
| loses l h u i v : queue l h (u ++ Open i :: v) -> queue (l ++ [Stops (Pr i)]) h (u ++ v)
| loses_none l h w i : queue l h w -> ~ In (Open i) w -> queue (l ++ [Stops (Pr i)]) h w
| puts_back l h w : queue l h w -> queue (l ++ [Stops Co]) nil (map Full h ++ w).
Definition is_queue l := exists h w, queue l h w.

(* What a step tells. A place is called for at the announcement, and taken at the exchange or not. A
   commit, and giving up, is one store: called and answered there. A poll is called where it finds a
   record. What finds none, no room, or nothing to release is no event, as in History.v. *)
Definition tells_p i (p p' : producer) : list event := match p, p' with
  | Try _ _ _, Said _ _ _ => [Calls (Pr i) Place]
  | Said _ _ _, Won _ _ _ => [Answers (Pr i) Ok]
  | Said _ _ _, Try _ _ _ => [Fails (Pr i)]
  | Ready _ _ _ _ bs, Settle _ => [Calls (Pr i) (Commit bs); Answers (Pr i) Ok]
  | Fill _ _ _ _ _ _ _, Settle _ => [Calls (Pr i) GiveUp; Answers (Pr i) Ok]
  | Away, Away => nil
  | _, Away => [Dies (Pr i)]
  | _, _ => nil end.
Definition tells_c (c c' : consumer) (d d' : nat) : list event := match c, c' with
  | Idle _ _ _ _, Take _ _ _ _ _ _ => [Calls Co Pop]
  | Take _ _ _ _ _ _, Idle _ _ _ h => [Answers Co (Got (List.last h nil))]
  | Nobody, Nobody => nil
  | _, Nobody => [Dies Co]
  | _, _ => if d <? d' then [Calls Co Release; Answers Co Ok] else nil end.
Definition tells producers (s s' : st) :=
  flat_map (fun i => tells_p i (pp s i) (pp s' i)) (seq 0 producers) ++
  tells_c (cc s) (cc s') (length (done s)) (length (done s')).

Inductive history N most producers O : st -> list event -> Prop :=
| h_0 : history N most producers O init nil
| h_step s s' h : history N most producers O s h -> step N most producers O s s' ->
    history N most producers O s' (h ++ tells producers s s').
