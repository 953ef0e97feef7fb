"""The README's example runs."""

from pathlib import Path

import pytest
from pages import run_python

pytestmark = pytest.mark.xdist_group("ray")


@pytest.mark.usefixtures("cluster")
def test_readme():
    run_python(Path(__file__).parents[1] / "README.md")
