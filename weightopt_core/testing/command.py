"""The command ``weightopt check``."""

from __future__ import annotations

import re
import sys

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..errors import PluginError, nearest
from .subject import REGISTRIES
from .suite import Case, cases

_STYLES = {"passed": "green", "failed": "bold red", "excused": "yellow", "skipped": "yellow"}


@click.command("check")
@click.argument("package")
@click.option("--verbose", is_flag=True, help="List the checks that passed too.")
def command(package: str, verbose: bool) -> None:
    """Run the conformance checks of all that the installed PACKAGE provides."""
    console = Console(highlight=False, soft_wrap=True)
    failed = 0
    for label, cls in _classes(package).items():
        table = Table("check", "on", "", "", box=None, pad_edge=False)
        counts: dict[str, int] = {}
        for case in _cases(cls):
            outcome, why = case.outcome()
            counts[outcome] = counts.get(outcome, 0) + 1
            if verbose or outcome != "passed":
                mark = f"[{_STYLES[outcome]}]{outcome}[/]"
                table.add_row(case.name, case.maker.name if case.maker else "", mark, escape(why))
        failed += counts.get("failed", 0)
        console.print(f"[bold]{label}[/]: " + ", ".join(f"{n} {o}" for o, n in counts.items()))
        if table.row_count:
            console.print(table)
    sys.exit(1 if failed else 0)


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
                try:
                    cls = registry.find(name)
                except PluginError as error:
                    raise click.ClickException(str(error)) from error
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
