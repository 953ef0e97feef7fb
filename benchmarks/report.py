"""Show results in the terminal, and write them into a page of the documentation."""

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table as RichTable

from .tables import tables

#: The page's part that is generated stands between these two lines.
BEGIN = "<!-- results: written by python -m benchmarks report -->"
END = "<!-- results: end -->"
PICTURE = """\
![limits, and how the time grows with size and number of tensors](images/benchmarks.svg)

The same as [JSON](benchmarks.json)."""


def show(results, console=None):
    """Print the tables."""
    console = console or Console()
    if not console.is_terminal:  # a file is as wide as the tables
        console = Console(width=200)
    for table in tables(results):
        shown = RichTable(*table.header, title=table.title)
        for row in table.rows:
            shown.add_row(*(cell.replace("`", "").replace("**", "!") for cell in row))
        console.print(shown)
    if any("**" in cell for table in tables(results) for row in table.rows for cell in row):
        console.print(Markdown("`!` marks what is faster than this project."))


def markdown(results):
    """Return what the page says of the machine, the picture and the tables."""
    parts = [machine(results["machine"], results["rounds"]), PICTURE]
    for table in tables(results):
        lines = [table.header, ["---"] * len(table.header), *table.rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        parts.append(f"### {table.title}\n\n{text}")
    return "\n\n".join(parts)


def machine(found, rounds):
    """Return a paragraph on the machine."""
    caches = ", ".join(f"{name} {size}" for name, size in found["caches"].items())
    versions = ", ".join(f"{name} {text}" for name, text in found["versions"].items())
    return (
        f"Measured on {found['date']}, {rounds} rounds: {found['processor']}, "
        f"{found['cores']} cores, {caches}; {', '.join(found['simd'])}; {found['system']}; "
        f"{found['compiler']}; {versions}. Load of the machine before: {found['load']}."
    )


def write(results, page):
    """Replace the generated part of `page`."""
    text = page.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{markdown(results)}\n\n{END}{after}", "utf-8")
