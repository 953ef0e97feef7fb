"""The optimizer and scheduler examples of the page, word for word."""

import doctest

import pytest

import weightopt_core
import weightopt_core as mx

EXAMPLES = {
    "register": """
>>> @mx.optimizer.Optimizer.register
... class MyOptimizer(mx.optimizer.Optimizer):
...  pass
>>> optim = mx.optimizer.Optimizer.create_optimizer('MyOptimizer')
>>> print(type(optim))
""",
    "create_optimizer": """
>>> sgd = mx.optimizer.Optimizer.create_optimizer('sgd')
>>> type(sgd)
>>> adam = mx.optimizer.create('adam', learning_rate=.1)
>>> type(adam)
""",
    "schedule": """
>>> lr_sch = mx.lr_scheduler.FactorScheduler(step=100, factor=0.9)
""",
}


def run(text):
    """Execute the lines of an example, and return what its names stand for."""
    names = {"mx": weightopt_core}
    for example in doctest.DocTestParser().get_examples(text):
        exec(compile(example.source, "<page>", "single", dont_inherit=True), names)
    return names


def test_register(capsys):
    optim = run(EXAMPLES["register"])["optim"]
    assert type(optim).__name__ == "MyOptimizer"
    assert "MyOptimizer" in capsys.readouterr().out


def test_create(capsys):
    names = run(EXAMPLES["create_optimizer"])
    assert type(names["sgd"]) is mx.optimizer.SGD
    assert type(names["adam"]) is mx.optimizer.Adam
    assert names["adam"].lr == 0.1
    assert "weightopt_sgd.SGD" in capsys.readouterr().out


def test_overview():
    lr_sch = run(EXAMPLES["schedule"])["lr_sch"]
    params = (("learning_rate", 0.1), ("lr_scheduler", lr_sch))
    optimizer = mx.optimizer.create("sgd", **dict(params))
    assert optimizer.lr_scheduler(100) == 0.1
    assert optimizer.lr_scheduler(101) == pytest.approx(0.09)


def test_module_level_and_static_register_are_one():
    assert mx.optimizer.create is mx.optimizer.Optimizer.create_optimizer

    @mx.optimizer.register
    class ByModule(mx.optimizer.Optimizer):
        pass

    assert type(mx.optimizer.create("bymodule")) is ByModule


def test_the_pages_own_way_to_write_an_optimizer():
    import numpy as np

    @mx.optimizer.Optimizer.register
    class Halver(mx.optimizer.Optimizer):
        def __init__(self, decay=0.5, **kwargs):
            super().__init__(**kwargs)
            self.decay = decay

        def create_state(self, index, weight):
            return np.zeros_like(weight)

        def update(self, index, weight, grad, state):
            self._update_count(index)
            lr, wd = self._get_lr(index), self._get_wd(index)
            state[:] = self.decay * state + self.rescale_grad * grad + wd * weight
            weight[:] -= lr * state

    optimizer = mx.optimizer.create("halver", learning_rate=0.5, wd=0.1, lr_scheduler=None)
    updater = mx.optimizer.get_updater(optimizer)
    weight = np.ones(3)
    updater(0, np.ones(3), weight)
    np.testing.assert_allclose(weight, 1 - 0.5 * 1.1)
    with pytest.raises(TypeError, match="'beta'"):
        mx.optimizer.create("halver", beta=1)


def test_the_pages_own_way_to_write_a_scheduler():
    class Root(mx.lr_scheduler.LRScheduler):
        def __call__(self, num_update):
            return self.base_lr / num_update**0.5

    optimizer = mx.optimizer.create("sgd", learning_rate=0.4, lr_scheduler=Root())
    optimizer._update_count(0)
    optimizer._update_count(0)
    optimizer._update_count(0)
    optimizer._update_count(0)
    assert optimizer._get_lr(0) == 0.2


def test_base_classes_ask_for_their_methods():
    with pytest.raises(NotImplementedError, match="rule or implement update"):
        mx.optimizer.Optimizer().update(0, None, None, None)
    with pytest.raises(NotImplementedError, match="__call__"):
        mx.lr_scheduler.LRScheduler()(1)
    with pytest.raises(DeprecationWarning, match="set_lr_mult"):
        mx.optimizer.create("sgd").set_lr_scale({})
