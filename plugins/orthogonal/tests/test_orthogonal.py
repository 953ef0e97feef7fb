import inspect

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import weightopt_core as mx


def deviation(weight, scale):
    """Return how far the shorter side of `weight`, as a matrix, is from orthogonal."""
    matrix = weight.reshape(len(weight), -1).astype(np.float64)
    gram = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    return abs(gram - scale**2 * np.eye(len(gram))).max()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=4).map(tuple),
    st.sampled_from(["uniform", "normal"]),
    st.floats(0, 10),
    st.sampled_from([(np.float32, 1e-6), (np.float64, 1e-13)]),
)
def test_orthogonal_whatever_the_shape(shape, rand_type, scale, precision):
    dtype, tolerance = precision
    weight = np.full(shape, np.nan, dtype)
    mx.init.Orthogonal(scale, rand_type, seed=2)("fc1_weight", weight)
    assert deviation(weight, scale) <= tolerance * max(scale, 1) ** 2


@pytest.mark.parametrize("shape", [(256, 256), (300, 100), (64, 32, 3, 3)])
def test_large_float32_matrices_to_1e_5(shape):
    weight = np.empty(shape, np.float32)
    mx.init.Orthogonal(seed=2)("fc1_weight", weight)
    assert deviation(weight, 1.414) < 1e-5


@pytest.mark.parametrize(("rows", "columns"), [(5, 3), (4, 4), (3, 5)])
def test_the_matrix_is_one_of_the_decomposition(rows, columns):
    weight, size = np.empty((rows, columns)), rows * columns
    mx.init.Orthogonal(2.0, seed=2)("fc1_weight", weight)
    drawn = np.empty(size + min(rows, columns))
    mx.init.Uniform(1, seed=2)("fc1_weight", drawn)
    numbers, signs = drawn[:size].reshape(rows, columns), np.where(drawn[size:] < 0, -1, 1)
    left, _, right = np.linalg.svd(numbers, full_matrices=False)
    expected = 2 * left * signs if rows >= columns else 2 * right * signs[:, None]
    np.testing.assert_array_equal(weight, expected)


def matrices(shape, rand_type="normal", count=2000):
    found = np.empty((count, *shape))
    for seed, weight in enumerate(found):
        mx.init.Orthogonal(1.0, rand_type, seed=seed)("rnn_weight", weight)
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("rand_type", ["uniform", "normal"])
def test_half_of_the_square_matrices_are_rotations(size, rand_type):
    rotations = (np.linalg.det(matrices((size, size), rand_type)) > 0).sum()
    assert abs(rotations - 1000) < 5 * np.sqrt(2000) / 2  # five standard errors


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (4, 2), (2, 5), (2, 2, 2)])
def test_no_matrix_is_likelier_than_another(shape):
    """Moments of the uniform distribution on orthogonal matrices, by element and element pair."""
    found = matrices(shape).reshape(2000, shape[0], -1)
    rows, columns = found.shape[1:]
    n = max(rows, columns)
    flat = found.reshape(2000, -1)
    # The elements have variance 1/n, so five standard errors of a mean, or of a product's mean:
    error = 5 / np.sqrt(2000)
    assert abs(flat.mean(axis=0)).max() < error / np.sqrt(n)
    assert abs(flat.T @ flat / 2000 - np.eye(rows * columns) / n).max() < error / n * np.sqrt(2)
    # The fourth moment of a coordinate of a random unit vector; its terms are at most 1.
    assert abs((flat**4).mean(axis=0) - 3 / (n * (n + 2))).max() < error / 2


def test_the_angle_of_a_rotation_is_uniform():
    found = matrices((2, 2))
    angles = np.arctan2(found[:, 1, 0], found[:, 0, 0])
    for selected in (angles[np.linalg.det(found) > 0], angles[np.linalg.det(found) < 0]):
        counts = np.histogram(selected, 8, (-np.pi, np.pi))[0]
        expected = len(selected) / 8
        assert ((counts - expected) ** 2 / expected).sum() < 24.3  # chance 0.001, 7 degrees


def test_the_seed_counts():
    weights = {}
    for seed in (1, 1, 2):
        mx.random.seed(seed)
        weight = np.empty((4, 6))
        mx.init.Orthogonal()("fc1_weight", weight)
        np.testing.assert_array_equal(weights.setdefault(seed, weight), weight)
    assert (weights[1] != weights[2]).any()


def test_page_signature_and_dumps():
    parameters = inspect.signature(mx.init.Orthogonal).parameters
    assert list(parameters) == ["scale", "rand_type", "kwargs"]
    assert [parameters[name].default for name in ("scale", "rand_type")] == [1.414, "uniform"]
    text = '["orthogonal", {"scale": 1.414, "rand_type": "uniform"}]'
    assert mx.init.Orthogonal().dumps() == text


@pytest.mark.parametrize("shape", [(), (5,), (0, 5), (5, 0)])
def test_a_shape_that_is_no_matrix_is_an_error(shape):
    with pytest.raises(ValueError, match=r"'fc1_weight': expected two dimensions .* got shape \("):
        mx.init.Orthogonal()("fc1_weight", np.empty(shape))


def test_rand_type_has_two_values():
    with pytest.raises(ValueError, match="rand_type: expected 'uniform' or 'normal'"):
        mx.init.Orthogonal(rand_type="gaussian")
