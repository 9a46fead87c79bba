(* The header's encoding, as ring/record.hpp has it: what is written can be read back, nothing else is
   taken for it, and a header that is one bit away from its position is refused. *)
From Coq Require Import NArith Arith Lia List Bool.
From Annulus Require Import Machine Layout Spsc.
Local Open Scope N_scope.

Definition two64 := 2 ^ 64.
Definition two42 := 2 ^ 42.
Definition multiplier := 11400714819323198485.        (* 0x9e3779b97f4a7c15 *)

Section Header.
Variable key : N.                                    (* random, of the segment *)

Definition check (body pos : N) := ((N.lxor pos key + body) * multiplier mod two64) / two42.
Definition stamp (state bytes pos : N) := let body := 4 * bytes + state in body + check body pos * two42.
Definition committed (bytes pos : N) := stamp 2 bytes pos.

Definition body_of (word : N) := word mod two42.
Definition is_committed (word pos : N) :=
  (word mod 4 =? 2) && (check (body_of word) pos =? word / two42).
Definition bytes_of (word : N) := body_of word / 4.

Lemma check_small body pos : check body pos < 2 ^ 22.
Proof.
  unfold check. apply N.div_lt_upper_bound; [discriminate|].
  change (two42 * 2 ^ 22) with two64. apply N.mod_lt. discriminate.
Qed.
Section Stamped.
Variables state bytes pos : N.
Hypothesis small : bytes < 2 ^ 40.
Hypothesis state4 : state < 4.
Let body := 4 * bytes + state.
Lemma body_small : body < two42.
Proof. unfold body, two42. change (2 ^ 42) with (4 * 2 ^ 40). lia. Qed.
Lemma stamp_body : body_of (stamp state bytes pos) = body.
Proof.
  unfold body_of, stamp. fold body. pose proof body_small. rewrite N.mod_add by discriminate. apply N.mod_small. auto.
Qed.
Lemma stamp_check : stamp state bytes pos / two42 = check body pos.
Proof.
  unfold stamp. fold body. pose proof body_small. rewrite N.div_add by discriminate. rewrite N.div_small by auto. apply N.add_0_l.
Qed.
Lemma stamp_state : stamp state bytes pos mod 4 = state.
Proof.
  unfold stamp. fold body. unfold body. change two42 with (4 * 2 ^ 40).
  replace (4 * bytes + state + check (4 * bytes + state) pos * (4 * 2 ^ 40)) with
    (state + (bytes + check (4 * bytes + state) pos * 2 ^ 40) * 4) by lia.
  rewrite N.mod_add by discriminate. apply N.mod_small. auto.
Qed.
Lemma stamp_fits : stamp state bytes pos < two64.
Proof.
  unfold stamp. fold body. pose proof body_small. pose proof (check_small body pos). change two64 with (two42 * 2 ^ 22). nia.
Qed.
End Stamped.

Lemma reads_back bytes pos : bytes < 2 ^ 40 ->
  is_committed (committed bytes pos) pos = true /\ bytes_of (committed bytes pos) = bytes.
Proof.
  intros B. unfold committed, is_committed, bytes_of. rewrite stamp_state, stamp_body, stamp_check by (auto; reflexivity).
  rewrite !N.eqb_refl. split; auto.
  rewrite N.mul_comm, N.div_add_l by discriminate. change (2 / 4) with 0. apply N.add_0_r.
Qed.

Lemma injective state state' bytes bytes' pos pos' : bytes < 2 ^ 40 -> bytes' < 2 ^ 40 -> state < 4 -> state' < 4 ->
  stamp state bytes pos = stamp state' bytes' pos' -> state = state' /\ bytes = bytes'.
Proof.
  intros B B' S S' E. assert (Q : body_of (stamp state bytes pos) = body_of (stamp state' bytes' pos')) by (rewrite E; auto).
  rewrite !stamp_body in Q by auto. assert (Z : stamp state bytes pos mod 4 = stamp state' bytes' pos' mod 4) by (rewrite E; auto).
  rewrite !stamp_state in Z by auto. lia.
Qed.

(* The code of the proofs' words: positions and lengths in 8 bytes. *)
Definition enc (p n : nat) : nat := N.to_nat (committed (8 * N.of_nat n) (8 * N.of_nat p)).
Definition dec (h p : nat) : option nat := let word := N.of_nat h in
  if is_committed word (8 * N.of_nat p) then Some (N.to_nat (bytes_of word / 8)) else None.

Lemma shipped_codes most : (N.of_nat most < 2 ^ 37) -> encoding most enc dec.
Proof.
  intros M. assert (Sm : forall n, (n <= most)%nat -> 8 * N.of_nat n < 2 ^ 40).
  { intros n L. change (2 ^ 40) with (8 * 2 ^ 37). lia. }
  constructor.
  - intros p n L E. unfold enc in E. assert (Z : committed (8 * N.of_nat n) (8 * N.of_nat p) = 0) by lia.
    destruct (reads_back (8 * N.of_nat n) (8 * N.of_nat p) (Sm n L)) as [X _]. rewrite Z in X. discriminate.
  - intros p n L. unfold enc, dec. rewrite N2Nat.id.
    destruct (reads_back (8 * N.of_nat n) (8 * N.of_nat p) (Sm n L)) as [-> ->].
    rewrite N.mul_comm, N.div_mul by discriminate. rewrite Nat2N.id. auto.
  - intros p. reflexivity.
Qed.
End Header.

(* A position that is one bit off: the product moves by a power of two times the multiplier, far enough
   from 0 either way that the check's 22 bits move. *)
Definition far x := (2 ^ 53 <=? x) && (x <=? two64 - 2 ^ 53).
Lemma every_bit_is_far : forallb (fun k => far (multiplier * 2 ^ N.of_nat k mod two64)) (seq 0 64) = true.
Proof. vm_compute. reflexivity. Qed.

Lemma far_apart x y d : d < two64 -> far d = true -> y < two64 -> x = (y + d) mod two64 -> x / two42 <> y / two42.
Proof.
  unfold far. rewrite andb_true_iff, !N.leb_le. change two64 with 18446744073709551616. change two42 with 4398046511104.
  change (2 ^ 53) with 9007199254740992. change (18446744073709551616 - 9007199254740992) with 18437736874454810624.
  intros D [F1 F2] Y Ex E.
  assert (Cx : x = y + d \/ x + 18446744073709551616 = y + d).
  { pose proof (N.div_mod (y + d) 18446744073709551616 ltac:(discriminate)). pose proof (N.mod_lt (y + d) 18446744073709551616 ltac:(discriminate)).
    rewrite <- Ex in *. set (q := (y + d) / 18446744073709551616) in *.
    assert (Q : q = 0 \/ q = 1) by lia. lia. }
  pose proof (N.div_mod x 4398046511104 ltac:(discriminate)). pose proof (N.div_mod y 4398046511104 ltac:(discriminate)).
  pose proof (N.mod_lt x 4398046511104 ltac:(discriminate)). pose proof (N.mod_lt y 4398046511104 ltac:(discriminate)).
  rewrite E in *. clear Ex E. set (q := y / 4398046511104) in *. set (r := x mod 4398046511104) in *.
  set (t := y mod 4398046511104) in *. clearbody q r t. lia.
Qed.

Lemma flip_bit v k : let w := N.lxor v (2 ^ k) in w = v + 2 ^ k \/ v = w + 2 ^ k.
Proof.
  intros w. assert (B : forall n, N.testbit (2 ^ k) n = (k =? n)).
  { intros n. apply N.pow2_bits_eqb. }
  destruct (N.testbit v k) eqn:T.
  - right. assert (X : N.land w (2 ^ k) = 0).
    { apply N.bits_inj. intros n. rewrite N.land_spec, B, N.bits_0. unfold w. rewrite N.lxor_spec, B.
      destruct (N.eqb_spec k n) as [<-|]; [rewrite T; auto|apply andb_false_r]. }
    rewrite N.add_nocarry_lxor by exact X.
    unfold w. rewrite N.lxor_assoc, N.lxor_nilpotent, N.lxor_0_r. auto.
  - left. assert (X : N.land v (2 ^ k) = 0).
    { apply N.bits_inj. intros n. rewrite N.land_spec, B, N.bits_0. destruct (N.eqb_spec k n) as [<-|]; [rewrite T; auto|apply andb_false_r]. }
    rewrite N.add_nocarry_lxor by exact X. auto.
Qed.

Lemma one_bit_off key bytes pos k : bytes < 2 ^ 40 -> (k < 64)%nat ->
  is_committed key (committed key bytes pos) (N.lxor pos (2 ^ N.of_nat k)) = false.
Proof.
  intros B K. unfold committed, is_committed. rewrite stamp_state, stamp_body, stamp_check by (auto; reflexivity).
  rewrite N.eqb_refl. cbn [andb]. apply N.eqb_neq. set (body := 4 * bytes + 2). unfold check.
  pose proof every_bit_is_far as Far. rewrite forallb_forall in Far. specialize (Far k). rewrite in_seq in Far.
  specialize (Far ltac:(lia)). set (b := 2 ^ N.of_nat k) in *. set (d := multiplier * b mod two64) in *.
  assert (D : d < two64) by (apply N.mod_lt; discriminate).
  set (v := N.lxor pos key). assert (Fl : N.lxor (N.lxor pos b) key = N.lxor v b).
  { unfold v. rewrite !N.lxor_assoc. f_equal. apply N.lxor_comm. }
  rewrite Fl. set (w := N.lxor v b).
  assert (L : forall u, (u * multiplier) mod two64 < two64) by (intros; apply N.mod_lt; discriminate).
  assert (M : forall u, ((u + b) * multiplier) mod two64 = ((u * multiplier) mod two64 + d) mod two64).
  { intros u. unfold d. rewrite <- N.add_mod by discriminate. f_equal. lia. }
  destruct (flip_bit v (N.of_nat k)) as [E|E]; fold b w in E.
  - rewrite E. replace (v + b + body) with (v + body + b) by lia. rewrite M.
    eapply far_apart; [exact D|exact Far|apply L|reflexivity].
  - rewrite E. replace (w + b + body) with (w + body + b) by lia. rewrite M. intros Q. symmetry in Q. revert Q.
    eapply far_apart; [exact D|exact Far|apply L|reflexivity].
Qed.
