"""The platforms: a compiler for each, and what runs its programs here."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property

#: Debian's packages for all of them. Only older releases have GCC 10, and ziglang is Python's.
PACKAGES = (
    *("gcc-11", "gcc-12", "clang-14", "clang-15", "clang-16", "gcc-aarch64-linux-gnu"),
    *("gcc-s390x-linux-gnu", "qemu-user", "musl-tools", "gcc-mingw-w64-x86-64", "wine", "wine64"),
)
ZIG = ("python3", "-m", "ziglang", "cc")
WINE = ("wine",)


@dataclass(frozen=True)
class Platform:
    """A platform that programs are compiled for.

    Attributes
    ----------
    name : str
        What it is called here and in docs/platforms.md.
    compiler : tuple of str
        The compiler's command, with its options.
    runner : tuple of str or None
        What runs a program: nothing where it runs by itself, None where nothing does.
    order : str
        Its byte order, as NumPy writes it.
    variables : tuple of (str, str)
        For the program's environment.
    """

    name: str
    compiler: tuple[str, ...]
    runner: tuple[str, ...] | None = ()
    order: str = "<"
    variables: tuple[tuple[str, str], ...] = ()

    @cached_property
    def missing(self) -> str:
        """Which command is not there; empty where all are."""
        commands = [self.compiler[0], *(self.runner or ())[:1]]
        return next((name for name in commands if shutil.which(name) is None), "")

    @property
    def windows(self) -> bool:
        """Whether programs are for Windows."""
        return "windows" in self.name

    @property
    def options(self) -> tuple[str, ...]:
        """What a program is linked with."""
        return () if self.windows or "macos" in self.name else ("-pthread", "-lm")


def _zig(target: str, runner: tuple[str, ...] | None = None, *options: str) -> Platform:
    return Platform(f"{target}, zig", (*ZIG, "-target", target, *options), runner)


def _emulated(processor: str) -> Platform:
    runner = ("qemu-x86_64", "-cpu", processor)
    return Platform(f"x86_64-linux-gnu as {processor}, gcc", ("gcc", "-static"), runner)


_NO_FMA = (("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-FMA,-FMA_Usable,-AVX_Usable"),)

ALL = (
    Platform("x86_64-linux-gnu, gcc", ("gcc",)),
    Platform("x86_64-linux-gnu, gcc -O0", ("gcc", "-O0")),
    Platform("x86_64-linux-gnu without FMA and AVX in glibc, gcc", ("gcc",), variables=_NO_FMA),
    *(Platform(f"x86_64-linux-gnu, gcc-{v}", (f"gcc-{v}",)) for v in (10, 11, 12)),
    *(Platform(f"x86_64-linux-gnu, clang-{v}", (f"clang-{v}",)) for v in (14, 15, 16)),
    Platform("x86_64-linux-gnu, clang-14 -O0", ("clang-14", "-O0")),
    _emulated("Nehalem"),
    _emulated("Haswell"),
    Platform("x86_64-linux-musl, gcc", ("musl-gcc", "-static")),
    Platform("aarch64-linux-gnu, gcc", ("aarch64-linux-gnu-gcc", "-static"), ("qemu-aarch64",)),
    Platform("s390x-linux-gnu, gcc", ("s390x-linux-gnu-gcc", "-static"), ("qemu-s390x",), ">"),
    _zig("x86_64-linux-musl", ()),
    _zig("aarch64-linux-musl", ("qemu-aarch64",)),
    Platform("x86_64-windows-gnu, gcc", ("x86_64-w64-mingw32-gcc", "-static"), WINE),
    _zig("x86_64-windows-gnu"),
    _zig("aarch64-windows-gnu"),
    _zig("x86_64-macos"),
    _zig("aarch64-macos"),
)
