"""Write the files that are generated from plugins/: shared package files, and the install hints.

Usage: ``python tools/sync_plugins.py``, after a change of a template or a new plugin.
"""

import dataclasses
from pathlib import Path

import weightopt_core
from weightopt_core import scaffold

ROOT = Path(__file__).resolve().parent.parent

PUBLISHED = '''\
"""The algorithms that this project publishes, for the hint how to install one.

Generated from plugins/ by ``make sync``; the core knows no algorithm otherwise.
"""

PUBLISHED: dict[str, dict[str, str]] = {{
{groups}}}
'''


def packages() -> list[scaffold.Package]:
    """Return what every plugin says of itself, with the core's version."""
    folders = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
    version = weightopt_core.__version__
    return [dataclasses.replace(scaffold.read(folder), version=version) for folder in folders]


def published() -> str:
    """Return the text of weightopt_core/published.py."""
    groups = ""
    for kind, group in scaffold.GROUPS.items():
        groups += f'    "{group}": {{\n'
        for package in packages():
            if package.kind == kind:
                for name in package.entry_points:
                    groups += f'        "{name}": "{package.distribution}",\n'
        groups += "    },\n"
    return PUBLISHED.format(groups=groups)


def main() -> None:
    """Write everything."""
    for package in packages():
        for name, text in package.files().items():
            (ROOT / "plugins" / package.name / name).write_text(text, "utf-8")
    (ROOT / "weightopt_core" / "published.py").write_text(published(), "utf-8")


if __name__ == "__main__":
    main()
