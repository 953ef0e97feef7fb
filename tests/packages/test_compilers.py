"""The core and plugins built by other compilers and with other options: equal bits, or an error."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from environments import ROOT, compiled_by, run, wrapper

GCC = shutil.which("gcc")
CLANG = shutil.which("clang") or next(
    filter(None, (shutil.which(f"clang-{version}") for version in range(30, 10, -1))), None
)
X86 = platform.machine() in ("x86_64", "AMD64")
PYTEST = (sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "-p", "no:xdist")
#: With and without norms, in all dtypes; compared with NumPy, number for number.
EQUAL = ("tests/rule/test_compiled_equals_numpy.py", "-k", "blocks_of_numpy and (adam or lamb)")
#: What a module that is imported from below the present folder says, and does to its thread.
LOADED = """
import pathlib, sys
smallest = sys.float_info.min
import weightopt_core as mx, weightopt_adam, weightopt_core.kernels.driver as driver
from weightopt_core.kernels import random_fill
for module in (weightopt_adam, *([driver] if "core" in sys.argv else [])):
    assert pathlib.Path.cwd() in pathlib.Path(module.__file__).parents, module.__file__
print(mx.optimizer.create("adam").rule.compiled.reason or "compiled")
assert smallest / 2 > 0, "flushed to zero"
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="for GCC and clang"),
    pytest.mark.xdist_group("options"),
]


def has_fma():
    """Whether the processor is known to have fused operations."""
    path = Path("/proc/cpuinfo")
    return X86 and path.exists() and "fma" in path.read_text().split()


@pytest.mark.xdist_group("compilers")
@pytest.mark.parametrize("kind", ["clang", "gcc -O0"])
def test_the_core_and_plugins_are_equal(kind, tmp_path):
    compiler = CLANG if kind == "clang" else GCC
    if compiler is None:
        pytest.skip(f"no {kind}; on Debian: apt-get install {kind.split()[0]}")
    if kind != "clang":
        compiler = wrapper(tmp_path, compiler, "-O0")
    build = [sys.executable, ROOT / "tools" / "build_copy.py", tmp_path / "copy"]
    script = f'"{sys.executable}" -c "$LOADED" core && exec {" ".join(PYTEST)} "$@"'
    tests = ["tests/random/test_kernel.py", *EQUAL[:-1], f"test_kernel or ({EQUAL[-1]})"]
    variables = compiled_by(compiler, PLUGINS="adam lamb", LOADED=LOADED)
    printed = run(*build, "sh", "-c", script, "sh", *tests, env=variables)
    assert "\ncompiled\n" in f"\n{printed}"
    assert " passed" in printed


class Plugin:
    """A copy of a plugin, which one compiles, and loads into the core that is installed."""

    def __init__(self, folder):
        self.folder = folder / "adam"
        self.wrapper = lambda compiler, options: wrapper(folder, compiler, options)
        ignored = shutil.ignore_patterns("build", "*.so", "*.egg-info", "__pycache__")
        shutil.copytree(ROOT / "plugins" / "adam", self.folder, ignore=ignored)

    def build(self, **variables):
        """Compile; return what that printed and whether it went well."""
        command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ | variables,
            text=True,
            check=False,
            capture_output=True,
        )
        return done.stdout + done.stderr, done.returncode == 0

    def load(self):
        """Return what its rule says of how it is run."""
        variables = {"PYTHONPATH": str(self.folder)}
        return run(sys.executable, "-c", LOADED, cwd=self.folder, env=variables).strip()

    def assert_equal(self):
        assert self.load() == "compiled"
        printed = run(*PYTEST, *EQUAL, cwd=ROOT, env={"PYTHONPATH": str(self.folder)})
        assert " passed" in printed


@pytest.fixture
def plugin(tmp_path):
    return Plugin(tmp_path)


FAST = {"CFLAGS": "-ffast-math", "LDFLAGS": "-ffast-math"}
FASTER = {"CFLAGS": "-Ofast -ffp-contract=fast", "LDFLAGS": "-Ofast"}


@pytest.mark.parametrize(
    ("compiler", "variables"),
    [
        pytest.param(GCC, FAST, id="gcc-fast-math"),
        pytest.param(CLANG, FASTER, id="clang-Ofast"),
        pytest.param(GCC, FASTER, id="gcc-Ofast", marks=pytest.mark.soak),
        pytest.param(CLANG, FAST, id="clang-fast-math", marks=pytest.mark.soak),
    ],
)
def test_options_that_change_values_are_overruled(compiler, variables, plugin):
    if compiler is None:
        pytest.skip("no such compiler")
    printed, built = plugin.build(**compiled_by(compiler, **variables))
    assert built, printed
    plugin.assert_equal()


@pytest.mark.skipif(GCC is None, reason="no gcc")
@pytest.mark.parametrize("option", ["-ffast-math", "-fno-signed-zeros", "-freciprocal-math"])
def test_what_comes_after_all_other_options_is_refused(option, plugin):
    printed, built = plugin.build(**compiled_by(plugin.wrapper(GCC, option)))
    assert not built
    assert "weightopt: this compiler runs with options that change values" in printed
    assert "take them out of CFLAGS, CC and wrappers of the compiler" in printed


@pytest.mark.skipif(not X86 or GCC is None, reason="options of gcc for x86")
def test_a_wider_type_is_refused(plugin):
    printed, built = plugin.build(CFLAGS="-mfpmath=387")
    assert not built
    assert "weightopt: this compiler computes float in a wider type" in printed


@pytest.mark.parametrize(
    ("compiler", "option"),
    [
        (GCC, "-ffp-contract=fast -mfma"),
        (CLANG, "-fno-signed-zeros"),
        (CLANG, "-freciprocal-math"),
        (CLANG, "-fassociative-math -fno-signed-zeros"),
    ],
)
def test_what_no_macro_tells_is_not_loaded(compiler, option, plugin):
    if compiler is None:
        pytest.skip("no such compiler")
    if "fma" in option and not has_fma():
        pytest.skip("the processor has no fused operations")
    printed, built = plugin.build(**compiled_by(plugin.wrapper(compiler, option)))
    assert built, printed
    assert plugin.load().startswith(
        "compiled module does not load: the compiler that made this module was given options that "
        "change values"
    )
