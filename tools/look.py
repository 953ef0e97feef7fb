"""Look at every page of the built documentation in Chromium, as readers with different screens do.

Usage: ``python tools/look.py docs/_build [--shots FOLDER] [PAGE ...]``, as ``generated/core``;
pictures of some pages, or of those that are named, go into FOLDER. It needs playwright, and a
Chromium that is named by CHROMIUM or found on the path.
"""

import argparse
import itertools
import os
import shutil
import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import sync_playwright

WIDTHS = (1280, 400)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
#: What is photographed.
SHOWN = ("index", "generated/algorithms", "generated/comparison", "generated/optimizer-adam")
SHOWN += ("generated/initializer-xavier", "generated/scheduler-cosine", "guide")
SHOWN += ("programs", "design/how-a-step-runs", "benchmarks", "gallery/plot_own_rule")

#: What is wrong with a page, as its own browser sees it.
CHECK = """() => {
    const wrong = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth + 1)
        wrong.push(`is ${root.scrollWidth} pixels wide, and the window ${root.clientWidth}`);
    for (const image of document.images) {
        const shown = image.offsetParent !== null;
        if (shown && (!image.complete || image.naturalWidth === 0))
            wrong.push(`broken picture ${image.getAttribute('src')}`);
        if (shown && image.clientWidth === 0)
            wrong.push(`a picture without width: ${image.getAttribute('src')}`);
    }
    for (const math of document.querySelectorAll('math')) {
        const box = math.getBoundingClientRect();
        if (math.closest('details:not([open])') === null && box.width * box.height === 0)
            wrong.push(`an equation without extent: ${math.textContent}`);
    }
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const code = node.parentElement.closest('pre, code, script, style, annotation');
        if (!code && /\\\\[a-zA-Z]+\\{|\\\\\\(|\\\\\\[|\\$\\$/.test(node.textContent))
            wrong.push(`an equation that is not rendered: ${node.textContent.trim()}`);
    }
    for (const table of document.querySelectorAll('table')) {
        const wrapper = table.parentElement;
        const scrolls = getComputedStyle(wrapper).overflowX !== 'visible';
        if (!scrolls && table.offsetWidth > wrapper.clientWidth + 1)
            wrong.push('a table that is cut');
    }
    return wrong;
}"""


def main(folder: Path, shots: Path | None, chosen: list[str]) -> int:
    """Print what is wrong, and return how many views have something wrong."""
    pages = [folder / f"{name}.html" for name in chosen]
    pages = pages or sorted(p for p in folder.rglob("*.html") if "_static" not in p.parts)
    wrong: dict[str, list[str]] = {}
    with sync_playwright() as playwright:
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        heard: list[str] = []
        page.on("request", lambda request: heard.append(request.url))
        page.on("pageerror", lambda error: heard.append(f"script: {error}"))
        for path in pages:
            heard.clear()
            page.goto(path.as_uri(), wait_until="load")
            name = path.relative_to(folder).with_suffix("").as_posix()
            for width, theme in itertools.product(WIDTHS, THEMES):
                page.set_viewport_size({"width": width, "height": 900})
                page.emulate_media(color_scheme=theme)
                outside = [url for url in heard if not url.startswith(("file:", "data:"))]
                found = [f"asks for {url}" for url in outside] + page.evaluate(CHECK)
                if found:
                    wrong[f"{name}, {width} pixels, {theme}"] = found
                if shots and name in (chosen or SHOWN):
                    shots.mkdir(parents=True, exist_ok=True)
                    file = shots / f"{name.replace('/', '-')}-{width}-{theme}.png"
                    page.screenshot(path=file, full_page=True)
        browser.close()
    for name, found in wrong.items():
        print(f"{name}:", *sorted(set(found)), sep="\n    ")
    print(
        f"{len(pages)} pages, each {len(WIDTHS) * len(THEMES)} times: {len(wrong)} views are wrong"
    )
    return len(wrong)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pages", nargs="*", metavar="page")
    parser.add_argument("--shots", type=Path)
    asked = parser.parse_args()
    sys.exit(main(asked.folder.resolve(), asked.shots, asked.pages) > 0)
