"""What is timed: the project, the memory's limit, and peers, all with one interface."""

from importlib import import_module

import numpy as np


class Contestant:
    """Something that can make a step of some algorithms.

    Attributes
    ----------
    name : str
        Its name in the results.
    modules : tuple of str
        What it imports and this project does not depend on.
    algorithms : collection of str or None
        The names of those that it has; None for all.
    dtypes : tuple of str
        Those of the weights that it takes.
    most_tensors : int or None
        Longer lists are left out.
    any_threads : bool
        Whether `set_threads` works; if not, it runs on all processors.
    """

    name = ""
    modules: tuple[str, ...] = ()
    algorithms = None
    dtypes: tuple[str, ...] = ("float32",)
    most_tensors = None
    any_threads = True

    def load(self):
        """Import or build what is needed; any exception means that it is not available."""
        for module in self.modules:
            import_module(module)

    def set_threads(self, threads):
        """Use so many threads from now on."""

    def step(self, weights, grads, algorithm):
        """Return a function that makes one step of all tensors, to its end.

        Parameters
        ----------
        weights, grads : list of numpy.ndarray
            The weights are updated in place where their memory can be shared, else copied.
        algorithm : benchmarks.algorithms.Algorithm
            One of those in `algorithms`.

        Returns
        -------
        callable
            It takes nothing and returns the weights, in a list of its own arrays.
        """
        raise NotImplementedError

    def values(self, weights):
        """Return what a step has returned as NumPy arrays."""
        return [np.asarray(weight) for weight in weights]

    def reason(self):
        """Return why it is not available, in a line, or an empty string."""
        try:
            self.load()
        except Exception as error:  # what an import or a build may raise is not known
            return (str(error).strip().splitlines() or [type(error).__name__])[0]
        return ""

    def takes(self, algorithm, dtype, tensors):
        """Return whether it has such a step."""
        known = self.algorithms is None or algorithm in self.algorithms
        fits = self.most_tensors is None or tensors <= self.most_tensors
        return known and fits and dtype in self.dtypes
