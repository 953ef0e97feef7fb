"""What importing the core loads, and what the core may know."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import weightopt_core
from weightopt_core.published import PUBLISHED

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
    }
    assert not (plugins | heavy) & set(loaded)


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
                found = (words & names) - {"normal", "uniform", "constant"}
                assert not found or "start" in words, f"{path.name}:{node.lineno} names {found}"
            if isinstance(node, ast.ImportFrom | ast.Import):
                assert "weightopt_" not in ast.unparse(node).replace("weightopt_core", "")


ROOT = CORE.parent
#: What an extension module may import of this package: its neighbours.
NEIGHBOUR = re.compile(r"^\s*from (\.\w*) c?import", re.M)


def rows():
    """Return the rows of modules that CONTRIBUTING has, from the top."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    return [
        line.split()
        for line in text.split("Imports point down only")[1].split("```")[1].splitlines()
    ]


def modules():
    """Return the modules and folders of modules in the core."""
    files = {path.stem for path in CORE.glob("*.py")} - {"__init__"}
    return files | {path.parent.name for path in CORE.glob("*/__init__.py")}


def imported(path):
    """Yield the modules of the core that a file imports, inside functions too, but for types."""
    parts = path.relative_to(CORE).with_suffix("").parts
    tree = ast.parse(path.read_text("utf-8"))
    tests = [node for node in ast.walk(tree) if isinstance(node, ast.If)]
    typing = [node for node in tests if "TYPE_CHECKING" in ast.unparse(node.test)]
    skipped = {id(inner) for node in typing for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and id(node) not in skipped:
            folder = list(parts[: len(parts) - node.level])
            for alias in node.names:
                found = [*folder, *(node.module or alias.name).split(".")][0]
                if found in modules() - {parts[0]}:
                    yield found


def test_every_module_stands_in_one_row():
    listed = [name for row in rows() for name in row if name]
    assert sorted(listed) == sorted(modules())


def test_arrows_point_down():
    depth = {name: number for number, row in enumerate(rows()) for name in row}
    for path in CORE.rglob("*.py"):
        own = path.relative_to(CORE).with_suffix("").parts[0]
        if own == "__init__":
            continue
        for name in imported(path):
            assert depth[name] > depth[own], f"{path.relative_to(CORE)} imports {name}"


def test_extension_modules_know_their_neighbours_alone():
    folder = CORE / "kernels"
    graph = {}
    for path in [*folder.glob("*.pyx"), *folder.glob("*.pxd")]:
        found = NEIGHBOUR.findall(path.read_text("utf-8"))
        assert all(re.fullmatch(r"\.\w+", name) for name in found), path.name
        graph.setdefault(path.stem, set()).update(name[1:] for name in found)
    graph = {name: found - {name} for name, found in graph.items()}
    tuple(TopologicalSorter(graph).static_order())  # raises where they go in a circle


def test_the_map_of_the_tree_is_right():
    """Every module and folder of the core has a line in CONTRIBUTING, and no line is of another."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    tree = text.split("weightopt_core/\n")[1].split("plugins/<name>/")[0]
    lines = {line.split()[0].rstrip("/") for line in tree.splitlines() if line.strip()}
    expected = {path.name for path in CORE.glob("*.py")}
    expected |= {path.name for path in CORE.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert lines == expected
