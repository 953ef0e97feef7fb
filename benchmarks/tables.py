"""From results to tables, which the terminal and the documentation show alike."""

from dataclasses import dataclass

from . import plan

#: Results are ratios to the time of this one.
OURS = "weightopt"


@dataclass(frozen=True)
class Table:
    """Rows of texts below a header, with a title."""

    title: str
    header: list[str]
    rows: list[list[str]]


def tables(results):
    """Return all tables for which there are results."""
    steps = results["steps"]
    found = []
    for threads in sorted({row["threads"] for row in steps}, reverse=True):
        some = [row for row in steps if row["threads"] == threads]
        found += [limits(some, threads), leader(some, threads), leader(some, threads, small=True)]
        found += others(some, threads)
    found += [dtypes(steps), overheads(results["overheads"]), memory(results["memory"])]
    return [table for table in found if table.rows]


def limits(steps, threads):
    """The limit's time over that of each optimizer's step, float32."""
    plain = {(row["algorithm"], row["workload"]): row for row in steps if _float32(row)}
    columns = [name for name in _columns(steps) if name not in plan.CURVES]
    algorithms = sorted({algorithm for algorithm, _ in plain})
    rows = [
        [f"`{name}`", *(_limit(plain.get((name, column))) for column in columns)]
        for name in algorithms
    ]
    return Table(f"The limit over each optimizer, {_threads(threads)}", ["", *columns], rows)


def leader(steps, threads, small=False):
    """Every contestant on every list of tensors, with the algorithm that most of them have."""
    some = [row for row in steps if row["algorithm"] == plan.LEADER and len(row["times"]) > 2]
    some = [row for row in some if (row["workload"] in plan.CURVES) == small]

    def column(row):
        return row["workload"] if _float32(row) else f"{row['workload']} {row['dtype']}"

    return _compared(some, f"Adam, {'small, ' * small}{_threads(threads)}", column)


def others(steps, threads):
    """For each list of tensors the other algorithms that contestants have."""
    some = [row for row in steps if row["algorithm"] != plan.LEADER and len(row["times"]) > 2]
    return [
        _compared(
            [row for row in some if row["workload"] == name],
            f"Other optimizers on {name}, {_threads(threads)}",
            lambda row: f"`{row['algorithm']}`",
        )
        for name in _columns(some)
    ]


def dtypes(steps):
    """The limit's time over that of each optimizer's step, in other dtypes."""
    some = {(row["algorithm"], row["dtype"]): row for row in steps if not _float32(row)}
    columns = [name for name in plan.DTYPES if name in {dtype for _, dtype in some}]
    rows = [
        [f"`{name}`", *(_limit(some.get((name, column))) for column in columns)]
        for name in sorted({algorithm for algorithm, _ in some})
    ]
    title = f"The limit over each optimizer, {plan.OUT_OF_CACHE} weights"
    return Table(title, ["", *columns], rows)


def overheads(rows):
    """What comes on top of the arithmetic."""
    cells = [
        [row["name"], f"{digits(row['quartiles'][1])} {row['unit']}", _between(row["quartiles"])]
        for row in rows
    ]
    return Table("Overheads", ["", "median", "quartiles"], cells)


def memory(rows):
    """The optimizers that need most memory beyond weights, gradients and states."""
    cells = []
    for name in dict.fromkeys(row["workload"] for row in rows):
        some = [row for row in rows if row["workload"] == name]
        cells.append([name, f"{some[0]['weights'] / 1e6:,.1f} MB"])
        for key in ("python", "resident"):
            known = [row for row in some if row[key] is not None]
            most = max(known, key=lambda row: row[key], default=None)
            cells[-1] += [
                f"{most[key] / 1e6:,.3f} MB (`{most['algorithm']}`)" if most else "unknown"
            ]
    header = ["", "weights", "allocated in a step, at most", "resident memory grows by, at most"]
    return Table("Memory beyond weights, gradients and states", header, cells)


def _compared(steps, title, column):
    """A row for each contestant, a column for each row of results."""
    found = dict.fromkeys(name for row in steps for name in row["times"] if name != OURS)
    names = sorted(found, key=lambda name: (name != "limit", not name.startswith(OURS)))
    own = [f"{digits(row['times'][OURS]['ms'][1])} ms" for row in steps]
    rows = [[name, *(_ratio(row["times"].get(name), name) for row in steps)] for name in names]
    header = ["", *(column(row) for row in steps)]
    return Table(title, header, [[f"{OURS} takes", *own], *rows] if steps else [])


def _limit(row):
    return _ratio(row and row["times"]["limit"], "limit")


def _ratio(entry, name):
    """Return a ratio with its spread, bold where something else than the limit is faster."""
    if not entry:
        return ""
    low, median, high = entry["ratio"]
    text = f"{digits(median)} ± {digits((high - low) / 2, like=median)}"
    other = name != "limit" and not name.startswith(OURS)
    return f"**{text}**" if other and high < 1 else text


def _between(quartiles):
    return f"{digits(quartiles[0])} to {digits(quartiles[2])}"


def digits(value, like=None):
    """Return a number with as many decimals as `like`, by default itself, deserves."""
    size = value if like is None else like
    decimals = next((n for n, least in enumerate((100, 10, 0.1)) if size >= least), 3)
    return f"{value:,.{decimals}f}"


def _columns(steps):
    return list(dict.fromkeys(row["workload"] for row in steps))


def _float32(row):
    return row["dtype"] == "float32"


def _threads(count):
    return f"{count} thread{'s' * (count > 1)}"
