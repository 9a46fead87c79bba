(* The steps as a function over finite maps: what is extracted, and replays what the C++ did.

   A trace that is accepted is a run of the protocol: the theorems hold of it. The encoding of headers
   is one of those that the theorems allow. In a trace it stands for the shipped one: the reader of the
   trace decodes the shipped words. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Access Spsc Run Finite.

(* Numbers of locations and threads. *)
Definition code (l : loc) := match l with D i => 6 + i | WP => 0 | RP => 1 | FR => 2 | AN => 3 | OW => 4 | RO => 5 end.
Definition tcode (t : tid) := match t with P => 0 | C => 1 end.
Lemma code_inj l l' : code l = code l' -> l = l'.
Proof. destruct l, l'; simpl; intros E; try lia; try reflexivity. f_equal. lia. Qed.
Lemma tcode_inj t t' : tcode t = tcode t' -> t = t'.
Proof. destruct t, t'; simpl; intros; congruence. Qed.

Section Replay.
Variables N most W K : nat.
Hypothesis most_fits : S most < K.

Definition trace_enc p n := S p * K + S n.
Definition trace_dec h p := if h / K =? S p then match h mod K with 0 => None | S n => Some n end else None.

Lemma trace_encoding : encoding most trace_enc trace_dec.
Proof.
  constructor; unfold trace_enc, trace_dec.
  - intros. discriminate || lia.
  - intros p n L. rewrite (Nat.add_comm (S p * K)), Nat.div_add, Nat.mod_add, Nat.div_small, Nat.mod_small by lia.
    rewrite Nat.add_0_l, Nat.eqb_refl. reflexivity.
  - intros p. rewrite Nat.div_small by lia. reflexivity.
Qed.

Variable zero : loc -> nat.
Notation start := (Machine.start zero P).
Notation abs := (Finite.abs loc tid code tcode zero P).
Notation same := (Finite.same loc tid).
Notation fperform := (Finite.fperform loc tid tids code tcode zero P).
Notation fmem := (Finite.fmem tid).
Definition message_at := Finite.fmsg_at loc tid code zero P.

Definition fstart := (FMem tid (M.empty nat) (M.empty (M.t (fmsg tid))) (M.empty fview) (M.empty (M.t nat)) false,
  Ctl Away Nobody nil nil [0] false).
Definition fexec (a : act) (s : fmem * ctl) : option (fmem * ctl) :=
  match plan N most W trace_enc trace_dec shipped a (snd s) with
  | Some (x, next) => match fperform x (fst s) with Some (m, v) => Some (m, next v) | None => None end
  | None => None end.
Fixpoint frun (l : list act) s := match l with
  | nil => Some s
  | a :: l => match fexec a s with Some s' => frun l s' | None => None end end.

Notation reach := (reach N most W trace_enc trace_dec shipped).
Notation exec := (exec N most W trace_enc trace_dec shipped).

Lemma fexec_same a m q m' q' n : same (abs m) n -> fexec a (m, q) = Some (m', q') ->
  exists n', exec a (with_mem n q) = Some (with_mem n' q') /\ same (abs m') n'.
Proof.
  intros S. unfold fexec, Run.exec. cbn [fst snd].
  replace (ctl_of (with_mem n q)) with q by (destruct q; reflexivity).
  destruct (plan _ _ _ _ _ _ a q) as [[x next]|]; [|discriminate].
  destruct (fperform x m) as [[m1 v]|] eqn:E; [|discriminate]. intros [= <- <-].
  destruct (fperform_same _ _ loc_dec tid_dec tids code tcode code_inj tcode_inj _ _ _ _ _ _ _ S E) as [n' [E' S']].
  replace (mm (with_mem n q)) with n by reflexivity. rewrite E'. eauto.
Qed.

(* What is known of the beginning: the words around the data, and the first header, are 0. *)
Hypothesis clean : forall l, match l with D i => i = 0 -> zero l = 0 | _ => zero l = 0 end.

(* A trace that is accepted is a run of the protocol. *)
Theorem accepted_is_reached l m q : frun l fstart = Some (m, q) ->
  exists s, reach s /\ same (abs m) (mm s) /\ ctl_of s = q.
Proof.
  assert (G : forall l m q n, reach (with_mem n q) -> same (abs m) n -> forall m' q',
    frun l (m, q) = Some (m', q') -> exists s, reach s /\ same (abs m') (mm s) /\ ctl_of s = q').
  { intros l0. induction l0 as [|a l0 IH]; cbn [frun]; intros m0 q0 n R S m' q'.
    - intros [= <- <-]. exists (with_mem n q0). split; [exact R|]. split; [exact S|destruct q0; reflexivity].
    - destruct (fexec a (m0, q0)) as [[m1 q1]|] eqn:E; [|discriminate]. intros F.
      destruct (fexec_same _ _ _ _ _ _ S E) as [n1 [E1 S1]].
      apply (IH m1 q1 n1); auto. eapply rS; [exact R|]. apply exec_ok with a. exact E1. }
  intros E. set (junk i := zero (D i)).
  assert (R : reach (with_mem (mm (init junk)) (snd fstart))) by exact (r0 _ _ _ _ _ _ junk).
  apply (G l (fst fstart) (snd fstart) (mm (init junk)) R); [|exact E].
  pose proof (same_start loc tid code tcode zero P) as [A1 A2 A3 A4 A5]. constructor; auto.
  intros x k. destruct (A2 x k) as [B1 B2]. split; [|exact B2]. etransitivity; [exact B1|]. simpl.
  specialize (clean x). destruct x; auto. destruct (i =? 0) eqn:I; auto.
  apply clean, Nat.eqb_eq, I.
Qed.
End Replay.
