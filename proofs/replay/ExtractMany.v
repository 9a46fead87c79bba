(* Many producers' steps as OCaml. Numbers are the machine's. *)
From Coq Require Extraction ExtrOcamlBasic ExtrOcamlNatInt ExtrOcamlZInt.
From Coq Require Import Arith.
From Annulus Require Import Mpsc MpscRun Finite MpscReplay.
Extraction Language OCaml.
Extract Inlined Constant PeanoNat.Nat.div => "(fun n m -> if m = 0 then 0 else n / m)".
Extract Inlined Constant PeanoNat.Nat.modulo => "(fun n m -> if m = 0 then n else n mod m)".
Extract Inlined Constant PeanoNat.Nat.sub => "(fun n m -> Stdlib.max 0 (n - m))".
Extract Inlined Constant PeanoNat.Nat.eqb => "(=)".
Extract Inlined Constant PeanoNat.Nat.leb => "(<=)".
Extract Inlined Constant PeanoNat.Nat.ltb => "(<)".
Extraction "protocol_many.ml" fexec fstart plan message_at code tcode get fbottom shipped Mpsc.word
  Mpsc.busy Mpsc.committed Mpsc.aborted.
