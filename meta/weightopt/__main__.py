"""The command ``weightopt``, as ``python -m weightopt``."""

from weightopt_core.cli import main

main(prog_name="python -m weightopt")
