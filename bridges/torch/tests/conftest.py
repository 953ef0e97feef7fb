import importlib.util

import pytest

import weightopt_core as wo

if importlib.util.find_spec("torch") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    import torch

    # Tests run beside one another, and threads that spin would wait for one another.
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seeded():
    wo.random.seed(0)
