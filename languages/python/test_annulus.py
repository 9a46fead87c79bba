"""The Python package against itself and, through the command, against C++."""

import asyncio
import os
import signal
import subprocess
import threading
import unittest
import uuid

import annulus

COMMAND = os.environ["ANNULUS_COMMAND"]


class Channel(unittest.TestCase):
    schemes = ("shm", "pipe", "auto")

    def setUp(self):
        self.names = [f"{scheme}:test.python.{uuid.uuid4().hex}" for scheme in self.schemes]

    def tearDown(self):
        for name in self.names:
            try:
                annulus.remove(name, force=True)
            except annulus.OpenError:
                pass

    def test_messages_of_every_buffer_arrive_in_order(self):
        for name in self.names:
            with annulus.Producer(name) as tx, annulus.Consumer(name) as rx:
                sent = [b"one", bytearray(b"two"), memoryview(b"three"), b"", b"\0" * 1000]
                for one in sent:
                    tx.push(one, timeout=1)
                self.assertEqual(tx.push_batch(sent), len(sent))
                self.assertEqual([bytes(rx.read(1)) for _ in sent * 2],
                                 [bytes(one) for one in sent * 2])
                rx.release()
                with self.assertRaises(annulus.Empty):
                    rx.read()

    def test_a_claim_is_written_in_place_and_aborts_unless_committed(self):
        for name in self.names:
            with annulus.Producer(name) as tx, annulus.Consumer(name) as rx:
                with tx.claim(100) as claim:
                    claim.memory[:5] = b"place"
                    with self.assertRaises(annulus.NotPermitted):
                        tx.push(b"x")
                    claim.commit(5)
                with tx.claim(10):
                    pass
                with self.assertRaises(annulus.NotPermitted):
                    claim.commit()
                self.assertEqual(bytes(rx.read()), b"place")
                with self.assertRaises(annulus.Empty):
                    rx.read()

    def test_a_view_ends_at_release_and_slices_of_it_forbid_that(self):
        for name in self.names:
            with annulus.Producer(name) as tx, annulus.Consumer(name) as rx:
                tx.push(b"abcdef")
                view = rx.read()
                with self.assertRaises(TypeError):
                    view[0] = 1
                part = view[1:3]
                with self.assertRaises(BufferError):
                    rx.release()
                part.release()
                rx.release()
                with self.assertRaises(ValueError):
                    bytes(view)

    def test_a_slice_of_a_claim_forbids_its_end(self):
        for name in self.names:
            with annulus.Producer(name) as tx, annulus.Consumer(name) as rx:
                claim = tx.claim(10)
                part = claim.memory[:3]
                part[:] = b"abc"
                for end in (claim.commit, claim.abort, tx.close):
                    with self.assertRaises(BufferError):
                        end()
                part.release()
                claim.commit(3)
                self.assertEqual(bytes(rx.read()), b"abc")

    def test_a_claim_ends_with_its_role(self):
        for name in self.names:
            with annulus.Producer(name) as tx:
                claim = tx.claim(10)
            with self.assertRaises(ValueError):
                claim.memory[0] = 1
            with self.assertRaises(annulus.NotPermitted):
                claim.commit()

    def test_sizes_that_no_message_has_are_refused(self):
        for name in self.names:
            with annulus.Producer(name) as tx:
                for size in (-1, tx.max_message + 1, 2**64 + 5):
                    with self.assertRaises(annulus.NeverFits):
                        tx.claim(size)
                    with self.assertRaises(annulus.NeverFits):
                        tx.claim(10).commit(size)
                tx.push(b"no claim is left open")

    def test_a_signal_ends_a_wait_by_its_exception(self):
        for name in self.names:
            with annulus.Consumer(name) as rx:
                signal.signal(signal.SIGALRM, lambda *_: 1 // 0)
                signal.setitimer(signal.ITIMER_REAL, 0.01)
                with self.assertRaises(ZeroDivisionError):
                    rx.read(timeout=None)

    def test_refusals_are_exceptions_of_their_own(self):
        with self.assertRaisesRegex(annulus.OpenError, "nowhere"):
            annulus.Producer("nowhere:x")
        for call in (annulus.Producer, annulus.Consumer, annulus.remove):
            with self.assertRaises(ValueError):
                call("shm:x\0y")
        for name in self.names:
            with self.assertRaises(annulus.OpenError) as missing:
                annulus.Consumer(name + "?create=no")
            self.assertEqual(missing.exception.fault, "not_found")
            with annulus.Producer(name) as tx, annulus.Consumer(name) as rx:
                with self.assertRaises(annulus.OpenError) as taken:
                    annulus.Consumer(name)
                self.assertEqual(taken.exception.fault, "in_use")
                with self.assertRaises(annulus.NeverFits):
                    tx.claim(tx.max_message + 1)
                with self.assertRaises(annulus.TimedOut):
                    rx.read(timeout=0.001)
                with self.assertRaises(TimeoutError):
                    rx.wait(timeout=0.001)
                self.assertEqual(tx.peer(), annulus.ATTACHED)
            with self.assertRaises(annulus.NotPermitted):
                tx.push(b"x")

    def test_another_thread_ends_a_wait(self):
        for name in self.names:
            with annulus.Consumer(name) as rx:
                thread = threading.Thread(target=rx.interrupt)
                thread.start()
                with self.assertRaises(annulus.Interrupted):
                    rx.read(timeout=None)
                thread.join()

    def test_asyncio_reads_while_the_loop_goes_on_and_cancels(self):
        async def run(name):
            with annulus.Producer(name) as tx, annulus.Consumer(name) as rx:
                reading = asyncio.create_task(rx.read_async())
                await asyncio.sleep(0)
                await tx.push_async(b"hello")
                self.assertEqual(bytes(await reading), b"hello")
                waiting = asyncio.create_task(rx.read_async())
                await asyncio.sleep(0)
                waiting.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await waiting
                tx.push(b"after")
                tx.close()
                self.assertEqual([bytes(one) async for one in rx], [b"after"])

        for name in self.names:
            asyncio.run(run(name))

    def test_a_task_that_is_cancelled_too_late_interrupts_nothing_else(self):
        async def run(name):
            with annulus.Producer(name) as tx, annulus.Consumer(name) as rx:
                done = threading.Event()
                wait = rx.wait
                rx.wait = lambda timeout: (wait(timeout), done.set())
                reading = asyncio.create_task(rx.read_async())
                await asyncio.sleep(0)
                tx.push(b"hello")
                done.wait()  # the loop has not heard of it
                reading.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await reading
                self.assertEqual(bytes(rx.read()), b"hello")
                with self.assertRaises(annulus.TimedOut):
                    rx.read(timeout=0.01)
                rx.interrupt()
                with self.assertRaises(annulus.Interrupted):
                    rx.read(timeout=None)

        for name in self.names:
            asyncio.run(run(name))

    SENT = [os.urandom(n % 300) for n in range(2000)]
    FRAMES = b"".join(len(one).to_bytes(4, "little") + one for one in SENT)

    def test_what_cpp_sends_is_read(self):
        for name in self.names:
            with subprocess.Popen([COMMAND, "send", name, "--frames"],
                                  stdin=subprocess.PIPE) as sender:
                writing = threading.Thread(target=sender.communicate, args=(self.FRAMES,))
                writing.start()
                with annulus.Consumer(name) as rx:
                    self.assertEqual([bytes(one) for one in rx], self.SENT)
                writing.join()
            self.assertEqual(sender.returncode, 0)

    def test_what_is_sent_cpp_reads(self):
        for name in self.names:
            with annulus.Producer(name) as tx, \
                 subprocess.Popen([COMMAND, "recv", name, "--frames"],
                                  stdout=subprocess.PIPE) as receiver:
                received = []
                reading = threading.Thread(target=lambda out=receiver, into=received:
                                           into.append(out.communicate()[0]))
                reading.start()
                while tx.peer() != annulus.ATTACHED:  # a pipe keeps only what somebody has open
                    self.assertIsNone(receiver.poll())
                for one in self.SENT:
                    tx.push(one, timeout=30)
                tx.close()
                reading.join()
            self.assertEqual((received[0], receiver.returncode), (self.FRAMES, 0))

    def test_a_killed_producer_loses_nothing_that_was_sent(self):
        for name in self.names:
            with annulus.Consumer(name) as rx:
                child = os.fork()
                if child == 0:
                    tx = annulus.Producer(name)
                    for n in range(1000):
                        tx.push(n.to_bytes(4, "little"), timeout=10)
                    tx.claim(10)
                    os.kill(os.getpid(), signal.SIGKILL)
                for n in range(1000):
                    self.assertEqual(int.from_bytes(rx.read(30), "little"), n)
                    rx.release()
                with self.assertRaises(annulus.PeerGone):
                    rx.read(timeout=None)
                os.waitpid(child, 0)

    def test_a_wait_on_a_channel_whose_name_is_gone_ends(self):
        for name in self.names:
            with annulus.Consumer(name) as rx:
                annulus.remove(name, force=True)
                with self.assertRaises(annulus.Removed):
                    rx.read(timeout=None)

    def test_in_a_child_of_fork_a_role_does_nothing(self):
        for name in self.names:
            with annulus.Producer(name) as tx, annulus.Consumer(name) as rx:
                child = os.fork()
                if child == 0:
                    try:
                        tx.push(b"x")
                    except annulus.NotPermitted:
                        tx.close()
                        os._exit(0)
                    os._exit(1)
                self.assertEqual(os.waitpid(child, 0)[1], 0)
                tx.push(b"y")
                self.assertEqual(bytes(rx.read()), b"y")


if __name__ == "__main__":
    unittest.main()
