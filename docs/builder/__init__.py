"""The part of the documentation that is made of what is installed, as an extension of Sphinx.

Before pages are read it writes `docs/generated`: a page for every installed algorithm, one that
lists them, one that compares them, and the reference of the core. What has no documentation ends
the build.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.errors import ExtensionError
from sphinx.util import logging

import weightopt_core

from . import comparison, departures, documented, kin, listing, mathml, page, pictures
from .catalogue import installed, without_page

_LOG = logging.getLogger(__name__)
#: Where what was drawn is kept, from the repository's root.
CACHE = Path("build") / "pictures"


def setup(app: Any) -> dict[str, bool]:
    """Take part in a build."""
    mathml.setup(app)
    # Before Sphinx looks which files there are.
    app.connect("config-inited", _write)
    app.connect("autodoc-process-docstring", _without_kin, priority=400)  # before numpydoc
    app.connect("env-check-consistency", _check_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def refuse(complaints: list[str]) -> None:
    """Raise ExtensionError if there is any complaint, with all of them."""
    if complaints:
        raise ExtensionError("\n".join(["the documentation is not whole:", *complaints]))


def _write(app: Any, _config: Any) -> None:
    source = Path(app.srcdir)
    root, target = source.parent, source / "generated"
    entries = installed()
    classes = [entry.cls for entry in entries]
    refuse([*documented.without(listing.modules(weightopt_core), classes), *kin.wrong(entries)])
    _LOG.info("drawing %d algorithms", len(entries))
    panels = pictures.draw(entries, root / CACHE, target / "pictures")
    rows = departures.read(source / "departures.md")
    names = {entry.cls.__name__: entry.page for entry in entries}
    written = {entry.page: page.page(entry, names, panels[entry.page], rows) for entry in entries}
    written["algorithms"] = listing.algorithms(entries)
    written["core"] = listing.core(weightopt_core)
    written["comparison"] = comparison.page(entries, root, target / "pictures", root / CACHE)
    for path in target.glob("*.rst"):
        if path.stem not in written:
            path.unlink()
    for name, text in written.items():
        path = target / f"{name}.rst"
        if not path.exists() or path.read_text("utf-8") != text:  # Sphinx reads what is newer
            path.write_text(text, "utf-8")


def _without_kin(
    _app: Any, what: str, _name: str, _obj: Any, _options: Any, lines: list[str]
) -> None:
    """Take the section See Also out of a class's docstring: its page has it, with links."""
    if what != "class" or "See Also" not in lines:
        return
    begin = lines.index("See Also")
    later = [i for i, line in enumerate(lines) if i > begin + 1 and line and set(line) == {"-"}]
    end = later[0] - 1 if later else len(lines)
    del lines[begin:end]


def _check_pages(app: Any, env: Any) -> None:
    found = [Path(name).name for name in env.all_docs if name.startswith("generated/")]
    refuse([*without_page(Path(app.srcdir).parent, installed(), found)])
