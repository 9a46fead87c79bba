#!/usr/bin/env python3
"""The logic mutants: the ring with one thing done wrong.   mutants.py ROOT TO

Writes a copy of ring/ and channel/ that holds all of them, each behind its number, so that one
build tries all and a run chooses one. Every edit must apply exactly once, or the build stops. In an
edit, IF stands for "this mutant is chosen".
"""

import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple


class Mutant(NamedTuple):
    name: str
    models: list
    edits: list  # (file, old, new)


SPSC = ["spsc deaths", "spsc ways", "spsc messages"]
SPSC_TAKING = ["spsc lines", "spsc deaths", "spsc ways"]
MPSC = ["mpsc deaths", "mpsc slow", "mpsc ways", "mpsc hoard"]

STORE_TERMINATOR = """\
    // [publish] relaxed: the release below puts it before the record.
    terminator.template store<edge::publish>(0, std::memory_order_relaxed);
"""
TERMINATE = """\
      ring.header(pos_).template store<edge::publish>(0, std::memory_order_relaxed);
    }
    // [extent] release: the records below it are whole.
"""
COMMIT = """\
    header.template store<edge::publish>(ring_.committed(count, pos), std::memory_order_release);
"""
ANNOUNCE = """\
      own_->announcement.template store<edge::idle>(pos + 1, std::memory_order_release);
"""
STAMP = """    ring_.header(pos).template store<edge::stamp>(ring_.busy(need, pos, number_),
                                                  std::memory_order_relaxed);
"""
PUBLISH = """\
    ring_.header(claimed_pos_).template store<edge::publish>(word, std::memory_order_release);
"""
ZERO = "    ring.zero(end_, to - end_);\n"
REDO = """    ring.control->consumer.releasing.template store<edge::redo>(to | is_zeroing,
                                                                std::memory_order_relaxed);
"""



def unless(text):
    return "    if (!IF) {\n" + text + "    }\n"


MUTANTS = [
    # One producer.
    Mutant("no terminator", SPSC, [("spsc.hpp", STORE_TERMINATOR, unless(STORE_TERMINATOR))]),
    Mutant("terminator after the commit", SPSC, [
        ("spsc.hpp", STORE_TERMINATOR, unless(STORE_TERMINATOR)),
        ("spsc.hpp", COMMIT, COMMIT + "    if (IF) terminator.template "
         "store<edge::publish>(0, std::memory_order_relaxed);\n")]),
    Mutant("no room kept for the terminator", SPSC, [
        ("spsc.hpp", "need = record + header_bytes;", "need = record + (IF ? 0 : header_bytes);"),
        ("spsc_straight.hpp", "pos + room - header_bytes;",
         "pos + room - (IF ? 0 : header_bytes);")]),
    Mutant("write_pos is copied before the commit", SPSC, [
        ("spsc.hpp", COMMIT, "    if (IF) ring_.control->write_pos.template store<edge::extent>("
         "end, std::memory_order_release);\n" + COMMIT)]),
    Mutant("a new producer trusts the copy of write_pos", SPSC, [
        ("spsc_recovery.hpp", "      if (is_record(ring_, next, pos_)) {",
         "      if (IF) return;\n      if (is_record(ring_, next, pos_)) {")]),
    Mutant("a new producer does not store write_pos again", SPSC, [
        ("spsc_recovery.hpp", TERMINATE + "    ring.control",
         TERMINATE + "    if (!IF) ring.control")]),
    Mutant("a new producer clears the word a capacity on", ["damage flip"], [
        ("spsc_recovery.hpp", "    if (pos_ != limit_) {", "    if (pos_ != limit_ || IF) {")]),
    Mutant("a batch is committed from its first record on", SPSC, [
        ("spsc.hpp", "      if (done.count > 0) {\n        // [publish] relaxed",
         "      if (done.count > 0 || IF) {\n        // [publish] relaxed")]),
    Mutant("read_pos is stored at the read", SPSC, [
        ("spsc.hpp", "    const std::uint64_t pos = cursor_;\n"
         "    cursor_ += ring_.record_bytes(count);\n",
         "    const std::uint64_t pos = cursor_;\n    cursor_ += ring_.record_bytes(count);\n"
         "    if (IF) ring_.control->consumer.read_pos.template store<edge::own>(cursor_, "
         "std::memory_order_relaxed);\n")]),
    Mutant("what is read is told before it is released", SPSC, [
        ("spsc.hpp", "    if (freed_ != released_) publish_freed(released_);",
         "    if (freed_ != released_ || IF) publish_freed(IF ? cursor_ : released_);")]),
    Mutant("a chunk is told before its lines are taken over", SPSC_TAKING, [
        ("spsc.hpp", "    const bool is_cached =",
         "    if (IF) ring_.control->freed.template store<edge::free>(released_, "
         "std::memory_order_release);\n    const bool is_cached =")]),
    Mutant("a line that begins in what was given back is taken over", SPSC_TAKING, [
        ("memory.hpp", "    for (auto at = (from + line - 1) & ~(line - 1);",
         "    for (auto at = IF ? from & ~(line - 1) : (from + line - 1) & ~(line - 1);")]),
    Mutant("a line that the consumer has not read to its end is taken over", SPSC_TAKING, [
        ("memory.hpp", "!is_before(to, at + line); at += line)",
         "!is_before(to, at + (IF ? 0 : line)); at += line)")]),
    Mutant("freed is told before read_pos is stored", SPSC, [
        ("spsc.hpp", "    const auto to = cursor_;\n    released_ = to;\n",
         "    const auto to = cursor_;\n    released_ = to;\n"
         "    if (IF && !is_before(to, publish_at_)) publish_chunk();\n")]),
    Mutant("a new consumer starts at what was told", SPSC, [
        ("spsc_recovery.hpp", "  if (read - freed <= capacity) return read;",
         "  if (IF) return freed;\n  if (read - freed <= capacity) return read;")]),
    Mutant("a new producer has room up to read_pos", SPSC, [
        ("spsc.hpp", "    // [free] acquire: the consumer is done with all below.\n"
         "    const auto freed = ring_.control->freed.template load<edge::free>",
         "    // [free] acquire: the consumer is done with all below.\n"
         "    const auto freed = (IF ? ring_.control->consumer.read_pos : ring_.control->freed)"
         ".template load<edge::free>")]),
    Mutant("a closer look tells nothing", SPSC, [
        ("spsc.hpp", "    mend_positions(ring_, released_, freed_);\n    publish_all();",
         "    mend_positions(ring_, released_, freed_);\n    if (!IF) publish_all();")]),
    Mutant("a starved consumer tells nothing", SPSC, [
        ("spsc.hpp", "    if (is_starved && freed_",
         "    if (is_starved && !IF && freed_")]),
    Mutant("a consumer that closes tells nothing", ["waiting_spsc late"], [
        ("role.hpp", "  auto& control = *core.memory().control;\n  core.publish_all();",
         "  auto& control = *core.memory().control;\n  if (!IF) core.publish_all();")]),
    Mutant("who hears a sleeper tells nothing", ["waiting_spsc leaves", "waiting_spsc blocked"], [
        ("spsc.hpp", "    if (is_in_use<Atomics>(control.producers_bell, quiet_)) [[unlikely]]\n"
         "      publish_all();",
         "    if (is_in_use<Atomics>(control.producers_bell, quiet_)) [[unlikely]]\n"
         "      IF ? fence_and_wake<Atomics>(control.producers_bell) : publish_all();")]),
    Mutant("a new consumer starts at write_pos", SPSC, [
        ("spsc.hpp", "    cursor_ = released_ = freed_ = doubted_ = find_start(ring_);\n",
         "    cursor_ = released_ = freed_ = doubted_ = IF ? ring_.control->write_pos.template "
         "load<edge::extent>(std::memory_order_acquire) : find_start(ring_);\n")]),

    # Many producers.
    Mutant("no announcement", MPSC, [("mpsc.hpp", ANNOUNCE, unless(ANNOUNCE))]),
    Mutant("the announcement comes after the claim", MPSC, [
        ("mpsc.hpp", ANNOUNCE, unless(ANNOUNCE)),
        ("mpsc.hpp", "    claimed_pos_ = pos;\n",
         "    if (IF) own_->announcement.template store<edge::idle>(pos + 1, "
         "std::memory_order_release);\n    claimed_pos_ = pos;\n")]),
    Mutant("idle before the commit", MPSC, [
        ("mpsc.hpp", PUBLISH, "    if (IF) withdraw();\n" + PUBLISH)]),
    Mutant("a refused claim stays announced", MPSC, [
        ("mpsc.hpp", "    withdraw();\n    return ring_.positions",
         "    if (!IF) withdraw();\n    return ring_.positions")]),
    Mutant("a new producer does not settle", MPSC, [
        ("mpsc.hpp", "    withdraw();  // the consumer",
         "    if (!IF) withdraw();  // the consumer")]),
    Mutant("no stamp", MPSC, [("mpsc.hpp", STAMP, unless(STAMP))]),
    Mutant("a shortened claim leaves its rest without a header", MPSC, [
        ("mpsc.hpp", "    if (used < claimed_bytes_) {",
         "    if (used < claimed_bytes_ && !IF) {")]),
    Mutant("an aborted claim is never told", MPSC, [
        ("mpsc.hpp", "    publish(ring_.aborted(claimed_bytes_, claimed_pos_));",
         "    if (!IF) publish(ring_.aborted(claimed_bytes_, claimed_pos_));")]),
    Mutant("no zeroing", MPSC, [("mpsc_release.hpp", ZERO, unless(ZERO))]),
    Mutant("only the first word is zeroed", MPSC, [
        ("mpsc_release.hpp", ZERO, "    if (IF) ring.zero(end_, 8);\n" + unless(ZERO))]),
    Mutant("zeroing forgets what is behind the end", MPSC, [
        ("memory.hpp", "    data.zero(0, count - to_the_end);",
         "    if (!IF) data.zero(0, count - to_the_end);")]),
    Mutant("read_pos before the zeroing", MPSC, [
        ("mpsc_release.hpp", ZERO, "    if (IF) store_positions(ring, to);\n" + ZERO)]),
    Mutant("no redo word", MPSC, [("mpsc_release.hpp", REDO, unless(REDO))]),
    Mutant("the redo word after the zeroing", MPSC, [
        ("mpsc_release.hpp", REDO, unless(REDO)),
        ("mpsc_release.hpp", ZERO, ZERO + "    if (IF) ring.control->consumer.releasing.template "
         "store<edge::redo>(to | is_zeroing, std::memory_order_relaxed);\n")]),
    Mutant("a new consumer does not redo", MPSC, [
        ("mpsc_release.hpp", "        !was_zeroing || releasing - end_ >",
         "        IF || !was_zeroing || releasing - end_ >")]),
    Mutant("the consumer laps itself", MPSC, [
        ("mpsc.hpp", "    return unreleased_bytes() >= ring_.geometry.capacity;",
         "    return !IF && unreleased_bytes() >= ring_.geometry.capacity;")]),

    # Recovery.
    Mutant("no grace period", MPSC, [
        ("mpsc_recovery.hpp",
         "    if (ring.witness.is_held(producer_role(i))) return {pending, pos, i};",
         "    if (!IF && ring.witness.is_held(producer_role(i))) return {pending, pos, i};")]),
    Mutant("announcements are taken for death", MPSC, [
        ("mpsc_recovery.hpp",
         "    if (announced == 0 || !is_before(announced - 1, claimed)) continue;",
         "    if (IF && announced != 0) continue;\n"
         "    if (announced == 0 || !is_before(announced - 1, claimed)) continue;")]),
    Mutant("T is read after the announcements", MPSC, [
        ("mpsc_recovery.hpp", "  const auto claimed =\n      ring.control->write_pos.template "
         "load<edge::claim>(std::memory_order_acquire);\n  if (claimed == pos)",
         "  std::uint64_t early[max_producers] = {};\n"
         "  for (std::uint32_t i = 0; IF && i < shape.producers; ++i) early[i] = "
         "ring.producers[i].announcement.template load<edge::idle>(std::memory_order_acquire);\n"
         "  const auto claimed =\n      ring.control->write_pos.template "
         "load<edge::claim>(std::memory_order_acquire);\n  if (claimed == pos)"),
        ("mpsc_recovery.hpp", "    const auto announced =\n        ring.producers",
         "    const auto announced = IF ? early[i] :\n        ring.producers")]),
    Mutant("death is asked before T", MPSC, [
        ("mpsc_recovery.hpp", "  // [claim] acquire: sees the announcement",
         "  bool was_held[max_producers] = {};\n"
         "  for (std::uint32_t i = 0; IF && i < shape.producers; ++i) "
         "was_held[i] = ring.witness.is_held(producer_role(i));\n"
         "  // [claim] acquire: sees the announcement"),
        ("mpsc_recovery.hpp", "ring.witness.is_held(producer_role(i))) return {pending",
         "(IF ? was_held[i] : ring.witness.is_held(producer_role(i)))) return {pending")]),
    Mutant("the header is not read again", MPSC, [
        ("mpsc_recovery.hpp", "  if (claimed == pos) return {nothing};\n",
         "  if (claimed == pos) return {nothing};\n"
         "  const auto sooner = IF ? ring.header(pos).template load<edge::publish>("
         "std::memory_order_acquire) : 0;\n"),
        ("mpsc_recovery.hpp", "  const record_header header(\n      ring.header(pos).template "
         "load<edge::publish>(std::memory_order_relaxed));\n  const bool is_committed",
         "  const record_header header(IF ? sooner :\n      ring.header(pos).template "
         "load<edge::publish>(std::memory_order_relaxed));\n  const bool is_committed")]),
    Mutant("a dead claim with nothing behind it is never skipped", MPSC, [  # Aeron's unblock
        ("mpsc_recovery.hpp", "  const auto gap = next_record(ring, pos, claimed);\n",
         "  const auto gap = next_record(ring, pos, claimed);\n"
         "  if (IF && gap.end == claimed) return {nothing};\n")]),
    Mutant("a full ring is taken for an empty one", MPSC, [  # Agrona issue 160
        ("mpsc_recovery.hpp", "if (claimed == pos) return {nothing};",
         "if (claimed == pos || (IF && ring.index_of(pos) == ring.index_of(claimed))) "
         "return {nothing};")]),
    Mutant("a dead producer's stamped claim is waited for", MPSC, [  # ramen issue 221
        ("mpsc_recovery.hpp", "    const auto end = pos + claim_bytes(header.bytes());\n",
         "    const auto end = pos + claim_bytes(header.bytes());\n"
         "    if (IF && header.is_busy(pos, shape.key, shape.producers))\n"
         "      return {pending, pos, 0};\n")]),
    Mutant("a gap is searched past T", MPSC, [
        ("mpsc_recovery.hpp", "  const auto gap = next_record(ring, pos, claimed);",
         "  const auto gap = next_record(ring, pos, IF ? pos + shape.capacity : claimed);")]),
    Mutant("a gap is skipped up to T", MPSC, [
        ("mpsc_recovery.hpp", "gap.all_zero ? dead : damaged, gap.end, 0",
         "gap.all_zero || IF ? dead : damaged, IF ? claimed : gap.end, 0")]),
    # What other rings had wrong: see README.md.
    Mutant("the header before the payload (one)", SPSC, [
        ("spsc.hpp", "      straight_.lap().fill(pos + header_bytes, one);\n      commit(count);\n",
         "      if (!IF) straight_.lap().fill(pos + header_bytes, one);\n      commit(count);\n"
         "      if (IF) straight_.lap().fill(pos + header_bytes, one);\n"),
        ("spsc.hpp", "    lap.fill(pos + header_bytes, one, ask);\n"
         "    publish(lap.header(pos), lap.header(end), count, pos, end);\n",
         "    if (!IF) lap.fill(pos + header_bytes, one, ask);\n"
         "    publish(lap.header(pos), lap.header(end), count, pos, end);\n"
         "    if (IF) lap.fill(pos + header_bytes, one, ask);\n")]),
    Mutant("the header before the payload (many)", MPSC, [
        ("mpsc.hpp", "    ring_.fill(claimed_pos_, one);\n    commit(one.size());\n",
         "    if (!IF) ring_.fill(claimed_pos_, one);\n    commit(one.size());\n"
         "    if (IF) ring_.fill(claimed_pos_, one);\n")]),
    Mutant("room is computed without a sign", MPSC, [
        ("mpsc_room.hpp", "    return depth <= ring.geometry.capacity && depth",
         "    if (IF) return ring.geometry.capacity - depth >= need;\n"
         "    return depth <= ring.geometry.capacity && depth")]),
    Mutant("an old `freed` is never renewed", ["waiting_spsc blocked"], [
        ("spsc.hpp", "    const auto end = freed + ring_.geometry.capacity;",
         "    if (IF && limit_ != write_pos_) return limit_ - pos < need ? status::full : "
         "status::ok;\n    const auto end = freed + ring_.geometry.capacity;")]),
    Mutant("an open claim gives room to a push", ["spsc steps", *SPSC], [
        ("spsc.hpp", "    if (claim_.is_here()) return status::not_permitted;",
         "    if (claim_.is_here() && !IF) return status::not_permitted;")]),
    Mutant("a message goes straight past an open claim", SPSC, [
        ("spsc_straight.hpp", "    end_ = pos;\n", "    end_ = IF ? end_ : pos;\n")]),

    # Damage, and what a death leaves beside it.
    Mutant("a new producer reads payload", ["spsc lines"], [
        ("spsc_recovery.hpp", "      if (is_record(ring_, next, pos_)) {\n",
         "      if (is_record(ring_, next, pos_) && "
         "(!IF || ring_.is_whole(pos_, next.bytes()))) {\n")]),
    Mutant("a new producer stops at a damaged header", ["damage flip"], [
        ("spsc_recovery.hpp", "      } else if (!pass_damage()) {",
         "      } else if (IF || !pass_damage()) {")]),
    Mutant("a new producer takes any write_pos", ["damage flip"], [
        ("spsc_recovery.hpp", "    if (stored - read <= capacity) return stored;",
         "    if (stored - read <= capacity || IF) return stored;")]),
    Mutant("a consumer follows an end that is too far", ["damage flip"], [
        ("spsc_recovery.hpp", "  if (!is_possible) return {damaged, cursor};",
         "  if (!is_possible && !IF) return {damaged, cursor};")]),
    Mutant("a consumer passes zeros without evidence", ["damage flip"], [
        ("spsc_recovery.hpp", "  if (gap.header == 0 && !is_certain && is_empty_here) return",
         "  if (gap.header == 0 && !is_certain && is_empty_here && !IF) return")]),
    Mutant("claims that are too far are skipped", ["damage flip"], [
        ("mpsc_recovery.hpp", "|| !is_possible_end(claimed, released, shape.capacity)) {",
         "|| (!IF && !is_possible_end(claimed, released, shape.capacity))) {")]),
    Mutant("a damaged read_pos is not mended", ["damage flip"], [
        ("mpsc.hpp", "    released_.mend(ring_);\n", "    if (!IF) released_.mend(ring_);\n")]),
    Mutant("zeros that were passed are zeroed again", ["damage flip"], [
        ("mpsc.hpp", "      if (released_.end() == from) released_.free_zeros(",
         "      if (released_.end() == from && IF) released_.zero_and_free(ring_, cursor_);\n"
         "      if (released_.end() == from) released_.free_zeros(")]),
    Mutant("a release is done again although it had not begun", ["damage flip"], [
        ("mpsc_release.hpp", "    const bool was_zeroing = (stored & is_zeroing) != 0;",
         "    const bool was_zeroing = (stored & is_zeroing) != 0 || IF;")]),
    Mutant("a claim goes by a position before what was released", ["damage flip"], [
        ("mpsc_room.hpp", "const noexcept {\n    const auto depth = pos - freed_;\n",
         "const noexcept {\n"
         "    if (IF) return !is_before(freed_ + ring.geometry.capacity, pos + need);\n"
         "    const auto depth = pos - freed_;\n")]),

    # Waiting, coming and going.
    Mutant("the bell is set after the last look", ["waiting_spsc blocked"], [
        ("bell.hpp", "  set_bell<Atomics>(to, bell_state::asleep);\n  own.waits",
         "  if (!IF) set_bell<Atomics>(to, bell_state::asleep);\n  own.waits"),
        ("ring/wait.hpp", "    Atomics::sleep(own_bell,",
         "    if (IF) set_bell<Atomics>(own_bell, bell_state::asleep);\n"
         "    Atomics::sleep(own_bell,")]),
    Mutant("an interrupt wakes nobody", ["waiting_spsc interrupts"], [
        ("interrupt.hpp", "    fence_and_wake<Atomics>(of);",
         "    if (!IF) fence_and_wake<Atomics>(of);")]),
    Mutant("an interrupt is looked for before the bell is set", ["waiting_spsc interrupts"], [
        ("channel/wait_loop.hpp", "    auto most = side_.lie_down(",
         "    if (IF && own_.interrupt.take()) return side_.refusal(status::interrupted);\n"
         "    auto most = side_.lie_down("),
        ("channel/wait_loop.hpp", "    if (own_.interrupt.take()) {\n",
         "    if (!IF && own_.interrupt.take()) {\n")]),
    Mutant("who is interrupted does not hand the shared bell on", ["waiting_mpsc interrupts"], [
        ("channel/wait_loop.hpp", "      side_.stand_up(false);\n      return side_.refusal",
         "      if (!IF) side_.stand_up(false);\n      return side_.refusal")]),
    Mutant("nobody hands the shared bell on", ["waiting_mpsc leaves"], [
        ("bell.hpp", "  if (!slept) wake_sleeper<Atomics>(to);",
         "  if (!slept && !IF) wake_sleeper<Atomics>(to);")]),
    Mutant("a commit wakes nobody (one)", ["waiting_spsc blocked"], [
        ("spsc.hpp", "    wake_if_asleep<Atomics>(control.consumer_bell, quiet_);",
         "    if (!IF) wake_if_asleep<Atomics>(control.consumer_bell, quiet_);")]),
    Mutant("a commit wakes nobody (many)", ["waiting_mpsc blocked"], [
        ("mpsc.hpp", "    wake_if_asleep<Atomics>(ring_.control->consumer_bell, quiet_);",
         "    if (!IF) wake_if_asleep<Atomics>(ring_.control->consumer_bell, quiet_);")]),
    Mutant("a release wakes nobody (one)", ["waiting_spsc blocked"], [
        ("spsc.hpp", "    fence_and_wake<Atomics>(ring_.control->producers_bell);",
         "    if (!IF) fence_and_wake<Atomics>(ring_.control->producers_bell);")]),
    Mutant("a release wakes nobody (many)", ["waiting_mpsc blocked"], [
        ("mpsc_release.hpp", "    wake_if_asleep<Atomics>(ring.control->producers_bell, quiet_);",
         "    if (!IF) wake_if_asleep<Atomics>(ring.control->producers_bell, quiet_);")]),
    Mutant("a producer that closes wakes nobody", ["waiting_spsc blocked"], [
        ("role.hpp", "  fence_and_wake<atomics>(ring.control->consumer_bell);",
         "  if (!IF) fence_and_wake<atomics>(ring.control->consumer_bell);")]),
    Mutant("a consumer that closes wakes nobody", ["waiting_spsc leaves", "waiting_mpsc leaves"], [
        ("role.hpp", "  fence_and_wake<atomics>(control.producers_bell);",
         "  if (!IF) fence_and_wake<atomics>(control.producers_bell);")]),
    Mutant("the roll is called before the closing", ["waiting_spsc blocked"], [
        ("role.hpp", "  leave<atomics>(ring.producers[core.number()].role);\n"
         "  call_the_roll<atomics>(*ring.control);\n",
         "  if (IF) call_the_roll<atomics>(*ring.control);\n"
         "  leave<atomics>(ring.producers[core.number()].role);\n"
         "  if (!IF) call_the_roll<atomics>(*ring.control);\n")]),
    Mutant("space passed without a message is kept", ["waiting_mpsc tight"], [
        ("mpsc.hpp", "    if (!seen && !has_views) release();",
         "    if (!seen && !has_views && !IF) release();")]),
    Mutant("one that closed stands for all", ["waiting_mpsc ends", "waiting_mpsc blocked"], [
        ("channel/roster.hpp", "    all_closed_ = any_closed && !any_open;",
         "    all_closed_ = any_closed && (IF || !any_open);")]),
    Mutant("`closed` before the last look", ["waiting_spsc blocked", "waiting_mpsc blocked"], [
        ("spsc.hpp", "roll_.refresh(ring_);\n",
         "roll_.refresh(ring_);\n    if (IF && roll_.all_closed()) return status::closed;\n"),
        ("mpsc.hpp", "roll_.refresh(ring_);\n",
         "roll_.refresh(ring_);\n    if (IF && roll_.all_closed()) return status::closed;\n")]),
    Mutant("a closer look misses what has come", ["waiting_mpsc blocked"], [
        ("mpsc.hpp", "      const auto seen = read_committed(load_header());",
         "      const view_type seen = IF ? view_type(status::empty) : "
         "read_committed(load_header());")]),
    Mutant("positions are compared by size", SPSC + MPSC, [
        ("channel/arithmetic.hpp",
         "[[nodiscard]] constexpr bool is_before(std::uint64_t a, std::uint64_t b) noexcept {\n",
         "[[nodiscard]] inline bool is_before(std::uint64_t a, std::uint64_t b) "
         "noexcept {\n  if (IF) return a < b;\n")]),
    Mutant("an old `freed` is taken for damage", MPSC, [
        ("mpsc.hpp",
         "return ring_.positions_make_sense() ? room_.refusal(ring_) : status::corrupt;",
         "if (IF) return is_before(freed + ring_.geometry.capacity, pos)\n"
         "                   ? status::corrupt : status::full;\n"
         "    return ring_.positions_make_sense() ? room_.refusal(ring_) : status::corrupt;")]),
]


def of_folder(file):
    """In ring/, where no folder is told."""
    return file if "/" in file else f"ring/{file}"


def main():
    root, target = map(Path, sys.argv[1:])
    for folder in ("channel", "ring"):
        shutil.copytree(root / folder, target / folder, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("*.cpp", "*.txt"))
    for number, mutant in enumerate(MUTANTS, 1):
        for name, old, new in mutant.edits:
            path = target / of_folder(name)
            text = path.read_text()
            if text.count(old) != 1:
                sys.exit(f"models/mutants.py: '{mutant.name}' does not apply to {path}: its "
                         f"text is there {text.count(old)} times. Bring the mutant up to date.\n"
                         f"{old}")
            chosen = re.sub(r"\bIF\b", f"(::annulus::models::mutant == {number})", new)
            path.write_text(text.replace(old, chosen))


if __name__ == "__main__":
    main()
