(* What both replays share: the events of a trace, what the protocol leaves out, the order of real
   processes' events, and the loop over traces. *)
type event = {
  role : string; what : string; edge : string; order : string; where : string; raw : int64;
  store : int option; at : string; line : int;
  time : int;         (* of a real process; 0: the trace is in order *)
  is_maybe : bool }   (* its process was killed in the midst of it *)

exception Rejected of event * string

(* Reading. *)
let number s = Int64.of_string ("0u" ^ s)
let event line text =
  let bare role what raw = { role; what; edge = ""; order = ""; where = "-"; raw; store = None; at = "";
    line; time = 0; is_maybe = false } in
  match String.split_on_char ' ' text with
  | [role; what] -> bare role what 0L
  | [role; "claim"; words] -> bare role "claim" (number words)
  | role :: what :: edge :: order :: where :: value :: store :: at :: time ->
    { role; what; edge; order; where; raw = number value; at; line;
      store = int_of_string_opt store; is_maybe = store = "maybe";
      time = (match time with [t] -> int_of_string t | _ -> 0) }
  | _ -> Printf.eprintf "line %d is no event: %s\n" line text; exit 2
let describe e = Printf.sprintf "%s %s %s %s %s %Lu" e.role e.what e.edge e.order e.where e.raw

(* What the protocol leaves out. *)
type projection = { text : string; pattern : string list; mutable used : bool }
let projections = ref [] and steps_left_out = ref []
let read_projections path =
  let file = open_in path in
  (try while true do
    let line = input_line file in
    if line <> "" && line.[0] <> '#' then match String.index_opt line ':' with
      | Some i when String.length line > 5 && String.sub line 0 5 = "step " ->
        steps_left_out := String.sub line 5 (i - 5) :: !steps_left_out
      | Some i -> projections := { text = line; used = false;
          pattern = List.filter ((<>) "") (String.split_on_char ' ' (String.sub line 0 i)) } :: !projections
      | None -> if line.[0] <> ' ' then failwith (path ^ ": no reason: " ^ line)
  done with End_of_file -> close_in file)
let is_projected e =
  let same p x = p = "*" || p = x || ((p = "D" || p = "P") && x.[0] = p.[0]) in
  List.exists (fun p -> match p.pattern with
    | [role; what; edge; where] when same role e.role && same what e.what
        && same edge e.edge && same where e.where ->
      p.used <- true; true
    | [role; what; edge; order; where] when same role e.role && same what e.what
        && same edge e.edge && order = e.order && same where e.where ->
      p.used <- true; true
    | _ -> false) !projections

let counts : (string, int) Hashtbl.t = Hashtbl.create 64
let count name = Hashtbl.replace counts name (1 + Option.value ~default:0 (Hashtbl.find_opt counts name))

(* Real processes tell each role's order and roughly the time. The earlier access goes first; one that
   cannot go yet, for what it read is not there, waits for the other roles. A store in the midst of which
   its process was killed took effect or did not: both are tried. `save` says how to undo a try,
   `waits_for` which role an access that cannot go yet waits for, if that is known. *)
let interleave ?(waits_for = fun _ -> "") ~step ~save s queues =
  let rec go s queues =
    let heads = List.concat (List.mapi (fun i q -> match q with [] -> [] | e :: rest -> [(i, e, rest)]) queues) in
    match List.stable_sort (fun (_, a, _) (_, b, _) -> compare a.time b.time) heads with
    | [] -> s
    | heads -> first None s queues heads
  and first why s queues = function
    | [] -> raise (Option.get why)
    | (i, e, rest) :: others ->
      let next = List.mapi (fun j q -> if i = j then rest else q) queues in
      match
        if not e.is_maybe then Ok (step s e rest) else begin
          let undo = save () in
          try Error (go (step s e rest) next) with Rejected _ -> undo (); Ok s
        end
      with
      | Ok s -> go s next
      | Error s -> s
      | exception (Rejected _ as this) ->
        let awaited, rest = List.partition (fun (_, x, _) -> x.role = waits_for e) others in
        (* A life begins or ends early only where that is waited for. *)
        let lives, rest = List.partition (fun (_, x, _) -> x.what = "enter" || x.what = "dies") rest in
        first (if why = None then Some this else why) s queues (awaited @ rest @ lives)
  in go s queues

let in_order ~step s all =
  let rec go s = function [] -> s | e :: later -> go (step s e later) later in
  go s all

(* Replays the traces on stdin. `replay shape init events` says how many messages were released. *)
let main ~replay ~steps =
  let unused = Array.exists ((=) "--unused") Sys.argv in
  read_projections Sys.argv.(1);
  let line = ref 0 and traces = ref 0 and events = ref 0 and delivered = ref 0 in
  let next () = incr line; input_line stdin in
  (try while true do
    match String.split_on_char ' ' (next ()) with
    | "ring" :: shape ->
      let rec read init all = let text = next () in match String.split_on_char ' ' text with
        | ["init"; i; value] -> read ((int_of_string i, number value) :: init) all
        | ["end"] -> init, List.rev all
        | _ -> read init (event !line text :: all) in
      let init, all = read [] [] in
      incr traces;
      if !traces mod 10000 = 0 then Printf.printf "%d traces\n%!" !traces;
      (match replay shape init all with
      | count -> events := !events + List.length all; delivered := !delivered + count
      | exception Rejected (e, why) ->
        Printf.printf "REJECTED: trace %d, line %d: %s, at %s\n  %s\n" !traces e.line (describe e) e.at why; exit 1)
    | other -> Printf.eprintf "line %d: no trace begins with %s\n" !line (String.concat " " other); exit 2
  done with End_of_file -> ());
  let missing = List.filter (fun a -> Hashtbl.mem counts a = List.mem a !steps_left_out) steps in
  if !traces = 0 then (print_endline "no trace"; exit 2);
  Printf.printf "accepted %d traces, %d events, %d messages released\n" !traces !events !delivered;
  let left_out = List.filter (fun p -> not p.used) !projections in
  if unused then begin
    List.iter (Printf.printf "UNUSED: traces and PROJECTED do not agree on whether the step %s is taken\n") missing;
    List.iter (fun p -> Printf.printf "UNUSED: no trace has what is projected away: %s\n" p.text) left_out;
    if missing <> [] || left_out <> [] then exit 1
  end
