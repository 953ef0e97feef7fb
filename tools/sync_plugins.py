"""Write what is generated from plugins/ and bridges/: shared files, hints, meta/, README's table.

Usage: ``python tools/sync_plugins.py``, after a change of a template or a new package.
"""

import dataclasses
from pathlib import Path

import projects
import readme as pages

import weightopt_core
from weightopt_core import scaffold
from weightopt_core.cli.facts import facts
from weightopt_core.kinds import KVSTORE
from weightopt_core.registry import Registry
from weightopt_core.testing.subject import REGISTRIES

ROOT = Path(__file__).resolve().parent.parent

#: README.md's table of algorithms stands between these two lines.
BEGIN = "<!-- algorithms: written by make sync -->"
END = "<!-- algorithms: end -->"

PUBLISHED = '''\
"""What this project publishes, for the hint how to install it.

Generated from plugins/ and bridges/ by ``make sync``; the core knows no algorithm otherwise.
"""

PUBLISHED: dict[str, dict[str, str]] = {{
{groups}}}
'''

META = """\
# Generated from plugins/ by ``make sync``.
[build-system]
requires = ["setuptools>=77.0.1"]
build-backend = "setuptools.build_meta"

[project]
name = "weightopt"
version = "{version}"
description = "Every optimizer, initializer and scheduler of the weightopt project"
readme = "README.md"
requires-python = ">=3.10"
license = "Apache-2.0"
keywords = ["weightopt", "optimizer", "initializer", "learning rate"]
dependencies = [
{dependencies}
]

[tool.setuptools]
packages = ["weightopt"]

[tool.setuptools.package-data]
weightopt = ["py.typed"]
"""


def packages(folder: str = "plugins") -> list[scaffold.Package]:
    """Return what every plugin, or every bridge, says of itself, with the core's version."""
    folders = sorted(path.parent for path in ROOT.glob(f"{folder}/*/pyproject.toml"))
    version = weightopt_core.__version__
    return [dataclasses.replace(scaffold.read(folder), version=version) for folder in folders]


def published() -> str:
    """Return the text of weightopt_core/registry/published.py."""
    groups = ""
    known = [*packages(), *packages("bridges")]
    for kind, group in (scaffold.GROUPS | {KVSTORE.name: KVSTORE.group}).items():
        groups += f'    "{group}": {{\n'
        for package in known:
            if package.kind == kind:
                for name in package.entry_points:
                    groups += f'        "{name}": "{package.distribution}",\n'
        groups += "    },\n"
    return PUBLISHED.format(groups=groups)


def meta() -> str:
    """Return the text of the pyproject.toml of the package that installs all plugins."""
    version = weightopt_core.__version__
    dependencies = [f"weightopt-core[bf16,checkpoint,cli]=={version}"]
    dependencies += [f"{package.distribution}=={version}" for package in packages()]
    lines = "\n".join(f'    "{name}",' for name in dependencies)
    return META.format(version=version, dependencies=lines)


def readme() -> str:
    """Return README.md with its tables as plugins/ has them, and links as pyproject.toml says."""
    text = (ROOT / "README.md").read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"README.md: expected the lines {BEGIN} and {END}")
    repository = projects.declared(ROOT).get("urls", {}).get("Repository")
    text = f"{before}{begin}\n{table()}{end}{after}"
    return pages.linked(text, repository, weightopt_core.__version__)


def table() -> str:
    """Return the algorithms as Markdown tables, with what the command ``list --long`` says."""
    return "\n".join(table_of(registry) for registry in REGISTRIES)


def table_of(registry: Registry) -> str:
    """Return the algorithms of one kind; only optimizers have states and needs."""
    stepped = registry.kind == "optimizer"
    rows = [("name", "package", "what", *(("state", "needs") if stepped else ()), "paper")]
    rows += [("---",) * len(rows[0])]
    for package in packages():
        if package.kind == registry.kind:
            names = ", ".join(f"`{name}`" for name in package.entry_points)
            known = facts(registry.find(next(iter(package.entry_points))))
            paper = f"[{known.year or 'paper'}]({known.paper})" if known.paper else known.year
            own = (known.state, known.needs) if stepped else ()
            rows += [(names, f"`{package.distribution}`", package.description, *own, paper)]
    lines = ["|" + "|".join(f" {cell} " if cell else " " for cell in row) + "|" for row in rows]
    title = f"{registry.kind.capitalize()}s"
    return f"<details><summary>{title}: {len(rows) - 2}</summary>\n\n" + "\n".join(
        [*lines, "", "</details>", ""]
    )


def main() -> None:
    """Write everything."""
    for folder in ("plugins", "bridges"):
        for package in packages(folder):
            for name, text in package.files().items():
                (ROOT / folder / package.name / name).write_text(text, "utf-8")
    (ROOT / "weightopt_core" / "registry" / "published.py").write_text(published(), "utf-8")
    (ROOT / "meta" / "pyproject.toml").write_text(meta(), "utf-8")
    (ROOT / "README.md").write_text(readme(), "utf-8")


if __name__ == "__main__":
    main()
