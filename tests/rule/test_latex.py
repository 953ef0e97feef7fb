"""Rules as equations in LaTeX."""

import math

import pytest
from click.testing import CliRunner

from weightopt_core import update_rule
from weightopt_core.cli import main
from weightopt_core.rule import clip, largest, maximum, norm, sqrt, where
from weightopt_core.rule.printers.latex import symbol


@update_rule
def everything(weight, grad, mean_sq, *, lr, beta2, k, rescale_grad):
    grad = clip(rescale_grad * grad, k)
    mean_sq = beta2**2 * mean_sq + (1 - beta2) * grad**2
    lr = lr if lr > 0 and not k else 2 * math.pi
    ratio = (grad - weight) / (sqrt(mean_sq) + 1e-8)
    new = where((ratio > 1) | ~(grad <= 0), -(ratio - 1), maximum(abs(ratio), 3.5e-5))
    return weight - lr * norm(weight) * 2 * new**2, mean_sq / (ratio / 2) * largest(grad)


def test_equations():
    assert everything.lowered.equations == [
        r"g' &= \operatorname{clip}\left(\text{rescale\_grad} \cdot g, k\right)",
        r"\text{mean\_sq}' &= \beta_{2}^{2} \cdot \text{mean\_sq} "
        r"+ \left(1 - \beta_{2}\right) \, {g'}^{2}",
        r"\text{lr}' &= \begin{cases} \text{lr} & \text{if } \text{lr} > 0 \;\text{and}\; \neg k "
        r"\\ 2 \, \pi & \text{otherwise} \end{cases}",
        r"\text{ratio} &= \frac{g' - w}{\sqrt{\text{mean\_sq}'} + 10^{-8}}",
        r"\text{new} &= \begin{cases} -\left(\text{ratio} - 1\right) & \text{if } "
        r"\left(\text{ratio} > 1\right) \vee \neg \left(g' \le 0\right) \\ "
        r"\max\left(\left|\text{ratio}\right|, 3.5 \cdot 10^{-5}\right) & \text{otherwise} "
        r"\end{cases}",
        r"w &\leftarrow w - \text{lr}' \cdot \left\|w\right\| \cdot 2 \cdot \text{new}^{2}",
        r"\text{mean\_sq} &\leftarrow \frac{\text{mean\_sq}'}{\frac{\text{ratio}}{2}} "
        r"\, \left\|g'\right\|_\infty",
    ]


@update_rule
def nested(weight, grad, *, lr, wd):
    a = (lr / wd) ** 2 - (lr - (wd - 1))
    b = (lr if lr > 1 else wd) * a
    return weight - b * (grad - weight)


def test_brackets_stand_where_they_are_needed():
    assert nested.lowered.equations == [
        r"a &= \left(\frac{\text{lr}}{\text{wd}}\right)^{2} "
        r"- \left(\text{lr} - \left(\text{wd} - 1\right)\right)",
        r"b &= \left(\begin{cases} \text{lr} & \text{if } \text{lr} > 1 \\ "
        r"\text{wd} & \text{otherwise} \end{cases}\right) \, a",
        r"w &\leftarrow w - b \, \left(g - w\right)",
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("weight", "w"),
        ("grad''", "g''"),
        ("beta1", r"\beta_{1}"),
        ("lamda1", r"\lambda_{1}"),
        ("gamma_2", r"\gamma_{2}"),
        ("z", "z"),
        ("k3'", "k_{3}'"),
        ("epsilon", r"\epsilon"),
        ("mean'5", r"\text{mean}^{(5)}"),
        ("math.pi", r"\pi"),
        ("slow_mean2", r"\text{slow\_mean2}"),
    ],
)
def test_symbols(name, shown):
    assert symbol(name) == shown


def test_the_command():
    done = CliRunner().invoke(main, ["show", "sgd", "--latex"])
    assert done.exit_code == 0
    assert done.output == (
        "% sgd\n\\begin{align}\n"
        r"  w &\leftarrow \left(1 - \text{lr} \cdot \text{wd}\right) \, w - \text{lr} \cdot "
        r"\operatorname{clip}\left(\text{rescale\_grad} \cdot g, \text{clip\_gradient}\right)"
        "\n\\end{align}\n% sgd_momentum\n\\begin{align}\n"
        r"  \text{mom}' &= \text{momentum} \cdot \text{mom} - \text{lr} \cdot \text{wd} \cdot w "
        r"- \text{lr} \cdot \operatorname{clip}\left(\text{rescale\_grad} \cdot g, "
        r"\text{clip\_gradient}\right) \\"
        "\n"
        r"  w &\leftarrow w + \text{mom}' \\"
        "\n"
        r"  \text{mom} &\leftarrow \text{mom}'"
        "\n\\end{align}\n"
    )
