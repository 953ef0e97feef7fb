"""Tensors in host memory as NumPy arrays over the same memory, and back."""

from __future__ import annotations

import numpy as np
import torch

from weightopt_core.dtypes import dtype_of
from weightopt_core.errors import wording

#: The dtypes that parameters may have, in torch's and in NumPy's words.
STORAGE = {
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.float32: "float32",
    torch.float64: "float64",
}


def host_view(tensor: torch.Tensor) -> np.ndarray:
    """Return a NumPy array over the memory of a tensor of the host, with its shape and strides.

    Autograd does not see what is written to the array.
    """
    if tensor.dtype is torch.bfloat16:
        # torch has no NumPy dtype for it; the bits have one.
        return tensor.detach().view(torch.int16).numpy().view(dtype_of("bfloat16"))
    return tensor.detach().numpy()


def tensor_over(array: np.ndarray) -> torch.Tensor:
    """Return a tensor over the memory of a NumPy array."""
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def is_dense(tensor: torch.Tensor) -> bool:
    """Whether the elements fill a stretch of memory, in whatever order of the dimensions."""
    expected = 1
    if not tensor.numel():
        return True
    for stride, size in sorted(zip(tensor.stride(), tensor.shape)):
        if size > 1:
            if stride != expected:
                return False
            expected *= size
    return True


def in_order(tensor: torch.Tensor) -> torch.Tensor:
    """Return the elements of a dense tensor as its memory has them: itself, or a flat view of it.

    A rule treats every element alike, so the order does not matter to it; but all tensors of one
    weight need the same order.
    """
    if tensor.is_contiguous():
        return tensor
    return tensor.detach().as_strided((tensor.numel(),), (1,))


def as_laid_out(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return `tensor` with the order in memory that `like` has; a copy where it has another."""
    if tensor.stride() == like.stride():
        return tensor
    return torch.empty_like(like, dtype=tensor.dtype).copy_(tensor)


def check_parameter(parameter: torch.Tensor, label: str) -> None:
    """Raise TypeError where no rule takes such a parameter."""
    if parameter.dtype not in STORAGE:
        remedy = "pass torch.view_as_real(...) of it" if parameter.is_complex() else ""
        expected = f"a parameter of dtype {', '.join(STORAGE.values())}"
        raise TypeError(wording(label, expected, str(parameter.dtype), remedy))
    if parameter.layout is not torch.strided:
        remedy = "pass a dense parameter"
        raise TypeError(wording(label, "a strided parameter", str(parameter.layout), remedy))


def check_dense(parameter: torch.Tensor, label: str, remedy: str) -> None:
    """Raise where the memory of a parameter cannot be stepped as it is.

    `remedy` says how one whose memory has gaps is made contiguous.
    """
    if parameter.is_meta:
        materialize = "materialize the module before the first step"
        raise TypeError(wording(label, "a parameter with memory", "one on meta", materialize))
    if not is_dense(parameter):
        got = f"strides {tuple(parameter.stride())} for shape {tuple(parameter.shape)}"
        raise ValueError(wording(label, "a parameter without gaps in memory", got, remedy))


def check_gradient(grad: torch.Tensor, parameter: torch.Tensor) -> None:
    """Raise where a gradient is of a layout that no rule takes, or of another shape."""
    if grad.layout is not torch.strided:
        remedy = "make the layer with sparse=False, or convert the gradient with .to_dense()"
        raise TypeError(wording("grad", "a dense gradient", f"one of {grad.layout}", remedy))
    if grad.shape != parameter.shape:
        shapes = str(tuple(parameter.shape)), str(tuple(grad.shape))
        raise ValueError(wording("shape of grad", *shapes, "compute the gradient anew"))
