(* One producer, one consumer: the protocol of the ring, word by word, and what it keeps.

   A location is a word: of the data (capacity N, then the extension), write_pos or read_pos. A
   position counts words and grows for ever; its word is position mod N. A header is the record's
   size in words, 0 while there is none. Payload words are any values: stale ones may look like
   headers, nothing rests on a check. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout.

Inductive tid := P | C.
Inductive loc := D (i : nat) | WP | RP.
Definition tid_dec (a b : tid) : {a = b} + {a <> b}. decide equality. Defined.
Definition loc_dec (a b : loc) : {a = b} + {a <> b}. decide equality. apply Nat.eq_dec. Defined.
Definition tids := P :: C :: nil.
Lemma tids_all t : In t tids. Proof. destruct t; simpl; auto. Qed.

Notation read := (Machine.read loc_dec tid_dec tids).
Notation write := (Machine.write loc_dec tid_dec tids).
Notation mem := (Machine.mem loc tid).
Notation plain := true. Notation atomic := false.
Arguments Machine.read : simpl never.
Arguments Machine.write : simpl never.

(* true: release or acquire. false: relaxed *)
Record orders := Orders {
  publish_store : bool; publish_load : bool;
  free_store : bool; free_load : bool;
  extent_store : bool; extent_load : bool;
  (* and two stores of the protocol: the terminator, and write_pos again when a producer comes *)
  terminates : bool; copies_again : bool }.
Definition shipped := Orders true true true true true true true true.

(* The producer. w: its end, lim: it may write below; bs: a batch that is filled but not committed *)
Inductive ppc :=
| Open (w lim : nat) (bs : list (list nat))
| Fill (w lim : nat) (bs : list (list nat)) (x : list nat) (i : nat)   (* i words of x are written *)
| Commit (w lim : nat) (bs : list (list nat))                           (* the terminator is stored *)
| Copy (w lim : nat)                                                    (* committed *)
| Find0 | Find1 (w : nat) | Find2 (w lim : nat) | Find3 (w lim : nat) | Find4 (w lim : nat).
(* The consumer. c: its cursor; held: read and not released; got: words of the record at the cursor *)
Inductive cpc :=
| Start
| Idle (c : nat) (held : list (list nat))
| Take (c : nat) (held : list (list nat)) (h : nat) (got : list nat)
| Exam (c : nat) (held : list (list nat)) (x : nat).

Record st := St {
  mm : mem; pp : ppc; cc : cpc;
  log : list (list nat);    (* what was committed, in order *)
  done : list (list nat);   (* what was read and released, by all consumers *)
  wrong : bool }.           (* damage was reported, or a held view changed *)

Section Ring.
Variables N most : nat.
Variable O : orders.

Definition word p := D (p mod N).                (* the header at a position *)
Definition cell p i := D (p mod N + 1 + i).      (* a word of its payload *)

Inductive step : st -> st -> Prop :=
(* producer: claim, fill, terminate, commit, copy *)
| p_room m w lim bs c g d z k : can_read m P RP k ->
    step (St m (Open w lim bs) c g d z)
         (St (read atomic (free_load O) P RP k m) (Open w (val (hist m RP k) + N) bs) c g d z)
| p_begin m w lim bs x c g d z : length x <= most -> w + total bs + length x + 2 <= lim ->
    step (St m (Open w lim bs) c g d z) (St m (Fill w lim bs x 0) c g d z)
| p_fill m w lim bs x i c g d z : i < length x ->
    step (St m (Fill w lim bs x i) c g d z)
         (St (write plain false P (cell (w + total bs) i) (nth i x 0) m) (Fill w lim bs x (S i)) c g d z)
| p_shorten m w lim bs x i c g d z :
    step (St m (Fill w lim bs x i) c g d z) (St m (Fill w lim bs (firstn i x) (length (firstn i x))) c g d z)
| p_abort m w lim bs x i c g d z :
    step (St m (Fill w lim bs x i) c g d z) (St m (Open w lim bs) c g d z)
| p_first m w lim x c g d z :
    step (St m (Fill w lim nil x (length x)) c g d z) (St m (Open w lim (x :: nil)) c g d z)
| p_next m w lim b bs x c g d z :
    step (St m (Fill w lim (b :: bs) x (length x)) c g d z)
         (St (write atomic false P (word (w + total (b :: bs))) (size x) m) (Open w lim ((b :: bs) ++ x :: nil)) c g d z)
| p_terminate m w lim b bs c g d z :
    step (St m (Open w lim (b :: bs)) c g d z)
         (St (if terminates O then write atomic false P (word (w + total (b :: bs))) 0 m else m) (Commit w lim (b :: bs)) c g d z)
| p_commit m w lim b bs c g d z :
    step (St m (Commit w lim (b :: bs)) c g d z)
         (St (write atomic (publish_store O) P (word w) (size b) m) (Copy (w + total (b :: bs)) lim) c (g ++ b :: bs) d z)
| p_copy m w lim c g d z :
    step (St m (Copy w lim) c g d z)
         (St (write atomic (extent_store O) P WP w m) (Open w lim nil) c g d z)
(* its death, anywhere; its successor finds the end again *)
| p_dies m p c g d z : step (St m p c g d z) (St m Find0 c g d z)
| p_find0 m c g d z k : can_read m P WP k ->
    step (St m Find0 c g d z) (St (read atomic false P WP k m) (Find1 (val (hist m WP k))) c g d z)
| p_find1 m w c g d z k : can_read m P RP k ->
    step (St m (Find1 w) c g d z)
         (St (read atomic (free_load O) P RP k m) (Find2 (max w (val (hist m RP k))) (val (hist m RP k) + N)) c g d z)
| p_find2 m w lim c g d z k h : can_read m P (word w) k -> h = val (hist m (word w) k) ->
    step (St m (Find2 w lim) c g d z)
         (St (read atomic false P (word w) k m)
             (if (h =? 0) || (lim <? w + h) then Find3 w lim else Find2 (w + h) lim) c g d z)
| p_find3 m w lim c g d z :
    step (St m (Find3 w lim) c g d z) (St (write atomic false P (word w) 0 m) (Find4 w lim) c g d z)
| p_find4 m w lim c g d z :
    step (St m (Find4 w lim) c g d z)
         (St (if copies_again O then write atomic (extent_store O) P WP w m else m) (Open w lim nil) c g d z)
(* consumer: poll, read, release *)
| c_start m p g d z k : can_read m C RP k ->
    step (St m p Start g d z) (St (read atomic false C RP k m) p (Idle (val (hist m RP k)) nil) g d z)
| c_poll m p c held g d z k h : can_read m C (word c) k -> h = val (hist m (word c) k) ->
    step (St m p (Idle c held) g d z)
         (St (read atomic (publish_load O) C (word c) k m) p (if h =? 0 then Idle c held else Take c held h nil) g d z)
| c_word m p c held h got g d z k : length got + 1 < h -> k = len m (cell c (length got)) - 1 ->
    step (St m p (Take c held h got) g d z)
         (St (read plain false C (cell c (length got)) k m) p
             (Take c held h (got ++ val (hist m (cell c (length got)) k) :: nil)) g d z)
| c_deliver m p c held h got g d z : length got + 1 = h ->
    step (St m p (Take c held h got) g d z) (St m p (Idle (c + h) (held ++ got :: nil)) g d z)
(* a view may be read again until it is released: w1 were read before it, w2 after it *)
| c_again m p c w1 a w2 i k g d z : i < length a -> k = len m (cell (c - total (a :: w2)) i) - 1 ->
    step (St m p (Idle c (w1 ++ a :: w2)) g d z)
         (St (read plain false C (cell (c - total (a :: w2)) i) k m) p (Idle c (w1 ++ a :: w2)) g d
             (z || negb (val (hist m (cell (c - total (a :: w2)) i) k) =? nth i a 0)))
| c_release m p c held g d z :
    step (St m p (Idle c held) g d z)
         (St (write atomic (free_store O) C RP c m) p (Idle c nil) g (d ++ held) z)
(* a closer look: below the extent there must be a header *)
| c_exam1 m p c held g d z k : can_read m C WP k ->
    step (St m p (Idle c held) g d z)
         (St (read atomic (extent_load O) C WP k m) p (Exam c held (val (hist m WP k))) g d z)
| c_exam2 m p c held x g d z k h : can_read m C (word c) k -> h = val (hist m (word c) k) ->
    step (St m p (Exam c held x) g d z)
         (St (read atomic (publish_load O) C (word c) k m) p (if h =? 0 then Idle c held else Take c held h nil) g d
             (z || ((h =? 0) && (c <? x))))
| c_dies m p c g d z : step (St m p c g d z) (St m p Start g d z).

Definition init junk := St (Machine.start (fun l => match l with D i => if i =? 0 then 0 else junk i | _ => 0 end) P)
  Find0 Start nil nil false.
Inductive reach : st -> Prop :=
| r0 junk : reach (init junk)
| rS s s' : reach s -> step s s' -> reach s'.
End Ring.
