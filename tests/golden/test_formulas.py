"""NAG and Nadam where no recorded run has the numbers that are departed to.

A formula in plain NumPy first has to reproduce what MXNet recorded, with MXNet's habits and the
learning rates that it used. Without those habits it then judges the optimizer here. The habits:
0.11 reads the learning rate before it counts; 1.9.1's NAG keeps the rate in its state; Nadam has
one product of momentums for all parameters, and 0.11 multiplies its gradient by the decay.
"""

import numpy as np
import pytest
from golden_cases import TOLERANCE, Run, arrays
from golden_rows import CASES, LATER, recorded_in, row


class Replay:
    """A recorded case in float64, with the rates and decays of an archive."""

    def __init__(self, case, archive, habits=()):
        self.case, self.habits = case, habits
        self.given = {"rescale_grad": 1.0, "clip_gradient": np.inf} | case["kwargs"]
        self.rates = arrays(archive)[f"{case['id']}|lr"]
        self.decays = arrays(archive)[f"{case['id']}|wd"]
        streams = arrays("streams.npz")
        names = [parameter["stream"] for parameter in case["params"]]
        self.weights = [streams[f"{name}|w0"].astype(np.float64) for name in names]
        self.grads = [streams[f"{name}|grads"].astype(np.float64) for name in names]
        self.first = [np.zeros_like(weight) for weight in self.weights]
        self.second = [np.zeros_like(weight) for weight in self.weights]
        self.start(case["kwargs"].get("begin_num_update", 0))

    def start(self, begin):
        self.counts = [begin] * len(self.weights)
        before = 1.0
        if "shared product" not in self.habits and "beta1" in self.given:
            before = np.prod([self.momentum(i) for i in range(1, begin + 1)])
        self.products = [before] * len(self.weights)

    def momentum(self, t):
        return self.given["beta1"] * (1 - 0.5 * 0.96 ** (t * self.given["schedule_decay"]))

    def run(self):
        """Return the weights after each step, by parameter."""
        history = []
        for t in range(self.case["steps"]):
            if "forgets" in self.habits and t == self.case.get("restart_at"):
                self.start(self.case.get("restart_begin", 0))
            for j, parameter in enumerate(self.case["params"]):
                if t % parameter.get("every", 1) == 0:
                    self.counts[j] += 1
                    step = getattr(self, self.case["class"].lower())
                    step(j, self.grads[j][t], self.rates[t, j], self.decays[t, j])
            history.append([weight.copy() for weight in self.weights])
        return [np.stack(weights) for weights in zip(*history, strict=True)]

    def clip(self, grad):
        return np.clip(grad, -self.given["clip_gradient"], self.given["clip_gradient"])

    def nag(self, j, grad, lr, wd):
        grad = self.clip(self.given["rescale_grad"] * grad) + wd * self.weights[j]
        self.first[j] = self.given["momentum"] * self.first[j] + grad
        self.weights[j] -= lr * grad + lr * self.given["momentum"] * self.first[j]

    def nadam(self, j, grad, lr, wd):
        given, t = self.given, self.counts[j]
        if "decay times gradient" in self.habits:
            grad = self.clip(grad * (given["rescale_grad"] + wd * self.weights[j]))
        else:
            grad = self.clip(grad * given["rescale_grad"] + wd * self.weights[j])
        shared = 0 if "shared product" in self.habits else j
        self.products[shared] *= self.momentum(t)
        product = self.products[shared]
        self.first[j] += (1 - given["beta1"]) * (grad - self.first[j])
        self.second[j] += (1 - given["beta2"]) * (grad * grad - self.second[j])
        mean = self.first[j] / (1 - product * self.momentum(t + 1))
        bar = (1 - self.momentum(t)) * grad / (1 - product) + self.momentum(t + 1) * mean
        root = np.sqrt(self.second[j] / (1 - given["beta2"] ** t))
        self.weights[j] -= lr * bar / (root + given.get("epsilon", 1e-8))


DEFAULTS = {"beta1": 0.9, "beta2": 0.999, "schedule_decay": 0.004}
NAG = [c for c in CASES.values() if c["class"] == "NAG" and row(c) == 1]
NADAM = [
    c | {"kwargs": DEFAULTS | c["kwargs"]}
    for c in CASES.values()
    if c["class"] == "Nadam" and row(c) == 4 and len(c["params"]) > 1
]


def archives(case):
    """Return the archives that hold a case, by how 0.11 and 1.9.1 differ in it."""
    yield recorded_in(case), ("shared product", "forgets", "decay times gradient")
    if case["id"] in LATER:
        yield "mx191_opt.npz", ("shared product", "forgets")


def agree(case, got, expected):
    for j, weights in enumerate(expected):
        tolerance = TOLERANCE[case["params"][j]["stream"].split("_")[1]]
        np.testing.assert_allclose(got[j], weights, rtol=tolerance, atol=tolerance)


def recorded(case, archive):
    return [arrays(archive)[f"{case['id']}|w|{j}"] for j in range(len(case["params"]))]


def stepped(case):
    run = Run(case)
    history = []
    for t in range(case["steps"]):
        run.step(t)
        history.append([weight.copy() for weight in run.weights])
    return [np.stack(weights) for weights in zip(*history, strict=True)]


@pytest.mark.parametrize("case", NADAM, ids=lambda case: case["id"])
def test_nadam(case):
    for archive, habits in archives(case):
        agree(case, Replay(case, archive, habits).run(), recorded(case, archive))
    agree(case, stepped(case), Replay(case, archive).run())


@pytest.mark.parametrize("case", NAG, ids=lambda case: case["id"])
def test_nag_under_a_scheduler(case):
    agree(case, Replay(case, recorded_in(case)).run(), recorded(case, recorded_in(case)))
    agree(case, stepped(case), Replay(case, "mx191_opt.npz").run())


def test_the_cases_are_all_that_have_no_counterpart():
    assert (len(NAG), len(NADAM)) == (5, 31)
