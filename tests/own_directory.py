"""A directory in memory that goes when its program ends, however it ends: killed, or past its time.

own_directory.hpp is the same for test programs in C++.
"""

import os
import shutil
import tempfile


def own_directory(prefix):
    at = tempfile.mkdtemp(prefix=prefix, dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    # Its end: nobody writes there, and no program that this one runs inherits it.
    ended, kept_open = os.pipe()
    between = os.fork()
    if between == 0:
        # An orphan in a session of its own, its streams too: what ends the program leaves it alone.
        os.setsid()
        if os.fork() == 0:
            os.close(kept_open)
            clear_after(ended, at)
        os._exit(0)
    os.waitpid(between, 0)
    os.close(ended)
    return at


def clear_after(ended, at):
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        os.read(ended, 1)
        shutil.rmtree(at, ignore_errors=True)
    finally:
        os._exit(0)
