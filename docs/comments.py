#!/usr/bin/env python3
"""Doxygen's filter: turns plain comments into those that it reads.   comments.py FILE

The comment at the head of a file describes the file. A comment above a declaration describes it,
and the further overloads of its name that follow without a blank line. A comment behind a
declaration, on its line, describes that one.
"""

import re
import sys

ENDS = re.compile(r"[;{}]\s*$|^#|^\s*(?:public|private|protected):|^\s*\w+(?: = [^()]*)?,$")
SPECIAL = (  # members that need no words of their own
    (re.compile(r"\s*(?:explicit )?(\w+)\(\1&&"), "Takes the other's place."),
    (re.compile(r".*operator=\((\w+)&&"), "Ends this one, and takes the other's place."),
)
NAME = re.compile(r"(operator[^\s\w(]+|~?\w+)\s*(?:\(|\{[^{}]*\};|=|;|,$|$)")
CLOSES = re.compile(r"\s*[}#]|\s*\w+:$")


def name_of(code):
    """What a line declares: the name before its parameters or its value."""
    found = NAME.search(re.sub(r"\[\[\w+\]\]|<[^<>()]*>", "", code))
    return found and found[1]


def depth_behind(code, depth):
    """The depth of braces and parentheses behind a line of code."""
    bare = re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])+\'', "", code)
    return depth + sum(bare.count(c) for c in "({") - sum(bare.count(c) for c in ")}")


def filtered(lines):
    in_head, depth, at_start = True, 0, True  # at_start: no declaration has begun on a line above
    comment, comment_depth, is_fresh = [], 0, False  # is_fresh: it stands directly above
    described = None  # the name of the declaration that it describes
    for number, line in enumerate(lines):
        if in_head and line.startswith("//"):
            yield ("/// @file\n///\n" if number == 0 else "") + "/" + line
            continue
        in_head = False
        if re.match(r"\s*//", line) and at_start:
            if not is_fresh:
                comment, comment_depth, is_fresh = [], depth, True
            comment.append(line.replace("//", "///", 1))
            yield comment[-1]
            continue
        code, behind, text = line.partition("  // ")
        behind = behind and not text.startswith("NOLINT")
        if not code.strip():
            comment, is_fresh = [], False
            yield line
            continue
        name = name_of(code) if at_start and depth == comment_depth else None
        inherits = name is not None and not is_fresh and not behind and name == described
        special = [words for pattern, words in SPECIAL if pattern.match(code)]
        if special and not is_fresh:
            yield "/// " + special[0]
        elif inherits and not CLOSES.match(code):
            yield from comment
        if is_fresh and depth == comment_depth:
            described = name or described
        is_fresh = False
        yield code + (f"  ///< {text}" if behind else "")
        depth = depth_behind(code, depth)
        at_start = ENDS.search(code) is not None


with open(sys.argv[1], encoding="utf-8") as file:
    sys.stdout.write("\n".join(filtered(file.read().split("\n"))))
