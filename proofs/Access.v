(* What steps do to memory, as data. A step function says which access it makes; Machine.v's memory
   performs it here, finite maps in Finite.v, and the replay compares it with what the C++ did. *)
From Coq Require Import Arith List Bool.
Import ListNotations.
From Annulus Require Import Machine.
Set Implicit Arguments.

Section Access.
Variables loc tid : Type.
Variable loc_dec : forall a b : loc, {a = b} + {a <> b}.
Variable tid_dec : forall a b : tid, {a = b} + {a <> b}.
Variable tids : list tid.
Notation mem := (Machine.mem loc tid).

(* What an action does to memory, and what it gives. *)
Inductive access :=
| Nothing
| Fetch (na acq : bool) (t : tid) (l : loc) (k : nat)     (* message k of l *)
| Peek (t : tid) (l : loc)                               (* plain: the newest *)
| Store (na rel : bool) (t : tid) (l : loc) (x : nat)
| Exchange (acq rel : bool) (t : tid) (l : loc) (x : nat)
| Swap (acq rel : bool) (t : tid) (l : loc) (y x : nat)   (* an exchange, if it holds y *)
| Count (acq rel : bool) (t : tid) (l : loc)             (* adds one *)
| Newest (ls : list loc)                                 (* no access: what they hold *)
| Learn (t u : tid).                                     (* no access: the kernel says that u is dead *)

Definition can (m : mem) t l k := (ts (tv m t) l <=? k) && (k <? len m l).
Definition perform (x : access) (m : mem) : option (mem * list nat) := match x with
  | Nothing => Some (m, nil)
  | Fetch na acq t l k => if can m t l k then Some (read loc_dec tid_dec tids na acq t l k m, [val (hist m l k)]) else None
  | Peek t l => let k := len m l - 1 in Some (read loc_dec tid_dec tids true false t l k m, [val (hist m l k)])
  | Store na rel t l v => Some (write loc_dec tid_dec tids na rel t l v m, nil)
  | Exchange acq rel t l v => Some (rmw loc_dec tid_dec tids acq rel t l v m, nil)
  | Swap acq rel t l y v => if last m l =? y then Some (rmw loc_dec tid_dec tids acq rel t l v m, nil) else None
  | Count acq rel t l => Some (rmw loc_dec tid_dec tids acq rel t l (S (last m l)) m, nil)
  | Newest ls => Some (m, map (last m) ls)
  | Learn t u => Some (learn tid_dec t u m, nil) end.

Lemma can_ok m t l k : can m t l k = true -> can_read m t l k.
Proof. unfold can, can_read. intros E. apply andb_true_iff in E. rewrite Nat.leb_le, Nat.ltb_lt in E. auto. Qed.
End Access.
Arguments Nothing {loc tid}.
Arguments Newest {loc tid}.
Arguments Learn {loc tid}.
