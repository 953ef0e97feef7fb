"""The part of the documentation that is made of what is installed."""

import os
import subprocess
import sys
import types

import numpy as np
import pytest
from pages import ROOT

import weightopt_core as wo

pytest.importorskip("sphinx")

from builder import (
    catalogue,
    departures,
    documented,
    kin,
    listing,
    machines,
    mathml,
    page,
    refuse,
    rst,
)
from sphinx.errors import ExtensionError


@pytest.fixture(scope="module")
def installed():
    return catalogue.installed()


@pytest.fixture
def strange(monkeypatch):
    """Return what makes an entry of a class that a stranger's module has."""
    module = types.ModuleType("strange", "Of a stranger (Ada, 2020), https://example.org/ada.")
    module.__all__ = ["Own"]
    monkeypatch.setitem(sys.modules, "strange", module)

    def make(name="Own", base=wo.Optimizer, doc="Do something.", **body):
        cls = type(name, (base,), {"__module__": "strange", "__doc__": doc, **body})
        setattr(module, name, cls)
        registry = wo.optimizer.registry
        return catalogue.Entry(registry, cls, (name.lower(),), "strange 1.0", "Something")

    return make


def test_everything_here_is_documented(installed):
    classes = [entry.cls for entry in installed]
    assert list(documented.without(listing.modules(wo), classes)) == []


def test_what_is_missing_ends_the_build():
    refuse([])
    with pytest.raises(ExtensionError, match="is not whole:\nOne: has no page\nTwo: has none"):
        refuse(["One: has no page", "Two: has none"])


def test_names_without_documentation_are_named(strange):
    def quiet(self):
        pass

    entry = strange(doc=None, quiet=quiet, beta=wo.hyperparameters.Real(0.5, "[0, 1]"))
    assert list(documented.without([], [entry.cls])) == [
        "strange.Own: has no docstring",
        "strange.Own.quiet: has no docstring",
        "strange.Own: does not describe its argument 'beta'",
    ]


def test_every_plugin_names_its_kin_and_they_are_installed(installed):
    assert list(kin.wrong(installed)) == []
    names = {entry.cls.__name__ for entry in installed}
    for entry in installed:
        own = {name for name, _ in kin.kin_of(entry.cls)}
        assert own <= names - {entry.cls.__name__}, entry.cls
        assert own or entry.cls.__name__ in {"Test", "ccSGD"}, entry.cls


SEE = "Do something.\n\n    See Also\n    --------\n"


def test_kin_that_say_nothing_of_each_other_are_named(strange):
    first = strange("First", doc=f"{SEE}    Second : Does it twice.\n    Third\n")
    second = strange("Second")
    assert list(kin.wrong([first])) == [
        "First: its section See Also does not say in what Third differs"
    ]
    assert list(kin.wrong([first, second]))[:1] == [
        "Second: has no section See Also; First names it as its kin, so say in what First differs"
    ]
    assert kin.kin_of(first.cls)[0] == ("Second", "Does it twice.")


def test_plugins_without_a_page_are_named(installed, tmp_path):
    pages = [entry.page for entry in installed]
    assert list(catalogue.without_page(ROOT, installed, pages)) == []
    assert list(catalogue.without_page(ROOT, installed, pages[1:])) == [
        f"{installed[0].cls.__name__}: has no page {pages[0]}"
    ]
    folder = tmp_path / "plugins" / "mine"
    folder.mkdir(parents=True)
    package = wo.scaffold.Package("mine", "optimizer", "Of mine", {"mine": "Mine"})
    for name, text in package.files().items():
        (folder / name).write_text(text, "utf-8")
    assert list(catalogue.without_page(tmp_path, installed, pages)) == [
        "plugins/mine: 'mine' has no page; make install"
    ]


def test_the_page_of_a_stranger(strange):
    rows = departures.read(ROOT / "docs" / "departures.md")
    entry = strange("Nadam", doc=f"{SEE}    Adam : The momentum is plain.\n")
    text = page.page(entry, {"Adam": "optimizer-adam"}, {"way": "The way"}, rows)
    for wanted in (
        "The optimizer ``nadam`` of the package ``strange 1.0``. Published in 2020: ",
        ":doc:`Adam <optimizer-adam>`: The momentum is plain.",
        ".. image:: pictures/optimizer-nadam-way-dark.svg",
        ".. autoclass:: strange.Nadam",
        "``learning_rate``",
        "Where it departs from MXNet",
        "Nadam: weight decay and schedule",
    ):
        assert wanted in text


def test_rows_that_name_a_class():
    rows = departures.read(ROOT / "docs" / "departures.md")
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert 4 in [row.number for row in departures.naming(rows, "Nadam")]
    assert departures.naming(rows, "Ada") == []
    assert departures.restructured("`a_b` * [row 3](x.md#y) c_") == r"``a_b`` \* row 3 c\_"


def test_every_equation_can_be_shown(installed):
    rules = {rule.name: rule for entry in installed for rule in page.rules(entry.cls)}
    assert len(rules) > 30
    for rule in rules.values():
        made = mathml.converted(" \\\\\n".join(rule.lowered.equations), "block")
        assert made.startswith("<math")
        assert made.count("<mtr>") >= len(rule.lowered.equations)
    assert ">base_lr</mtext>" in mathml.converted(r"\text{base\_lr}", "inline")
    assert ">lr</mtext>" in mathml.converted(r"lr \cdot \frac{wd}{w}", "inline")
    assert "g</mi><mi>&#x02032;</mi></mrow>" in mathml.converted("{g'}^{2}", "inline")
    with pytest.raises(ExtensionError, match="no equation"):
        mathml.converted(r"\nosuchcommand{x}", "inline")


def test_a_table_and_a_picture_in_two_colours():
    assert rst.table(["a", "b"], [("1", "2")]).splitlines()[3:] == [
        "   * - a",
        "     - b",
        "   * - 1",
        "     - 2",
        "",
    ]
    assert rst.image("x", "what").count(":alt: what") == 2


def test_the_picture_of_the_machines_is_what_they_compute():
    assert machines.drawn() == machines.PICTURE.read_text("utf-8")
    cl = pytest.importorskip("pyopencl.array")
    queue = cl.cl.CommandQueue(cl.cl.Context([wo.devices.choose()]))
    for place in (lambda array: array, lambda array: cl.to_device(queue, array)):
        sgd = wo.optimizer.create("sgd", learning_rate=0.1, momentum=0.9, wd=0.0)
        weight = place(machines.begin())
        state = sgd.create_state(0, weight)
        for _ in range(machines.STEPS):
            sgd.update(0, weight, weight.copy(), state)
        host = np.asarray(weight.get() if hasattr(weight, "get") else weight)
        assert [f"{word:08x}" for word in host.view(np.uint32)] == machines.bits()


STRANGER = """
import sys
from pathlib import Path
from builder import refuse, catalogue, documented, page, pictures

if __name__ == "__main__":
    (entry,) = [one for one in catalogue.installed() if one.cls.__name__ == "Stranger"]
    panels = pictures.draw([entry], Path("cache"), Path("pictures"))
    print(*documented.without([], [entry.cls]), sep="\\n")
    print(page.page(entry, {}, panels[entry.page], []))
"""


@pytest.mark.slow
def test_a_strangers_package_gets_its_page(tmp_path):
    """As written by ``weightopt new``, installed by pip, and found by its entry point."""
    weightopt = [sys.executable, "-m", "weightopt_core.cli"]
    new = [*weightopt, "new", "optimizer", "Stranger", "--plain", "--folder", str(tmp_path)]
    subprocess.run(new, check=True, capture_output=True)
    (package,) = tmp_path.iterdir()
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(site), str(package)], check=True, capture_output=True)
    (tmp_path / "script.py").write_text(STRANGER)
    environment = os.environ | {"PYTHONPATH": f"{site}{os.pathsep}{ROOT / 'docs'}"}
    run = [sys.executable, "script.py"]
    printed = subprocess.run(
        run, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    ).stdout
    for wanted in ("Stranger\n========", "pictures/optimizer-stranger-digits-dark.svg", "wo_x0"):
        assert wanted in printed
    assert (tmp_path / "pictures" / "optimizer-stranger-valley-light.svg").exists()
