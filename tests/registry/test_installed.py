"""Damaged packages on the path: each takes away nothing but itself."""

import importlib.metadata
import sys
import textwrap

import importlib_metadata
import pytest

import weightopt_core as mx

MINE = "[weightopt.optimizers]\nmine = mine_module:Mine\n"
MODULE = "import weightopt_core\nclass Mine(weightopt_core.Optimizer): pass\n"


@pytest.fixture(params=[importlib_metadata, importlib.metadata], ids=lambda m: m.__name__)
def install(request, tmp_path, monkeypatch):
    """Return a function that puts a package's metadata on the path."""
    monkeypatch.setitem(sys.modules, "importlib_metadata", request.param)
    monkeypatch.syspath_prepend(tmp_path)

    def write(entry_points=MINE, folder="mine-1.0.dist-info", metadata="Name: mine\nVersion: 1.0"):
        info = tmp_path / folder
        info.mkdir()
        for name, text in {"entry_points.txt": entry_points, "METADATA": metadata}.items():
            if text is not None:
                data = text if isinstance(text, bytes) else textwrap.dedent(text).encode()
                (info / name).write_bytes(data)
        (tmp_path / "mine_module.py").write_text(MODULE)
        mx.optimizer.registry.refresh()

    yield write
    sys.modules.pop("mine_module", None)
    monkeypatch.undo()
    mx.optimizer.registry.refresh()


def others():
    """Return whether what else is installed can be used."""
    return (
        repr(mx.optimizer.create("adam")) == "Adam()" and repr(mx.init.create("zero")) == "Zero()"
    )


BROKEN = {
    "no reference": "mine = my-package:Mine",
    "no class": "mine = mine_module",
    "nothing": "mine =",
    "no equals sign": "mine",
    "a file": "mine = plugin.yaml",
    "brackets": "mine = mine_module:[/Mine]",
    "not UTF-8": b"mine = m\xe9thode:M\xe9",
    "a remark behind it": "mine = mine_module:Mine  # the best",
}


@pytest.mark.parametrize("line", BROKEN.values(), ids=list(BROKEN))
def test_a_value_that_is_no_reference(install, line):
    line = line if isinstance(line, bytes) else line.encode()
    install(b"[weightopt.optimizers]\n" + line + b"\nsound = mine_module:Mine\n")
    with pytest.raises(
        mx.PluginError, match=r"package mine 1.0: expected a value like 'module:Class', got '"
    ):
        mx.optimizer.create("mine")
    assert repr(mx.optimizer.create("sound")) == "Mine()"
    assert others()


HARMLESS = {
    "comments": "; a remark\n# another\n" + MINE + "; mine = none\n",
    "a group twice": "[weightopt.optimizers]\n" + MINE,
    "a line twice": MINE + "mine = mine_module:Mine\n",
    "two spellings": MINE + "Mi-ne = mine_module : Mine [extra]\n",
    "another group": b"[console_scripts]\n\xe9t\xe9 = m:f\nx\n; y\nz = no-reference\n"
    + MINE.encode(),
    "before any group": "stray = x\n" + MINE,
    "a byte order mark": "\ufeff" + MINE,
    "spaces": "\n  [ weightopt.optimizers ]  \n\tmine=mine_module:Mine  \n",
    "line ends": MINE.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("text", HARMLESS.values(), ids=list(HARMLESS))
def test_what_does_no_harm(install, text):
    install(text)
    assert repr(mx.optimizer.create("mine")) == "Mine()"
    assert len(mx.optimizer.registry.entry_points("mine")) == 1
    assert others()


METADATA = {
    "none": (None, "mine 1.0"),
    "empty": ("", "mine 1.0"),
    "without a name": ("Version: 2.0", "mine 2.0"),
    "without a version": ("Name: mine", "mine 1.0"),
    "not UTF-8": (b"Name: m\xe9\nVersion: 2.0", "mine 1.0"),
    "odd characters": ("Name: [/red]µ ~;\nVersion: ~", "[/red]µ ~; ~"),
}


@pytest.mark.parametrize(("metadata", "owner"), METADATA.values(), ids=list(METADATA))
def test_metadata_that_is_damaged(install, metadata, owner):
    install(metadata=metadata)
    (point,) = mx.optimizer.registry.entry_points("mine")
    assert f"{point.dist.name} {point.dist.version}" == owner
    assert repr(mx.optimizer.create("mine")) == "Mine()"
    assert others()


@pytest.mark.parametrize("folder", ["weightopt_adam-0.0.9.dist-info", "x.dist-info", ".dist-info"])
def test_an_empty_folder_hides_nothing(install, folder):
    install(None, folder, None)
    assert others()


def test_of_two_folders_of_a_package_one_without_metadata_gives_way(install):
    install("[weightopt.optimizers]\nmine = gone:Gone\n", "mine-0.9.dist-info", None)
    install()
    assert repr(mx.optimizer.create("mine")) == "Mine()"


@pytest.mark.parametrize(
    "folder", ["~ine-0.9.dist-info", "~-ne-0.9.dist-info", "-ine-0.9.dist-info"]
)
def test_what_a_killed_pip_leaves_is_not_installed(install, folder):
    old = "[weightopt.optimizers]\nmine = gone:Gone\nold = gone:Gone\n"
    install(old, folder, "Name: mine\nVersion: 0.9")
    install()
    assert repr(mx.optimizer.create("mine")) == "Mine()"
    assert "old" not in mx.optimizer.registry.names()


def test_folders_with_dashes_in_their_names_are_different_packages(install):
    install(
        "[weightopt.optimizers]\na-one = mine_module:Mine\n", "a-one-1.0.dist-info", "Name: a-one"
    )
    install(
        "[weightopt.optimizers]\na-two = mine_module:Mine\n", "a-two-1.0.dist-info", "Name: a-two"
    )
    assert {"aone", "atwo"} <= set(mx.optimizer.registry.names())


def test_one_package_that_gives_one_name_two_classes_is_told_of_alone(install):
    install(MINE + "mi-ne = mine_module:Other\n")
    with pytest.raises(mx.PluginError) as caught:
        mx.optimizer.create("mine")
    assert "optimizer 'mine': its package provides 2: entry point 'mine'" in str(caught.value)
    assert str(caught.value).endswith("; tell its authors, and pip uninstall mine")
    assert others()


MODULES = {
    "an exit": "raise SystemExit(3)",
    "an error above Exception": "class Stop(BaseException): pass\nraise Stop('here')",
    "an error that cannot be told": "class Odd(Exception):\n def __str__(self): 1/0\nraise Odd",
}


@pytest.mark.parametrize("module", MODULES.values(), ids=list(MODULES))
@pytest.mark.parametrize("value", ["mine_package:Mine", "mine_package.inner:Mine"])
def test_whatever_a_module_raises_is_its_own(install, tmp_path, module, value):
    (tmp_path / "mine_package").mkdir()
    (tmp_path / "mine_package" / "__init__.py").write_text(module)
    install(f"[weightopt.optimizers]\nmine = {value}\n")
    with pytest.raises(mx.PluginError, match="it does not load: "):
        mx.optimizer.create("mine")
    assert others()
