import contextlib
import importlib.util

if importlib.util.find_spec("optax") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    import jax

    if not hasattr(jax, "enable_x64"):
        # Older versions have a context too, but one of the calling thread: callbacks, which run in
        # another one, then return float32.
        @contextlib.contextmanager
        def enable_x64(new):
            before = jax.config.jax_enable_x64
            jax.config.update("jax_enable_x64", new)
            try:
                yield
            finally:
                jax.config.update("jax_enable_x64", before)

        jax.enable_x64 = enable_x64
