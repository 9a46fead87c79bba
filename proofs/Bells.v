(* Waking a sleeper, step by step, as ring/bell.hpp and ring/wait.hpp do it: one sleeper, any number of
   workers, for what it waits. A bell that several sleepers share (hand_on) is not in here.

   Two words matter: the work (message k is the k-th thing that a worker stored) and the bell. All
   loads and stores are relaxed: a load gives any message that is not older than what its thread's
   view says. That is weaker than what ships. A fence (seq_cst) makes the thread's view and one common
   view the later of both. Assumed of the kernel, here and nowhere else:
     the heavy fence (membarrier) makes each thread that accepts barriers fence once, some time between
       its beginning and its end (BarrierReaches), and fences its caller at both;
     a futex's wait looks at the bell and goes to sleep at once (FutexWait), and a wake finds who sleeps;
     what a dead process stored is out (Dies). *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.

Record fences := Fences {
  by_worker : bool;     (* fence_and_wake's *)
  by_sleeper : bool;    (* go_to_sleep's, once it is announced *)
  heavy : bool;         (* its first: true: heavy; false: an own fence *)
  on_coming : bool }.   (* quiet_bell's *)
Definition shipped := Fences true true true true.

Inductive call := none | awake | asleep.
Record view := View { work_seen : nat; bell_seen : nat }.
Definition join a b := View (max (work_seen a) (work_seen b)) (max (bell_seen a) (bell_seen b)).
Record shared := Shared { works : nat; newest : nat; bell : nat -> call; common : view }.
Definition upd {B} (f : nat -> B) i x := fun j => if Nat.eq_dec i j then x else f j.
Definition put c m := Shared (works m) (S (newest m)) (upd (bell m) (S (newest m)) c) (common m).
Definition fenced v m := Shared (works m) (newest m) (bell m) (join v (common m)).
Definition last m := bell m (newest m).

Inductive stage := Gone | Comes | Rest       (* none; it accepts barriers or does not; at rest *)
| Stored | InUse | Looks | Rings | Wakes.    (* in a call: stored its work; a bell in use; behind the fence *)
Record worker := Worker { stage_of : stage; its : view; own : nat; accepts : bool }.  (* own: its last work *)
Inductive sleeping := Up | Set_ | Barrier (i : nat) | Fenced | WillSleep | Asleep | Woken.
Record st := St {
  mm : shared; ws : nat -> worker;
  sleeper : sleeping; seen : view; took : nat;   (* all work up to there was taken *)
  announced : bool;
  crashed : bool }.   (* since its last fence a worker died between its work and its wake *)

Inductive deed := Work | Glance (k : nat) | Straight | FenceW | Look (k : nat) | Cas | Wake
| Dies | Accepts (a : bool) | FenceComes.
Inductive act := By (i : nat) (d : deed)
| Takes (k : nat) | SetsAsleep | FenceS | BarrierBegins | BarrierReaches | BarrierEnds | BarrierFails
| LastLook (k : nat) | FutexWait | TimesOut | Rises | StaysAwake | Successor.

Section Bells.
Variable n : nat.        (* workers *)
Variable f : fences.

Definition can m v k := (bell_seen v <=? k) && (k <=? newest m).
Definition saw_bell v k := View (work_seen v) k.
Definition maybe (b : bool) v m := if b then (join v (common m), fenced v m) else (v, m).
Definition gone g := match g with Gone => true | _ => false end.
Definition working g := match g with Gone | Comes | Rest => false | _ => true end.

Definition does (d : deed) (w : worker) (m : shared) : option (worker * shared) :=
  let (g, v, o, a) := w in match d, g with
  | Work, (Rest | Stored) => let x := S (works m) in
      Some (Worker Stored (View x (bell_seen v)) x a, Shared x (newest m) (bell m) (common m))
  | Glance k, Stored => if can m v k then     (* is_in_use *)
      Some (Worker (if a then match bell m k with none => Rest | _ => InUse end else InUse) (saw_bell v k) o a, m) else None
  | Straight, Stored => Some (Worker InUse v o a, m)              (* fence_and_wake without a glance *)
  | FenceW, InUse => let (v, m) := maybe (by_worker f) v m in Some (Worker Looks v o a, m)
  | Look k, Looks => if can m v k then
      Some (Worker (match bell m k with asleep => Rings | _ => Rest end) (saw_bell v k) o a, m) else None
  | Cas, Rings => match last m with
      | asleep => Some (Worker Wakes (saw_bell v (S (newest m))) o a, put awake m)
      | _ => Some (Worker Rest (saw_bell v (newest m)) o a, m) end
  | Wake, Wakes => Some (Worker Rest v o a, m)
  | Dies, _ => Some (Worker Gone v o a, fenced v m)
  | Accepts a, Gone => Some (Worker Comes v o a, m)
  | FenceComes, Comes => let (v, m) := maybe (on_coming f) v m in Some (Worker Rest v o a, m)
  | _, _ => None end.

Definition exec (a : act) (s : st) : option st := let (m, w, p, v, c, an, cr) := s in match a, p with
  | By i d, _ => if i <? n then match does d (w i) m with
      | Some (q, m') => Some (St m' (upd w i q) (match d, p with Wake, Asleep => Woken | _, _ => p end) v c an
          (cr || match d with Dies => working (stage_of (w i)) | _ => false end))
      | None => None end else None
  | Takes k, Up => if (work_seen v <=? k) && (k <=? works m) then Some (St m w Up (View k (bell_seen v)) (max c k) an cr) else None
  | SetsAsleep, Up => Some (St (put asleep m) w Set_ (saw_bell v (S (newest m))) c an cr)
  | FenceS, Set_ => if an then let (v, m) := maybe (by_sleeper f) v m in Some (St m w Fenced v c an false) else None
  | BarrierBegins, Set_ => if an then None else
      Some (St (fenced v m) w (if heavy f then Barrier 0 else Barrier n) (join v (common m)) c an cr)
  | BarrierReaches, Barrier i => if i <? n then let (g, u, o, a) := w i in
      if a && negb (gone g) then Some (St (fenced u m) (upd w i (Worker g (join u (common m)) o a)) (Barrier (S i)) v c an cr)
      else Some (St m w (Barrier (S i)) v c an cr) else None
  | BarrierEnds, Barrier i => if i =? n then Some (St (fenced v m) w Fenced (join v (common m)) c true false) else None
  | BarrierFails, Set_ => if an then None else Some (St (fenced v m) w Fenced (join v (common m)) c false false)
  | LastLook k, Fenced => if (work_seen v <=? k) && (k <=? works m) then
      Some (St m w (if k <=? c then WillSleep else Woken) (View k (bell_seen v)) (max c k) an cr) else None
  | FutexWait, WillSleep => Some (St m w (match last m with asleep => Asleep | _ => Woken end) v c an cr)
  | TimesOut, Asleep => Some (St m w Woken v c an cr)
  | Rises, (Woken | Fenced) => Some (St (put awake m) w Up (saw_bell v (S (newest m))) c an cr)
  | StaysAwake, Up => if an then Some (St (put none m) w Up (saw_bell v (S (newest m))) c false cr) else None
  | Successor, _ => Some (St m w Up v c false cr)
  | _, _ => None end.

Definition init := St (Shared 0 0 (fun _ => none) (View 0 0)) (fun _ => Worker Gone (View 0 0) 0 false)
  Up (View 0 0) 0 false false.
Inductive reach : st -> Prop :=
| r0 : reach init
| rS s s' a : reach s -> exec a s = Some s' -> reach s'.
End Bells.
