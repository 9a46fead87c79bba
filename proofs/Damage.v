(* The lone producer's ring in a memory that answers anything: damaged words, or a hostile peer.

   A call is a program: a tree of loads (Get), each with any answer, and stores (Put). `Stuck` marks where a
   loop of the C++ would go on past what is counted here: that it is never reached is proved. The calls are as
   ring/spsc.hpp and ring/spsc_recovery.hpp have them, in words. A position is any number, and what is decided
   by it is decided modulo W (Spsc.v, dist). Left out: bells; counters, and the walk that catches up with
   them; taking over; batches. What was never written is passed without a look (next_written): here all
   is looked at. Words that are mended only where they differ are stored always. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Spsc.

Inductive place := Data (i : nat) | Wp | Rp | Fr | An.   (* write_pos, read_pos, freed, the announcement *)
Inductive prog (A : Type) :=
| Ret (a : A) | Get (l : place) (k : nat -> prog A) | Put (l : place) (v : nat) (k : prog A) | Stuck.
Arguments Ret {A}. Arguments Get {A}. Arguments Put {A}. Arguments Stuck {A}.
Fixpoint bind {A B} (p : prog A) (f : A -> prog B) : prog B := match p with
  | Ret a => f a | Get l k => Get l (fun v => bind (k v) f) | Put l v k => Put l v (bind k f) | Stuck => Stuck end.
Notation "'do' x <- p ; q" := (bind p (fun x => q)) (at level 200, x pattern, right associativity).

(* Whatever is answered: each access is allowed, there are at most n, and it ends with a result as Q says,
   given how many of the n are more. *)
Fixpoint safe {A} (may_load may_store : place -> Prop) (Q : A -> nat -> Prop) (n : nat) (p : prog A) : Prop :=
  match p with
  | Ret a => Q a n
  | Get l k => may_load l /\ 1 <= n /\ forall v, safe may_load may_store Q (n - 1) (k v)
  | Put l _ k => may_store l /\ 1 <= n /\ safe may_load may_store Q (n - 1) k
  | Stuck => False end.

Section Calls.
Variables N most W trailer : nat.            (* as in Spsc.v; a checksum's words: 0 or 1 *)
Variable dec : nat -> nat -> option nat.     (* what a word says as a header at a position: any function *)
Variable sum : nat -> list nat -> nat.       (* the checksum of a position and a payload: any function *)
Notation dist := (dist W). Notation is_before := (is_before W).

Definition at_ p := Data (p mod N).
Definition is_record h p := if h =? 0 then None else
  match dec h p with Some n => if n <=? most then Some n else None | None => None end.
Definition record n := 1 + n + trailer.

Fixpoint loads i n : prog (list nat) := match n with
  | 0 => Ret [] | S n => Get (Data i) (fun v => do r <- loads (S i) n; Ret (v :: r)) end.
Definition passes p n ws := sum p (firstn n ws) =? nth n ws 0.
(* is_whole, and what it saw: the payload, then its checksum *)
Definition whole p n : prog (bool * list nat) := if trailer =? 0 then Ret (true, []) else
  do ws <- loads (p mod N + 1) (n + trailer); Ret (passes p n ws, ws).

(* next_header: where it ended, and the length there, if it is a header. more: for the proof that it ends *)
Fixpoint next_header more from p e : prog (nat * option nat) :=
  if is_before p e then match more with
  | 0 => Stuck
  | S more => Get (at_ p) (fun h => match (if p =? from then None else is_record h p) with
      | Some n => Ret (p, Some n) | None => next_header more from (S p) e end) end
  else Ret (p, None).
Fixpoint next_record more checked from e : prog (nat * option nat) :=
  do found <- next_header (dist e from) from from e; match found with
  | (p, None) => Ret (p, None)
  | (p, Some n) => if N <=? checked then Ret (p, Some n) else
      do good <- whole p n; if fst good then Ret (p, Some n) else
      match more with 0 => Stuck | S more => next_record more (checked + n) p e end end.

(* The consumer: what it holds begins at released. A message tells what was looked at to take it for one. *)
Record consumer := Consumer { cursor : nat; released : nat; told : nat; doubted : nat }.
Inductive answer := Nothing | Message (p n header : nat) (seen : list nat) | Damaged (from to : nat).
Definition moved q c := Consumer c (released q) (told q) (doubted q).
Definition freeing q := Consumer (cursor q) (cursor q) (cursor q) (doubted q).
Definition telling q := Consumer (cursor q) (released q) (released q) (doubted q).
Definition release q := Put Rp (cursor q) (Put Fr (cursor q) (Ret (freeing q))).
Definition lost q from := if from =? released q then do q' <- release q; Ret (q', Damaged from (cursor q))
  else Ret (q, Damaged from (cursor q)).
Definition deliver q n h := do good <- whole (cursor q) n; let q' := moved q (cursor q + record n) in
  if fst good then Ret (q', Message (cursor q) n h (snd good)) else lost q' (cursor q).
Definition poll q := Get (at_ (cursor q)) (fun h => match is_record h (cursor q) with
  | Some n => deliver q n h | None => Ret (q, Nothing) end).
Definition search_behind q extent (empty : bool) := Get An (fun a =>
  let possible := dist extent (told q) <=? N in let certain := a =? S extent in
  if (doubted q =? extent) && negb (certain && possible) then Ret (q, Nothing) else
  let q := Consumer (cursor q) (released q) (told q) extent in
  if negb possible then lost q (cursor q) else
  do gap <- next_record (dist extent (cursor q)) 0 (cursor q) extent; let (p, header) := gap in
  let behind := lost (moved q p) (cursor q) in
  match header with
  | None => if negb certain && empty then lost q (cursor q) else behind
  | Some _ => if empty then Get (at_ p) (fun _ => Get (at_ (cursor q)) (fun late =>
      match is_record late (cursor q) with Some n => deliver q n late | None => behind end)) else behind end).
Definition examine q := Get Rp (fun _ => Put Rp (released q) (Get Fr (fun _ => Put Fr (told q) (Put Fr (released q)
  (let q := telling q in Get Wp (fun extent => Get (at_ (cursor q)) (fun h => match is_record h (cursor q) with
  | Some n => deliver q n h
  | None => if is_before (cursor q) extent then search_behind q extent (h =? 0) else Ret (q, Nothing) end))))))).
(* find_start *)
Definition attach := Get Rp (fun r => Get Fr (fun f => let from s := Put Fr s (Ret (Consumer s s s s)) in
  if dist r f <=? N then from r else Get Wp (fun w => from (if dist w f <=? N then f else r)))).

(* The producer's successor: end_search. Nothing: the cursors make no sense. first: where the ring began, clean:
   its predecessor closed. *)
Definition longest := record most.
Fixpoint ends_here back more p : prog bool := match more with
  | 0 => Ret false
  | S more => Get (at_ (p + (W - back))) (fun h => match is_record h (p + (W - back)) with
      | Some n => if record n =? back then Ret true else ends_here (S back) more p
      | None => ends_here (S back) more p end) end.
Fixpoint walk more (clean : bool) p limit : prog nat := match more with
  | 0 => Stuck
  | S more => Get (at_ p) (fun h => match is_record h p with
      | Some n => if N <? dist limit (p + record n) then Ret p else walk more clean (p + record n) limit
      | None => if h =? 0 then Ret p else if clean then Ret p else
          do gap <- next_header (dist limit p) p p limit; match gap with
          | (p', Some _) => walk more clean p' limit
          | (_, None) => Ret (p + min longest (dist limit p - 1)) end end) end.
Definition find_end (first : nat) (clean : bool) : prog (option (nat * nat)) := Get Fr (fun f => Get Rp (fun r => Get Wp (fun s =>
  let off := (N <? dist r f) && (dist s f <=? N) in      (* read_pos is damaged: the other two agree *)
  let limit := (if (dist r f <=? N) || off then f else r) + N in
  do p <- (if off then Ret s else if dist s r <=? N then Ret s else if dist r s <=? N then Ret r else
           do it <- (if dist r first =? 0 then Ret true else ends_here 1 longest r); Ret (if it then r else s));
  if N <? dist limit p then Ret None else
  do p <- walk (S (dist limit p)) clean p limit;
  let done := Put Wp p (Ret (Some (p, limit))) in
  if dist limit p =? 0 then done else Put (at_ p) 0 done))).

(* The producer: pushes a record of n words at its end w. *)
Inductive pushed := Full | Corrupt | Pushed (w limit : nat).
Fixpoint stores i n (then_ : prog pushed) : prog pushed := match n with
  | 0 => then_ | S n => Put (Data i) 0 (stores (S i) n then_) end.
Definition push w n : prog pushed := Get Fr (fun f => if N <? dist w f then Ret Corrupt else
  if dist (f + N) w <? record n + 1 then Put An (S w) (Put Wp w (Ret Full)) else
  stores (w mod N + 1) (n + trailer) (Put (at_ (w + record n)) 0 (Put (at_ w) 0
    (Put Wp (w + record n) (Ret (Pushed (w + record n) (f + N))))))).

(* What the theorems say of a call. The data is a capacity and an extension, for a record that begins in
   its last word. *)
Definition in_bounds l := match l with Data i => i < N + most + trailer | _ => True end.
Definition positions_only l := l = Rp \/ l = Fr.
(* What a push of n words may store to: its record, the terminator behind it, its end. *)
Definition of_record w n l := match l with
  | Data i => w mod N <= i <= w mod N + n + trailer \/ i = (w + record n) mod N | Wp | An => True | _ => False end.
(* The most accesses of a search for the next record, and of a closer look: three or two capacities. *)
Definition search_cost d checked := (2 + trailer) * d + if N <=? checked then 0 else N + most - checked.
Definition look_cost := search_cost N 0 + most + trailer + 13.
(* A consumer's positions. Its views take less than half of all positions. *)
Definition sane q := told q <= released q <= cursor q /\ 2 * (cursor q - told q) < W.
(* It moves on by a record or less than a capacity, and gives back nothing while a view is out; it delivers what passed. *)
Definition honest q (r : consumer * answer) := let (q', a) := r in
  told q <= told q' <= released q' /\ released q' <= cursor q' /\ cursor q <= cursor q' <= cursor q + N /\
  (released q' = released q \/ released q = cursor q) /\
  match a with
  | Nothing => cursor q' = cursor q
  | Message p n h seen => p = cursor q /\ is_record h p = Some n /\ cursor q' = p + record n /\
      (trailer <> 0 -> length seen = n + trailer /\ passes p n seen = true)
  | Damaged from to => from = cursor q /\ to = cursor q' end.
End Calls.
