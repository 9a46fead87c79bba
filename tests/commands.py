#!/usr/bin/env python3
"""Holds the documented commands to what there is.   commands.py ROOT ANNULUS

Every command line of a page, and every example of `annulus --help-all`:

annulus    its subcommand exists, and --help knows each of its options
ctest      -R names a test, -L a label, --preset a preset
cmake      --preset names a preset
./check    each of its words is a part
a path     of the tree, run as a program or given to python3, is there
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import tidy

OPERATORS = {"|", "||", "&", "&&", ";", "(", ")", "<", ">", ">>", "{", "}"}
PREFIXES = {"until", "if", "do", "while", "!", "time", "exec"}
PATH = re.compile(r"(?:\./)?((?:[\w-]+/)+[\w.-]+)$")

CANARIES = [  # commands that are wrong, and what is said of them
    ("annulus fly shm:x", "there is no `annulus fly`"),
    ("until annulus send shm:x --swiftly; do :; done", "`annulus send` has no --swiftly"),
    ("ctest --preset nowhere", "there is no preset nowhere"),
    ("ctest --preset dev -R 'Nothing|Nobody'", "no test matches -R Nothing|Nobody"),
    ("ctest -L 'processes|nobodys'", "no test has the label processes|nobodys"),
    ("cd x && ./check quick everything", "./check has no part everything"),
    ("python3 tests/nothing.py .", "there is no tests/nothing.py"),
]


def code_of(page):
    """What a page has in code spans, fences and indented blocks, with the line each begins at."""
    is_fenced = False
    for number, line in enumerate(page.split("\n"), 1):
        if line.startswith("```"):
            is_fenced = not is_fenced
        elif is_fenced or line.startswith("    "):
            yield number, re.split(r" {2,}", line.strip())[0]  # behind two blanks: what it does
        else:
            for span in re.findall(r"`([^`]+)`", line):
                yield number, span.replace("\\|", "|")


def commands_in(code):
    """The simple commands of a shell line, each as its words; none where it is no shell line."""
    lexer = shlex.shlex(code, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = []
    try:
        for word in [*lexer, ";"]:
            if word not in OPERATORS:
                words.append(word)
                continue
            while words and (words[0] in PREFIXES or re.match(r"\w+=", words[0])):
                words.pop(0)
            if words:
                yield words
            words = []
    except ValueError:  # an apostrophe: prose
        return


class Known:
    def __init__(self, root, annulus):
        self.annulus = annulus
        self.tree = tidy.read_tree(root)
        added = [text for path, text in self.tree.items() if path.endswith((".cmake", "Lists.txt"))]
        self.tests = {f"{suite}.{name}" for path, text in self.tree.items()
                      if path.startswith("tests/") and tidy.is_cpp(path)
                      for suite, name in tidy.TEST.findall(text)}
        self.tests |= {f"{suite}.{name}" for text in added
                       for suite, name in tidy.ADDED_TEST.findall(text)}
        self.families = {f"{suite}.{name}" for text in added
                         for suite, name in tidy.ADDED_FAMILY.findall(text)}
        self.build_files = "\n".join(added)
        presets = json.loads(self.tree["CMakePresets.json"])
        self.presets = {one["name"] for kind in ("configurePresets", "buildPresets", "testPresets")
                        for one in presets[kind]}
        self.parts = set(re.findall(r"^#   ([\w-]+) ", self.tree["check"], re.M))
        self.folders = {tidy.folder(path) for path in self.tree}
        self.helps = {}

    def help_of(self, subcommand):
        if subcommand not in self.helps:
            run = subprocess.run([self.annulus, subcommand, "--help"], capture_output=True,
                                 text=True, check=False)
            self.helps[subcommand] = run.stdout if run.returncode == 0 else None
        return self.helps[subcommand]

    def faults_of(self, words):
        """What is wrong with one command."""
        name, rest = words[0], words[1:]
        if name == "annulus" and rest and re.match(r"[a-z]+$", rest[0]):
            text = self.help_of(rest[0])
            if text is None:
                return [f"there is no `annulus {rest[0]}`"]
            options = [word.split("=")[0] for word in rest if word.startswith("--")]
            return [f"`annulus {rest[0]}` has no {one}" for one in options
                    if not re.search(rf"{one}\b", text)]
        if name in ("ctest", "cmake"):
            return [fault for flag, value in zip(rest, rest[1:])
                    for fault in self.faults_of_build(flag, value)]
        if name == "./check":
            return [f"./check has no part {part}" for part in rest
                    if re.match(r"[a-z]+[a-z-]*$", part) and part not in self.parts]
        program = PATH.match(rest[0] if name == "python3" and rest else name)
        if program and tidy.folder(program[1]) in self.folders and not self.has(program[1]):
            return [f"there is no {program[1]}"]
        return []

    def has(self, path):
        return any(one == path or one.startswith(path + "/") for one in self.tree)

    def has_test(self, pattern):
        is_of_family = any(pattern.startswith(family) for family in self.families)
        return is_of_family or any(re.search(pattern, test) for test in self.tests)

    def faults_of_build(self, flag, value):
        if flag == "--preset" and value not in self.presets:
            yield f"there is no preset {value}"
        is_placeholder = value.isupper()
        if flag == "-R" and not is_placeholder and not self.has_test(value):
            yield f"no test matches -R {value}"
        if flag == "-L" and not all(re.search(rf"\b{one}\b", self.build_files)
                                    for one in value.split("|")):
            yield f"no test has the label {value}"


def main():
    root, annulus = Path(sys.argv[1]), sys.argv[2]
    known = Known(root, annulus)
    pages = {path: list(code_of(text)) for path, text in known.tree.items()
             if path.endswith(".md") and path != "CHANGELOG.md"}
    helped = subprocess.run([annulus, "--help-all"], capture_output=True, text=True, check=True)
    pages["annulus --help-all"] = [(number, line) for number, line in
                                   enumerate(helped.stdout.split("\n"), 1)
                                   if re.search(r"^ +.*\bannulus [a-z]+ ", line)]
    faults = [f"{page}:{line}: {fault}" for page, codes in pages.items() for line, code in codes
              for words in commands_in(code) for fault in known.faults_of(words)]
    faults += [f"'{wrong}' was not refused" for wrong, report in CANARIES
               if report not in [fault for words in commands_in(wrong)
                                 for fault in known.faults_of(words)]]
    print("\n".join(faults) or f"{len(pages)} pages, {len(CANARIES)} canaries: nothing is missing")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
