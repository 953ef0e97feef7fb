"""Situations in which something may go wrong: what is done, and all that it may change.

A scene is made anew for each fault. `act` does one thing, and `seen` returns everything that the
caller can see of it: elements, counts, states. ``hook`` is called by all code of users in it.
"""

import numpy as np
from reducing_rules import layerwise

import weightopt_core as mx
from weightopt_core.backends import backend_of

SIZES = (3, 20_000, 7)


def nothing():
    """What code of users does where no fault is injected."""


@mx.update_rule
def heavy_ball(weight, grad, mom, *, lr):
    mom = 0.9 * mom - lr * grad
    return weight + mom, mom


class Uncompiled(mx.Optimizer):
    rule = heavy_ball


class Layerwise(mx.Optimizer):
    rule = layerwise


def calling(hook):
    """Return an optimizer whose code calls `hook` wherever a user's may run."""

    class Schedule(mx.lr_scheduler.LRScheduler):
        def __call__(self, num_update):
            hook()
            return 0.5 / num_update

    class Calling(mx.optimizer.SGD):
        wd = property(lambda self: hook() or 0.01)

        def initial_states(self, weight):
            hook()
            return super().initial_states(weight)

        def numbers(self, index, t):
            hook()
            return {"rescale_grad": 1.0 / t}

    return Calling(momentum=0.9, lr_scheduler=Schedule())


class ByIndex(mx.optimizer.SGD):
    def _get_lr(self, index):
        return 0.1


class Scene:
    """Weights with gradients and states, and an optimizer that steps them.

    Parameters
    ----------
    optimizer : Optimizer
        Made for this scene alone.
    count : int or None
        How many weights are stepped in one call; None for one that is no list.
    warm : int
        How many steps went before.
    dtype : dtype
        Of the weights.
    make : callable
        Makes an array of a NumPy array.
    cold : bool
        Whether the optimizer has stepped nothing before; its first step compiles text of Python.
    """

    def __init__(self, optimizer, count=None, warm=0, dtype=np.float32, make=np.copy, cold=False):
        rng = np.random.default_rng(7)
        sizes = SIZES[: count or 1]
        self.optimizer = optimizer
        optimizer.noise_seed = 3  # each scene draws the same
        self.weights, self.grads = (
            [make(rng.normal(size=size).astype(dtype)) for size in sizes] for _ in range(2)
        )
        self.listed = count is not None
        if not cold:
            other = make(np.ones(2, dtype))
            optimizer.update("other", other, make(np.ones(2, dtype)), self.create("other", other))
        self.prepare()
        for _ in range(warm):
            self.act()

    def create(self, index, weight):
        return self.optimizer.create_state(index, weight)

    def prepare(self):
        self.states = [self.create(*pair) for pair in enumerate(self.weights)]

    def act(self):
        if self.listed:
            indices = list(range(len(self.weights)))
            self.optimizer.update(indices, self.weights, self.grads, self.states)
        else:
            self.optimizer.update(0, self.weights[0], self.grads[0], self.states[0])

    def kept(self):
        """Return the states by index."""
        return dict(enumerate(self.states))

    def seen(self):
        arrays = [*self.weights, *self.grads]
        for state in self.kept().values():
            arrays += state if isinstance(state, (tuple, list)) else [state]
        elements = [backend_of(a).to_host(a).tobytes() for a in arrays if a is not None]
        counts = dict(self.optimizer._index_update_count), self.optimizer.num_update
        return elements, list(self.kept()), counts, self.optimizer.skipped


class Kept(Scene):
    """The same by an Updater, which makes the states."""

    def prepare(self):
        self.updater = mx.optimizer.get_updater(self.optimizer)

    def act(self):
        if self.listed:
            self.updater(list(range(len(self.weights))), self.grads, self.weights)
        else:
            self.updater(0, self.grads[0], self.weights[0])

    def kept(self):
        return self.updater.states

    def seen(self):
        sets = set(self.updater._seen), set(self.updater._loaded), self.updater._complete_until
        return super().seen(), sets


class Loading(Kept):
    """States are loaded; with `step`, they are placed by a first update."""

    def __init__(self, optimizer, other, step=False, **given):
        self.saved = Kept(other, warm=3, **given).updater.get_states()
        self.step = step
        super().__init__(optimizer, warm=1, **given)

    def prepare(self):
        super().prepare()
        if self.step:
            self.updater.set_states(self.saved)

    def act(self):
        if self.step:
            super().act()
        elif not self.updater.states:
            super().act()  # one step went before
        else:
            self.updater.set_states(self.saved)


class Saving(Kept):
    """States are saved; `seen` has what was saved."""

    data = None

    def act(self):
        if self.updater.states:
            self.data = self.updater.get_states()
        else:
            super().act()

    def seen(self):
        return super().seen(), self.data


class Clipping(Scene):
    """Gradients are clipped by their norm."""

    def act(self):
        mx.optimizer.clip_global_norm(self.grads, 1e-50 if self.steep else 1.0)

    def __init__(self, steep=False, **given):
        self.steep = steep
        super().__init__(mx.optimizer.create("sgd"), count=3, **given)


class Spoilt(Scene):
    """A gradient is not finite."""

    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        self.grads[-1].reshape(-1)[0] = np.nan

    def act(self):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            super().act()


def adam(**given):
    return mx.optimizer.create("adam", **given)


def sgd(**given):
    return mx.optimizer.create("sgd", momentum=0.9, **given)


#: What makes each scene, given the hook.
SCENES = {
    "cold": lambda hook: Scene(adam(), cold=True),
    "single": lambda hook: Scene(adam()),
    "single again": lambda hook: Scene(adam(), warm=2),
    "list": lambda hook: Scene(adam(), 3),
    "list again": lambda hook: Scene(adam(), 3, warm=2),
    "uncompiled": lambda hook: Scene(Uncompiled(), 3, warm=1),
    "norms": lambda hook: Scene(mx.optimizer.create("lamb"), 3),
    "norms again": lambda hook: Scene(mx.optimizer.create("lamb"), 3, warm=2),
    "norms uncompiled": lambda hook: Scene(Layerwise(), 2, warm=1),
    "user's code": lambda hook: Scene(calling(hook), 3, warm=1),
    "by index": lambda hook: Scene(ByIndex(momentum=0.5), 3, warm=1),
    "master copies": lambda hook: Scene(sgd(multi_precision=True), 3, 1, np.float16),
    "rounded": lambda hook: Scene(adam(state_dtype="bfloat16"), 3, warm=1),
    "quantized": lambda hook: Scene(adam(state_dtype="int8"), 3, warm=1),
    "noise": lambda hook: Scene(mx.optimizer.create("sgld", seed=3), 2, warm=1),
    "first": lambda hook: Kept(adam()),
    "first of a list": lambda hook: Kept(adam(), 3),
    "first, user's code": lambda hook: Kept(calling(hook), 3),
    "first, master copies": lambda hook: Kept(sgd(multi_precision=True), 2, dtype=np.float16),
    "kept": lambda hook: Kept(calling(hook), 3, warm=2),
    "loaded": lambda hook: Loading(adam(), adam(), count=2),
    "placed": lambda hook: Loading(adam(), adam(), step=True, count=2),
    "saved": lambda hook: Saving(adam(), 2, warm=1),
    "clipped": lambda hook: Clipping(),
    "clipped halves": lambda hook: Clipping(dtype=np.float16),
    "clipped steeply": lambda hook: Clipping(steep=True),
    "skipped": lambda hook: Spoilt(adam(on_nonfinite="skip"), 3),
}
