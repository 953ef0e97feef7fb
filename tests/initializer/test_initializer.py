import array
import json
import logging

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.hyperparameters import REQUIRED, Choice, ListOf, Real
from weightopt_core.initializer import Initializer, Nested, RandomInitializer, registry

#: What initializers take that declare no hyperparameters.
UNDECLARED = {"load": {"param": {"fc1_weight": [1.0, 2.0]}}}


pytestmark = pytest.mark.usefixtures("isolated")


class Tenth(Initializer):
    def _init_weight(self, name, arr):
        arr[...] = 0.1


class Outer(Initializer):
    inner = Nested(Tenth(), optional=True)

    def _init_weight(self, name, arr):
        self.inner(mx.InitDesc("piece_weight", {"__part_of__": str(name)}, name.global_init), arr)


class Drawn(RandomInitializer):
    def _init_weight(self, name, arr):
        self._uniform(name, arr, 0.0, 1.0)


def fill(init, name, shape=(2, 3), dtype=np.float64):
    arr = np.full(shape, 7, dtype)
    init(name, arr)
    return arr


VALUES = {
    "fc1_weight": 0.1,
    "fc1_bias": 0,
    "bn_gamma": 1,
    "bn_beta": 0,
    "bn_moving_mean": 0,
    "bn_running_mean": 0,
    "bn_moving_var": 1,
    "bn_running_var": 1,
    "x_moving_inv_var": 0,
    "x_moving_avg": 0,
}


@pytest.mark.parametrize("make", [str, mx.InitDesc])
@pytest.mark.parametrize("name", VALUES)
def test_names_select_values(make, name):
    assert (fill(Tenth(), make(name)) == VALUES[name]).all()


def test_a_plain_name_of_a_spatial_transformer():
    assert fill(Tenth(), "stn_loc_bias", 6).tolist() == [1, 0, 0, 0, 1, 0]
    assert not fill(Tenth(), "stn_loc_weight").any()
    assert not fill(Tenth(), mx.InitDesc("stn_loc_bias"), 6).any()
    with pytest.raises(
        ValueError, match=r"'stn_loc_bias': expected shape \(6,\), got shape \(5,\)"
    ):
        fill(Tenth(), "stn_loc_bias", 5)


@pytest.mark.parametrize("make", [str, mx.InitDesc])
def test_an_unknown_name_is_an_error_with_a_remedy(make):
    with pytest.raises(
        ValueError, match=r"parameter 'foo': its name ends in none of weight, bias,"
    ):
        fill(Tenth(), make("foo"))


@pytest.mark.parametrize("hook", ["bias", "gamma", "beta", "zero", "one", "default"])
def test_every_hook_can_be_overridden(hook):
    names = {"zero": "x_moving_avg", "one": "x_moving_var", "default": "foo"}
    init = type("Own", (Tenth,), {f"_init_{hook}": lambda self, name, arr: arr.fill(5)})()
    assert (fill(init, names.get(hook, f"x_{hook}")) == 5).all()


def test_a_class_without_init_weight_says_so():
    with pytest.raises(NotImplementedError, match="Bare must implement _init_weight"):
        fill(type("Bare", (Initializer,), {})(), "fc1_weight")


@pytest.mark.parametrize("own", ["tenth", '["tenth", {}]', '{"initializer": "tenth"}', "TENTH"])
@pytest.mark.parametrize("name", ["fc1_bias", "foo", "fc1_weight"])
def test_the_attribute_goes_before_the_name(own, name):
    mx.init.register(Tenth)
    init = type("Five", (Tenth,), {"_init_weight": lambda self, name, arr: arr.fill(5)})()
    assert (fill(init, mx.InitDesc(name, {"__init__": own})) == 0.1).all()


def test_an_empty_attribute_does_not_count():
    assert (fill(Tenth(), mx.InitDesc("bn_gamma", {"__init__": ""})) == 1).all()


def test_an_unknown_attribute_is_an_error():
    with pytest.raises(ValueError, match="unknown initializer 'nosuch'"):
        fill(Tenth(), mx.InitDesc("fc1_weight", {"__init__": "nosuch"}))


def test_global_init_is_the_first_initializer():
    seen = []
    spy = type("Spy", (Tenth,), {"_init_weight": lambda self, name, arr: seen.append(name)})()
    fill(spy, "fc1_weight")
    fill(spy, mx.InitDesc("fc1_weight"))
    other = Tenth()
    fill(spy, mx.InitDesc("fc1_weight", global_init=other))
    assert [desc.global_init for desc in seen] == [spy, spy, other]
    assert all(isinstance(desc, mx.InitDesc) for desc in seen)


class Kept(mx.InitDesc):
    """A name with something of its own."""

    def __new__(cls, name, shape):
        desc = super().__new__(cls, name)
        desc.shape = shape
        return desc


def test_a_name_is_not_tied_to_the_initializer_that_used_it_first():
    seen = []
    spy = {"_init_weight": lambda self, name, arr: seen.append((name.global_init, name))}
    first, second = (type("Spy", (Tenth,), spy)() for _ in range(2))
    desc = Kept("fc1_weight", (2, 3))
    for init in (first, second):
        fill(init, desc)
    assert [given for given, _ in seen] == [first, second]
    assert all(type(name) is Kept and name.shape == (2, 3) for _, name in seen)
    assert desc.global_init is None


def test_a_class_in_place_of_an_initializer_says_how_to_make_one():
    for use in (
        lambda: mx.init.create(Tenth),
        lambda: Outer(Tenth),
        lambda: fill(Drawn(), mx.InitDesc("foo", {"__init__": Tenth})),
    ):
        with pytest.raises(TypeError, match=r"got <class '.*Tenth'>; call it: Tenth\(\)"):
            use()


def test_a_function_serves_as_an_initializer_wherever_one_is_taken():
    def tenth(name, arr):
        arr[...] = 0.1

    assert mx.init.create(tenth) is tenth
    assert (fill(Drawn(), mx.InitDesc("foo", {"__init__": tenth})) == 0.1).all()
    assert (fill(Drawn(), mx.InitDesc("foo", {"__init__": Tenth()})) == 0.1).all()


def test_set_verbosity_logs_name_way_and_statistic(caplog):
    mx.init.register(Tenth)
    init = Outer()
    assert init.set_verbosity(True) is init
    with caplog.at_level(logging.INFO, "weightopt_core.initializer"):
        fill(init, "fc1_weight")
        fill(init, "bn_gamma")
        fill(init, mx.InitDesc("foo", {"__init__": "tenth"}))
        init.set_verbosity(True, lambda arr: f"{arr.size} numbers")
        fill(init, "fc1_bias")
        init.set_verbosity()
        fill(init, "fc1_bias")
    assert caplog.messages == [
        "Initialized fc1_weight as weight: 0.1",
        "Initialized bn_gamma as gamma: 1.0",
        "Initialized foo as tenth: 0.1",
        "Initialized fc1_bias as bias: 6 numbers",
    ]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "uint8"])
def test_any_real_type_can_be_filled(dtype):
    assert (fill(Tenth(), "bn_gamma", dtype=dtype) == 1).all()


def test_bfloat16_can_be_filled_and_drawn():
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    assert (fill(Tenth(), "bn_gamma", dtype=bfloat16) == 1).all()
    drawn = fill(Drawn(seed=1), "a_weight", 100, bfloat16)
    single = fill(Drawn(seed=1), "a_weight", 100, np.float32)
    below_one = np.float32(1 - 2**-8)  # 1 is not in [0, 1), whatever rounding says
    np.testing.assert_array_equal(drawn, np.minimum(single, below_one).astype(bfloat16))


@pytest.mark.parametrize("dtype", ["complex64", "bool", "U3", "O", "M8[s]", ">f4"])
def test_other_types_are_errors(dtype):
    with pytest.raises(
        TypeError, match=r"dtype of array of 'bn_gamma': expected (native )?real numbers, got"
    ):
        Tenth()("bn_gamma", np.empty(3, dtype))


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1, 1, 1)])
def test_any_shape_can_be_filled(shape):
    assert (fill(Tenth(), "fc1_weight", shape) == 0.1).all()


def test_arrays_that_cannot_be_filled():
    frozen = np.zeros(3)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="array of 'fc1_weight': expected a writable array"):
        Tenth()("fc1_weight", frozen)
    with pytest.raises(ValueError, match="array of 'fc1_weight': expected a C-contiguous array"):
        Tenth()("fc1_weight", np.zeros((3, 4)).T)
    with pytest.raises(ValueError, match="array of 'fc1_weight': expected a C-contiguous array"):
        Tenth()("fc1_weight", np.zeros(6)[::2])
    for value in ([1.0], 3, None, "text"):
        with pytest.raises(TypeError, match="array of 'fc1_weight': expected an array, got"):
            Tenth()("fc1_weight", value)


def test_whatever_shares_its_memory_can_be_filled():
    numbers = array.array("d", [7, 7])
    Tenth()("fc1_weight", numbers)
    assert list(numbers) == [0.1, 0.1]


@pytest.mark.parametrize("name", [3, None, b"fc1_weight", ["fc1_weight"]])
def test_the_name_is_a_str(name):
    with pytest.raises(TypeError, match="desc: expected an InitDesc or a str, got"):
        fill(Tenth(), name)


def test_the_random_numbers_of_a_name_follow_from_the_seed():
    assert (fill(Drawn(seed=1), "a_weight") == fill(Drawn(seed=1), "a_weight")).all()
    assert (fill(Drawn(seed=1), "a_weight") != fill(Drawn(seed=2), "a_weight")).all()
    assert (fill(Drawn(seed=1), "a_weight") != fill(Drawn(seed=1), "b_weight")).all()
    mx.random.seed(5)
    a, b = fill(Drawn(), "a_weight"), fill(Drawn(), "b_weight")
    assert (fill(Drawn(), "a_weight") != a).all()
    mx.random.seed(5)
    np.testing.assert_array_equal(fill(Drawn(), "b_weight"), b)
    np.testing.assert_array_equal(fill(Drawn(), "a_weight"), a)


def test_pieces_of_different_parameters_get_different_random_numbers():
    init = Outer(Drawn(seed=1))
    assert (fill(init, "a_weight") != fill(init, "b_weight")).all()
    np.testing.assert_array_equal(fill(init, "a_weight"), fill(init, "a_weight"))


def test_half_precision_draws_as_single_and_rounds():
    half = fill(Drawn(seed=1), "a_weight", 100, np.float16)
    single = fill(Drawn(seed=1), "a_weight", 100, np.float32)
    np.testing.assert_array_equal(half, single.astype(np.float16))


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True])
def test_a_seed_is_an_integer_from_0_on(seed):
    with pytest.raises((ValueError, TypeError), match=r"seed: expected None or an integer in \[0,"):
        Drawn(seed=seed)


def an_argument(declared):
    """Return a value that a hyperparameter takes."""
    if isinstance(declared, Nested):
        return Tenth()
    if isinstance(declared, ListOf):
        return []
    if isinstance(declared, Choice):
        return declared.choices[0]
    assert isinstance(declared, Real), f"what is a {type(declared).__name__}?"
    return declared.check(2)


def arguments(name):
    declared = registry.find(name).hyperparameters
    required = {k: an_argument(v) for k, v in declared.items() if v.default is REQUIRED}
    return required | UNDECLARED.get(name, {})


@pytest.mark.parametrize("name", registry.names())
def test_every_installed_initializer_round_trips(name):
    mx.init.register(Tenth)
    init = mx.init.create(name, **arguments(name))
    again = mx.init.create(init.dumps())
    assert type(again) is type(init)
    assert again.dumps() == init.dumps()
    for shape in [(2,), (4, 3), (2, 2, 4, 4), (48,)]:
        results = []
        for one in (init, again):
            mx.random.seed(3)
            try:
                results.append(fill(one, "fc1_weight", shape))
            except ValueError as error:
                results.append(str(error))
        np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("name", registry.names())
def test_every_installed_initializer_refuses_unknown_arguments(name):
    with pytest.raises(TypeError, match="nosuch"):
        mx.init.create(name, nosuch=1, **arguments(name))


def test_nested_initializers_round_trip():
    mx.init.register(Tenth)
    mx.init.register(Outer)
    init = Outer(Outer(Outer("tenth")))
    again = mx.init.create(init.dumps())
    assert again.dumps() == init.dumps()
    assert isinstance(again.inner.inner.inner, Tenth)
    assert (fill(again, "fc1_weight") == 0.1).all()
    assert json.loads(Outer(None).dumps()) == ["outer", {"inner": None}]


class Explicit(Initializer):
    def __init__(self, value, inner=None):
        super().__init__(value=value, inner=inner)
        self.value = value

    def _init_weight(self, name, arr):
        arr[...] = self.value


class Derived(Outer):
    def __init__(self, value):
        super().__init__(Explicit(value))
        self._kwargs = {"value": value}


@pytest.mark.parametrize("value", [3, 0.5, np.float32(0.5), np.arange(3.0)])
def test_a_class_with_its_own_constructor_dumps_what_it_passed_on(value):
    mx.init.register(Explicit)
    init = Explicit(value, Tenth())
    text = f'["explicit", {{"value": {json.dumps(np.asarray(value).tolist())}, '
    assert init.dumps() == text + '"inner": "[\\"tenth\\", {}]"}]'
    np.testing.assert_array_equal(
        fill(mx.init.create(init.dumps()), "a_weight"), fill(init, "a_weight")
    )


def test_a_class_can_say_what_it_dumps():
    mx.init.register(Derived)
    assert Derived(3).dumps() == '["derived", {"value": 3}]'
    assert (fill(mx.init.create(Derived(3).dumps()), "a_weight") == 3).all()


def test_what_json_does_not_know_cannot_be_dumped():
    with pytest.raises(TypeError, match="argument: expected numbers, text, lists or initializers"):
        Explicit(object()).dumps()


def test_unknown_arguments_are_errors_with_a_hint():
    with pytest.raises(TypeError, match=r"Tenth\(\) has no argument 'value'; known: none"):
        Tenth(value=1)
    with pytest.raises(TypeError, match=r"Outer\(\) has no argument 'iner'; did you mean 'inner'"):
        Outer(iner="tenth")


def test_create_takes_every_form():
    mx.init.register(Explicit)
    init = Tenth()
    assert mx.init.create(init) is init
    assert mx.init.create("explicit", 3).value == 3
    assert mx.init.create("Explicit", value=3).value == 3
    assert mx.init.create('["explicit", {"value": 3}]').value == 3
    assert mx.init.create(' \n ["explicit", {"value": 3}] ').value == 3
    assert mx.init.create(["explicit", {"value": 3}]).value == 3
    assert mx.init.create({"initializer": "explicit", "value": 3}).value == 3
    assert mx.init.create('{"initializer": "explicit", "value": 3}').value == 3


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("xavir", ValueError, "unknown initializer 'xavir'; did you mean 'xavier'"),
        ('["xavier"', ValueError, "initializer: expected a name or JSON, got"),
        ('["xavier"]', TypeError, "initializer: expected an Initializer, a name, or what dumps"),
        ('{"value": 3}', TypeError, "initializer: expected an Initializer, a name, or what dumps"),
        (3, TypeError, "initializer: expected an Initializer, a name, or what dumps"),
        (None, TypeError, "initializer: expected an Initializer, a name, or what dumps"),
    ],
)
def test_create_refuses_other_things(given, error, message):
    with pytest.raises(error, match=message):
        mx.init.create(given)


def test_create_takes_arguments_beside_a_name_alone():
    for form in (Tenth(), '["tenth", {}]', {"initializer": "tenth"}):
        with pytest.raises(TypeError, match="expected a name beside further arguments"):
            mx.init.create(form, value=1)
