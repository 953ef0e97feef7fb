import importlib.util
import os
from pathlib import Path

import pytest

import weightopt_core as wo

if importlib.util.find_spec("ray") is None:
    collect_ignore_glob = ["test_*.py"]

#: For workers, which import what tests send them.
HERE = str(Path(__file__).parent)


@pytest.fixture(scope="session")
def cluster():
    """Start Ray as a store would, with less memory."""
    import ray
    from weightopt_ray import start

    os.environ["PYTHONPATH"] = HERE + os.pathsep + os.environ.get("PYTHONPATH", "")
    for attempt in range(3):
        try:
            start(memory=200 << 20, num_cpus=4, log_to_driver=False)
            break
        except Exception:  # Ray waits for 30 s, which may not do where much else is run
            ray.shutdown()
            if attempt == 2:
                raise
    yield ray
    ray.shutdown()


@pytest.fixture
def stores(cluster):
    """Create stores that end with the test."""
    made = []

    def create(**given):
        made.append(wo.kvstore.create("ray", **given))
        return made[-1]

    yield create
    for store in made:
        store.close()
