"""Names to classes, registered at run time; installed packages are in packages/."""

import warnings

import pytest

import weightopt_core as mx
from weightopt_core.errors import PluginError
from weightopt_core.registry import discovery
from weightopt_core.registry.published import PUBLISHED


@pytest.fixture(params=[mx.optimizer, mx.initializer, mx.lr_scheduler], ids=lambda m: m.__name__)
def module(request):
    return request.param


def new_class(module, name):
    return type(name, (module.registry.base,), {"__module__": __name__})


def test_names_do_not_count_case_or_punctuation():
    find = mx.optimizer.registry.find
    assert find("adam") is find("ADAM") is find("A-d_a.m") is mx.optimizer.Adam
    assert mx.lr_scheduler.registry.find("FactorScheduler") is mx.lr_scheduler.FactorScheduler
    assert mx.lr_scheduler.registry.find("factor") is mx.lr_scheduler.FactorScheduler


def test_a_name_that_is_the_ending_alone_stays():
    assert mx.lr_scheduler.registry.key("Scheduler") == "scheduler"
    assert mx.lr_scheduler.registry.key("FactorScheduler") == "factor"


def test_a_refreshed_registry_loads_its_classes_anew(monkeypatch):
    import weightopt_sgd

    registry, old = mx.optimizer.registry, mx.optimizer.SGD
    new = type("SGD", (old,), {"__module__": old.__module__})
    monkeypatch.setattr(weightopt_sgd, "SGD", new)
    try:
        assert registry.find("sgd") is old
        registry.refresh()
        assert registry.find("sgd") is new
    finally:
        monkeypatch.undo()
        registry.refresh()
    assert registry.find("sgd") is old


def test_a_refreshed_registry_is_strict_once_more(monkeypatch):
    registry, load = mx.lr_scheduler.registry, discovery.load
    loaded, broken = [], []

    def noted(point, *given):
        loaded.append(point.name)
        if broken:
            raise PluginError(f"{point.name} is broken")
        return load(point, *given)

    monkeypatch.setenv("WEIGHTOPT_STRICT", "1")
    monkeypatch.setattr(discovery, "load", noted)
    try:
        registry.refresh()
        names = registry.names()
        broken.append(True)
        assert registry.names() == names
        assert len(loaded) == len(set(loaded))  # each once, though they were listed twice
        registry.refresh()
        with pytest.raises(PluginError, match=r"WEIGHTOPT_STRICT: .* is broken"):
            registry.names()
    finally:
        monkeypatch.undo()
        registry.refresh()


def test_register_and_alias(module):
    cls = new_class(module, "OneOfAKind")
    assert module.register(cls) is cls
    assert module.alias("Another-Name")(cls) is cls
    assert module.registry.find("oneofakind") is module.registry.find("anothername") is cls
    assert "oneofakind" in module.registry.names()
    assert cls.__name__ == "OneOfAKind"
    assert module.OneOfAKind is cls


def test_replacing_warns_and_registering_again_does_not(module):
    module.register(new_class(module, "Replaced"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module.register(new_class(module, "Replaced"))
    other = new_class(module, "Replaced")
    other.__module__ = "elsewhere"
    with pytest.warns(
        UserWarning, match=r"'Replaced': elsewhere\.Replaced replaces .*test_registry"
    ):
        module.register(other)
    assert module.registry.find("replaced") is other


def test_what_is_registered_in_isolation_is_forgotten(module):
    name = "Isolated" + module.registry.suffix
    with module.registry.isolated() as registry:
        registry.register(new_class(module, name))
        assert registry.key(name) in registry.names()
    assert module.registry.key(name) not in module.registry.names()


@pytest.mark.usefixtures("isolated")
def test_replacing_an_installed_one_names_its_package():
    cls = new_class(mx.optimizer, "Adam")
    with pytest.warns(UserWarning, match=r"replaces that of package weightopt-adam \d"):
        mx.optimizer.register(cls)


def test_only_subclasses_are_registered(module):
    for wrong in (object, 3, module.registry.base()):
        with pytest.raises(TypeError, match="expected a subclass of"):
            module.register(wrong)


def test_unknown_names(module):
    for name in ("no-such-name", ""):
        with pytest.raises(ValueError, match=f"unknown {module.registry.kind} '{name}'; "):
            module.create(name)
    with pytest.raises(AttributeError, match="NoSuchName"):
        module.NoSuchName  # noqa: B018
    with pytest.raises(AttributeError):
        module.__no_such_name__  # noqa: B018


@pytest.mark.parametrize("name", [3, None, mx.optimizer.Adam()])
def test_names_are_text(name):
    with pytest.raises(TypeError, match="optimizer name: expected a str, got"):
        mx.optimizer.create(name)


def test_attributes_are_classes_by_their_own_name():
    with pytest.raises(AttributeError):
        mx.optimizer.adam  # noqa: B018
    with pytest.raises(AttributeError):
        mx.init.Zeros  # noqa: B018


def test_everything_published_is_installed_here():
    for module in (mx.optimizer, mx.initializer, mx.lr_scheduler):
        published = PUBLISHED[module.registry.group]
        installed = {
            name: module.registry.entry_points(name)[0].dist.name
            for name in module.registry.names()
            if module.registry.entry_points(name)
        }
        assert published == installed
