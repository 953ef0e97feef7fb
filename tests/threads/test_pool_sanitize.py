"""The pool of threads by itself, as a C program, plain and under sanitizers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import weightopt_core

KERNELS = Path(weightopt_core.__file__).parent / "kernels"
PROGRAM = Path(__file__).parent / "sanitize" / "pool_stress.c"
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
#: Rounds of each caller, and forks. In a child of a process with threads, sanitizers cannot start
#: threads: their own locks may be held there for ever.
PLAIN = 2000, 60
SANITIZED = {"thread": (150, 0), "address,undefined": (500, 0)}

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="no pool there"),
    pytest.mark.skipif(not COMPILERS, reason="needs gcc or clang"),
]


def compiled(compiler, sanitizers, source, out, *options):
    """Compile one file, and return what the compiler says if it fails."""
    chosen = [f"-fsanitize={sanitizers}"] if sanitizers else []
    command = [compiler, "-g", "-O1", "-Wall", "-Werror", *chosen, f"-I{KERNELS}", *options]
    command += [str(source), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def built(compiler, sanitizers, folder):
    empty, pool, program = (folder / name for name in ("empty.c", "pool.o", "pool_stress"))
    empty.write_text("int main(void) { return 0; }\n")
    if compiled(compiler, sanitizers, empty, program) or run(program).returncode:
        pytest.skip(f"{compiler} has no run-time library of -fsanitize={sanitizers}")
    renamed = "-Dpthread_create=create_for_pool"
    assert not compiled(compiler, sanitizers, KERNELS / "pool.c", pool, "-c", renamed)
    options = "-D_GNU_SOURCE", str(pool), "-Wl,--no-as-needed", "-lm", "-pthread"
    assert not compiled(compiler, sanitizers, PROGRAM, program, *options)
    return program


def run(program, *arguments):
    command = [str(program), *map(str, arguments)]
    env = os.environ | {"TSAN_OPTIONS": "halt_on_error=1", "UBSAN_OPTIONS": "halt_on_error=1"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if "unexpected memory mapping" in done.stderr and shutil.which("setarch"):
        # Older libraries of ThreadSanitizer know the usual places in memory alone.
        command = ["setarch", "-R", *command]
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    return done


def stress(compiler, sanitizers, folder, numbers):
    done = run(built(compiler, sanitizers, folder), *numbers)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_pool_under_stress(compiler, tmp_path):
    stress(compiler, "", tmp_path, PLAIN)


@pytest.mark.slow
@pytest.mark.parametrize("sanitizers", SANITIZED)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_pool_under_sanitizers(compiler, sanitizers, tmp_path):
    stress(compiler, sanitizers, tmp_path, SANITIZED[sanitizers])
