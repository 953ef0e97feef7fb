"""Threads that step at once; `make test-sanitize-threads` runs the program under a sanitizer."""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parent / "sanitize" / "engine_stress.py"


def test_threads_that_step_at_once():
    command = [sys.executable, str(PROGRAM), "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
