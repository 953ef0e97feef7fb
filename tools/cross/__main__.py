"""Compile rules and the core's C for other platforms, run that here, and compare bits with NumPy.

Usage: ``python tools/cross [--rules NAME ...] [--folder FOLDER] [PLATFORM ...]``. A platform is a
part of a name in platforms.py; without any, all are tried. What cannot be run here is compiled,
with all warnings, any of which is a fault. What is not installed is named. A row for each platform
is printed as docs/platforms.md has it. It ends with 1 if something failed.
``python tools/cross --packages`` prints what Debian has for them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

from jobs import Job, Rules, core, plugins
from platforms import ALL, PACKAGES, Platform

from weightopt_core.flags import COMPILE_ARGS
from weightopt_core.rule.source import header_text

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CORE = ROOT / "weightopt_core"
FOLDERS = [CORE / name for name in ("ctext", "kernels", "engine")]
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
#: Seconds for one compiler or one program.
LONGEST = 900


class Programs:
    """The text of one program, and its jobs, for all platforms."""

    def __init__(self, rules: list[str], folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        known = Rules(rules)
        self.jobs: list[Job] = [*core(), *known.jobs()]
        own = [name for name in dict.fromkeys(job.function for job in core())]
        self.functions = [*own, *known.functions()]
        (folder / "rules.h").write_text(header_text("all plugins", list(known.each)))
        head = "typedef void (*function)(ptrdiff_t, void *const *, const void *);\n"
        declared = "".join(
            f"void {name}(ptrdiff_t count, void *const *arrays, const void *constants);\n"
            for name in own
        )
        table = ",\n    ".join(self.functions)
        text = f"static const function functions[] = {{\n    {table},\n}};\n"
        (folder / "functions.h").write_text(head + declared + text)

    def compiled(self, platform: Platform) -> Path:
        """Return the program for one platform."""
        made = self.folder / platform.name.replace(" ", "_").replace(",", "")
        made = made.with_name(f"{made.name}.exe") if platform.windows else made
        files = [HERE / "program.c", HERE / "core.c", CORE / "kernels" / "pool.c"]
        # What stands last holds: what a platform asks for comes after.
        command = [platform.compiler[0], *COMPILE_ARGS, *WARNINGS, "-std=gnu11"]
        if platform.compiler[:3] == ("python3", "-m", "ziglang"):
            command = [sys.executable, *platform.compiler[1:], *COMPILE_ARGS, *WARNINGS]
        else:
            command += platform.compiler[1:]
        command += ["-include", CORE / "ctext" / "exact.h"]
        command += [f"-I{path}" for path in (self.folder, *FOLDERS)]
        if platform.runner is None:  # to link it may need what only its system has
            for path in files:
                _run([*command, "-c", path, "-o", made.with_suffix(".o")])
        else:
            _run([*command, *files, "-o", made, *platform.options])
        return made

    def compared(self, platform: Platform, program: Path) -> tuple[int, int]:
        """Run the program; return how many elements were compared and how many differ."""
        jobs, results = (program.with_suffix(suffix) for suffix in (".jobs", ".results"))
        numbers = {name: number for number, name in enumerate(self.functions)}
        jobs.write_bytes(
            b"".join(job.written(numbers[job.function], platform.order) for job in self.jobs)
        )
        _run([*(platform.runner or ()), program, jobs, results], dict(platform.variables))
        data, total, wrong = results.read_bytes(), 0, 0
        for job in self.jobs:
            compared, differ = job.wrong(data[: job.nbytes], platform.order)
            data, total, wrong = data[job.nbytes :], total + compared, wrong + differ
            if differ:
                print(f"{platform.name}: {job.function}: {differ} of {compared} differ", flush=True)
        assert not data, "more results than jobs"
        return total, wrong


def _run(command: list[object], variables: dict[str, str] | None = None) -> None:
    words = [str(word) for word in command]
    quiet = {"WINEDEBUG": "-all", **(variables or {})}
    done = subprocess.run(
        words, text=True, capture_output=True, env=os.environ | quiet, timeout=LONGEST, check=False
    )
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(words)}\nended with {done.returncode}: {done.stderr[-3000:]}"
        )


def _version(platform: Platform) -> str:
    command = [*platform.compiler[:1], "--version"]
    if platform.compiler[0] == "python3":
        command = [sys.executable, "-m", "ziglang", "version"]
    printed = subprocess.run(command, text=True, capture_output=True, check=False).stdout
    return printed.splitlines()[0] if printed else ""


def _row(programs: Programs, platform: Platform) -> bool:
    """Print what one platform gives; return whether that is as it should be."""
    try:
        program = programs.compiled(platform)
        ran = "compiled, without warnings"
        wrong = 0
        if platform.runner is not None:
            total, wrong = programs.compared(platform, program)
            by = f" by {platform.runner[0]}" if platform.runner else ""
            ran = f"ran{by}: {total:,} elements, {wrong} different"
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        print(f"{platform.name}: {error}", flush=True)
        ran, wrong = "failed", 1
    today = datetime.now(timezone.utc).date().isoformat()
    print(f"| {platform.name} | {_version(platform)} | {ran} | {today} |", flush=True)
    return not wrong


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], prog="cross")
    parser.add_argument("platforms", nargs="*", metavar="PLATFORM")
    parser.add_argument("--rules", nargs="*", default=plugins(ROOT), help="names of plugins")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "cross")
    parser.add_argument("--packages", action="store_true", help="print names of Debian's packages")
    given = parser.parse_args()
    if given.packages:
        print(*PACKAGES)
        return
    parts = given.platforms or [""]
    chosen = [one for one in ALL if any(part in one.name for part in parts)]
    programs = Programs(given.rules, given.folder)
    good, remedy = True, f"Debian has {' '.join(PACKAGES)}"
    for platform in chosen:
        if platform.missing:
            print(f"{platform.name}: no {platform.missing}; {remedy}", flush=True)
        else:
            good &= _row(programs, platform)
    sys.exit(not good or not chosen)


if __name__ == "__main__":
    _main()
