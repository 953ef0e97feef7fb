"""The long run of `make soak`: it works, and it sees what grows."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.mark.slow
def test_a_short_one_loses_nothing():
    command = [sys.executable, TOOLS / "soak.py", "--minutes", "0", "--kills", "3"]
    done = subprocess.run(command, text=True, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rounds     3\n" in done.stdout
    assert "kills      9\n" in done.stdout
    assert done.stdout.endswith("nothing lost, nothing grew\n")


@pytest.mark.parametrize("what", ["files", "memory"])
def test_what_grows_is_an_error(monkeypatch, capsys, tmp_path, what):
    monkeypatch.syspath_prepend(TOOLS)
    import soak

    kept = []

    def leaking(self):
        if what == "files":
            kept.extend(os.open(tmp_path / "x", os.O_WRONLY | os.O_CREAT) for _ in range(3))
        else:
            kept.append(b"x" * 50_000_000)

    monkeypatch.setattr(soak, "places", dict)
    monkeypatch.setattr(soak.Soak, "round", leaking)
    monkeypatch.setattr(soak, "WARM", 0)
    times = iter([0] * 4)
    monkeypatch.setattr(soak, "time", SimpleNamespace(monotonic=lambda: next(times, 1000)))
    assert soak.main(["--minutes", "1"]) == 1
    assert "memory or files grew" in capsys.readouterr().out
    for file in kept if what == "files" else ():
        os.close(file)
