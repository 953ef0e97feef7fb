"""Draw results: the optimizers against the limit, and how time grows."""

import matplotlib
from matplotlib.figure import Figure

from . import plan
from .tables import OURS

#: What the curves show, where it was measured.
SHOWN = (OURS, "limit", "torch kernel", "torch fused", "torch foreach", "NumPy out=", "MXNet")


def draw(results, path):
    """Write a picture of three parts; the ending of `path` says in which format."""
    most = max(row["threads"] for row in results["steps"])
    steps = [
        row for row in results["steps"] if row["threads"] == most and row["dtype"] == "float32"
    ]
    figure = Figure(figsize=(11, 8), layout="constrained")
    top, bottom = figure.subfigures(2, 1)
    _limits(top.subplots(), steps, most)
    left, right = bottom.subplots(1, 2)
    leader = [row for row in steps if row["algorithm"] == plan.LEADER]
    _sizes(left, [row for row in leader if row["tensors"] == 1])
    _tensors(right, [row for row in leader if row["weights"] == 100 * row["tensors"]])
    # The same results give the same file.
    matplotlib.rcParams["svg.hashsalt"] = "weightopt"
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _limits(axes, steps, threads):
    """A group of marks for each optimizer: the limit over it, on each list of tensors."""
    algorithms = sorted({row["algorithm"] for row in steps})
    names = [
        name for name in dict.fromkeys(row["workload"] for row in steps) if name not in plan.CURVES
    ]
    for place, name in enumerate(names):
        rows = {
            row["algorithm"]: row["times"]["limit"]["ratio"]
            for row in steps
            if row["workload"] == name
        }
        shift = 0.7 * ((place + 0.5) / len(names) - 0.5)
        x = [index + shift for index, key in enumerate(algorithms) if key in rows]
        low, middle, high = zip(*(rows[key] for key in algorithms if key in rows))
        errors = [
            [m - a for m, a in zip(middle, low)],
            [b - m for m, b in zip(middle, high)],
        ]
        axes.errorbar(x, middle, errors, fmt="o", markersize=3, linewidth=1, label=name)
    axes.axhline(1, color="gray", linewidth=0.8)
    axes.set_ylim(0, 1.3)
    axes.set_xticks(range(len(algorithms)), algorithms, rotation=30, ha="right")
    axes.set_ylabel("limit / weightopt")
    axes.set_title(f"The memory's limit over a step, {threads} threads (1: at the limit)")
    axes.figure.legend(ncols=len(names), fontsize="x-small", loc="outside lower center")


def _sizes(axes, rows):
    rows = sorted(rows, key=lambda row: row["weights"])
    _curves(axes, rows, "weights", lambda row, ms: 1e6 * ms / row["weights"])
    axes.set_xlabel("weights of one tensor")
    axes.set_ylabel("ns a weight")
    axes.set_title("Adam, one tensor")


def _tensors(axes, rows):
    rows = sorted(rows, key=lambda row: row["tensors"])
    _curves(axes, rows, "tensors", lambda row, ms: 1e3 * ms / row["tensors"])
    axes.set_xlabel("tensors of 100 weights")
    axes.set_ylabel("µs a tensor")
    axes.set_title("Adam, many tensors in one call")


def _curves(axes, rows, key, cost):
    for name in SHOWN:
        points = [
            (row[key], cost(row, row["times"][name]["ms"][1]))
            for row in rows
            if name in row["times"]
        ]
        if points:
            axes.plot(*zip(*points), "o-", markersize=3, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    if rows:
        axes.legend(fontsize="x-small")
