"""Write the package of a new algorithm, ready to install."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from ..errors import wording
from .package import Package


def package(
    kind: str, cls: str, compiled: bool = True, license: str = "", author: str = ""
) -> Package:
    """Return what a new package says of itself.

    Parameters
    ----------
    kind : {'optimizer', 'initializer', 'scheduler'}
        What it provides.
    cls : str
        The name of its class. In lower case, and of a scheduler without ``Scheduler``, it is the
        name of the algorithm.
    compiled : bool
        Whether an optimizer's rule is compiled; nothing else has one.
    license : str
        An SPDX expression, such as ``"MIT"``; by default nothing is said of a licence.
    author : str
        A name, or a name with an address: ``"Ada <ada@example.org>"``.

    Raises
    ------
    ValueError
        There can be no class of that name, no such licence, or the author is not a name.

    Examples
    --------
    >>> from weightopt_core.scaffold.new import package
    >>> package("scheduler", "CosineScheduler").distribution
    'weightopt-cosine'
    """
    name = cls.lower()
    if kind == "scheduler":
        name = name.removesuffix("scheduler") or name
    usable = cls.isidentifier() and cls.isascii() and cls[0].isupper() and "_" not in cls
    if not usable or keyword.iskeyword(name) or keyword.iskeyword(cls):
        raise ValueError(wording("name", "that of a class, such as 'MyMethod'", repr(cls)))
    article = "a" if kind == "scheduler" else "an"
    return Package(
        name=name,
        kind=kind,
        description=f"{cls}, {article} {kind}",
        entry_points={name: cls},
        compiled=compiled and kind == "optimizer",
        license=_expression(license),
        author=author,
    )


def files(new: Package) -> dict[str, str]:
    """Return every file of a new package, text by path."""
    module = new.render(f"{new.kind}.py")
    tests = new.render(f"test_{new.kind}.py")
    if new.compiled:
        tests += new.render("test_compiled.py")
    licences = {"LICENSE": new.render(new.license)} if has_licence(new) else {}
    return (
        new.files()
        | licences
        | {
            f"{new.module}/__init__.py": module,
            f"tests/test_{new.name}.py": tests,
            ".github/workflows/test.yml": new.render("test.yml"),
            ".gitignore": "build/\n*.egg-info/\n*.so\n__pycache__/\n",
        }
    )


def has_licence(new: Package) -> bool:
    """Whether the text of the licence comes along; it begins with whose the package is."""
    return new.license == "MIT" and bool(new.author)


def _expression(license: str) -> str:
    """Return an SPDX expression in its proper spelling."""
    if not license:
        return ""
    expected = "an SPDX expression, such as MIT or 'Apache-2.0 OR MIT'"
    try:
        from packaging.licenses import canonicalize_license_expression
    except ImportError:  # then the build of the package is the first to see whether it is known
        if re.fullmatch(r"[\w.+() -]+", license, re.ASCII):
            return license
        raise ValueError(wording("license", expected, repr(license))) from None
    try:
        return canonicalize_license_expression(license)
    except ValueError:
        raise ValueError(wording("license", expected, repr(license))) from None


def write(new: Package, folder: Path) -> list[Path]:
    """Write a new package into a folder of its own, below `folder`; return the files' paths.

    Raises
    ------
    FileExistsError
        That folder exists; then nothing has been written.
    """
    root = folder / new.distribution
    if root.exists():
        raise FileExistsError(wording("folder", "a new one", str(root), "remove it first"))
    written = []
    for name, text in files(new).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        written.append(path)
    return written
