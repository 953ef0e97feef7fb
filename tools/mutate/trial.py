"""Trials: a mutant in a copy of the repository, and whether the tests of its subject notice it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from modules import built_from
from operators import Mutant
from subjects import PACKAGE, ROOT, build_copy, in_order, tests_of

#: Seconds of a processor that the tests of one mutant may take, or so many times what they take
#: without one; a loop without end is noticed by that. On a machine that does other things too they
#: may wait for it, so many times as long.
LIMIT, TIMES, PATIENCE = 120, 3, 10
#: Where compiled modules are found, and where setuptools builds them, and copies all of them from.
_MODULES = (f"{PACKAGE}/*/*.so", f"build/lib*/{PACKAGE}/*/*.so")
#: Rules take the C text of the core too; these are enough to see what becomes of them.
CTEXT, WITH_RULES = f"{PACKAGE}/ctext/", ("sgd", "adam", "lamb")
#: Seconds since 1970 that no file is newer than: modules of that age are not built again.
FAR_AHEAD = 2**31 - 2
#: What pytest ends with where no test fails, and where there is none of those that are asked for.
PASSED = (0, 5)
#: Processes that have what takes long to import, and nothing of the package.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["pytest", "numpy.testing", "hypothesis.strategies"])
#: Bytes of the name of a test that are told.
LONGEST = 4096
NOTICED, TIMEOUT, SURVIVED, INVALID = "noticed", "timeout", "survived", "invalid"


class Run(NamedTuple):
    """What tests say: an outcome, the test that was begun last, and how many seconds they took."""

    outcome: str
    last: str = ""
    seconds: float = 0.0


_NOT_BUILT = Run(INVALID)


@dataclass
class Known:
    """What was seen without a mutant.

    Attributes
    ----------
    passing : set of tuple of str
        Tests that pass.
    taken : dict of tuple of str to float
        How many seconds of a processor the tests of a subject take.
    """

    passing: set[tuple[str, ...]] = field(default_factory=set)
    taken: dict[tuple[str, ...], float] = field(default_factory=dict)


@dataclass
class Copy:
    """A copy of the repository, for one mutant after the other.

    Attributes
    ----------
    folder : pathlib.Path
        Where it is.
    known : Known
        What was seen of its tests, in any copy.
    """

    folder: Path
    known: Known = field(default_factory=Known)

    def judge(self, mutant: Mutant, limit: int = LIMIT) -> str:
        """Return what the tests say of a mutant; then all is as it was."""
        tests = tests_of(mutant.file)
        run = self._changed(mutant, in_order(mutant.file, tests, self.folder), limit)
        if run.outcome == NOTICED:
            self._passes([run.last] if run.last else ["--collect-only", *tests])
        if run.outcome == TIMEOUT and limit < (longer := round(TIMES * self._taken(tests))):
            return self.judge(mutant, longer)
        return run.outcome

    def _changed(self, mutant: Mutant, tests: list[str], limit: int) -> Run:
        path = self.folder / mutant.file
        text = path.read_text()
        built = {} if path.suffix == ".py" else self._built(path)
        try:
            path.write_text(mutant.apply(text))
            return self._run(tests, limit) if not built or self._build(built) else _NOT_BUILT
        finally:
            path.write_text(text)
            for module, content in built.items():
                module.write_bytes(content)

    def _passes(self, tests: list[str]) -> Run | None:
        """Run tests that were not yet seen to pass without a mutant, which they have to."""
        if tuple(tests) in self.known.passing:
            return None
        # Where something else is broken, every mutant would be noticed.
        run = self._run(tests, None)
        if run.outcome != SURVIVED:
            raise RuntimeError(f"{' '.join(tests)}: the tests do not pass without a mutant")
        self.known.passing.add(tuple(tests))
        return run

    def _taken(self, tests: list[str]) -> float:
        """Return how many seconds these tests take without a mutant."""
        key = tuple(tests)
        if key not in self.known.taken and (run := self._passes(tests)):
            self.known.taken[key] = run.seconds
        return self.known.taken[key]

    def _built(self, source: Path) -> dict[Path, bytes]:
        """Return the modules that a source takes part in, with what they are."""
        names = built_from(source, self.folder / PACKAGE)
        modules = [path for place in _MODULES for path in self.folder.glob(place)]
        found = [path for path in modules if path.name.partition(".")[0] in names]
        if source.is_relative_to(self.folder / CTEXT):
            found += [path for at in self._with_rules() for path in at.glob("**/_rules*.so")]
        return {path: path.read_bytes() for path in found}

    def _with_rules(self) -> list[Path]:
        return [self.folder / "plugins" / name for name in WITH_RULES]

    def _build(self, modules: Iterable[Path]) -> bool:
        """Build these modules anew, and no others; return whether that can be done."""
        for path in self.folder.glob(_MODULES[1]):
            os.utime(path, (FAR_AHEAD, FAR_AHEAD))
        for path in modules:  # in both places, or an older one would pass for newer
            path.unlink()
        folders = [self.folder, *self._with_rules()]
        used = [at for at in folders if any(path.is_relative_to(at) for path in modules)]
        return all(map(self._build_in, used))

    def _build_in(self, folder: Path) -> bool:
        env = os.environ | {"PYTHONPATH": build_copy.packages(self.folder)}
        done = subprocess.run(
            build_copy.BUILD, cwd=folder, env=env, capture_output=True, check=False
        )
        return done.returncode == 0

    def _run(self, tests: list[str], limit: int | None) -> Run:
        """Return whether the tests pass; those that take long come after the others."""
        seconds = 0.0
        for some in ("not long", "long"):
            run = self._run_some(tests, some, limit)
            seconds = max(seconds, run.seconds)
            if run.outcome != SURVIVED:
                break
        return run._replace(seconds=seconds)

    def _run_some(self, tests: list[str], which: str, limit: int | None) -> Run:
        marked = f"not slow and not soak and {which}"
        options = ["-x", "-q", "-p", "no:cacheprovider", "-m", marked, *tests]
        begun = _FORKS.Array("c", LONGEST), _FORKS.Value("d", 0.0)
        process = _FORKS.Process(target=_pytest, args=(self.folder, options, limit, *begun))
        process.start()
        try:
            process.join(limit and limit * PATIENCE)
            code = process.exitcode
            hangs = code in (None, -signal.SIGXCPU)
            outcome = TIMEOUT if hangs else SURVIVED if code in PASSED else NOTICED
            return Run(outcome, begun[0].value.decode("utf-8", "replace"), begun[1].value)
        finally:  # whatever a test has started ends with it
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.join()


class _Begun:
    """Tells which test was begun last, also where the process does not live on."""

    def __init__(self, last: Any):
        self.last = last

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.last.value = nodeid.encode()[:LONGEST]


def _pytest(folder: Path, options: list[str], limit: int | None, last: Any, taken: Any) -> None:
    """Run pytest in a copy, in a process of its own, and say how many seconds that took."""
    os.setsid()
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
    os.chdir(folder)
    packages = build_copy.packages(folder)
    os.environ |= {"PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1"}
    sys.path[:0], sys.dont_write_bytecode = packages.split(os.pathsep), True
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    import pytest

    status = int(pytest.main(options, plugins=[_Begun(last)]))
    taken.value = time.process_time()
    sys.exit(status)


def made(folder: Path, known: Known) -> Copy:
    """Return a new copy with all that is built here; copies share what was seen to pass."""
    build_copy.copy(folder)
    for pattern in (f"{PACKAGE}/*/*.c", "plugins/*/weightopt_*/*.so", *_MODULES):
        for path in ROOT.glob(pattern):
            to = folder / path.relative_to(ROOT)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)  # newer than its source
    return Copy(folder, known)
