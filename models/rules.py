#!/usr/bin/env python3
"""The mutants by rule: each small thing of the ring done wrong.   rules.py ROOT TO | rules.py ROOT

Writes a copy of ring/ and channel/ that holds all of them, each behind its number, so that one
build tries all and a run chooses one (ANNULUS_MUTANT, see CHOICE). Without TO it lists them.

A mutant is named by its file, the function around it, its rule and the text that it changes, so
that a name does not move with the lines:

  never, always   a condition is false, or true: an early return or a second look is skipped
  dropped         one side of && or ||
  boundary        < for <=, > for >=, and the other way round
  negated         == for !=, and the other way round
  less, more      a constant in a sum: 0 and twice as much
  skipped         a statement: a store, a fence, an assignment, a call
  by hand         see BY_HAND
"""

import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

# What is mutated. The rest of ring/ is files, names and system calls, or counts nothing.
FILES = ["channel/arithmetic.hpp", "channel/counters.hpp", "channel/drain.hpp",
         "channel/interrupt_word.hpp", "channel/limits.cpp", "channel/roster.hpp",
         "channel/wait_loop.hpp", "ring/atomics.hpp", "ring/bell.hpp", "ring/copy.hpp",
         "ring/geometry.cpp", "ring/inspect.cpp", "ring/interrupt.hpp", "ring/layout.hpp",
         "ring/memory.hpp", "ring/mpsc.hpp", "ring/mpsc_recovery.hpp", "ring/mpsc_release.hpp",
         "ring/mpsc_room.hpp", "ring/mpsc_stall.hpp", "ring/pace.hpp", "ring/provision.hpp",
         "ring/record.hpp", "ring/recovery.hpp", "ring/ring.hpp", "ring/role.hpp", "ring/spsc.hpp",
         "ring/ahead.hpp", "ring/spsc_recovery.hpp", "ring/spsc_straight.hpp", "ring/tally.hpp",
         "ring/usual.hpp", "ring/wait.hpp"]

# By hand, in the same build: errors that no rule makes and mutants.py cannot try, since it is not a
# model that finds them. (file, function, what is wrong, text, before, after)
BY_HAND = [
    ("ring/spsc.hpp", "publish_freed", "the depth forgets a record",
     "counters_.depth(to - freed_);",
     "if (IF) counters_.depth(to - freed_ - record_align); else ", ""),
    ("ring/spsc_recovery.hpp", "search_behind", "the search goes past the end",
     "next_record(ring, cursor, extent)",
     "(IF ? next_record(ring, cursor, extent + ring.geometry.capacity / 2) : ", ")"),
    ("ring/spsc.hpp", "publish", "the wake-up comes before the copy of write_pos",
     "write_pos_ = end;\n    // [extent] release",
     "if (IF) wake_if_asleep<Atomics>(control.consumer_bell, quiet_);", ""),
]

CHOICE = """\
// Which mutant this run is of, and which it came by: ANNULUS_MUTANT, ANNULUS_REACHED (a file).
#pragma once

#include <cstdlib>
#include <type_traits>

#include <fcntl.h>
#include <sys/mman.h>

namespace annulus::rules {

inline constexpr unsigned most = 4096;

inline unsigned chosen_by_environment() {
  const char* number = std::getenv("ANNULUS_MUTANT");
  return number == nullptr ? 0 : static_cast<unsigned>(std::strtoul(number, nullptr, 10));
}

// A byte for each mutant, shared with a file so that a killed process leaves it too.
inline unsigned char* marks() {
  static unsigned char nowhere[most];
  const char* path = std::getenv("ANNULUS_REACHED");
  if (path == nullptr) return nowhere;
  const int file = ::open(path, O_RDWR | O_CLOEXEC);
  void* all = ::mmap(nullptr, most, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  return all == MAP_FAILED ? nowhere : static_cast<unsigned char*>(all);
}

inline const unsigned chosen = chosen_by_environment();
inline unsigned char* const reached = marks();

constexpr bool is(unsigned number) noexcept {
  if (std::is_constant_evaluated()) return false;
  reached[number] = 1;
  return number == chosen;
}

}  // namespace annulus::rules
"""
MOST = 4096


class Mutant(NamedTuple):
    name: str
    file: str
    start: int
    end: int
    before: str  # IF stands for "this mutant is chosen"
    after: str


class Token(NamedTuple):
    text: str
    start: int
    end: int
    is_spaced: bool  # as clang-format writes a binary operator


TOKEN = re.compile(r"\w+|::|->|\+\+|--|<<=|>>=|[-+*/%&|^!=<>]=|&&|\|\||<<|>>|[^\s\w]")
HIDDEN = re.compile(r'//[^\n]*|/\*.*?\*/|^\s*#[^\n]*|"(?:\\.|[^"\\\n])*"|'
                    r"(?<!\w)'(?:\\.|[^\\'])'", re.S | re.M)
LEVELS = [("||",), ("&&",), ("|", "^", "&"), ("==", "!="), ("<", ">", "<=", ">="), ("<<", ">>"),
          ("+", "-"), ("*", "/", "%")]
OTHER = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
ASSIGNMENTS = {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}
CONSTANT = re.compile(r"[1-9]\d*|[a-z_]+_(?:bytes|align)")
CLOSER = {"(": ")", "[": "]", "{": "}"}
NO_EXPRESSION = {"break", "continue", "using", "static_assert", "asm", "static", "constexpr"}
DECLARATION = re.compile(r"(const|auto|struct|enum|typename)\b|[\w:]+(<[^;=()]*>)?[&*]* [&*]?\w+"
                         r"\s*([;={\[(,:]|$)")


def hide(text):
    """The text without comments, preprocessor lines and literals, every place kept."""
    def blank(found):
        filler = "_" if found[0][0] in "\"'" else " "
        return re.sub(r"[^\n]", filler, found[0])
    return HIDDEN.sub(blank, text)


class Reader:
    """Walks one file and notes its mutants. It relies on clang-format's spacing."""

    def __init__(self, file, text):
        self.file, self.text = file, text
        self.code = hide(text)
        self.tokens = [Token(f[0], f.start(), f.end(), self.is_spaced(f))
                       for f in TOKEN.finditer(self.code)]
        self.partner = self.partners()
        self.function = ""
        self.judged = set()
        self.found = []
        self.declarations(0, len(self.tokens))

    def is_spaced(self, found):
        return (self.code[found.start() - 1].isspace() and
                self.code[found.end():found.end() + 1].isspace())

    def partners(self):
        open_ones, partner = [], {}
        for i, token in enumerate(self.tokens):
            if token.text in CLOSER:
                open_ones.append(i)
            elif token.text in CLOSER.values():
                partner[open_ones.pop()] = i
        return partner

    def span(self, i, j):
        return self.tokens[i].start, self.tokens[j - 1].end

    def source(self, i, j):
        return self.code[slice(*self.span(i, j))]

    def note(self, rule, i, j, before, after, shown=None):
        start, end = self.span(i, j)
        shown = " ".join(self.text[slice(*self.span(*(shown or (i, j))))].split())
        shown = re.sub(r"\s*//.*?(?=$)", "", shown)
        self.found.append(Mutant(f"{Path(self.file).name} {self.function}: {rule}: {shown}",
                                 self.file, start, end, before, after))

    # Outside of functions.
    def declarations(self, i, j):
        head = i
        while i < j:
            text = self.tokens[i].text
            if text == "{":
                i = self.body(head, i)
                head = i
            elif text in ("(", "["):
                i = self.partner[i] + 1
            else:
                i += 1
                head = i if text in (";", "}") else head

    def body(self, head, brace):
        """What is in the braces: a class, a function, or a value. Returns what is behind."""
        end = self.partner[brace]
        words = list(self.without_templates(head, brace))
        if any(self.tokens[k].text in ("class", "struct", "namespace") for k in words):
            self.declarations(brace + 1, end)
            return end + 1
        calls = [k for k in words if self.tokens[k].text == "(" and self.tokens[k - 1].text != "]"]
        if not calls or self.tokens[brace - 1].text == "=":
            return end + 1
        self.function = self.tokens[calls[0] - 1].text
        if self.function == "=":
            self.function = "operator="
        self.block(brace + 1, end)
        return end + 1

    def without_templates(self, i, j):
        """The tokens of a head but those of template <...> and within brackets."""
        while i < j:
            text = self.tokens[i].text
            if text == "template":
                depth, i = 0, i + 1
                while True:
                    depth += {"<": 1, ">": -1, ">>": -2}.get(self.tokens[i].text, 0)
                    i += 1
                    if depth == 0:
                        break
                continue
            yield i
            i = self.partner[i] + 1 if text in ("(", "[") else i + 1

    # Statements. Each takes where it begins and returns what is behind it.
    def block(self, i, j):
        while i < j:
            i = self.statement(i)

    def statement(self, i):
        text = self.tokens[i].text
        if text == ";":
            return i + 1
        if text == "{":
            self.block(i + 1, self.partner[i])
            return self.partner[i] + 1
        if text in ("if", "while", "for", "switch"):
            return self.controlled(i, text)
        if text == "do":
            i = self.statement(i + 1)
            self.condition(i + 2, self.partner[i + 1], ["never"])
            return self.partner[i + 1] + 2
        if text in ("case", "default"):
            return self.find(i, ":") + 1
        end = self.find(i, ";")
        if text == "return":
            self.returned(i + 1, end)
        elif text not in NO_EXPRESSION:
            if not DECLARATION.match(" ".join(self.source(i, end + 1).split())):
                self.note("skipped", i, end + 1, "{ if (!IF) ", " }", (i, end))
            self.expression(i, end)
        return end + 1

    def find(self, i, what):
        while self.tokens[i].text != what:
            i = self.partner.get(i, i) + 1
        return i

    def controlled(self, i, kind):
        is_constant = self.tokens[i + 1].text == "constexpr"
        opening = i + 1 + is_constant
        first, last = opening + 1, self.partner[opening]
        if kind in ("for", "switch") or is_constant:
            self.expression(first, last)
        else:
            self.condition(first, last, ["never", "always"][:2 if kind == "if" else 1], i)
        body = last + 1
        if self.tokens[body].text == "[" and self.tokens[body + 1].text == "[":
            body = self.partner[body] + 1  # [[unlikely]]
        i = self.statement(body)
        return self.statement(i + 1) if self.tokens[i].text == "else" else i

    def condition(self, i, j, rules, at=None):
        parts = self.split(i, j, (";",))
        for part in parts[:-1]:
            self.expression(*part)
        i, j = parts[-1]
        if self.split(i, j, ("=",))[1:]:  # if (const auto seen = ...)
            self.note("never", at, at + 1, "if (IF) {} else ", "", (i, j))
        else:
            self.judge(i, j, rules)
        self.expression(i, j)

    def judge(self, i, j, rules):
        self.judged.add((i, j))
        if "never" in rules:
            self.note("never", i, j, "(!IF && (", "))")
        if "always" in rules:
            self.note("always", i, j, "(IF || (", "))")

    def returned(self, i, j):
        if i == j:
            return
        if any(self.split(i, j, level)[1:] for level in LEVELS[:5]
               if level != LEVELS[2]) and not self.split(i, j, ("?",))[1:]:
            self.judge(i, j, ["never", "always"])
        self.expression(i, j)

    # Expressions.
    def split(self, i, j, operators):
        """[i, j) at those operators, outside of brackets."""
        parts, begin = [], i
        while i < j:
            token = self.tokens[i]
            if token.text in operators and (token.is_spaced or token.text in ",;?:"):
                parts.append((begin, i))
                begin = i + 1
            i = self.partner.get(i, i) + 1
        return parts + [(begin, j)]

    def expression(self, i, j):
        if i >= j:
            return
        for separators in (",", ";"), ASSIGNMENTS:
            parts = self.split(i, j, separators)
            if parts[1:]:
                for part in parts:
                    self.expression(*part)
                if separators is ASSIGNMENTS and self.tokens[parts[1][0] - 1].text in ("+=", "-="):
                    self.constants(parts[1:], (i, j))
                return
        parts = self.split(i, j, ("?", ":"))
        if parts[1:]:
            if self.tokens[parts[0][1]].text == "?":
                self.judge(*parts[0], ["never", "always"])
            for part in parts:
                self.expression(*part)
            return
        for level in LEVELS:
            parts = self.split(i, j, level)
            if parts[1:]:
                self.operation(level, parts, (i, j))
                for part in parts:
                    self.expression(*part)
                return
        self.primary(i, j)

    def operation(self, level, parts, whole):
        sign = self.tokens[parts[0][1]].text
        if sign in ("&&", "||"):
            for part in parts:
                if sign == "&&":
                    self.note("dropped", *part, "(IF || (", "))")
                else:
                    self.note("dropped", *part, "(!IF && (", "))")
        elif sign in OTHER and len(parts) == 2:
            other = f"{self.source(*parts[0])} {OTHER[sign]} {self.source(*parts[1])}"
            rule = "boundary" if sign[0] in "<>" else "negated"
            if rule == "boundary" or whole not in self.judged:  # else never and always say it
                self.note(rule, *whole, f"(IF ? ({other}) : (", "))")
        elif level == ("+", "-"):
            self.constants(parts, whole)

    def constants(self, parts, whole):
        for i, j in parts:
            if j - i == 1 and CONSTANT.fullmatch(self.tokens[i].text):
                self.note("less", i, j, "(IF ? 0 : ", ")", whole)
                self.note("more", i, j, f"(IF ? 2 * {self.tokens[i].text} : ", ")", whole)

    def primary(self, i, j):
        while i < j:
            if self.tokens[i].text in CLOSER:
                first, last = i + 1, self.partner[i]
                is_code = self.tokens[i].text == "{" and self.split(first, last, (";",))[1:]
                (self.block if is_code else self.expression)(first, last)
                i = last
            i += 1


def by_hand(root):
    for file, function, what, text, before, after in BY_HAND:
        source = (root / file).read_text()
        if source.count(text) != 1:
            sys.exit(f"models/rules.py: '{what}' does not apply to {file}: its text is there "
                     f"{source.count(text)} times. Bring it up to date.\n{text}")
        start = source.index(text)
        yield Mutant(f"{Path(file).name} {function}: by hand: {what}", file, start,
                     start + len(text), before, after)


def derive(root):
    """All mutants, in the order of their numbers, which begin with 1."""
    mutants = list(by_hand(root))
    for file in FILES:
        count = {}
        for one in Reader(file, (root / file).read_text()).found:
            count[one.name] = count.get(one.name, 0) + 1
            number = f" #{count[one.name]}" if count[one.name] > 1 else ""
            mutants.append(one._replace(name=one.name + number))
    return mutants


def write(root, target):
    mutants = derive(root)
    assert len(mutants) < MOST
    for folder in ("channel", "ring"):
        shutil.copytree(root / folder, target / folder, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("*.txt"))
    (target / "choice.hpp").write_text(CHOICE)
    for file in FILES:
        # Spans nest: at one place, what opens last closes first, and the shorter closes first.
        marks = []
        for number, m in ((n, m) for n, m in enumerate(mutants, 1) if m.file == file):
            chosen = f"::annulus::rules::is({number})"
            marks.append((m.start, 1, m.start - m.end, number, m.before.replace("IF", chosen)))
            marks.append((m.end, 0, m.end - m.start, -number, m.after))
        text, at, pieces = (root / file).read_text(), 0, []
        for place, _, _, _, mark in sorted(marks):
            pieces += [text[at:place], mark]
            at = place
        text = "".join(pieces) + text[at:]
        where = text.index("#include" if "#include" in text else "namespace annulus")
        (target / file).write_text(text[:where] + "#include <annulus/choice.hpp>\n" + text[where:])


def main():
    root, *target = map(Path, sys.argv[1:])
    if target:
        write(root, target[0])
    else:
        print("\n".join(m.name for m in derive(root)))


if __name__ == "__main__":
    main()
