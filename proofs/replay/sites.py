"""Compares the atomic accesses of the C++ with the steps in Coq. Run by check.py; run alone, it
holds the table to the source, which needs no Coq.

sites.txt is the table between the two, one access of the source a line:

    file function: edge access order | steps that make it, or `-` and why none does

Held to the source: each access stands in the table as often as in the code, and nothing else does.
Held to Coq: each step has, of these accesses, the kind and the order that `replay --steps` and
`replay_many --steps` say, and each step that accesses memory is named. So an order that changes on
one side alone is told.
"""

import re
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "tests"))
import tidy  # noqa: E402

TABLE = HERE / "sites.txt"
# What producers and consumers run.
FILES = ["ring/spsc.hpp", "ring/spsc_recovery.hpp", "ring/pace.hpp", "ring/mpsc.hpp",
         "ring/mpsc_recovery.hpp", "ring/mpsc_release.hpp", "ring/mpsc_room.hpp",
         "ring/mpsc_stall.hpp", "ring/recovery.hpp", "ring/memory.hpp", "ring/bell.hpp",
         "ring/role.hpp", "channel/roster.hpp", "channel/counters.hpp"]
CONTROL = re.compile(r"\b(if|for|while|switch|catch)\b[^{]*$")
NAME = re.compile(r"([~\w]+)\s*\(")


def function_around(code, offset):
    """The innermost function whose body holds the offset; lambdas belong to their function."""
    opened = []
    for at, c in enumerate(code[:offset]):
        if c == "{":
            opened.append(at)
        elif c == "}" and opened:
            opened.pop()
    for at in reversed(opened):
        head = re.split(r"[;{}]", code[:at])[-1]
        found = NAME.search(re.sub(r"template\s*<[^()]*>|\[\[.*?\]\]", " ", head))
        if found and not CONTROL.search(head) and "=" not in head.split("(")[0]:
            return found[1]
    return "?"


def in_source(root):
    """Counts the accesses of the source, with a line each."""
    counts, lines = Counter(), {}
    for name in FILES:
        path = root / name
        if not path.exists():
            continue
        text = path.read_text()
        code = tidy.blanked(text)
        for found in tidy.ACCESS.finditer(code):
            inside = code[found.end():tidy.closing(code, found.end() - 1)]
            orders = re.findall(r"memory_order(?:_|::)(\w+)", inside)
            site = (f"{name} {function_around(code, found.start())}: {found['edge']} "
                    f"{found['call']} {' '.join(orders)}")
            counts[site] += 1
            lines[site] = f"{name}:{tidy.line_of(text, found.start())}"
    return counts, lines


def in_table():
    """The table's rows, a site and its steps; complaints about its form."""
    rows, wrong = [], []
    for number, line in enumerate(TABLE.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        site, _, made_by = (part.strip() for part in line.partition("|"))
        if made_by.startswith("- ") and len(made_by) > 4:
            rows.append((site, []))
            continue
        if not made_by or made_by.startswith("-"):
            wrong.append(f"sites.txt:{number}: neither a step nor a reason: {site}")
        rows.append((site, made_by.split()))
    return rows, wrong


KINDS = {"load": "load", "store": "store", "compare_exchange": "exchange",
         "exchange": "exchange", "fetch_add": "exchange"}
# Steps on payload, which is no atomic.
PLAIN = {"Write", "Word", "Again", "Many.Write", "Many.Word", "Many.Rereads",
         "Many.ZeroNext"}
# Steps that a failed exchange makes: its second order.
FAILED = {"Many.Fails": "Many.Exchanges"}


def unlisted(source, lines, rows):
    """Complaints where the table is not as the source."""
    table = Counter(site for site, _ in rows)
    return [f"{lines.get(site, 'sites.txt')}: {site}: {source[site]} in the source, "
            f"{table[site]} in the table" for site in sorted((source - table) | (table - source))]


def compare(coq, root, instead=None):
    """Complaints, and how many accesses were compared. `instead` of the source: for canaries."""
    source, lines = in_source(root)
    source = instead or source
    rows, wrong = in_table()
    wrong += unlisted(source, lines, rows)
    named = set()
    for site, step in ((site, step) for site, steps in rows for step in steps):
        access, *orders = site.split(": ")[1].split()[1:]
        made = [(step, f"{KINDS[access]} {orders[0]}")]
        made += [(failed, f"load {orders[-1]}") for failed, of in FAILED.items() if of == step]
        for one, access in made:
            named.add(one)
            if access not in coq.get(one, ()):
                says = " or ".join(coq.get(one, ["no such step"]))
                wrong.append(f"{lines.get(site, 'sites.txt')}: {site}: in Coq, {one} is: {says}")
    for step in sorted(coq.keys() - named - PLAIN):
        wrong.append(f"Run.v or MpscRun.v: no access of the source makes the step {step}")
    return wrong, sum(source.values())


def steps_of(said, prefix=""):
    """What `--steps` says: each step's accesses."""
    coq = {}
    for line in said.splitlines():
        step, _, access = line.partition(" ")
        coq.setdefault(prefix + step, []).append(access)
    return coq


def main():
    source, lines = in_source(HERE.parent.parent)
    rows, wrong = in_table()
    wrong += unlisted(source, lines, rows)
    print(*wrong, f"{sum(source.values())} accesses, {len(wrong)} complaints", sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
