"""The command ``weightopt``."""

from __future__ import annotations

import contextlib
import inspect
import sys
from typing import Any

try:
    import click
    from rich.console import Console
    from rich.table import Table
except ImportError as missing:  # both are extras
    sys.exit(f'weightopt: {missing}; pip install "weightopt-core[cli]"')

from . import __version__, devices, initializer, lr_scheduler, new, optimizer
from .errors import PluginError
from .plot_lr import plot_lr
from .registry import Registry
from .rule import Rule
from .testing import command as testing

REGISTRIES = (optimizer.registry, initializer.registry, lr_scheduler.registry)
_console = Console(highlight=False, soft_wrap=True)


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Initialize and update weights, with the algorithms that are installed."""


main.add_command(plot_lr)


@main.command("list")
def list_() -> None:
    """List what is installed: name, kind, package, version, and how it runs."""
    table = Table("name", "kind", "package", "version", "runs", box=None, pad_edge=False)
    for registry in REGISTRIES:
        for name in registry.names():
            for point in registry.entry_points(name):
                package, version = point.dist.name, point.dist.version
                table.add_row(name, registry.kind, package, version, _status(registry, name))
    if table.row_count:
        _console.print(table)
    else:
        _console.print("no algorithm is installed; pip install weightopt-sgd is a start")


@main.command()
@click.argument("name")
def show(name: str) -> None:
    """Show the algorithm NAME: signature, hyperparameters and ranges, states, formula, source."""
    found = [registry for registry in REGISTRIES if registry.key(name) in registry.names()]
    if not found:
        _fail(name)
    for registry in found:
        try:
            cls = registry.find(name)
        except PluginError as error:
            raise click.ClickException(str(error)) from error
        _show(registry, cls)


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
        table = Table(show_header=False, box=None, pad_edge=False)
        table.add_row("device", device.name + " (chosen)" * device.chosen)
        table.add_row("platform", f"{device.platform}, {device.version}")
        table.add_row("driver", device.driver)
        table.add_row("float64", "yes" if device.float64 else "no")
        table.add_row("exact float32", device.exact)
        table.add_row("work-group", str(device.group))
        _console.print(table, "")


def _show(registry: Registry, cls: Any) -> None:
    _console.print(f"[bold]{cls.__name__}{inspect.signature(cls)}[/], {registry.kind}", markup=True)
    _console.print(f"\n{inspect.getdoc(cls)}\n", markup=False)
    table = Table("hyperparameter", "default", "range", box=None, pad_edge=False)
    for name, declared in cls.hyperparameters.items():
        table.add_row(name, repr(declared.default), declared.description)
    _console.print(table)
    for rule in _rules(cls):
        states = ", ".join(rule.states) or "none"
        _console.print(f"\nrule {rule.name}, states: {states}, {_runs(rule)}\n", markup=False)
        _console.print("\n".join(rule.lowered.formula) + "\n", markup=False)
        _console.print(inspect.getsource(rule.function), markup=False)
    _console.print(f"source: {inspect.getsourcefile(cls)}", markup=False)


def _rules(cls: type) -> list[Rule]:
    """Return the rules that the module of `cls` defines."""
    module = inspect.getmodule(cls)
    return [value for value in vars(module).values() if isinstance(value, Rule)]


def _runs(rule: Rule) -> str:
    return (rule.compiled.reason and f"NumPy ({rule.compiled.reason})") or "compiled"


def _status(registry: Registry, name: str) -> str:
    try:
        # What a plugin prints while it is imported is no part of the table.
        with contextlib.redirect_stdout(sys.stderr):
            cls = registry.find(name)
    except PluginError as error:
        return f"broken: {error}"
    return ", ".join(sorted({_runs(rule) for rule in _rules(cls)})) or "Python"


def _fail(name: str) -> None:
    reasons = []
    for registry in REGISTRIES:
        try:
            registry.find(name)
        except ValueError as error:
            reasons.append(str(error))
    raise click.ClickException("\n".join(reasons))


main.add_command(new.command)
main.add_command(testing.command)

if __name__ == "__main__":
    main()
