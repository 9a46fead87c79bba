#!/usr/bin/env python3
"""Compares what libannulus.so exports with annulus.h and annulus.map.

   exports.py FOLDER LIBRARY
"""

import re
import subprocess
import sys
from pathlib import Path

folder, library = Path(sys.argv[1]), sys.argv[2]
declared = set(re.findall(r"\b(annulus_\w+)\(", (folder / "annulus.h").read_text()))
mapped = set(re.findall(r"^ +(annulus_\w+);", (folder / "annulus.map").read_text(), re.M))
listed = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", library],
                        capture_output=True, text=True, check=True).stdout
exported = {line.split()[-1] for line in listed.splitlines() if " A " not in line}
wanted = {f"{name}@@ANNULUS_0" for name in declared}
wrong = [f"in annulus.h alone: {sorted(declared - mapped)}"] if declared - mapped else []
wrong += [f"in annulus.map alone: {sorted(mapped - declared)}"] if mapped - declared else []
wrong += [f"not exported: {sorted(wanted - exported)}"] if wanted - exported else []
wrong += [f"exported, and not declared: {sorted(exported - wanted)}"] if exported - wanted else []
print("\n".join(wrong) or f"{len(declared)} functions")
sys.exit(1 if wrong else 0)
