"""Run a recorded optimizer case of ``tests/golden`` and compare, as golden/README.md describes."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest

import weightopt_core as mx

FOLDER = Path(__file__).parent / "golden"
TOLERANCE = {"float32": 2e-6, "float64": 2e-7, "float16": 1.5e-2, "mp": 1.5e-3}
STATE_TOLERANCE = {"float32": 2e-5, "float64": 1e-6, "float16": 3e-2, "mp": 2e-5}


@functools.cache
def manifest(name="manifest.json"):
    return json.loads((FOLDER / name).read_text())


@functools.cache
def arrays(name):
    with np.load(FOLDER / name) as archive:
        return {key: archive[key] for key in archive.files}


def cases(name="manifest.json", classes=None):
    found = [
        case for case in manifest(name)["cases"] if classes is None or case["class"] in classes
    ]
    return {case["id"]: case for case in found}


class Symbol:
    """Anything with arguments and their attributes."""

    def __init__(self, arguments, attr_dict):
        self._arguments, self._attr_dict = arguments, attr_dict

    def list_arguments(self):
        return self._arguments

    def attr_dict(self):
        return self._attr_dict


class Run:
    """One case: the optimizer as it was set up, and the parameters it steps."""

    def __init__(self, case, **changes):
        self.case = case
        self.kwargs = case["kwargs"] | changes
        self.optimizer = self.new_optimizer()
        self.updater = mx.optimizer.get_updater(self.optimizer)
        streams = arrays("streams.npz")
        self.weights = [streams[f"{p['stream']}|w0"].copy() for p in case["params"]]
        self.grads = [streams[f"{p['stream']}|grads"] for p in case["params"]]
        self.states = [
            self.optimizer.create_state(p["index"], weight)
            for p, weight in zip(case["params"], self.weights, strict=True)
        ]

    def new_optimizer(self, **changes):
        case = self.case
        given = self.kwargs | changes
        if "param_idx2name" in case:
            given["param_idx2name"] = {int(k): v for k, v in case["param_idx2name"].items()}
        if "sym" in case:
            given["sym"] = Symbol(case["sym"]["arguments"], case["sym"]["attr_dict"])
        if "scheduler" in case:
            scheduler = case["scheduler"]
            given["lr_scheduler"] = mx.lr_scheduler.create(
                scheduler["class"], **scheduler["kwargs"]
            )
        optimizer = mx.optimizer.create(case["class"], **given)
        for setter in ("set_lr_mult", "set_wd_mult"):
            if setter in case:
                self._set(optimizer, setter, case[setter])
        return optimizer

    @staticmethod
    def _set(optimizer, setter, given):
        given = {int(k) if k.lstrip("-").isdigit() else k: v for k, v in given.items()}
        known = {key: value for key, value in given.items() if key != "absent"}
        if len(known) < len(given):
            with pytest.raises(ValueError, match="'absent'"):
                getattr(optimizer, setter)(given)
        getattr(optimizer, setter)(known)

    def step(self, t):
        case = self.case
        if case.get("restart_at") == t:
            saved = self.updater.get_states()
            begin = case.get("restart_begin")
            self.optimizer = self.new_optimizer(**({"begin_num_update": begin} if begin else {}))
            self.updater = mx.optimizer.get_updater(self.optimizer)
            self.updater.set_states(saved)
        for j, parameter in enumerate(case["params"]):
            if t % parameter.get("every", 1):
                continue
            index, grad = parameter["index"], self.grads[j][t]
            before = grad.copy()
            if case.get("via_updater"):
                self.updater(index, grad, self.weights[j])
                self.states[j] = self.updater.states[index]
            else:
                self.optimizer.update(index, self.weights[j], grad, self.states[j])
            np.testing.assert_array_equal(grad, before, "the gradient was written to")


def compare(case, archive, **changes):
    """Run `case` and assert that weights and final states are those of `archive`."""
    run = Run(case, **changes)
    gold = arrays(archive)
    history = [[] for _ in run.weights]
    for t in range(case["steps"]):
        run.step(t)
        for weights, weight in zip(history, run.weights, strict=True):
            weights.append(weight.copy())
    for j, weights in enumerate(history):
        key = f"{case['id']}|w|{j}"
        got = np.stack(weights)
        if key not in gold:
            key, got = f"{case['id']}|w_first_last|{j}", got[[0, -1]]
        half = run.weights[j].dtype == np.float16
        kind = "mp" if half and run.kwargs.get("multi_precision") else run.weights[j].dtype.name
        _assert_close(got, gold[key], TOLERANCE[kind], 1.0, key)
        states = flat(run.states[j])
        if case["tag"] == "generic_multi_precision" and case["class"] != "NAG":
            states = states[-1:] + states[:-1]  # the master copy is first there, here last
        _compare_states(case["id"], j, states, gold, STATE_TOLERANCE[kind])


def flat(state):
    return state if isinstance(state, tuple) else () if state is None else (state,)


def _compare_states(case_id, j, states, gold, tolerance):
    keys = [key for key in (f"{case_id}|state|{j}|{k}" for k in range(9)) if key in gold]
    assert len(keys) == len(states), f"{case_id}: {len(states)} states, recorded {len(keys)}"
    for key, got in zip(keys, states, strict=True):
        scale = np.abs(gold[key].astype(np.float64)).max(initial=0) + 0.01
        _assert_close(got, gold[key], tolerance, scale, key)


def _assert_close(got, gold, tolerance, scale, key):
    got, gold = got.astype(np.float64), gold.astype(np.float64)
    limit = tolerance * (1 + np.abs(gold)) if scale == 1.0 else tolerance * scale
    both_nan = np.isnan(got) & np.isnan(gold)
    with np.errstate(invalid="ignore"):
        worst = np.max(np.where(both_nan | (got == gold), 0, np.abs(got - gold) / limit), initial=0)
    assert worst <= 1, f"{key}: {worst:.3g} times the tolerance"
