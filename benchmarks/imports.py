"""What importing the core costs beyond importing NumPy; ``python -m benchmarks.imports``."""

import subprocess
import sys

import click

from .timing import interleaved


@click.command()
@click.option("--rounds", default=15, show_default=True)
def main(rounds):
    """Print the milliseconds that the core's import takes beyond NumPy's."""

    def run(code):
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    functions = {"numpy": run("import numpy"), "core": run("import weightopt_core")}
    times = interleaved(functions, rounds)
    numpy = times["numpy"].median * 1e3
    extra = times["core"].median * 1e3 - numpy
    print(f"import weightopt_core: {extra:.0f} ms beyond NumPy's {numpy:.0f} ms")


if __name__ == "__main__":
    main()
