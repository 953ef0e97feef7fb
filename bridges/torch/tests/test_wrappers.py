"""Optimizers that hold others."""

import pytest
import torch
import weightopt_torch

import weightopt_core as wo
from weightopt_core.optimizer import Nested, Wrapper


def test_they_are_refused():
    with wo.optimizer.registry.isolated() as registry:
        members = {"optimizer": Nested()}
        registry.register(type("Holding", (Wrapper,), members))
        with pytest.raises(TypeError, match="expected one that holds no other optimizer"):
            weightopt_torch.create("holding", [torch.ones(1)], optimizer="sgd")
