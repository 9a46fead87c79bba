(* The shipped header in machine words, quick enough for traces. layout.ml holds it to Record.v. *)
let multiplier = 0x9e3779b97f4a7c15L
let check_shift = 42
let body_mask = Int64.sub (Int64.shift_left 1L check_shift) 1L
(* Which producer's number the check differs by; 0 in all but a busy header. *)
let mismatch ~key pos raw =
  let open Int64 in
  let body = logand raw body_mask in
  let check = shift_right_logical (mul (add (logxor pos key) body) multiplier) check_shift in
  to_int (logxor check (shift_right_logical raw check_shift))
let state_of raw = Int64.to_int (Int64.logand raw 3L)
let bytes_of raw = Int64.(to_int (shift_right_logical (logand raw body_mask) 2))
let header_at ~key pos raw =
  if state_of raw = 2 && mismatch ~key pos raw = 0 then Some (bytes_of raw) else None
let words_of bytes = (bytes + 7) / 8
