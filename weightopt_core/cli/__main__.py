"""``python -m weightopt_core.cli`` is the command ``weightopt``."""

from . import main

if __name__ == "__main__":
    main()
