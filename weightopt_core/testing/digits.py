"""A small network that tells handwritten digits apart, to compare algorithms on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

BATCH = 64
HIDDEN = 64
SHAPES = {
    "fc1_weight": (HIDDEN, 64),
    "fc1_bias": (HIDDEN,),
    "fc2_weight": (10, HIDDEN),
    "fc2_bias": (10,),
}


def load(seed: int) -> list[Any]:
    """Return train and test images in [0, 1] as float32, with their labels.

    Raises
    ------
    ImportError
        scikit-learn, which brings the digits, is not installed.
    """
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise ImportError("the digits come with scikit-learn; pip install scikit-learn") from error
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    return list(train_test_split(x, y, test_size=0.25, random_state=seed, stratify=y))


def forward(params: Mapping[str, Any], x: Any) -> tuple[Any, Any]:
    """Return the hidden activations and the logarithms of the class probabilities."""
    hidden = np.maximum(x @ params["fc1_weight"].T + params["fc1_bias"], 0)
    logits = hidden @ params["fc2_weight"].T + params["fc2_bias"]
    logits -= logits.max(axis=1, keepdims=True)
    return hidden, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def backward(params: Mapping[str, Any], x: Any, y: Any, hidden: Any, log_p: Any) -> dict[str, Any]:
    """Return the gradients of the summed cross-entropy by parameter."""
    d_logits = np.exp(log_p)
    d_logits[np.arange(len(y)), y] -= 1
    d_hidden = (d_logits @ params["fc2_weight"]) * (hidden > 0)
    return {
        "fc1_weight": d_hidden.T @ x,
        "fc1_bias": d_hidden.sum(axis=0),
        "fc2_weight": d_logits.T @ hidden,
        "fc2_bias": d_logits.sum(axis=0),
    }


def accuracy(params: Mapping[str, Any], x: Any, y: Any) -> float:
    """Return the share of `x` that is classified as `y`."""
    return float((forward(params, x)[1].argmax(axis=1) == y).mean())
