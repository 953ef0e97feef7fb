"""How C is compiled where its bits count: the core's setup.py and build.py read it here.

Plain Python that imports nothing of the package, so that setup.py can run it before there is one.
Which compiler it is decides, and not the system: GCC and clang are on Windows too.
"""

import functools
import os
import subprocess
import sys

from setuptools.command.build_ext import build_ext

#: These come after what the environment asks for in CFLAGS, CC or LDFLAGS, and so have the last
#: word: compilers take the last of those that contradict, and -O3 so ends an -Ofast. Most undo
#: options that change values; ctext/exact.h refuses what cannot be undone. No contraction, or the
#: bits would differ. No errno and no traps, or loops with square roots and selections would not be
#: vectorised; neither changes a result. By the second of both that are about traps, clang is
#: told that the third option did not mean them: it warns otherwise.
_ORDINARY = ["-O3", "-fno-fast-math", "-fno-unsafe-math-optimizations"]
#: Nothing for debuggers unless it is asked for: it is most of a module's size, and of the time.
_DEBUG = [] if "-g" in os.environ.get("CFLAGS", "").split() else ["-g0"]
_GNU = [
    *_ORDINARY, *_DEBUG, "-fno-associative-math", "-fno-reciprocal-math", "-fno-finite-math-only",
    "-ffp-contract=off", "-fno-math-errno", "-ftrapping-math", "-fno-trapping-math",
]  # fmt: skip

#: With -ffast-math in LDFLAGS or CFLAGS, compilers link a file that makes the thread that loads the
#: module flush subnormal numbers to zero. The last word is that they shall not. The libraries are
#: named on Linux even if nothing of them is called: auditwheel takes from that which platforms a
#: wheel is for.
_GNU_LINK = [*_ORDINARY]
if sys.platform == "linux":
    _GNU_LINK += ["-Wl,--no-as-needed", "-lm", "-lc"]

#: Contraction is what exact.h forbids. The pool takes the atomic types of C11.
_MSVC = ["/O2", "/fp:precise", "/std:c11", "/experimental:c11atomics"]

#: Those of GCC and clang.
COMPILE_ARGS, LINK_ARGS = _GNU, _GNU_LINK
#: For rules besides, by compilers that have it. GCC moves products of what is selected into the
#: branches of the selection, and then cannot make vectors of the loop: Rprop takes seven times as
#: long. Clang does no such thing, and has no such option.
RULE_ARGS = ["-fno-tree-pre"]


class BuildExact(build_ext):
    """Setuptools' command, with the options of the compiler that it has found."""

    #: A header that comes before each C file, and what GCC and clang are told besides.
    included = ""
    besides: tuple[str, ...] = ()

    def build_extensions(self) -> None:
        """Compile all modules."""
        msvc = self.compiler.compiler_type == "msvc"
        for extension in self.extensions:
            if self.included:
                first = [f"/FI{self.included}"] if msvc else ["-include", self.included]
                extension.extra_compile_args += first
            extension.extra_compile_args += _MSVC if msvc else [*COMPILE_ARGS, *self.besides]
            extension.extra_link_args += [] if msvc else LINK_ARGS
        super().build_extensions()


class BuildRules(BuildExact):
    """The same for rules."""

    def build_extensions(self) -> None:
        """Compile all modules."""
        command = tuple(getattr(self.compiler, "compiler", ()))  # Microsoft's has none
        self.besides = tuple(one for one in RULE_ARGS if command and _takes(command, one))
        super().build_extensions()


@functools.cache
def _takes(command: tuple[str, ...], option: str) -> bool:
    """Whether a compiler knows an option; a warning says that it does not."""
    tried = [*command, "-Werror", option, "-E", "-x", "c", os.devnull]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0
