"""How a step would do on machines with many cores, on paper: no such machine is needed.

``python -m benchmarks.many_cores`` takes the shares of the pool, page by page, and asks of each
core, of each node's memory and of the link between nodes how long its part of the traffic takes.
The slowest of them is the time of the step. What is printed is the time that the memory of all
nodes alone would take, over that.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np

from weightopt_core.kernels.driver import THREAD_THRESHOLD

#: Elements of one part, and of one page of float32.
GRAIN, PAGE = THREAD_THRESHOLD // 2, 1024


class Machine(NamedTuple):
    """A machine, in gigabytes a second.

    Attributes
    ----------
    cores, nodes : int
        How many there are; the first cores are on the first node.
    core, memory, link : float
        What one core can move, one node's memory, and the link between nodes, each way.
    """

    cores: int
    nodes: int
    core: float = 12.0
    memory: float = 200.0
    link: float = 60.0


def shares(count: int, threads: int, grain: int = GRAIN) -> np.ndarray:
    """Return where the share of each thread begins, and at last where all end, as pool.c has it."""
    number = (count - 1) // grain + 1
    threads = min(threads, number)
    return np.minimum(number * np.arange(threads + 1) // threads * grain, count)


def owners(count: int, threads: int, grain: int = GRAIN) -> np.ndarray:
    """Return the thread that computes most of each page."""
    middles = np.minimum(np.arange(0, count, PAGE) + PAGE // 2, count - 1)
    return np.searchsorted(shares(count, threads, grain), middles, side="right") - 1


def placed(way: str, machine: Machine, owner: np.ndarray) -> np.ndarray:
    """Return the node of each page, for who has touched it first."""
    if way == "one thread":
        return np.zeros_like(owner)
    if way == "interleaved":
        return np.arange(len(owner)) % machine.nodes
    return owner * machine.nodes // machine.cores


def seconds(machine: Machine, owner: np.ndarray, arrays: list[tuple[str, float]]) -> float:
    """Return how long a step takes.

    Parameters
    ----------
    machine : Machine
        Where it runs, each thread on the core of its number.
    owner : numpy.ndarray
        The thread of each page.
    arrays : list of (str, float)
        Of each array who touched it first, and the bytes that are moved for each element.
    """
    here = owner * machine.nodes // machine.cores
    core, memory = np.zeros(machine.cores), np.zeros(machine.nodes)
    link = np.zeros((machine.nodes, machine.nodes))
    for way, size in arrays:
        there = placed(way, machine, owner)
        moved = np.full(len(owner), float(size * PAGE))
        np.add.at(core, owner, moved)
        np.add.at(memory, there, moved)
        np.add.at(link, (here, there), moved)
    np.fill_diagonal(link, 0)
    limits = (machine.core, core), (machine.memory, memory), (machine.link, link)
    return max(float(bytes_.max()) / speed / 1e9 for speed, bytes_ in limits)


#: Of Adam's float32 arrays, who touches each first: the program, or the first step.
PLACES = {
    "all by one thread": ("one thread", "one thread"),
    "states by the step": ("one thread", "step"),
    "all by the step": ("step", "step"),
    "all interleaved": ("interleaved", "interleaved"),
}


def efficiency(machine: Machine, count: int, threads: int, place: str) -> float:
    """Return what all nodes' memory could do in the time of a step of Adam, as a part of 1."""
    given, states = PLACES[place]
    arrays = [(given, 8.0), (given, 4.0), (states, 8.0), (states, 8.0)]  # weight, grad, two states
    owner = owners(count, threads)
    least = len(owner) * PAGE * 28.0 / (machine.memory * machine.nodes * 1e9)
    return least / seconds(machine, owner, arrays)


def main() -> None:
    """Print a table for each number of threads."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, kind in Machine.__annotations__.items():
        default = {"cores": 64, "nodes": 2}.get(name) or Machine._field_defaults[name]
        parser.add_argument(f"--{name}", type=type(default), default=default, help=str(kind))
    machine = Machine(**vars(parser.parse_args()))
    print(machine)
    sizes = [10**6, 10**7, 10**8]
    print("| first touched | threads |", *(f"{size:.0e} |" for size in sizes))
    print("| --- | --- |" + " --- |" * len(sizes))
    for place in PLACES:
        for threads in (machine.cores // machine.nodes, machine.cores - 1, machine.cores):
            found = [efficiency(machine, size, threads, place) for size in sizes]
            print(f"| {place} | {threads} |", *(f"{one:.2f} |" for one in found))


if __name__ == "__main__":
    main()
