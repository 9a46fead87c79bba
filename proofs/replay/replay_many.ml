(* Holds traces of many producers' C++ (trace.hpp) to the steps that Coq proves safe, as replay.ml does.

     replay_many PROJECTED [--unused] <traces
     replay_many --steps [ORDER]

   An accepted trace is a run of the protocol: MpscReplay.v, accepted_is_reached_of_many. *)
open Protocol_many
open Trace

(* Values of the trace, as the protocol has them. *)
let first_junk = 1 lsl 60
type ring = {
  n : int; most : int; producers : int; first : int64; key : int64; trailer : int;
  junk : (int64, int) Hashtbl.t; raws : (int, int64 list) Hashtbl.t;
  mutable early : event option;   (* a checksum that was read ahead of what it is of *)
  mutable found : bool }          (* the search behind a dead claim has just found a header *)

let position r p = Int64.add r.first (Int64.of_int (8 * p))
let place r raw = Int64.to_int (Int64.div (Int64.sub raw r.first) 8L)
(* Payload means nothing: no word of it is 0, none has the state of a header. *)
let payload r raw = if raw = 0L then 0 else match Hashtbl.find_opt r.junk raw with
  | Some id -> id
  | None -> let id = first_junk + 4 * Hashtbl.length r.junk in Hashtbl.add r.junk raw id; id
(* The header of a claim at p: of so many words, in this state, by producer i. The checksum of a message is
   payload to the protocol; what is busy or given up has it in its length. *)
let is_header r p i value raw =
  let trailer = if value mod 4 = 2 then r.trailer else 0 in
  Header.state_of raw = value mod 4 && 1 + Header.words_of (Header.bytes_of raw + trailer) = value / 4
  && Header.mismatch ~key:r.key (position r p) raw = (if value mod 4 = 1 then i else 0)

let location name = match name with
  | "WP" -> Some WP | "RM" -> Some RM | "RP" -> Some RP | "FR" -> Some FR
  | _ -> let number () = int_of_string (String.sub name 1 (String.length name - 1)) in
    if name.[0] = 'D' then Some (D (number ()))
    else if name.[0] = 'A' then Some (Ann (number ()))
    else if name.[0] = 'O' then Some (Own (number ())) else None
let name_of = function
  | WP -> "WP" | RM -> "RM" | RP -> "RP" | FR -> "FR"
  | D i -> "D" ^ string_of_int i | Ann i -> "A" ^ string_of_int i | Own i -> "O" ^ string_of_int i
let thread_of_role role = if role = "C" then Co else Pr (int_of_string (String.sub role 1 (String.length role - 1)))

(* Words. *)
let newest m l = get 1 m.flen (code l) - 1
let oldest m t l = get 0 (get fbottom m.ftv (tcode t)).fts (code l)
let raws r l = Option.value ~default:[] (Hashtbl.find_opt r.raws (code l))
let raw_of r m l k = List.nth (raws r l) (newest m l - k)  (* the newest is first *)
let stored r l raw = Hashtbl.replace r.raws (code l) (raw :: raws r l)

let orders = ref shipped  (* another one only for --steps *)
let plan r q a = plan r.n r.most r.producers !orders a q
let exec r s a = fexec r.n r.most r.producers a s

(* Names, for people. *)
let state_of q = function
  | Pr i -> (match q.cpp i with
    | Away -> "Away" | Come -> "Come" | Here -> "Here" | Parted -> "Parted" | Free _ -> "Free" | Try _ -> "Try" | Said _ -> "Said" | Won _ -> "Won"
    | Fill _ -> "Fill" | Ready _ -> "Ready" | Settle _ -> "Settle")
  | Co -> (match q.ccc with
    | Nobody -> "Nobody" | Attach _ -> "Attach" | Redo _ -> "Redo" | Idle _ -> "Idle" | Take _ -> "Take"
    | Zero _ -> "Zero" | Hand _ -> "Hand" | Rest _ -> "Rest" | Blank _ -> "Blank" | Ask _ -> "Ask"
    | Doubt _ -> "Doubt" | Again _ -> "Again" | Scan _ -> "Scan")
let name_of_action = function
  | By (_, a) -> (match a with
    | New _ -> "New" | Room _ -> "Room" | Glance _ -> "Glance" | Aim _ -> "Aim" | AimAgain _ -> "AimAgain"
    | Look _ -> "Look" | GiveUp -> "GiveUp" | Announce -> "Announce" | Exchanges -> "Exchanges" | Fails _ -> "Fails"
    | Stamp _ -> "Stamp" | Write -> "Write" | Whole -> "Whole" | Follow -> "Follow" | Next _ -> "Next" | Leave _ -> "Leave" | Commit -> "Commit" | Abort -> "Abort" | Settles -> "Settles")
  | Dies _ -> "Dies" | Arrives _ -> "Arrives" | ConsumerDies -> "ConsumerDies"
  | Enters _ -> "Enters" | Closes _ -> "Closes" | Calls -> "Calls" | Hears _ -> "Hears" | Called -> "Called"
  | Ends _ -> "Ends" | EndsFull -> "EndsFull" | Rereads _ -> "Rereads"
  | Consumer a -> (match a with
    | Comes _ -> "Comes" | ComesMark _ -> "ComesMark" | Redoes -> "Redoes" | Poll _ -> "Poll" | Word -> "Word"
    | Deliver -> "Deliver" | Release -> "Release" | ZeroNext -> "ZeroNext" | Hands -> "Hands" | Frees -> "Frees"
    | Rests -> "Rests" | ReleaseBlank -> "ReleaseBlank" | Mend _ -> "Mend" | MendFreed _ -> "MendFreed" | Examine _ -> "Examine" | Asks _ -> "Asks" | Alive -> "Alive"
    | Dead -> "Dead" | All -> "All" | AgainHeader _ -> "AgainHeader" | ScanNext _ -> "ScanNext" | Scanned -> "Scanned")
let order_name acq rel = if acq && rel then "acq_rel" else if acq then "acquire" else if rel then "release" else "relaxed"
let access_name = function
  | Exchange (acq, rel, _, l, _) -> Printf.sprintf "exchange %s %s" (order_name acq rel) (name_of l)
  | Nothing | Newest _ | Count _ -> "" | Learn (_, _) -> "is told of a death"
  | Fetch (_, acq, _, l, _) -> Printf.sprintf "load %s %s" (order_name acq false) (name_of l)
  | Peek (_, l) -> "get " ^ name_of l
  | Store (true, _, _, l, _) -> "put " ^ name_of l
  | Store (_, rel, _, l, x) -> Printf.sprintf "store %s %s" (order_name false rel) (name_of l)
  | Swap (acq, rel, _, l, _, _) -> Printf.sprintf "exchange %s %s" (order_name acq rel) (name_of l)
let producer_steps i = List.map (fun a -> By (i, a)) [New 0; Room 0; Glance 0; Aim (1, 0); AimAgain 0; Look 0; GiveUp;
  Announce; Exchanges; Fails 0; Stamp []; Write; Whole; Follow; Next []; Leave (1, 2);
  Commit; Abort; Settles]
  @ [Enters i; Closes i]
let consumer_steps = List.map (fun a -> Consumer a) [Comes 0; ComesMark 0; Redoes; Poll 0; Word; Deliver; Release; ZeroNext;
  Hands; Frees; Rests; ReleaseBlank; Mend 0; MendFreed 0; Examine 0; Asks 0; Alive; Dead; All; AgainHeader 0; ScanNext 0; Scanned]
  @ [Calls; Hears 0; Called; Ends 0; EndsFull; Rereads (0, 0)]
let expected r q t =
  let steps = match t with Pr i -> producer_steps i | Co -> consumer_steps in
  let names = List.filter_map (fun a -> match plan r q a with
    | Some (x, _) when access_name x <> "" -> Some (access_name x) | _ -> None) steps in
  Printf.sprintf "the protocol stands at %s, and there it may: %s" (state_of q t)
    (if names = [] then "nothing" else String.concat "; " (List.sort_uniq compare names))

(* What a store says, and whether it is what the event says. *)
let agrees r q t action l x raw = match l, t with
  | (WP | RP | FR), _ -> raw = position r x
  | RM, _ -> raw = (if action = Consumer Rests then position r x else Int64.add (position r x) 1L)
  | Own _, _ -> (match Int64.to_int (Int64.logand raw 3L) with 0 -> 0 | 2 -> 2 | _ -> 1) = x
  | Ann _, _ -> if x = 0 then raw = 0L else raw = Int64.add (position r (x - 1)) 1L
  | D _, Pr i -> (match q.cpp i, action with
    | (Won (_, t, _) | Fill (_, t, _, _, _, _, _) | Ready (_, t, _, _, _)), By (_, (Stamp _ | Commit | Abort)) -> is_header r t i x raw
    | Fill (_, t, _, _, b, _, _), By (_, Follow) -> is_header r (t + total b) i x raw
    | Fill (_, t, n, _, _, _, _), By (_, Leave (_, rest)) -> is_header r (t + n - rest) i x raw
    | _ -> payload r raw = x)
  | D _, Co -> x = 0 && raw = 0L
let is_match r s t action e x = let m = fst s in match x with
  | Fetch (na, acq, _, l, k) -> e.what = "load" && not na && e.order = order_name acq false
      && name_of l = e.where && k <= newest m l && raw_of r m l k = e.raw
  | Peek (_, l) -> e.what = "get" && name_of l = e.where && raw_of r m l (newest m l) = e.raw
  | Store (na, rel, _, l, v) -> e.what = (if na then "put" else "store")
      && (na || e.order = order_name false rel) && name_of l = e.where && agrees r (snd s) t action l v e.raw
  | Exchange (acq, rel, _, l, v) | Swap (acq, rel, _, l, _, v) -> e.what = "exchange" && e.order = order_name acq rel
      && name_of l = e.where && agrees r (snd s) t action l v e.raw
  | _ -> false

let is_silent = function Nothing | Learn (_, _) -> true | _ -> false
(* Runs silent actions and then one whose access is the event. *)
let rec attempt r s t e = function
  | [] -> None
  | [a] -> (match plan r (snd s) a with
    | Some (x, _) when is_match r s t a e x -> Option.map (fun s' -> (s', x)) (exec r s a)
    | _ -> None)
  | a :: rest -> (match plan r (snd s) a with
    | Some (x, _) when is_silent x -> Option.bind (exec r s a) (fun s -> attempt r s t e rest)
    | _ -> None)

(* The messages of a location that a load may have read. *)
let readable r s t e = match e.store, location e.where with
  | Some k, _ -> [k]
  | None, Some l -> let m = fst s in
    let rec from k = if k > newest m l then [] else
      if raw_of r m l k = e.raw then k :: from (k + 1) else from (k + 1) in
    (* The oldest binds the reader least. *)
    (match from (oldest m t l) with [] -> [] | k :: _ -> [k])
  | None, None -> []

(* ---- what the role does next decides what the protocol leaves open ---- *)
let its_own e later = List.filter (fun x -> x.role = e.role && not (is_projected x)) later
let rec until_death = function [] -> [] | { what = "dies" } :: _ -> [] | e :: rest -> e :: until_death rest
(* A load of write_pos that is followed by another claim's loads, or by closing, was none of a claim. *)
let is_glance e later =
  let rec loads = function
    | { what = "load"; where = ("WP" | "FR") as l } :: rest -> l :: loads rest
    | { what = "store"; where } :: _ when where.[0] = 'O' -> ["closes"]
    | _ -> [] in
  match loads (until_death (its_own e later)) with "WP" :: _ | "FR" :: "WP" :: "WP" :: _ -> true
    | l when List.mem "closes" l -> true | _ -> false
(* The words that the claim will have, if it is won. *)
let wanted e later =
  let rec find said = function
    | { what = "store"; where; raw } :: rest when where.[0] = 'A' -> if raw = 0L then 1 else find raw rest
    | { what = "exchange"; where = "WP"; raw } :: _ -> Int64.to_int (Int64.div (Int64.sub raw (Int64.pred said)) 8L)
    | _ :: rest -> find said rest
    | [] -> 1 in
  find 1L (until_death (its_own e later))
(* What the record at p will be: what is written there, word behind word. If nothing tells where it ends (a
   header that says so, or another record) it is as long as there is room for. *)
let record r p most events =
  let rec words j = function
    | { what = "put"; where; raw } :: rest when where = "D" ^ string_of_int (p mod r.n + 1 + j) -> payload r raw :: words (j + 1) rest
    | { what = "put" } :: _ -> []
    | { what = "store"; where; raw } :: _ when where.[0] = 'D' && Header.state_of raw = 2 -> []
    | { what = "get" } :: rest -> words j rest
    | { what = "store"; where } :: rest when where.[0] = 'D' -> words j rest
    | _ -> List.init (max 0 (most - j)) (fun _ -> 0) in
  words 0 events

let producer r s i e later =
  let with_k f = List.map (fun k -> [By (i, f k)]) (readable r s (Pr i) e) in
  let is d = List.map (fun l -> List.map (fun a -> By (i, a)) l) d in
  match e.what, e.where.[0], e.where with
  | "load", _, "FR" -> with_k (fun k -> New k) @ with_k (fun k -> Room k) @ with_k (fun k -> Look k)
  | "load", _, "WP" -> if e.edge = "claim" then with_k (fun k -> Fails k)
    else (if is_glance e later then with_k (fun k -> Glance k) else with_k (fun k -> Aim (wanted e later, k)))
      @ with_k (fun k -> AimAgain k)
  | "store", 'A', _ -> is (if e.raw = 0L then [[Settles]; [GiveUp; Settles]] else [[Announce]])
  | "exchange", _, "WP" -> is [[Exchanges]]
  | "exchange", 'O', _ -> [[Enters i]]
  | "store", 'O', _ -> [[Closes i]]
  | "store", 'D', _ -> (match (snd s).cpp i with
    | Won (_, t, n) -> is [[Stamp (record r t (min r.most (n - 1)) (until_death (its_own e later)))]]
    | Fill (_, _, n, _, b, _, _) ->
      let rest = 1 + Header.words_of (Header.bytes_of e.raw) in
      let left = n - total b - rest - 1 in
      is ([[Whole; Commit]; [Follow]; [Whole; Next []; Follow]; [Abort]] @ if left < 0 then [] else [[Leave (left, rest)]])
    | _ -> is [[Commit]; [Next []; Follow]])
  | "put", 'D', _ ->
    let next t n b = Next (record r (t + total b) (min r.most (n - total b - 1)) (e :: until_death (its_own e later))) in
    (match (snd s).cpp i with
      | Fill (_, t, n, _, [], x, _) -> is [[Write]; [Whole; next t n [x]; Write]]
      | Ready (_, t, n, _, b) -> is [[next t n b; Write]]
      | _ -> is [[Write]])
  | _ -> []

let consumer r s e =
  let with_k f = List.map (fun k -> [Consumer (f k)]) (readable r s Co e) in
  let is d = List.map (List.map (fun a -> Consumer a)) d in
  match e.what, e.where.[0], e.where with
  | "load", _, "RP" -> with_k (fun k -> Comes k) @ with_k (fun k -> Mend k)
  | "load", _, "FR" -> with_k (fun k -> MendFreed k)
  | "load", _, "RM" -> with_k (fun k -> ComesMark k)
  | "load", _, "WP" -> List.map (fun k -> [Ends k]) (readable r s Co e) @ with_k (fun k -> Examine k)
  | "load", 'O', _ -> let heard = List.map (fun k -> Hears k) (readable r s Co e) in
    List.map (fun a -> match (snd s).croll with Asking _ -> [a] | _ -> [Calls; a]) heard
  | "load", 'A', _ -> with_k (fun k -> Asks k)
  | "load", 'D', _ -> (match e.edge, e.order with
    | "publish", "acquire" -> with_k (fun k -> Poll k)
    | "publish", _ -> with_k (fun k -> AgainHeader k)
    | _ -> with_k (fun k -> ScanNext k))
  | "store", _, "RM" -> is [[Rests]; [Redoes]; [Release]; [ReleaseBlank]]
  | "store", _, "RP" -> is [[Hands]]
  | "store", _, "FR" -> is [[Frees]]
  | "put", 'D', _ -> is [[ZeroNext]]
  | "get", 'D', _ -> (match (snd s).ccc, location e.where with
    | Idle (c, mark, _, _), Some (D i) ->
      (* The records that are held, and this word in one. *)
      let rec find p = function
        | { words; what } :: rest when p < c ->
          let at = i - p mod r.n - 1 in
          (match what with
            | Came (_, x) when mark <= p && 0 <= at && at < List.length x -> [[Rereads (p, at)]] | _ -> [])
          @ find (p + words) rest
        | _ -> [] in
      find 0 (snd s).ccl
    | _ -> is [[Word]])
  | _ -> []

(* Steps without an access are taken as soon as they can be. *)
let rec settle r s =
  match List.find_map (fun a -> match plan r (snd s) a with
    | Some (x, _) when is_silent x -> Option.map (fun s -> (a, s)) (exec r s a) | _ -> None)
    [Consumer Deliver; Consumer All; Consumer Scanned; Called] with
  | Some (a, s) -> count (name_of_action a); settle r s
  | None -> s

(* Its own two words must be as it left them. *)
let look_for_damage r s e = match (snd s).ccc, e.what, e.where with
  | Idle _, "load", ("RP" | "FR") ->
    let l = if e.where = "RP" then RP else FR in
    if raw_of r (fst s) l (newest (fst s) l) <> e.raw then raise (Rejected (e, lazy "damage, where none is"))
  | _ -> ()

(* `closed` is answered where the protocol answers it, and only there. *)
let answer r s e = match (snd s).croll, e.edge with
  | Ended _, "closed" -> s
  | Ended _, _ -> raise (Rejected (e, lazy "the protocol has ended, and there it answers `closed`"))
  | _, "closed" -> (match exec r s EndsFull with
    | Some s -> count "EndsFull"; s
    | None -> raise (Rejected (e, lazy ("`closed` too early: " ^ expected r (snd s) Co))))
  | _ -> s

(* For its checksum a producer reads what it has written. That is no step: nobody else may. *)
let reads_its_own r s i e = match (snd s).cpp i, location e.where with
  | Fill (_, t, _, _, b, _, j), Some (D at as l) when (t + total b) mod r.n < at && at <= (t + total b) mod r.n + j && raw_of r (fst s) l (newest (fst s) l) = e.raw -> s
  | _ -> raise (Rejected (e, lazy ("a producer reads what it has not written: " ^ expected r (snd s) (Pr i))))
(* The checksum of what is taken, read ahead of it: the language leaves open which is read first. *)
let is_early r s e = match (snd s).ccc with
  | Take (c, _, _, _, n, got) -> r.trailer > 0 && r.early = None && List.length got < n - 1 && e.where = "D" ^ string_of_int (c mod r.n + n)
  | _ -> false
(* The search behind a dead claim checks all of the record that it finds, where the protocol looks at its
   header alone. That is no step, but it reads what was committed, and Coq's memory tells a race. *)
let checks_what_it_found r s e = match (snd s).ccc, location e.where with
  | (Idle (c, _, _, _) | Blank (c, _, _, _)), Some (D at as l) ->
    let rec is_of p = function
      | { words; what = Came _ } :: _ when p = c -> c mod r.n < at && at < c mod r.n + words
      | { words } :: rest when p < c -> is_of (p + words) rest
      | _ -> false in
    (match fperform (tids r.producers) code tcode zero Co (Peek (Co, l)) (fst s) with
      | Some (m, _) when is_of 0 (snd s).ccl && not m.frace && raw_of r m l (newest m l) = e.raw -> m, snd s
      | _ -> raise (Rejected (e, lazy ("a search reads what it has not found: " ^ expected r (snd s) Co))))
  | _ -> raise (Rejected (e, lazy (expected r (snd s) Co)))

let rec step r s e later =
  let t = thread_of_role e.role in
  let must a = match exec r s a with
    | Some s -> count (name_of_action a); settle r s
    | None -> raise (Rejected (e, lazy ("the protocol is not where this can be: it stands at " ^ state_of (snd s) t))) in
  match e.what, t with
  | "enter", Pr i -> must (Arrives i)
  | "enter", Co -> s
  | "dies", Pr i -> must (Dies i)
  | "dies", Co -> r.early <- None; r.found <- false; must ConsumerDies
  | "asks", _ -> (match (snd s).ccc, location e.where with
    | Doubt (_, _, _, _, _, i), Some (Ann j) when i = j && (e.raw = 0L || e.raw = 1L) -> must (Consumer (if e.raw = 1L then Alive else Dead))
    | _ -> raise (Rejected (e, lazy (expected r (snd s) t))))
  | "answers", _ -> answer r s e
  | _ when is_projected e -> s
  | "get", Pr i -> count "own payload"; reads_its_own r s i e
  | "get", Co when r.found -> count "payload of what was found"; checks_what_it_found r s e
  | "get", Co when is_early r s e -> r.early <- Some e; s
  | _ ->
    if t = Co then look_for_damage r s e;
    let candidates = match t with Pr i -> producer r s i e later | Co -> consumer r s e in
    match List.find_map (fun c -> Option.map (fun x -> (c, x)) (attempt r s t e c)) candidates with
    | None -> raise (Rejected (e, lazy (expected r (snd s) t)))
    | Some (actions, (s, x)) ->
      if (fst s).frace then raise (Rejected (e, lazy "a data race"));
      List.iter (fun a -> count (name_of_action a)) actions;
      (match x with Store (_, _, _, l, _) | Exchange (_, _, _, l, _) | Swap (_, _, _, l, _, _) -> stored r l e.raw | _ -> ());
      let s = settle r s in
      if t = Co then r.found <- (match actions, (snd s).ccc with
        | [Consumer (ScanNext _)], (Idle _ | Blank _) -> e.raw <> 0L | _ -> false);
      match (snd s).ccc, r.early with
      | Take (_, _, _, _, n, got), Some early when t = Co && List.length got = n - 1 -> r.early <- None; step r s early []
      | _ -> s

let make_ring capacity most first key trailer producers =
  let r = { n = capacity / 8; most = Header.words_of (most + trailer); producers; first; key; trailer; junk = Hashtbl.create 64;
    raws = Hashtbl.create 64; early = None; found = false } in
  List.iter (fun l -> stored r l first) [WP; RM; RP; FR];
  List.iter (fun i -> stored r (Ann i) 0L; stored r (Own i) 0L) (List.init producers Fun.id);
  List.iter (fun i -> stored r (D i) 0L) (List.init (r.n + r.most + 1) Fun.id);
  r

(* What the kernel answered of a producer, in order: whether it lived. *)
let answers role = function
  | consumers :: _ -> List.filter_map (fun e ->
      if e.what = "asks" && "P" ^ String.sub e.where 1 (String.length e.where - 1) = role then Some (e.raw = 1L) else None)
      consumers
  | [] -> []

let replay_any r ordered all = if ordered then in_order ~step:(step r) fstart all
  else interleave ~step:(step r) ~answers fstart
    ~save:(fun () -> let raws = Hashtbl.copy r.raws and early = r.early and found = r.found in fun () ->
      Hashtbl.reset r.raws; Hashtbl.iter (Hashtbl.replace r.raws) raws; r.early <- early; r.found <- found)
    (List.map (fun role -> List.filter (fun e -> e.role = role) all)
      ("C" :: List.init r.producers (fun i -> "P" ^ string_of_int i)))

let without = function
  | "publish_store" -> { shipped with publish_store = false } | "publish_load" -> { shipped with publish_load = false }
  | "free_store" -> { shipped with free_store = false } | "free_load" -> { shipped with free_load = false }
  | "claim_store" -> { shipped with claim_store = false } | "claim_load" -> { shipped with claim_load = false }
  | "idle_store" -> { shipped with idle_store = false } | "idle_load" -> { shipped with idle_load = false }
  | "roll_store" -> { shipped with roll_store = false } | "roll_load" -> { shipped with roll_load = false }
  | order -> failwith ("no order: " ^ order)
(* Each step's access, as Coq has it, from a place where the step may be taken. *)
let print_steps () =
  let r = make_ring 64 16 0L 0L 0 1 in
  let producers = [Away; Come; Here; Parted; Free 0; Try (0, 0, 1); Said (0, 0, 1); Won (0, 0, 2); Fill (0, 0, 2, 0, [], [1], 0);
    Fill (0, 0, 4, 0, [], [1], 1); Fill (0, 0, 4, 0, [[1]], [1], 1); Ready (0, 0, 2, 0, [[1]]); Settle 0] in
  let consumers = [Nobody; Attach 0; Redo (0, 0); Idle (0, 0, 0, []); Idle (2, 0, 0, [[1]]); Take (0, 0, 0, [], 1, []); Zero (2, 2, 0, []);
    Zero (2, 2, 2, []); Hand (2, 2, []); Rest (2, 2, []); Blank (2, 0, 0, []); Ask (0, 0, 0, [], 2, 0);
    Doubt (0, 0, 0, [], 2, 0); Again (0, 0, 0, [], 2); Scan (0, 0, 0, [], 2, 0)] in
  let q cp croll ccc = { cpp = (fun _ -> cp); calive = (fun _ -> true); ccc; ccl = [{ words = 2; own = 0; what = Came (0, [1]) }]; cdone = []; csaid = (fun _ -> [0]); croll } in
  let calls = [Asking (false, false, []); Closed [0]] in
  let states = List.concat_map (fun p -> List.concat_map (fun g -> List.map (q p g) consumers) calls) producers in
  List.iter (fun a ->
    let accesses = List.filter_map (fun q -> match plan r q a with
      | Some (x, _) when not (is_silent x) -> Some (String.concat " " (List.filteri (fun i _ -> i < 2)
          (String.split_on_char ' ' (access_name x))))
      | _ -> None) states in
    List.iter (fun text -> Printf.printf "%s %s\n" (name_of_action a) text) (List.sort_uniq compare accesses))
    (producer_steps 0 @ consumer_steps)

let () =
  (match Array.to_list Sys.argv with
    | [_; "--steps"] -> print_steps (); exit 0
    | [_; "--steps"; order] -> orders := without order; print_steps (); exit 0
    | _ -> ());
  main ~steps:("own payload" :: "payload of what was found" :: List.sort_uniq compare (List.map name_of_action
      (Dies 0 :: Arrives 0 :: ConsumerDies :: producer_steps 0 @ consumer_steps)))
    ~replay:(fun shape init ordered all -> match shape, init with
      | [capacity; most; first; key; trailer; producers], [] ->
        let r = make_ring (int_of_string capacity) (int_of_string most) (number first) (number key) (int_of_string trailer)
          (int_of_string producers) in
        List.length (snd (replay_any r ordered all)).cdone
      | _ -> failwith "this is no new ring of many producers")
