"""Whether the tests notice small wrong changes: each is made in a copy, and its tests are run.

Usage: ``python tools/mutate [--sample 100] [--seed 0] [--jobs 2] [PATH ...]``. A path is a file or
a folder of weightopt_core. What was judged before, in results.json of the folder, is not judged
again; ``--again`` judges once more what survived.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from operators import Mutant
from sample import every, sampled, shown, sources, store, stored, summary
from subjects import PACKAGE, ROOT
from trial import SURVIVED, Copy, Known, made


def _absolute(text: str) -> Path:
    """Return a path that holds in every folder: tests run in those of the copies."""
    return Path(text).resolve()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], prog="mutate")
    parser.add_argument("paths", nargs="*", default=[PACKAGE], metavar="PATH")
    parser.add_argument("--sample", type=int, default=100, help="how many mutants")
    parser.add_argument("--seed", type=int, default=0, help="of the choice")
    parser.add_argument("--jobs", type=int, default=2, help="how many copies at a time")
    parser.add_argument("--folder", type=_absolute, default=ROOT / "build" / "mutate")
    parser.add_argument("--again", action="store_true", help="judge what survived once more")
    return parser.parse_args()


def _main() -> None:
    given = _arguments()
    chosen = sampled(every(sources(given.paths)), given.sample, given.seed)
    given.folder.mkdir(parents=True, exist_ok=True)
    results = given.folder / "results.json"
    outcomes = stored(results)
    open_ = (None, SURVIVED) if given.again else (None,)
    left = [mutant for mutant in chosen if outcomes.get(mutant) in open_]
    copies: SimpleQueue[Copy] = SimpleQueue()
    known = Known()
    for i in range(min(given.jobs, len(left))):
        copies.put(made(given.folder / f"copy-{i}", known))

    def judge(mutant: Mutant) -> str:
        copy = copies.get()
        try:
            return copy.judge(mutant)
        finally:
            copies.put(copy)

    with ThreadPoolExecutor(given.jobs) as pool:
        for i, (mutant, outcome) in enumerate(zip(left, pool.map(judge, left)), 1):
            outcomes[mutant] = outcome
            store(results, outcomes)
            print(f"{i}/{len(left)} {outcome:9}{shown(mutant)}", flush=True)
    print(summary({mutant: outcomes[mutant] for mutant in chosen}))


if __name__ == "__main__":
    _main()
