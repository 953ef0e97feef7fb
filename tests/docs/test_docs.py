"""The pages under docs/: their code runs, and what refers to one another exists."""

import ast
import re

import pytest
from pages import PAGES, ROOT, run_console, run_python

DEPARTURES = ROOT / "docs" / "departures.md"
#: Frameworks that a package of this project is for; a page about one needs it.
BRIDGES = {path.parent.name for path in ROOT.glob("bridges/*/pyproject.toml")}
TESTS = sorted([*ROOT.glob("tests/**/*.py"), *ROOT.glob("*/*/tests/*.py")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
@pytest.mark.usefixtures("isolated")
def test_page(page):
    if page.stem in BRIDGES:
        pytest.importorskip(page.stem)
    run_python(page)
    run_console(page)


def rows():
    """Return the numbers of the table of departures."""
    return [int(number) for number in re.findall(r"^\| (\d+) \|", DEPARTURES.read_text(), re.M)]


def test_departures_are_numbered():
    assert rows() == list(range(1, len(rows()) + 1))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_departures_that_tests_refer_to_exist(path):
    text = path.read_text("utf-8")
    cited = {int(number) for number in re.findall(r"departures?(?:\.md)?,? rows? (\d+)", text)}
    if "departures.md" in text:
        cited |= set(numbers_of(ast.parse(text)))
    assert cited <= set(rows())


def numbers_of(tree):
    """Yield the values of the dicts of numbers that a module calls by a name in capitals."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            values = [getattr(value, "value", None) for value in node.value.values]
            named = all(isinstance(name, ast.Name) and name.id.isupper() for name in node.targets)
            if named and all(type(value) is int for value in values):
                yield from values


def test_departures_that_pages_refer_to_exist():
    for page in PAGES:
        cited = re.findall(r"\[row (\d+)\]\((?:\.\./)?departures\.md\)", page.read_text("utf-8"))
        assert {int(number) for number in cited} <= set(rows()), page


def test_the_guides_example_is_the_plugin():
    guide = (ROOT / "docs" / "third-party.md").read_text("utf-8")
    plugin = (ROOT / "plugins" / "lion" / "weightopt_lion" / "__init__.py").read_text("utf-8")
    rule = plugin[plugin.index("from weightopt_core") : plugin.index("class Lion")]
    declarations = plugin[plugin.index("    learning_rate = ") :]
    assert rule in guide
    assert declarations in guide
