#!/usr/bin/env python3
"""Makes the checker's copy of the packaged Relacy headers.   patch.py FROM TO

Five edits, each of which must apply exactly once; README.md says what they are for.
"""

import shutil
import sys
from pathlib import Path

EDITS = [
    ("defs.hpp", "a load may be as stale as the history is long",
     "size_t const atomic_history_size = 3;",
     "size_t const atomic_history_size = 8;"),
    ("thread.hpp", "the same in the full and the bounded search",
     "size_t const limit = c.is_random_sched() ? atomic_history_size  - 1: 1;",
     "size_t const limit = atomic_history_size - 1;"),
    ("thread.hpp", "only read-modify-writes continue a release sequence (C++20, P0982)",
     "prev.busy_ && (rmw || (index_ == prev.thread_id_));",
     "prev.busy_ && rmw;"),
    ("context_base.hpp", "a system-wide fence reaches those who asked for it",
     "virtual void rl_global_fence() = 0;",
     "virtual void rl_global_fence() = 0;\n    unsigned fence_reaches_ = ~0u;  // a bit for each "
     "thread"),
    ("context.hpp", "the same",
     "                threads_[i].acq_rel_order_[j] = max_acq_rel;",
     "                if ((this->fence_reaches_ >> i & this->fence_reaches_ >> j & 1) != 0)\n"
     "                    threads_[i].acq_rel_order_[j] = max_acq_rel;"),
]


def main():
    source, target = map(Path, sys.argv[1:])
    if not (source / "relacy.hpp").is_file():
        sys.exit(f"models: no Relacy headers in {source}; on Debian: apt-get install relacy-dev")
    shutil.copytree(source, target, dirs_exist_ok=True)
    for name, purpose, old, new in EDITS:
        path = target / name
        text = path.read_text()
        if text.count(old) != 1:
            sys.exit(f"models: this Relacy is not the one that models/ knows: in {path} the edit "
                     f"'{purpose}' does not apply. The search would miss behaviours of C++20.")
        path.write_text(text.replace(old, new))


if __name__ == "__main__":
    main()
