"""Which tests concern which file of the core."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import build_copy

ROOT = build_copy.ROOT
PACKAGE = "weightopt_core"
#: The tests that concern a file, by the longest beginning of its path; what takes least is first.
TESTS = {
    "": "registry initializer optimizer rule checkpoint engine",
    "algorithm": "registry optimizer initializer golden",
    "backends/": "arrays opencl/test_attributes.py optimizer checkpoint engine",
    "backends/cpu/": "arrays initializer optimizer random engine",
    "backends/opencl/": "opencl",
    "build": "rule/test_build.py rule/test_limits.py rule/test_source.py registry",
    "cli/": "cli",
    "compiler": "rule/test_build.py packages/test_no_compiler.py",
    "ctext/": "arrays random/test_kernel.py random/test_rounding.py engine rule random",
    "engine/": "engine optimizer arrays opencl/test_attributes.py opencl/test_order.py",
    "engine/powers": "rule/test_powers.py engine/test_plan.py",
    "hyperparameters/": "registry optimizer/test_optimizer.py optimizer/test_settings.py golden",
    "initializer/": "initializer registry page",
    "kvstore/": "kvstore",
    "kernels/": "engine random threads arrays",
    "keys": "random initializer",
    "lr_scheduler": "optimizer/test_rates.py golden/test_schedulers.py optimizer checkpoint",
    "optimizer/": "optimizer checkpoint random/test_noise.py engine",
    "optimizer/checkpoint/": "checkpoint arrays/test_state_dtype.py",
    "optimizer/clipping": "optimizer/test_clipping.py opencl/test_norm.py",
    "optimizer/multipliers": "optimizer/test_multipliers.py optimizer/test_settings.py optimizer",
    "optimizer/updater": "checkpoint optimizer",
    "random": "random initializer",
    "registry/": "registry house/test_import.py cli",
    "rule/": "rule page kit/test_subject.py engine/test_norms.py engine/test_plan.py",
    "scaffold/": "cli/test_new.py cli/test_scaffold.py docs/test_plugin_readmes.py",
    "testing/": "kit/test_testing.py kit/test_subject.py kit/test_devices.py cli",
    "threads": "threads",
}


def tests_of(file: str) -> list[str]:
    """Return the tests that concern a file."""
    path = file.removeprefix(f"{PACKAGE}/")
    longest = max((begin for begin in TESTS if path.startswith(begin)), key=len)
    return [f"tests/{name}" for name in TESTS[longest].split()]


def in_order(file: str, tests: list[str], root: Path = ROOT) -> list[str]:
    """Return these tests for pytest, with those first that have the name of the file."""
    folders = [root / name for name in tests if (root / name).is_dir()]
    named = [path for at in folders for path in sorted(at.glob(f"test_{Path(file).stem}*.py"))]
    return list(dict.fromkeys([*(str(path.relative_to(root)) for path in named), *tests]))
