(* The calls of Damage.v as OCaml, to replay what the C++ did where words were damaged. *)
From Coq Require Extraction.
From Annulus.replay Require ExtractNumbers.
From Annulus Require Import Damage.
Extraction Language OCaml.
Extraction "calls.ml" poll examine attach release find_end push.
