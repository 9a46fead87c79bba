#!/usr/bin/env python3
"""The library with errors planted in it, for chaos to find.   planted.py ROOT TO

Writes a copy of channel/, ring/, pipe/ and bus/ that holds all of them; the environment's
ANNULUS_PLANTED chooses one by its name, or none. Every edit must apply exactly once, or the build
stops. In an edit, IF stands for "this one is chosen". What the models try as well is theirs.
"""

import re
import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "models"))
from mutants import MUTANTS, of_folder  # noqa: E402

FOLDERS = ["channel", "ring", "pipe", "bus"]


def of_models(name):
    edits = next(mutant.edits for mutant in MUTANTS if mutant.name == name)
    return [(of_folder(file), old, new) for file, old, new in edits]


PLANTED = {
    # A consumer that died while it zeroed leaves half a stretch; nobody zeroes it again.
    "no_redo": of_models("a new consumer does not redo"),
    # A new producer goes by the stored end, which lags behind a death between commit and copy.
    "no_walk": of_models("a new producer trusts the copy of write_pos"),
    # The living are taken for dead.
    "locks_read_as_dead": [
        ("channel/lock_witness.cpp",
         "bool lock_witness::is_held(std::uint32_t role) const noexcept {\n",
         "bool lock_witness::is_held(std::uint32_t role) const noexcept {\n"
         "  if (IF) return false;\n")],
    # What was released and still stands in the FIFO is not told to the next consumer.
    "release_not_noted": [
        ("pipe/consumer.cpp", "  if (until < parsed_ || !kept_.empty()) note_released();",
         "  if (!IF && (until < parsed_ || !kept_.empty())) note_released();")],
    # A child of fork() acts in its parent's role.
    "child_acts": [
        ("channel/process.hpp",
         "    return identity_ == identity::own.value.load(std::memory_order_relaxed);",
         "    const auto here = identity::own.value.load(std::memory_order_relaxed);\n"
         "    return identity_ == here || (IF && identity_ != nobody);")],
}

CHOICE = """\
#include "planted.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace annulus {
namespace {
int chosen() {
  const char* name = std::getenv("ANNULUS_PLANTED");
  if (name == nullptr) return 0;
  int number = 0;
  for (const char* one : {%s}) {
    ++number;
    if (std::strcmp(one, name) == 0) return number;
  }
  std::fprintf(stderr, "nothing is planted as '%%s'\\n", name);
  std::exit(2);
}
}  // namespace
const int planted = chosen();
}  // namespace annulus
"""


def main():
    root, target = map(Path, sys.argv[1:])
    for folder in FOLDERS:
        shutil.copytree(root / folder, target / "annulus" / folder,
                        copy_function=shutil.copy)  # as new: what was built of old ones is stale
    for number, (name, edits) in enumerate(PLANTED.items(), 1):
        for file, old, new in edits:
            path = target / "annulus" / file
            text = path.read_text()
            if text.count(old) != 1:
                sys.exit(f"tests/planted.py: '{name}' does not apply to {file}: its text is there "
                         f"{text.count(old)} times. Bring it up to date.\n{old}")
            path.write_text(text.replace(old, re.sub(r"\bIF\b", f"(::annulus::planted == {number})",
                                                     new)))
    (target / "planted.hpp").write_text("#pragma once\nnamespace annulus {\n"
                                        "extern const int planted;\n}\n")
    names = ", ".join(f'"{name}"' for name in PLANTED)
    (target / "planted.cpp").write_text(CHOICE % names)


if __name__ == "__main__":
    main()
