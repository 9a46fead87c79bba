#!/usr/bin/env python3
"""Runs a fuzz target for its time.   run.py --program P --seeds D --work D NAME [--canary]

ANNULUS_FUZZ     the time: ci (10 s), nightly (20 min) or a number of seconds
ANNULUS_SEED     the seed. Without it, ci begins with 1, so that a change is not blamed for an old
                 fault; any other run begins with a new one, and prints it
--canary         an error is planted in the target, and must be found within a minute
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.resolve().parent / "tests"))
from own_directory import own_directory  # noqa: E402
TIMES = {"ci": 10, "nightly": 1200}
CANARY_SECONDS = 60


def seconds_asked(asked):
    return TIMES[asked] if asked in TIMES else int(asked)


def seed_of(asked):
    return int(os.environ.get("ANNULUS_SEED", 1 if asked == "ci" else random.randrange(1, 1 << 31)))


def command(args, seed, seconds, work):
    found = [work / "corpus"]
    found += [d for d in (HERE / "corpus" / args.name, Path(args.seeds) / args.name) if d.is_dir()]
    out = [args.program, f"-seed={seed}", f"-max_total_time={seconds}", "-timeout=20",
           "-rss_limit_mb=3000", "-max_len=8192", "-print_final_stats=1", "-verbosity=1",
           f"-artifact_prefix={work}/"]
    words = HERE / f"{args.name}.dict"
    return out + ([f"-dict={words}"] if words.exists() else []) + [str(d) for d in found]


def run(line, world):
    """Runs it in a folder of its own, which goes with all that was made there."""
    folder = own_directory("annulus-fuzz-")
    return subprocess.run(line, env=dict(world, ANNULUS_FUZZ_FOLDER=folder, ANNULUS_DIR=folder),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, errors="replace")


def figure(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def main():
    parser = argparse.ArgumentParser()
    for name in ("--program", "--seeds", "--work"):
        parser.add_argument(name, required=True)
    parser.add_argument("--canary", action="store_true")
    parser.add_argument("name")
    args = parser.parse_args()

    asked = os.environ.get("ANNULUS_FUZZ", "ci")
    seconds = CANARY_SECONDS if args.canary else seconds_asked(asked)
    seed = seed_of(asked)
    work = Path(args.work) / ("canary" if args.canary else "found") / args.name
    shutil.rmtree(work, ignore_errors=True)
    (work / "corpus").mkdir(parents=True)
    world = dict(os.environ, UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1",
                 ASAN_OPTIONS="detect_stack_use_after_return=0:abort_on_error=0:detect_leaks=1")
    world.setdefault("ASAN_SYMBOLIZER_PATH", "/usr/bin/llvm-symbolizer-19")
    if args.canary:
        world["ANNULUS_FUZZ_CANARY"] = "1"
    began = time.monotonic()
    ran = run(command(args, seed, seconds, work), world)
    took = max(time.monotonic() - began, 0.001)

    units = figure(r"stat::number_of_executed_units: *(\d+)", ran.stdout)
    units = units or figure(r"(?m)^#(\d+)\t", ran.stdout)
    edges = figure(r"cov: (\d+)", ran.stdout)
    print(f"{args.name}: {units} executions, {units / took:.0f}/s, {edges} edges, "
          f"{took:.1f} s, seed {seed}")
    if args.canary:
        planted = (ran.returncode != 0 and list(work.glob("crash-*")) and
                   "fuzz: the planted error takes place" in ran.stdout)
        print("the planted error was found" if planted else "the planted error was not found")
        if not planted:
            print(ran.stdout[-4000:])
        return 0 if planted else 1
    if ran.returncode != 0:
        print(ran.stdout[-12000:])
        for one in sorted(work.glob("*-*")):
            print(f"to see it again: {args.program} {one}")
    return 1 if ran.returncode != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
