#!/usr/bin/env python3
"""Holds the tree to the rules of the house.   tidy.py ROOT | tidy.py --self-test

Atomics  In ring/, every access names an edge of ring/edges.hpp and its order, and has directly
         above its statement a comment `// [edge] order: why.` that says the same. An edge whose
         line in edges.hpp starts with `relaxed:` is only ever relaxed; every other has both ends,
         a release and an acquire. A fence has `// [edge] fence: why.` above. Raw atomics stay
         in channel/word.hpp and behind the seam, ring/atomics.hpp, and in channel/process and
         channel/checked, whose words no other process sees. The same in pipe/, whose edges stand
         in pipe/edges.hpp. What channel/ shares keeps the rules of both.
Layers   channel <- ring, pipe <- bus <- bench, nats <- cli. The first three rest on the standard
         library alone.
Words    One word per idea: in these three no writer, no sender, no buffer but "ring buffer"; in the
         library and the command none of SYNONYMS.
Size     A line 100 columns, a header 400 lines, a function 60. A room of the product or its tools
         holds no more lines than ROOMS says; what falls well below lowers that number.
Claims   What SECURITY.md and CLAIMS.md name as shown by a test or a file is there.
Links    A link of a page leads to a file of the tree, and to a heading that it has.
Format   clang-format-14 changes nothing.
Tree     Nothing left to do, no test skipped, no path of one machine, no stray blanks.
"""

import posixpath
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

WORD = "channel/word.hpp"
SEAM = "ring/atomics.hpp"
EDGES = "ring/edges.hpp"
PIPE_EDGES = "pipe/edges.hpp"
# Raw atomics that no other process sees.
PRIVATE_WORDS = ("channel/process.hpp", "channel/linux/process.cpp", "channel/windows/process.cpp",
                 "ring/windows/kernel.cpp", "channel/checked.hpp")
ATOMICS = (  # folders, the seam that raw atomics stay behind, the file that declares the edges
    (("ring", "channel"), SEAM, EDGES),
    (("pipe", "channel"), WORD, PIPE_EDGES),
)
LAYERS = {  # folder -> the folders that it may include
    "channel": {"channel"},
    "ring": {"channel", "ring"},
    "pipe": {"channel", "pipe"},
    "bus": {"channel", "ring", "pipe", "bus"},
    "bench": {"channel", "ring", "pipe", "bus", "bench"},
    "nats": {"channel", "ring", "pipe", "bus", "nats"},
    "cli": {"channel", "ring", "pipe", "bus", "bench", "nats", "cli"},
    "models": {"channel", "ring", "models"},
    "proofs": {"channel", "ring", "proofs"},
}
MAX_COLUMNS, MAX_HEADER, MAX_FUNCTION = 100, 400, 60
# Lines of C++ in each room, at most. Lowered when lines go; raised only for what is new, and the
# commit says for what. Who adds to what is there takes out elsewhere.
ROOMS = {"channel": 3285, "ring": 5099, "pipe": 3170, "bus": 3027, "nats": 1999, "bench": 6015,
         "cli": 5025, "windows": 2065}  # windows: the rooms of that name
ROOM_SLACK = 400


# Reading C++: just enough of it.

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\\\s]*)\(.*?\)(?P=mark)"'
    r"|\"(?:\\.|[^\"\\\n])*\"|(?<!\w)'(?:\\.|[^'\\\n])*'|^[ \t]*#(?:\\\n|[^\n])*", re.S | re.M)


def blanked(text):
    """The text with comments, literals and preprocessor lines blanked; every offset stays."""
    return TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def closing(code, start):
    """The offset of the bracket that closes the one at start."""
    depth = 0
    for at in range(start, len(code)):
        if code[at] in "([{":
            depth += 1
        elif code[at] in ")]}":
            depth -= 1
            if depth == 0:
                return at
    return len(code)


def arguments(inside):
    """An argument list, cut at its own commas."""
    parts, depth, last = [], 0, 0
    for at, c in enumerate(inside):
        depth += (c in "([{") - (c in ")]}")
        if c == "," and depth == 0:
            parts.append(inside[last:at])
            last = at + 1
    return [part.strip() for part in parts + [inside[last:]]]


def statement_start(code, offset):
    """The offset of the first character of the statement around offset."""
    depth, at = 0, offset
    while at > 0:
        c = code[at - 1]
        if c == ")":
            depth += 1
        elif c == "(":
            depth = max(0, depth - 1)
        elif c in ";{}" and depth == 0:
            break
        at -= 1
    while at < offset and code[at].isspace():
        at += 1
    return at


def comment_above(lines, line):
    """The numbers of the comment lines directly above a line (lines count from 1)."""
    first = line - 1
    while first >= 1 and lines[first - 1].lstrip().startswith("//"):
        first -= 1
    return range(first + 1, line)


def is_cpp(path):
    return path.endswith((".hpp", ".cpp"))


def folder(path):
    return path.split("/")[0]


# Atomics.

ACCESS = re.compile(r"(?:\.|->)\s*(?:template\s+)?(?P<call>load|store|exchange|fetch_\w+|"
                    r"compare_exchange\w*)\s*(?:<\s*(?:\w+::)*edge::(?P<edge>\w+)\s*>)?\s*\(")
ORDER = re.compile(r"^(?:std::)?memory_order(?:_|::)(\w+)$")
LABEL = re.compile(r"//\s*\[(\w+)\]\s+(\w+):\s*(.*)")
FENCE = re.compile(r"\b(?:\w*_)?fence(?=\s*\()")
RAW = re.compile(r"\bstd::atomic\w*|\b__atomic_\w+|\b__sync_\w+|\b_Atomic\b|"
                 r"\bmemory_order(?:_|::)seq_cst\b")
ORDER_COUNT = {"load": (1, 1), "compare_exchange": (4, 2)}  # arguments, orders; else (2, 1)


def declared_edges(text):
    """The entries of `enum class edge`: name -> whether it is only ever relaxed."""
    body = re.search(r"enum class edge[^{]*\{(.*?)\};", text, re.S)
    entries = re.findall(r"^\s*(\w+)\s*(?:,|$|//)[ ,]*(?://\s*(relaxed:)?)?", body[1], re.M)
    return {name: bool(relaxed) for name, relaxed in entries}


def accesses(path, text):
    """Every atomic access of a file: (line, call, edge, orders, lines of its comments)."""
    code, lines = blanked(text), text.split("\n")
    for found in ACCESS.finditer(code):
        inside = code[found.end():closing(code, found.end() - 1)]
        given = arguments(inside)
        count, orders = ORDER_COUNT.get(found["call"], (2, 1))
        named = [ORDER.match(part) for part in given[-orders:]]
        whole = len(given) == count and all(named)
        line = line_of(text, found.start())
        yield (line, found["call"], found["edge"], [n[1] for n in named] if whole else [],
               labels_above(code, lines, found.start()))


def labels_above(code, lines, offset):
    """The numbers of the lines `// [edge] ...` directly above the statement around offset."""
    first, line = line_of(code, statement_start(code, offset)), line_of(code, offset)
    return [number for number in [*comment_above(lines, first), *comment_above(lines, line)]
            if LABEL.search(lines[number - 1])]


def atomics(tree):
    for folders, seam, declared in ATOMICS:
        yield from atomics_of(tree, folders, seam, declared)


def atomics_of(tree, folders, seam, declared):
    edges = declared_edges(tree[declared]) if declared in tree else {}
    ends = {edge: set() for edge in edges}
    for path, text in tree.items():
        if folder(path) not in folders or not is_cpp(path) or path in (seam, WORD):
            continue
        if path in PRIVATE_WORDS:
            code = blanked(text)
            for found in ACCESS.finditer(code):
                given = arguments(code[found.end():closing(code, found.end() - 1)])
                if not any(ORDER.match(argument) for argument in given):
                    yield path, line_of(text, found.start()), f"{found['call']} names no order"
            continue
        code, lines, used = blanked(text), text.split("\n"), set()
        for raw in RAW.finditer(code):
            yield path, line_of(text, raw.start()), f"{raw[0]} outside the seam, {seam}"
        for fence in FENCE.finditer(code):
            labels = labels_above(code, lines, fence.start())
            meant = {n for n in labels if LABEL.search(lines[n - 1])[2] == "fence"}
            used |= meant
            if not meant:
                yield path, line_of(text, fence.start()), "no comment `// [edge] fence: why.` above"
        for line, call, edge, orders, labels in accesses(path, text):
            if edge is None:
                yield path, line, f"{call} names no edge"
            elif edge not in edges:
                yield path, line, f"edge {edge} is not declared in {declared}"
            elif not orders:
                yield path, line, f"{call}<{edge}> does not say its order"
            else:
                yield from compare(path, line, edge, orders, edges, lines, labels, used)
                ends[edge] |= {side for side, words in SIDES.items() if orders[0] in words}
        for number, comment in enumerate(lines, 1):
            label = LABEL.search(comment)
            if label and label[1] in edges and number not in used:
                yield path, number, f"[{label[1]}] {label[2]}: stands above no such access"
    for edge, found in ends.items():
        if not edges[edge] and len(found) < 2:
            yield declared, 1, f"edge {edge} lacks an end: it has {', '.join(found) or 'none'}"


SIDES = {"release": ("release", "acq_rel"), "acquire": ("acquire", "acq_rel")}


def compare(path, line, edge, orders, edges, lines, labels, used):
    """Holds one access to the comment above it."""
    said = {number: LABEL.search(lines[number - 1]) for number in labels}
    mine = [number for number, label in said.items() if label[1] == edge]
    agree = [number for number in mine if said[number][2] == orders[0]]
    used.update(agree)
    if not mine:
        yield path, line, f"no comment `// [{edge}] {orders[0]}: why.` above"
    elif not agree:
        yield path, line, f"the comment says {said[mine[0]][2]}, the code {orders[0]}"
    elif not any(len(said[number][3].split()) > 1 for number in agree):
        yield path, line, f"[{edge}] {orders[0]}: gives no reason"
    if orders[0] not in ("relaxed", "acquire", "release", "acq_rel"):
        yield path, line, f"order {orders[0]} is not one of ours"
    if edges[edge] and orders[0] != "relaxed":
        yield path, line, f"edge {edge} is only ever relaxed, by its declaration"


# Layers.

INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\" ]+)[>\"]", re.M)
# <vector>, <fcntl.h>, <sys/mman.h>
SYSTEM = re.compile(r"^(?:\w+|\w+\.h|(?:sys|linux|asm)/\w+\.h)$")


def layers(tree):
    for path, text in tree.items():
        if not is_cpp(path) or folder(path) not in LAYERS:
            continue
        for found in INCLUDE.finditer(text):
            line, quote, name = line_of(text, found.start()), found[1], found[2]
            ours = re.match(rf"(?:annulus/)?({'|'.join(LAYERS)})/", name)
            if ours and ours[1] not in LAYERS[folder(path)]:
                yield path, line, f"{folder(path)} may not include {ours[1]}"
            elif folder(path) in ("channel", "ring", "pipe"):
                if quote == '"':
                    yield path, line, f"write <annulus/...> for \"{name}\""
                elif not ours and not SYSTEM.match(name):
                    yield path, line, f"<{name}> is neither standard nor the system's"


# Words.

BANNED = re.compile(r"\w*(?:writer|sender|buffer)\w*", re.I)
SYNONYMS = {  # in the library and the command, one idea has one word
    "generation": "incarnation", "generations": "incarnations", "trail": "audit log",
    "meeting": "rendezvous", "scheme": "transport", "deduplication": "de-duplication",
}
SYNONYM = re.compile(r"\b(?:" + "|".join(SYNONYMS) + r")\b", re.I)


def words(tree):
    for path, text in tree.items():
        if not is_cpp(path):
            continue
        if folder(path) in ("channel", "ring", "pipe"):
            prose = re.sub(r"ring buffer", "ring       ", text, flags=re.I)
            for found in BANNED.finditer(prose):
                at = line_of(text, found.start())
                yield path, at, f"'{found[0]}' is not a word of this house"
        if folder(path) in ("channel", "ring", "pipe", "bus", "nats", "cli"):
            for found in SYNONYM.finditer(text):
                yield (path, line_of(text, found.start()),
                       f"'{found[0]}': the word is {SYNONYMS[found[0].lower()]}")


# Size.

def functions(code):
    """The outermost functions: (offset of the head, offset of the closing brace)."""
    at = 0
    while (at := code.find("{", at)) >= 0:
        start = statement_start(code, at)
        head = re.sub(r"\btemplate\s*<[^{};]*?>\s*(?=\w)", "", code[start:at])
        if re.match(r"\s*(?:inline\s+)?(?:namespace|class|struct|union|enum|extern)\b", head):
            at += 1
            continue
        end = closing(code, at)
        if "(" in head:
            yield start, end
        at = end


def sizes(tree):
    for path, text in tree.items():
        if path.endswith((".hpp", ".cpp", ".py", ".sh", ".cmake", ".txt")) or path in (
                "check", "demo"):
            for number, line in enumerate(text.split("\n"), 1):
                if len(line) > MAX_COLUMNS:
                    yield path, number, f"{len(line)} columns, {MAX_COLUMNS} at most"
        if path.endswith(".hpp") and text.count("\n") > MAX_HEADER:
            yield path, 1, f"{text.count(chr(10))} lines in a header, {MAX_HEADER} at most"
        if is_cpp(path):
            code = blanked(text)
            for start, end in functions(code):
                length = code.count("\n", start, end) + 1
                if length > MAX_FUNCTION:
                    yield (path, line_of(text, start),
                           f"a function of {length} lines, {MAX_FUNCTION} at most")


def rooms(tree):
    lines = dict.fromkeys(ROOMS, 0)
    for path, text in tree.items():
        above = path.split("/")
        is_windows = len(above) > 2 and above[0] != "tests" and above[1] == "windows"
        room = "windows" if is_windows else above[0]
        if room in ROOMS and is_cpp(path):
            lines[room] += text.count("\n")
    for room, count in lines.items():
        if count > ROOMS[room]:
            yield room, 1, f"{count} lines in the room, {ROOMS[room]} at most"
        if ROOMS[room] / 2 < count < ROOMS[room] - ROOM_SLACK:  # fewer: a small tree, for a test
            yield room, 1, f"{count} lines in the room: lower its {ROOMS[room]} in tests/tidy.py"


# Claims.

CLAIM = re.compile(r"`([A-Z]\w*)\.(\w+|\*)`")
CLAIMED_FILE = re.compile(r"\b(?:tests|fuzz|models)/[\w*]+\.\w+")
TEST = re.compile(r"^\s*(?:RC_GTEST_PROP|(?:TYPED_)?TEST\w*)\(\s*(\w+),\s*(\w+)\s*[,)]", re.M)
ADDED_TEST = re.compile(r"\bNAME\s+(\w+)\.(\w+)")  # by CMake; ${...}: one of a family
ADDED_FAMILY = re.compile(r"\bNAME\s+(\w+)\.(\w*)\$\{")


def claims(tree):
    added = [t for path, t in tree.items() if path.endswith((".cmake", "CMakeLists.txt"))]
    tests = {found for path, t in tree.items() if path.startswith("tests/") and is_cpp(path)
             for found in TEST.findall(t)} | {f for t in added for f in ADDED_TEST.findall(t)}
    families = {f for t in added for f in ADDED_FAMILY.findall(t)}
    for page in ("SECURITY.md", "CLAIMS.md"):
        text = tree.get(page, "")
        for found in CLAIM.finditer(text):
            suite, name = found.groups()
            is_there = (suite, name) in tests or name == "*" and any(s == suite for s, _ in tests)
            if not is_there and not any(s == suite and name.startswith(n) for s, n in families):
                yield page, line_of(text, found.start()), f"no test {suite}.{name}"
        for found in CLAIMED_FILE.finditer(text):
            if not any(fnmatch(path, found[0]) for path in tree):
                yield page, line_of(text, found.start()), f"no file {found[0]}"


# Pages and their links.

LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)")


def anchors(page):
    """What a link may say behind # of a page: its headings, as forges spell them."""
    headings = re.findall(r"^#+ +(.*)", re.sub(r"^```.*?^```", "", page, flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w -]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def links(tree):
    folders = {str(parent) for path in tree for parent in PurePosixPath(path).parents}
    for page, text in tree.items():
        if not page.endswith(".md"):
            continue
        for found in LINK.finditer(text):
            path = page
            if found[1]:
                path = posixpath.normpath(posixpath.join(posixpath.dirname(page), found[1]))
            if path not in tree and path not in folders:
                yield page, line_of(text, found.start()), f"a link to no file {path}"
            elif found[2] and found[2] not in anchors(tree.get(path, "")):
                yield page, line_of(text, found.start()), f"no heading {found[2]} in {path}"


# The tree.

LEFTOVER = re.compile(r"\bTODO\b|\bFIXME\b|\bXXX\b|\bGTEST_SKIP\b|\bDISABLED_\w*")
MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/|\b(?:docker|ghcr|quay)\.io\b|"
                     r"\bdeb\.debian\.org\b|\bpypi\.org\b|\bregistry\.\w+\.\w+")


def neatness(tree):
    for path, text in tree.items():
        if path == "LICENSE":
            continue
        if path != "tests/tidy.py":
            for pattern in (LEFTOVER, MACHINE):
                for found in pattern.finditer(text):
                    yield path, line_of(text, found.start()), f"'{found[0]}' does not belong here"
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip() or ("\t" in line and is_cpp(path)):
                yield path, number, "stray blanks"
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield path, line_of(text, len(text)), "a file ends with one newline"
        if path.endswith(".hpp") and not (
                text.startswith("//") and re.search(r"^#pragma once$", text, re.M)):
            yield path, 1, "a header opens with a comment on what it is, then #pragma once"


RULES = (atomics, layers, words, sizes, rooms, claims, links, neatness)


def judge(tree):
    return sorted({finding for rule in RULES for finding in rule(tree)})


def unformatted(root, tree):
    """Where clang-format-14, by .clang-format, would change a file."""
    if not shutil.which("clang-format-14"):
        return [("packages.txt", 0, "clang-format-14 is not installed, and it names it")]
    files = sorted(path for path in tree if is_cpp(path) or path.endswith((".h", ".c")))
    run = subprocess.run(["clang-format-14", "--dry-run", *files], cwd=root, capture_output=True,
                         text=True, check=False)
    found = re.findall(r"^([^:\n]+):(\d+):\d+: warning: code should be clang-formatted", run.stderr,
                       re.M)
    return sorted({(path, int(line), "clang-format-14 would change it") for path, line in found})


def read_tree(root):
    """Every text file of the project, by its path from the root."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-coz", "--exclude-standard"],
                            capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        paths = [root / name for name in listed.stdout.split("\0") if name]
    else:
        skipped = {".git", "build", "__pycache__"}
        paths = [p for p in root.rglob("*") if not skipped & set(p.relative_to(root).parts)]
    tree = {}
    for path in paths:
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if b"\0" not in data:
                tree[str(path.relative_to(root))] = data.decode()
    return tree


# Canaries: each breaks one rule, and must be reported in these words.

CLEAN = {
    EDGES: """// Edges.
#pragma once
enum class edge {
  publish,
  own,  // relaxed: one role reads its own
};
""",
    "ring/ring.hpp": """// A ring buffer.
#pragma once
#include <sys/mman.h>
#include <cstdint>
#include <annulus/channel/status.hpp>
template <class A>
void push(A& a) {
  // [own] relaxed: read by its only role.
  const auto pos = a.write_pos.template load<edge::own>(std::memory_order_relaxed);
  // [publish] release: the payload happens-before whoever
  // sees this word.
  a.header.template store<edge::publish>(
      f(pos, {1, 2}),
      std::memory_order_release);
  // [own] fence: a death may fall between the two.
  A::compiler_fence();
  // [publish] acquire: sees the payload behind it.
  while (a.header.template load<edge::publish>(std::memory_order_acquire) == 0) relax();
  std::uint64_t expected = 1'000;
  do {
    // [publish] acq_rel: both ends in one.
  } while (!a.header.template compare_exchange<edge::publish>(
      expected, 0, std::memory_order_acq_rel, std::memory_order_relaxed));
}
""",
    "ring/atomics.hpp": "// The seam.\n#pragma once\nusing x = std::atomic_ref<int>;\n",
}

PUSH = "void push(A& a) {\n"
CANARIES = [  # what is reported, in which file, and the file's text
    ("no comment `// [publish] acquire", "ring/a.cpp",
     PUSH + "  a.header.load<edge::publish>(std::memory_order_acquire);\n}\n"),
    ("no comment `// [publish] acquire", "ring/a.cpp",
     PUSH + "  // [publish] acquire: sees the payload.\n\n"
     "  a.header.load<edge::publish>(std::memory_order_acquire);\n}\n"),
    ("the comment says acquire, the code release", "ring/a.cpp",
     PUSH + "  // [publish] acquire: sees the payload.\n"
     "  a.header.store<edge::publish>(1, std::memory_order_release);\n}\n"),
    ("stands above no such access", "ring/a.cpp",
     PUSH + "  // [publish] acquire: sees the payload.\n  a.read();\n}\n"),
    ("gives no reason", "ring/a.cpp",
     PUSH + "  // [own] relaxed: own.\n  a.pos.load<edge::own>(std::memory_order_relaxed);\n}\n"),
    ("does not say its order", "ring/a.cpp",
     PUSH + "  // [publish] acquire: sees the payload.\n  a.header.load<edge::publish>();\n}\n"),
    ("does not say its order", "ring/a.cpp",
     PUSH + "  // [publish] release: it and its payload.\n  a.header.compare_exchange<\n"
     "      edge::publish>(expected, 1, std::memory_order_release);\n}\n"),
    ("load names no order", "ring/windows/kernel.cpp",
     PUSH + "  if (slot(a).load() == 0) return;\n}\n"),
    ("load names no edge", "ring/a.cpp",
     PUSH + "  a.header.load(std::memory_order_acquire);\n}\n"),
    ("is not declared", "ring/a.cpp",
     PUSH + "  // [other] acquire: sees it all.\n"
     "  a.header.load<edge::other>(std::memory_order_acquire);\n}\n"),
    ("only ever relaxed", "ring/a.cpp",
     PUSH + "  // [own] acquire: who knows why.\n"
     "  a.header.load<edge::own>(std::memory_order_acquire);\n}\n"),
    ("no comment `// [edge] fence", "ring/a.cpp",
     PUSH + "  // Keeps the two apart.\n  A::light_fence();\n}\n"),
    ("std::atomic outside the seam", "ring/a.cpp", "std::atomic<int> count;\n"),
    ("__atomic_load_n outside the seam", "ring/a.cpp", "int x = __atomic_load_n(p, 0);\n"),
    ("edge death lacks an end", EDGES,
     CLEAN[EDGES].replace("  own,", "  death,  // the last act\n  own,")),
    ("lacks an end: it has release", "ring/ring.hpp",
     CLEAN["ring/ring.hpp"].replace("acquire", "release").replace("acq_rel", "release")),
    ("ring may not include pipe", "ring/a.cpp", "#include <annulus/pipe/pipe.hpp>\n"),
    ("is not declared in pipe/edges.hpp", "pipe/a.cpp",
     PUSH + "  // [other] acquire: sees it all.\n"
     "  a.header.load<edge::other>(std::memory_order_acquire);\n}\n"),
    ("pipe may not include ring", "pipe/a.cpp", "#include <annulus/ring/ring.hpp>\n"),
    ("neither standard nor", "pipe/a.cpp", "#include <fmt/format.h>\n"),
    ("not a word of this house", "pipe/a.cpp", "int sender = 0;\n"),
    ("the word is incarnation", "bus/a.cpp", "int generation = 0;\n"),
    ("channel may not include ring", "channel/a.hpp", "#include <annulus/ring/spsc.hpp>\n"),
    ("bench may not include cli", "bench/a.cpp", '#include "cli/text.hpp"\n'),
    ("bus may not include bench", "bus/a.cpp", '#include "bench/line.hpp"\n'),
    ("neither standard nor", "ring/a.cpp", "#include <fmt/format.h>\n"),
    ("no test Deaths.of_nobody", "SECURITY.md", "`Deaths.of_nobody`\n"),
    ("no test Deaths.*", "SECURITY.md", "`Deaths.*`\n"),
    ("no file tests/nothing.cpp", "SECURITY.md", "`tests/nothing.cpp`\n"),
    ("no file tests/kills*.cpp", "CLAIMS.md", "`tests/kills*.cpp`\n"),
    ("a link to no file docs/a.md", "docs/b.md", "[a](a.md)\n"),
    ("no heading it in docs/b.md", "docs/b.md", "# At\n[a](#at) [b](#it)\n"),
    ("write <annulus/...>", "ring/a.cpp", '#include "spsc.hpp"\n'),
    ("not a word of this house", "ring/a.cpp", "int ring_buffer_size = 0;\n"),
    ("101 columns", "tests/a.cpp", "//" + "x" * 99 + "\n"),
    ("401 lines in a header", "tests/a.hpp", "// A header.\n#pragma once\n" + "\n" * 398 + "//\n"),
    (f"{ROOMS['cli'] + 1} lines in the room", "cli/a.cpp", "//\n" * (ROOMS["cli"] + 1)),
    (f"lower its {ROOMS['cli']}", "cli/a.cpp", "//\n" * (ROOMS["cli"] - ROOM_SLACK - 1)),
    ("a function of 62 lines", "tests/a.cpp",
     "namespace a {\ntemplate <class T>\nvoid f(T t) {\n" + "  g();\n" * 59 + "}\n}\n"),
    ("'TODO' does not belong", "tests/a.cpp", "// TODO: all\n"),
    ("'DISABLED_one' does not belong", "tests/a.cpp", "TEST(All, DISABLED_one) {}\n"),
    ("does not belong", "README.md", "see /home/me/annulus\n"),
    ("stray blanks", "README.md", "annulus \n"),
    ("one newline", "README.md", "annulus"),
    ("a header opens with", "tests/a.hpp", "#pragma once\n"),
]


def self_test():
    failures = [f"the clean tree: {found}" for found in judge(CLEAN)]
    for report, path, text in CANARIES:
        found = judge({**CLEAN, path: text})
        if not any(report in message for _, _, message in found):
            failures.append(f"'{report}' was not reported, but {found or 'nothing'}, for:\n{text}")
    print("\n".join(failures) or f"{len(CANARIES)} canaries, all reported")
    return 1 if failures else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    root = Path(sys.argv[1])
    tree = read_tree(root)
    findings = judge(tree) + unformatted(root, tree)
    for path, line, message in findings:
        print(f"{path}:{line}: {message}")
    print(f"{len(tree)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
