(* Many producers' steps over finite maps: what is extracted, and replays what the C++ did. As Replay.v. *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Access Mpsc MpscRun Finite.

(* Numbers of locations and threads. *)
Definition code (l : loc) := match l with WP => 0 | RM => 1 | RP => 2 | FR => 3
  | Ann i => 4 + 3 * i | Own i => 5 + 3 * i | D i => 6 + 3 * i end.
Definition tcode (t : tid) := match t with Co => 0 | Pr i => S i end.
Lemma code_inj l l' : code l = code l' -> l = l'.
Proof. destruct l, l'; simpl; intros E; try lia; try reflexivity; f_equal; lia. Qed.
Lemma tcode_inj t t' : tcode t = tcode t' -> t = t'.
Proof. destruct t, t'; simpl; intros E; congruence. Qed.

Section Replay.
Variables N most producers : nat.
Definition zero (l : loc) := 0.
Notation abs := (Finite.abs loc tid code tcode zero Co).
Notation same := (Finite.same loc tid).
Notation fperform := (Finite.fperform loc tid (Mpsc.tids producers) code tcode zero Co).
Notation fmem := (Finite.fmem tid).
Definition message_at := Finite.fmsg_at loc tid code zero Co.
Definition fclock (m : fmem) i := get 0 (fck (fview_at tid tcode m (Pr i))) (tcode (Pr i)).

Definition fstart := (FMem tid (M.empty nat) (M.empty (M.t (fmsg tid))) (M.empty fview) (M.empty (M.t nat)) false, ctl_of init).
Definition fexec (a : action) (s : fmem * ctl) : option (fmem * ctl) :=
  match plan N most producers shipped a (snd s) with
  | Some (x, next) => match fperform x (fst s) with
      | Some (m, v) => match next (fclock (fst s) (actor a)) v with Some q => Some (m, q) | None => None end
      | None => None end
  | None => None end.
Fixpoint frun (l : list action) s := match l with
  | nil => Some s
  | a :: l => match fexec a s with Some s' => frun l s' | None => None end end.

Notation reach := (reach N most producers shipped).
Notation exec := (exec N most producers shipped).

Lemma fexec_same a m q m' q' n : same (abs m) n -> fexec a (m, q) = Some (m', q') ->
  exists n', exec a (with_mem n q) = Some (with_mem n' q') /\ same (abs m') n'.
Proof.
  intros S. unfold fexec, MpscRun.exec. cbn [fst snd].
  replace (ctl_of (with_mem n q)) with q by (destruct q; reflexivity).
  destruct (plan _ _ _ _ a q) as [[x next]|]; [|discriminate].
  destruct (fperform x m) as [[m1 v]|] eqn:E; [|discriminate].
  destruct (fperform_same _ _ loc_dec tid_dec _ code tcode code_inj tcode_inj _ _ _ _ _ _ _ S E) as [n' [E' S']].
  replace (mm (with_mem n q)) with n by reflexivity. rewrite E'.
  assert (C : fclock m (actor a) = clock n (actor a)).
  { destruct (sm_tv _ _ _ _ S (Pr (actor a))) as [_ K]. exact (K (Pr (actor a))). }
  rewrite C. destruct (next _ v) as [q1|]; [|discriminate]. intros [= <- <-]. eauto.
Qed.

(* A trace that is accepted is a run of the protocol. *)
Theorem accepted_is_reached_of_many l m q : frun l fstart = Some (m, q) ->
  exists s, reach s /\ same (abs m) (mm s) /\ ctl_of s = q.
Proof.
  assert (G : forall l m q n, reach (with_mem n q) -> same (abs m) n -> forall m' q',
    frun l (m, q) = Some (m', q') -> exists s, reach s /\ same (abs m') (mm s) /\ ctl_of s = q').
  { intros l0. induction l0 as [|a l0 IH]; cbn [frun]; intros m0 q0 n R S m' q'.
    - intros [= <- <-]. exists (with_mem n q0). split; [exact R|]. split; [exact S|destruct q0; reflexivity].
    - destruct (fexec a (m0, q0)) as [[m1 q1]|] eqn:E; [|discriminate]. intros F.
      destruct (fexec_same _ _ _ _ _ _ S E) as [n1 [E1 S1]].
      apply (IH m1 q1 n1); auto. eapply rS; [exact R|]. apply (exec_ok N most producers shipped a). exact E1. }
  intros E. apply (G l (fst fstart) (snd fstart) (mm init)); [exact (r0 _ _ _ _)| |exact E].
  apply (same_start loc tid code tcode zero Co).
Qed.
End Replay.
