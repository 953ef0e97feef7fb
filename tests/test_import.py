"""What importing the core loads, and what the core may know."""

import ast
import subprocess
import sys
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


LAYERS = {
    "errors": 0, "dtypes": 0, "hyperparameters": 1, "algorithm": 2, "published": 0, "threads": 1,
    "kernels": 0, "norms": 1, "backends": 2, "rule": 3, "registry": 3, "random": 1, "many": 1,
    "multipliers": 2, "installed": 1, "discovery": 2, "clipping": 4, "rates": 3,
    "lr_scheduler": 4, "updater": 6, "optimizer": 7, "initializer": 7, "checkpoint": 5,
}  # fmt: skip


def test_arrows_point_down():
    for path in CORE.rglob("*.py"):
        parts = path.relative_to(CORE).with_suffix("").parts
        own = parts[0]
        if own not in LAYERS:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == len(parts):
                targets = (
                    [node.module.split(".")[0]] if node.module else [a.name for a in node.names]
                )
                for target in targets:
                    if (
                        target in LAYERS
                        and "TYPE_CHECKING"
                        not in path.read_text().split(f"from .{target}")[0][-40:]
                    ):
                        assert LAYERS[target] <= LAYERS[own], f"{own} imports {target}"
