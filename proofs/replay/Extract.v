(* The steps as OCaml, to replay what the C++ did. Numbers are the machine's. *)
From Coq Require Extraction.
From Annulus.replay Require ExtractNumbers.
From Annulus Require Import Spsc Run Finite Replay.
Extraction Language OCaml.
Extraction "protocol.ml" fexec fstart plan message_at code tcode get fbottom shipped trace_enc trace_dec
  Spsc.dist Spsc.is_before Spsc.word Spsc.cell Layout.size.
