import importlib.util

if importlib.util.find_spec("optax") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    import jax

    if not hasattr(jax, "enable_x64"):  # older versions have it elsewhere
        from jax.experimental import enable_x64

        jax.enable_x64 = enable_x64
