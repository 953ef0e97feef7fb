"""Steps on torch's own threads, which spin for milliseconds after each of its loops."""

from __future__ import annotations

from pathlib import Path

import torch
from threadpoolctl import threadpool_info

from weightopt_core import threads


def share_threads() -> str | None:
    """Let steps run on the threads that torch computes with; return the path of their library.

    It is None where torch computes with other threads than OpenMP's, or where several libraries are
    loaded and none is torch's own. Then steps have threads of their own.
    """
    paths = [Path(one["filepath"]) for one in threadpool_info() if one["user_api"] == "openmp"]
    home = Path(torch.__file__).parent
    own = [path for path in paths if path.parent.name == "torch.libs" or home in path.parents]
    for path in own or paths if len(paths) == 1 or own else ():
        try:
            threads.use_openmp(path)
        except ValueError:  # a library without the entry points that GNU's has
            continue
        return str(path)
    return None
