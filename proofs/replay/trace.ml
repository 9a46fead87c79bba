(* What both replays share: the events of a trace, what the protocol leaves out, the order of real
   processes' events, and the loop over traces. *)
type event = {
  role : string; what : string; edge : string; order : string; where : string; raw : int64;
  store : int option; at : string; line : int;
  is_maybe : bool }   (* its process was killed in the midst of it *)

exception Rejected of event * string Lazy.t

(* Reading. *)
let number s = Int64.of_string ("0u" ^ s)
let event line text =
  let bare role what raw = { role; what; edge = ""; order = ""; where = "-"; raw; store = None; at = "";
    line; is_maybe = false } in
  match String.split_on_char ' ' text with
  | [role; what] -> bare role what 0L
  | [role; "claim"; words] -> bare role "claim" (number words)
  | role :: what :: edge :: order :: where :: value :: store :: [at] ->
    { role; what; edge; order; where; raw = number value; at; line;
      store = int_of_string_opt store; is_maybe = store = "maybe" }
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

(* An order of real processes' events, of which each role's is known, that `step` takes; the search is
   complete. Most events are taken as soon as they can be, for that takes nothing from the others: a load
   reads an old store or a new one, and what a role knows less lets it do no less. What is left open
   is tried both ways: whether a store in the midst of which its process was killed took effect, and
   whether a life begins or ends before the kernel is asked for it. `answers` says what the kernel
   answered of a role, in order; `save` says how to undo a try. *)
let interleave ~step ~save ~answers s queues =
  let farthest = ref max_int and refusal = ref None in
  let refuse queues why =
    let left = List.fold_left (fun n q -> n + List.length q) 0 queues in
    if left < !farthest then (farthest := left; refusal := Some why) in
  let is_open e queues = e.is_maybe
    || e.what = "dies" && List.nth_opt (answers e.role queues) 0 = Some true
    || e.what = "enter" && List.nth_opt (answers e.role queues) 0 = Some false in
  let without i queues = List.mapi (fun j q -> if i = j then List.tl q else q) queues in
  (* Takes all of role i's that can be taken at once. *)
  let rec advance i (s, queues) = match List.nth queues i with
    | e :: rest when not (is_open e queues) -> (match step s e rest with
      | s -> advance i (s, without i queues)
      | exception (Rejected _ as why) -> refuse queues why; s, queues)
    | _ -> s, queues in
  let rec settle (s, queues) =
    let s, after = List.fold_left (fun at i -> advance i at) (s, queues) (List.mapi (fun i _ -> i) queues) in
    if List.for_all2 (==) queues after then s, queues else settle (s, after) in
  let rec go at =
    let s, queues = settle at in
    let choices = List.concat (List.mapi (fun i q -> match q with
      | e :: _ when is_open e queues -> if e.is_maybe then [e, i, true; e, i, false] else [e, i, true]
      | _ -> []) queues) in
    let attempt (e, i, takes) =
      let undo = save () in
      match if takes then step s e (List.tl (List.nth queues i)) else s with
      | s -> let found = go (s, without i queues) in if found = None then undo (); found
      | exception (Rejected _ as why) -> refuse queues why; None in
    if List.for_all ((=) []) queues then Some s else List.find_map attempt choices in
  match go (s, queues) with Some s -> s | None -> raise (Option.get !refusal)

let in_order ~step s all =
  let rec go s = function [] -> s | e :: later -> go (step s e later) later in
  go s all

(* Replays the traces on stdin. `replay shape init ordered events` says how many messages were released. *)
let main ~replay ~steps =
  let unused = Array.exists ((=) "--unused") Sys.argv in
  read_projections Sys.argv.(1);
  let line = ref 0 and traces = ref 0 and events = ref 0 and delivered = ref 0 in
  let next () = incr line; input_line stdin in
  (try while true do
    match String.split_on_char ' ' (next ()) with
    | "ring" :: shape ->
      let ordered = ref true in
      let rec read init all = let text = next () in match String.split_on_char ' ' text with
        | ["init"; i; value] -> read ((int_of_string i, number value) :: init) all
        | ["unordered"] -> ordered := false; read init all
        | ["end"] -> init, List.rev all
        | _ -> read init (event !line text :: all) in
      let init, all = read [] [] in
      incr traces;
      if !traces mod 10000 = 0 then Printf.printf "%d traces\n%!" !traces;
      (match replay shape init !ordered all with
      | count -> events := !events + List.length all; delivered := !delivered + count
      | exception Rejected (e, why) ->
        Printf.printf "REJECTED: trace %d, line %d: %s, at %s\n  %s\n" !traces e.line (describe e) e.at (Lazy.force why); exit 1)
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
