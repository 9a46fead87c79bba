#!/usr/bin/env python3
"""Lists the lines that no fuzzer reached; each needs a reason.   unreached.py LCOV REASONS

A line of REASONS is `FILE: TEXT: why`: TEXT is a piece of the first of the lines that are not
reached, or `*` for all of the file. A reason that nothing needs is told, and harmless.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def unreached(lcov):
    """file -> the numbers of its lines that were not run. A template counts once one of it ran."""
    lines, name = {}, ""
    for line in Path(lcov).read_text().splitlines():
        if line.startswith("SF:"):
            path = Path(line[3:]).resolve()
            name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else ""
        elif line.startswith("DA:") and name.split("/")[0] in ("ring", "pipe"):
            at, count = map(int, line[3:].split(",")[:2])
            of = lines.setdefault(name, {})
            of[at] = max(count, of.get(at, 0))
    for name, of in sorted(lines.items()):
        print(f"{name}: {sum(n > 0 for n in of.values())} of {len(of)} lines")
    return {name: [at for at, n in sorted(of.items()) if n == 0] for name, of in lines.items()}


def stretches(numbers):
    out = []
    for at in numbers:
        if out and at <= out[-1][-1] + 1:
            out[-1].append(at)
        else:
            out.append([at])
    return out


def reasons_in(path):
    out = []
    for line in Path(path).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, text, why = line.split(": ", 2)
            out.append((name, text, why))
    return out


def main():
    lcov, path = sys.argv[1:]
    reasons, used, open_count = reasons_in(path), set(), 0
    for name, numbers in sorted(unreached(lcov).items()):
        text = (ROOT / name).read_text().splitlines()
        for stretch in stretches(numbers):
            body = "\n".join(text[at - 1] for at in stretch)
            why = next((r for r in reasons if r[0] == name and (r[1] == "*" or r[1] in body)), None)
            if why:
                used.add(why)
                continue
            open_count += len(stretch)
            print(f"{name}:{stretch[0]}: not reached, and no reason is given: "
                  f"{text[stretch[0] - 1].strip()}")
    for one in reasons:
        if one not in used:
            print(f"note: a reason that nothing needs: {one[0]}: {one[1]}")
    print(f"{open_count} lines without a reason")
    return 1 if open_count else 0


if __name__ == "__main__":
    sys.exit(main())
