"""Links within the repository: the file is there, and so is the heading."""

import re
import subprocess

import pytest
from pages import ROOT

#: Pages that `make docs` writes.
GENERATED = re.compile(r"generated/(algorithms|comparison|core|\w+-\w+)$|gallery/\w+$")
_FENCE = re.compile(r"^ *(```+|~~~+).*?^ *\1", re.M | re.S)
_LINK = re.compile(r"!?\[[^]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|<img[^>]*src=\"([^\"]+)\"")


def tracked():
    """Return the Markdown files that git knows, or, where there is no git, those of the docs."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).exists()]


def broken(page):
    """Return the links of a page that lead nowhere."""
    text = re.sub(r"`[^`\n]*`", "``", _FENCE.sub("", page.read_text("utf-8")))
    found = []
    for match in _LINK.finditer(text):
        target = match[1] or match[2]
        name, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target) or GENERATED.match(name):
            continue
        path = page.parent / name if name else page
        if not path.exists():
            found.append(f"{target}: no such file")
        elif anchor and path.suffix == ".md" and anchor not in anchors(path):
            found.append(f"{target}: no such heading")
    return found


def anchors(page):
    """Return the anchors of the headings of a page, as GitHub and MyST make them."""
    found = []
    for heading in re.findall(r"^#+ +(.+?) *$", _FENCE.sub("", page.read_text("utf-8")), re.M):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        found.append(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", tracked(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert broken(page) == []


def test_what_leads_nowhere_is_found(tmp_path):
    (tmp_path / "other.md").write_text("# A `heading`, here\n\n```\n# no heading\n```\n")
    page = tmp_path / "page.md"
    good = "[a](other.md) [b](other.md#a-heading-here) [c](#top) <https://example.org/x>"
    page.write_text(f"# Top\n\n{good} [d](https://example.org/none) `[e](none.md)`\n")
    assert broken(page) == []
    page.write_text("[a](none.md) ![b](none.svg) [c](other.md#no-heading) [d](#none)\n")
    assert [one.split(":")[0] for one in broken(page)] == [
        "none.md",
        "none.svg",
        "other.md#no-heading",
        "#none",
    ]
