"""docs/format.md against the library: its second implementation exchanges messages with C++."""

import json
import os
import select
import subprocess
import tempfile
import unittest

import annulus_format as format
import annulus_pipe_format as pipe_format

COMMAND = os.environ["ANNULUS_COMMAND"]
GOLDEN = os.path.join(os.path.dirname(__file__), "golden")


def annulus(*arguments, **settings):
    done = subprocess.run([COMMAND, *arguments], capture_output=True, timeout=60, **settings)
    assert done.returncode == 0, (arguments, done)
    return done.stdout


def frames(messages):
    return b"".join(len(one).to_bytes(4, "little") + one for one in messages)


def lay_down(kept, path):
    """Makes the file that was kept."""
    with open(os.path.join(GOLDEN, kept), encoding="ascii") as text, open(path, "wb") as file:
        size, *lines = (line.split() for line in text if not line.startswith("#"))
        file.truncate(int(size[0]))
        for offset, words in lines:
            file.seek(int(offset, 16))
            file.write(bytes.fromhex(words))


class PipeFormat(unittest.TestCase):
    MESSAGES = [bytes([n % 251]) * size for n, size in enumerate((0, 1, 100, 4064, 4065, 20000))]

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir="/dev/shm")
        self.addCleanup(folder.cleanup)
        self.path = folder.name + "/pipe"
        self.name = "pipe:" + self.path
        annulus("create", self.name, "--capacity", "64KiB", "--max-message", "20000")
        self.fifo = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, self.fifo)

    def test_the_geometry_is_read(self):
        found = pipe_format.Pipe(self.path)
        self.assertEqual((found.producers, found.capacity, found.max_message),
                         (1, 64 << 10, 20000))
        with open(self.path + ".roles", "r+b") as file:
            file.seek(20)
            file.write(b"\1")
        self.assertRaises(ValueError, pipe_format.Pipe, self.path)

    def test_what_cpp_writes_is_read(self):
        sends = subprocess.Popen([COMMAND, "send", self.name, "--frames"], stdin=subprocess.PIPE)
        sends.stdin.write(frames(self.MESSAGES))
        sends.stdin.close()
        found, data, seen = pipe_format.Pipe(self.path), b"", []
        while len(seen) < len(self.MESSAGES):
            self.assertTrue(select.select([self.fifo], [], [], 60)[0], "nothing came")
            data += os.read(self.fifo, 1 << 16)
            seen = list(found.messages_in(b"12345678" + data))  # foreign bytes are passed over
        self.assertEqual(sends.wait(timeout=60), 0)
        self.assertEqual([one for _, _, one in seen], self.MESSAGES)
        numbers = [sequence for _, sequence, _ in seen]
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_what_is_written_cpp_reads(self):
        found = pipe_format.Pipe(self.path)
        for number, message in enumerate(self.MESSAGES):
            for frame in found.frames_of(message, number + 1):
                self.assertEqual(os.write(self.fifo, frame), len(frame))
        count = str(len(self.MESSAGES))
        self.assertEqual(annulus("recv", self.name, "--frames", "--count", count),
                         frames(self.MESSAGES))


class KeptPipe(unittest.TestCase):
    def test_its_roles_and_its_log_are_read(self):
        folder = tempfile.TemporaryDirectory(dir="/dev/shm")
        self.addCleanup(folder.cleanup)
        path = folder.name + "/pipe"
        os.mkfifo(path, 0o600)
        lay_down("pipe.v2.txt", path + ".roles")
        os.chmod(path + ".roles", 0o600)
        found = json.loads(annulus("stat", "pipe:" + path, "--json"))
        roles = [found["consumer"], *found["producers"]]
        self.assertEqual([(role["state"], role["pid"], role["incarnation"]) for role in roles],
                         [("closed", 23619, 1)] * 3)
        counters = [role["counters"] for role in roles]
        self.assertEqual([(one["messages"], one["bytes"], one["high_water"]) for one in counters],
                         [(6, 9010, 9288), (5, 10, 0), (1, 9000, 0)])
        self.assertEqual([(one["what"], one["role"], one.get("number"))
                          for one in found["audit_log"]],
                         [("attached", "consumer", None), ("attached", "producer", 0),
                          ("attached", "producer", 1), ("closed", "producer", 0),
                          ("closed", "consumer", None), ("closed", "producer", 1)])


class Format(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir="/dev/shm")
        self.addCleanup(folder.cleanup)
        self.path = folder.name + "/ring"
        self.name = "shm:" + self.path

    def ring(self, *options):
        annulus("create", self.name, "--capacity", "8KiB", *options)

    MESSAGES = [bytes([n % 251]) * (n % 90) for n in range(60)]

    def test_what_cpp_writes_is_read(self):
        for options in ((), ("--integrity", "crc32c")):
            self.ring(*options)
            annulus("send", self.name, "--frames", input=frames(self.MESSAGES))
            ring = format.Consumer(self.path)
            self.assertEqual([ring.read() for _ in self.MESSAGES], self.MESSAGES)
            self.assertIsNone(ring.read())
            ring.release()
            ring.leave(0)
            annulus("remove", self.name)

    def test_what_is_written_cpp_reads_over_many_laps(self):
        for options in ((), ("--integrity", "crc32c")):
            self.ring(*options)
            for _ in range(8):
                ring = format.Producer(self.path)
                self.assertTrue(all(ring.push(one) for one in self.MESSAGES))
                ring.leave(1)
                self.assertEqual(annulus("recv", self.name, "--frames"), frames(self.MESSAGES))
            annulus("fsck", self.name)
            annulus("remove", self.name)

    def test_a_full_ring_is_full_at_the_same_message(self):
        self.ring()
        ring = format.Producer(self.path)
        count = 0
        while ring.push(b"x" * 100):
            count += 1
        ring.leave(1)
        got = annulus("recv", self.name, "--frames")
        self.assertEqual(got, frames([b"x" * 100] * count))
        self.assertEqual(count, (8192 - 8) // ring.record_bytes(100))

    def test_damage_is_seen(self):
        self.ring("--integrity", "crc32c")
        annulus("send", self.name, "--frames", input=frames(self.MESSAGES))
        ring = format.Consumer(self.path)
        ring.read()
        ring.map[ring.at(ring.cursor) + 8] ^= 1
        with self.assertRaisesRegex(format.FormatError, "damaged payload"):
            ring.read()
        ring.map[ring.at(ring.cursor)] ^= 4
        with self.assertRaisesRegex(format.FormatError, "no good header"):
            ring.read()
        ring.map[16] ^= 1
        with self.assertRaisesRegex(format.FormatError, "checksum"):
            format.Ring(self.path)

    def test_attached_roles_exclude_each_other(self):
        self.ring()
        ring = format.Consumer(self.path)
        self.assertEqual(ring.presence(1), "never came")
        with self.assertRaisesRegex(format.FormatError, "held"):
            format.Consumer(self.path)
        done = subprocess.run([COMMAND, "recv", self.name], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 4, done)
        ring.leave(0)

    def test_a_segment_of_each_version_that_was_kept_is_read_or_refused(self):
        kept = sorted(file for file in os.listdir(GOLDEN) if file.startswith("ring"))
        self.assertIn(f"ring.v{format.VERSION}.txt", kept)
        for file in kept:
            lay_down(file, self.path)
            if file == f"ring.v{format.VERSION}.txt":
                self.assertEqual(annulus("recv", self.name, "--frames"), frames(self.MESSAGES))
            elif not file.startswith(f"ring.v{format.VERSION}."):
                done = subprocess.run([COMMAND, "recv", self.name], capture_output=True, timeout=60)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(b"version", done.stderr)

    def test_a_kept_segment_of_many_producers_is_read_and_what_the_dead_left_is_passed_over(self):
        lay_down(f"ring.v{format.VERSION}.many.txt", self.path)
        done = subprocess.run([COMMAND, "recv", self.name, "--frames"], capture_output=True,
                              timeout=60)
        self.assertIn(b"died without closing", done.stderr)
        self.assertEqual(done.stdout, frames([b"one", b"of one that dies", b"shortened!", b"",
                                              b"last"]))
        self.assertIn(b"claims of the dead skipped 1, stretches of damage skipped 0",
                      annulus("stat", self.name))


if __name__ == "__main__":
    unittest.main()
