"""Packages as bytecode without source, by each level of optimisation, and under -O and -OO."""

import importlib
import importlib.util
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
from bytecode import STEPS, without_source
from pairs import NAMES

import weightopt_core as mx
from weightopt_core import RuleError
from weightopt_core.rule.module import MODULE

OPTIMIZERS = NAMES
PACKAGES = {
    name: Path(sys.modules[mx.optimizer.registry.find(name).__module__].__file__).parent
    for name in OPTIMIZERS
}
RULE = '''
from weightopt_core import update_rule
@update_rule
def rule(weight, grad, *, lr):
    """A docstring."""
    return weight - lr * grad
'''
TEXT = RULE.split("\n", 2)[2]
OTHER = TEXT.replace("weight - lr", "weight + lr")


def python(code, folder, *options):
    """Return what a program prints where `folder` comes before what is installed."""
    done = subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(code)],
        env=os.environ | {"PYTHONPATH": str(folder)},
        cwd=Path(sys.executable).parent,  # where no package is
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def expected():
    return python(STEPS.format(names=OPTIMIZERS), "").stdout


@pytest.mark.parametrize("optimize", [0, 2])
def test_everything_as_bytecode_alone(optimize, expected, tmp_path):
    """Core and plugins; bytecode by -OO is read by an interpreter without it."""
    for package in {Path(mx.__file__).parent, *PACKAGES.values()}:
        without_source(package, tmp_path, optimize)
    done = python(STEPS.format(names=OPTIMIZERS), tmp_path)
    assert done.stdout == expected
    assert "compiled" in expected
    for line in done.stderr.splitlines():
        suffix, _, path = line.partition(" ")
        assert suffix == "pyc"
        assert path.startswith(str(tmp_path))


@pytest.mark.parametrize("option", ["-O", "-OO"])
def test_an_interpreter_that_optimises(option, expected):
    assert python(STEPS.format(names=OPTIMIZERS), "", option).stdout == expected


def test_a_zip_file_of_bytecode(tmp_path):
    """The compiled module lies beside it, and a stub in the file loads it: so do freezers."""
    name, package = next(iter(PACKAGES.items()))
    expected = python(STEPS.format(names=[name]), "").stdout
    copy = without_source(package, tmp_path)
    (library,) = copy.glob(f"{MODULE}*")
    library = library.rename(tmp_path / library.name)
    stub = f"""
    import importlib.util, sys
    spec = importlib.util.spec_from_file_location(__name__, {str(library)!r})
    sys.modules[__name__] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[__name__])
    """
    with zipfile.ZipFile(tmp_path / "library.zip", "w") as file:
        file.writestr(f"{package.name}/{MODULE}.py", textwrap.dedent(stub))
        for path in copy.rglob("*.pyc"):
            file.write(path, path.relative_to(tmp_path))
    done = python(STEPS.format(names=[name]), tmp_path / "library.zip")
    assert done.stdout == expected
    assert done.stderr.startswith(f"pyc {tmp_path / 'library.zip'}")


def test_show_prints_the_text_that_is_kept(tmp_path):
    name, package = next(iter(PACKAGES.items()))
    without_source(package, tmp_path)
    code = f"from weightopt_core.cli import main; main(['show', {name!r}])"
    shown, expected = (python(code, folder).stdout for folder in (tmp_path, ""))
    assert "@update_rule\ndef " in shown
    assert shown.rpartition("source: ")[0] == expected.rpartition("source: ")[0]


@pytest.fixture
def bytecode(tmp_path, monkeypatch):
    """Return a function that imports a package from bytecode, and forget the packages."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def load(text, kept=None, optimize=0, name="kept_package"):
        folder = tmp_path / "written" / name
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(text)
        if kept is not None:
            (folder / f"{MODULE}.py").write_text(kept)
        without_source(folder, tmp_path, optimize)
        (folder / "__init__.py").unlink()
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield load
    for name in set(sys.modules) - before:
        del sys.modules[name]


def kept(text, name="kept_package.rule"):
    return f"SOURCES = {{{name!r}: {text!r}}}"


@pytest.mark.parametrize("optimize", [0, 1, 2])
def test_the_text_that_is_kept(optimize, bytecode):
    package = bytecode(RULE, kept(TEXT), optimize)
    assert package.rule.lowered.constants == ["lr"]
    assert package.rule.source == TEXT
    assert package.rule.compiled.reason == "not compiled"


def test_an_indented_rule_is_kept_as_it_stands(bytecode):
    source = RULE.replace("\n@", "\nif True:\n@")
    header, text = source.split("if True:\n")
    text = textwrap.indent(text, "    ")
    assert bytecode(f"{header}if True:\n{text}", kept(text)).rule.source == text


def test_lines_end_where_those_of_a_file_do(bytecode):
    text = TEXT.replace("lr * grad", "lr * grad  # \x0c \x1c \u2028 \N{GREEK SMALL LETTER MU}")
    rule = bytecode(RULE.replace(TEXT, text), kept(text)).rule
    assert rule.source == text


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (None, "kept_package._rules: not compiled"),
        ("raise ImportError('no such machine')", "does not load: no such machine"),
        ("RULES = {}", "kept_package._rules: it keeps no text of the rule"),
        ("SOURCES = ['kept_package.rule']", "keeps no text of the rule"),
        (kept(TEXT, "kept_package.other"), "keeps no text of the rule"),
        (kept(OTHER), "not that of the code that runs"),
        (kept(TEXT + TEXT), "line 3 defines rule, rule"),
        (kept("def rule(:\n"), "invalid syntax"),
        (kept(""), "line 3 defines "),
    ],
)
@pytest.mark.parametrize("optimize", [0, 2])
def test_what_is_no_text_of_it_is_refused(module, reason, optimize, bytecode):
    with pytest.raises(RuleError) as caught:
        bytecode(RULE, module, optimize)
    text = str(caught.value)
    assert "its source text cannot be read (line 3 is not there; kept_package._rules: " in text
    assert reason in text
    assert "build its package again and ship the compiled module beside the bytecode" in text
    assert caught.value.lineno == 3


def test_a_file_that_was_edited_since(bytecode, tmp_path):
    """Bytecode that was made here names a file; the text that is kept is still the right one."""
    package = bytecode(RULE, kept(TEXT))
    path = Path(package.rule.function.__code__.co_filename)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(RULE.replace(TEXT, OTHER))
    assert mx.update_rule(package.rule.function).source == TEXT


def test_a_module_apart_from_its_package_imports_nothing(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "apart_package").mkdir()
    (tmp_path / "apart_package" / "__init__.py").write_text("raise SystemExit")
    names = {"__name__": "apart_package"}
    exec(compile(TEXT.removeprefix("@update_rule\n"), "nowhere", "exec"), names)
    with pytest.raises(RuleError, match=r"apart_package\._rules: not compiled"):
        mx.update_rule(names["rule"])


def test_what_the_level_of_optimisation_decides_is_refused(bytecode):
    text = TEXT.replace("lr *", "(lr if __debug__ else 2.0) *")
    for name, optimize in (("debug_package", 0), ("other_package", 2)):
        with pytest.raises(
            RuleError, match="'__debug__', which is settled when a file is compiled"
        ):
            bytecode(RULE.replace(TEXT, text), kept(text, f"{name}.rule"), optimize, name)
