"""What runs elsewhere is what runs here: workflows hold commands of the Makefile and no others."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted(GITHUB.glob("workflows/*.yml"))
MAKE = re.compile(r"make ([\w-]+|\$\{\{ matrix\.\w+ \}\}|[\w-]+-\$\{\{ matrix\.\w+ \}\})")
MATRIX = re.compile(r"\$\{\{ matrix\.(\w+) \}\}")


def targets():
    """Return the targets of the Makefile, those with a name for each bridge included."""
    listed = subprocess.run(
        ["make", "-qpRr", "--always-make", "--dry-run", "nothing-of-this-name"],
        cwd=ROOT, text=True, capture_output=True, check=False,
    ).stdout  # fmt: skip
    return set(re.findall(r"^([\w-]+):", listed, re.M))


def jobs():
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text("utf-8"))["jobs"].items():
            yield f"{path.stem}: {name}", job


def commands(job):
    """Yield each command of a job, once for every value of the matrix that it names."""
    for step in job["steps"]:
        if "run" not in step:
            continue
        command = step["run"]
        assert MAKE.fullmatch(command), command
        (key,) = MATRIX.findall(command) or [None]
        values = job["strategy"]["matrix"][key] if key else [None]
        yield from (MATRIX.sub(str(value), command) for value in values)


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
def test_every_command_is_a_target():
    known = targets()
    assert {"install", "test", "test-torch", "wheels"} <= known
    found = {command for _, job in jobs() for command in commands(job)}
    assert {"make lint", "make test", "make wheels", "make stage", "make docs"} <= found
    assert {command.removeprefix("make ") for command in found} <= known


def test_actions_are_pinned():
    """A tag can be moved to other code; the number of a commit cannot."""
    for name, job in jobs():
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", step["uses"]), name
    for path in WORKFLOWS:
        uses = re.findall(r"uses: .*", path.read_text("utf-8"))
        assert all(re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", one) for one in uses), path.name


def test_permissions_are_those_that_a_job_needs():
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text("utf-8"))["permissions"] == {}, path.name
    writing = {
        f"{name}: {key}"
        for name, job in jobs()
        for key, value in job["permissions"].items()
        if value == "write"
    }
    assert writing == {"publish: upload: id-token", "docs: deploy: pages", "docs: deploy: id-token"}


def test_every_python_that_is_promised_is_tested():
    (test,) = [job for name, job in jobs() if name == "test: test"]
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    (lowest,) = re.findall(r'requires-python = ">=(3\.\d+)"', text)
    assert test["strategy"]["matrix"]["python"][0] == lowest


def test_what_is_committed_is_linted():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [hook["entry"] for repo in hooks["repos"] for hook in repo["hooks"]] == ["make lint"]


def test_forms_have_what_forms_need():
    for path in GITHUB.glob("ISSUE_TEMPLATE/*.yml"):
        form = yaml.safe_load(path.read_text("utf-8"))
        if path.name == "config.yml":
            continue
        assert form["name"]
        assert form["description"]
        ids = [field["id"] for field in form["body"]]
        assert len(ids) == len(set(ids)) > 2
        kinds = {"input", "textarea", "checkboxes", "dropdown"}
        assert all(
            field["type"] in kinds and field["attributes"]["label"] for field in form["body"]
        )
