"""Which mutants are judged, what was judged before, and what came of it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from operators import LANGUAGES, Mutant, mutants
from trial import INVALID, ROOT, SURVIVED


def sources(paths: Sequence[str], root: Path = ROOT) -> list[str]:
    """Return the files of these paths, relative to the root, without what Cython writes."""
    found = []
    for path in (root / path for path in paths):
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            is_written = file.suffix == ".c" and file.with_suffix(".pyx").exists()
            if file.suffix in LANGUAGES and not is_written:
                found.append(str(file.relative_to(root)))
    if not found:
        raise SystemExit(f"paths: expected files of {', '.join(LANGUAGES)}, got {' '.join(paths)}")
    return found


def every(files: Iterable[str], root: Path = ROOT) -> list[Mutant]:
    """Return all mutants of some files."""
    return [mutant for file in files for mutant in mutants(file, (root / file).read_text())]


def sampled(found: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """Return some of the mutants, of each operator about equally many.

    Samples of one seed begin alike, so that a larger one goes on from a smaller one.
    """
    by_operator = defaultdict(list)
    # By hash, so that a change of one file leaves the choice among the others as it was.
    for mutant in sorted(found, key=lambda mutant: sha256(repr((seed, mutant)).encode()).digest()):
        by_operator[mutant.operator].append(mutant)
    ranked = sorted((i, m) for some in by_operator.values() for i, m in enumerate(some))
    return [mutant for _, mutant in ranked[:count]]


def stored(path: Path) -> dict[Mutant, str]:
    """Return the outcome of each mutant that was judged before."""
    if not path.exists():
        return {}
    return {Mutant(*mutant): outcome for mutant, outcome in json.loads(path.read_text())}


def store(path: Path, outcomes: dict[Mutant, str]) -> None:
    """Write the outcomes so that whoever is interrupted finds the old ones or the new."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(list(outcomes.items()), indent=0))
    beside.replace(path)


def summary(outcomes: dict[Mutant, str]) -> str:
    """Return which mutants survived, and how many were noticed of those that can be built."""
    kinds = Counter(outcomes.values())
    rest = sorted(mutant for mutant, outcome in outcomes.items() if outcome == SURVIVED)
    judged = len(outcomes) - kinds[INVALID]
    share = f"{100 * (judged - len(rest)) / judged:.1f} %" if judged else "none"
    listed = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return "\n".join([*map(shown, rest), f"{judged} mutants, {share} noticed ({listed})"])


def shown(mutant: Mutant) -> str:
    """Return a mutant as a line of text."""
    before, after = (" ".join(text.split()) for text in (mutant.before, mutant.after))
    return f"{mutant.file}:{mutant.line}: {before}  ->  {after}"
