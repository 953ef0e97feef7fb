"""How C is compiled where its bits count: the core's setup.py and build.py read it here.

Plain Python that imports nothing of the package, so that setup.py can run it before there is one.
"""

import os
import sys

#: These come after what the environment asks for in CFLAGS, CC or LDFLAGS, and so have the last
#: word: compilers take the last of those that contradict, and -O3 so ends an -Ofast. Most undo
#: options that change values; ctext/exact.h refuses what cannot be undone. No contraction, or the
#: bits would differ. No errno and no traps, or loops with square roots and selections would not be
#: vectorised; neither changes a result.
_ORDINARY = ["-O3", "-fno-fast-math", "-fno-unsafe-math-optimizations"]
#: Nothing for debuggers unless it is asked for: it is most of a module's size, and of the time.
_DEBUG = [] if "-g" in os.environ.get("CFLAGS", "").split() else ["-g0"]
_GNU = [
    *_ORDINARY, *_DEBUG, "-fno-associative-math", "-fno-reciprocal-math", "-fno-finite-math-only",
    "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
]  # fmt: skip

#: With -ffast-math in LDFLAGS or CFLAGS, compilers link a file that makes the thread that loads the
#: module flush subnormal numbers to zero. The last word is that they shall not. The libraries are
#: named on Linux even if nothing of them is called: auditwheel takes from that which platforms a
#: wheel is for.
_GNU_LINK = [*_ORDINARY]
if sys.platform == "linux":
    _GNU_LINK += ["-Wl,--no-as-needed", "-lm", "-lc"]

#: What compilers on Windows do by themselves is right, but for contraction: exact.h forbids it.
_WINDOWS = sys.platform == "win32"
COMPILE_ARGS = [] if _WINDOWS else _GNU
LINK_ARGS = [] if _WINDOWS else _GNU_LINK
