"""What optimizers, initializers and schedulers share: declared hyperparameters, a constructor."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .errors import nearest, wording
from .hyperparameters import REQUIRED, Hyperparameter
from .written import plain

#: What stands on the stack whenever an attribute is set.
_SETTERS = ("__setattr__", "_refuse_unknown")


@dataclass(frozen=True)
class Conformance:
    """What `weightopt_core.testing` has to know of a class and cannot see for itself.

    Parameters
    ----------
    arguments : dict of str to object
        What the constructor must be given, where declared ranges do not tell; so their other values
        are not tried.
    shape : tuple of int
        The shape of the arrays that an initializer fills.
    expected_failures : dict of str to str
        Why a check does not hold, by the check's name; if it does hold, that is a failure.
    dimensions : int
        How many dimensions the weights of an optimizer must have at least.
    host_only : bool
        Whether it takes NumPy arrays alone, as an ``update`` written with NumPy does. Then it is
        excused from the checks on other devices; if it works there, that is a failure. For a class
        with a rule, which runs on every device, it is an error.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = (6, 4, 3, 2)
    dimensions: int = 0
    expected_failures: Mapping[str, str] = field(default_factory=dict)
    host_only: bool = False


class Algorithm:
    """Base of all algorithms.

    A subclass that declares hyperparameters and writes no ``__init__`` gets one. It takes the
    subclass's own hyperparameters in the order of declaration, by position or keyword, and
    ``**kwargs`` for inherited ones and for own ones that are ``kw_only``. Where a subclass gives an
    inherited hyperparameter a plain value or a property, it is fixed: it is no argument of the
    subclass, and none of its hyperparameters.

    Attributes
    ----------
    hyperparameters : dict of str to Hyperparameter
        All hyperparameters that the class declares and inherits, own ones first.
    conformance : Conformance
        What `weightopt_core.testing` has to know and cannot see for itself.
    """

    hyperparameters: ClassVar[dict[str, Hyperparameter]] = {}
    conformance: ClassVar[Conformance] = Conformance()

    #: Whether its constructor is written by hand, and may make attributes that are not declared.
    _is_open: ClassVar[bool] = False
    _is_prepared: bool = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = {
            name: value for name, value in vars(cls).items() if isinstance(value, Hyperparameter)
        }
        inherited = super(cls, cls).hyperparameters  # type: ignore[misc]
        cls.hyperparameters = own | {k: v for k, v in inherited.items() if k not in vars(cls)}
        cls._is_open = cls._is_open or "__init__" in vars(cls)
        fixes = inherited.keys() & vars(cls).keys()
        if (own or fixes) and "__init__" not in vars(cls):
            cls.__init__ = _constructor(cls, own)  # type: ignore
        # Reading a plain class attribute is several times faster than calling a descriptor.
        for name, declared in own.items():
            if not declared.computed:
                setattr(cls, name, declared.default)

    def __setattr__(self, name: str, value: Any) -> None:
        declared = self.hyperparameters.get(name)
        if declared is not None:
            value = declared.check(value)
            declared.allow(self, value)
            self._take(name, value)
        elif name[0] != "_" and not hasattr(type(self), name) and name not in vars(self):
            self._refuse_unknown(name)
        super().__setattr__(name, value)

    def _take(self, name: str, value: Any) -> None:
        """Act on a hyperparameter that is about to be set, or raise to have it stay as it is."""

    def _refuse_unknown(self, name: str) -> None:
        """Raise AttributeError, unless the class declares `name` or its own code sets it.

        Where a constructor is written by hand, a name that resembles none that is there passes.
        """
        cls = type(self)
        if any(name in vars(base).get("__annotations__", {}) for base in cls.__mro__):
            return
        # Attributes of a class that others write are made by its methods, mostly its __init__.
        frame = inspect.currentframe()
        while frame is not None:
            code = frame.f_code
            is_method = code.co_argcount and hasattr(cls, code.co_name)
            own = code.co_name not in _SETTERS and is_method
            if own and frame.f_locals.get(code.co_varnames[0]) is self:
                return
            frame = frame.f_back
        public = {*self.hyperparameters, *dir(cls), *vars(self)}
        known = [
            other
            for other in public
            if other[0] != "_" and not callable(inspect.getattr_static(cls, other, None))
        ]
        hint = nearest(name, known)
        if not cls._is_open or hint.endswith("?"):
            raise AttributeError(f"{cls.__name__} has no attribute {name!r}; {hint}")

    def __init__(self, **unknown: Any):
        if unknown:
            name = next(iter(unknown))
            text = f"{type(self).__name__}() has no argument {name!r}; {self._hint(name)}"
            raise TypeError(text)
        self._prepare()
        self._is_prepared = True

    def _hint(self, name: str) -> str:
        """Say what to do about an argument that there is not."""
        return nearest(name, self.hyperparameters)

    def _prepare(self) -> None:
        """Finish construction, once every hyperparameter is set."""

    def given(self) -> dict[str, Any]:
        """Return the hyperparameters that were set explicitly, in order of declaration."""
        values = vars(self)
        declared = self.hyperparameters.values()
        return {one.name: values[one.stored] for one in declared if one.stored in values}

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that make an equal one, as JSON keeps them; ``dumps`` writes them.

        A subclass whose constructor takes more than declared hyperparameters overrides it.

        Raises
        ------
        TypeError
            The constructor takes more, or a value has no such form.
        """
        for name, parameter in inspect.signature(type(self)).parameters.items():
            is_own = parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            if is_own and name not in self.hyperparameters:
                expected = "declared hyperparameters alone"
                remedy = f"declare it, or let {type(self).__name__}.arguments() return it"
                argument = f"constructor of {type(self).__name__}"
                raise TypeError(wording(argument, expected, repr(name), remedy))
        return {name: plain(name, value) for name, value in self.given().items()}

    @classmethod
    def from_arguments(cls, arguments: dict[str, Any]) -> Any:
        """Return what `arguments` came from."""
        return cls(**arguments)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.given().items())
        return f"{type(self).__name__}({arguments})"


def _constructor(cls: type[Algorithm], own: dict[str, Hyperparameter]) -> Any:
    positional = [name for name, declared in own.items() if not declared.kw_only]

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if len(args) > len(positional):
            raise TypeError(
                f"{type(self).__name__}() takes {len(positional)} positional arguments "
                f"({', '.join(positional)}), got {len(args)}"
            )
        values = dict(zip(positional, args))
        settable = [name for name in own if name in self.hyperparameters]
        for name in settable:
            if name in kwargs:
                if name in values:
                    raise TypeError(f"{type(self).__name__}() got {name!r} twice")
                values[name] = kwargs.pop(name)
        for name in settable:
            # One that a subclass declares anew is set by the subclass.
            declared_here = self.hyperparameters[name] is own[name]
            if name not in values and declared_here and own[name].default is REQUIRED:
                expected = own[name].description
                raise TypeError(f"{type(self).__name__}() needs {name!r}, {expected}")
        for name in own:
            if name in values:
                setattr(self, name, values[name])
        super(cls, self).__init__(**kwargs)

    __init__.__qualname__ = f"{cls.__qualname__}.__init__"
    further = cls.__mro__[1] is not Algorithm or len(positional) < len(own)
    __init__.__signature__ = _signature(own, positional, further)  # type: ignore
    return __init__


def _signature(
    own: dict[str, Hyperparameter], positional: list[str], further: bool
) -> inspect.Signature:
    kind = inspect.Parameter
    parameters = [kind("self", kind.POSITIONAL_OR_KEYWORD)]
    for name in positional:
        default = kind.empty if own[name].default is REQUIRED else own[name].default
        parameters.append(kind(name, kind.POSITIONAL_OR_KEYWORD, default=default))
    if further:
        parameters.append(kind("kwargs", kind.VAR_KEYWORD))
    return inspect.Signature(parameters)
