"""Processes that are killed while they save, and systems that fail: no file is ever lost."""

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
#: `make soak` asks for more.
KILLS = int(os.environ.get("KILLS", "300"))
ALONE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def printed(*words, before=(), **environment):
    """Return what a program beside the tests prints, read as JSON."""
    command = [*before, sys.executable, *map(str, words)]
    env = os.environ | ALONE | environment
    seconds = 120 + KILLS
    done = subprocess.run(
        command, text=True, capture_output=True, check=False, env=env, timeout=seconds
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def in_memory(tmp_path, size, then):
    """Return how to run a program whose `tmp_path` is a file system of so many bytes."""
    mounted = f"mount -t tmpfs -o size={size} tmpfs {tmp_path}"
    command = ["unshare", "-m", "sh", "-c", f'{mounted} && {then} exec "$0" "$@"']
    if not shutil.which("unshare") or subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    return command


def test_every_kill_leaves_a_whole_file(tmp_path):
    found = printed(TESTS / "kills.py", tmp_path, KILLS, 1)
    assert found["kills"] == KILLS
    assert found["earlier"] > KILLS // 20


def test_kills_on_a_full_disk(tmp_path):
    small = in_memory(tmp_path, "1200k", "")
    assert printed(TESTS / "kills.py", tmp_path, KILLS // 3, 2, before=small)["kills"] == KILLS // 3


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    compiler = shutil.which("gcc") or shutil.which("clang")
    if not compiler or not sys.platform.startswith("linux"):
        pytest.skip("needs gcc or clang, on Linux")
    path = tmp_path_factory.mktemp("shim") / "faults.so"
    source = Path(__file__).with_name("faults.c")
    command = [compiler, "-shared", "-fPIC", "-Wall", "-Werror", "-o", path, source, "-ldl"]
    subprocess.run(command, check=True)
    return path


def tried(shim, folder, what):
    # A sanitizer's library has to come first.
    preload = f"{os.environ.get('LD_PRELOAD', '')} {shim}"
    return printed(TESTS / "faults.py", folder, shim, what, LD_PRELOAD=preload)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_at_each_call_of_the_system(shim, tmp_path, when):
    *killed, last = tried(shim, tmp_path, f"any:kill {when}")
    assert len(killed) > 10
    assert [one["is"] for one in killed] == sorted(one["is"] for one in killed)
    assert {one["is"] for one in killed} == {3, 4}
    for one in killed:
        # The one that is 3 may be kept already; only the last of those kept may have gone.
        rest = [number for number in one["kept"] if number != one["is"]]
        assert rest in ([2, 1], [3, 2], [2])
        assert one["left"] <= 1
    assert (last["is"], last["kept"], last["left"]) == (4, [3, 2], 0)


FAILING = {
    f"{function}:{number}": (function, number)
    for function, number in [
        ("open", errno.EROFS), ("fchmod", errno.EPERM), ("write", errno.ENOSPC),
        ("fsync", errno.EIO), ("rename", errno.EACCES), ("unlink", errno.EACCES),
    ]
}  # fmt: skip


@pytest.mark.parametrize("what", FAILING)
def test_a_call_that_fails_is_an_error_that_names_the_file(shim, tmp_path, what):
    function, number = FAILING[what]
    *failed, last = tried(shim, tmp_path, what)
    for one in failed:
        assert one["came"] == str(number)
        assert one["left"] == 0
    # What comes after the renaming is the flushing of the folder.
    flushes = function in ("open", "fsync")
    assert len(failed) > flushes
    assert [one["is"] for one in failed] == [3] * (len(failed) - flushes) + [4] * flushes
    assert (last["came"], last["is"], last["kept"]) == ("saved", 4, [3, 2])


@pytest.mark.parametrize(
    "what",
    ["any:short writes", f"flock:{errno.ENOLCK}", f"link:{errno.EPERM}", f"fsync:{errno.EINTR}"],
)
def test_what_a_system_may_do_is_borne(shim, tmp_path, what):
    """Writes that are short or interrupted; a file system without locks, or without links."""
    for one in tried(shim, tmp_path, what):
        assert (one["came"], one["is"], one["kept"], one["left"]) == ("saved", 4, [3, 2], 0)


FULL = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from kills import left_in, number_of, numbered
path = sys.argv[2] + "/run"
updater, weights = numbered(1)
updater.save(path, weights=weights)
came = []
for wait in (True, False):
    try:
        saving = updater.save(path, weights={"w": np.ones(1_000_000)}, wait=wait)
        saving.wait()
    except OSError as error:
        came.append([error.errno, error.filename == path, number_of(path), left_in(sys.argv[2])])
updater, weights = numbered(2)
updater.save(path, weights=weights)
print(json.dumps([*came, number_of(path)]))
"""


def test_a_full_disk(tmp_path):
    small = in_memory(tmp_path, "3m", "")
    came = printed("-c", FULL, TESTS, tmp_path, before=small)
    assert came == [[errno.ENOSPC, True, 1, []], [errno.ENOSPC, True, 1, []], 2]


READ_ONLY = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from kills import left_in, number_of, numbered
path = sys.argv[2] + "/run"
came = []
updater, weights = numbered(2)
updater.get_states()
try:
    updater.save(path, weights=weights)
except OSError as error:
    came = [error.errno, error.filename == path, number_of(path), left_in(sys.argv[2])]
print(json.dumps(came))
"""


def written_before(tmp_path):
    sys.path.insert(0, str(TESTS))
    from kills import numbered

    updater, weights = numbered(1)
    updater.save(tmp_path / "run", weights=weights)


def test_a_read_only_file_system(tmp_path):
    (tmp_path / "first").mkdir()
    (tmp_path / "there").mkdir()
    written_before(tmp_path / "first")
    there = tmp_path / "there"
    then = f"cp {tmp_path}/first/run {there} && mount -o remount,ro {there} &&"
    came = printed("-c", READ_ONLY, TESTS, there, before=in_memory(there, "3m", then))
    assert came == [errno.EROFS, True, 1, []]


@pytest.fixture
def open_folder():
    """Return a folder that everybody reaches."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)
        os.chmod(folder, 0o755)


@pytest.mark.parametrize("what", ["folder", "file"])
def test_without_the_permission_to_write(open_folder, what):
    path = open_folder / "run"
    written_before(open_folder)
    path.chmod(0o444)
    program = READ_ONLY
    if what == "folder":
        path.chmod(0o666)
        open_folder.chmod(0o555)
    if not os.getuid():  # who may do everything
        program = program.replace("try:", "os.setresuid(65534, 65534, 65534)\ntry:")
        if what == "file":
            for owned in (open_folder, path):
                os.chown(owned, 65534, 65534)
    came = printed("-c", program, TESTS, open_folder)
    assert came == [errno.EACCES, True, 1, []]
