(* What is proved of the ring of one producer. Read Machine.v (the first 85 lines) and Spsc.v first. *)
From Coq Require Import NArith Arith List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc SpscFacts Record Linear.

Section One_producer.
Variables N most W : nat.                    (* capacity, largest payload; positions modulo W: in words *)
Variable enc : nat -> nat -> nat.            (* a header of a position and a length *)
Variable dec : nat -> nat -> option nat.     (* the length that it says at a position *)
Hypothesis room : most + 2 <= N.             (* a largest record, and a terminator behind it *)
Hypothesis wide : 4 * N <= W.
Hypothesis codes : encoding most enc dec.
Variable s : st.
Hypothesis reached : reach N most W enc dec shipped s.
Notation word := (word N). Notation cell := (cell N).
Notation read_so_far := (done s ++ held (cc s)).      (* released, then held *)

(* No two accesses to a word, of which one is plain and one writes, are unordered. *)
Theorem no_data_race : race (mm s) = false.
Proof. exact (race_free N most W enc dec room wide codes s reached). Qed.

(* Nobody takes for damage what is none, and a view reads the same until it is released. *)
Theorem no_false_damage_and_no_view_changes : wrong s = false.
Proof. exact (never_wrong N most W enc dec room wide codes s reached). Qed.

(* None is lost, none comes twice but what a dead consumer held, order is kept, none was never committed. *)
Theorem read_is_a_prefix_of_committed :
  exists n, length (done s) <= n <= length (log s) /\ read_so_far = firstn n (log s).
Proof. exact (prefix N most W enc dec room wide codes s reached). Qed.

(* What is being read is the next committed record, word by word. *)
Theorem nothing_uncommitted_is_read q h n got : cc s = Take q h n got ->
  length (done s ++ h) < length (log s) /\ n = length (rec (log s) (length (done s ++ h))) /\
  got = firstn (length got) (rec (log s) (length (done s ++ h))).
Proof. exact (taken N most W enc dec room wide codes s reached q h n got). Qed.

(* What is committed and not released stands in memory as it was written. *)
Theorem nothing_unread_is_overwritten j i :
  length (done s) <= j -> j < length (log s) -> i < length (rec (log s) j) ->
  last (mm s) (word (off (log s) j)) = header W enc (off (log s) j) (length (rec (log s) j)) /\
  last (mm s) (cell (off (log s) j) i) = nth i (rec (log s) j) 0.
Proof. exact (stands_written N most W enc dec room wide codes s reached j i). Qed.

Theorem never_more_than_fits : total (log s) + 1 <= off (log s) (length (done s)) + N.
Proof. exact (bounded N most W enc dec room wide codes s reached). Qed.

(* Where no word is damaged, find_end's end is never a lap on (the guard is for what damage says). *)
Theorem the_end_is_always_cleared f w : pp s = Clear f w -> clears N W shipped f w = true.
Proof. exact (cleared N most W enc dec room wide codes s reached f w). Qed.

(* A consumer that polls can take whatever is committed: the newest header is there for it. *)
Theorem nothing_committed_is_hidden q h : cc s = Idle q h -> length (done s ++ h) < length (log s) ->
  exists k, can_read (mm s) C (word (cursor q)) k /\
    after_header most W dec q h (val (hist (mm s) (word (cursor q)) k)) =
      Take q h (length (rec (log s) (length (done s ++ h)))) nil.
Proof. exact (takeable N most W enc dec room wide codes s reached q h). Qed.

(* `closed` is answered on the word of a producer that closed, after all that was committed until
   then; after all that was ever committed, unless another producer has come since. *)
Theorem closed_comes_last q h k : cc s = Ended q h k ->
  k < len (mm s) OW /\ val (hist (mm s) OW k) = 2 /\ nth k (ends s) 0 <= length (done s ++ h) /\
  (S k = len (mm s) OW -> done s ++ h = log s).
Proof. exact (ended N most W enc dec room wide codes s reached q h k). Qed.

(* It is a FIFO queue, bounded as above: each step is one of the queue's (Linear.v, `qstep`), or none. A
   push takes effect at the store of its first header, a pop at the load of a header that says a record. *)
Theorem each_step_is_the_queues s' : step N most W enc dec shipped s s' ->
  queue_of s' = queue_of s \/ qstep (queue_of s) (queue_of s').
Proof. exact (fifo N most W enc dec room wide codes s s' reached). Qed.
End One_producer.

(* Steps decide by positions modulo W alone, so machine words do: N is a divisor of W. *)
Theorem positions_wrap N W p : N <> 0 -> W mod N = 0 -> (p mod W) mod N = p mod N.
Proof. exact (wrapped_index N W p). Qed.
Theorem distances_wrap W a b : W <> 0 -> dist W (a mod W) (b mod W) = dist W a b.
Proof. exact (wrapped_distance W a b). Qed.

(* The header that ships is such an encoding; it tells what it says of any position; and where its
   position is one bit off it is refused. *)
Theorem header_is_an_encoding key most : (N.of_nat most < 2 ^ 37)%N ->
  encoding most (Record.enc key) (Record.dec key).
Proof. exact (shipped_codes key most). Qed.
Theorem header_is_injective key state state' bytes bytes' pos pos' :
  (bytes < 2 ^ 40 -> bytes' < 2 ^ 40 -> state < 4 -> state' < 4 ->
   stamp key state bytes pos = stamp key state' bytes' pos' -> state = state' /\ bytes = bytes')%N.
Proof. exact (injective key state state' bytes bytes' pos pos'). Qed.
Theorem header_is_tied_to_its_position key bytes pos k : (bytes < 2 ^ 40)%N -> k < 64 ->
  is_committed key (committed key bytes pos) (N.lxor pos (2 ^ N.of_nat k)) = false.
Proof. exact (one_bit_off key bytes pos k). Qed.
