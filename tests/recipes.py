#!/usr/bin/env python3
"""The recipes of other package managers say what CMakeLists.txt says.   recipes.py ROOT

vcpkg and Conan are not run: their files are parsed, and their versions, licences, options and the
files that they name are compared. Meson's and Debian's are run as well, by tests of their own.
"""

import ast
import json
import re
import sys
from pathlib import Path


def faults(root):
    cmake = (root / "CMakeLists.txt").read_text()
    version = re.search(r"project\(annulus VERSION ([0-9.]+)", cmake)[1]
    options = set(re.search(r"set\(around ([a-z ]+)\)", cmake)[1].split())

    port = json.loads((root / "packaging/annulus/vcpkg.json").read_text())
    portfile = (root / "packaging/annulus/portfile.cmake").read_text()
    recipe = ast.parse((root / "packaging/conan/conanfile.py").read_text())
    fields = {target.id: ast.literal_eval(line.value)
              for kind in recipe.body if isinstance(kind, ast.ClassDef)
              for line in kind.body if isinstance(line, ast.Assign) for target in line.targets}
    words = {node.value for node in ast.walk(recipe)
             if isinstance(node, ast.Constant) and isinstance(node.value, str)}

    said = {
        "packaging/annulus/vcpkg.json": port["version"],
        "packaging/conan/conanfile.py": fields["version"],
        "meson.build": re.search(r"version: '([^']*)'", (root / "meson.build").read_text())[1],
        "debian/changelog": re.match(r"annulus \(([^)]*)\)",
                                     (root / "debian/changelog").read_text())[1],
        "languages/node/package.json":
            json.loads((root / "languages/node/package.json").read_text())["version"],
    }
    for path, other in said.items():
        if other != version:
            yield f"{path}: version {other}, and CMakeLists.txt says {version}"
    for option in sorted(options):
        name = option.upper()
        if f"ANNULUS_BUILD_{name}=OFF" not in portfile:
            yield f"packaging/annulus/portfile.cmake builds {option}/"
        if name not in words:
            yield f"packaging/conan/conanfile.py builds {option}/"
    if {port["license"], fields["license"]} != {"Apache-2.0"}:
        yield "packaging: the licence is Apache-2.0"
    for word in sorted(words):
        if re.fullmatch(r"[a-zA-Z]+(\.txt|/\*(\.hpp)?|/\w+\.cpp)?", word) and "/" in word:
            if not list(root.glob(word)):
                yield f"packaging/conan/conanfile.py: there is no {word}"


found = list(faults(Path(sys.argv[1])))
print("\n".join(found) or "the recipes agree with CMakeLists.txt")
sys.exit(bool(found))
