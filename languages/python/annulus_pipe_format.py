"""The frames of a pipe and the geometry of its roles file, as docs/format.md tells them.

For people who debug: it attaches no role, and what it takes out of the FIFO the consumer misses.
"""

import struct

MASK = (1 << 64) - 1
GEOMETRY = struct.Struct("<8sIIQQQIIqiI")
HEADER = struct.Struct("<IIHHHHQQ")
BLOCK = 4096


def mixed(key, pieces):
    value = key
    for piece in pieces:
        value = ((value ^ piece) * 0xD6E8FEB86659FD93) & MASK
        value ^= value >> 32
    return (value * 0x9E3779B97F4A7C15) & MASK


class Pipe:
    """What the roles file says of a pipe."""

    def __init__(self, path):
        with open(path + ".roles", "rb") as file:
            page = file.read(BLOCK)
        (magic, self.version, self.producers, self.capacity, self.max_message, self.key, self.mode,
         *_) = GEOMETRY.unpack_from(page)
        if magic != b"annpipe\0" or self.version != 2:
            raise ValueError(f"{path}: no pipe of version 2")
        if mixed(0, struct.unpack_from("<8Q", page)) != struct.unpack_from("<Q", page, 64)[0]:
            raise ValueError(f"{path}: the geometry's checksum is wrong")

    def check(self, incarnation, size, payload, producer, last, sequence, offset):
        sizes = size | payload << 16 | producer << 32 | last << 48
        return mixed(self.key, (incarnation, sizes, sequence, offset)) >> 32

    def frames_of(self, message, sequence, producer=0, incarnation=1):
        """The frames that a message is written as."""
        most, out = BLOCK - HEADER.size, []
        for offset in range(0, max(len(message), 1), most):
            part = message[offset:offset + most]
            size = (HEADER.size + len(part) + 7) // 8 * 8
            last = int(offset + len(part) == len(message))
            words = (incarnation, size, len(part), producer, last, sequence, offset)
            out.append((HEADER.pack(self.check(*words), *words) + part).ljust(size, b"\0"))
        return out

    def messages_in(self, data):
        """(producer, sequence, message) of each whole one; other bytes are passed over."""
        at, parts = 0, {}
        while at + HEADER.size <= len(data):
            check, *words = HEADER.unpack_from(data, at)
            incarnation, size, payload, producer, last, sequence, offset = words
            if check != self.check(*words) or at + size > len(data):
                at += 8
                continue
            part = data[at + HEADER.size:at + HEADER.size + payload]
            whole = (parts.get(producer, b"") if offset else b"") + part
            parts[producer] = whole
            if last:
                yield producer, sequence, parts.pop(producer)
            at += size
