"""What is found out about the C compiler, and what is built where there is none."""

import runpy
import shutil
import sysconfig
from pathlib import Path

import pytest
from setuptools import Distribution, Extension
from setuptools.command.build_py import build_py

from weightopt_core import compiler, flags

here = pytest.mark.skipif(bool(compiler.lack()), reason=compiler.lack())


@pytest.fixture
def lack():
    """The function without what it knows from earlier calls."""
    return compiler.lack.__wrapped__


@here
def test_options_that_a_compiler_refuses_do_not_make_it_none(lack, monkeypatch):
    monkeypatch.setenv("CFLAGS", "-fno-such-option")
    assert lack() == ""


def test_headers_of_python_may_be_missing(lack, monkeypatch, tmp_path):
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    assert lack() == f"there is no {tmp_path / 'Python.h'}"


@pytest.mark.parametrize("command", ["no-such-compiler", shutil.which("false") or "false"])
def test_a_compiler_may_be_missing_or_broken(lack, command, monkeypatch):
    monkeypatch.setenv("CC", command)
    assert command in lack()


@here
def test_which_options_a_compiler_knows():
    command = tuple((sysconfig.get_config_var("CC") or "cc").split())
    assert flags._takes(command, "-O2")
    assert not flags._takes(command, "-fno-such-option")


def distribution(tmp_path, lacking, monkeypatch, modules=1):
    """Return what builds a package of rules, where `lacking` is what is missing to compile it."""
    monkeypatch.setattr(compiler, "lack", lambda kind=None: lacking)
    package = tmp_path / "toy"
    package.mkdir()
    (package / "__init__.py").write_text("", "utf-8")
    kind = compiler.RulesDistribution.of({"toy.step": "def step(weight, grad):\n    return 'é'\n"})
    return kind(
        {
            "name": "toy",
            "packages": ["toy"],
            "package_dir": {"toy": str(package)},
            "script_name": "setup.py",
            "ext_modules": [Extension(f"toy._rules{i or ''}", ["toy.c"]) for i in range(modules)],
        }
    )


def built(made, tmp_path):
    """Run what copies the modules of a package, and return where they are."""
    command = made.get_command_obj("build_py")
    command.build_lib = str(tmp_path / "build")
    command.ensure_finalized()
    command.run()
    return tmp_path / "build" / "toy"


def test_a_package_that_is_not_compiled_says_so(tmp_path, monkeypatch):
    made = distribution(tmp_path, "there is no compiler", monkeypatch)
    assert not made.has_ext_modules()
    found = runpy.run_path(str(built(made, tmp_path) / "_rules.py"))
    assert found["RULES"] == {}
    assert found["SOURCES"] == {"toy.step": "def step(weight, grad):\n    return 'é'\n"}
    assert found["REASON"] == compiler.REASON
    assert "pip install --force-reinstall --no-deps --no-cache-dir toy" in found["REMEDY"]


def test_an_editable_one_gets_no_file_beside_its_sources(tmp_path, monkeypatch):
    made = distribution(tmp_path, "there is no compiler", monkeypatch)
    made.get_command_obj("build_py").editable_mode = True
    assert not (built(made, tmp_path) / "_rules.py").exists()


def test_a_package_that_can_be_compiled_is_an_ordinary_one(tmp_path, monkeypatch):
    made = distribution(tmp_path, "", monkeypatch)
    assert made.has_ext_modules()
    assert not (built(made, tmp_path) / "_rules.py").exists()
    assert issubclass(made.cmdclass["build_py"], build_py)


def test_extension_modules_of_ones_own_have_nothing_in_their_place(tmp_path, monkeypatch):
    made = distribution(tmp_path, "there is no compiler", monkeypatch, modules=2)
    assert made.lack == ""
    assert made.has_ext_modules()


@here
@pytest.mark.parametrize("kind", [flags.BuildExact, flags.BuildRules])
def test_options_come_last(kind, tmp_path, monkeypatch):
    """Whoever asks for fast arithmetic gets a module that takes none of it."""
    monkeypatch.setenv("CFLAGS", "-O0 -ffast-math")
    source = tmp_path / "probe.c"
    source.write_text(
        "#include <Python.h>\n"
        "#ifdef __FAST_MATH__\n#error fast\n#endif\n"
        "#ifndef INCLUDED\n#error not included\n#endif\n"
        "PyMODINIT_FUNC PyInit_probe(void) { return NULL; }\n",
        "utf-8",
    )
    header = tmp_path / "first.h"
    header.write_text("#define INCLUDED\n", "utf-8")
    made = Distribution({"name": "probe", "ext_modules": [Extension("probe", [str(source)])]})
    command = kind(made)
    command.included = str(header)
    command.build_lib = command.build_temp = str(tmp_path)
    command.ensure_finalized()
    command.run()
    (built_one,) = map(Path, command.get_outputs())
    assert built_one.exists()
    given = made.ext_modules[0].extra_compile_args
    assert given[:2] == ["-include", str(header)]
    assert "-ffp-contract=off" in given
    assert ("-fno-tree-pre" in given) <= (kind is flags.BuildRules)
