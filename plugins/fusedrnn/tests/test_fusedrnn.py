import inspect
import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from weightopt_fusedrnn import Layout, pack, unpack

import weightopt_core as mx

MODES = ["lstm", "gru", "rnn_relu", "rnn_tanh"]
NETWORKS = st.tuples(st.integers(1, 4), st.integers(1, 3), st.sampled_from(MODES), st.booleans())


@settings(max_examples=60, deadline=None)
@given(NETWORKS, st.integers(1, 5))
def test_pack_inverts_unpack(network, num_input):
    layout = Layout(*network)
    vector = np.arange(layout.size(num_input), dtype=np.float64)
    assert layout.num_input(vector.size) == num_input
    pieces = unpack(vector, *network)
    assert all(np.shares_memory(piece, vector) for piece in pieces.values())
    assert {name: piece.shape for name, piece in pieces.items()} == layout.shapes(num_input)
    backwards = dict(reversed(pieces.items()))
    np.testing.assert_array_equal(pack(backwards, *network), vector)


@settings(max_examples=60, deadline=None)
@given(NETWORKS, st.integers(0, 400))
def test_a_length_fits_one_number_of_inputs_or_none(network, size):
    layout = Layout(*network)
    fitting = [n for n in range(1, 401) if layout.size(n) == size]
    if fitting:
        assert [layout.num_input(size)] == fitting
    else:
        with pytest.raises(ValueError, match=r"vector: expected a length of \d+ \+ \d+ \* num_in"):
            layout.num_input(size)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_forget_biases_and_no_others(mode, bidirectional):
    network = (3, 2, mode, bidirectional)
    vector = np.full(Layout(*network).size(5), 7.0)
    mx.init.FusedRNN(mx.init.Constant(2), *network, forget_bias=1.5)("rnn_weight", vector)
    for name, piece in unpack(vector, *network).items():
        expected = 2 if name.endswith("weight") else 1.5 if name.endswith("_f_bias") else 0
        assert (piece == expected).all()


def test_pieces_are_matrices_to_the_initializer():
    network = (4, 1, "gru")
    vector = np.empty(Layout(*network).size(4))
    mx.init.FusedRNN(mx.init.Orthogonal(scale=1, seed=1), *network)("rnn_weight", vector)
    for name, piece in unpack(vector, *network).items():
        if name.endswith("weight"):
            np.testing.assert_allclose(piece @ piece.T, np.eye(4), atol=1e-12)


def test_random_numbers_differ_between_pieces_and_between_vectors():
    network = (4, 1, "lstm")
    rnn = mx.init.FusedRNN(mx.init.Uniform(seed=1), *network)
    vectors = [np.empty(Layout(*network).size(4)) for _ in range(3)]
    for name, vector in zip(["encoder_weight", "decoder_weight", "encoder_weight"], vectors):
        rnn(name, vector)
    pieces = unpack(vectors[0], *network)
    assert len({piece.tobytes() for name, piece in pieces.items() if "weight" in name}) == 8
    assert (vectors[0] != vectors[1])[:64].all()
    np.testing.assert_array_equal(vectors[0], vectors[2])


def test_random_numbers_differ_between_equal_vectors_of_two_wholes():
    network = (4, 1, "lstm")
    rnn = mx.init.FusedRNN(mx.init.Uniform(seed=1), *network)
    vectors = [np.empty(Layout(*network).size(4)) for _ in range(3)]
    for whole, vector in zip(["encoder", "decoder", "encoder"], vectors, strict=True):
        rnn(mx.InitDesc("rnn_weight", {"__part_of__": whole}), vector)
    assert (vectors[0] != vectors[1])[:64].all()
    np.testing.assert_array_equal(vectors[0], vectors[2])


@pytest.mark.parametrize("name", ["rnn_weight", "rnn_parameters"])
def test_without_init_the_global_one_fills_the_pieces(name):
    rnn = mx.init.FusedRNN(None, 2, 1, "rnn_tanh")
    vector = np.empty(12)
    rnn(mx.InitDesc(name, global_init=mx.init.Constant(3)), vector)
    assert vector.tolist() == [3] * 8 + [0] * 4
    desc = mx.InitDesc(name, {"__init__": rnn.dumps()})
    mx.init.Constant(4)(desc, vector)
    assert vector.tolist() == [4] * 8 + [0] * 4


@pytest.mark.parametrize("make", [str, mx.InitDesc])
def test_neither_init_nor_a_global_one_is_an_error(make):
    with pytest.raises(ValueError, match="'rnn_weight': expected an init of its own or a global"):
        mx.init.FusedRNN(None, 2, 1, "rnn_tanh")(make("rnn_weight"), np.empty(12))


@pytest.mark.parametrize("init", [None, "xavier", mx.init.Normal(0.5), '["one", {}]'])
def test_dumps_round_trips(init):
    rnn = mx.init.FusedRNN(init, 2, 1, "lstm", bidirectional=True, forget_bias=2)
    again = mx.init.create(rnn.dumps())
    assert again.dumps() == rnn.dumps()
    assert json.loads(rnn.dumps())[1]["init"] == (init and mx.init.create(init).dumps())


def test_page_signature():
    parameters = inspect.signature(mx.init.FusedRNN).parameters
    required = inspect.Parameter.empty
    assert {name: p.default for name, p in parameters.items() if name != "kwargs"} == {
        "init": required,
        "num_hidden": required,
        "num_layers": required,
        "mode": required,
        "bidirectional": False,
        "forget_bias": 1.0,
    }


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((51,), r"'rnn_weight': vector: expected a length of 32 \+ 8 \* num_input, got 51"),
        ((32,), r"'rnn_weight': vector: expected a length of 32 \+ 8 \* num_input, got 32"),
        ((7, 8), r"'rnn_weight': vector: expected one dimension, got shape \(7, 8\)"),
    ],
)
def test_a_vector_that_does_not_fit_is_an_error(shape, message):
    with pytest.raises(ValueError, match=message):
        mx.init.FusedRNN("one", 2, 1, "lstm")("rnn_weight", np.empty(shape))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_hidden": 0}, r"num_hidden: expected an integer in \[1, inf\), got 0"),
        ({"num_layers": -1}, r"num_layers: expected an integer in \[1, inf\), got -1"),
        ({"mode": "LSTM"}, "mode: expected 'lstm' or 'gru' or 'rnn_relu' or 'rnn_tanh'"),
        ({"init": "xavir"}, "unknown initializer 'xavir'; did you mean 'xavier'"),
    ],
)
def test_arguments_have_ranges(arguments, message):
    given_ = {"init": None, "num_hidden": 2, "num_layers": 1, "mode": "lstm"} | arguments
    with pytest.raises(ValueError, match=message):
        mx.init.FusedRNN(**given_)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ((0, 1, "lstm"), "num_hidden: expected at least 1, got 0"),
        ((1, 0, "lstm"), "num_layers: expected at least 1, got 0"),
        ((1, 1, "mlp"), "mode: expected 'lstm' or 'gru' or 'rnn_relu' or 'rnn_tanh', got 'mlp'"),
    ],
)
def test_a_layout_checks_its_network(network, message):
    with pytest.raises(ValueError, match=message):
        Layout(*network)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"l0_i2h_bias": None}, "pieces: expected all of 4, got none called 'l0_i2h_bias'"),
        ({"l0_i2h_weight": None}, "pieces: expected all of 4, got none called 'l0_i2h_weight'"),
        ({"l0_i2h_bias": np.ones(3)}, r"piece 'l0_i2h_bias': expected shape \(2,\), got \(3,\)"),
        ({"l0_h2h_weight": np.ones(2)}, r"piece 'l0_h2h_weight': expected shape \(2, 2\)"),
        ({"l1_i2h_bias": np.ones(2)}, "got 'l1_i2h_bias'; did you mean 'l0_i2h_bias'"),
    ],
)
def test_pack_checks_the_pieces(change, message):
    pieces = unpack(np.zeros(12), 2, 1, "rnn_relu") | change
    pieces = {name: piece for name, piece in pieces.items() if piece is not None}
    with pytest.raises(ValueError, match=message):
        pack(pieces, 2, 1, "rnn_relu")
