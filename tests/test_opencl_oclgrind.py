"""Oclgrind, which simulates a device, finds no fault in how the kernels use memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

cl = pytest.importorskip("pyopencl")

TESTS = Path(__file__).parent / "test_opencl.py"
CHOSEN = "adam or lamb or sgld or draws or launch or normal"
FAULTS = ("Invalid", "race", "ninitialized", "FATAL")


def is_present():
    try:
        return any(platform.name == "Oclgrind" for platform in cl.get_platforms())
    except cl.Error:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not is_present(), reason='no Oclgrind; pip install "pyopencl[oclgrind]"')
def test_log_is_clean(tmp_path):
    log = tmp_path / "log"
    environment = {
        "WEIGHTOPT_TEST_OPENCL": "Oclgrind",
        "OCLGRIND_LOG": str(log),
        "PYOPENCL_NO_CACHE": "1",
        "OCLGRIND_DATA_RACES": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", str(TESTS), "-k", CHOSEN]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    text = log.read_text() if log.exists() else ""
    assert not any(fault in text for fault in FAULTS), text[:2000]
