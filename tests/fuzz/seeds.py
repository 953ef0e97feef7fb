"""What each target of the fuzzer begins with: valid input of every form, as its writers make it."""

import io
import json
import struct
import tempfile
from pathlib import Path

import numpy as np
from checkpoints import content_of, trained, updater_of
from targets import trained_updater

import weightopt_core as wo

_ARRAYS = {"a": np.arange(3, dtype=np.float32), "b": np.ones((2, 2))}

_RULES = [
    "def sgd(weight, grad, *, lr, wd):\n    return weight - lr * (grad + wd * weight)\n",
    "def f(weight, grad, m, *, lr, t):\n    m = 0.9 * m + grad\n"
    "    return weight - lr * where(m > 0, m, sqrt(abs(grad))), m\n",
    "def g(weight, grad, *, lr):\n    ratio = norm(weight) / norm(grad) if lr else 1.0\n"
    "    a = clip(grad, lr)\n    return weight - ratio * sign(a) * maximum(a, 0)\n",
    "def h(weight, grad, noise, *, lr, beta):\n    '''Text.'''\n    scale = 1 - beta**2\n"
    "    return weight + lr / 2 * grad**2 + scale * noise\n",
]


def _states():
    found = [trained_updater().get_states()]
    for dtype in (np.float16, np.float32):
        updater = updater_of("adam", multi_precision=True)
        trained(updater, dtype=dtype)
        found.append(updater.get_states())
    return found


def _checkpoint():
    path = Path(tempfile.mkdtemp()) / "checkpoint"
    trained_updater().save(path, weights=_ARRAYS)
    return path.read_bytes()


def _params():
    content = struct.pack("<QQQ", 0x112, 0, len(_ARRAYS))
    for array in _ARRAYS.values():
        code = {"float32": 0, "float64": 1}[array.dtype.name]
        shape = struct.pack(f"<{array.ndim}q", *array.shape)
        content += struct.pack("<Iii", 0xF993FAC9, 0, array.ndim) + shape
        content += struct.pack("<iii", 1, 0, code) + array.tobytes()
    content += struct.pack("<Q", len(_ARRAYS))
    return content + b"".join(struct.pack("<Q", len(n)) + n.encode() for n in _ARRAYS)


def _npz(save):
    stream = io.BytesIO()
    save(stream, **_ARRAYS)
    return stream.getvalue()


def _safetensors():
    from safetensors.numpy import save

    return save(_ARRAYS)


def _texts():
    falling = wo.lr_scheduler.create("factor", step=2, factor=0.5)
    made = [
        wo.optimizer.create("adam", lr_scheduler=falling, param_idx2name={0: "a", 1: "b"}),
        wo.optimizer.create("sgd", momentum=0.9, clip_gradient=1),
        falling,
        wo.init.Xavier(),
        wo.init.Mixed(["a", ".*"], ["one", wo.init.Constant([0.5, 1])]),
    ]
    made[0].set_lr_mult({"a": 2})
    return [one.dumps() for one in made] + ["adam"]


def seeds():
    """Return a list of bytes for each target, by its name."""
    states = _states()
    return {
        "states": states,
        "checkpoint": [_checkpoint()],
        "metadata": [json.dumps(content_of(states[0])[1]).encode()],
        "text": [text.encode() for text in _texts()],
        "params": [_params()],
        "npz": [_npz(np.savez), _npz(np.savez_compressed)],
        "safetensors": [_safetensors()],
        "rule": [text.encode() for text in _RULES],
        "entry_points": [
            b"[weightopt.optimizers]\nspoilt = spoilt:Spoilt\n# no = line\n\n[other]\nx = y\n"
            b"Metadata-Version: 2.1\nName: spoilt\nVersion: 1.0\n\nText of the package itself.\n"
        ],
    }
