(* The steps as OCaml, to replay what the C++ did. Numbers are the machine's. *)
From Coq Require Extraction ExtrOcamlBasic ExtrOcamlNatInt ExtrOcamlZInt.
From Coq Require Import Arith.
From Annulus Require Import Spsc Run Finite Replay.
Extraction Language OCaml.
Extract Inlined Constant PeanoNat.Nat.div => "(fun n m -> if m = 0 then 0 else n / m)".
Extract Inlined Constant PeanoNat.Nat.modulo => "(fun n m -> if m = 0 then n else n mod m)".
Extract Inlined Constant PeanoNat.Nat.sub => "(fun n m -> Stdlib.max 0 (n - m))".
Extract Inlined Constant PeanoNat.Nat.eqb => "(=)".
Extract Inlined Constant PeanoNat.Nat.leb => "(<=)".
Extract Inlined Constant PeanoNat.Nat.ltb => "(<)".
Extraction "protocol.ml" fexec fstart plan message_at code tcode get fbottom shipped trace_enc trace_dec
  Spsc.dist Spsc.is_before Spsc.word Layout.size.
