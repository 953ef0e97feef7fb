"""Checks of states: a run that is saved and resumed goes on bit for bit."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from typing import Any

import numpy as np

from ..optimizer import get_updater
from . import values
from .arrays import Maker
from .subject import Subject


class Steps:
    """Some weights that are stepped through an Updater."""

    def __init__(self, optimizer: Any, weights: dict[Any, Any]):
        self.weights = weights
        self.updater = get_updater(optimizer)

    def run(self, grads: Any, maker: Maker) -> None:
        """Step every weight by a part of each gradient."""
        for grad in grads:
            for index, weight in self.weights.items():
                size = int(np.prod(weight.shape))
                self.updater(index, maker.make(grad[:size].reshape(weight.shape)), weight)


def resumes_bit_for_bit(subject: Subject, maker: Maker) -> None:
    """What was saved lets another optimizer go on as if nothing had happened."""
    for given in subject.each_rule():
        for dtype in maker.dtypes:
            for lr_scheduler in (None, values.Falling()):
                extra = {"lr_scheduler": lr_scheduler, "multi_precision": dtype.itemsize == 2}
                _resumes(subject, maker, given | extra, dtype)


def comes_back_from_text(subject: Subject) -> None:
    """What dumps returns makes an equal optimizer, its multipliers included."""
    with subject.findable() as registry:
        for given in subject.settings():
            optimizer = subject.create(param_idx2name={0: "fc_weight", 1: "fc_bias"}, **given)
            optimizer.set_lr_mult({"fc_bias": 2.0, 0: 0.5})
            try:
                text = optimizer.dumps()
            except TypeError as error:  # a constructor of its own, whose arguments nobody knows
                raise unittest.SkipTest(str(error)) from error
            twin = registry.create(text)
            assert twin.dumps() == text, f"{text} became {twin.dumps()}"
            assert repr(twin) == repr(optimizer), f"{twin!r} came from {optimizer!r}"
            assert twin.lr_mult == optimizer.lr_mult, f"multipliers became {dict(twin.lr_mult)}"


CHECKS = (resumes_bit_for_bit, comes_back_from_text)


def _resumes(subject: Subject, maker: Maker, given: dict[str, Any], dtype: Any) -> None:
    rng = np.random.default_rng(0)
    weights = {0: rng.normal(size=(3, 4)), "fc_weight": rng.normal(size=7), 3: np.ones(())}
    weights = {index: one.reshape(subject.shaped(one.shape)) for index, one in weights.items()}
    arrays = {index: maker.make(weight.astype(dtype)) for index, weight in weights.items()}
    grads = rng.normal(size=(7, 12)).astype(dtype)
    whole = Steps(subject.create(**given), arrays)
    whole.run(grads[:4], maker)
    copies = {index: maker.make(maker.host(weight)) for index, weight in arrays.items()}
    resumed = Steps(subject.create(**given), copies)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "whole.safetensors")
        whole.updater.save(path)
        assert path.read_bytes() == whole.updater.get_states(), f"{given}: the file differs"
        resumed.updater.load(path)
    for steps in (whole, resumed):
        steps.run(grads[4:], maker)
    for index, weight in whole.weights.items():
        got, expected = (maker.host(one) for one in (resumed.weights[index], weight))
        assert got.tobytes() == expected.tobytes(), f"{given}, {dtype}: weight {index!r} differs"
    assert resumed.updater.optimizer.num_update == whole.updater.optimizer.num_update
    assert resumed.updater.get_states() == whole.updater.get_states(), f"{given}: states differ"
