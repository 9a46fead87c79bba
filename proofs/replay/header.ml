(* The shipped header in machine words, quick enough for traces. layout.ml holds it to Record.v. *)
let multiplier = 0x9e3779b97f4a7c15L
let check_shift = 42
let body_mask = Int64.sub (Int64.shift_left 1L check_shift) 1L
let header_at ~key pos raw =
  let open Int64 in
  let body = logand raw body_mask in
  let check = shift_right_logical (mul (add (logxor pos key) body) multiplier) check_shift in
  if logand raw 3L = 2L && equal check (shift_right_logical raw check_shift)
  then Some (to_int (shift_right_logical body 2)) else None
let words_of bytes = (bytes + 7) / 8
