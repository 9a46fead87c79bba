(* The same steps as a function, for witnesses and for replaying traces: an action says what the
   step relation leaves open (which message is read, which record is begun). *)
From Coq Require Import Arith Lia List Bool.
Import ListNotations.
From Annulus Require Import Machine Layout Spsc.

Inductive act :=
| Room (k : nat) | Begin (x : list nat) | Write | Shorten | Abort | Filled | Terminate | Publish | CopyEnd
| DieP | FindA (k : nat) | FindB (k : nat) | FindC (k : nat) | FindD | FindE
| Attach (k : nat) | Poll (k : nat) | Word | Deliver | Again (n i : nat) | Release | LookA (k : nat) | LookB (k : nat) | DieC.

Section Run.
Variables N most : nat.
Variable O : orders.
Notation word := (word N). Notation cell := (cell N).
Definition can (m : mem) t l k := (ts (tv m t) l <=? k) && (k <? len m l).

Definition exec (a : act) (s : st) : option st := let (m, p, c, g, d, z) := s in
  match a with
  | Room k => match p with Open w lim bs => if can m P RP k then
      Some (St (read atomic (free_load O) P RP k m) (Open w (val (hist m RP k) + N) bs) c g d z) else None | _ => None end
  | Begin x => match p with Open w lim bs => if (length x <=? most) && (w + total bs + length x + 2 <=? lim) then
      Some (St m (Fill w lim bs x 0) c g d z) else None | _ => None end
  | Write => match p with Fill w lim bs x i => if i <? length x then
      Some (St (write plain false P (cell (w + total bs) i) (nth i x 0) m) (Fill w lim bs x (S i)) c g d z) else None | _ => None end
  | Shorten => match p with Fill w lim bs x i => Some (St m (Fill w lim bs (firstn i x) (length (firstn i x))) c g d z) | _ => None end
  | Abort => match p with Fill w lim bs x i => Some (St m (Open w lim bs) c g d z) | _ => None end
  | Filled => match p with
      | Fill w lim nil x i => if i =? length x then Some (St m (Open w lim (x :: nil)) c g d z) else None
      | Fill w lim (b :: bs) x i => if i =? length x then
          Some (St (write atomic false P (word (w + total (b :: bs))) (size x) m) (Open w lim ((b :: bs) ++ x :: nil)) c g d z) else None
      | _ => None end
  | Terminate => match p with Open w lim (b :: bs) =>
      Some (St (if terminates O then write atomic false P (word (w + total (b :: bs))) 0 m else m) (Commit w lim (b :: bs)) c g d z) | _ => None end
  | Publish => match p with Commit w lim (b :: bs) =>
      Some (St (write atomic (publish_store O) P (word w) (size b) m) (Copy (w + total (b :: bs)) lim) c (g ++ b :: bs) d z) | _ => None end
  | CopyEnd => match p with Copy w lim => Some (St (write atomic (extent_store O) P WP w m) (Open w lim nil) c g d z) | _ => None end
  | DieP => Some (St m Find0 c g d z)
  | FindA k => match p with Find0 => if can m P WP k then
      Some (St (read atomic false P WP k m) (Find1 (val (hist m WP k))) c g d z) else None | _ => None end
  | FindB k => match p with Find1 w => if can m P RP k then
      Some (St (read atomic (free_load O) P RP k m) (Find2 (max w (val (hist m RP k))) (val (hist m RP k) + N)) c g d z) else None | _ => None end
  | FindC k => match p with Find2 w lim => if can m P (word w) k then let h := val (hist m (word w) k) in
      Some (St (read atomic false P (word w) k m) (if (h =? 0) || (lim <? w + h) then Find3 w lim else Find2 (w + h) lim) c g d z) else None | _ => None end
  | FindD => match p with Find3 w lim => Some (St (write atomic false P (word w) 0 m) (Find4 w lim) c g d z) | _ => None end
  | FindE => match p with Find4 w lim => Some (St (if copies_again O then write atomic (extent_store O) P WP w m else m) (Open w lim nil) c g d z) | _ => None end
  | Attach k => match c with Start => if can m C RP k then
      Some (St (read atomic false C RP k m) p (Idle (val (hist m RP k)) nil) g d z) else None | _ => None end
  | Poll k => match c with Idle c held => if can m C (word c) k then let h := val (hist m (word c) k) in
      Some (St (read atomic (publish_load O) C (word c) k m) p (if h =? 0 then Idle c held else Take c held h nil) g d z) else None | _ => None end
  | Word => match c with Take c held h got => if length got + 1 <? h then let l := cell c (length got) in let k := len m l - 1 in
      Some (St (read plain false C l k m) p (Take c held h (got ++ val (hist m l k) :: nil)) g d z) else None | _ => None end
  | Deliver => match c with Take c held h got => if length got + 1 =? h then
      Some (St m p (Idle (c + h) (held ++ got :: nil)) g d z) else None | _ => None end
  | Again n i => match c with Idle c held => match skipn n held with
      | a :: w2 => if i <? length a then let l := cell (c - total (a :: w2)) i in let k := len m l - 1 in
          Some (St (read plain false C l k m) p (Idle c (firstn n held ++ a :: w2)) g d (z || negb (val (hist m l k) =? nth i a 0))) else None
      | nil => None end | _ => None end
  | Release => match c with Idle c held => Some (St (write atomic (free_store O) C RP c m) p (Idle c nil) g (d ++ held) z) | _ => None end
  | LookA k => match c with Idle c held => if can m C WP k then
      Some (St (read atomic (extent_load O) C WP k m) p (Exam c held (val (hist m WP k))) g d z) else None | _ => None end
  | LookB k => match c with Exam c held x => if can m C (word c) k then let h := val (hist m (word c) k) in
      Some (St (read atomic (publish_load O) C (word c) k m) p (if h =? 0 then Idle c held else Take c held h nil) g d (z || ((h =? 0) && (c <? x)))) else None | _ => None end
  | DieC => Some (St m p Start g d z)
  end.

Lemma can_ok m t l k : can m t l k = true -> can_read m t l k.
Proof. unfold can, can_read. intros E. apply andb_true_iff in E. rewrite Nat.leb_le, Nat.ltb_lt in E. auto. Qed.

Lemma exec_ok a s s' : exec a s = Some s' -> step N most O s s'.
Proof.
  destruct s as [m p c g d z]. intros E.
  destruct a; cbn [exec] in E; try (destruct p; try discriminate E); try (destruct c; try discriminate E);
  repeat match goal with
  | H : (match ?l with nil => _ | _ :: _ => _ end) = Some _ |- _ => let X := fresh in destruct l eqn:X; try discriminate H
  | H : (if ?b then _ else _) = Some _ |- _ => let X := fresh in destruct b eqn:X; try discriminate H
  end; cbv zeta in E; injection E as <-;
  repeat match goal with
  | H : can _ _ _ _ = true |- _ => apply can_ok in H
  | H : _ && _ = true |- _ => apply andb_true_iff in H; destruct H
  | H : (_ <=? _) = true |- _ => apply Nat.leb_le in H
  | H : (_ <? _) = true |- _ => apply Nat.ltb_lt in H
  | H : (_ =? _) = true |- _ => apply Nat.eqb_eq in H
  end; subst; try (econstructor; eauto; fail).
  all: try match goal with H : skipn ?n ?h = ?a :: ?w |- _ =>
    rewrite <- (firstn_skipn n h) at 1; rewrite H; econstructor; eauto end.
Qed.

Fixpoint run (l : list act) s := match l with
  | nil => Some s
  | a :: l => match exec a s with Some s' => run l s' | None => None end end.

Lemma run_ok l : forall s s', reach N most O s -> run l s = Some s' -> reach N most O s'.
Proof.
  induction l as [|a l IH]; simpl; intros s s' R E; [congruence|].
  destruct (exec a s) eqn:X; [|discriminate]. eapply IH; [|exact E]. eapply rS; eauto. apply exec_ok with a. exact X.
Qed.
End Run.
