"""The command ``weightopt new``: the package of a new algorithm."""

from __future__ import annotations

from pathlib import Path

import click

from ..registry.published import PUBLISHED
from ..scaffold import GROUPS
from ..scaffold.new import has_licence, package, write


@click.command("new")
@click.argument("kind", type=click.Choice(list(GROUPS)))
@click.argument("name")
@click.option("--folder", default=".", type=click.Path(path_type=Path), help="Where to write it.")
@click.option("--plain", is_flag=True, help="Compile nothing: its rule runs on NumPy.")
@click.option("--license", default="", metavar="SPDX", help="Its licence, such as MIT.")
@click.option("--author", default="", metavar="NAME", help="Whose it is: 'Ada <ada@example.org>'.")
def command(kind: str, name: str, folder: Path, plain: bool, license: str, author: str) -> None:
    """Write a package for a new algorithm: KIND and the NAME of its class, such as Lion.

    It installs, works and passes its tests as it comes; replace the rule by your own.
    """
    try:
        new = package(kind, name, not plain, license, author)
        written = write(new, folder)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    for path in written:
        click.echo(path)
    owner = PUBLISHED[GROUPS[kind]].get(new.name)
    if owner:
        click.echo(f"note: {new.name!r} is the name of {owner}; only one of them can be installed")
    root = folder / new.distribution
    if not new.license:
        click.echo("note: it says nothing of a licence; add one with LICENSE before you publish it")
    elif not has_licence(new):
        click.echo(f"next: write the text of {new.license} to {root / 'LICENSE'}")
    for step in (f"pip install --editable {root}", f"pytest {root}", f"weightopt show {new.name}"):
        click.echo(f"next: {step}")
