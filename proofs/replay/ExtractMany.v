(* Many producers' steps as OCaml. Numbers are the machine's. *)
From Coq Require Extraction.
From Annulus.replay Require ExtractNumbers.
From Annulus Require Import Mpsc MpscRun Finite MpscReplay.
Extraction Language OCaml.
Extraction "protocol_many.ml" fexec fstart plan message_at code tcode get fbottom shipped Mpsc.word
  Mpsc.busy Mpsc.committed Mpsc.aborted.
