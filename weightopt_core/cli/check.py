"""The command ``weightopt check``."""

from __future__ import annotations

import re
import sys
from collections import Counter

import click
from rich.table import Table
from rich.text import Text

from ..errors import nearest
from ..testing.case import Case
from ..testing.subject import REGISTRIES
from ..testing.suite import cases
from .console import table, tell

_STYLES = {"passed": "green", "failed": "bold red", "excused": "yellow", "skipped": "yellow"}
_Outcome = tuple[Case, str, str]


@click.command("check")
@click.argument("package")
@click.option("--verbose", is_flag=True, help="List the checks that passed too.")
def command(package: str, verbose: bool) -> None:
    """Run the conformance checks of all that the installed PACKAGE provides."""
    failed = False
    for label, cls in _classes(package).items():
        outcomes = [(case, *case.outcome()) for case in _cases(cls)]
        counts = Counter(outcome for _, outcome, _ in outcomes)
        failed |= "failed" in counts
        summary = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        devices = list({case.maker.name: None for case, *_ in outcomes if case.maker} or ["cpu"])
        tell(f"{label}: {summary}; on {' and '.join(devices)}")
        listed = [found for found in outcomes if verbose or found[1] != "passed"]
        if listed:
            tell(_table(listed, devices))
        for case, outcome, why in listed:
            if why:
                on = f" on {case.maker.name}" if case.maker else ""
                tell(_marked(outcome) + f" {case.name}{on}: {why}")
    sys.exit(1 if failed else 0)


def _table(outcomes: list[_Outcome], devices: list[str]) -> Table:
    """Return a table with a row for each check and a column for each device.

    What needs no arrays is in the first column, which is the host's.
    """
    listed = table("check", *devices)
    rows: dict[str, dict[str, Text]] = {}
    for case, outcome, _ in outcomes:
        device = case.maker.name if case.maker else devices[0]
        rows.setdefault(case.name, {})[device] = _marked(outcome)
    for name, by_device in rows.items():
        listed.add_row(name, *(by_device.get(device, "") for device in devices))
    return listed


def _marked(outcome: str) -> Text:
    return Text(outcome, _STYLES[outcome], end="")


def _cases(cls: type) -> list[Case]:
    try:
        return cases(cls)
    except (TypeError, ValueError) as error:
        raise click.ClickException(f"{cls.__name__}: {error}") from error


def _classes(package: str) -> dict[str, type]:
    """Return the classes that a package provides, by their description."""
    known: set[str] = set()
    found: dict[str, type] = {}
    for registry in REGISTRIES:
        for name in registry.names():
            for point in registry.entry_points(name):
                known.add(point.dist.name)
                if _plain(package) not in (_plain(point.dist.name), _plain(name)):
                    continue
                cls = registry.find(name)
                if cls not in found.values():
                    label = f"{registry.kind} {name}, {point.dist.name} {point.dist.version}"
                    found[label] = cls
    if not found:
        hint = nearest(package, known)
        raise click.ClickException(
            f"package {package!r} provides nothing that is installed; {hint}"
        )
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]", "", name).casefold()
