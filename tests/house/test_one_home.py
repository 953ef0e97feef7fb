"""Each fact that several parts of the core need stands in one place, where the others read it."""

import ast
import re
from pathlib import Path

import pytest

import weightopt_core
from weightopt_core import ctext, dtypes, kinds

CORE = Path(weightopt_core.__file__).parent
ROOT = CORE.parent
C_FILES = [*CORE.rglob("*.h"), CORE / "kernels" / "pool.c"]
PYTHON = [*CORE.rglob("*.py"), ROOT / "setup.py", *ROOT.glob("tools/*.py")]
TEXTS = [*PYTHON, *CORE.rglob("*.p[xy][xd]"), *C_FILES]


def homes(pattern):
    """Return the files of which a line matches, below the core's root."""
    wanted = re.compile(pattern, re.M)
    found = (path for path in TEXTS if wanted.search(path.read_text("utf-8")))
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


@pytest.mark.parametrize("name", ["ABI", "MAX_ARRAYS", "MAX_REDUCTIONS"])
def test_what_rules_and_the_core_agree_on(name):
    value = getattr(ctext, name)
    home = ["weightopt_core/ctext/abi.h"]
    assert homes(rf"\b(WEIGHTOPT_)?{name}\b\s*(:.*)?=?\s*\(?\d") == home
    assert f"#define WEIGHTOPT_{name} {value}\n" in ctext.text("abi.h")


def test_names_of_capsules():
    assert ctext.capsule_name("rule", "float32") == f"weightopt.rule.float32.{ctext.ABI}"
    pattern = r"weightopt\.(rule|measure|\{kind\})\."
    assert homes(rf'"{pattern}') == ["weightopt_core/ctext/abi.h"]


def test_options_of_the_compiler():
    assert homes(r'"-(O\d|ffp-contract|fno-[\w-]+|std=\S+)"') == ["weightopt_core/flags.py"]


@pytest.mark.parametrize(
    "constant",
    [
        pytest.param("0x7fff +", id="to bfloat16"),
        pytest.param("0x38000000 +", id="to float16"),
        pytest.param("0x7c00) ==", id="from float16"),
    ],
)
def test_half_precision_conversions(constant):
    assert homes(re.escape(constant)) == ["weightopt_core/ctext/halves.h"]


def test_how_bfloat16_is_had():
    assert homes(r"^\s*(import|from) ml_dtypes") == ["weightopt_core/dtypes.py"]


def strings(path):
    """Yield the strings of each display and call in a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict | ast.Call):
            parts = ast.iter_child_nodes(node)
            yield {part.value for part in parts if isinstance(part, ast.Constant)}


def writers(names, least):
    """Return the files in which `least` of the names stand together in one display or call."""
    found = {path for path in PYTHON if any(len(names & part) >= least for part in strings(path))}
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def test_the_list_of_storage_types():
    """That of C is the enumeration in driver.pxd, since C reads no Python."""
    assert writers(set(dtypes.STORAGE), 3) == ["weightopt_core/dtypes.py"]
    assert writers(set(dtypes.HALVES), 2) == ["weightopt_core/dtypes.py"]
    assert writers(set(dtypes.C_TYPES), 2) == ["weightopt_core/dtypes.py"]
    assert homes(r"^    FLOAT16$") == ["weightopt_core/kernels/driver.pxd"]


def test_the_kinds_of_algorithms():
    assert writers(set(kinds.KINDS), 3) == []  # kinds.py has one a line
    groups = {kind.group for kind in kinds.KINDS.values()}
    generated = "weightopt_core/registry/published.py"
    assert writers(groups, 1) == ["weightopt_core/kinds.py", generated]
