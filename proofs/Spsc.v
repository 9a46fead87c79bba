(* The ring of one producer and one consumer, step by step, as ring/spsc.hpp does it.

   A location is a word: of the data (the capacity N, then the extension), or one of the words around
   it. A position counts words and grows for ever; its word is position mod N. What a step decides, it
   decides by `dist`, as machine words do: positions modulo W. A header is `enc` of a position and the
   payload's length, 0 while there is none; `dec` reads it. Record.v shows that the shipped encoding
   is one of those. Payload words are any values: stale ones may look like headers. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout.

Inductive tid := P | C.
Inductive loc :=
| D (i : nat)      (* the data *)
| WP | RP | FR     (* write_pos, read_pos, freed *)
| AN               (* the announcement of the end at which there was no room *)
| OW | RO.         (* the producer's owner word: 1 attached, 2 closed; the roll *)
Definition tid_dec (a b : tid) : {a = b} + {a <> b}. decide equality. Defined.
Definition loc_dec (a b : loc) : {a = b} + {a <> b}. decide equality. apply Nat.eq_dec. Defined.
Definition tids := P :: C :: nil.
Lemma tids_all t : In t tids. Proof. destruct t; simpl; auto. Qed.

Notation read := (Machine.read loc_dec tid_dec tids).
Notation write := (Machine.write loc_dec tid_dec tids).
Notation rmw := (Machine.rmw loc_dec tid_dec tids).
Notation mem := (Machine.mem loc tid).
Notation plain := true. Notation atomic := false.
Arguments Machine.read : simpl never.
Arguments Machine.write : simpl never.
Arguments Machine.rmw : simpl never.

(* True: release or acquire. False: relaxed. *)
Record orders := Orders {
  publish_store : bool; publish_load : bool;
  free_store : bool; free_load : bool;
  extent_store : bool; extent_load : bool;
  roll_store : bool; roll_load : bool;
  terminates : bool;       (* and one store of the protocol: the terminator *)
  spares : bool }.         (* find_end does not clear the word a capacity past what was freed *)
Definition shipped := Orders true true true true true true true true true true.

(* The producer. w: its end; f: the freed position that it knows; bs: a batch that is filled and not
   committed. *)
Inductive producer :=
| Away                                                             (* none, dead or closed *)
| Come | Freed (f : nat) | Known (f r : nat)                       (* finds the end: what it loads *)
| Walk (f w : nat) | Clear (f w : nat) | Tell (f w : nat) | Call (f w : nat)
| Open (f w : nat) (bs : list (list nat))
| Fill (f w : nat) (bs : list (list nat)) (x : list nat) (i : nat) (* i words of x are written *)
| Commit (f w : nat) (bs : list (list nat))                        (* the terminator is stored *)
| Copy (f w : nat)                                                 (* committed *)
| Full (f w : nat) (bs : list (list nat))                           (* no room: its end once more *)
| Closed.

(* What the consumer knows: its cursor, what it released, what it told the producer, and the closing
   that it has seen: which message of the owner word. *)
Record place := Place { cursor : nat; released : nat; told : nat; ending : option nat }.
Inductive consumer :=
| Nobody
| Attach (r : nat) | Attached (r f : nat)
| Idle (q : place) (held : list (list nat))                        (* held: read, not released *)
| Take (q : place) (held : list (list nat)) (n : nat) (got : list nat) (* got, of n payload words *)
| Exam (q : place) (held : list (list nat)) (x : nat)              (* a closer look, up to x *)
| Over (q : place) (held : list (list nat)) (p v : nat)            (* takes a word over *)
| Ended (q : place) (held : list (list nat)) (k : nat).            (* answers `closed` *)

Record st := St {
  mm : mem; pp : producer; cc : consumer;
  log : list (list nat);    (* what was committed, in order *)
  done : list (list nat);   (* what was read and released, by all consumers *)
  ends : list nat;          (* how much was committed at each message of the owner word *)
  wrong : bool }.           (* damage was reported, or a held view changed *)

Section Ring.
Variables N most W : nat.
Variable enc : nat -> nat -> nat.            (* position modulo W, payload's length *)
Variable dec : nat -> nat -> option nat.     (* word, position modulo W *)
Variable O : orders.

Definition word p := D (p mod N).                (* the header at a position *)
Definition cell p i := D (p mod N + 1 + i).      (* a word of its payload *)
Definition header p n := enc (p mod W) n.
Definition length_of h p := dec h (p mod W).
Definition dist a b := (a mod W + (W - b mod W)) mod W.   (* a - b, in machine words *)
Definition is_before a b := W <=? 2 * dist a b.           (* its sign *)

(* Where find_end begins to walk; nothing: one of the two is damaged. *)
Definition walk_from stored known := if dist stored known <=? N then Some stored
  else if dist known stored <=? N then Some known else None.

(* Whether find_end clears the word at its end: not a lap on, where the oldest record begins. *)
Definition clears f w := negb (spares O && (dist (f + N) w =? 0)).

Definition after_header q held h := match length_of h (cursor q) with
  | Some n => if n <=? most then Take q held n nil else Idle q held
  | None => Idle q held end.
Definition readable q h := match length_of h (cursor q) with Some n => n <=? most | None => false end.
Definition move q n := Place (cursor q + S n) (released q) (told q) (ending q).

Inductive step : st -> st -> Prop :=
(* producer: claim, fill, terminate, commit, copy *)
| p_room m f w bs c g d e z k : can_read m P FR k ->
    step (St m (Open f w bs) c g d e z)
         (St (read atomic (free_load O) P FR k m) (Open (val (hist m FR k)) w bs) c g d e
             (z || (N <? dist w (val (hist m FR k)))))
| p_begin m f w bs x c g d e z : length x <= most -> length x + 2 <= dist (f + N) (w + total bs) ->
    step (St m (Open f w bs) c g d e z) (St m (Fill f w bs x 0) c g d e z)
| p_fill m f w bs x i c g d e z : i < length x ->
    step (St m (Fill f w bs x i) c g d e z)
         (St (write plain false P (cell (w + total bs) i) (nth i x 0) m) (Fill f w bs x (S i)) c g d e z)
| p_shorten m f w bs x i j c g d e z : j <= i -> j < length x ->   (* to no more than is written *)
    step (St m (Fill f w bs x i) c g d e z) (St m (Fill f w bs (firstn j x) j) c g d e z)
| p_abort m f w bs x i c g d e z :
    step (St m (Fill f w bs x i) c g d e z) (St m (Open f w bs) c g d e z)
| p_first m f w x c g d e z :
    step (St m (Fill f w nil x (length x)) c g d e z) (St m (Open f w (x :: nil)) c g d e z)
| p_next m f w b bs x c g d e z :
    step (St m (Fill f w (b :: bs) x (length x)) c g d e z)
         (St (write atomic false P (word (w + total (b :: bs))) (header (w + total (b :: bs)) (length x)) m)
             (Open f w ((b :: bs) ++ x :: nil)) c g d e z)
| p_terminate m f w b bs c g d e z :
    step (St m (Open f w (b :: bs)) c g d e z)
         (St (if terminates O then write atomic false P (word (w + total (b :: bs))) 0 m else m)
             (Commit f w (b :: bs)) c g d e z)
| p_commit m f w b bs c g d e z :
    step (St m (Commit f w (b :: bs)) c g d e z)
         (St (write atomic (publish_store O) P (word w) (header w (length b)) m)
             (Copy f (w + total (b :: bs))) c (g ++ b :: bs) d e z)
| p_copy m f w c g d e z :
    step (St m (Copy f w) c g d e z)
         (St (write atomic (extent_store O) P WP w m) (Open f w nil) c g d e z)
(* without room: its end once more, in two words *)
| p_full m f w bs c g d e z :
    step (St m (Open f w bs) c g d e z)
         (St (write atomic false P AN (S w) m) (Full f w bs) c g d e z)
| p_full_tell m f w bs c g d e z :
    step (St m (Full f w bs) c g d e z)
         (St (write atomic (extent_store O) P WP w m) (Open f w bs) c g d e z)
(* it closes; it dies, anywhere *)
| p_close m f w c g d e z :
    step (St m (Open f w nil) c g d e z)
         (St (write atomic (roll_store O) P OW 2 m) Closed c g d (e ++ [length g]) z)
| p_closed m c g d e z :
    step (St m Closed c g d e z) (St (rmw false true P RO (S (last m RO)) m) Away c g d e z)
| p_dies m p c g d e z : step (St m p c g d e z) (St m Away c g d e z)
(* its successor comes and finds the end again *)
| p_enter m c g d e z :
    step (St m Away c g d e z) (St (rmw true false P OW 1 m) Come c g d (e ++ [length g]) z)
| p_find_freed m c g d e z k : can_read m P FR k ->
    step (St m Come c g d e z)
         (St (read atomic (free_load O) P FR k m) (Freed (val (hist m FR k))) c g d e z)
| p_find_read m f c g d e z k : can_read m P RP k ->
    step (St m (Freed f) c g d e z)
         (St (read atomic false P RP k m) (Known f (val (hist m RP k))) c g d e
             (z || (N <? dist (val (hist m RP k)) f)))
| p_find_start m f r c g d e z k : can_read m P WP k ->
    step (St m (Known f r) c g d e z)
         (match walk_from (val (hist m WP k)) r with
          | Some w => St (read atomic false P WP k m) (Walk f w) c g d e (z || (N <? dist (f + N) w))
          | None => St (read atomic false P WP k m) (Walk f r) c g d e true end)
| p_walk m f w c g d e z k h : can_read m P (word w) k -> h = val (hist m (word w) k) ->
    step (St m (Walk f w) c g d e z)
         (match length_of h w with
          | Some n => St (read atomic false P (word w) k m)
              (if N <? dist (f + N) (w + S n) then Clear f w else Walk f (w + S n)) c g d e z
          | None => St (read atomic false P (word w) k m) (Clear f w) c g d e (z || negb (h =? 0)) end)
| p_clear m f w c g d e z :
    step (St m (Clear f w) c g d e z)
         (St (if clears f w then write atomic false P (word w) 0 m else m) (Tell f w) c g d e z)
| p_tell m f w c g d e z :
    step (St m (Tell f w) c g d e z)
         (St (write atomic (extent_store O) P WP w m) (Call f w) c g d e z)
(* counts what its predecessor did not: any words of the data, by atomic loads *)
| p_count m f w c g d e z p k : can_read m P (word p) k ->
    step (St m (Call f w) c g d e z) (St (read atomic false P (word p) k m) (Call f w) c g d e z)
| p_call m f w c g d e z :
    step (St m (Call f w) c g d e z)
         (St (rmw false true P RO (S (last m RO)) m) (Open f w nil) c g d e z)
(* consumer: it comes, goes on where read_pos stands, and tells the producer all of it *)
| c_attach m p g d e z k : can_read m C RP k ->
    step (St m p Nobody g d e z)
         (St (read atomic false C RP k m) p (Attach (val (hist m RP k))) g d e z)
| c_attach_freed m p r g d e z k : can_read m C FR k ->
    step (St m p (Attach r) g d e z)
         (St (read atomic false C FR k m) p (Attached r (val (hist m FR k))) g d e
             (z || (N <? dist r (val (hist m FR k)))))
| c_count m p r f g d e z i k : f <= i < r -> can_read m C (word i) k ->
    step (St m p (Attached r f) g d e z)
         (St (read atomic false C (word i) k m) p (Attached r f) g d e z)
| c_attach_tell m p r f g d e z :
    step (St m p (Attached r f) g d e z)
         (St (write atomic (free_store O) C FR r m) p (Idle (Place r r r None) nil) g d e z)
(* it polls, reads word by word (with a checksum, all of them), or delivers without a look *)
| c_poll m p q held g d e z k : can_read m C (word (cursor q)) k ->
    step (St m p (Idle q held) g d e z)
         (St (read atomic (publish_load O) C (word (cursor q)) k m) p
             (after_header q held (val (hist m (word (cursor q)) k))) g d e z)
| c_word m p q held n got g d e z k : length got < n -> k = len m (cell (cursor q) (length got)) - 1 ->
    step (St m p (Take q held n got) g d e z)
         (St (read plain false C (cell (cursor q) (length got)) k m) p
             (Take q held n (got ++ val (hist m (cell (cursor q) (length got)) k) :: nil)) g d e z)
| c_deliver m p q held got g d e z :
    step (St m p (Take q held (length got) got) g d e z)
         (St m p (Idle (move q (length got)) (held ++ got :: nil)) g d e z)
| c_view m p q held n g d e z :
    step (St m p (Take q held n nil) g d e z)
         (St m p (Idle (move q n) (held ++ map (fun i => last m (cell (cursor q) i)) (seq 0 n) :: nil)) g d e z)
(* a view may be read, and read again, until it is released: w1 came before it, w2 behind it *)
| c_again m p q w1 a w2 i k g d e z :
    i < length a -> k = len m (cell (cursor q - total (a :: w2)) i) - 1 ->
    step (St m p (Idle q (w1 ++ a :: w2)) g d e z)
         (St (read plain false C (cell (cursor q - total (a :: w2)) i) k m) p (Idle q (w1 ++ a :: w2)) g d e
             (z || negb (val (hist m (cell (cursor q - total (a :: w2)) i) k) =? nth i a 0)))
(* it releases: read_pos at once; when it likes, words are taken over and the producer is told *)
| c_release m p q held g d e z :
    step (St m p (Idle q held) g d e z)
         (St (write atomic false C RP (cursor q) m) p
             (Idle (Place (cursor q) (cursor q) (told q) (ending q)) nil) g (d ++ held) e z)
| c_over m p q held at_ k g d e z : told q <= at_ < released q -> can_read m C (word at_) k ->
    step (St m p (Idle q held) g d e z)
         (St (read atomic false C (word at_) k m) p (Over q held at_ (val (hist m (word at_) k))) g d e z)
| c_over_store m p q held at_ v g d e z :
    step (St m p (Over q held at_ v) g d e z)
         (St (write atomic false C (word at_) v m) p (Idle q held) g d e z)
| c_tell m p q held g d e z :
    step (St m p (Idle q held) g d e z)
         (St (write atomic (free_store O) C FR (released q) m) p
             (Idle (Place (cursor q) (released q) (released q) (ending q)) held) g d e z)
(* a closer look: its own words are as it left them; who has closed; below the extent there must be
   a header, and where there is none behind the last of a closed producer, that was all *)
| c_mend m p q held g d e z k : can_read m C RP k ->
    step (St m p (Idle q held) g d e z)
         (St (read atomic false C RP k m) p (Idle q held) g d e (z || negb (val (hist m RP k) =? released q)))
| c_mend_freed m p q held g d e z k : can_read m C FR k ->
    step (St m p (Idle q held) g d e z)
         (St (read atomic false C FR k m) p (Idle q held) g d e (z || negb (val (hist m FR k) =? told q)))
| c_roll m p q held g d e z k acq : can_read m C RO k ->
    step (St m p (Idle q held) g d e z) (St (read atomic acq C RO k m) p (Idle q held) g d e z)
| c_owner m p q held g d e z k : can_read m C OW k ->
    step (St m p (Idle q held) g d e z)
         (St (read atomic (roll_load O) C OW k m) p
             (Idle (Place (cursor q) (released q) (told q) (if val (hist m OW k) =? 2 then Some k else None)) held)
             g d e z)
| c_exam m p q held g d e z k : can_read m C WP k ->
    step (St m p (Idle q held) g d e z)
         (St (read atomic (extent_load O) C WP k m) p (Exam q held (val (hist m WP k))) g d e z)
| c_exam_header m p q held x g d e z k h : can_read m C (word (cursor q)) k ->
    h = val (hist m (word (cursor q)) k) ->
    step (St m p (Exam q held x) g d e z)
         (St (read atomic (publish_load O) C (word (cursor q)) k m) p
             (if readable q h then after_header q held h
              else match ending q with Some k => Ended q held k | None => Idle q held end) g d e
             (z || (negb (readable q h) && is_before (cursor q) x)))
| c_goes_on m p q held k g d e z : step (St m p (Ended q held k) g d e z) (St m p (Idle q held) g d e z)
| c_dies m p c g d e z : step (St m p c g d e z) (St m p Nobody g d e z).

Definition init junk :=
  St (Machine.start (fun l => match l with D i => if i =? 0 then 0 else junk i | _ => 0 end) P)
     Away Nobody nil nil [0] false.
Inductive reach : st -> Prop :=
| r0 junk : reach (init junk)
| rS s s' : reach s -> step s s' -> reach s'.
End Ring.

(* What the ring asks of its encoding. *)
Record encoding (most : nat) (enc : nat -> nat -> nat) (dec : nat -> nat -> option nat) : Prop := {
  en_some : forall p n, n <= most -> enc p n <> 0;
  en_back : forall p n, n <= most -> dec (enc p n) p = Some n;
  en_none : forall p, dec 0 p = None }.
