(* Computes the samples of layout.cpp again: headers with the encoding of Record.v, the rest with
   Layout.v and Spsc.v. Headers also as replay.ml decodes them.   layout <samples *)
open Header

let rec positive n = if n = 1L then Record.XH
  else let rest = positive (Int64.shift_right_logical n 1) in
    if Int64.logand n 1L = 1L then Record.XI rest else Record.XO rest
let big n = if n = 0L then Record.N0 else Record.Npos (positive n)
let rec small = function
  | Record.XH -> 1L
  | Record.XO p -> Int64.shift_left (small p) 1
  | Record.XI p -> Int64.logor (Int64.shift_left (small p) 1) 1L
let int64 = function Record.N0 -> 0L | Record.Npos p -> small p

(* Positions and lengths in words, as the proofs have them. *)
let machine = 1 lsl 61
let words n = Int64.to_int (Int64.shift_right_logical n 3)

let payload bytes trailer = List.init (words_of (Int64.to_int (Int64.add bytes trailer))) (fun _ -> 0)
let claimed word = 1 + words_of (bytes_of word)

let is_right kind n = match kind, n with
  | "committed", [key; pos; bytes; word] -> int64 (Record.committed (big key) (big bytes) (big pos)) = word
  | "read", [key; pos; word; yes; bytes] ->
    Record.is_committed (big key) (big word) (big pos) = (yes = 1L) && int64 (Record.bytes_of (big word)) = bytes
    && header_at ~key pos word = (if yes = 1L then Some (Int64.to_int bytes) else None)
  | "stamped", [key; pos; bytes; producer; word] -> let state = Int64.logand word 3L in
    let stamp = int64 (Record.stamp (big key) (big state) (big bytes) (big pos)) in
    (state = 3L || state = 1L) && Int64.logxor stamp (Int64.shift_left producer check_shift) = word
    && state_of word = Int64.to_int state && bytes_of word = Int64.to_int bytes
    && mismatch ~key pos word = Int64.to_int producer
  | "taken", [key; pos; producers; word; aborted; busy; producer; covers] ->
    let mine = mismatch ~key pos word in
    (aborted = 1L) = (state_of word = 3 && mine = 0)
    && (busy = 1L) = (state_of word = 1 && Int64.of_int mine < producers)
    && producer = (if busy = 1L then Int64.of_int mine else 0L)
    && Int64.to_int covers = 8 * claimed word
  | "claim", [all; bytes] -> 1 + words_of (Int64.to_int bytes) = words all
  | "record", [bytes; trailer; record] -> 8 * Protocol.size (payload bytes trailer) = Int64.to_int record
  (* A record in the last word still lies in the room for data, whatever its length. *)
  | "room", [capacity; most; trailer; room] -> let n = words capacity in
    Protocol.cell n (n - 1) (List.length (payload most trailer) - 1) < Protocol.D (words room)
  | "payload", [capacity; pos; index] -> Protocol.cell (words capacity) (words pos) 0 = Protocol.D (words index)
  | "index", [capacity; pos; index] -> Protocol.word (words capacity) (words pos) = Protocol.D (words index)
  | "before", [a; b; yes; distance] -> Protocol.is_before machine (words a) (words b) = (yes = 1L)
    && Protocol.dist machine (words a) (words b) = words distance
  | _ -> false

let () =
  let count = ref 0 and wrong = ref 0 in
  (try while true do
    let line = input_line stdin in
    incr count;
    match String.split_on_char ' ' line with
    | kind :: n when is_right kind (List.map (fun s -> Int64.of_string ("0u" ^ s)) n) -> ()
    | _ -> incr wrong; Printf.printf "not as in Coq: %s\n" line
  done with End_of_file -> ());
  Printf.printf "%d samples of the layout, %d not as in Coq\n" !count !wrong;
  exit (if !wrong > 0 || !count < 5000 then 1 else 0)
