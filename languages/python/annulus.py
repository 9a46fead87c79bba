"""Messages between processes through shared memory, or a named pipe.

    import annulus

    with annulus.Producer("shm:orders") as tx:
        tx.push(b"one", timeout=1.0)
        with tx.claim(256) as claim:              # written in place
            claim.memory[:3] = b"two"
            claim.commit(3)

    with annulus.Consumer("shm:orders") as rx:
        for message in rx:                        # in place; ends when the producers close
            handle(message)

Names      as of the library: shm:NAME, pipe:NAME or auto:NAME, options behind a '?'
Timeouts   seconds; 0: never waits (the default); None: waits without a deadline. A signal's handler
           runs within 0.1 s while a consumer waits, and after the call while a producer does
Threads    a role is used by one thread at a time; any thread may call its interrupt().
           A wait holds no interpreter lock
Processes  a role belongs to the process that opened it: in a child of fork(), calls raise
           NotPermitted
Errors     each refusal is an exception of its own under annulus.Error

The library is libannulus.so.0, found by the loader, or at the path in ANNULUS_LIBRARY.
"""

import asyncio
import ctypes
import os
import sys
import time
import weakref

__all__ = ["Producer", "Consumer", "Claim", "remove", "version", "Error", "OpenError", "Full",
           "Empty", "NeverFits", "Closed", "PeerGone", "Stalled", "Corrupt", "NotPermitted",
           "TimedOut", "Interrupted", "Removed", "NoMemory",
           "NEVER_CAME", "ATTACHED", "LEFT", "DIED"]

NEVER_CAME, ATTACHED, LEFT, DIED = range(4)  # what peer() answers


class Error(Exception):
    """A call was refused."""


class Full(Error):
    """No room now."""


class Empty(Error):
    """No message now."""


class NeverFits(Error):
    """The message is larger than max_message: no waiting will help."""


class Closed(Error):
    """The other side closed, and there is no room, or everything was read."""


class PeerGone(Error):
    """The other side died without closing, and there is no room, or everything was read."""


class Stalled(Error):
    """A live producer has claimed and not yet committed."""


class Corrupt(Error):
    """Damaged records were skipped, or a position makes no sense. The next call goes on."""


class NotPermitted(Error):
    """The role is closed, belongs to another process, or has an open claim."""


class TimedOut(Error, TimeoutError):
    """The timeout has passed."""


class Interrupted(Error):
    """interrupt() ended the wait."""


class Removed(Error):
    """The channel's name is gone: nobody else comes."""


class NoMemory(Error, MemoryError):
    """The ring took no memory when it was made, and there is none now."""


class OpenError(Error, OSError):
    """A channel could not be opened or removed. `fault` is the reason as a word."""

    FAULTS = ("bad_argument", "not_found", "already_exists", "in_use", "no_permission",
              "no_space", "not_a_channel", "incompatible", "damaged", "system")

    def __init__(self, why):
        super().__init__(why.text.decode(errors="replace"))
        self.fault = self.FAULTS[why.fault] if why.fault < len(self.FAULTS) else "system"


_REFUSALS = (None, Full, Empty, NeverFits, Closed, PeerGone, Stalled, Corrupt, NotPermitted,
             TimedOut, Interrupted, Removed, NoMemory)


class _Why(ctypes.Structure):
    _fields_ = [("fault", ctypes.c_int), ("text", ctypes.c_char * 1024)]


class _Bytes(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("count", ctypes.c_size_t)]


def _load():
    library = ctypes.CDLL(os.environ.get("ANNULUS_LIBRARY", "libannulus.so.0"))
    role, text, size, wait, why = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t,
                                   ctypes.c_int64, ctypes.POINTER(_Why))
    status = ctypes.c_int
    for name, result, *arguments in (
            ("version", text), ("text", text, status),
            ("open_producer", role, text, why), ("close_producer", None, role),
            ("push", status, role, ctypes.c_void_p, size, wait),
            ("push_or_drop", status, role, ctypes.c_void_p, size),
            ("push_batch", status, role, ctypes.POINTER(_Bytes), size, wait,
             ctypes.POINTER(size)),
            ("claim", status, role, size, wait, ctypes.POINTER(ctypes.c_void_p)),
            ("commit", status, role, size), ("abort", status, role),
            ("producer_max_message", size, role), ("producer_peer", status, role),
            ("interrupt_producer", None, role),
            ("open_consumer", role, text, why), ("close_consumer", None, role),
            ("read", status, role, wait, ctypes.POINTER(_Bytes)), ("release", status, role),
            ("wait", status, role, wait), ("consumer_max_message", size, role),
            ("consumer_peer", status, role), ("interrupt_consumer", None, role),
            ("remove", ctypes.c_bool, text, ctypes.c_bool, why)):
        function = getattr(library, "annulus_" + name)
        function.restype, function.argtypes = result, arguments
    return library


_library = _load()


def _nanoseconds(timeout):
    if timeout is None:
        return -1
    return int(min(max(timeout * 1e9, 0), 2**62))


_TIMED_OUT, _INTERRUPTED = 9, 10
_SLICE = 0.1  # seconds


def _sliced(timeout, call):
    """Makes a call that takes nanoseconds and answers a status. A signal's handler runs between two
    calls, never within one: so none waits for long. Not for a push: a long message that is cut into
    frames begins anew with each call."""
    if timeout is not None and timeout <= 0:
        return call(0)
    until = time.monotonic() + (float("inf") if timeout is None else timeout)
    while True:
        status = call(max(_nanoseconds(min(until - time.monotonic(), _SLICE)), 1))
        if status != _TIMED_OUT or time.monotonic() >= until:
            return status


def _check(status):
    if status == 0:
        return
    refusal = _REFUSALS[status] if status < len(_REFUSALS) else Error
    raise refusal(_library.annulus_text(status).decode())


def _address(data):
    """The address and size of an object's bytes, and what keeps them in place."""
    view = memoryview(data).cast("B")
    if view.readonly:
        held = bytes(view)
        return ctypes.cast(ctypes.c_char_p(held), ctypes.c_void_p), len(held), held
    held = (ctypes.c_char * len(view)).from_buffer(view)
    return ctypes.cast(held, ctypes.c_void_p), len(view), held


class _InPlace:
    """Memory of the channel, as a view that ends."""

    def __init__(self, address, count):
        array = (ctypes.c_ubyte * count).from_address(address or 0)
        self.view = memoryview(array).cast("B")
        self._array = weakref.ref(array)

    def end(self):
        """Raises BufferError while a slice of the view, or an array over it, is still there."""
        self.view.release()
        if self._array() is not None:  # what was made of the view keeps the array
            raise BufferError("a part of a message in place is still in use")


def _size(count):
    """As a size_t. ctypes would cut the upper bits off a number that is too large."""
    return min(count, sys.maxsize)


def _encoded(name):
    encoded = os.fsencode(name)
    if b"\0" in encoded:
        raise ValueError("a channel's name with a NUL")
    return encoded


def version():
    """The version of the library."""
    return _library.annulus_version().decode()


def remove(name, *, force=False):
    """Removes a channel with its files. In use: raises OpenError, unless forced."""
    why = _Why()
    if not _library.annulus_remove(_encoded(name), force, why):
        raise OpenError(why)


class _Role:
    _kind = None  # producer or consumer
    _is_stale = False  # an interrupt is left of a task whose wait had ended before its cancellation

    def __init__(self, name):
        self._role = None
        why = _Why()
        self._role = getattr(_library, f"annulus_open_{self._kind}")(_encoded(name), why)
        if self._role is None:
            raise OpenError(why)
        self._close = getattr(_library, f"annulus_close_{self._kind}")
        self._interrupt = getattr(_library, f"annulus_interrupt_{self._kind}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        self.close()

    def close(self):
        """Says that no more will come, and gives the role back. Again: does nothing."""
        role, self._role = self._role, None
        if role is not None:
            self._close(role)

    def interrupt(self):
        """Ends the wait that runs in this role, or else the next one. From any thread.

        Requires: the role is not closed meanwhile.
        """
        if self._role is not None:
            self._is_stale = False
            self._interrupt(self._role)

    def _waiting(self, call):
        """Makes a call that may wait, and again if only a stale interrupt ended it."""
        status = call()
        if status == _INTERRUPTED and self._is_stale:
            self._is_stale = False
            status = call()
        return status

    @property
    def max_message(self):
        """The most that one message can hold, bytes."""
        return getattr(_library, f"annulus_{self._kind}_max_message")(self._role)

    def peer(self):
        """NEVER_CAME, ATTACHED, LEFT (by closing) or DIED. Asks the kernel."""
        return getattr(_library, f"annulus_{self._kind}_peer")(self._role)

    async def _without_blocking(self, call):
        """Runs a waiting call on another thread; a cancelled task ends the wait."""
        running = asyncio.get_running_loop().run_in_executor(None, call)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self.interrupt()
            await asyncio.wait([running])
            self._is_stale = not isinstance(running.exception(), Interrupted)
            raise


class Claim:
    """Space for one message. Leaving the `with` block without commit() aborts it.

    Raises BufferError, and stays open, while a slice of its memory is still there at its end.
    """

    def __init__(self, role, address, count):
        self._in_place, self._count = _InPlace(address, count), count
        self._role, role._claim = role, self
        self.memory = self._in_place.view

    def _end(self, call, *arguments):
        role = self._role
        if role is None:
            raise NotPermitted("the claim has ended")
        self._in_place.end()
        self._role = role._claim = None
        _check(call(role._role, *arguments))

    def commit(self, count=None):
        """Sends the first `count` bytes, or all. More than were claimed: aborts, and raises."""
        self._end(_library.annulus_commit, self._count if count is None else _size(count))

    def abort(self):
        """Gives the space up."""
        self._end(_library.annulus_abort)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._role is not None:
            self.abort()


class Producer(_Role):
    """A producer of a channel. The channel is made if it does not exist."""

    _kind = "producer"
    _claim = None  # the open one

    def push(self, data, timeout=0):
        """Sends one message: any object with the buffer protocol."""
        address, count, _held = _address(data)
        _check(self._waiting(lambda: _library.annulus_push(self._role, address, count,
                                                           _nanoseconds(timeout))))

    def push_or_drop(self, data):
        """Sends one message, or drops and counts it. Returns whether it was sent."""
        address, count, _held = _address(data)
        status = _library.annulus_push_or_drop(self._role, address, count)
        if status != 1:
            _check(status)
        return status == 0

    def push_batch(self, messages, timeout=0):
        """Sends messages in order, and returns how many were taken: with a timeout of 0, those
        that fit."""
        held = [_address(one) for one in messages]
        many = (_Bytes * len(held))(*[_Bytes(address, count) for address, count, _ in held])
        taken = ctypes.c_size_t(0)
        status = _library.annulus_push_batch(self._role, many, len(held), _nanoseconds(timeout),
                                             taken)
        if taken.value == 0 and held:
            _check(status)
        return taken.value

    def claim(self, count, timeout=0):
        """Space for a message of `count` bytes, to be written in place."""
        at = ctypes.c_void_p()
        _check(_library.annulus_claim(self._role, _size(count), _nanoseconds(timeout), at))
        return Claim(self, at.value, count)

    def close(self):
        """Says that no more will come, and gives the role back. An open claim is aborted."""
        if self._claim is not None:
            self._claim.abort()
        super().close()

    async def push_async(self, data, timeout=None):
        """push() that leaves the event loop free."""
        await self._without_blocking(lambda: self.push(data, timeout))


class Consumer(_Role):
    """The consumer of a channel. The channel is made if it does not exist."""

    _kind = "consumer"

    def __init__(self, name):
        self._read = []  # what was read, in place
        super().__init__(name)

    def read(self, timeout=0):
        """The next message in place: a memoryview that ends at release()."""
        got = _Bytes()
        _check(self._sliced(timeout, lambda wait: _library.annulus_read(self._role, wait, got)))
        message = _InPlace(got.data, got.count)
        message.view = message.view.toreadonly()
        self._read.append(message)
        return message.view

    def release(self):
        """Hands back the space of everything that was read; the views end.

        Raises BufferError, and hands nothing back, while a slice of a view, or an array over it,
        is still there.
        """
        self._end_views()
        if self._role is not None:
            _library.annulus_release(self._role)

    def _end_views(self):
        while self._read:
            self._read[-1].end()
            self._read.pop()

    def wait(self, timeout=None):
        """Waits until there is a message."""
        _check(self._sliced(timeout, lambda wait: _library.annulus_wait(self._role, wait)))

    def _sliced(self, timeout, call):
        return self._waiting(lambda: _sliced(timeout, call))

    async def read_async(self, timeout=None):
        """read() that leaves the event loop free."""
        await self._without_blocking(lambda: self.wait(timeout))
        return self.read()

    def __iter__(self):
        """Messages until the producers close. Each ends when the next is asked for."""
        while True:
            self.release()
            try:
                yield self.read(timeout=None)
            except Closed:
                return

    async def __aiter__(self):
        while True:
            self.release()
            try:
                yield await self.read_async()
            except Closed:
                return

    def close(self):
        """Gives the role back; its views end, as at release(). What was not released comes again to
        the next consumer."""
        if self._role is not None:
            self._end_views()
        super().close()
