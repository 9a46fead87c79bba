#!/usr/bin/env python3
"""The gates of the proofs. Each says what is wrong and where, and ends with 1.

  words                     no file admits a proof, states an axiom or turns a check of Coq off
  assumptions COQC DIR      the theorems and what they rest on are as golden.txt says
  definitions COQC DIR      the definitions that they mention are as definitions.txt says
  assumptions --update ...  writes golden.txt; definitions likewise
  checker COQCHK DIR        Coq's independent checker accepts the compiled files
  attack COQC DIR           seeded faults turn the gates above red

DIR holds the compiled files.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
GOLDEN = HERE / "golden.txt"
DEFINITIONS = HERE / "definitions.txt"

# Files whose theorems a reader is to judge: all of their names stand in golden.txt.
JUDGED = ["Theorems", "NotVacuous", "Necessity", "Replay", "TheoremsMpsc", "MpscWitness",
          "MpscNeeds", "MpscReplay", "TheoremsBells", "TheoremsDamage", "TheoremsProgress",
          "TheoremsWrap", "TheoremsQueue", "TheoremsHistory",
          "TheoremsRecovery", "TheoremsHistoryMany"]

FORBIDDEN = re.compile(
    r"\b(Admitted|admit|Admit\s+Obligations|give_up|Declare\s+Module"
    r"|Axioms?|Parameters?|Conjectures?|Primitive|Load"
    r"|bypass_check|Declare\s+ML|Unset\s+(Guard|Positivity|Universe)\s+Checking"
    r"|Set\s+(Type\s+In\s+Type|Definitional\s+UIP))\b|-type-in-type")
REPLACES = "ExtractNumbers.v"  # alone says what OCaml runs in place of Coq's arithmetic
NEWLINE = "\n"
SECTION = re.compile(r"\b(Section|Module|End)\s+(\w+)(?!\w|\s*:=)"
                     r"|\b(Variables?|Hypothes[ie]s|Context)\b")


def without_comments(text):
    """Blanks comments and strings, keeps lines. Coq knows strings in comments, too."""
    out, depth, i, quoted = [], 0, 0, False
    while i < len(text):
        pair = text[i:i + 2]
        if text[i] == '"' or quoted:
            quoted ^= text[i] == '"'
            out.append(text[i] if text[i] == "\n" else " ")
            i += 1
        elif pair == "(*":
            depth, i = depth + 1, i + 2
        elif pair == "*)" and depth:
            depth, i = depth - 1, i + 2
        else:
            out.append(text[i] if not depth or text[i] == "\n" else " ")
            i += 1
    return "".join(out)


def words(folder=HERE):
    """Complaints about words that no proof and no extraction may hold."""
    complaints = []
    for path in sorted([*folder.glob("*.v"), *folder.glob("replay/*.v")]):
        text = without_comments(path.read_text())
        replaces = re.compile(r"\bExtract\s+(Inlined|Constant|Inductive)\b")
        found = [(each.start(), f"'{' '.join(each.group(0).split())}' is not allowed")
                 for each in [*FORBIDDEN.finditer(text), *replaces.finditer(text)]
                 if (path.name, each.re) != (REPLACES, replaces)]
        opened = []
        for each in SECTION.finditer(text):
            if each.group(1) == "End":
                opened.pop()
            elif each.group(1):
                opened.append(each.group(1))
            elif "Section" not in opened:
                found.append((each.start(), f"'{each.group(3)}' outside a section is an axiom"))
        complaints += [f"{path.name}:{text.count(NEWLINE, 0, at) + 1}: {why}"
                       for at, why in sorted(found)]
    return complaints


def theorems(folder):
    """Names that golden.txt speaks of: each theorem of the judged files."""
    for file in JUDGED:
        text = without_comments((folder / f"{file}.v").read_text())
        for name in re.findall(r"\bTheorem\s+(\w+)", text):
            yield file, name


def say(coqc, compiled, commands):
    """What Coq says to these commands."""
    lines = ["Set Printing Width 96.", "Set Printing Depth 10000.", *commands]
    with tempfile.TemporaryDirectory() as scratch:
        script = pathlib.Path(scratch) / "Golden.v"
        script.write_text("\n".join(lines) + "\n")
        done = subprocess.run([coqc, "-q", "-R", compiled, "Annulus", str(script)],
                              capture_output=True, text=True)
    if done.returncode:
        return "coqc: " + done.stderr
    return "\n".join(line.rstrip() for line in done.stdout.split("\n"))


def assumptions(coqc, compiled, folder=HERE):
    """What Coq says of each theorem: its statement. And what all of a file's rest on. Nothing of
    the project is imported, so no notation of its own hides what is said."""
    lines = ["From Coq Require Import NArith List.", "Import ListNotations.",
             "From Annulus Require %s." % " ".join(JUDGED)]
    for file in JUDGED:
        names = [f"{file}.{name}" for within, name in theorems(folder) if within == file]
        if not names:
            continue
        lines += [f"Check {name}." for name in names]
        lines += [f"Definition all_of_{file} := ({', '.join(names)}).",
                  f"Print Assumptions all_of_{file}."]
    return say(coqc, compiled, lines)


# Nothing is imported, so Coq says each name of the project behind its file's, and in no notation
# of the project's.
PLAINLY = ["From Coq Require Import NArith.", "Unset Printing Records.", "Set Printing Coercions."]
NEXT = "tt\n     : unit\n"
DECIDES = re.compile(r"\{(\w+) = (\w+)\} \+ \{\1 <> \2\}\s*$")
FIELD = re.compile(r"[{;]\s*(\w+) :")


def definitions(coqc, compiled, folder=HERE):
    """Each definition of the project that the theorems mention, and those that it mentions."""
    files = [path.stem for path in sorted(folder.glob("*.v"))]
    mentioned = re.compile(r"\b(?:%s)\.\w+" % "|".join(files))
    before = ["From Annulus Require %s." % " ".join(JUDGED), *PLAINLY]
    stated = [f"{file}.{name}" for file, name in theorems(folder)]
    said = say(coqc, compiled, before + [f"Check {name}." for name in stated])
    # A library's functor, applied: the line says it; what is in it is the library's.
    applied = {f"{file}.{module}": line for file in files for line, module in re.findall(
        r"(Module (\w+) := .*\.)$", (folder / f"{file}.v").read_text(), re.M)}
    texts = {line: name for name, line in applied.items()}
    known, fields = {*stated, *applied}, set()
    while names := sorted(set(mentioned.findall(said)) - known):
        known.update(names)
        said = say(coqc, compiled, before + [
            f"Check {name}. Check tt. Print {name}. Check tt." for name in names])
        if said.startswith("coqc: "):
            return said
        answers, said = said.split(NEXT), ""
        for name, typed, text in zip(names, answers[::2], answers[1::2]):
            # Any function that decides equality will do: its type says all.
            text = (typed if DECIDES.search(typed) else text.split("\n\nArguments ")[0]).rstrip()
            if text.startswith("Record"):
                fields.update(f"{name.split('.')[0]}.{field}" for field in FIELD.findall(text))
            texts.setdefault(text, name)  # a constructor's text is its type's
            said += text + "\n"
    if said.startswith("coqc: "):
        return said
    in_file = {file: [] for file in files}
    for text, name in texts.items():
        if name not in fields:
            file, short = name.split(".")
            of_type = re.match(r"(?:Record|Inductive)\s+(\w+)", text)
            word = re.compile(rf"\b{of_type[1] if of_type else short}\b")
            place = word.search((folder / f"{file}.v").read_text()).start()
            in_file[file].append((place, text + "\n"))
    return "\n".join(f"(* {file}.v *)\n\n" + "\n".join(text for _, text in sorted(found))
                     for file, found in in_file.items() if found)


def differences(told, golden):
    """Lines that one has and the file lacks, if any."""
    if told == golden.read_text():
        return []
    import difflib
    return list(difflib.unified_diff(golden.read_text().splitlines(), told.splitlines(),
                                     golden.name, "what Coq says", lineterm="", n=3))


HELD = {"assumptions": (assumptions, GOLDEN), "definitions": (definitions, DEFINITIONS)}


def checker(coqchk, compiled):
    """Complaints of the independent checker."""
    modules = [f"Annulus.{path.stem}" for path in sorted(HERE.glob("*.v"))]
    done = subprocess.run([coqchk, "-silent", "-o", "-R", compiled, "Annulus", *modules],
                          capture_output=True, text=True)
    said = done.stdout + done.stderr
    complaints = [] if done.returncode == 0 else [said]
    for heading in ("Axioms", "Constants/Inductives relying on type-in-type",
                    "Constants/Inductives relying on unsafe (co)fixpoints",
                    "Inductives whose positivity is assumed"):
        found = re.search(rf"\* {re.escape(heading)}:(.*)", said)
        if not found or found.group(1).strip() != "<none>":
            complaints.append(f"coqchk, {heading}: not <none>\n{said}")
    return complaints


def compile_from(coqc, folder, first):
    """Compiles the named files again in folder; the first failure, or nothing."""
    for file in first:
        done = subprocess.run([coqc, "-q", "-R", str(folder), "Annulus", str(folder / f"{file}.v")],
                              capture_output=True, text=True)
        if done.returncode:
            return done.stderr
    return ""


# A seeded fault: what it does, file, text, what takes its place, files to compile again.
ATTACKS = [
    ("a proof is admitted", "Layout", "Qed.", "Admitted.", []),
    ("an axiom is stated", "Layout", "Definition size", "Axiom easy : False.\nDefinition size", []),
    ("a hypothesis stands outside a section", "Layout", "Definition size",
     "Hypothesis easy : False.\nDefinition size", []),
    ("a hypothesis stands in a module", "Layout", "Definition size",
     "Module M. Hypothesis easy : False. End M.\nDefinition size", []),
    ("a string in a comment hides the rest", "Layout", "Definition size",
     '(* " (* " *) Axiom easy : False.\nDefinition size', []),
    ("a check is turned off on two lines", "Layout", "Definition size",
     "Unset\nGuard Checking.\nDefinition size", []),
    ("a theorem says less", "Theorems", "dist W a b.\nProof. exact (wrapped_distance W a b). Qed.",
     "dist W a b \\/ W = 1.\nProof. intros. left. now apply wrapped_distance. Qed.",
     ["Theorems", "Necessity"]),
    ("a definition says less", "Linear", "| q_release l t f :",
     "| q_any a b : qstep a b\n| q_release l t f :",
     ["Linear", "Theorems", "Necessity", "TheoremsQueue"]),
    ("a history is linearizable with effects that nobody called", "History", "| at_death h p l r :",
     "| at_will h p l x : points h p l -> points h p (l ++ [x])\n| at_death h p l r :",
     ["History", "SpscHistory"]),
    ("a theorem of many says less", "TheoremsMpsc",
     "last (mm s) (word N q) = 0.\n"
     "Proof. exact (free_is_zero N most producers room s reached q). Qed.",
     "last (mm s) (word N q) = 0 \\/ N = 1.\n"
     "Proof. intros. left. now apply (free_is_zero N most producers room s reached q). Qed.",
     ["TheoremsMpsc"]),
    ("a constant of the layout is another", "Record", "multiplier := 11400714819323198485",
     "multiplier := 11400714819323198487", ["Record", "Theorems", "Necessity"]),
    ("a consumer of many hands back what is not zero", "Mpsc",
     "| c_hand m c r h d :\n    cstep al m (Zero c r r h) d",
     "| c_hand m c r q h d :\n    cstep al m (Zero c r q h) d",
     ["Mpsc", "MpscClaims", "MpscKnown", "MpscFacts", "MpscData", "MpscAccess", "MpscEnds",
      "MpscMarks", "MpscHolds"]),
    ("a theorem is gone", "NotVacuous", "Theorem not_vacuous", "Lemma not_vacuous",
     ["NotVacuous", "Necessity", "TheoremsQueue", "TheoremsHistory"]),
    ("a step of the protocol is weaker", "Spsc", "Definition shipped := Orders true",
     "Definition shipped := Orders false",
     ["Spsc", "SpscInvariant", "SpscWrites", "SpscKept", "SpscProducer", "SpscConsumer"]),
]


def attack(coqc, compiled):
    """Complaints about seeded faults that no gate sees."""
    complaints = []
    for what, file, old, new, again in ATTACKS:
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            for path in [*HERE.glob("*.v"), *pathlib.Path(compiled).glob("*.vo")]:
                shutil.copy2(path, folder)
            target = folder / f"{file}.v"
            text = target.read_text()
            if text.count(old) < 1:
                complaints.append(f"{what}: '{old}' does not stand in {file}.v")
                continue
            target.write_text(text.replace(old, new, 1))
            found = words(folder)
            if not found and again:
                failed = compile_from(coqc, folder, again)
                found = [failed] if failed else [
                    line for tell, golden in HELD.values()
                    for line in differences(tell(coqc, str(folder), folder), golden)]
            if any("coqc: " in line for line in found):
                complaints.append(f"{what}: not seen, but told: " + "\n".join(found))
            elif found:
                differs = re.compile(r"[+-][^+-]")
                told = next(filter(differs.match, found), found[0].split("\n", 1)[0])
                print(f"seen: {what}: {told}")
            else:
                complaints.append(f"{what}: no gate sees it")
    return complaints


def main(arguments):
    update = "--update" in arguments
    part, *rest = [a for a in arguments if a != "--update"] or [""]
    if part == "words":
        complaints = words()
    elif part in HELD:
        tell, golden = HELD[part]
        told = tell(*rest)
        complaints = [told] if told.startswith("coqc: ") else []
        if update and not complaints:
            golden.write_text(told)
        complaints = complaints or differences(told, golden)
    elif part == "checker":
        complaints = checker(*rest)
    elif part == "attack":
        complaints = attack(*rest)
    else:
        sys.exit(__doc__)
    print("\n".join(complaints))
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
