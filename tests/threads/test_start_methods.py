"""Workers that step give the bits of their parent, however they are started."""

import multiprocessing

import pytest
from processes import stepped

SIZE = 100_000


def worker(size):
    return stepped(size).tobytes()


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_workers_step_as_their_parent(method):
    expected = worker(SIZE)  # the parent's pool has threads from here on
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map_async(worker, [SIZE] * 3).get(60) == [expected] * 3
