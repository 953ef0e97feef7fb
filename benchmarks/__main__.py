"""The command line: ``python -m benchmarks run``, ``report`` and ``peers``."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import machine, memory, overheads, picture, plan, report, suite, workloads
from .algorithms import algorithms
from .peers import peers

DOCS = Path(__file__).parent.parent / "docs"
#: What ``--quick`` puts in the place of everything.
QUICK = {
    "optimizers": ("adam", "sgd-momentum"),
    "workloads": ("1e5", "1e7", "1000x100"),
}
#: Where memory is measured.
MEMORY = ("1e7", "1000x100")
console = Console()


@click.group()
def main():
    """Measure steps against the memory's limit and against other packages."""


def workload_names(_context, _parameter, names):
    """Return `names` if each of them is one of a workload."""
    for name in names:
        try:
            workloads.workload(name)
        except ValueError as error:
            expected = f"{', '.join(workloads.MODELS)}, SIZE or COUNTxSIZE"
            raise click.BadParameter(f"expected {expected}, got {name!r}") from error
    return names


@main.command()
@click.option("--optimizer", "optimizers", multiple=True, help="By default all that have a rule.")
@click.option(
    "--workload",
    "lists",
    multiple=True,
    callback=workload_names,
    help="resnet50, gpt2, SIZE as 1e6, or COUNTxSIZE as 1000x100.",
)
@click.option("--dtype", "dtypes", multiple=True, type=click.Choice(plan.DTYPES))
@click.option("--threads", multiple=True, type=click.IntRange(1), help="By default 1 and 2.")
@click.option("--peer", "chosen", multiple=True, help="By default all that are installed.")
@click.option("--no-peers", is_flag=True, help="This project and the limit alone.")
@click.option("--no-extras", is_flag=True, help="Steps alone: no overheads, no memory.")
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(2))
@click.option("--quick", is_flag=True, help="A part of it, in less than a minute.")
@click.option(
    "--output",
    default="build/benchmarks.json",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
)
def run(optimizers, lists, dtypes, threads, chosen, no_peers, no_extras, rounds, quick, output):
    """Measure, write the results as JSON and show them."""
    known = algorithms()
    optimizers = optimizers or (QUICK["optimizers"] if quick else tuple(known))
    if not lists:
        dtypes = dtypes or (() if quick else plan.DTYPES)
        lists = QUICK["workloads"] if quick else (*plan.SINGLE, *plan.LISTS, *plan.CURVES)
    threads = threads or ((2,) if quick else (1, 2))
    selection = {name: _find(known, name, "optimizer") for name in optimizers}
    found = machine.describe()
    if 2 * found["load"] > found["cores"]:
        console.print(f"others use this machine, load {found['load']}: figures will be off")
    present = [] if no_peers else available(chosen)
    cases = plan.cases(selection, lists, dtypes, threads)
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        extras = 0 if no_extras else 3 + len(selection) * len(MEMORY)
        task = progress.add_task("", total=len(cases) + extras)

        def advance(text):
            progress.update(task, advance=1, description=text)

        results = {"machine": found, "rounds": rounds, "overheads": [], "memory": []}
        if not no_extras:
            results["memory"] = memory.measure(selection, MEMORY, advance)
            results["overheads"] = overheads.measure(present, rounds, advance)
        results["steps"] = suite.measure(cases, selection, present, rounds, advance)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(dumps(results), "utf-8")
    report.show(results, console)
    console.print(f"written: {output}")


def available(chosen):
    """Return the peers that can be used, with a line for each one that cannot."""
    known = peers()
    found = []
    for name in chosen or known:
        peer = _find(known, name, "peer")
        reason = peer.reason()
        if reason:
            console.print(f"left out: {name}: {reason}", soft_wrap=True, markup=False)
        else:
            found.append(peer)
    return found


def _find(known, name, kind):
    if name not in known:
        raise click.BadParameter(f"{kind}: expected one of {', '.join(known)}, got {name}")
    return known[name]


def dumps(results):
    """Return results as JSON, one measurement a line."""
    lists = {key: value for key, value in results.items() if isinstance(value, list)}
    plain = {key: value for key, value in results.items() if key not in lists}
    parts = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in plain.items()]
    for key, rows in lists.items():
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        parts.append(f"{json.dumps(key)}: [\n{lines}\n]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


@main.command("report")
@click.argument("results", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--docs",
    default=DOCS,
    help="By default that of this repository.",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
def report_(results, docs):
    """Write RESULTS into a folder of documentation: page, picture and the results themselves."""
    found = json.loads(results.read_text("utf-8"))
    report.write(found, docs / "benchmarks.md")
    picture.draw(found, docs / "images" / "benchmarks.svg")
    (docs / "benchmarks.json").write_text(dumps(found), "utf-8")


@main.command("peers")
def peers_():
    """Say which peers can be used here, and why the others cannot."""
    for name, peer in peers().items():
        console.print(f"{name}: {peer.reason() or 'available'}", soft_wrap=True, markup=False)


if __name__ == "__main__":
    main()
