#!/usr/bin/env python3
"""Runs the mutants by rule (rules.py) against the models and the tests; survivors make it fail.

  hunt.py BINARIES                 a random sample, as many as the seconds allow (the CI size)
  hunt.py --all BINARIES           every mutant (the nightly size)
  hunt.py --only 'roster.hpp *' BINARIES    those whose names match

First each model and each test runs without a mutant and says which mutants it comes by. Then each
mutant runs against those alone: the models briefly, the tests, and unless it is explained the
models at length. A survivor needs a new test or model, or a reason in survivors.txt. BINARIES is
the build folder of models/.
"""

import argparse
import fnmatch
import hashlib
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import check
import rules

HERE = Path(__file__).parent
ROOT = HERE.parent
# Those that kill most come first.
MODELS = ["spsc deaths", "mpsc deaths", "damage flip", "spsc ways", "mpsc ways", "mpsc slow",
          "waiting_spsc blocked", "waiting_mpsc blocked", "attach turns", "counters spsc",
          "counters mpsc", "spsc lines", "spsc steps", "mpsc lines", "spsc checksums",
          "mpsc checksums",
          "spsc messages", "mpsc messages", "mpsc hoard", "waiting_spsc leaves",
          "waiting_mpsc leaves", "waiting_mpsc ends", "waiting_spsc interrupts",
          "waiting_mpsc interrupts", "waiting_spsc deaths", "waiting_mpsc deaths",
          "waiting_mpsc tight", "attach locks", "attach turns_mpsc", "corruption vandal",
          "damage end", "waiting_spsc late", "waiting_mpsc late"]
BRIEF, LONG = 3000, 60000  # executions of a model: at first, and for what nothing else killed
LONGER = {"damage flip": 10}  # so many times as long: what it looks for is rare
MEMORY, LARGEST_FILE = 2 << 30, (1 << 30) + (1 << 24)  # of a process that runs a mutant
# The first must be killed, the second must not.
CANARIES = ["spsc.hpp publish: skipped: write_pos_ = end",
            "atomics.hpp prefetch_for_write: skipped: processor::prefetch_for_write(at(index))"]


def limit():
    """A mutant may ask for anything: it is the first to go when memory is short, too."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    Path("/proc/self/oom_score_adj").write_text("1000")


class Runner:
    """Runs programs with a mutant chosen: in a directory of their own, and not for ever."""

    def __init__(self, binaries, long):
        self.binaries, self.long = binaries, long
        self.reach = {}    # unit -> set of mutants' numbers
        self.seconds = {}  # unit -> what it took without a mutant
        self.left_out = []

    def run(self, command, mutant, seconds, reached=None):
        """What it said and how it ended; None: it was still running."""
        shared = "/dev/shm" if os.path.isdir("/dev/shm") else None
        with tempfile.TemporaryDirectory(prefix="annulus-hunt.", dir=shared) as directory:
            os.chmod(directory, 0o755)
            env = os.environ | {"ANNULUS_MUTANT": str(mutant), "ANNULUS_DIR": directory,
                                "RC_PARAMS": "seed=1", "GTEST_FAIL_FAST": "1"}
            if reached:
                env["ANNULUS_REACHED"] = reached
            with subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, env=env,
                                  stderr=subprocess.STDOUT, text=True, errors="replace",
                                  preexec_fn=limit) as process:
                try:
                    said = process.communicate(timeout=seconds)[0]
                    return said, process.returncode
                except subprocess.TimeoutExpired:
                    return self.end(process), None
                finally:
                    self.kill(process)

    @staticmethod
    def kill(process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def end(self, process):
        self.kill(process)
        return process.communicate()[0]

    def model(self, unit, count):
        program, name = unit.split()
        return [self.binaries / f"model_{program}_rules", "--quiet", "--count", count, name]

    def tests(self, names):
        return [self.binaries / "rules_tests", "--gtest_filter=" + ":".join(names)]

    def survey(self, units):
        """Runs each without a mutant and keeps what it comes by."""
        with tempfile.TemporaryDirectory() as folder:
            marks = Path(folder) / "marks"
            for unit in units:
                marks.write_bytes(bytes(rules.MOST))
                is_model = unit in MODELS
                command = self.model(unit, BRIEF) if is_model else self.tests([unit])
                began = time.monotonic()
                said, status = self.run(command, 0, 60, str(marks))
                if status != 0 and is_model:
                    sys.exit(f"{unit}, without a mutant: ended with {status}\n{said}")
                if status != 0:
                    self.left_out.append(unit)
                    continue
                self.seconds[unit] = time.monotonic() - began
                self.reach[unit] = {n for n, mark in enumerate(marks.read_bytes()) if mark}

    def all_tests(self):
        said, _ = self.run([self.binaries / "rules_tests", "--gtest_list_tests"], 0, 60)
        names, suite = [], ""
        for line in said.splitlines():
            word = line.split("#")[0].rstrip()
            if word.startswith("  "):
                names.append(suite + word.strip())
            elif word.endswith("."):
                suite = word
        return names

    def judge(self, number, is_explained=False):
        """Who killed it, and how; None: nobody."""
        able = [unit for unit, numbers in self.reach.items() if number in numbers]
        models = [unit for unit in able if unit in MODELS]
        tests = sorted((u for u in able if u not in MODELS), key=self.seconds.get)
        quick = [u for u in tests if self.seconds[u] < 0.1]
        return (self.by_model(number, models, BRIEF) or self.by_test(number, quick) or
                self.by_test(number, [u for u in tests if u not in quick]) or
                self.by_model(number, [] if is_explained else models, self.long))

    def by_model(self, number, models, count):
        for unit in models if count else []:
            executions = count if count == BRIEF else count * LONGER.get(unit, 1)
            enough = 5 + 10 * self.seconds[unit] * executions / BRIEF
            said, status = self.run(self.model(unit, executions), number, enough)
            if status == 0:
                continue
            found = check.RESULT.search(said)
            how = found[1].lower() if found and status == 1 else ending(status)
            return unit, how
        return None

    def by_test(self, number, tests):
        if not tests:
            return None
        enough = 5 + 5 * sum(self.seconds[t] for t in tests)
        said, status = self.run(self.tests(tests), number, enough)
        if status == 0:
            return None
        failed = re.search(r"^\[  FAILED  \] ([\w./]+)", said, re.M)
        running = re.findall(r"^\[ RUN      \] ([\w./]+)", said, re.M)
        if failed:
            return failed[1], "failed"
        return running[-1] if running else "rules_tests", ending(status)


def ending(status):
    if status is None:
        return "never ended"
    return f"ended by signal {-status}" if status < 0 else f"ended with {status}"


class Kept:
    """Results of a run that was cut short; a kill holds while the mutant's file is the same."""

    def __init__(self, path, mutants):
        self.path, self.known = path, {}
        text = {f: hashlib.sha256((ROOT / f).read_bytes()).hexdigest()[:16] for f in rules.FILES}
        self.of = {m.name: text[m.file] for m in mutants}
        if path and path.exists():
            for line in path.read_text().splitlines():
                one = json.loads(line)
                if one["by"] and self.of.get(one["name"]) == one["file"]:
                    self.known[one["name"]] = (one["by"], one["how"])

    def add(self, name, kill):
        if self.path:
            by, how = kill or (None, None)
            one = {"file": self.of[name], "name": name, "by": by, "how": how}
            with self.path.open("a") as file:
                file.write(json.dumps(one) + "\n")


def reasons_of(names):
    """The reason of each explained mutant, and the patterns that name none."""
    reasons, idle = {}, []
    for pattern, reason in check.explained(HERE / "survivors.txt").items():
        is_pattern = pattern.endswith("*")
        matching = [n for n in names if n == pattern or
                    (is_pattern and n.startswith(pattern[:-1]))]
        if not matching:
            idle.append(pattern)
        reasons.update({n: reason for n in matching})
    return reasons, idle


def hunt(runner, todo, kept, reasons, options):
    """[(name, kill)], as far as the seconds reach."""
    until = time.monotonic() + options.seconds if options.seconds else None
    count = Counter()

    def one(task):
        number, name = task
        if name in kept.known:
            return name, kept.known[name]
        if until and time.monotonic() > until:
            return name, "no time"
        kill = runner.judge(number, name in reasons)
        kept.add(name, kill)
        return name, kill

    results = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for name, kill in pool.map(one, todo):
            count["left" if kill == "no time" else "killed" if kill else "survived"] += 1
            if kill != "no time":
                results.append((name, kill))
            tell(len(results), len(todo), count)
    return results


def tell(done, of, count):
    line = f"{done} of {of}: {count['killed']} killed, {count['survived']} survived"
    if sys.stderr.isatty():
        print(f"\r{line}", end="\n" if done == of else "", file=sys.stderr, flush=True)
    elif done % 50 == 0 or done == of:
        print(line, file=sys.stderr, flush=True)


def table(results, reasons):
    rows = {}
    for name, kill in results:
        row = rows.setdefault(name.split()[0], Counter())
        row["mutants"] += 1
        what = ("explained" if name in reasons else "SURVIVED") if not kill else \
               ("models" if kill[0] in MODELS else "tests")
        row[what] += 1
    rows["all"] = sum(rows.values(), Counter())
    columns = ["mutants", "models", "tests", "explained", "SURVIVED"]
    print(f"{'':14}" + "".join(f"{c:>10}" for c in columns))
    for name, row in rows.items():
        print(f"{name:14}" + "".join(f"{row[c]:>10}" for c in columns))


def canaries(runner, numbers):
    killed, equivalent = (runner.judge(numbers[name]) for name in CANARIES)
    if not killed or equivalent:
        sys.exit("The canaries say that this run sees nothing, or too much: "
                 f"{CANARIES[0]} killed by {killed}, {CANARIES[1]} by {equivalent}")


def report(results, reasons, path, reached):
    survivors = [name for name, kill in results if not kill and name not in reasons]
    for name in survivors:
        print(f"SURVIVED: {name}" + ("" if name in reached else " (and was never reached)"))
    for name, kill in results:
        if kill and name in reasons:
            print(f"explained, yet killed by {kill[0]} ({kill[1]}): {name}")
    table(results, reasons)
    if path:
        path.write_text(json.dumps([
            {"name": name, "by": kill[0] if kill else None, "how": kill[1] if kill else None,
             "reason": None if kill else reasons.get(name)} for name, kill in results], indent=1))
    return survivors


def read_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN")
    parser.add_argument("--seconds", type=float, help="stop after so long (the sample: 60)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--long", type=int, default=LONG, metavar="EXECUTIONS",
                        help="of each model, for what nothing else killed; 0: none")
    parser.add_argument("--keep", type=Path, help="a file of results, to go on from")
    parser.add_argument("--json", type=Path, help="write the results here as well")
    options = parser.parse_args()
    options.all |= bool(options.only)
    if not options.all and options.seconds is None:
        options.seconds = 60
    return options


def main():
    options = read_options()
    mutants = rules.derive(ROOT)
    names = [m.name for m in mutants]
    reasons, idle = reasons_of(names)
    for pattern in idle:
        print(f"survivors.txt explains what is no mutant: {pattern}")
    todo = list(enumerate(names, 1))
    if options.only:
        todo = [t for t in todo if any(fnmatch.fnmatchcase(t[1], p) for p in options.only)]
    if not options.all:
        print(f"a sample of {len(todo)} mutants, --seed {options.seed}", flush=True)
        random.Random(options.seed).shuffle(todo)
    runner = Runner(options.binaries.resolve(), options.long)
    runner.survey(MODELS + runner.all_tests())
    for unit in runner.left_out:
        print(f"left out, since it fails within {MEMORY >> 30} GiB: {unit}")
    canaries(runner, {name: n for n, name in enumerate(names, 1)})
    reached = {names[n - 1] for marks in runner.reach.values() for n in marks}
    results = hunt(runner, todo, Kept(options.keep, mutants), reasons, options)
    survivors = report(results, reasons, options.json, reached)
    return 1 if survivors or idle else 0


if __name__ == "__main__":
    sys.exit(main())
