"""Parameters on an accelerator that are stepped in host memory, where their states lie."""

from __future__ import annotations

from typing import Any

import torch

from .memory import check_dense, check_gradient, host_view, in_order
from .slots import Slot


class OffloadedSlot(Slot):
    """One parameter with a copy in host memory that is stepped in its place.

    Its gradient is copied as soon as it is complete, while the accelerator goes on. On an
    accelerator both copies are in pinned memory.
    """

    def __init__(self, index: int | str, label: str, group: int, device: torch.device):
        super().__init__(index, label, group, device)
        self._home: Any = None
        self._grad: Any = None
        #: The shape and strides of the parameter that both were made for.
        self._layout: Any = None
        #: The version of the parameter that `_home` is a copy of.
        self._version = -1
        #: Which gradient `_grad` is a copy of, and what says that the copy is complete.
        self._fetched: Any = None
        self._done: Any = None

    def home(self, parameter: torch.Tensor) -> torch.Tensor:
        layout = parameter.shape, parameter.stride()
        if layout != self._layout:
            self._layout = layout
            self._home, self._grad = _in_host_memory(parameter), _in_host_memory(parameter)
            self._version = -1
        return self._home

    def look_at(self, parameter: torch.Tensor) -> None:
        home = self.home(parameter)
        if home.stride() != parameter.stride():  # the copy is dense, and goes back
            check_dense(parameter, self.label, self.contiguous)
        super().look_at(parameter)
        if parameter._version != self._version:
            home.copy_(parameter.detach())
            self._version = parameter._version

    def fetch(self, parameter: torch.Tensor) -> None:
        """Begin to copy the gradient."""
        self.home(parameter)
        grad: Any = parameter.grad
        if grad.layout is not torch.strided or grad.shape != parameter.shape:
            return  # the step refuses it
        if parameter.device.type == "cpu":
            self._grad.copy_(grad.detach())
        else:
            device = torch.get_device_module(parameter.device)
            side = _side_stream(parameter.device)
            side.wait_stream(device.current_stream(parameter.device))
            with device.stream(side):
                self._grad.copy_(grad.detach(), non_blocking=True)
            grad.record_stream(side)
            self._done = side.record_event()
        self._fetched = _identity(grad)

    def gradient(self, parameter: torch.Tensor) -> Any:
        grad: Any = parameter.grad
        check_gradient(grad, parameter)
        if self._fetched != _identity(grad):  # something has been done to it since, as clipping
            self.fetch(parameter)
        if self._done is not None:
            self._done.synchronize()
        self._fetched = self._done = None
        return host_view(in_order(self._grad))

    def put_back(self, parameter: torch.Tensor) -> bool:
        parameter.detach().copy_(self._home, non_blocking=True)
        self._version = parameter._version
        return True


def _in_host_memory(parameter: torch.Tensor) -> torch.Tensor:
    pinned = parameter.device.type != "cpu"
    return torch.empty_like(parameter, device="cpu", pin_memory=pinned, requires_grad=False)


def _identity(grad: torch.Tensor) -> tuple[int, int]:
    return grad.data_ptr(), grad._version


_streams: dict[torch.device, Any] = {}


def _side_stream(device: torch.device) -> Any:
    """Return the stream of a device on which gradients are copied."""
    if device not in _streams:
        _streams[device] = torch.get_device_module(device).Stream(device)
    return _streams[device]
