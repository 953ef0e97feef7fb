"""The benchmark of saving: it runs, and compares equal sizes."""

import sys
from pathlib import Path

from click.testing import CliRunner

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks import saving


def test_it_runs(tmp_path):
    words = ["--megabytes", "1", "--rounds", "1", "--folder", str(tmp_path)]
    done = CliRunner().invoke(saving.main, words)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("1 MB, 1 rounds")
    assert "save against dd: " in done.output


def test_dd_writes_as_many_bytes(tmp_path):
    saving.dd(tmp_path / "x", 1_234_567)
    assert (tmp_path / "x").stat().st_size == 1_234_567
