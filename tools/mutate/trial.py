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
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import build_copy
from operators import Mutant

ROOT = build_copy.ROOT
PACKAGE = "weightopt_core"
#: The tests that concern a file, by the longest beginning of its path; what takes least is first.
TESTS = {
    "": "registry initializer optimizer rule checkpoint engine",
    "algorithm": "registry optimizer initializer golden",
    "backends/cpu/": "arrays initializer optimizer random engine",
    "backends/opencl/": "opencl",
    "ctext/": "random arrays rule engine",
    "engine/": "engine optimizer arrays opencl/test_attributes.py opencl/test_order.py",
    "hyperparameters/": "registry optimizer/test_optimizer.py optimizer/test_settings.py golden",
    "initializer/": "initializer registry page",
    "kvstore/": "kvstore",
    "kernels/": "engine random threads arrays",
    "keys": "random initializer",
    "lr_scheduler": "optimizer/test_rates.py golden/test_schedulers.py optimizer checkpoint",
    "optimizer/": "optimizer checkpoint random/test_noise.py engine",
    "optimizer/checkpoint/": "checkpoint arrays/test_state_dtype.py",
    "optimizer/clipping": "optimizer/test_clipping.py opencl/test_norm.py",
    "optimizer/multipliers": "optimizer/test_multipliers.py optimizer/test_settings.py optimizer",
    "optimizer/updater": "checkpoint optimizer",
    "random": "random initializer",
    "registry/": "registry house/test_import.py cli",
    "rule/": "rule house engine",
    "rule/tree": "rule",
    "rule/language": "rule",
    "threads": "threads",
}
#: Seconds of a processor that the tests of one mutant may take; a loop without end is noticed by
#: that. On a machine that does other things too they may wait for it, so many times as long.
LIMIT, PATIENCE = 120, 10
#: Where compiled modules are found, and where setuptools builds them, and copies all of them from.
_MODULES = (f"{PACKAGE}/*/*.so", f"build/lib*/{PACKAGE}/*/*.so")
#: Seconds since 1970 that no file is newer than: modules of that age are not built again.
FAR_AHEAD = 2**31 - 2
#: What pytest ends with where no test fails, and where there is none of those that are asked for.
PASSED = (0, 5)
#: Processes that have what takes long to import, and nothing of the package.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["pytest", "numpy.testing", "hypothesis.strategies"])
NOTICED, TIMEOUT, SURVIVED, INVALID = "noticed", "timeout", "survived", "invalid"


def tests_of(file: str) -> list[str]:
    """Return what pytest is to run for a file."""
    path = file.removeprefix(f"{PACKAGE}/")
    longest = max((begin for begin in TESTS if path.startswith(begin)), key=len)
    return [f"tests/{name}" for name in TESTS[longest].split()]


@dataclass
class Copy:
    """A copy of the repository, for one mutant after the other.

    Attributes
    ----------
    folder : pathlib.Path
        Where it is.
    passing : set of tuple of str
        Tests that were seen to pass without a mutant.
    """

    folder: Path
    passing: set[tuple[str, ...]] = field(default_factory=set)

    def judge(self, mutant: Mutant, limit: int = LIMIT) -> str:
        """Return what the tests say of a mutant; then all is as it was."""
        path, tests = self.folder / mutant.file, tests_of(mutant.file)
        # Where something else is broken, every mutant would be noticed.
        if tuple(tests) not in self.passing and self._run(tests, None) != SURVIVED:
            raise RuntimeError(f"{' '.join(tests)}: the tests do not pass without a mutant")
        self.passing.add(tuple(tests))
        text = path.read_text()
        built = {} if path.suffix == ".py" else self._built(path)
        try:
            path.write_text(mutant.apply(text))
            return self._run(tests, limit) if not built or self._build(built) else INVALID
        finally:
            path.write_text(text)
            for module, content in built.items():
                module.write_bytes(content)

    def _built(self, source: Path) -> dict[Path, bytes]:
        """Return the modules that a source takes part in, with what they are."""
        modules = [path for place in _MODULES for path in self.folder.glob(place)]
        own = [path for path in modules if path.name.partition(".")[0] == source.stem]
        return {path: path.read_bytes() for path in own or modules}

    def _build(self, modules: Iterable[Path]) -> bool:
        """Build these modules of the core anew, and no others; return whether that can be done."""
        for path in self.folder.glob(_MODULES[1]):
            os.utime(path, (FAR_AHEAD, FAR_AHEAD))
        for path in modules:  # in both places, or an older one would pass for newer
            path.unlink()
        done = subprocess.run(build_copy.BUILD, cwd=self.folder, capture_output=True, check=False)
        return done.returncode == 0

    def _run(self, tests: list[str], limit: int | None) -> str:
        """Return whether the tests pass; those that take long come after the others."""
        outcomes = (self._run_some(tests, some, limit) for some in ("not long", "long"))
        return next((outcome for outcome in outcomes if outcome != SURVIVED), SURVIVED)

    def _run_some(self, tests: list[str], which: str, limit: int | None) -> str:
        options = ["-x", "-q", "-p", "no:cacheprovider", "-m", f"not slow and {which}", *tests]
        process = _FORKS.Process(target=_pytest, args=(self.folder, options, limit))
        process.start()
        try:
            process.join(limit and limit * PATIENCE)
            if process.exitcode in (None, -signal.SIGXCPU):
                return TIMEOUT
            return SURVIVED if process.exitcode in PASSED else NOTICED
        finally:  # whatever a test has started ends with it
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.join()


def _pytest(folder: Path, options: list[str], limit: int | None) -> None:
    """Run pytest in a copy, in a process of its own."""
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

    sys.exit(int(pytest.main(options)))


def made(folder: Path, passing: set[tuple[str, ...]]) -> Copy:
    """Return a new copy with all that is built here; copies share what was seen to pass."""
    build_copy.copy(folder)
    for pattern in (f"{PACKAGE}/*/*.c", "plugins/*/weightopt_*/*.so", *_MODULES):
        for path in ROOT.glob(pattern):
            to = folder / path.relative_to(ROOT)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)  # newer than its source
    return Copy(folder, passing)
