import pickle

import pytest

from weightopt_core import InitDesc

HOOKS = {
    "fc1_weight": "_init_weight",
    "weight": "_init_weight",
    "gamma_bias": "_init_bias",
    "bn_gamma": "_init_gamma",
    "weight_beta": "_init_beta",
    "bn_moving_mean": "_init_zero",
    "bn_running_mean": "_init_zero",
    "bn_moving_var": "_init_one",
    "bn_running_var": "_init_one",
    "x_moving_inv_var": "_init_zero",
    "x_moving_avg": "_init_zero",
    "fc1.weight": "_init_weight",
    "Dense_0/kernel": "_init_weight",
    "kernel": "_init_weight",
    "FC_Weight": "_init_default",
    "": "_init_default",
    "stn_loc_bias": "_init_bias",
}


@pytest.mark.parametrize("name", HOOKS)
def test_the_ending_selects_the_hook(name):
    assert InitDesc(name).hook == HOOKS[name]


@pytest.mark.parametrize(
    ("name", "hook"),
    [
        ("stn_loc_weight", "_init_zero"),
        ("stn_loc_bias", "_init_loc_bias"),
        ("stn_loc_gamma", "_init_gamma"),
        ("my_stn_loc_bias", "_init_bias"),
    ],
)
def test_in_a_plain_name_the_beginning_counts_too(name, hook):
    desc = InitDesc(name)
    desc.plain = True
    assert desc.hook == hook


def test_a_desc_is_its_name_with_more():
    attrs = {"lr_mult": "2"}
    desc = InitDesc("fc1_weight", attrs, global_init="any")
    assert desc == "fc1_weight"
    assert hash(desc) == hash("fc1_weight")
    assert desc.attrs is attrs
    assert desc.global_init == "any"
    assert InitDesc("fc1_weight").attrs == {}


def test_a_desc_survives_pickling():
    desc = pickle.loads(pickle.dumps(InitDesc("fc1_weight", {"a": "b"})))
    assert (desc, desc.attrs, desc.global_init) == ("fc1_weight", {"a": "b"}, None)
    assert pickle.loads(pickle.dumps(InitDesc("fc1_weight", None, "any"))).global_init == "any"


def test_a_piece_has_the_path_of_the_whole():
    assert InitDesc("l0_weight", {"__part_of__": "rnn"}).path == "rnn/l0_weight"
    assert InitDesc("l0_weight").path == "l0_weight"
