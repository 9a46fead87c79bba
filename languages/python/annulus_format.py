#!/usr/bin/env python3
"""A second implementation of the ring's format (docs/format.md), for people who debug.

    annulus_format.py show FILE         the geometry, the positions, who is attached
    annulus_format.py read FILE         releases and prints what is unread, as a consumer of one
                                        producer's ring; each message as Python's repr
    annulus_format.py write FILE TEXT...    sends messages, as a lone producer

It needs nothing but Python. It never waits and wakes nobody: a sleeping peer looks by itself when
its nap ends. One process writes each word, and a store of eight aligned bytes is one store on
x86-64; where memory is ordered more weakly, this is for rings at rest.
"""

import fcntl
import mmap
import os
import struct
import sys
import time

MAGIC, VERSION = b"annulus\0", 2
SPSC, MPSC = 1, 2
GEOMETRY = struct.Struct("<8sII QQQQ II QQQQ q i III".replace(" ", ""))
FIELDS = ("magic version topology capacity max_message first_pos key producers integrity "
          "control_offset producers_offset data_offset segment_bytes created_at created_by "
          "transient huge_pages checksum").split()
BUSY, COMMITTED, ABORTED = 1, 2, 3
MASK = 2**64 - 1
FIRST_LOCK, OFD_SETLK, OFD_GETLK = 1 << 61, 37, 36


class FormatError(Exception):
    """The file is no ring of this version, or is damaged."""


def make_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = make_table()


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def header(state, count, pos, key, producer=0):
    """A record's header word."""
    body = count << 2 | state
    check = (((pos ^ key) + body & MASK) * 0x9E3779B97F4A7C15 & MASK) >> 42
    return body | (check ^ producer) << 42


class Ring:
    def __init__(self, path):
        self.file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        raw = os.pread(self.file, GEOMETRY.size, 0)
        if len(raw) < GEOMETRY.size or raw[:8] != MAGIC:
            raise FormatError(f"{path}: no annulus segment")
        for name, value in zip(FIELDS, GEOMETRY.unpack(raw)):
            setattr(self, name, value)
        if self.version != VERSION:
            raise FormatError(f"{path}: version {self.version}, this reads {VERSION}")
        if self.checksum != crc32c(raw[:-4]):
            raise FormatError(f"{path}: the geometry's checksum is wrong")
        if os.fstat(self.file).st_size < self.segment_bytes:
            raise FormatError(f"{path}: cut short")
        self.trailer = 4 if self.integrity else 0
        self.map = mmap.mmap(self.file, self.segment_bytes)
        self.words = memoryview(self.map).cast("Q")
        control = self.control_offset
        self.read_pos, self.releasing = control, control + 8  # where these words stand
        self.freed, self.write_pos = control + 128, control + 256
        self.roll = control + 516
        self.consumer_role = control + 16

    def role(self, number):
        """Where a role's words stand: 0 the consumer, 1 + i producer i."""
        if number == 0:
            return self.consumer_role
        return self.producers_offset + 128 * (number - 1) + 8

    def load(self, at):
        return self.words[at // 8]

    def store(self, at, value):
        self.words[at // 8] = value & MASK

    def at(self, pos):
        """Where the word at a position stands."""
        return self.data_offset + (pos & self.capacity - 8)

    def record_bytes(self, count):
        return 8 + count + self.trailer + 7 & ~7

    def crc(self, pos, payload):
        return crc32c(struct.pack("<QQ", pos ^ self.key, len(payload)) + payload)

    def attach(self, number):
        """Takes a role: its lock, then its owner word."""
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, FIRST_LOCK + number, 1, 0)
        try:
            fcntl.fcntl(self.file, OFD_SETLK, lock)
        except OSError:
            raise FormatError(f"role {number} is held by a live process") from None
        role = self.role(number)
        owner = self.load(role)
        state = 3 if owner & 3 in (1, 3) else 1  # after one that died, or not
        self.store(role, (owner >> 2) + 1 << 2 | state)
        self.store(role + 8, int(time.time()))
        struct.pack_into("<II", self.map, role + 16, os.getpid(), os.geteuid())
        if number:
            self.call_the_roll()

    def leave(self, number):
        self.store(self.role(number), self.load(self.role(number)) & ~3 | 2)
        if number:
            self.call_the_roll()
        self.words.release()
        self.map.close()  # it has a descriptor of its own, which keeps the lock
        os.close(self.file)

    def call_the_roll(self):
        roll, = struct.unpack_from("<I", self.map, self.roll)
        struct.pack_into("<I", self.map, self.roll, roll + 1 & 0xFFFFFFFF)

    def presence(self, number):
        owner = self.load(self.role(number))
        if owner & 3 in (0, 2):
            return "closed" if owner & 3 else "never came"
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, FIRST_LOCK + number, 1, 0)
        kind = struct.unpack_from("h", fcntl.fcntl(self.file, OFD_GETLK, lock))[0]
        return "died" if kind == fcntl.F_UNLCK else "attached"


class Producer(Ring):
    """The lone producer of a ring."""

    def __init__(self, path):
        super().__init__(path)
        if self.topology != SPSC:
            raise FormatError("only rings of one producer are written")
        self.attach(1)
        freed = self.load(self.freed)
        read, written = self.load(self.read_pos), self.load(self.write_pos)
        self.end = read if (read - written & MASK) <= self.capacity else written
        while True:  # what a predecessor committed, and died before it could say so
            word = self.load(self.at(self.end))
            count = (word & (1 << 42) - 1) >> 2
            if count > self.max_message or word != header(COMMITTED, count, self.end, self.key):
                break
            self.end = self.end + self.record_bytes(count) & MASK
            if self.end - freed & MASK > self.capacity:
                raise FormatError("the records reach further than the ring")
        self.store(self.at(self.end), 0)
        self.store(self.write_pos, self.end)

    def push(self, payload):
        """Whether there was room."""
        if len(payload) > self.max_message:
            raise ValueError(f"at most {self.max_message} bytes")
        size = self.record_bytes(len(payload))
        if (self.end + size + 8 - self.load(self.freed) & MASK) > self.capacity:
            return False
        at = self.at(self.end)
        self.map[at + 8:at + 8 + len(payload)] = payload
        if self.trailer:
            struct.pack_into("<I", self.map, at + 8 + len(payload), self.crc(self.end, payload))
        self.store(self.at(self.end + size), 0)  # the terminator, before the commit
        self.store(at, header(COMMITTED, len(payload), self.end, self.key))
        self.end = self.end + size & MASK
        self.store(self.write_pos, self.end)
        return True


class Consumer(Ring):
    """The consumer of a ring of one producer."""

    def __init__(self, path):
        super().__init__(path)
        if self.topology != SPSC:
            raise FormatError("only rings of one producer are read")
        self.attach(0)
        self.cursor = self.load(self.read_pos)
        self.store(self.freed, self.cursor)

    def read(self):
        """The next message, or None. It raises on damage, and does not look further."""
        at = self.at(self.cursor)
        word = self.load(at)
        count = (word & (1 << 42) - 1) >> 2
        if count > self.max_message or word != header(COMMITTED, count, self.cursor, self.key):
            if word and (self.load(self.write_pos) - self.cursor & MASK) <= self.capacity:
                raise FormatError(f"no good header at {self.cursor}: {word:#x}")
            return None
        payload = bytes(self.map[at + 8:at + 8 + count])
        if self.trailer:
            stored, = struct.unpack_from("<I", self.map, at + 8 + count)
            if stored != self.crc(self.cursor, payload):
                raise FormatError(f"a damaged payload at {self.cursor}")
        self.cursor = self.cursor + self.record_bytes(count) & MASK
        return payload

    def release(self):
        self.store(self.read_pos, self.cursor)
        self.store(self.freed, self.cursor)


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in ("show", "read", "write"):
        print(__doc__)
        return 2
    what, path, *rest = arguments
    try:
        if what == "show":
            ring = Ring(path)
            for name in FIELDS[1:]:
                print(f"{name:17}{getattr(ring, name)}")
            for name in ("read_pos", "freed", "write_pos"):
                print(f"{name:17}{ring.load(getattr(ring, name))}")
            for number in range(1 + ring.producers):
                name = f"producer {number - 1}" if number else "consumer"
                print(f"{name:17}{ring.presence(number)}")
        elif what == "read":
            ring = Consumer(path)
            while (message := ring.read()) is not None:
                print(repr(message))
                ring.release()
            ring.leave(0)
        else:
            ring = Producer(path)
            for text in rest:
                if not ring.push(text.encode()):
                    print("full", file=sys.stderr)
                    return 8
            ring.leave(1)
    except (FormatError, OSError) as why:
        print(why, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
