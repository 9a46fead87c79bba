(* Holds traces of one producer's damaged ring (trace_damage.cpp) to the calls of Damage.v.

     replay_damage PROJECTED [--unused] <traces

   A call is a program, a tree of loads and stores. Each access of the trace must be the one where the program
   stands, and what a load read says how it goes on; at its end the answer must be the program's. So the
   order of accesses, and what is decided by them, are those that the theorems of damage speak of. *)
open Calls
open Header
open Trace

(* Positions are words from the ring's first on, modulo what 2^64 bytes are. *)
let machine = 1 lsl 61
type ring = { n : int; most : int; trailer : int; first : int64; key : int64; ids : (int64, int) Hashtbl.t; words : (int, int64) Hashtbl.t }
let position r p = Int64.add r.first (Int64.shift_left (Int64.of_int p) 3)
let place r raw = Int64.to_int (Int64.shift_right_logical (Int64.sub raw r.first) 3)
(* A word of the data is a number; 0 is 0. *)
let word r raw = if raw = 0L then 0 else match Hashtbl.find_opt r.ids raw with
  | Some id -> id
  | None -> let id = 1 + Hashtbl.length r.ids in Hashtbl.add r.ids raw id; Hashtbl.add r.words id raw; id
let raw_of r id = if id = 0 then 0L else Hashtbl.find r.words id
(* What a word says as a header there, and the checksum of trace_damage.cpp. *)
let dec r h p = Option.map words_of (header_at ~key:r.key (position r p) (raw_of r h))
let sum r p payload = let seed = List.fold_left (fun seed w -> Int64.mul (Int64.logxor seed (raw_of r w)) multiplier)
    (Int64.logxor (position r p) r.key) payload in
  word r (Int64.shift_right_logical seed 32)

let name_of = function Wp -> "WP" | Rp -> "RP" | Fr -> "FR" | An -> "AN" | Data i -> "D" ^ string_of_int i
(* What a load is answered. The announcement is one more than a position, or nothing. *)
let value r l raw = match l with
  | Data _ -> word r raw
  | An -> let a = Int64.pred raw in if Int64.logand a 7L = 0L then 1 + place r a else 0
  | _ -> place r raw
(* Whether a store says so. What a push puts into the data stands in Damage.v as 0, whatever it is. *)
let agrees r l v raw = match l with
  | Data _ -> true
  | An -> raw = Int64.add (position r (v - 1)) 1L
  | _ -> raw = position r v

let said = function [] -> "the call ends" | e :: _ -> describe e
let refuse call events why =
  let e = match events with e :: _ -> e | [] -> call in raise (Rejected (e, lazy why))
(* What the consumer's own two words say, as far as it has seen: it stores them only where they differ. *)
let seen : (string, int64) Hashtbl.t = Hashtbl.create 4

(* Runs a program along the events of its call. early: a checksum, read ahead of what it is of. *)
let follow r call program events =
  let rec go p early events = match p, early, events with
    | Ret a, None, _ -> a, events
    | Get (l, k), Some e, _ when e.where = name_of l -> go (k (value r l e.raw)) None events
    | Get (l, k), _, e :: rest when (e.what = "load" || e.what = "get") && e.where = name_of l ->
      Hashtbl.replace seen e.where e.raw;
      go (k (value r l e.raw)) early rest
    | Get (Data _, _), None, e :: rest when e.what = "get" -> count "early"; go p (Some e) rest
    | Put (l, v, k), _, e :: rest when (e.what = "store" || e.what = "put") && e.where = name_of l && agrees r l v e.raw ->
      Hashtbl.replace seen e.where e.raw;
      go k early rest
    | Put ((Rp | Fr) as l, v, k), _, _ when Hashtbl.find_opt seen (name_of l) = Some (position r v) -> count "not mended"; go k early events
    | (Get (l, _) | Put (l, _, _)), _, _ -> refuse call events (Printf.sprintf "the call is at %s %s, and not at: %s"
        (match p with Get _ -> "a load of" | _ -> "a store to") (name_of l) (said events))
    | (Ret _ | Stuck), _, _ -> refuse call events "the call is at its end, and a checksum was read too early" in
  go program None events

let answered call events expected = match events with
  | [{ what = "answers"; edge; raw }] when List.mem (edge, raw) expected -> ()
  | _ -> refuse call events ("the answer is not the call's, which is: " ^ String.concat " or " (List.map (fun (a, v) -> Printf.sprintf "%s %Ld" a v) expected))
let bytes_of_words n = Int64.of_int (8 * n)

(* One call. q: the consumer, as its last call left it; w: the producer's end. *)
let make_call r (q, w) call events =
  let consumer = match q with Some q -> q | None -> { cursor = 0; released = 0; told = 0; doubted = 0 } in
  let dec = dec r and sum = sum r and t = r.trailer in
  let told (q', a) rest = (match a with
    | Nothing -> count (call.what ^ ": nothing"); answered call rest ["empty", 0L; "closed", 0L]
    | Message (_, n, _, _) -> count (call.what ^ ": message"); answered call rest ["message", bytes_of_words n]
    | Damaged (a, b) -> count (call.what ^ ": damaged" ^ if a = b then " here" else ""); answered call rest ["corrupt", bytes_of_words (b - a)]);
    Some q', w in
  let look q events =
    let (q, a), rest = follow r call (examine r.n r.most machine t dec sum q) events in
    (match a with
      | Message _ when List.exists (fun e -> e.edge = "own" && e.where.[0] = 'D') events -> count "look: message, late"
      | _ -> ());
    told (q, a) rest in
  match call.what with
  | "attach" -> Hashtbl.reset seen; let q, rest = follow r call (attach r.n machine) events in
    if rest <> [] then refuse call rest "a new consumer is there already"; count "attach"; Some q, w
  | "poll" -> (match follow r call (poll r.n r.most t dec sum consumer) events with
    | (q, Nothing), ({ what = "load" } :: _ as rest) -> count "poll, then look"; look q rest
    | a, rest -> told a rest)
  | "look" -> look consumer events
  | "release" -> if consumer.cursor = consumer.released then (follow r call (Put (Rp, consumer.cursor, Ret ())) events |> ignore; Some consumer, w)
    else let q, rest = follow r call (Calls.release consumer) events in
      if rest <> [] then refuse call rest "all is released"; count "release"; Some q, w
  | "find" | "find-clean" ->
    (match follow r call (find_end r.n r.most machine t dec 0 (call.what = "find-clean")) events with
      | Some (p, _), rest -> count (call.what ^ ": an end"); if rest <> [] then answered call rest ["ok", position r p]; q, Some p
      | None, rest -> count (call.what ^ ": none"); if rest <> [] then answered call rest ["corrupt", 0L]; q, None)
  | "claim" -> (match w with
    | None -> count "push without an end"; q, w  (* Damage.v has none *)
    | Some w -> let own = List.filter (fun e -> e.what <> "get") events in  (* for its checksum *)
      (match follow r call (push r.n machine t w (Int64.to_int call.raw)) own with
        | Corrupt, rest -> count "push: corrupt"; answered call rest ["corrupt", 0L]; q, None
        | Full, rest -> count "push: full"; answered call rest ["full", 0L; "closed", 0L]; q, None
        | Pushed (w, _), rest -> count "push"; answered call rest ["ok", 0L]; q, Some w))
  | _ -> refuse call events "no call of Damage.v"

let is_call e = e.at = ""
let replay r all =
  let rec calls state = function
    | [] -> ()
    | call :: rest when is_call call ->
      let rec own = function e :: rest when not (is_call e) -> let a, b = own rest in (e :: a), b | rest -> [], rest in
      let events, rest = own rest in
      calls (make_call r state call (List.filter (fun e -> not (is_projected e)) events)) rest
    | e :: _ -> raise (Rejected (e, lazy "no call was made")) in
  calls (None, None) all

let () = main ~steps:["attach"; "poll: nothing"; "poll: message"; "poll: damaged"; "look: nothing"; "look: message"; "look: damaged";
    "look: damaged here"; "look: message, late"; "release"; "not mended"; "find: an end"; "find: none"; "find-clean: an end"; "find-clean: none";
    "push"; "push: full"; "push: corrupt"]
  ~replay:(fun shape _ _ all -> match shape with
    | [capacity; most; first; key; trailer] ->
      let words = words_of (int_of_string trailer) in
      replay { n = int_of_string capacity / 8; most = words_of (int_of_string most); trailer = words; first = number first;
        key = number key; ids = Hashtbl.create 64; words = Hashtbl.create 64 } all; 0
    | _ -> failwith "this is no damaged ring")
