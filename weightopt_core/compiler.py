"""Whether there is a C compiler, and packages of rules that are built where there is none.

Such a package has a module of Python in the place of the compiled one. Its rules run on NumPy, with
the same bits, and when one is asked for the first time a warning says how to get more.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import BaseError, CCompilerError

#: What needs a compiler, a linker, and the headers of C and of Python.
_PROBE = """\
#include <Python.h>
#include <math.h>
PyMODINIT_FUNC PyInit_probe(void) { return NULL; }
"""
#: Options that somebody asks for. Those that a compiler refuses do not make it none.
_OPTIONS = ("CFLAGS", "CPPFLAGS", "LDFLAGS")

_PLACEHOLDER = '''\
"""In the place of compiled rules: this was built where there is no C compiler."""

RULES = {{}}

SOURCES = {sources}

REASON = {reason!r}

REMEDY = {remedy!r}
'''
REASON = "not compiled: there was no C compiler"
_REMEDY = (
    "That takes many times longer, and gives the same bits. Install a C compiler and the headers "
    "of Python (Debian: apt-get install gcc python3-dev; macOS: xcode-select --install; Windows: "
    "the Build Tools for Visual Studio), then pip install --force-reinstall --no-deps "
    "--no-cache-dir {name}"
)


@functools.cache
def lack(compiler: str | None = None) -> str:
    """Return what is missing to compile C for this Python; nothing where all is there.

    Parameters
    ----------
    compiler : str, optional
        The kind of compiler that setuptools is told to take, such as ``"mingw32"``.
    """
    header = os.path.join(sysconfig.get_path("include"), "Python.h")
    if not os.path.exists(header):
        return f"there is no {header}"
    with tempfile.TemporaryDirectory() as folder, _without_options():
        source = Path(folder, "probe.c")
        source.write_text(_PROBE, "utf-8")
        probe = Distribution({"name": "probe", "ext_modules": [Extension("probe", [str(source)])]})
        command = build_ext(probe)
        command.build_lib = command.build_temp = folder
        command.compiler = compiler
        try:
            command.ensure_finalized()
            command.run()
        except (BaseError, CCompilerError, OSError) as error:
            return str(error)
    return ""


@contextlib.contextmanager
def _without_options() -> Iterator[None]:
    taken = {name: os.environ.pop(name) for name in _OPTIONS if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(taken)


class RulesDistribution(Distribution):
    """A package of rules; without a C compiler it is one that has no extension module.

    The command ``build_ext`` compiles in any case, or fails. So does a package that has extension
    modules of its own, which nothing takes the place of.
    """

    #: The text of rules by their names, for where they are not compiled.
    sources: dict[str, str]

    @classmethod
    def of(cls, sources: dict[str, str]) -> type[RulesDistribution]:
        """Return the class for the package of these rules, as `setuptools.setup` takes it."""
        return type(cls.__name__, (cls,), {"sources": sources})

    def __init__(self, attrs=None):  # type: ignore[no-untyped-def]
        super().__init__(attrs)
        self.cmdclass.setdefault("build_py", _BuildPy)

    @property
    def lack(self) -> str:
        """What is missing to compile this package, where it can be built without."""
        if len(self.ext_modules or ()) != 1:
            return ""
        options = self.get_option_dict("build") | self.get_option_dict("build_ext")
        return lack(options.get("compiler", ("", None))[1])

    def has_ext_modules(self) -> bool:
        """Whether there is something to compile, and something to compile it with."""
        return bool(super().has_ext_modules()) and not self.lack


class _BuildPy(build_py):
    """What copies the modules of a package, and puts one there that is not compiled."""

    command_name = "build_py"
    distribution: RulesDistribution

    def run(self) -> None:
        super().run()
        if not self.distribution.lack:
            return
        (extension,) = self.distribution.ext_modules
        name = self.distribution.get_name()
        remedy = _REMEDY.format(name=name)
        self.warn(f"{name}: {REASON} ({self.distribution.lack}). It runs on NumPy. {remedy}")
        if not self.editable_mode:
            target = Path(self.build_lib, *extension.name.split(".")).with_suffix(".py")
            self.mkpath(str(target.parent))
            text = _PLACEHOLDER.format(
                sources=ascii(self.distribution.sources), reason=REASON, remedy=remedy
            )
            target.write_text(text, "utf-8")
