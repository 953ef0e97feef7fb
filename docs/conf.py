"""Sphinx configuration. The reference is written from what is installed, into docs/generated."""

import inspect
import pkgutil
import shutil
import textwrap
from pathlib import Path

import importlib_metadata

import weightopt_core as wo
from weightopt_core.hyperparameters import REQUIRED
from weightopt_core.registry import Registry
from weightopt_core.rule import Rule

project = "weightopt"
author = "the weightopt authors"
copyright = author
version = release = wo.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
numpydoc_show_class_members = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
default_role = "autolink"
exclude_patterns = ["_build"]
templates_path = ["_templates"]
html_theme = "furo"
html_title = f"weightopt {version}"

GENERATED = Path(__file__).parent / "generated"
REGISTRIES = [module.registry for module in (wo.optimizer, wo.init, wo.lr_scheduler)]
#: Modules of the core that nobody outside it imports.
INTERNAL = {"backends", "cli", "compiler", "ctext", "engine", "kernels", "keys", "kinds"}


def title(text: str, line: str = "=") -> str:
    """Return `text` as a heading."""
    return f"{text}\n{line * len(text)}\n\n"


def core() -> str:
    """Return the page that lists the core's public names and modules."""
    names = [module.name for module in pkgutil.iter_modules(wo.__path__)]
    text = title("The core") + "``import weightopt_core as wo`` gives "
    text += ", ".join(f"``wo.{name}``" for name in wo.__all__)
    text += ". They come from these modules:\n\n.. autosummary::\n   :toctree: core\n\n"
    return text + "".join(f"   weightopt_core.{name}\n" for name in names if name not in INTERNAL)


def algorithms() -> dict[str, str]:
    """Return a page for every installed algorithm, and one that lists them, text by name."""
    pages = {"algorithms": title("The installed algorithms")}
    for registry in REGISTRIES:
        names: dict[type, list[str]] = {}
        for point in importlib_metadata.entry_points(group=registry.group):
            names.setdefault(registry.find(point.name), []).append(point.name)
        if names:
            pages["algorithms"] += f".. toctree::\n   :caption: {registry.kind}s\n\n"
        for cls in sorted(names, key=lambda cls: cls.__name__.casefold()):
            page = f"{registry.kind}-{registry.key(cls.__name__)}"
            pages["algorithms"] += f"   {page}\n"
            pages[page] = algorithm(cls, registry, names[cls])
        pages["algorithms"] += "\n"
    return pages


def algorithm(cls: type, registry: Registry, names: list[str]) -> str:
    """Return the page of one algorithm: docstring, hyperparameters, rules."""
    distribution = registry.entry_points(names[0])[0].dist
    known = " or ".join(f"``{name}``" for name in sorted(names))
    package = f"the package ``{distribution.name}`` {distribution.version}"
    text = title(cls.__name__) + f"The {registry.kind} {known} of {package}.\n\n"
    text += f".. autoclass:: {cls.__module__}.{cls.__name__}\n\n"
    if cls.hyperparameters:
        text += title("Hyperparameters", "-") + ".. list-table::\n   :header-rows: 1\n\n"
        text += row("name", "default", "range")
    for name, declared in cls.hyperparameters.items():
        default = "required" if declared.default is REQUIRED else f"``{declared.default!r}``"
        text += row(f"``{name}``", default, declared.description)
    rules = [rule for rule in vars(inspect.getmodule(cls)).values() if isinstance(rule, Rule)]
    if rules:
        text += "\n" + title("Rules", "-")
    for rule in rules:
        states = ", ".join(f"``{state}``" for state in rule.states) or "none"
        source = textwrap.indent(rule.source, "   ")
        text += f"States of ``{rule.name}``: {states}.\n\n.. code-block:: python\n\n{source}\n"
    return text


def row(*cells: str) -> str:
    """Return one row of a list-table."""
    return "   * - " + "\n     - ".join(cells) + "\n"


shutil.rmtree(GENERATED, ignore_errors=True)
GENERATED.mkdir()
for name, text in {"core": core(), **algorithms()}.items():
    (GENERATED / f"{name}.rst").write_text(text, "utf-8")
