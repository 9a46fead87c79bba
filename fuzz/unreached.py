#!/usr/bin/env python3
"""Lists the lines that no fuzzer reached; each needs a reason.

   unreached.py LCOV REASONS
   unreached.py --self-test

A line of REASONS is `FILE: PLACE: why`. PLACE is `name()`, all of that function (`a(), b()`: of
each), or else a piece of the text of neighbouring lines that are not reached. `PLACE?` is reached
in some runs and not in others. A line that starts with a blank goes on with the one before.

Refused are a line without a reason, a reason that nothing needs (but for a `PLACE?`), and one whose
place is gone.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("ring", "pipe")


class Source:
    """A file: how often its lines ran, where its functions begin, and its text."""

    def __init__(self, path):
        self.text = path.read_text().splitlines()
        self.counts = {}     # a template's line ran if it did in one of its instances
        self.functions = {}  # line -> the names that begin there, as the compiler has them

    def stretches(self):
        """The lines that did not run: neighbours together, if one function has them."""
        out = []
        for at in sorted(at for at, count in self.counts.items() if count == 0):
            if out and at <= out[-1][-1] + 1 and self.begin_of(at) == self.begin_of(out[-1][-1]):
                out[-1].append(at)
            else:
                out.append([at])
        return out

    def begin_of(self, line):
        return max((at for at in self.functions if at <= line), default=0)

    def has_function(self, name, begin=None):
        called = re.compile(r"(^|[^\w~])" + re.escape(name) + r"(<|\(|\[)")
        return any(called.search(one) for at, names in self.functions.items()
                   if begin in (None, at) for one in names)


class Reason:
    def __init__(self, name, place):
        self.name = name
        self.by_chance = place.endswith("?")
        self.place = place.removesuffix("?")
        self.function = self.place.removesuffix("()") if self.place.endswith("()") else None
        self.used = False

    def __str__(self):
        return f"{self.name}: {self.place}"

    def holds_for(self, source, stretch):
        if self.function:
            return source.has_function(self.function, source.begin_of(stretch[0]))
        return self.place in "\n".join(source.text[at - 1] for at in stretch)

    def is_gone(self, sources):
        source = sources.get(self.name)
        if source is None:
            return True
        if self.function:
            return not source.has_function(self.function)
        return self.place not in "\n".join(source.text)


def plain(names):
    """As people write them."""
    tool = shutil.which("llvm-cxxfilt-19") or shutil.which("c++filt")
    told = subprocess.run([tool], input="\n".join(names), capture_output=True, text=True,
                          check=True)
    return dict(zip(names, told.stdout.splitlines()))


def sources_in(lcov, root=ROOT):
    found, name, mangled = {}, "", set()
    for line in Path(lcov).read_text().splitlines():
        kind, _, value = line.partition(":")
        if kind == "SF":
            path = Path(value).resolve()
            name = path.relative_to(root).as_posix() if path.is_relative_to(root) else ""
            if name.split("/")[0] not in ROOMS:
                name = ""
            elif name not in found:
                found[name] = Source(path)
        elif name and kind == "DA":
            at, count = map(int, value.split(",")[:2])
            found[name].counts[at] = max(count, found[name].counts.get(at, 0))
        elif name and kind == "FN":
            at, function = value.split(",", 1)
            mangled.add(function.split(":")[-1])  # FILE:NAME of what no other file sees
            found[name].functions.setdefault(int(at), set()).add(function.split(":")[-1])
    names = plain(sorted(mangled)) if mangled else {}
    for source in found.values():
        source.functions = {at: {names.get(one, one) for one in all_of_them}
                            for at, all_of_them in source.functions.items()}
    return found


def findings(sources, reasons):
    for name, source in sorted(sources.items()):
        for stretch in source.stretches():
            why = [one for one in reasons if one.name == name and one.holds_for(source, stretch)]
            for one in why:
                one.used = True
            if not why:
                yield (f"{name}:{stretch[0]}: {len(stretch)} lines are not reached, and no reason "
                       f"is given: {source.text[stretch[0] - 1].strip()}")
    for one in reasons:
        if one.is_gone(sources):
            yield f"a reason whose place is gone: {one}"
        elif not one.used and not one.by_chance:
            yield f"a reason that nothing needs: {one}"


def reasons_in(text):
    out = []
    for line in text.replace("\n ", " ").splitlines():
        if not line.strip() or line[0] == "#":
            continue
        name, places, _ = line.split(": ", 2)
        all_of_them = places.split(", ")
        if not all(one.removesuffix("?").endswith("()") for one in all_of_them):
            all_of_them = [places]
        out += [Reason(name, one) for one in all_of_them]
    return out


EXAMPLE = """int both(int a) {
  if (a) return 1;
  return 2;
}
int none() {
  return 3;
}
"""


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / "ring").mkdir()
        (root / "ring/a.hpp").write_text(EXAMPLE)
        lcov = root / "all.lcov"
        lcov.write_text(f"SF:{root}/ring/a.hpp\nFN:1,_Z4bothi\nFN:5,_Z4nonev\n"
                        "DA:1,4\nDA:2,4\nDA:3,0\nDA:5,0\nDA:6,0\nDA:7,0\nend_of_record\n")
        needed = "ring/a.hpp: return 2: said\nring/a.hpp: none(): said\n"
        cases = [
            (needed, None),
            (needed + "ring/a.hpp: both()?: by chance\n", None),
            ("ring/a.hpp: both(),\n none(): said\n", None),
            (needed + "ring/a.hpp: both()?, neither()?: said\n", "gone: ring/a.hpp: neither()"),
            ("ring/a.hpp: none(): said\n", "ring/a.hpp:3: 1 lines are not reached"),
            ("ring/a.hpp: return 2: said\n", "ring/a.hpp:5: 3 lines are not reached"),
            (needed + "ring/a.hpp: return 1: said\n", "nothing needs: ring/a.hpp: return 1"),
            (needed + "ring/a.hpp: non()?: said\n", "gone: ring/a.hpp: non()"),
            (needed + "ring/b.hpp: none()?: said\n", "gone: ring/b.hpp: none()"),
        ]
        faults = 0
        for reasons, told in cases:
            got = list(findings(sources_in(lcov, root), reasons_in(reasons)))
            if not (told in got[0] if told and len(got) == 1 else not told and not got):
                faults += 1
                print(f"{reasons}gives {got}, not {told}")
    print(f"{len(cases)} cases, {faults} wrong")
    return 1 if faults else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    lcov, path = sys.argv[1:]
    sources = sources_in(lcov)
    for name, source in sorted(sources.items()):
        reached = sum(count > 0 for count in source.counts.values())
        print(f"{name}: {reached} of {len(source.counts)} lines")
    found = list(findings(sources, reasons_in(Path(path).read_text())))
    print("\n".join(found))
    print(f"{len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
