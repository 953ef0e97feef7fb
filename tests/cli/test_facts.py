import sys
import types

import numpy as np
import pytest
from click.testing import CliRunner

import weightopt_core as wo
from weightopt_core.cli import main
from weightopt_core.cli.facts import facts


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("adam", ("8", "rule", "https://arxiv.org/abs/1412.6980", "2015")),
        ("lamb", ("8", "rule, norm", "https://arxiv.org/abs/1904.00962", "2020")),
        ("sgld", ("0", "rule, noise", "", "")),
        ("lookahead", ("", "an optimizer", "https://arxiv.org/abs/1907.08610", "2019")),
    ],
)
def test_of_an_optimizer(name, known):
    assert facts(wo.optimizer.registry.find(name)) == known


def test_of_others():
    known = facts(wo.init.registry.find("xavier"))
    assert known[:2] == ("", "")
    assert known.year == "2010"
    assert facts(wo.lr_scheduler.registry.find("factor")) == ("", "", "", "")


def test_of_what_has_no_rule_and_no_documentation(monkeypatch):
    module = types.ModuleType("strangers")
    monkeypatch.setitem(sys.modules, "strangers", module)

    class Own(wo.Optimizer):
        __module__ = "strangers"

        def create_state(self, index, weight):
            return [np.zeros(len(weight), weight.dtype), None]

        def update(self, index, weight, grad, state):
            weight -= self.lr * grad

    assert facts(Own) == ("0.062", "Python", "", "")  # 4 bytes for each of 64 rows

    class Broken(Own):
        def create_state(self, index, weight):
            raise RuntimeError

    assert facts(Broken).state == ""


def test_a_column_for_each():
    done = CliRunner().invoke(main, ["list", "--long"])
    assert done.exit_code == 0
    rows = {line.split()[0]: line.split() for line in done.output.splitlines()}
    assert rows["name"][5:] == ["state", "needs", "year", "paper"]
    assert rows["adamw"][5:] == ["8", "rule", "2019", "https://arxiv.org/abs/1711.05101"]
    assert rows["adamw"][0:5] == ["adamw", "optimizer", "weightopt-adamw", "0.1.0", "compiled"]
