"""Compile the rules of a package: from Python functions to one extension module.

A package with rules has a ``setup.py`` of three lines::

    from setuptools import setup
    from weightopt_core.build import compiled_rules

    setup(**compiled_rules())
"""

from __future__ import annotations

import importlib
import sys
import sysconfig
from pathlib import Path
from typing import Any

from .flags import COMPILE_ARGS, LINK_ARGS, RULE_ARGS, BuildRules
from .rule import Rule
from .rule.module import MODULE
from .rule.source import header_text, module_text

#: Limited API of this Python version, so that one wheel serves it and every later one.
LIMITED_API = (3, 10)


def compiled_rules(*modules: str, folder: str | Path = ".") -> dict[str, Any]:
    """Return the arguments of ``setup`` that compile the rules of a package.

    Parameters
    ----------
    *modules : str
        Modules that hold rules, by default the one package beside ``setup.py``. They are imported.
    folder : path
        Where ``setup.py`` stands.

    Returns
    -------
    dict
        ``ext_modules``, ``cmdclass``, ``options`` and ``distclass`` for `setuptools.setup`. By
        the last, a package is built without its extension module where there is no C compiler.

    Raises
    ------
    ValueError
        No package or no rule was found.
    """
    folder = Path(folder).resolve()
    names = modules or _packages(folder)
    rules = _rules(names, folder)
    if not rules:
        raise ValueError(f"{', '.join(names)}: no update rule to compile; remove setup.py")
    return {
        "ext_modules": _extension(names[0].partition(".")[0], rules, folder),
        "cmdclass": {"build_ext": BuildRules},
        "options": {"bdist_wheel": _wheel_options()},
        "distclass": _distribution(rules),
    }


def _has_limited_api() -> bool:
    """Whether this Python has the limited API: one without the global interpreter lock has not."""
    return sysconfig.get_config_var("Py_GIL_DISABLED") != 1


def _wheel_options() -> dict[str, str]:
    return {"py_limited_api": "cp{}{}".format(*LIMITED_API)} if _has_limited_api() else {}


def _distribution(rules: list[Rule]) -> type:
    from .compiler import RulesDistribution

    return RulesDistribution.of({f"{rule.module}.{rule.name}": rule.source for rule in rules})


def _extension(package: str, rules: list[Rule], folder: Path) -> list[Any]:
    from Cython.Build import cythonize
    from setuptools import Extension

    generated = folder / "build" / "rules"
    generated.mkdir(parents=True, exist_ok=True)
    header = f"{package}_rules.h"
    # With the options, so that others compile it again.
    options = " ".join([*COMPILE_ARGS, *RULE_ARGS, *LINK_ARGS])
    _write(generated / header, f"{header_text(package, rules)}/* {options} */\n")
    source = generated / f"{package}_rules.pyx"
    _write(source, module_text(package, header, rules))
    limited = _has_limited_api()
    version = "0x{:02X}{:02X}0000".format(*LIMITED_API)
    extension = Extension(
        f"{package}.{MODULE}",
        [source.relative_to(folder).as_posix()],
        include_dirs=[generated.relative_to(folder).as_posix()],
        depends=[(generated / header).relative_to(folder).as_posix()],
        define_macros=[("Py_LIMITED_API", version)] if limited else [],
        py_limited_api=limited,
    )
    return cythonize([extension], language_level=3, quiet=True)


def _write(path: Path, text: str) -> None:
    """Write a text unless it stands there: what is not newer is not compiled again."""
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def _packages(folder: Path) -> tuple[str, ...]:
    found = sorted(path.parent.name for path in folder.glob("*/__init__.py"))
    found = [name for name in found if name not in ("tests", "build")]
    if len(found) != 1:
        raise ValueError(
            f"{folder}: expected one package beside setup.py, got {', '.join(found) or 'none'}; "
            "name the modules with rules: compiled_rules('package.module')"
        )
    return (found[0],)


def _rules(names: tuple[str, ...], folder: Path) -> list[Rule]:
    sys.path.insert(0, str(folder))
    try:
        modules = [importlib.import_module(name) for name in names]
    except ImportError as error:
        raise ImportError(
            f"{', '.join(names)}: cannot be imported to find its rules: {error}; add what it "
            "imports to [build-system] requires, or keep the rules in a module that imports "
            "weightopt_core alone and name that: compiled_rules('package.module')"
        ) from error
    finally:
        sys.path.remove(str(folder))
    found = {
        f"{value.module}.{value.name}": value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Rule) and value.module == module.__name__
    }
    return list(found.values())
