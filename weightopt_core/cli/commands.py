"""The commands of ``weightopt``."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

try:
    import click

    from .console import prepare, table, tell
except ImportError as missing:  # both are extras
    sys.exit(f'weightopt: {missing}; pip install "weightopt-core[cli]"')

from .. import __version__, devices, kvstore
from ..errors import PluginError
from ..registry import Registry
from ..testing.subject import REGISTRIES
from . import bench, check, compare, new
from .facts import facts, rules
from .plot_lr import plot_lr
from .show import describe, equations, runs

#: What is listed and shown; key-value stores are no algorithms, and are not checked.
LISTED = (*REGISTRIES, kvstore.registry)


class _Group(click.Group):
    """Commands whose output is safe to print, and whose errors are one line."""

    def invoke(self, ctx: click.Context) -> Any:
        prepare()
        try:
            return super().invoke(ctx)
        except PluginError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group)
@click.version_option(__version__)
def main() -> None:
    """Initialize and update weights, with the algorithms that are installed."""


main.add_command(plot_lr)


@main.command("list")
@click.option("--long", is_flag=True, help="Also what each needs, and its paper.")
def list_(long: bool) -> None:
    """List what is installed: name, kind, package, version, and how it runs.

    With --long also the bytes of state for each float32 weight, what an optimizer needs beside the
    arithmetic of its rule (norm, noise, the host, another optimizer), its paper and the year.
    """
    more = ("state", "needs", "year", "paper") if long else ()
    listed = table("name", "kind", "package", "version", "runs", *more)
    for registry in LISTED:
        for name in registry.names():
            cls, runs = _status(registry, name)
            known = facts(cls) if long and cls else None
            further = (known.state, known.needs, known.year, known.paper) if known else ()
            for point in registry.entry_points(name):
                package, version = point.dist.name, point.dist.version
                listed.add_row(name, registry.kind, package, version, runs, *further)
    if listed.row_count:
        tell(listed)
    else:
        tell("no algorithm is installed; pip install weightopt-sgd is a start")


@main.command()
@click.argument("name")
@click.option("--latex", is_flag=True, help="Only the equations of its rules, in LaTeX.")
def show(name: str, latex: bool) -> None:
    """Show the algorithm NAME: signature, hyperparameters and ranges, states, formula, source.

    Of a key-value store the signature and the documentation.
    """
    found = [registry for registry in LISTED if registry.key(name) in registry.names()]
    if not found:
        _fail(name)
    for registry in found:
        cls = registry.find(name)
        tell(*(equations(cls) if latex else describe(registry, cls)))


@main.command("devices")
def devices_() -> None:
    """List the OpenCL devices that are present, or what to install where there is none."""
    try:
        found = devices.find()
    except ImportError as error:
        raise click.ClickException(str(error)) from error
    if not found:
        raise click.ClickException(f"no OpenCL device; {devices.HINT}")
    for device in found:
        known = table("", "", show_header=False)
        known.add_row("device", device.name + " (chosen)" * device.chosen)
        known.add_row("platform", f"{device.platform}, {device.version}")
        known.add_row("driver", device.driver)
        known.add_row("float64", "yes" if device.float64 else "no")
        known.add_row("exact float32", device.exact)
        known.add_row("work-group", str(device.group))
        tell(known, "")


def _status(registry: Registry, name: str) -> tuple[Any, str]:
    """Return the class of a name, or None, and how it runs."""
    try:
        # What a plugin prints while it is imported is no part of the table.
        with contextlib.redirect_stdout(sys.stderr):
            cls = registry.find(name)
    except PluginError as error:
        return None, " ".join(f"broken: {error}".split())  # one line for each algorithm
    return cls, ", ".join(sorted({runs(rule) for rule in rules(cls)})) or "Python"


def _fail(name: str) -> None:
    reasons = []
    for registry in REGISTRIES:
        try:
            registry.find(name)
        except ValueError as error:
            reasons.append(str(error))
    raise click.ClickException("\n".join(reasons))


main.add_command(new.command)
main.add_command(check.command)
main.add_command(compare.compare)
main.add_command(bench.bench)
