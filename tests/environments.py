"""Temporary virtual environments, and small packages to install into them with pip."""

import os
import subprocess
import sys
import textwrap
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(*command, cwd=None, env=None):
    """Run a command; return what it printed, or fail with that."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean | (env or {}),
        text=True,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


class Environment:
    """A fresh virtual environment."""

    def __init__(self, folder, interpreter=sys.executable):
        self.folder = folder
        if interpreter == sys.executable:
            venv.create(folder, with_pip=True)
        else:
            run(interpreter, "-m", "venv", folder)
        self.bin = folder / ("Scripts" if os.name == "nt" else "bin")

    def pip(self, *arguments):
        return run(self.bin / "python", "-m", "pip", "--quiet", *arguments)

    def install(self, *arguments):
        return self.pip("install", *arguments)

    def python(self, code, **env):
        """Run code away from the repository, so that only what is installed is found."""
        return run(self.bin / "python", "-c", textwrap.dedent(code), cwd=self.folder, env=env)

    def weightopt(self, *arguments):
        return run(self.bin / "weightopt", *arguments, cwd=self.folder)


def build_wheel(project, folder):
    """Build the wheel of a project of this repository; return its path."""
    before = set(folder.glob("*.whl"))
    run(
        sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps", "--no-build-isolation",
        "--wheel-dir", folder, copy_of(project, folder / "sources"),
    )  # fmt: skip
    (wheel,) = set(folder.glob("*.whl")) - before
    return wheel


def copy_of(project, folder):
    """Copy what git knows of a project, so that nothing built before is picked up."""
    files = run("git", "ls-files", "-co", "--exclude-standard", project, cwd=ROOT).split()
    base = ROOT / project
    target = folder / base.name
    for name in files:
        relative = (ROOT / name).relative_to(base)
        if relative.parts[0] in ("plugins", "tests", "docs") and project == ".":
            continue
        (target / relative).parent.mkdir(parents=True, exist_ok=True)
        (target / relative).write_bytes((ROOT / name).read_bytes())
    return target


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
