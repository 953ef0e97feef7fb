"""Temporary virtual environments, and small packages to install into them with pip."""

import os
import shutil
import subprocess
import sys
import textwrap
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]


def clean():
    """Return the environment without what would let Python find other packages."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}


def run(*command, cwd=None, env=None):
    """Run a command; return what it printed, or fail with that."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean() | (env or {}),
        text=True,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def wrapper(folder, compiler, options):
    """Write a compiler that puts `options` after all others; return its path."""
    path = folder / "wrapped-cc"
    path.write_text(f'#!/bin/sh\nexec {compiler} "$@" {options}\n')
    path.chmod(0o755)
    return str(path)


def compiled_by(compiler, **variables):
    """Return the environment that makes setuptools compile and link by a compiler."""
    return {"CC": compiler, "LDSHARED": f"{compiler} -shared", **variables}


def in_haste(folder):
    """Return the environment that makes setuptools compile without optimising.

    What is packaged is no other by that, and test_compilers finds that the bits are equal.
    """
    gcc = None if os.name == "nt" else shutil.which("gcc")
    return compiled_by(wrapper(folder, gcc, "-O0")) if gcc else {}


class Environment:
    """A fresh virtual environment.

    Parameters
    ----------
    folder : pathlib.Path
        Where to make it.
    *links : pathlib.Path
        Folders of wheels; with any, pip takes packages from nowhere else.
    interpreter : str, optional
        The Python that it is for.
    """

    def __init__(self, folder, *links, interpreter=sys.executable):
        self.folder = folder
        self.sources = ["--no-index"] if links else []
        self.sources += [f"--find-links={link}" for link in links]
        if interpreter == sys.executable:
            venv.create(folder, with_pip=True)
        else:
            run(interpreter, "-m", "venv", folder)
        self.bin = folder / ("Scripts" if os.name == "nt" else "bin")

    def pip(self, *arguments, **variables):
        return run(self.bin / "python", "-m", "pip", "--quiet", *arguments, env=variables)

    def install(self, *arguments, **variables):
        return self.pip("install", *self.sources, *arguments, **variables)

    def build(self, project, **variables):
        """Install a package from its source, with the tools that the environment has."""
        return self.install("--no-build-isolation", "--no-deps", project, **variables)

    def python(self, code, **env):
        """Run code away from the repository, so that only what is installed is found."""
        return run(self.bin / "python", "-c", textwrap.dedent(code), cwd=self.folder, env=env)

    def remove_compiled(self, module):
        """Leave an installed package of rules with its text alone."""
        self.python(
            f"""
            import importlib.util, pathlib
            folder = pathlib.Path(importlib.util.find_spec({module!r}).origin).parent
            for library in folder.glob("_rules*"):
                library.unlink()
            """
        )

    def weightopt(self, *arguments):
        return run(self.bin / "weightopt", *arguments, cwd=self.folder)


def copy_of_the_repository(folder):
    """Copy what git knows, so that nothing that was built before is picked up."""
    for name in run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines():
        if (ROOT / name).is_file():  # and not deleted
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


def write_package(folder, name, module_text, entry_points, version="1.0", group="optimizers"):
    """Write a pure Python package that declares entry points; return its folder."""
    project = folder / name
    module = name.replace("-", "_")
    (project / module).mkdir(parents=True)
    (project / module / "__init__.py").write_text(textwrap.dedent(module_text))
    points = "\n".join(f'{key} = "{value}"' for key, value in entry_points.items())
    (project / "pyproject.toml").write_text(
        f'[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        f'[project]\nname = "{name}"\nversion = "{version}"\n'
        f'[project.entry-points."weightopt.{group}"]\n{points}\n'
        f'[tool.setuptools]\npackages = ["{module}"]\n'
    )
    return project
