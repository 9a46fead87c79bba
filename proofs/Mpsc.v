(* The ring of many producers and one consumer, step by step, as ring/mpsc.hpp does it.

   A header is 0, or 4 * words + state: busy 1, committed 2, aborted 3. Free space is zero. A claim is
   announced, won by an exchange of write_pos, stamped busy, filled, committed or aborted, settled.
   At its commit it splits into pieces: the records of a batch, of which all but the first have their
   headers before, and what a message left of it, whose header says aborted. Then they are as claims.
   The consumer hands space back: a mark up to where nothing is read again (`releasing`), zeros, where
   its successor goes on (read_pos), the position that producers look at (`freed`), the mark at rest.
   A new one does it again up to the mark that it finds. Recovery is its grace period: it reads
   write_pos, then each announcement, then asks the kernel for those who announced below it.
   A roll call reads each producer's owner word. Once one has closed and none is attached, the
   consumer answers `closed` where it then finds write_pos at its cursor, and has handed back what it passed.
   Positions grow for ever here, they do not wrap. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout.

Inductive tid := Pr (i : nat) | Co.
Inductive loc :=
| D (i : nat)          (* the data *)
| WP                   (* write_pos: all below was claimed *)
| RM                   (* releasing: nothing below is read again *)
| RP                   (* read_pos: a new consumer goes on here, or at the mark *)
| FR                   (* freed: all below is the producers' again *)
| Ann (i : nat)        (* announcements: 1 + the position of a claim; 0: idle *)
| Own (i : nat).       (* owner words: 0 nobody yet, 1 attached, 2 closed *)
Definition tid_dec (a b : tid) : {a = b} + {a <> b}. decide equality. apply Nat.eq_dec. Defined.
Definition loc_dec (a b : loc) : {a = b} + {a <> b}. decide equality; apply Nat.eq_dec. Defined.
Notation mem := (Machine.mem loc tid).
Notation plain := true. Notation atomic := false.
Arguments Machine.read : simpl never.
Arguments Machine.write : simpl never.
Arguments Machine.rmw : simpl never.
Arguments Machine.learn : simpl never.

Definition busy n := 4 * n + 1.
Definition committed n := 4 * n + 2.
Definition aborted n := 4 * n + 3.
Definition state_of h := h mod 4.
Definition words_of h := h / 4.

Record orders := Orders {
  publish_store : bool; publish_load : bool; free_store : bool; free_load : bool;
  claim_store : bool; claim_load : bool; idle_store : bool; idle_load : bool; roll_store : bool; roll_load : bool }.
Definition shipped := Orders true true true true true true true true true true.

(* A producer. f: the position that it knows to be freed; t, n: position and words of its claim; r: of
   these words, those that have a header at the end and no message; b: the records that are whole. *)
Inductive producer :=
| Away                                         (* nobody, or dead *)
| Come                                         (* has the role's lock *)
| Here                                         (* has said that it is there; it knows nothing yet *)
| Free (f : nat)                               (* no claim is open *)
| Try (f t n : nat)                            (* means to claim n words at t *)
| Said (f t n : nat)                           (* has announced it *)
| Won (f t n : nat)                            (* has claimed it *)
| Fill (f t n r : nat) (b : list (list nat)) (x : list nat) (i : nat)  (* stamped; behind b, i words of x are written *)
| Ready (f t n r : nat) (b : list (list nat))  (* b has its headers, but the first *)
| Settle (f : nat)                             (* committed or aborted, no room, or new: no claim is open *)
| Parted.                                      (* has closed *)

(* The consumer. c: its cursor; r: the mark; f: what it freed; held: read, not released. *)
Inductive consumer :=
| Nobody
| Attach (e : nat)                                       (* read_pos *)
| Redo (c e : nat)                                       (* and the mark: hands back up to there *)
| Idle (c r f : nat) (held : list (list nat))
| Take (c r f : nat) (held : list (list nat)) (n : nat) (got : list nat)
| Zero (c r q : nat) (held : list (list nat))            (* marked; zero up to q *)
| Hand (c r : nat) (held : list (list nat))              (* read_pos is stored *)
| Rest (c r : nat) (held : list (list nat))              (* and freed: the mark is to be at rest *)
| Blank (c r f : nat) (held : list (list nat))           (* all from f to c was found to be zero *)
| Ask (c r f : nat) (held : list (list nat)) (T i : nat) (* those below i are settled below T *)
| Doubt (c r f : nat) (held : list (list nat)) (T i : nat) (* i announced below T: is it alive? *)
| Again (c r f : nat) (held : list (list nat)) (T : nat) (* all are: the header once more *)
| Scan (c r f : nat) (held : list (list nat)) (T q : nat). (* zeros from c to q *)

(* The consumer's roll call. heard: which message of each owner word it has read, in their order. *)
Inductive call :=
| Unasked                                                (* or not all have closed *)
| Asking (closed attached : bool) (heard : list nat)     (* whether one has closed, one is attached *)
| Closed (heard : list nat)
| Ended (heard : list nat).                              (* answers `closed` *)
Definition go_on q := match q with Ended k => Closed k | _ => q end.
(* What was passed without a message is handed back before the answer is given; nothing else is done. *)
Definition hands_back (c : consumer) := match c with Zero _ _ _ _ | Hand _ _ _ | Rest _ _ _ => true | _ => false end.
Definition answer c c' q := if hands_back c || hands_back c' then q else go_on q.

(* Ghosts: what became of a claim, and its producer's clock then. *)
Inductive fate :=
| Live
| Gone (clock : nat)                       (* its producer died, and had not committed *)
| Came (clock : nat) (x : list nat)
| Left (clock : nat).                      (* aborted *)
Record claim := Claim { words : nat; own : nat; what : fate }.
Definition finished c := match what c with Live => None | Gone t | Came t _ | Left t => Some t end.
Fixpoint extent (l : list claim) := match l with nil => 0 | c :: l => words c + extent l end.
(* Claim c lies at position p. *)
Definition at_pos (l : list claim) p c := exists a b, l = a ++ c :: b /\ p = extent a.

(* What claims gave: the payloads of those that were committed. *)
Fixpoint pays (l : list claim) := match l with
  | nil => nil | x :: l => match what x with Came _ y => y :: pays l | _ => pays l end end.

Record st := St {
  mm : mem; pp : nat -> producer; alive : nat -> bool; cc : consumer;
  claims : list claim;                     (* in the order of the exchanges; pieces, of those that split *)
  done : list (list nat);                  (* what was read and released *)
  said : nat -> list nat;                  (* where claims ended when each owner word was stored *)
  roll : call }.

Definition upd {A} (f : nat -> A) i x := fun j => if Nat.eq_dec i j then x else f j.
(* The open claim of producer i, if it has one, becomes these. *)
Definition becomes (l : list claim) i (ps : nat -> list claim) :=
  flat_map (fun c => match what c with Live => if own c =? i then ps (words c) else [c] | _ => [c] end) l.
Definition ends_so (l : list claim) i (w : fate) := becomes l i (fun n => [Claim n i w]).
(* The messages b, and r words without one. *)
Definition pieces i (t : nat) (b : list (list nat)) (r : nat) :=
  map (fun x => Claim (size x) i (Came t x)) b ++ match r with 0 => nil | _ => [Claim r i (Left t)] end.

Section Ring.
Variables N most producers : nat.
Variable O : orders.
Definition tids := Co :: map Pr (seq 0 producers).
Notation read := (Machine.read loc_dec tid_dec tids).
Notation write := (Machine.write loc_dec tid_dec tids).
Notation rmw := (Machine.rmw loc_dec tid_dec tids).
Notation learn := (Machine.learn tid_dec).
Definition word p := D (p mod N).
Definition cell p i := D (p mod N + 1 + i).
(* Behind the zeros from c to q: nothing unreleased stands before them, or something does. *)
Definition scanned c q r f h := if c =? f then Blank q r f h else Idle q r f h.
Definition clock (m : mem) i := ck (tv m (Pr i)) (Pr i).

(* What producer i does: its memory, its own place, the claims. *)
Inductive pstep (i : nat) : mem -> producer -> list claim -> mem -> producer -> list claim -> Prop :=
| p_room m f l k : can_read m (Pr i) FR k ->
    pstep i m (Free f) l (read atomic (free_load O) (Pr i) FR k m) (Free (val (hist m FR k))) l
| p_glance m f l k : can_read m (Pr i) WP k ->          (* how many fit into a batch *)
    pstep i m (Free f) l (read atomic false (Pr i) WP k m) (Free f) l
| p_aim m f n l k : 0 < n -> can_read m (Pr i) WP k ->
    pstep i m (Free f) l (read atomic false (Pr i) WP k m) (Try f (val (hist m WP k)) n) l
| p_aim_again m f t n l k : can_read m (Pr i) WP k ->
    pstep i m (Try f t n) l (read atomic false (Pr i) WP k m) (Try f (val (hist m WP k)) n) l
| p_look m f t n l k : can_read m (Pr i) FR k ->
    pstep i m (Try f t n) l (read atomic (free_load O) (Pr i) FR k m) (Try (val (hist m FR k)) t n) l
| p_full m f t n l : pstep i m (Try f t n) l m (Settle f) l
| p_announce m f t n l : f <= t -> t + n <= f + N ->
    pstep i m (Try f t n) l (write atomic (idle_store O) (Pr i) (Ann i) (S t) m) (Said f t n) l
| p_claim m f t n l : last m WP = t ->
    pstep i m (Said f t n) l (rmw false (claim_store O) (Pr i) WP (t + n) m) (Won f t n) (l ++ [Claim n i Live])
| p_fail m f t n l k : can_read m (Pr i) WP k -> val (hist m WP k) <> t ->
    pstep i m (Said f t n) l (read atomic false (Pr i) WP k m) (Try f (val (hist m WP k)) n) l
| p_stamp m f t n x l : size x <= n -> length x <= most ->
    pstep i m (Won f t n) l (write atomic false (Pr i) (word t) (busy n) m) (Fill f t n 0 nil x 0) l
| p_fill m f t n r b x j l : j < length x ->
    pstep i m (Fill f t n r b x j) l (write plain false (Pr i) (cell (t + total b) j) (nth j x 0) m) (Fill f t n r b x (S j)) l
(* the first record is whole: its header is the commit *)
| p_whole m f t n r x l :
    pstep i m (Fill f t n r nil x (length x)) l m (Ready f t n r [x]) l
(* another of a batch is *)
| p_head m f t n r y b x l :
    pstep i m (Fill f t n r (y :: b) x (length x)) l (write atomic false (Pr i) (word (t + total (y :: b))) (committed (size x)) m)
      (Ready f t n r ((y :: b) ++ [x])) l
| p_next m f t n r b x l : total b + size x + r <= n -> length x <= most ->
    pstep i m (Ready f t n r b) l m (Fill f t n r b x 0) l
(* the message becomes shorter: k words, and no more come behind it *)
| p_rest m f t n r b x j k l : 0 < r -> total b + S k + r = n -> k <= length x ->
    pstep i m (Fill f t n 0 b x j) l (write atomic false (Pr i) (word (t + (n - r))) (aborted r) m)
      (Fill f t n r b (firstn k x) (min j k)) l
| p_commit m f t n r x b l : total (x :: b) + r = n ->
    pstep i m (Ready f t n r (x :: b)) l (write atomic (publish_store O) (Pr i) (word t) (committed (size x)) m) (Settle f)
      (becomes l i (fun _ => pieces i (S (clock m i)) (x :: b) r))
| p_abort m f t n r b x j l :
    pstep i m (Fill f t n r b x j) l (write atomic (publish_store O) (Pr i) (word t) (aborted n) m) (Settle f)
      (ends_so l i (Left (S (clock m i))))
| p_settle m f l :
    pstep i m (Settle f) l (write atomic (idle_store O) (Pr i) (Ann i) 0 m) (Free f) l
| p_new m l k : can_read m (Pr i) FR k ->
    pstep i m Here l (read atomic (free_load O) (Pr i) FR k m) (Settle (val (hist m FR k))) l.

(* What the consumer does; it asks the kernel only in c_alive and c_dead. *)
Inductive cstep (al : nat -> bool) : mem -> consumer -> list (list nat) -> mem -> consumer -> list (list nat) -> Prop :=
| c_attach m d k : can_read m Co RP k ->
    cstep al m Nobody d (read atomic false Co RP k m) (Attach (val (hist m RP k))) d
| c_attach_mark m e d k : can_read m Co RM k ->
    cstep al m (Attach e) d (read atomic false Co RM k m) (Redo (val (hist m RM k)) e) d
| c_redo m c e d :
    cstep al m (Redo c e) d (write atomic false Co RM c m) (Zero c c e nil) d
| c_poll m c r f h d k v : c - f < N -> can_read m Co (word c) k -> v = val (hist m (word c) k) ->
    cstep al m (Idle c r f h) d (read atomic (publish_load O) Co (word c) k m)
      (if state_of v =? 2 then Take c r f h (words_of v - 1) nil
       else if state_of v =? 3 then Idle (c + words_of v) r f h else Idle c r f h) d
| c_word m c r f h n got d k : length got < n -> k = len m (cell c (length got)) - 1 ->
    cstep al m (Take c r f h n got) d (read plain false Co (cell c (length got)) k m)
      (Take c r f h n (got ++ val (hist m (cell c (length got)) k) :: nil)) d
| c_deliver m c r f h got d :
    cstep al m (Take c r f h (length got) got) d m (Idle (c + size got) r f (h ++ got :: nil)) d
| c_release m c r f h d :
    cstep al m (Idle c r f h) d (write atomic false Co RM c m) (Zero c c f nil) (d ++ h)
| c_zero m c r q h d : q < r ->
    cstep al m (Zero c r q h) d (write plain false Co (word q) 0 m) (Zero c r (S q) h) d
| c_hand m c r h d :
    cstep al m (Zero c r r h) d (write atomic false Co RP r m) (Hand c r h) d
| c_free m c r h d :
    cstep al m (Hand c r h) d (write atomic (free_store O) Co FR r m) (Rest c r h) d
| c_rest m c r h d :
    cstep al m (Rest c r h) d (write atomic false Co RM r m) (Idle c r r h) d
(* whether its own two words are as it left them *)
| c_mend m c r f h d k : can_read m Co RP k ->
    cstep al m (Idle c r f h) d (read atomic false Co RP k m) (Idle c r f h) d
| c_mend_freed m c r f h d k : can_read m Co FR k ->
    cstep al m (Idle c r f h) d (read atomic false Co FR k m) (Idle c r f h) d
| c_examine m c r f h d k T : can_read m Co WP k -> T = val (hist m WP k) -> c <= T ->
    cstep al m (Idle c r f h) d (read atomic (claim_load O) Co WP k m)
      (if c =? T then Idle c r f h else Ask c r f h T 0) d
| c_quiet m c r f h T i d k a : i < producers -> can_read m Co (Ann i) k -> a = val (hist m (Ann i) k) -> (a = 0 \/ T < a) ->
    cstep al m (Ask c r f h T i) d (read atomic (idle_load O) Co (Ann i) k m) (Ask c r f h T (S i)) d
| c_doubt m c r f h T i d k a : i < producers -> can_read m Co (Ann i) k -> a = val (hist m (Ann i) k) -> 0 < a <= T ->
    cstep al m (Ask c r f h T i) d (read atomic (idle_load O) Co (Ann i) k m) (Doubt c r f h T i) d
| c_alive m c r f h T i d : al i = true -> cstep al m (Doubt c r f h T i) d m (Idle c r f h) d
| c_dead m c r f h T i d : i < producers -> al i = false ->
    cstep al m (Doubt c r f h T i) d (learn Co (Pr i) m) (Ask c r f h T (S i)) d
| c_all m c r f h T d : cstep al m (Ask c r f h T producers) d m (Again c r f h T) d
| c_again m c r f h T d k v : can_read m Co (word c) k -> v = val (hist m (word c) k) ->
    cstep al m (Again c r f h T) d (read atomic false Co (word c) k m)
      (if v =? 0 then Scan c r f h T c else if state_of v =? 1 then Idle (c + words_of v) r f h else Idle c r f h) d
| c_scan m c r f h T q d k v : q < T -> can_read m Co (word q) k -> v = val (hist m (word q) k) ->
    cstep al m (Scan c r f h T q) d (read atomic false Co (word q) k m)
      (if v =? 0 then Scan c r f h T (S q) else scanned c q r f h) d
| c_scanned m c r f h T d : cstep al m (Scan c r f h T T) d m (scanned c T r f h) d
(* what was found to be zero is handed back as it is *)
| c_blank m c r f h d :
    cstep al m (Blank c r f h) d (write atomic false Co RM c m) (Zero c c c nil) (d ++ h).

Inductive step : st -> st -> Prop :=
| s_producer m p al c l d e q i m' p' l' : i < producers -> al i = true -> pstep i m (p i) l m' p' l' ->
    step (St m p al c l d e q) (St m' (upd p i p') al c l' d e q)
| s_dies m p al c l d e q i : i < producers ->
    step (St m p al c l d e q) (St m (upd p i Away) (upd al i false) c (ends_so l i (Gone (clock m i))) d e q)
| s_comes m p al c l d e q i : i < producers -> al i = false ->
    step (St m p al c l d e q) (St m (upd p i Come) (upd al i true) c l d e q)
| s_consumer m p al c l d e q m' c' d' : cstep al m c d m' c' d' ->
    step (St m p al c l d e q) (St m' p al c' l d' e (answer c c' q))
| s_consumer_dies m p al c l d e q : step (St m p al c l d e q) (St m p al Nobody l d e Unasked)
| s_enters m p al c l d e q i : i < producers -> al i = true -> p i = Come ->
    step (St m p al c l d e q) (St (rmw true false (Pr i) (Own i) 1 m) (upd p i Here) al c l d (upd e i (e i ++ [extent l])) q)
| s_closes m p al c l d e q i f : i < producers -> al i = true -> p i = Free f ->
    step (St m p al c l d e q)
      (St (write atomic (roll_store O) (Pr i) (Own i) 2 m) (upd p i Parted) al c l d (upd e i (e i ++ [extent l])) q)
| s_calls m p al c r f h l d e q :
    step (St m p al (Idle c r f h) l d e q) (St m p al (Idle c r f h) l d e (Asking false false nil))
| s_hears m p al c r f h l d e a b ks k v : let i := length ks in
    i < producers -> can_read m Co (Own i) k -> v = val (hist m (Own i) k) ->
    step (St m p al (Idle c r f h) l d e (Asking a b ks))
      (St (read atomic (roll_load O) Co (Own i) k m) p al (Idle c r f h) l d e (Asking (a || (v =? 2)) (b || (v =? 1)) (ks ++ [k])))
| s_called m p al c r f h l d e a b ks : length ks = producers ->
    step (St m p al (Idle c r f h) l d e (Asking a b ks))
      (St m p al (Idle c r f h) l d e (if a && negb b then Closed ks else Unasked))
(* the last look: no claim is at the cursor, or no more may be claimed before it releases *)
| s_ends m p al c r f h l d e q ks k : go_on q = Closed ks -> can_read m Co WP k -> val (hist m WP k) = c ->
    step (St m p al (Idle c r f h) l d e q) (St (read atomic (claim_load O) Co WP k m) p al (Idle c r f h) l d e (Ended ks))
| s_ends_full m p al c r f h l d e q ks : go_on q = Closed ks -> N <= c - f ->
    step (St m p al (Idle c r f h) l d e q) (St m p al (Idle c r f h) l d e (Ended ks))
(* a view may be read again until it is released: word j of what was committed at z *)
| s_again m p al c r f h l d e q z x t y j k : at_pos l z x -> what x = Came t y -> r <= z < c -> j < length y ->
    k = len m (cell z j) - 1 ->
    step (St m p al (Idle c r f h) l d e q) (St (read plain false Co (cell z j) k m) p al (Idle c r f h) l d e q).

Definition init := St (Machine.start (fun _ => 0) Co) (fun _ => Away) (fun _ => false) Nobody nil nil (fun _ => [0]) Unasked.
Inductive reach : st -> Prop :=
| r0 : reach init
| rS s s' : reach s -> step s s' -> reach s'.
End Ring.
