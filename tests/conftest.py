import contextlib

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.testing import arrays

#: Files whose tests take a second and more, each or before the first; `make check` leaves them out.
LONG = {
    "arrays/test_backends", "arrays/test_halves", "benchmarks/test_benchmarks",
    "checkpoint/test_background", "checkpoint/test_checkpoint", "checkpoint/test_kills",
    "checkpoint/test_matrix", "checkpoint/test_soak", "cli/test_cli", "docs/test_doctests",
    "docs/test_builder", "docs/test_examples", "engine/test_norms", "engine/test_plan_stress",
    "engine/test_step_whole", "house/test_face", "house/test_stubs", "kit/test_devices",
    "kit/test_testing", "kvstore/test_every_optimizer", "kvstore/test_network",
    "opencl/test_example", "opencl/test_norm", "opencl/test_norms", "opencl/test_state_dtype",
    "optimizer/test_convergence", "random/test_fork", "random/test_kernel", "random/test_random",
    "rule/test_build", "rule/test_bytecode", "rule/test_limits", "rule/test_names",
    "tests/test_orthogonal", "threads/test_pool", "threads/test_pool_sanitize",
    "threads/test_threads",
}  # fmt: skip


def pytest_collection_modifyitems(items):
    for item in items:
        file = "/".join(item.path.with_suffix("").parts[-2:])
        of_kit = file == "kit/test_conformance"
        of_device = of_kit and item.name.count("-") > 1 and not item.name.endswith("-cpu]")
        of_process = of_kit and item.name.endswith("-import_prints_nothing]")
        if file in LONG or of_device or of_process:
            item.add_marker("long")


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return np.dtype(request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(20170801)


@pytest.fixture
def isolated():
    """Forget afterwards what is registered."""
    with contextlib.ExitStack() as stack:
        for module in (mx.optimizer, mx.init, mx.lr_scheduler):
            stack.enter_context(module.registry.isolated())
        yield


@pytest.fixture
def on_the_host(monkeypatch):
    """Let the conformance kit run on NumPy arrays alone, where devices would show nothing else."""
    monkeypatch.setattr(arrays, "_SOURCES", [arrays.cpu])
    arrays.makers.cache_clear()
    yield
    arrays.makers.cache_clear()


@pytest.fixture(autouse=True)
def seeded():
    mx.random.seed(0)


@pytest.fixture
def wild(rng):
    """Return numbers over 35 orders of magnitude, special values among them."""
    return lambda size, dtype: arrays.wild(rng, size, dtype)
