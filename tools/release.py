"""What a release has to be before it is published, and in which portions it is.

Usage: ``python tools/release.py check [TAG]``: one version everywhere, the tag's if there is one.
``python tools/release.py portions``: prints which packages each portion has.
``python tools/release.py stage PORTION``: puts into ``dist/stage`` what is uploaded in one portion.
"""

import re
import shutil
import sys
from pathlib import Path

import projects

DIST = projects.ROOT / "dist"
#: An index takes so many new projects a day from one account, and publishers of projects that are
#: yet to come can be set up for so many at once: the smaller of both.
PORTION = 3
ALL = "all"


def version() -> str:
    """Return the version of the core, which is that of all."""
    return projects.declared(projects.ROOT)["version"]


def wrong(tag: str = "") -> list[str]:
    """Return what contradicts the core's version, or a tag."""
    wanted, found = version(), []
    if tag and tag != f"v{wanted}":
        found.append(f"tag: expected v{wanted}, got {tag}")
    for name, folder in projects.folders().items():
        got = projects.declared(folder)["version"]
        if got != wanted:
            found.append(f"{name}: expected version {wanted}, got {got}; run make sync")
    text = (projects.ROOT / "CITATION.cff").read_text("utf-8")
    cited = re.search(r"^version: (.*)$", text, re.M)
    if not cited or cited[1] != wanted:
        found.append(f"CITATION.cff: expected version {wanted}, got {cited and cited[1]}")
    text = (projects.ROOT / "CHANGELOG.md").read_text("utf-8")
    heading = re.search(r"^## \[(.*?)\] - (.*)$", text, re.M)
    if not heading or heading[1] != wanted:
        found.append(f"CHANGELOG.md: expected {wanted} first, got {heading and heading[1]}")
    elif tag and not re.fullmatch(r"\d{4}-\d\d-\d\d", heading[2]):
        found.append(f"CHANGELOG.md: expected the date of {wanted}, got {heading[2]!r}")
    if tag and not projects.declared(projects.ROOT).get("urls", {}).get("Repository"):
        remedy = "the README's links and pictures lead there on the index; then make sync"
        found.append(f"pyproject.toml: expected Repository in [project.urls], got none; {remedy}")
    return found


def portions() -> dict[str, list[str]]:
    """Return the distributions of each portion by its number, and of ``all``."""
    names = projects.in_order()
    parts = [names[begin : begin + PORTION] for begin in range(0, len(names), PORTION)]
    return {ALL: names} | {str(number): part for number, part in enumerate(parts, 1)}


def stage(number: str, dist: Path = DIST) -> list[Path]:
    """Copy what is uploaded in one portion into a folder of its own; return the files."""
    known = portions()
    if number not in known:
        sys.exit(f"portion: expected {ALL}, or 1 to {len(known) - 1}, got {number!r}")
    target = dist / "stage"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    staged = []
    for name in known[number]:
        files = sorted(dist.glob(f"{name.replace('-', '_')}-{version()}[-.]*"))
        kinds = {file.suffix for file in files}
        if kinds != {".gz", ".whl"}:
            got = ", ".join(file.name for file in files) or "nothing"
            sys.exit(f"{name}: expected an sdist and wheels in {dist}, got {got}")
        staged += [Path(shutil.copy2(file, target)) for file in files]
    return staged


def main(command: str = "", *given: str) -> None:
    """Do what the command line asks for."""
    if command == "check" and len(given) <= 1:
        if found := wrong(*given):
            sys.exit("\n".join(found))
        print(f"one version everywhere: {version()}")
    elif command == "portions" and not given:
        for number, names in portions().items():
            print(f"{number}: {', '.join(names)}")
    elif command == "stage" and len(given) == 1:
        for path in stage(*given):
            print(path.name)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
