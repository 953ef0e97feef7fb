"""Rules and the core's C by other compilers and for other platforms, as far as these are here."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")


def run(folder, *arguments):
    command = [sys.executable, ROOT / "tools" / "cross", "--folder", folder, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_without_optimization(tmp_path):
    printed = run(tmp_path, "gcc -O0", "--rules", "sgd", "lamb")
    (compared, different) = re.search(r"ran: ([\d,]+) elements, (\d+) different", printed).groups()
    assert int(compared.replace(",", "")) > 40_000
    assert different == "0"


def test_a_difference_is_found(tmp_path):
    command = [sys.executable, "-c", WRONG, str(ROOT / "tools" / "cross"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "rule_0_float32: 1 of 2006 differ" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1


#: A run of the tool to which NumPy's result of one rule is handed in with another last bit.
WRONG = """
import runpy, sys
folder, place = sys.argv[1:]
sys.path.insert(0, folder)
import jobs, numpy as np
of_rules = jobs.Rules.jobs
def spoilt(self):
    for job in of_rules(self):
        if job.function == "rule_0_float32":
            place = np.flatnonzero(np.isfinite(job.expected[0]) & (job.expected[0] > 0))[0]
            job.expected[0][place] = np.nextafter(job.expected[0][place], np.float32(np.inf))
        yield job
jobs.Rules.jobs = spoilt
sys.argv = [folder, "gcc -O0", "--rules", "sgd", "--folder", place]
runpy.run_path(folder, run_name="__main__")
"""


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["s390x", "aarch64-linux-gnu", "clang-14", "windows-gnu, gcc"])
def test_platforms_that_are_here(platform, tmp_path):
    printed = run(tmp_path, platform, "--rules", "adam", "lamb", "sgld")
    if ": no " in printed:
        pytest.skip(printed)
    assert ", 0 different |" in printed
