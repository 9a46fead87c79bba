(* The header's encoding as OCaml, on numbers of any size: to compare with the one that ships. *)
From Coq Require Extraction ExtrOcamlBasic.
From Annulus Require Import Record.
Extraction Language OCaml.
Extraction "record.ml" stamp committed is_committed bytes_of.
