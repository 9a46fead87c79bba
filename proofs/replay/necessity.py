"""Compares what Coq shows to be needed with what the models reject. Run by check.py.

Coq weakens one order, or one fence, of the protocol and shows a run that goes wrong: the theorems
need_*. The models weaken one access of the source, and one of them rejects it: the table in
models/README.md, which a test of its own holds to them. Between the two stand the steps that have
the order, as `replay --steps ORDER` says, and sites.txt.

Told: an order that no theorem weakens; a theorem of whose accesses the models reject none; an
access that they reject and no theorem weakens. necessity.txt has what is called otherwise on the
two sides, and what is of one side by nature, and why.
"""

import re
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
import gates  # noqa: E402
import sites  # noqa: E402

# Files whose theorems weaken the orders that a file declares, and what its steps are called here.
DECLARED = {"Spsc": ("orders", "", ["Necessity"]),
            "Mpsc": ("orders", "Many.", ["MpscWitness", "MpscNeeds"]),
            "Bells": ("fences", "Bells.", ["TheoremsBells"])}


def needed():
    """Each order of each ring and each fence; what theorems need_* weaken, and what else they need.

    A theorem weakens what stands as `false` in its statement; its name decides nothing.
    """
    orders, theorems = [], {}
    judged = list(gates.theorems(HERE.parent))
    for file, (record, prefix, proved) in DECLARED.items():
        text = gates.without_comments((HERE.parent / f"{file}.v").read_text())
        body = re.search(rf"Record {record} := \w+ \{{(.*?)\}}", text, re.S)[1]
        fields = [prefix + name for part in body.split(";")
                  for name in part.split(":")[0].replace(",", " ").split()]
        orders += fields
        for within, name in judged:
            if within in proved and name.startswith("need_"):
                stated = re.search(rf"Theorem {name}\s*:(.*?)\.\s*(?:Proof|$)",
                                   (HERE.parent / f"{within}.v").read_text(), re.S)[1]
                values = re.search(r"(?:Orders|Fences)((?: (?:true|false))+)", stated)
                weakened = [f for f, v in zip(fields, values[1].split()) if v == "false"] \
                    if values else []
                theorems[name] = weakened[0] if len(weakened) == 1 else ""
    return orders, theorems


def accesses(carried):
    """The accesses that make the steps with each order, as the models name their mutants."""
    rows, _ = sites.in_table()
    seen, of_step = Counter(), {}
    for site, steps in rows:
        where, what = site.split(": ")
        name = f"{where.split('/')[1]}: {' '.join(what.split()[:3])}"
        seen[name] += 1
        number = f" #{seen[name]}" if seen[name] > 1 else ""
        for step in steps:
            of_step.setdefault(step, set()).add(f"{name}{number} -> relaxed")
    return {order: set().union(*(of_step.get(step, set()) for step in steps))
            for order, steps in carried.items()}


def mutants():
    """The table of the models: who rejects each mutant, or `nobody`."""
    text = (ROOT / "models/README.md").read_text()
    table = text.split("<!-- mutants -->")[1].split("<!-- end -->")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    return {row[0].removeprefix("| "): row[1] for row in rows}


def explained():
    """Which theorem and mutant are the same thing; which mutants only the models have, and why."""
    same, alone = {}, {}
    for line in (HERE / "necessity.txt").read_text().replace("\n ", " ").splitlines():
        if line and not line.startswith("#"):
            left, sign, right = (part.strip() for part in re.split(r" ([=|]) ", line, maxsplit=1))
            (same if sign == "=" else alone)[left] = right
    return same, alone


def compare(orders, theorems, carriers, table, same, alone):
    """Complaints, each with a name."""
    rejected = {name for name, by in table.items() if by != "nobody"}
    wrong = [f"{order}: no theorem need_* weakens it" for order in orders
             if order not in theorems.values()]
    shown = set(same.values())
    for theorem, order in theorems.items():
        if theorem in same:
            if same[theorem] not in rejected:
                wrong.append(f"{theorem}: the models do not reject: {same[theorem]}")
            continue
        of_it = carriers.get(order, set())
        shown |= of_it
        wrong += [f"{theorem}: no mutant of the models: {name}"
                  for name in sorted(of_it - {*table})]
        if not of_it & rejected:
            wrong.append(f"{theorem}: the models reject no access with this order weakened")
    is_order = re.compile(r"(?!logic: ).* -> \w+$")
    wrong += [f"{name}: the models reject it, and no theorem need_* weakens it"
              for name in sorted(rejected - shown - {*alone}) if is_order.match(name)]
    wrong += [f"necessity.txt explains what needs no reason: {name}"
              for name in sorted({*alone} - (rejected - shown))]
    wrong += [f"necessity.txt: no such theorem: {name}" for name in sorted({*same} - {*theorems})]
    return wrong


def without(table, name):
    return {key: value for key, value in table.items() if key != name}


def missed(orders, theorems, carriers, table, same, alone):
    """Canaries: one thing less on either side must be told by its name."""
    for name in theorems:
        found = compare(orders, without(theorems, name), carriers, table, same, alone)
        told = same.get(name) if name in same else theorems[name]
        if not any(told in one or name in one for one in found):
            yield f"{name} is gone"
    for name in orders:
        if name in carriers:
            found = compare(orders, theorems, {**carriers, name: set()}, table, same, alone)
            if not found:
                yield f"no step has {name}"
    for name, by in table.items():
        is_ours = name in same.values() or any(name in of_it for of_it in carriers.values())
        if is_ours and not any(name in one for one in compare(
                orders, theorems, carriers, without(table, name), same, alone)):
            yield f"the mutant is gone: {name}"
    for name in alone:
        if not any(name in one for one in compare(orders, theorems, carriers, table, same,
                                                  without(alone, name))):
            yield f"the reason is gone: {name}"
