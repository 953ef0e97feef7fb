"""What editors and mypy read of the Cython modules is what these modules have."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "weightopt_core"
#: What Cython puts into each module and class beside what is written there, and a module that it
#: writes as a whole.
OF_CYTHON = r".*\.__(test|pyx_capi|reduce_cython|setstate_cython)__|.*\.kernels\.memoryviews"
STUBTEST = (
    *(sys.executable, "-m", "mypy.stubtest", "--concise", "--ignore-disjoint-bases"),
    *("--mypy-config-file", "pyproject.toml", "weightopt_core.engine", "weightopt_core.kernels"),
)


def test_every_cython_module_has_one():
    modules = {path.with_suffix("") for path in CORE.rglob("*.pyx")}
    assert modules
    assert modules == {path.with_suffix("") for path in CORE.rglob("*.pyi")}


@pytest.mark.slow
def test_they_are_right(tmp_path):
    allowed = tmp_path / "allowed"
    allowed.write_text(OF_CYTHON)
    command = [*STUBTEST, "--allowlist", str(allowed), "--ignore-unused-allowlist"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_import_of_one_is_ignored():
    for path in CORE.rglob("*.py"):
        for line in path.read_text("utf-8").splitlines():
            if "import" in line and ("engine" in line or "kernels" in line):
                assert "type: ignore" not in line, f"{path}: {line}"
