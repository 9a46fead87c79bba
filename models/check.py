#!/usr/bin/env python3
"""Judges the models.   check.py coverage|mutants|litmus [--update] BINARIES SITES

coverage  Every site of the ring was executed, saw an old value or lost its exchange where it can,
          and was died at: gaps make it fail, but for those that gaps.txt explains.
mutants   Each order weakened, each fence removed, each logic mutant of mutants.py: some model must
          reject it. Survivors make it fail, but for those that gaps.txt explains. What killed whom
          is held to the table in README.md; --update writes it.
"""

import os
import re
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mutants

HERE = Path(__file__).parent
WEAKER = {"acquire": ["relaxed"], "release": ["relaxed"],
          "acq_rel": ["acquire", "release", "relaxed"], "seq_cst": ["removed"]}
BRIEF = "7000"  # executions of each model, at first
# In the order in which they are tried: who kills fastest comes first.
MODELS = ["mpsc deaths", "mpsc slow", "mpsc ways", "spsc deaths", "spsc ways",
          "waiting_mpsc ends", "waiting_spsc late", "waiting_spsc blocked",
          "waiting_mpsc blocked", "waiting_mpsc deaths", "waiting_spsc interrupts",
          "waiting_spsc deaths", "attach turns", "damage end"]
RESULT = re.compile(r"^\w+: ([\w ]+?)(?: \(|,) ?.*?(\d+) executions", re.M)


class Site:
    """An access of the source: file, function, edge, operation and order name it."""

    def __init__(self, words):
        self.file, self.line = words[:2]
        self.function = words[2].split("<")[0]
        self.edge, self.how, self.order = words[-7:-4]
        self.counts = [int(n) for n in words[-4:]]
        self.number = 1

    @property
    def key(self):
        return self.file, int(self.line), self.how

    @property
    def name(self):
        number = f" #{self.number}" if self.number > 1 else ""
        what = self.how if self.how in ("fence", "bytes", "system") else f"{self.edge} {self.how}"
        order = "" if self.how in ("fence", "bytes", "system") else f" {self.order}"
        return f"{self.file} {self.function}: {what}{order}{number}"


def read_sites(folder):
    """All sites of the ring that the models met, and for each the models that met it."""
    sites, met = {}, defaultdict(set)
    for path in sorted(folder.glob("*.sites")):
        model = path.stem.replace(".", " ")
        for line in path.read_text().splitlines():
            site = Site(line.split())
            if site.file.removesuffix(".hpp") not in MODELLED:
                continue
            met[site.key].add(model)
            if site.key in sites:
                known = sites[site.key]
                known.counts = [a + b for a, b in zip(known.counts, site.counts)]
            else:
                sites[site.key] = site
    named = defaultdict(int)
    for key in sorted(sites):
        name = sites[key].name
        named[name] += 1
        sites[key].number = named[name]
    return [sites[key] for key in sorted(sites)], met


def explained(path=HERE / "gaps.txt"):
    """A name, then why it may stay."""
    text = path.read_text().replace("\n ", " ")
    lines = text.splitlines()
    pairs = [line.split(" | ", 1) for line in lines if line.strip() and not line.startswith("#")]
    return {name.strip(): reason.strip() for name, reason in pairs}


def coverage(folder):
    sites, _ = read_sites(folder)
    reasons, gaps = explained(), []
    declared = accesses_of_source()
    reached = {(s.file, s.edge, s.how) for s in sites}
    for access, count in sorted(declared.items()):
        found = sum((s.file, s.edge, s.how) == access for s in sites)
        if found < count:
            gaps.append((f"{access[0]}: {access[1]} {access[2]}",
                         f"{count} in the source, {found} executed"))
    for site in sites:
        executed, stale, failed, deaths = site.counts
        if site.how == "load" and site.edge != "own" and stale == 0:
            gaps.append((site.name, "never saw an old value"))
        if site.how == "compare_exchange" and failed == 0:
            gaps.append((site.name, "never failed"))
        if deaths == 0:
            gaps.append((site.name, "nobody died here"))
        if executed == 0:
            gaps.append((site.name, "never executed"))
    left = [(name, what) for name, what in gaps if f"{name}: {what}" not in reasons]
    for name, what in left:
        print(f"{name}: {what}")
    unused = {r for r in reasons if not any(r == f"{n}: {w}" for n, w in gaps) and "->" not in r
              and not r.startswith("logic")}
    for reason in sorted(unused):
        print(f"gaps.txt explains what is no gap: {reason}")
    print(f"{len(sites)} sites, {len(reached)} kinds, {len(gaps)} gaps, {len(left)} unexplained")
    return 1 if left or unused else 0


ACCESS = re.compile(r"(?:\.|->)\s*(?:template\s+)?(load|store|exchange|fetch_add|compare_exchange)"
                    r"\s*<\s*(?:Atomics::)?edge::(\w+)\s*>")
MODELLED = ["bell", "counters", "interrupt_word", "memory", "mpsc", "mpsc_recovery",
            "mpsc_release", "mpsc_room", "mpsc_stall", "recovery", "role", "roster", "spsc",
            "spsc_recovery", "tally", "wait"]


def accesses_of_source():
    counts = defaultdict(int)
    for name in MODELLED:
        text = next(file for folder in ("ring", "channel")
                    if (file := HERE.parent / folder / f"{name}.hpp").exists()).read_text()
        text = re.sub(r"//[^\n]*", "", text)
        for how, edge in ACCESS.findall(text):
            counts[f"{name}.hpp", edge, how] += 1
    return counts


def judge(binaries, models, options, is_explained, suffix=""):
    """Each model briefly, then at length: but for one that is explained, unless it is night."""
    brief = [m for m in models if m != "spsc little"]  # which is never brief
    found = first_kill(binaries, brief, [*options, "--count", BRIEF], suffix)
    is_enough = is_explained and os.environ.get("ANNULUS_MODELS") != "nightly"
    return found if found or is_enough else first_kill(binaries, models, options, suffix)


def first_kill(binaries, models, options, suffix):
    """The first model that rejects, with what, and after how many executions."""
    for model in models:
        program, name = model.split()
        run = subprocess.run([binaries / f"model_{program}{suffix}", "--quiet", *options, name],
                             capture_output=True, text=True, check=False)
        found = RESULT.search(run.stdout)
        if run.returncode == 1 and found and found[1] != "passed":
            return model, found[1].lower(), int(found[2])
        if run.returncode not in (0, 1):
            sys.exit(f"{model} {options}: ended with {run.returncode}: {run.stdout}{run.stderr}")
    return None


def tasks(binaries, folder, reasons):
    sites, met = read_sites(folder)
    for site in sites:
        if site.how in ("bytes", "system"):
            continue
        for weaker in WEAKER.get(site.order, []):
            name = f"{site.name} -> {weaker}"
            models = [m for m in MODELS if m in met[site.key]]
            models += sorted(m for m in met[site.key] if m not in MODELS and "switches" not in m)
            to = "relaxed" if weaker == "removed" else weaker
            yield name, lambda m=models, s=site, t=to, n=name: judge(
                binaries, m, ["--weaken", f"{s.file}:{s.line}:{t}"], n in reasons)
    for number, one in enumerate(mutants.MUTANTS, 1):
        name = f"logic: {one.name}"
        yield name, lambda n=number, o=one, is_explained=name in reasons: judge(
            binaries, o.models, ["--mutant", str(n)], is_explained, "_mutants")


def judge_mutants(binaries, folder, update):
    reasons = explained()
    todo = list(tasks(binaries, folder, reasons))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        kills = list(pool.map(lambda task: task[1](), todo))
    rows, survivors = [], []
    for (name, _), kill in zip(todo, kills):
        if kill:
            rows.append((name, *kill))
        elif name in reasons:
            rows.append((name, "nobody", reasons[name], 0))
        else:
            survivors.append(name)
    for name in survivors:
        print(f"SURVIVED: {name}")
    killed = sum(1 for kill in kills if kill)
    print(f"{len(todo)} mutants, {killed} killed, {len(survivors)} survived unexplained")
    drifted = hold_to_readme(rows, update)
    return 1 if survivors or drifted else 0


def hold_to_readme(rows, update):
    """The table in README.md; the counts of executions may differ."""
    path = HERE / "README.md"
    text = path.read_text()
    table = ["| mutant | killed by | result | executions |", "|---|---|---|---|"]
    table += [f"| {n} | {m} | {r} | {c or ''} |" for n, m, r, c in rows]
    start, end = "<!-- mutants -->\n", "<!-- end -->"
    head, rest = text.split(start)
    was, tail = rest.split(end)
    cut = re.compile(r" \|[^|]*\|$", re.M)
    if update:
        path.write_text(head + start + "\n".join(table) + "\n" + end + tail)
        return False
    if cut.sub("", was.strip()) == cut.sub("", "\n".join(table)):
        return False
    print("The table in models/README.md is not what the models say: see --update.")
    for line in sorted(set(table) ^ set(was.strip().splitlines()))[:20]:
        print(line)
    return True


def main():
    what, *rest = sys.argv[1:]
    update = "--update" in rest
    binaries, folder = (Path(p).resolve() for p in rest if p != "--update")
    if what == "coverage":
        return coverage(folder)
    return judge_mutants(binaries, folder, update)


if __name__ == "__main__":
    sys.exit(main())
