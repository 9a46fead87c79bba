#!/usr/bin/env python3
"""Makes each system call of the command fail once, by strace -e inject.

   faults.py ANNULUS [SEED [MOST]]

For every command below and every call that it makes once it has begun on its channel: each error
that this call can give. Held to: it ends within ten seconds, by no signal, with a documented exit
code; an error says the channel's name; no message is lost or changed; EINTR alone changes nothing;
`remove --force` leaves no file behind. MOST injections (default 100), drawn by SEED (default: new).
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

from own_directory import own_directory

ANNULUS = os.path.abspath(sys.argv[1])
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().getrandbits(32)
MOST = int(sys.argv[3]) if len(sys.argv) > 3 else 100
LIMIT = 10  # seconds for each command
PLACE = own_directory("annulus-faults-")
CODES = range(0, 10)

# What each call may say; an error that no kernel gives there would show nothing.
ERRORS = {
    "openat": ["ENOENT", "EACCES", "EMFILE", "ENFILE", "ENOSPC", "EINTR"],
    "linkat": ["ENOSPC", "EACCES", "EPERM", "EEXIST", "ENOENT"],
    "unlink": ["EACCES", "EBUSY", "ENOENT", "EROFS"],
    "mknodat": ["ENOSPC", "EACCES", "EEXIST", "EROFS"],
    "ftruncate": ["EINTR", "EFBIG", "ENOSPC"],
    "fallocate": ["EINTR", "ENOSPC", "EFBIG", "EOPNOTSUPP"],
    "newfstatat": ["ENOENT", "EACCES", "ENOMEM"],
    "fchmod": ["EPERM"],
    "pread64": ["EIO", "EINTR"],
    "pwrite64": ["ENOSPC", "EIO", "EINTR"],
    "mmap": ["ENOMEM", "EACCES"],
    "madvise": ["EINVAL"],
    "fcntl": ["ENOLCK", "EMFILE", "EINVAL"],
    "lseek": ["EINVAL"],
    "pipe2": ["EMFILE", "ENFILE"],
    "epoll_create1": ["EMFILE"],
    "eventfd2": ["EMFILE"],
    "membarrier": ["EPERM"],
    "futex": ["EINTR"],
    "ppoll": ["EINTR", "ENOMEM"],
    "tee": ["EINTR"],
    "splice": ["EINTR"],
    "ioctl": ["EINVAL"],
    "prlimit64": ["EPERM"],
    "clone3": ["EAGAIN"],
}
ALONE = {"EINTR"}  # changes nothing: it is tried again
TEXT = "".join(f"line {i}\n" for i in range(40))


class Scene:
    """A directory with channels, and one command that is made to fail in it."""

    def __init__(self, before, words, text="", reader=None, writer=None, out=None):
        self.before, self.words, self.text = before, words, text
        self.reader, self.writer, self.out = reader, writer, out

    def __str__(self):
        return " ".join(self.words)


def scenes():
    for scheme in "shm", "pipe", "auto":
        at = f"{scheme}:x"
        shape = at + "?capacity=64KiB"
        made = [["create", shape]]
        yield Scene([], ["create", shape])
        yield Scene(made, ["stat", at])
        yield Scene(made, ["remove", at])
        yield Scene(made, ["remove", at, "--force"])
        reader = ["recv", at, "--lines", "--timeout", "2s"]
        writer = ["send", at, "--lines", "--timeout", "2s"]
        yield Scene(made, writer, text=TEXT, reader=reader)
        yield Scene([], writer, text=TEXT, reader=reader)
        yield Scene(made, reader, writer=writer)
    yield Scene([["create", "shm:x?capacity=64KiB"]], ["recover", "shm:x"])
    for source, target in ("shm", "pipe"), ("pipe", "shm"):
        yield Scene([["create", f"{source}:x?capacity=64KiB"],
                     ["create", f"{target}:y?capacity=64KiB"]],
                    ["gateway", f"{source}:x", f"{target}:y", "--until-closed"], "x",
                    writer=["send", f"{source}:x", "--lines", "--timeout", "2s"],
                    out=["recv", f"{target}:y", "--lines", "--timeout", "2s"])


def environment(at):
    return dict(os.environ, ANNULUS_DIR=at)


def start(at, words, stdin=None):
    return subprocess.Popen([ANNULUS, *words], env=environment(at),
                            stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def text_file(text):
    file = tempfile.TemporaryFile("w+")
    file.write(text)
    file.seek(0)
    return file


class Fault(Exception):
    pass


def ended(one, what):
    try:
        out, err = one.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        one.kill()
        one.communicate()
        raise Fault(f"{what} did not end within {LIMIT} s") from None
    if one.returncode not in CODES:
        raise Fault(f"{what} ended with {one.returncode}: {err}")
    return one.returncode, out, err


def lines(text):
    return [one for one in text.split("\n") if one]


def play(scene, strace):
    """The code, and what the command said. Raises Fault."""
    at = tempfile.mkdtemp(dir=PLACE)
    running = []
    try:
        for words in scene.before:
            ended(start(at, words), " ".join(words))
        for words in filter(None, (scene.reader, scene.out)):
            running.append(start(at, words))
        if scene.writer:
            running.append(start(at, scene.writer, text_file(TEXT)))
        log = at + ".log"
        one = subprocess.Popen(["strace", "-f", "-qq", "-o", log, *strace, ANNULUS, *scene.words],
                               env=environment(at), stdin=text_file(scene.text),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        code, out, err = ended(one, "it")
        with open(log) as file:
            calls = file.read()
        os.unlink(log)
        if code != 0 and not re.search(r"\b[xy]\b", err) and at not in err:
            raise Fault(f"it ended with {code}, and its error does not name the channel: {err!r}")
        others = [ended(one, "the other side") for one in running]
        check_messages(scene, at, code, out, others)
        for name in "x", "y":
            for scheme in "auto", "shm", "pipe":
                ended(start(at, ["remove", f"{scheme}:{name}", "--force"]), "remove")
        left = os.listdir(at)
        if left:
            raise Fault(f"it left {left}")
        return code, err, calls
    finally:
        for one in running:
            one.kill()
            one.communicate()
        shutil.rmtree(at, ignore_errors=True)


def check_messages(scene, at, code, out, others):
    """All that was sent by a command that said 0 is there once, whole and in order; of others a
    beginning. What a consumer that failed did not write out comes to the next."""
    if scene.reader:
        got = others[0][1]
        if code == 0 and got != TEXT and scene.words[1] == "shm:x":  # a ring keeps the rest
            got += ended(start(at, ["recv", "shm:x", "--lines", "--timeout", "300ms"]),
                         "the next recv")[1]
        if code == 0 and got != TEXT:
            raise Fault(f"send said 0, and this came: {got!r}")
        if not TEXT.startswith(got):
            raise Fault(f"this came: {got!r}")
    if scene.writer and not scene.out:
        sent = others[-1][0] == 0
        if code == 0 and out != TEXT and sent:
            raise Fault(f"recv said 0 and wrote {out!r}")
        if not TEXT.startswith(out):
            raise Fault(f"recv wrote {out!r}")
        if code != 0 and sent and scene.words[1].startswith("shm"):
            rest = ended(start(at, ["recv", scene.words[1], "--lines", "--timeout", "300ms"]),
                         "the next recv")[1]
            if set(lines(TEXT)) - set(lines(out)) - set(lines(rest)):
                raise Fault(f"lost: it wrote {out!r}, the next {rest!r}")
    if scene.out:
        got, sent = others[0][1], others[-1][0] == 0
        if not TEXT.startswith(got):
            raise Fault(f"through the gateway came {got!r}")
        if code == 0 and sent and got != TEXT:
            raise Fault(f"the gateway said 0, and this came: {got!r}")


CALL = re.compile(r"^(?:\d+ +)?(\w+)\(")


def candidates(scene):
    """(call, its ordinal) of all that the command calls from its first touch of the channel on, in
    its first thread."""
    code, err, calls = play(scene, [])
    if code != 0:
        raise Fault(f"without any fault it ends with {code}: {err}")
    counts, found, begun, first = {}, [], False, None
    for line in calls.splitlines():
        thread = line.split(" ", 1)[0]
        first = first or thread
        call = CALL.match(line)
        if not call or thread != first:
            continue
        name = call[1]
        counts[name] = counts.get(name, 0) + 1
        begun = begun or "annulus-faults-" in line and name in ("openat", "newfstatat")
        if begun and name in ERRORS:
            found.append((name, counts[name]))
    return found


def make_without_lock():
    """A pipe whose lock the kernel refuses is not made: else whoever opens it meanwhile makes its
    FIFO too, and neither is sure of his."""
    scene = Scene([], ["create", "pipe:x?capacity=64KiB"])
    calls = [one for one in play(scene, [])[2].splitlines() if "fcntl(" in one]
    nth = 1 + next(i for i, one in enumerate(calls) if "F_OFD_SETLK" in one)
    code, err, calls = play(scene, ["-e", f"inject=fcntl:error=ENOLCK:when={nth}"])
    if code == 0 or "cannot lock" not in err or "mknodat" in calls:
        raise Fault(f"a pipe was made without its lock: {code}, {err!r}")


def main():
    print(f"seed {SEED}")
    make_without_lock()
    draw = random.Random(SEED)
    all_of_them = []
    for scene in scenes():
        for name, nth in candidates(scene):
            all_of_them += [(scene, name, nth, error) for error in ERRORS[name]]
    # Each pair of a call and an error at least once, then what chance brings.
    draw.shuffle(all_of_them)
    seen, first, rest = set(), [], []
    for one in all_of_them:
        key = (one[1], one[3])
        (rest if key in seen else first).append(one)
        seen.add(key)
    chosen = (first + rest)[:MOST]
    faults = 0
    for scene, name, nth, error in chosen:
        inject = f"inject={name}:error={error}:when={nth}"
        try:
            code, err, _ = play(scene, ["-e", inject])
            if error in ALONE and code != 0:
                raise Fault(f"it was not tried again: {code}, {err!r}")
        except Fault as why:
            faults += 1
            print(f"annulus {scene}   # -e {inject}\n    {why}")
    print(f"{len(chosen)} faults of {len(all_of_them)} injected, {len(first)} kinds; "
          f"{faults} were not borne")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
