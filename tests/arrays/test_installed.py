"""Arrays of torch and JAX, where those are installed: shared, or refused with what to do."""

import sys

import ml_dtypes
import numpy as np
import pytest

import weightopt_core as mx


def import_or_skip(name):
    if name not in sys.modules:
        pytest.importorskip(name)
    return sys.modules[name]


@pytest.fixture
def torch():
    return import_or_skip("torch")


@pytest.fixture
def jnp():
    import_or_skip("jax")
    return import_or_skip("jax.numpy")


def step(weight, grad):
    mx.optimizer.create("sgd", learning_rate=0.5).update(0, weight, grad, None)


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
@pytest.mark.parametrize("size", [1, 4, 100_000])
def test_tensors_are_stepped_in_place(torch, name, size):
    weight = torch.ones(size, dtype=getattr(torch, name))
    step(weight, torch.ones_like(weight))
    assert (weight == 0.5).all()
    mx.init.Uniform(seed=1)("fc_weight", weight)
    array = np.empty(size, name)
    mx.init.Uniform(seed=1)("fc_weight", array)
    assert (weight.numpy() == array).all()
    assert mx.optimizer.clip_global_norm([weight, weight], 0.01) > 0
    assert mx.optimizer.global_norm([weight, weight]) == pytest.approx(0.01, rel=1e-2)


def test_a_parameter_is_stepped_detached(torch):
    weight = torch.nn.Parameter(torch.ones(4))
    with pytest.raises(TypeError, match=r"weight: .* use tensor.detach\(\)"):
        step(weight, torch.ones(4))
    step(weight.detach(), torch.ones(4))
    assert (weight == 0.5).all()


def test_bits_of_bfloat16_are_stepped(torch):
    weight = torch.ones(4, dtype=torch.bfloat16)
    with pytest.raises(TypeError, match=r"16-bit integers, .view\(ml_dtypes.bfloat16\)"):
        step(weight, torch.ones_like(weight))
    seen = weight.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    step(seen, np.ones_like(seen))
    assert (weight == 0.5).all()


def test_tensors_that_are_no_plain_memory(torch):
    whole = torch.ones(4, 4)
    refused = {
        "conjugate": torch.ones(4, dtype=torch.complex64).conj(),
        "negative": torch._neg_view(torch.ones(4)),
        "one number, negative": torch.tensor([1 + 2j]).conj().imag,
        "zeros without memory": torch._efficientzerotensor(4),
        "nowhere": torch.ones(4, device="meta"),
        "sparse": torch.ones(4).to_sparse(),
        "strided": whole[:, 0],
        "expanded": torch.ones(1).expand(4),
        "float8": torch.ones(4, dtype=torch.float8_e4m3fn),
        "integers": torch.ones(4, dtype=torch.int32),
    }
    for what, grad in refused.items():
        weight = np.ones(tuple(grad.shape), np.float32)
        with pytest.raises((TypeError, ValueError), match="grad: expected") as caught:
            step(weight, grad)
        assert "grad" in str(caught.value), what
        assert (weight == 1).all(), what
        with pytest.raises((TypeError, ValueError), match=r"(weight|grad): expected"):
            step(grad, np.ones(4, np.float32))
    assert (whole == 1).all()


def test_arrays_of_jax_are_read_and_never_written(jnp):
    weight, grad = np.ones(4, np.float32), jnp.ones(4)
    step(weight, grad)
    assert (weight == 0.5).all()
    assert mx.optimizer.global_norm([grad]) == 2.0
    text = "expected a writable array, got ArrayImpl, which is read-only; pass a copy"
    with pytest.raises(ValueError, match=f"weight: {text}"):
        step(grad, weight)
    with pytest.raises(ValueError, match=f"array of 'a_weight': {text}"):
        mx.init.One()("a_weight", grad)
    with pytest.raises(ValueError, match=rf"arrays\[0\]: {text}"):
        mx.optimizer.clip_global_norm([grad], 1.0)
    assert (np.asarray(grad) == 1).all()


def test_bfloat16_of_jax(jnp):
    brain = jnp.ones(4, jnp.bfloat16)
    with pytest.raises(TypeError, match=r"grad: .*\.view\(ml_dtypes.bfloat16\)"):
        step(np.ones(4, ml_dtypes.bfloat16), brain)
    weight = np.ones(4, ml_dtypes.bfloat16)
    step(weight, np.asarray(brain))
    assert (weight == 0.5).all()
