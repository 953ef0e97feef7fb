"""Fuzz the readers of foreign bytes, guided by coverage; a crash, a hang or an error is a finding.

Usage: ``python tools/fuzz.py --seconds 60 [--targets states rule]``. Each target of
``tests/fuzz/targets.py`` gets its part of the time, in a process of its own, which may take
`MEMORY` and for one input `PATIENCE`. What is found lies in ``build/fuzz/found`` and belongs into
``tests/fuzz/corpus/<target>``, where the tests try it again. Needs atheris.
"""

import argparse
import ast
import contextlib
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUZZ = ROOT / "tests" / "fuzz"
BUILD = ROOT / "build" / "fuzz"
#: MiB of a process, its instruments included; seconds for one input.
MEMORY, PATIENCE = 1024, 10
#: What is instrumented, so that new branches count.
PACKAGES = [
    *(f"weightopt_core.{part}" for part in ("optimizer.checkpoint", "written", "hyperparameters")),
    *(f"weightopt_core.{part}" for part in ("registry", "rule", "init_desc", "initializer")),
    "weightopt_load",
    "json.decoder",
]


def child(target: str, options: list[str]) -> None:
    """Fuzz one target in this process; libFuzzer ends it."""
    import atheris

    sys.path[:0] = [str(FUZZ), str(ROOT / "tests")]
    with atheris.instrument_imports(include=PACKAGES):
        from targets import TARGETS, Refused

    def once(data: bytes) -> None:
        with contextlib.suppress(Refused):
            TARGETS[target](data)

    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


def write_seeds() -> None:
    """Write what the targets begin with, as files."""
    code = "import sys; sys.path[:0] = sys.argv[1:3]; from seeds import seeds; print(repr(seeds()))"
    command = [sys.executable, "-c", code, str(FUZZ), str(ROOT / "tests")]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for target, found in ast.literal_eval(text).items():
        for name in ("seeds", "corpus"):
            (BUILD / name / target).mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(found):
            (BUILD / "seeds" / target / str(number)).write_bytes(data)


def fuzz(target: str, seconds: float) -> tuple[int, str]:
    """Return how many inputs were tried, and the end of what a failing process said."""
    found = BUILD / "found" / target
    found.mkdir(parents=True, exist_ok=True)
    folders = [BUILD / "corpus" / target, BUILD / "seeds" / target, FUZZ / "corpus" / target]
    options = [
        f"-max_total_time={max(1, round(seconds))}",
        f"-rss_limit_mb={MEMORY}",
        f"-timeout={PATIENCE}",
        f"-artifact_prefix={found}/",
        "-print_final_stats=1",
        *(str(folder) for folder in folders if folder.is_dir()),
    ]
    command = [sys.executable, __file__, "--child", target, *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    said = done.stdout.decode("utf-8", "replace")
    runs = re.search(r"number_of_executed_units:\s*(\d+)", said)
    return int(runs[1]) if runs else 0, said[-4000:] if done.returncode else ""


def main() -> int:
    """Fuzz all targets, and report; return 1 where something was found."""
    parser = argparse.ArgumentParser(description="Fuzz the readers of foreign bytes.")
    parser.add_argument("--seconds", type=float, default=60, help="for all targets together")
    parser.add_argument("--targets", nargs="*", default=None, help="some of them")
    options = parser.parse_args()
    write_seeds()
    targets = options.targets or sorted(path.name for path in (BUILD / "seeds").iterdir())
    failed = False
    for target in targets:
        print(f"{target:>14}  ", end="", flush=True)
        began = time.monotonic()
        runs, said = fuzz(target, options.seconds / len(targets))
        failed |= bool(said)
        words = f"FOUND, see {BUILD / 'found' / target}" if said else "nothing found"
        print(f"{runs:>9} inputs  {time.monotonic() - began:6.1f} s  {words}", flush=True)
        if said:
            print(said, flush=True)
    return int(failed)


if __name__ == "__main__":
    if "--child" in sys.argv[1:2]:
        child(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(main())
