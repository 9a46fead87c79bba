#!/usr/bin/env python3
"""Holds the machine code of the ring to its memory orders.   machine_code.py ROOT TARGET OBJECT

OBJECT is tests/machine_code.cpp, compiled for TARGET with the binutils' `-g`. SITES says which
order each access to a shared word has. It is written down a second time, by hand, so that a change
of the source alone turns this test red. For each site the instructions that the compiler made of it
are found by their line, inlined frames included, and must be those of the order: none weaker, none
stronger, and no instruction that orders memory may stand anywhere else.

x86-64 shows no difference between relaxed, acquire and release: there the test shows only that
nothing stronger was made. ARM64 shows none between those two and a sequentially consistent order:
there the test shows that nothing weaker was made, and no fence.
"""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import tidy

# File: edge, call and order of each access, from the top to the bottom.
SITES = """\
channel/interrupt_word.hpp:
    interrupt exchange release
    hint load relaxed
    interrupt exchange acquire
channel/roster.hpp:
    hint load relaxed
    roll compare_exchange acquire
    own store relaxed
    own store relaxed
    own store relaxed
    own store relaxed
    own load relaxed
    roll store release
    roll fetch_add release
    roll load acquire
    hint load relaxed
    roll load acquire
    roll load acquire
    hint load relaxed
    hint load relaxed
ring/atomics.hpp:
    hint load acquire
ring/bell.hpp:
    bell compare_exchange relaxed
    bell load relaxed
    bell load relaxed
    bell load relaxed
    bell store relaxed
ring/memory.hpp:
    claim load acquire
    free load relaxed
    own load relaxed
    own store relaxed
ring/mpsc.hpp:
    publish store relaxed
    hint load relaxed
    idle store release
    claim compare_exchange release
    stamp store relaxed
    publish store relaxed
    publish store release
    idle store release
    free load acquire
    hint load relaxed
    publish load acquire
ring/mpsc_recovery.hpp:
    claim load acquire
    idle load acquire
    publish load relaxed
ring/mpsc_release.hpp:
    redo store relaxed
    hint load relaxed
    own load relaxed
    own load relaxed
    redo store relaxed
    redo store relaxed
    own store relaxed
    free store release
ring/mpsc_room.hpp:
    free load acquire
    free load acquire
    hint load relaxed
ring/recovery.hpp:
    own load relaxed
    own load relaxed
    own store relaxed
    own load relaxed
    free store release
ring/spsc.hpp:
    publish store relaxed
    publish store relaxed
    publish store release
    extent store release
    free load acquire
    publish load acquire
    own store relaxed
    extent load acquire
    publish load acquire
    free store release
ring/spsc_recovery.hpp:
    own load relaxed
    own load relaxed
    own load relaxed
    own load relaxed
    hint load relaxed
    free load acquire
    hint load relaxed
    own load relaxed
    publish store relaxed
    extent store release
    own load relaxed
    own load relaxed
    hint store relaxed
    extent store release
    hint load relaxed
    publish load acquire
    publish load acquire
"""

# What an instruction does to the order of memory: the first pattern that fits; "": nothing.
INSTRUCTIONS = {
    "aarch64": [("ldaxr|ldar|ldapr", "acquire"), ("stlxr|stlr", "release"), ("dmb|dsb", "fence"),
                (r"(cas|swp|ldadd|ldset|ldclr|ldeor)\w*", "atomic")],
    "riscv64": [(r"fence\s+iorw,ow", "release"), (r"fence\s+w,unknown", ""),  # pause
                ("fence", "fence"), (r"(amo\w+|lr|sc)\.[dw]\.(aq|rl)\w*", "atomic")],
    "x86_64": [(r"lock or\w*\s+\$0x0,(0x0)?\(%rsp\)|mfence", "fence"),
               (r"lock\s.*|xchg\s.*\(.*|lfence|sfence", "atomic")],
}


def expected(target, call, order):
    """What an access is made of."""
    changes = call not in ("load", "store")
    if order == "fence":
        return "fence"
    if target == "x86_64":
        return "atomic" if changes else ""
    if order == "relaxed" or target == "aarch64":
        return "" if order == "relaxed" else order
    # RISC-V by gcc 12: its only acquire is a full fence, or the bit of an instruction that reads
    # and writes; channel/word.hpp has the fence of compare_exchange.
    if order == "acquire":
        return "atomic" if changes else "fence"
    return "fence" if call == "compare_exchange" else "release"


def run(*words, given=None):
    return subprocess.run(words, input=given, check=True, capture_output=True, text=True).stdout


def ordering_instructions(target, binary):
    """address -> what it does, of every instruction that orders memory."""
    found = {}
    for line in run(f"{target}-linux-gnu-objdump", "-d", "--no-show-raw-insn", binary).split("\n"):
        match = re.match(r"\s+([0-9a-f]+):\s+(.*)", line)
        if not match:
            continue
        for pattern, does in INSTRUCTIONS[target]:
            if re.match(rf"(?:{pattern})(?![\w.])", match[2]):
                if does:
                    found[match[1]] = does
                break
    return found


def frames(target, binary, addresses):
    """address -> (file, line) of it and of the calls that were inlined around it, inside first."""
    text = run(f"{target}-linux-gnu-addr2line", "-a", "-i", "-e", binary,
               given="\n".join(addresses))
    around, at = defaultdict(list), None
    for line in text.split("\n"):
        if line.startswith("0x"):
            at = f"{int(line, 16):x}"
        elif ":" in line:
            path, number = line.split(" ")[0].rsplit(":", 1)
            around[at].append((path, int(number) if number.isdigit() else 0))
    return around


def written_down():
    """file -> (edge, call, order) of SITES."""
    table = defaultdict(list)
    for line in SITES.splitlines():
        if line.startswith(" "):
            table[path].append(tuple(line.split()))
        else:
            path = line.rstrip(":")
    return table


def sites(root, faults):
    """(file, first line, last line, what it is, call, order) of each access, by SITES."""
    for name, wanted in written_down().items():
        text = (root / name).read_text()
        code = tidy.blanked(text)
        found = [match for match in tidy.ACCESS.finditer(code) if match["edge"]]
        if [(match["edge"], match["call"]) for match in found] != [row[:2] for row in wanted]:
            faults.append(f"{name}: its accesses are not those of SITES in tests/machine_code.py")
            continue
        for match, (edge, call, order) in zip(found, wanted):
            first = tidy.line_of(text, tidy.statement_start(code, match.start()))
            last = tidy.line_of(text, tidy.closing(code, match.end() - 1))
            yield name, first, last, f"{call}<{edge}>", call, order
        for match in re.finditer(r"std::atomic_thread_fence", code):
            line = tidy.line_of(text, match.start())
            yield name, line, line, "fence", "fence", "fence"


def check(root, target, binary):
    faults = []
    known = list(sites(root, faults))
    made = defaultdict(set)  # site -> what its instructions do
    does = ordering_instructions(target, binary)
    for address, around in frames(target, binary, does).items():
        site = next((one for path, line in around for one in known
                     if path.endswith("/" + one[0]) and one[1] <= line <= one[2]), None)
        if site:
            made[site].add(does[address])
        else:
            faults.append(f"{around[0][0]}:{around[0][1]}: {does[address]}, and no access is there")
    for site in known:
        name, line, _, what, call, order = site
        wanted = {expected(target, call, order)} - {""}
        if made[site] != wanted:
            faults.append(f"{name}:{line}: {what} is {order}: {words(wanted)} is wanted, the "
                          f"machine code has {words(made[site])}")
    return len(known), faults


def words(kinds):
    return " and ".join(sorted(kinds)) or "nothing"


def main(root, target, binary):
    count, faults = check(Path(root), target, binary)
    print("\n".join(faults) or f"{target}: {count} accesses have the instructions of their order")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
