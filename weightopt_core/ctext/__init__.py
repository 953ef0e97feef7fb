"""C text that plugins, the core and OpenCL C share: each function is written once for all."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent


def text(name: str) -> str:
    """Return the text of one of the headers in this folder."""
    return (FOLDER / name).read_text("utf-8")
