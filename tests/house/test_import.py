"""What importing the core loads, and what the core may know."""

import ast
import importlib
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import weightopt_core
from weightopt_core.registry.published import PUBLISHED

CORE = Path(weightopt_core.__file__).parent


def test_importing_the_core_loads_no_plugin_and_nothing_heavy():
    code = "import weightopt_core, sys; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    loaded = done.stdout.split()
    plugins = {
        package.replace("-", "_") for group in PUBLISHED.values() for package in group.values()
    }
    heavy = {
        "pyopencl",
        "importlib_metadata",
        "safetensors",
        "click",
        "rich",
        "Cython",
        "setuptools",
        "difflib",
        "secrets",
        "shutil",
    }
    assert not (plugins | heavy) & set(loaded)


#: Names of algorithms that are words of the language too.
ORDINARY = {"normal", "uniform", "constant", "linear", "scale", "sequence", "warmup"}


def test_the_core_names_no_algorithm():
    names = {name for group in PUBLISHED.values() for name in group} - {
        "test",
        "load",
        "one",
        "zero",
        "mixed",
    }
    for path in CORE.rglob("*.py"):
        if path.name == "published.py":
            continue
        tree = ast.parse(path.read_text())
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in docstrings
            ):
                words = set(node.value.replace("-", " ").lower().split())
                found = (words & names) - ORDINARY
                assert not found or "start" in words, f"{path.name}:{node.lineno} names {found}"
            if isinstance(node, ast.ImportFrom | ast.Import):
                assert "weightopt_" not in ast.unparse(node).replace("weightopt_core", "")


ROOT = CORE.parent
CYTHON = sorted(path for path in CORE.rglob("*.p[xy][xd]"))
#: What Cython modules import of this package, and the headers that stand in it.
CIMPORT = re.compile(r"^\s*from (\.+)([\w.]*) c?import", re.M)
HEADER = re.compile(r'^\s*(?:cdef extern from|#include) "([\w.]+\.h)"', re.M)


def rows():
    """Return the rows of modules that CONTRIBUTING has, from the top."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    return [
        line.split()
        for line in text.split("Imports point down only")[1].split("```")[1].splitlines()
    ]


def name_of(path):
    """Return the name of a module below the core, that of a package without `__init__`."""
    parts = path.relative_to(CORE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {name_of(path): path for path in CORE.rglob("*.py")}
MODULES = {*PATHS, *map(name_of, CYTHON)} - {""}


def imported(path):
    """Return the modules of the core that a file imports, inside functions too, but for types."""
    package = path.parent.relative_to(CORE).parts
    tree = ast.parse(path.read_text("utf-8"))
    tests = [node for node in ast.walk(tree) if isinstance(node, ast.If)]
    typing = [node for node in tests if "TYPE_CHECKING" in ast.unparse(node.test)]
    skipped = {id(inner) for node in typing for inner in ast.walk(node)}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and id(node) not in skipped:
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            base = ".".join(filter(None, base))
            names = [f"{base}.{alias.name}".lstrip(".") for alias in node.names]
            found |= {name if name in MODULES else base for name in names}
    return found - {"", name_of(path)}


def cimported(path):
    """Return the modules of the core that a Cython file imports."""
    package = path.parent.relative_to(CORE).parts
    found = CIMPORT.findall(path.read_text("utf-8"))
    names = {".".join([*package[: len(package) - len(dots) + 1], name]) for dots, name in found}
    assert names <= MODULES, path.name
    return names - {name_of(path)}


def graph():
    """Return what each module of the core imports."""
    found = {name: imported(path) for name, path in PATHS.items() if name}
    for path in CYTHON:
        found.setdefault(name_of(path), set()).update(cimported(path))
    return found


def top(name):
    return name.partition(".")[0]


def test_every_module_stands_in_one_row():
    assert sorted(name for row in rows() for name in row) == sorted(set(map(top, MODULES)))


def test_arrows_point_down():
    depth = {name: number for number, row in enumerate(rows()) for name in row}
    for own, names in graph().items():
        for name in names:
            if top(name) != top(own):
                assert depth[top(name)] > depth[top(own)], f"{own} imports {name}"


def test_headers_are_included_downwards():
    depth = {name: number for number, row in enumerate(rows()) for name in row}
    folders = {path.name: path.parent.name for path in CORE.rglob("*.h")}
    for path in [*CYTHON, *CORE.rglob("*.h"), *CORE.rglob("pool.c")]:
        for name in HEADER.findall(path.read_text("utf-8")):
            if name in folders:
                own = path.relative_to(CORE).parts[0]
                assert depth[folders[name]] >= depth[own], f"{path.name} includes {name}"


def test_no_modules_import_each_other():
    """A package's face, which its own modules may import from, is no part of a circle of those."""
    faces = {name for name, path in PATHS.items() if path.name == "__init__.py"}
    found = {own: names - faces for own, names in graph().items() if own not in faces}
    tuple(TopologicalSorter(found).static_order())  # raises where they go in a circle


def test_no_module_has_the_name_of_one_in_the_standard_library():
    """`random` is public, as in MXNet."""
    names = {path.stem for path in [*PATHS.values(), *CYTHON] if name_of(path) != "random"}
    assert not names & sys.stdlib_module_names


def test_cython_modules_open_with_their_design():
    for path in CORE.rglob("*.pyx"):
        _, opening, _ = path.read_text("utf-8").split('"""', 2)
        assert "\n\nDesign\n------\n" in opening, path.name


def drawn(text):
    """Yield the paths of the map in CONTRIBUTING, by its indentation."""
    folders = {4: ""}
    for line in filter(str.strip, text.splitlines()):
        indent, name = len(line) - len(line.lstrip()), line.split()[0]
        folders[indent + 4] = folders[indent] + name
        yield folders[indent] + name


def test_the_map_of_the_tree_is_right():
    """Every module and folder of the core has a line in CONTRIBUTING, and no line is of another.

    Of a folder some lines may have files; then all of its modules have one.
    """
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    lines = set(drawn(text.split("weightopt_core/\n")[1].split("plugins/<name>/")[0]))
    opened = {line.rpartition("/")[0] for line in lines if not line.endswith("/") and "/" in line}
    expected = {path.name for path in CORE.glob("*.py")}
    expected |= {
        f"{path.name}/" for path in CORE.iterdir() if path.is_dir() and path.name[0] != "_"
    }
    for folder in opened:
        inside = CORE / folder
        expected |= {f"{folder}/{path.name}" for path in inside.glob("[!_]*.py")}
        expected |= {f"{folder}/{path.stem}" for path in inside.glob("*.pyx")}
        packages = (path.parent.name for path in inside.glob("*/__init__.py"))
        expected |= {f"{folder}/{name}/" for name in packages}
    assert lines == expected


def is_there(dotted):
    """Whether a dotted name below the core leads to something."""
    found, path = weightopt_core, "weightopt_core"
    for part in dotted.split("."):
        path += f".{part}"
        if not hasattr(found, part):
            try:
                importlib.import_module(path)
            except ImportError:
                return False
        found = getattr(found, part)
    return True


def test_modules_and_files_that_texts_name_are_there():
    tops = set(map(top, MODULES))
    texts = [*CORE.rglob("*.py"), *CYTHON, *CORE.rglob("*.h"), ROOT / "CONTRIBUTING.md"]
    for path in [*texts, *ROOT.glob("docs/*.md"), *ROOT.glob("docs/design/*.md")]:
        text = path.read_text("utf-8")
        for name in re.findall(r"weightopt_core\.((?:\w+\.)*\w+)", text):
            assert is_there(name), f"{path}: weightopt_core.{name}"
        for name in re.findall(r"`(?:weightopt_core/)?((?:\w+/)+\w+\.(?:py|pyx|h|c))`", text):
            assert top(name.replace("/", ".")) not in tops or (CORE / name).is_file(), name
