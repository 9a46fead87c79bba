#!/usr/bin/env python3
"""Holds the C++ to the protocol that Coq proves safe.   check.py PART BINARIES

traces     traces of the shipped headers are runs of the protocol; all its steps are taken
processes  the same of real processes, killed ones among them
canaries   errors in the C++ and changes in a trace are rejected, and named
damage     calls in a damaged ring make the accesses of Damage.v's programs; errors are rejected
sites      the atomic accesses of the C++ are those of the steps in Coq; a changed order is told
necessity  what Coq shows to be needed is what the models reject; one thing less on a side is told
layout     samples of the C++'s layout are as Coq computes them; a changed one is told, and so is
           each constant of the C++ that has another value

BINARIES holds replay, layout, layout_samples, and trace_models, trace_mutants, trace_processes,
trace_processes_mutants; of many producers replay_many, trace_many_models and so on; of damage
replay_damage, trace_damage and trace_damage_mutants. CI replays
thousands of traces of each kind, ANNULUS_PROOFS=nightly a hundred times as many.
"""

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "models"))
import mutants  # noqa: E402
import necessity as need  # noqa: E402
import sites as table  # noqa: E402

TIMES = 100 if os.environ.get("ANNULUS_PROOFS") == "nightly" else 1


class Ring(NamedTuple):
    """One of the two rings: which programs trace and replay it, which models its mutants break."""
    name: str
    model: str

    @property
    def replay(self):
        return f"replay{self.name}"

    @property
    def projected(self):
        return HERE / f"projected{self.name}.txt"

    def trace(self, kind):
        return f"trace{self.name}_{kind}"


RINGS = (Ring("", "spsc"), Ring("_many", "mpsc"))

IN_PROCESSES = {"spsc": ("no terminator", "write_pos is copied before the commit"),
                "mpsc": ("no stamp", "idle before the commit", "no zeroing")}

# Seeded errors that show in the answer `closed` alone: the models with bells find them.
IN_ANSWERS = {"spsc": ("`closed` before the last look",),
              "mpsc": ("`closed` before the last look", "one that closed stands for all")}

# Seeded errors that these traces cannot show, and why.
UNSEEN = {
    "a closer look tells nothing": "the steps tell at any time or not at all: room comes late, and "
                                   "no message is lost (models/)",
    "a starved consumer tells nothing": "the same",
    "roll acquire of RO -> relaxed": "left open: what a closed producer committed is known by its "
                                     "owner word; waking needs it (models/)",
    "an old `freed` is taken for damage": "what a refusal says is no step",
}


def replay(ring, binaries, source, *options):
    """The replay's exit status and words about the traces that `source` writes.

    A source that dies of a signal is rejected: what it runs went out of bounds before a trace told.
    """
    with subprocess.Popen(source, stdout=subprocess.PIPE) as writer:
        done = subprocess.run([binaries / ring.replay, ring.projected, *options],
                              stdin=writer.stdout, stdout=subprocess.PIPE, text=True, check=False)
        writer.stdout.close()
    died = writer.returncode < 0 and writer.returncode != -signal.SIGPIPE
    if died and "REJECTED" not in done.stdout:
        return 1, f"REJECTED: it ended by {signal.Signals(-writer.returncode).name}\n"
    return done.returncode, done.stdout


def accepts(ring, binaries, source, *options):
    with subprocess.Popen(source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writer:
        done = subprocess.run([binaries / ring.replay, ring.projected, *options],
                              stdin=writer.stdout, check=False)
        writer.stdout.close()
    return done.returncode == 0 and writer.returncode == 0


def traces(binaries):
    count = 10_000 * TIMES
    return 0 if all([accepts(ring, binaries, [binaries / ring.trace("models"), str(count)],
                             "--unused") for ring in RINGS]) else 1


def processes(binaries):
    count = str(500 * TIMES)
    seed = os.environ.get("ANNULUS_SEED") or str(int.from_bytes(os.urandom(4), "big"))
    print(f"again with ANNULUS_SEED={seed}", flush=True)
    sources = [(ring, [binaries / ring.trace("processes"), count, seed])
               for ring in RINGS]
    return 0 if all([accepts(ring, binaries, source) for ring, source in sources]) else 1


def seeded_errors(ring, binaries):
    for number, one in enumerate(mutants.MUTANTS, 1):
        is_found = any(model.startswith(ring.model) for model in one.models)
        if is_found or one.name in IN_ANSWERS[ring.model]:
            yield one.name, [binaries / ring.trace("mutants"), "1000", "--mutant", str(number)]
        # Of real processes, only errors that each life makes: the others are a matter of luck.
        if one.name in IN_PROCESSES[ring.model]:
            yield f"{one.name} (processes)", [binaries / ring.trace("processes_mutants"), "50", "1",
                                              str(number)]


# An access with an order that the protocol has.
ORDERED = re.compile(r"^[PC]\d? \w+ (\w+) (acquire|release) (D|\w+)\d* \d+ \S+ ([\w.]+):(\d+)$")


def weakened_orders(ring, binaries):
    """Each ordered access of the traces, weakened."""
    text = subprocess.run([binaries / ring.trace("models"), "300"], capture_output=True, text=True,
                          check=True).stdout
    skipped = projected_places(ring)
    sites = {}
    for line in text.splitlines():
        found = ORDERED.match(line)
        if found and not skipped(line):
            word = found[3].rstrip("0123456789")
            sites[f"{found[4]}:{found[5]}"] = f"{found[1]} {found[2]} of {word}"
    for site, what in sorted(sites.items()):
        print(f"{site}:")
        yield f"{what} -> relaxed", [binaries / ring.trace("models"), "300", "--weaken", site]


def projected_places(ring):
    patterns = [line.split(":")[0].split() for line in ring.projected.read_text().splitlines()
                if line and line[0] not in "# " and not line.startswith("step ")]

    def is_projected(line):
        role, *words = line.split()[:5]
        event = [role[0], *words] if len(words) == 4 else []
        return any(all(p in ("*", e) for p, e in zip(pattern, event if len(pattern) == 5 else
                                                     event[:3] + event[4:])) and event
                   for pattern in patterns)
    return is_projected


def changed_answers(lines):
    """Traces in which one answer is another: `closed` too early, or not where it is due."""
    other = {"empty": "closed", "closed": "empty"}
    for answer, instead in other.items():
        at = next(i for i, line in enumerate(lines) if line.startswith(f"C answers {answer} "))
        changed = lines[at].replace(answer, instead, 1)
        yield f"{answer} -> {instead}", lines[:at] + [changed] + lines[at + 1:]


def changed_traces(ring, source):
    """A trace with one word changed, a value, location, order or store; or with a line less."""
    text = subprocess.run(source, capture_output=True, text=True, check=True).stdout
    lines = text.splitlines()
    yield from changed_answers(lines)
    skipped = projected_places(ring)
    seen = set()
    for at, line in enumerate(lines):
        words = line.split()
        if len(words) < 8 or words[4] in "-?" or words[6] == "maybe" or skipped(line):
            continue
        kind = (words[0][0], words[1], words[2], words[4][0])
        if kind in seen:
            continue
        seen.add(kind)
        value = words[:]
        value[5] = str(int(words[5]) ^ (1 if words[4][0] == "O" else 1 << 5))
        place = words[:]
        place[4] = "D" + str(int(words[4][1:]) ^ 1) if words[4][0] == "D" else "D9"
        changes = {"value": value, "location": place}
        if words[3] != "-" and f"{words[2]} {words[3]} of {words[4]} -> relaxed" not in UNSEEN:
            order = words[:]
            order[3] = {"relaxed": "seq_cst", "acquire": "relaxed", "release": "relaxed"}[words[3]]
            changes["order"] = order
        if words[6].isdigit():
            store = words[:]
            store[6] = str(int(words[6]) + 40)
            changes["store"] = store
        for what, new in changes.items():
            yield f"{' '.join(kind)}: another {what}", lines[:at] + [" ".join(new)] + lines[at + 1:]
        # A load that is left out is a trace of the protocol where nothing follows from it.
        if words[1] in ("store", "put", "exchange"):
            yield f"{' '.join(kind)}: left out", lines[:at] + lines[at + 1:]


def moved(line):
    """The same access of another word of the data."""
    words = line.split()
    words[4] = "D" + str(int(words[4][1:]) ^ 1)
    return " ".join(words)


def checked_record(lines):
    """Where the consumer checks a record of two words or more, which it outlives: the lines of its
    payload and of its checksum. Producers read payload for a checksum alone, so they tell where."""
    summed = {line.split()[-1] for line in lines if re.match(r"P\d? get ", line)}
    own = [at for at, line in enumerate(lines) if line.startswith("C ")]
    for first, at in enumerate(own):
        if not re.match(r"C load publish acquire D", lines[at]):
            continue
        run = list(itertools.takewhile(lambda i: lines[i].startswith("C get "), own[first + 1:]))
        payload = [i for i in run if lines[i].split()[-1] in summed]
        if len(payload) < 2:
            continue
        around = run.index(payload[0]) - 1, run.index(payload[-1]) + 1
        checksum = run[around[0] if around[0] == 0 else around[1]]
        later = itertools.takewhile(lambda i: lines[i] != "C dies", own[first + 1:])
        if any(lines[i].startswith("C load publish") for i in later):
            return payload, checksum
    return None


def changed_checks(ring, binaries):
    """Traces in which the consumer delivers a record without looking at all of its checksum."""
    text = subprocess.run([binaries / ring.trace("models"), "300"], capture_output=True, text=True,
                          check=True).stdout
    for one in text.split("ring ")[1:]:
        lines = ("ring " + one).splitlines()
        if lines[0].split()[5] != "0" and (found := checked_record(lines)):
            break
    payload, checksum = found

    def change(left_out=(), another=None):
        return [moved(line) if at == another else line for at, line in enumerate(lines)
                if at not in left_out]
    yield "delivered unchecked", change(left_out=[*payload, checksum])
    yield "delivered without a look at its checksum", change(left_out=[checksum])
    yield "delivered with a word unchecked", change(left_out=[payload[0]])
    yield "another word taken for the checksum", change(another=checksum)
    yield "another word checked", change(another=payload[0])


def changed_pieces(ring, source):
    """Traces in which a claim splits wrongly: the header of a piece behind the first is left out or
    is stored after that of the first."""
    lines = subprocess.run(source, capture_output=True, text=True, check=True).stdout.splitlines()
    for state, name in ((2, "a follower's"), (3, "a filler's")):
        def is_piece(line, state=state):
            words = line.split()
            return (words[1:4] == ["store", "publish", "relaxed"] and words[4][0] == "D"
                    and int(words[5]) % 4 == state)
        at = next(at for at, line in enumerate(lines) if is_piece(line))
        role = lines[at].split()[0]
        first = next(i for i in range(at + 1, len(lines))
                     if lines[i].startswith(f"{role} store publish release D"))
        yield f"{name} header: left out", lines[:at] + lines[at + 1:]
        yield (f"{name} header: behind the first", lines[:at] + lines[at + 1:first + 1] +
               [lines[at]] + lines[first + 1:])


def canaries(binaries):
    missed, found = [], 0
    for ring in RINGS:
        errors = [*seeded_errors(ring, binaries), *weakened_orders(ring, binaries)]
        if sum("(processes)" in name for name, _ in errors) != len(IN_PROCESSES[ring.model]):
            missed.append("no error is seeded into processes")
        if not {*IN_ANSWERS[ring.model]} <= {name for name, _ in errors}:
            missed.append("no error is seeded into answers")
        for name, source in errors:
            status, said = replay(ring, binaries, source)
            if (status == 1 and "REJECTED" in said) == (name in UNSEEN):
                missed.append(f"{ring.model}: {name}")
            elif name not in UNSEEN:
                found += 1
                print(f"{name}\n    {(said.splitlines()[-2:] or [said])[0]}")
        changed_found, changed_missed = changed_canaries(ring, binaries)
        found += changed_found
        missed += changed_missed
    for name in missed:
        print(f"MISSED: {name}")
    print(f"{found} seeded errors rejected, {len(missed)} missed")
    return 1 if missed or found < 190 else 0


def changed_canaries(ring, binaries):
    found, missed = 0, []
    # Under Relacy the store that was read is known. In a process's trace another value may have
    # been read as well, so a changed one may be a run too.
    changed = itertools.chain(changed_traces(ring, [binaries / ring.trace("models"), "50"]),
                              changed_checks(ring, binaries),
                              changed_pieces(ring, [binaries / ring.trace("models"), "300"])
                              if ring.model == "mpsc" else ())
    for name, lines in changed:
        done = subprocess.run([binaries / ring.replay, ring.projected],
                              input="\n".join(lines) + "\n", capture_output=True, text=True,
                              check=False)
        if done.returncode == 1 and "REJECTED" in done.stdout:
            found += 1
        else:
            missed.append(f"a changed trace: {name}: {done.stdout}{done.stderr}")
    return found, missed


DAMAGE = Ring("_damage", "damage")
# The consumer's own two words: stored only where they differ, in Damage.v always.
MENDED = re.compile(r"C store \S+ \S+ (RP|FR) ")


def changed_calls(text):
    """Traces of damage with one access of another word, left out, or before the one ahead of it:
    of each place in the source."""
    skipped = projected_places(DAMAGE)
    seen = set()
    for lines in (("ring " + one).splitlines() for one in text.split("ring ")[1:]):
        for at, line in enumerate(lines):
            words, ahead = line.split(), lines[at - 1].split()
            if len(words) != 8 or words[4] == "?" or words[-1] in seen or skipped(line):
                continue
            own = ["P", "get"]  # for its checksum: Damage.v leaves it out
            if words[:2] == own:
                continue
            place = words[-1]
            seen.add(place)
            other = [*words[:4], "AN" if words[4][0] == "D" else "D9", *words[5:]]
            yield f"{place}: another word", [*lines[:at], " ".join(other), *lines[at + 1:]]
            if not MENDED.match(line):
                yield f"{place}: left out", lines[:at] + lines[at + 1:]
            is_ordered = words[1] != "get" and len(ahead) == 8 and not skipped(lines[at - 1])
            if is_ordered and ahead[:2] != own and ahead[4] != words[4]:
                yield f"{place}: too early", [*lines[:at - 1], line, lines[at - 1], *lines[at + 1:]]


def damage(binaries):
    seed = os.environ.get("ANNULUS_SEED") or str(int.from_bytes(os.urandom(4), "big"))
    print(f"again with ANNULUS_SEED={seed}", flush=True)
    source = [binaries / "trace_damage", str(20_000 * TIMES), seed]
    if not accepts(DAMAGE, binaries, source, "--unused"):
        return 1
    found, missed = 0, []
    for number, one in enumerate(mutants.MUTANTS, 1):
        is_ours = "damage flip" in one.models or one.name == "a new producer reads payload"
        if is_ours and all(file.startswith("spsc") for file, _, _ in one.edits):
            status, said = replay(DAMAGE, binaries, [binaries / "trace_damage_mutants", "2000", "1",
                                                     str(number)])
            found += 1
            if status != 1 or "REJECTED" not in said:
                missed.append(one.name)
    text = subprocess.run([binaries / "trace_damage", "300", "1"], capture_output=True, text=True,
                          check=True).stdout
    for name, lines in changed_calls(text):
        done = subprocess.run([binaries / DAMAGE.replay, DAMAGE.projected], text=True,
                              input="\n".join(lines) + "\n", capture_output=True, check=False)
        found += 1
        if done.returncode != 1 or "REJECTED" not in done.stdout:
            missed.append(f"a changed trace: {name}")
    for name in missed:
        print(f"MISSED: {name}")
    print(f"{found - len(missed)} seeded errors rejected, {len(missed)} missed")
    return 1 if missed or found < 60 else 0


PREFIXES = ("", "Many.")


def steps_in_coq(binaries, ring, prefix, *weakened):
    said = subprocess.run([binaries / ring.replay, "--steps", *weakened], capture_output=True,
                          text=True, check=True).stdout
    return table.steps_of(said, prefix)


def sites(binaries):
    root = HERE.parent.parent
    coq = {}
    for ring, prefix in zip(RINGS, PREFIXES):
        coq |= steps_in_coq(binaries, ring, prefix)
    wrong, count = table.compare(coq, root)
    print("\n".join(wrong))
    if wrong:
        return 1
    missed = 0
    # An order changed in Coq alone, at each step; an order changed in the C++ alone, at each site.
    for step, accesses in coq.items():
        other = [re.sub(r"(?<= )\w+$", "seq_cst", access) for access in accesses]
        changed = {**coq, step: other}
        if step not in table.PLAIN and len(table.compare(changed, root)[0]) <= len(wrong):
            missed += 1
            print(f"MISSED: {step} with another order")
    source, _ = table.in_source(root)
    for site in source:
        changed = source.copy()
        changed[site] -= 1
        changed[site.rsplit(" ", 1)[0] + " seq_cst"] += 1
        if len(table.compare(coq, root, changed)[0]) <= len(wrong):
            missed += 1
            print(f"MISSED: {site} with another order")
    print(f"{count} accesses compared, {len(wrong)} complaints, {missed} changed orders missed")
    return 1 if wrong or missed or count < 50 else 0


def necessity(binaries):
    orders, theorems = need.needed()
    carried = {}
    for ring, prefix in zip(RINGS, PREFIXES):
        coq = steps_in_coq(binaries, ring, prefix)
        for name in orders:
            if found := re.fullmatch(rf"{prefix}(\w+_(?:store|load))", name):
                weaker = steps_in_coq(binaries, ring, prefix, found[1])
                carried[name] = {step for step in coq if coq[step] != weaker[step]}
    sides = (orders, theorems, need.accesses(carried), need.mutants(), *need.explained())
    wrong = need.compare(*sides)
    print(*wrong, sep="\n")
    if wrong:
        return 1
    missed = list(need.missed(*sides))
    print(*(f"MISSED: {what}" for what in missed), sep="\n")
    print(f"{len(theorems)} theorems and {len(sides[3])} mutants compared, {len(missed)} missed")
    return 1 if missed or len(theorems) < 25 else 0


# What the layout rests on in the C++, and another value for each: it must not pass as Coq's.
CONSTANTS = (
    ("record.hpp", "header_bytes = 8", "header_bytes = 16"),
    ("record.hpp", "record_align = 8", "record_align = 16"),
    ("record.hpp", "crc_bytes = 4", "crc_bytes = 12"),
    ("record.hpp", "busy = 1, committed = 2, aborted = 3", "busy = 1, committed = 3, aborted = 2"),
    ("record.hpp", "busy = 1, committed = 2, aborted = 3", "busy = 3, committed = 2, aborted = 1"),
    ("record.hpp", "check_shift = 42", "check_shift = 43"),
    ("record.hpp", "return bytes << 2", "return bytes << 3"),
    ("record.hpp", "multiplier = golden_ratio", "multiplier = golden_ratio + 2"),
    ("record.hpp", "((pos ^ key) + body)", "((pos + key) ^ body)"),
    ("record.hpp", "mismatch(pos, key) < producers", "mismatch(pos, key) <= producers"),
    ("record.hpp", "return record_bytes(rest, 0)", "return record_bytes(rest, crc_bytes)"),
    ("memory.hpp", "pos & (geometry.capacity - record", "pos & (geometry.capacity / 2 - record"),
    ("memory.hpp", "data.payload(index_of(pos) + header_bytes", "data.payload(index_of(pos)"),
    ("memory.hpp", "aborted(all - header_bytes", "aborted(all"),
    ("memory.hpp", "busy(all - header_bytes", "busy(all"),
    ("geometry.cpp", "shape.capacity + extension", "shape.capacity"),
)


def changed_constant(binaries, scratch, number):
    """Whether the samples of a C++ with that other value are refused; a complaint if not."""
    file, old, new = CONSTANTS[number]
    root = HERE.parent.parent
    folder = scratch / str(number)
    shutil.copytree(root / "ring", folder / "annulus" / "ring")
    (folder / "annulus" / "channel").symlink_to(root / "channel")
    path = folder / "annulus" / "ring" / file
    text = path.read_text()
    if text.count(old) != 1:
        return f"{file} has no single '{old}'"
    path.write_text(text.replace(old, new))
    sources = [HERE / "layout.cpp", *([path] if path.suffix == ".cpp" else [])]
    libraries = [binaries.parent.parent / room / f"libannulus_{room}.a"
                 for room in ("ring", "channel")]
    program = folder / "samples"
    built = subprocess.run([os.environ.get("CXX", "c++"), "-std=c++20", "-w", f"-I{folder}",
                            *sources, *libraries, "-o", program],
                           capture_output=True, text=True, check=False)
    if built.returncode:  # a static_assert is as good
        return "" if "static assertion failed" in built.stderr else built.stderr
    samples = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    told = subprocess.run([binaries / "layout"], input=samples, text=True, capture_output=True,
                          check=False)
    return "" if told.returncode and "not as in Coq: " in told.stdout else f"{file}: {new}"


def layout(binaries):
    samples = subprocess.run([binaries / "layout_samples"], capture_output=True, text=True,
                             check=True).stdout
    done = subprocess.run([binaries / "layout"], input=samples, text=True, check=False)
    missed = []
    kinds = {line.split()[0] for line in samples.splitlines()}
    for kind in sorted(kinds - {"room"}):
        lines = samples.splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith(kind))
        words = lines[at].split()
        words[-1] = str(int(words[-1]) ^ 8)
        lines[at] = " ".join(words)
        told = subprocess.run([binaries / "layout"], input="\n".join(lines) + "\n", text=True,
                              capture_output=True, check=False)
        if told.returncode == 0 or lines[at] not in told.stdout:
            missed.append(f"a changed sample of {kind}")
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(2) as pool:
        missed += filter(None, pool.map(lambda n: changed_constant(binaries, Path(scratch), n),
                                        range(len(CONSTANTS))))
    for what in missed:
        print(f"MISSED: {what}")
    print(f"{len(kinds)} kinds of samples, {len(CONSTANTS)} other values in the C++ refused")
    return 1 if done.returncode or missed else 0


def main():
    part, binaries = sys.argv[1], Path(sys.argv[2]).resolve()
    parts = {"traces": traces, "processes": processes, "canaries": canaries, "sites": sites,
             "necessity": necessity, "layout": layout, "damage": damage}
    return parts[part](binaries)


if __name__ == "__main__":
    sys.exit(main())
