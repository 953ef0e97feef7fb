"""The build of rules: where its options stand, and that it writes nothing twice."""

import shutil
from pathlib import Path

import pytest

from weightopt_core import build, flags

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not flags.COMPILE_ARGS, reason="no options here")
def test_the_options_have_one_home():
    folders = ("*.*", "weightopt_core/*.*", "weightopt_core/*/*.*", "docs/**/*.*", "tools/*.*")
    files = [ROOT / "Makefile", *(path for pattern in folders for path in ROOT.glob(pattern))]
    texts = {
        path: path.read_bytes()
        for path in files
        if path.is_file()
        and path.suffix not in (".so", ".c", ".pyc")
        and not {"_build", "generated"} & set(path.parts)  # of make docs
    }
    named = [path.name for path, text in texts.items() if b"-fno-math-errno" in text]
    assert named == ["flags.py"]


def test_what_is_generated_is_written_when_it_changes(tmp_path, monkeypatch):
    folder = tmp_path / "adam"
    shutil.copytree(ROOT / "plugins" / "adam" / "weightopt_adam", folder / "weightopt_adam")
    monkeypatch.chdir(folder)
    header = folder / "build" / "rules" / "weightopt_adam_rules.h"
    build.compiled_rules()
    text, first = header.read_text(), header.stat().st_mtime_ns
    build.compiled_rules()
    assert header.stat().st_mtime_ns == first
    monkeypatch.setattr(build, "COMPILE_ARGS", ["-O1"])
    build.compiled_rules()
    assert header.read_text() != text


# Cython remembers what it was told of a file, by its relative path.
@pytest.mark.parametrize(("name", "free"), [("adam", 0), ("sgd", 1)])
def test_there_is_no_limited_api_where_threads_run_freely(name, free, tmp_path, monkeypatch):
    package = f"weightopt_{name}"
    shutil.copytree(ROOT / "plugins" / name / package, tmp_path / package)
    monkeypatch.chdir(tmp_path)
    known = build.sysconfig.get_config_var
    monkeypatch.setattr(
        build.sysconfig,
        "get_config_var",
        lambda name: free if name == "Py_GIL_DISABLED" else known(name),
    )
    given = build.compiled_rules()
    (extension,) = given["ext_modules"]
    assert extension.py_limited_api == (not free)
    assert dict(extension.define_macros) == ({} if free else {"Py_LIMITED_API": "0x030A0000"})
    assert given["options"]["bdist_wheel"] == ({} if free else {"py_limited_api": "cp310"})
