(* Holds traces of the C++ (trace.hpp) to the steps that Coq proves safe.

     replay PROJECTED [--unused] <traces      each trace is a run of the protocol, or the rest is told
     replay --steps [ORDER]                   the access of each step; with that order weakened

   The extracted step function says which access an action makes. Each event is matched with an action
   whose access is the same: kind, order, location, value, and the store that was read. Steps without
   an access are found from what comes next. PROJECTED lists the accesses that the protocol leaves
   out. An accepted trace is a run of the protocol: Replay.v, accepted_is_reached. *)
open Protocol
open Header
open Trace

(* Values of the trace, as the protocol has them. *)
let width = 1 lsl 20 and laps = 64 and machine = 1 lsl 40 and first_junk = 1 lsl 61
type ring = {
  n : int; most : int; first : int64; key : int64; trailer : int; zero : int array;
  junk : (int64, int) Hashtbl.t; raws : (int, int64 list) Hashtbl.t;
  mutable claim : int;  (* words of a claim that is not begun yet *)
  mutable early : event option }  (* a checksum that was read ahead of what it is of *)

(* Its checksum is payload to the protocol. *)
let payload_words r bytes = words_of (bytes + r.trailer)
let position r p = Int64.add r.first (Int64.of_int (8 * p))
let junk r raw = match Hashtbl.find_opt r.junk raw with
  | Some id -> id
  | None -> let id = first_junk + Hashtbl.length r.junk in Hashtbl.add r.junk raw id; id
(* A word that is stored as payload may look like a header of any lap. *)
let payload r i raw =
  let rec lap k = if k = laps || i >= r.n then junk r raw else
    let p = i + k * r.n in
    match header_at ~key:r.key (position r p) raw with
    | Some bytes -> trace_enc width p (payload_words r bytes)
    | None -> lap (k + 1) in
  if raw = 0L then 0 else lap 0
let agrees r where value raw = match where with
  | WP | RP | FR -> raw = position r value
  | AN -> if value = 0 then raw = 0L else raw = Int64.add (position r (value - 1)) 1L
  | OW -> (match Int64.to_int (Int64.logand raw 3L) with 0 -> 0 | 2 -> 2 | _ -> 1) = value
  | RO -> raw = Int64.of_int value
  | D i -> if value = 0 then raw = 0L
      else if value >= first_junk then junk r raw = value
      else match header_at ~key:r.key (position r (value / width - 1)) raw with
        | Some bytes -> payload_words r bytes = value mod width - 1
        | None -> false

let location name = match name with
  | "WP" -> Some WP | "RP" -> Some RP | "FR" -> Some FR | "AN" -> Some AN | "OW" -> Some OW
  | "RO" -> Some RO
  | _ -> if name.[0] = 'D' then Some (D (int_of_string (String.sub name 1 (String.length name - 1))))
         else None
let name_of = function
  | WP -> "WP" | RP -> "RP" | FR -> "FR" | AN -> "AN" | OW -> "OW" | RO -> "RO"
  | D i -> "D" ^ string_of_int i

(* Words. *)
let zero r = function D i -> if i < Array.length r.zero then r.zero.(i) else 0 | _ -> 0
let newest r m l = get 1 m.flen (code l) - 1
let value_of r m l k = (message_at (zero r) m l k).fval
let oldest m t l = get 0 (get fbottom m.ftv (tcode t)).fts (code l)
let raws r l = Option.value ~default:[] (Hashtbl.find_opt r.raws (code l))
let raw_of r m l k = List.nth (raws r l) (newest r m l - k)  (* the newest is first *)
let stored r l raw = Hashtbl.replace r.raws (code l) (raw :: raws r l)

let orders = ref shipped  (* another one only for --steps *)
let plan r q a = plan r.n r.most machine (trace_enc width) (trace_dec width) !orders a q
let exec r s a = fexec r.n r.most machine width (zero r) a s

(* Names, for people. *)
let state_of q = function
  | P -> (match q.cp with
    | Away -> "Away" | Come -> "Come" | Freed _ -> "Freed" | Known _ -> "Known" | Walk _ -> "Walk"
    | Clear _ -> "Clear" | Tell _ -> "Tell" | Call _ -> "Call" | Open (_, _, []) -> "Open"
    | Open _ -> "Open, filled" | Fill _ -> "Fill" | Commit _ -> "Commit" | Copy _ -> "Copy"
    | Full _ -> "Full" | Closed -> "Closed")
  | C -> (match q.cq with
    | Nobody -> "Nobody" | Attach _ -> "Attach" | Attached _ -> "Attached" | Idle _ -> "Idle"
    | Take _ -> "Take" | Exam _ -> "Exam" | Over _ -> "Over" | Ended _ -> "Ended")
let name_of_act = function
  | Room _ -> "Room" | Begin _ -> "Begin" | Write -> "Write" | Shorten _ -> "Shorten" | Abort -> "Abort"
  | Filled -> "Filled" | Terminate -> "Terminate" | Publish -> "Publish" | CopyEnd -> "CopyEnd"
  | FullSaid -> "FullSaid" | FullTell -> "FullTell" | Close -> "Close" | Leave -> "Leave"
  | DieP -> "DieP" | Enter -> "Enter" | FindFreed _ -> "FindFreed" | FindRead _ -> "FindRead"
  | FindStart _ -> "FindStart" | FindHeader _ -> "FindHeader" | FindCount _ -> "FindCount" | ArriveCount _ -> "ArriveCount" | FindClear -> "FindClear"
  | FindTell -> "FindTell" | FindCall -> "FindCall" | Arrive _ -> "Arrive"
  | ArriveFreed _ -> "ArriveFreed" | ArriveTell -> "ArriveTell" | Poll _ -> "Poll" | Word -> "Word"
  | Deliver -> "Deliver" | View -> "View" | Again _ -> "Again" | Release -> "Release"
  | OverLoad _ -> "OverLoad" | OverStore -> "OverStore" | TellFreed -> "TellFreed"
  | Mend _ -> "Mend" | MendFreed _ -> "MendFreed" | Roll _ -> "Roll"
  | Owner _ -> "Owner" | Look _ -> "Look" | LookHeader _ -> "LookHeader" | GoOn -> "GoOn" | DieC -> "DieC"
let order_name acq rel = if acq && rel then "acq_rel" else if acq then "acquire" else if rel then "release" else "relaxed"
let access_name = function
  | Nothing | Newest _ -> ""
  | Fetch (_, acq, _, l, _) -> Printf.sprintf "load %s %s" (order_name acq false) (name_of l)
  | Peek (_, l) -> "get " ^ name_of l
  | Store (true, _, _, l, _) -> "put " ^ name_of l
  | Store (_, rel, _, l, x) -> Printf.sprintf "store %s %s%s" (order_name false rel) (name_of l) (if x = 0 then " 0" else "")
  | Exchange (acq, rel, _, l, _) | Count (acq, rel, _, l) ->
    Printf.sprintf "exchange %s %s" (order_name acq rel) (name_of l)
let steps_tried = [Room 0; Write; Filled; Terminate; Publish; CopyEnd; FullSaid; FullTell; Close; Leave;
  Enter; FindFreed 0; FindRead 0; FindStart 0; FindHeader 0; FindCount (0, 0); FindClear; FindTell; FindCall; Arrive 0;
  ArriveFreed 0; ArriveCount (0, 0); ArriveTell; Poll 0; Word; Release; OverStore; TellFreed; Mend 0; MendFreed 0;
  Roll (false, 0); Owner 0; Look 0; LookHeader 0]
let thread_of = function Fetch (_, _, t, _, _) | Peek (t, _) | Store (_, _, t, _, _)
  | Exchange (_, _, t, _, _) | Count (_, _, t, _) -> Some t | Nothing | Newest _ -> None
(* What may come next at once, or behind a step without an access. *)
let silent_steps = [[]; [Filled]; [Shorten 0; Filled]; [Begin []; Filled]]
let rec silently r q = function
  | [] -> Some q
  | a :: rest -> match plan r q a with
    | Some (Nothing, next) -> silently r (next []) rest | _ -> None
let expected r q t =
  let after q = List.filter_map (fun a -> match plan r q a with
    | Some (x, _) when thread_of x = Some t -> Some (access_name x) | _ -> None) steps_tried in
  let names = List.concat_map (fun steps -> match silently r q steps with Some q -> after q | None -> []) silent_steps in
  Printf.sprintf "the protocol stands at %s, and there it may: %s" (state_of q t)
    (if names = [] then "nothing" else String.concat "; " (List.sort_uniq compare names))

(* Whether an access is what the event says. *)
let is_match r m e = function
  | Fetch (na, acq, _, l, k) -> e.what = "load" && not na && e.order = order_name acq false
      && name_of l = e.where && k <= newest r m l && raw_of r m l k = e.raw
  | Peek (_, l) -> e.what = "get" && name_of l = e.where && raw_of r m l (newest r m l) = e.raw
  | Store (na, rel, _, l, x) -> e.what = (if na then "put" else "store")
      && (na || e.order = order_name false rel) && name_of l = e.where && agrees r l x e.raw
  | Exchange (acq, rel, _, l, x) -> e.what = "exchange" && e.order = order_name acq rel
      && name_of l = e.where && agrees r l x e.raw
  | Count (acq, rel, _, l) -> e.what = "exchange" && e.order = order_name acq rel
      && name_of l = e.where && agrees r l (value_of r m l (newest r m l) + 1) e.raw
  | Nothing | Newest _ -> false

let rec silent r s = function
  | [] -> Some s
  | a :: rest -> match plan r (snd s) a with
    | Some ((Nothing | Newest _), _) -> Option.bind (exec r s a) (fun s -> silent r s rest)
    | _ -> None

(* Runs silent actions and then one whose access is the event. *)
let attempt r s e actions =
  let rec split = function [a] -> [], a | a :: rest -> let x, y = split rest in a :: x, y | [] -> assert false in
  let before, last = split actions in
  Option.bind (silent r s before) (fun s -> match plan r (snd s) last with
    | Some (x, _) when is_match r (fst s) e x -> Option.map (fun s -> (s, x)) (exec r s last)
    | _ -> None)

(* The messages of a location that a load may have read. *)
let readable r s t e = match e.store, location e.where with
  | Some k, _ -> [k]
  | None, Some l -> let m = fst s in
    let rec from k = if k > newest r m l then [] else
      if raw_of r m l k = e.raw then k :: from (k + 1) else from (k + 1) in
    (* The oldest binds the reader least. *)
    (match from (oldest m t l) with [] -> [] | k :: _ -> [k])
  | None, None -> []

(* Words that are put one behind the other from here on: a record as far as it is filled. *)
let record r later e =
  let rec words i next = match next with
    | x :: rest when x.role <> e.role -> words i rest
    | x :: rest when x.what = "put" && x.where = "D" ^ string_of_int i -> payload r i x.raw :: words (i + 1) rest
    | x :: rest when x.what = "get" -> words i rest
    | _ -> [] in
  match location e.where with
  | Some (D i) -> let x = words i (e :: later) in
    x @ List.init (max 0 (r.claim - List.length x)) (fun _ -> 0)
  | _ -> []

(* The words that a claim keeps: its terminator tells. *)
let shortened r s e = match (snd s).cp, location e.where with
  | Fill (_, w, bs, _, _), Some (D i) ->
    let at = List.fold_left (fun sum b -> sum + 1 + List.length b) w bs in
    (i + 2 * r.n - 1 - at mod r.n) mod r.n
  | _ -> 0

let producer r s e later =
  let with_k f = List.map f (readable r s P e) in
  match e.what, e.where.[0], e.where with
  | "load", _, "FR" -> with_k (fun k -> [FindFreed k]) @ with_k (fun k -> [Room k]) @ with_k (fun k -> [Filled; Room k])
  | "load", _, "RP" -> with_k (fun k -> [FindRead k])
  | "load", _, "WP" -> with_k (fun k -> [FindStart k])
  | "load", 'D', _ -> with_k (fun k -> [FindHeader k]) @ (match location e.where with
    | Some (D i) -> with_k (fun k -> [FindCount (i, k)]) | _ -> [])
  | "exchange", _, "OW" -> [[Enter]]
  | "exchange", _, "RO" -> [[FindCall]; [Leave]]
  | "store", _, "OW" -> [[Close]; [Abort; Close]]
  | "store", _, "AN" -> [[FullSaid]; [Filled; FullSaid]]
  | "store", _, "WP" -> [[CopyEnd]; [FindTell]; [FullTell]]
  | "store", 'D', _ -> let last = if e.raw = 0L then Terminate else Filled in
    let shorten = Shorten (shortened r s e) in
    [[FindClear]; [Publish]; [last]; [Filled; last]; [shorten; Filled; last]; [shorten; last];
     [Begin []; last]; [Begin []; Filled; last]; [Filled; Begin []; last]; [Begin []; Filled; Begin []; last];
     [Filled; Begin []; Filled; last]]
  | "put", 'D', _ -> let x = record r later e in
    [[Write]; [Begin x; Write]; [Filled; Begin x; Write]; [Begin []; Filled; Begin x; Write]]
  | _ -> []

(* The first position from p on whose word is i. *)
let behind r p i = p + (i + r.n - p mod r.n) mod r.n

let consumer r s e =
  let q = (snd s).cq in
  let with_k f = List.map (fun k -> [f k]) (readable r s C e) in
  match e.what, e.where.[0], e.where with
  | "load", _, "RP" -> with_k (fun k -> Arrive k) @ with_k (fun k -> Mend k)
  | "load", _, "FR" -> with_k (fun k -> ArriveFreed k) @ with_k (fun k -> MendFreed k)
  | "load", _, "RO" -> with_k (fun k -> Roll (e.order = "acquire", k))
  | "load", _, "OW" -> with_k (fun k -> Owner k)
  | "load", _, "WP" -> with_k (fun k -> Look k)
  | "load", 'D', _ when e.edge = "publish" -> with_k (fun k -> Poll k) @ with_k (fun k -> LookHeader k)
  | "load", 'D', _ -> (match q, location e.where with
    | Idle (q, _), Some (D i) -> with_k (fun k -> OverLoad (behind r q.told i, k))
    | Attached (_, f), Some (D i) -> with_k (fun k -> ArriveCount (behind r f i, k))
    | _ -> [])
  | "store", 'D', _ -> [[OverStore]]
  | "store", _, "RP" -> [[Release]]
  | "store", _, "FR" -> [[ArriveTell]; [TellFreed]]
  | "get", 'D', _ -> (match q, location e.where with
    | Take _, _ -> [[Word]]
    | Idle (q, held), Some (D i) ->
      (* The held record that this word is in. *)
      let rec find n p = function
        | [] -> []
        | a :: rest -> let at = i - p mod r.n - 1 in
          (if at >= 0 && at < List.length a then [[Again (n, at)]] else []) @ find (n + 1) (p + 1 + List.length a) rest in
      find 0 (q.cursor - List.fold_left (fun sum a -> sum + 1 + List.length a) 0 held) held
    | _ -> [])
  | _ -> []

(* `closed` is answered where the protocol answers it, and only there. *)
let answer r s e = match (snd s).cq, e.edge with
  | Ended _, "closed" -> count "GoOn"; Option.get (exec r s GoOn)
  | Ended _, _ -> raise (Rejected (e, lazy "the protocol stands at Ended, and there it answers `closed`"))
  | _, "closed" -> raise (Rejected (e, lazy ("`closed` too early: " ^ expected r (snd s) C)))
  | _ -> s

(* For its checksum a producer reads what it has written. That is no step: nobody else may. *)
let reads_its_own r s e = match (snd s).cp, location e.where with
  | Fill (_, w, bs, x, i), Some (D at) ->
    let first = List.fold_left (fun sum b -> sum + 1 + List.length b) w bs mod r.n + 1 in
    let l = D at in
    if first <= at && at < first + i && raw_of r (fst s) l (newest r (fst s) l) = e.raw then s
    else raise (Rejected (e, lazy "a producer reads what it has not written"))
  | _ -> raise (Rejected (e, lazy (expected r (snd s) P)))
(* The checksum of what is taken, read ahead of it: the language leaves open which is read first. *)
let is_early r s e = match (snd s).cq with
  | Take (q, _, n, got) -> r.early = None && List.length got < n - 1 && e.where = "D" ^ string_of_int (q.cursor mod r.n + n)
  | _ -> false

let rec step r s e later =
  let t = if e.role = "P" then P else C in
  match e.what with
  | "enter" -> s
  | "dies" -> if t = P then r.claim <- 0 else r.early <- None; let a = if t = P then DieP else DieC in count (name_of_act a); Option.get (exec r s a)
  | "claim" -> r.claim <- Int64.to_int e.raw; s
  | "abort" -> r.claim <- 0; (match exec r s Abort with Some s -> count "Abort"; s | None -> s)
  | "answers" -> answer r s e
  | _ when is_projected e -> s
  | "get" when t = P -> reads_its_own r s e
  | "get" when is_early r s e -> r.early <- Some e; s
  | _ ->
    let candidates = if t = P then producer r s e later else consumer r s e in
    match List.find_map (fun c -> Option.map (fun x -> (c, x)) (attempt r s e c)) candidates with
    | None -> raise (Rejected (e, lazy (expected r (snd s) t)))
    | Some (actions, (s, x)) ->
      List.iter (fun a -> count (name_of_act a)) actions;
      if List.mem Publish actions then r.claim <- 0;
      (match x with Store (_, _, _, l, _) | Exchange (_, _, _, l, _) | Count (_, _, _, l) -> stored r l e.raw | _ -> ());
      if (fst s).frace then raise (Rejected (e, lazy "a data race"));
      if (snd s).cwrong then raise (Rejected (e, lazy "damage, where none is"));
      if t = C then deliver r s else s
(* What was taken is delivered: without a checksum as it is, with one when all of it was read. *)
and deliver r s = match (snd s).cq, r.early with
  | Take _, _ when r.trailer = 0 -> count "View"; Option.get (exec r s View)
  | Take (_, _, n, got), _ when List.length got = n -> count "Deliver"; Option.get (exec r s Deliver)
  | Take (_, _, n, got), Some e when List.length got = n - 1 -> let s = step r s e [] in r.early <- None; s
  | _ -> s

let replay_any r ordered all = if ordered then in_order ~step:(step r) fstart all
  else interleave ~step:(step r) ~answers:(fun _ _ -> []) fstart
    ~save:(fun () -> let raws = Hashtbl.copy r.raws and claim = r.claim and early = r.early in fun () ->
      Hashtbl.reset r.raws; Hashtbl.iter (Hashtbl.replace r.raws) raws; r.claim <- claim; r.early <- early)
    (List.map (fun role -> List.filter (fun e -> e.role = role) all) ["P"; "C"])

let make_ring capacity most first key trailer init =
  let r = { n = capacity / 8; most = words_of (most + trailer); first; key; trailer; junk = Hashtbl.create 64; raws = Hashtbl.create 64;
    zero = Array.make (List.length init) 0; claim = 0; early = None } in
  List.iter (fun (i, raw) -> r.zero.(i) <- payload r i raw; stored r (D i) raw) init;
  List.iter (fun l -> stored r l first) [WP; RP; FR];
  List.iter (fun l -> stored r l 0L) [AN; OW; RO];
  r

let without = function
  | "publish_store" -> { shipped with publish_store = false } | "publish_load" -> { shipped with publish_load = false }
  | "free_store" -> { shipped with free_store = false } | "free_load" -> { shipped with free_load = false }
  | "extent_store" -> { shipped with extent_store = false } | "extent_load" -> { shipped with extent_load = false }
  | "roll_store" -> { shipped with roll_store = false } | "roll_load" -> { shipped with roll_load = false }
  | order -> failwith ("no order: " ^ order)
(* Each step's access, as Coq has it, from a place where the step may be taken. *)
let print_steps () =
  let r = make_ring 64 16 0L 0L 0 [] in
  let x = [1] and q = { cursor = 4; released = 4; told = 0; ending = None } in
  let producers = [Away; Come; Freed 0; Known (0, 0); Walk (0, 0); Clear (0, 0); Tell (0, 0); Call (0, 0);
    Open (0, 0, []); Open (0, 0, [x]); Fill (0, 0, [], x, 0); Fill (0, 0, [x], x, 1); Commit (0, 0, [x]);
    Copy (0, 0); Full (0, 0, []); Closed] in
  let consumers = [Nobody; Attach 4; Attached (4, 0); Idle (q, [x]); Take (q, [], 1, []); Exam (q, [], 0);
    Over (q, [], 0, 0); Ended (q, [], 0)] in
  let ctl cp cq = { cp; cq; clog = []; cdone = []; cends = []; cwrong = false } in
  let states = List.concat_map (fun p -> List.map (ctl p) consumers) producers in
  List.iter (fun a ->
    let accesses = List.filter_map (fun q -> match plan r q a with
      | Some (x, _) when thread_of x <> None -> Some (String.concat " " (List.filteri (fun i _ -> i < 2)
          (String.split_on_char ' ' (access_name x))))
      | _ -> None) states in
    List.iter (fun text -> Printf.printf "%s %s\n" (name_of_act a) text) (List.sort_uniq compare accesses))
    (Again (0, 0) :: OverLoad (0, 0) :: Roll (true, 0) :: steps_tried)

let () =
  (match Array.to_list Sys.argv with
    | [_; "--steps"] -> print_steps (); exit 0
    | [_; "--steps"; order] -> orders := without order; print_steps (); exit 0
    | _ -> ());
  main ~steps:(List.map name_of_act (Begin [] :: Shorten 0 :: Abort :: View :: Again (0, 0) :: OverLoad (0, 0) :: GoOn :: DieP :: DieC :: steps_tried))
    ~replay:(fun shape init ordered all -> match shape with
      | [capacity; most; first; key; trailer] ->
        let r = make_ring (int_of_string capacity) (int_of_string most) (number first) (number key) (int_of_string trailer) init in
        List.length (snd (replay_any r ordered all)).cdone
      | _ -> failwith "this is no ring of one producer")
