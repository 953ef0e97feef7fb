import contextlib

import pytest

import weightopt_core as wo

with contextlib.suppress(ImportError):
    import torch

    # Tests run beside one another, and threads that spin would wait for one another.
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seeded():
    wo.random.seed(0)
