#!/usr/bin/env python3
"""Holds the C++ to the protocol that Coq proves safe.   check.py PART BINARIES

traces     traces of the shipped headers are runs of the protocol; all its steps are taken
processes  the same of real processes, killed ones among them
canaries   errors in the C++ and changes in a trace are rejected, and named
sites      the atomic accesses of the C++ are those of the steps in Coq; a changed order is told
layout     samples of the C++'s layout are as Coq computes them; a changed one is told

BINARIES holds replay, layout, layout_samples, and trace_models, trace_mutants, trace_processes,
trace_processes_mutants. CI replays thousands of traces of each kind, ANNULUS_PROOFS=nightly a
hundred times as many.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "models"))
import mutants  # noqa: E402
import sites as table  # noqa: E402

TIMES = 100 if os.environ.get("ANNULUS_PROOFS") == "nightly" else 1
PROJECTED = HERE / "projected.txt"

# Seeded errors that these traces cannot show, and why.
UNSEEN = {
    "a new producer reads payload": "only where payload is checked; no trace has checksums",
    "a closer look tells nothing": "the steps tell at any time or not at all: room comes late, and "
                                   "no message is lost (models/)",
    "a starved consumer tells nothing": "the same",
    "roll acquire of RO -> relaxed": "left open: what a closed producer committed is known by its "
                                     "owner word; waking needs it (models/)",
}


def replay(binaries, source, *options):
    """The replay's exit status and words about the traces that `source` writes.

    A source that dies of a signal is rejected: what it runs went out of bounds before a trace told.
    """
    with subprocess.Popen(source, stdout=subprocess.PIPE) as writer:
        done = subprocess.run([binaries / "replay", PROJECTED, *options], stdin=writer.stdout,
                              stdout=subprocess.PIPE, text=True, check=False)
        writer.stdout.close()
    died = writer.returncode < 0 and writer.returncode != -signal.SIGPIPE
    if died and "REJECTED" not in done.stdout:
        return 1, f"REJECTED: it ended by {signal.Signals(-writer.returncode).name}\n"
    return done.returncode, done.stdout


def traces(binaries):
    count = 10_000 * TIMES
    with subprocess.Popen([binaries / "trace_models", str(count)],
                          stdout=subprocess.PIPE) as writer:
        done = subprocess.run([binaries / "replay", PROJECTED, "--unused"], stdin=writer.stdout,
                              check=False)
        writer.stdout.close()
    return done.returncode or writer.returncode


def processes(binaries):
    count = 500 * TIMES
    seed = os.environ.get("ANNULUS_SEED") or str(int.from_bytes(os.urandom(4), "big"))
    print(f"again with ANNULUS_SEED={seed}", flush=True)
    with subprocess.Popen([binaries / "trace_processes", str(count), seed],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writer:
        done = subprocess.run([binaries / "replay", PROJECTED], stdin=writer.stdout, check=False)
        writer.stdout.close()
    return done.returncode or writer.returncode


def lone_producer(one):
    return any(model.startswith("spsc") for model in one.models)


def seeded_errors(binaries):
    for number, one in enumerate(mutants.MUTANTS, 1):
        if lone_producer(one):
            yield one.name, [binaries / "trace_mutants", "1000", "--mutant", str(number)]
        # Of real processes, only errors that each life makes: the others are a matter of luck.
        if one.name in ("no terminator", "write_pos is copied before the commit"):
            yield f"{one.name} (processes)", [binaries / "trace_processes_mutants", "50", "1",
                                              str(number)]


# An access with an order that the protocol has.
ORDERED = re.compile(r"^[PC] \w+ (\w+) (acquire|release) (D|\w+)\d* \d+ \S+ ([\w.]+):(\d+)$")


def weakened_orders(binaries):
    """Each ordered access of the traces, weakened."""
    text = subprocess.run([binaries / "trace_models", "300"], capture_output=True, text=True,
                          check=True).stdout
    skipped = projected_places()
    sites = {}
    for line in text.splitlines():
        found = ORDERED.match(line)
        if found and not skipped(line):
            word = found[3].rstrip("0123456789")
            sites[f"{found[4]}:{found[5]}"] = f"{found[1]} {found[2]} of {word}"
    for site, what in sorted(sites.items()):
        print(f"{site}:")
        yield f"{what} -> relaxed", [binaries / "trace_models", "300", "--weaken", site]


def projected_places():
    patterns = [line.split(":")[0].split() for line in PROJECTED.read_text().splitlines()
                if line and line[0] not in "# " and not line.startswith("step ")]

    def is_projected(line):
        words = line.split()
        event = [words[0], words[1], words[2], words[4]]
        return any(all(p in ("*", e) for p, e in zip(pattern, event)) for pattern in patterns)
    return is_projected


def changed_traces(source):
    """A trace with one word changed, a value, location, order or store; or with a line less."""
    text = subprocess.run(source, capture_output=True, text=True, check=True).stdout
    lines = text.splitlines()
    skipped = projected_places()
    seen = set()
    for at, line in enumerate(lines):
        words = line.split()
        if len(words) < 8 or words[4] in "-?" or words[6] == "maybe" or skipped(line):
            continue
        kind = (words[0], words[1], words[2], words[4][0])
        if kind in seen:
            continue
        seen.add(kind)
        value = words[:]
        value[5] = str(int(words[5]) ^ (1 if words[4] == "OW" else 1 << 5))
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


def canaries(binaries):
    missed, found = [], 0
    errors = [*seeded_errors(binaries), *weakened_orders(binaries)]
    if not any("(processes)" in name for name, _ in errors):
        missed.append("no error is seeded into processes")
    for name, source in errors:
        status, said = replay(binaries, source)
        if (status == 1 and "REJECTED" in said) == (name in UNSEEN):
            missed.append(name)
        elif name not in UNSEEN:
            found += 1
            print(f"{name}\n    {said.splitlines()[-2] if len(said.splitlines()) > 1 else said}")
    # Under Relacy the store that was read is known. In a process's trace another value may have
    # been read as well, so a changed one may be a run too.
    for name, lines in changed_traces([binaries / "trace_models", "4"]):
        done = subprocess.run([binaries / "replay", PROJECTED], input="\n".join(lines) + "\n",
                              capture_output=True, text=True, check=False)
        if done.returncode == 1 and "REJECTED" in done.stdout:
            found += 1
        else:
            missed.append(f"a changed trace: {name}: {done.stdout}{done.stderr}")
    for name in missed:
        print(f"MISSED: {name}")
    print(f"{found} seeded errors rejected, {len(missed)} missed")
    return 1 if missed or found < 90 else 0


def sites(binaries):
    root = HERE.parent.parent
    said = subprocess.run([binaries / "replay", "--steps"], capture_output=True, text=True,
                          check=True).stdout
    coq = table.steps_of(said)
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


def layout(binaries):
    samples = subprocess.run([binaries / "layout_samples"], capture_output=True, text=True,
                             check=True).stdout
    done = subprocess.run([binaries / "layout"], input=samples, text=True, check=False)
    missed = []
    for kind in ("committed", "read", "record", "index", "before"):
        lines = samples.splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith(kind))
        words = lines[at].split()
        words[-1] = str(int(words[-1]) ^ 8)
        lines[at] = " ".join(words)
        told = subprocess.run([binaries / "layout"], input="\n".join(lines) + "\n", text=True,
                              capture_output=True, check=False)
        if told.returncode == 0 or lines[at] not in told.stdout:
            missed.append(kind)
    for kind in missed:
        print(f"MISSED: a changed sample of {kind}")
    return done.returncode or len(missed)


def main():
    part, binaries = sys.argv[1], Path(sys.argv[2]).resolve()
    parts = {"traces": traces, "processes": processes, "canaries": canaries, "sites": sites,
             "layout": layout}
    return parts[part](binaries)


if __name__ == "__main__":
    sys.exit(main())
