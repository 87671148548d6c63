"""What each workload has to reach, and whether it did."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Runs = Mapping[str, Sequence[Mapping[str, Any]]]
"""Figures of each run, in the order of the rounds, by library."""

MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A bound on one figure, or on the ratio of two libraries' figures."""

    words: str
    """What is bound, as the page says it."""
    bound: float
    figure: str = "cpu"
    """Key of the figure."""
    of: str = "ours"
    """Whose figure."""
    over: str = ""
    """Divided by whose figure of the same round; empty: not divided."""
    scale: float = 1
    """What one unit of the words is in units of the figure."""
    least: bool = False
    """Whether the bound is the least that is asked for; otherwise it is the most."""
    unit: str = ""

    def value(self, runs: Runs) -> float | None:
        """Return the median over the rounds; None when someone did not run."""
        if not runs.get(self.of) or (self.over and not runs.get(self.over)):
            return None
        if not self.over:
            return statistics.median(look(run, self.figure) for run in runs[self.of]) / self.scale
        return ratio(runs, self.of, self.over, self.figure)

    def is_met(self, value: float) -> bool:
        """Whether a value is within the bound; nothing is rounded."""
        return value >= self.bound if self.least else value <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.least else "≤"
        return f"{self.words} {sign} {self.bound:g}{self.unit or ('x' if self.over else '')}"


def look(run: Mapping[str, Any], figure: str) -> float:
    """Return a figure of a run; "memory" is its peak over its start in sizes of its result."""
    if figure == "memory":
        return float(run["peak"] * MIB / run["size"])
    if figure.startswith("again "):
        return float(run["again"][figure.removeprefix("again ")])
    return float(run[figure])


def ratio(runs: Runs, of: str, over: str, figure: str) -> float:
    """Return the median of the ratios of pairs of one round (as many as both have run)."""
    pairs = zip(runs[of], runs[over], strict=False)
    return statistics.median(look(a, figure) / look(b, figure) for a, b in pairs)


def faster(bound: float, *, ours: str = "ours", than: str = "odc", figure: str = "cpu") -> Goal:
    """So many times faster than a peer."""
    what = "CPU" if figure == "cpu" else figure
    name = than.replace("odc", "odc-stac")
    return Goal(
        words=f"{what} of {name} over {ours}",
        bound=bound,
        figure=figure,
        of=than,
        over=ours,
        least=True,
    )


def _limit(bound: float) -> Goal:
    return Goal(words="CPU over the decode limit", bound=bound, over="limit")


GOALS: dict[str, tuple[Goal, ...]] = {
    "W1": (
        faster(100),
        Goal(words="pickled graph", bound=1, figure="size", scale=1e6, unit=" MB"),
    ),
    "W1 100k": (
        Goal(words="wall", bound=1, figure="wall", unit=" s"),
        Goal(words="pickled graph", bound=10, figure="size", scale=1e6, unit=" MB"),
    ),
    "W1 again": (Goal(words="wall", bound=0.1, figure="wall", unit=" s"),),
    "W2": (faster(30), Goal(words="wall", bound=0.1, figure="wall", unit=" s")),
    "W2d": (faster(12), _limit(1.3)),
    "W2d alone": (_limit(1.3),),
    "W3": (
        faster(2),
        _limit(1.3),
        Goal(
            words="peak over start of ours at once in sizes of the result",
            bound=1.15,
            figure="memory",
            of="ours at once",
            unit="x",
        ),
        Goal(words="peak over start of ours in sizes of the result", bound=1.15, figure="memory", unit="x"),
    ),
    "W3s": (faster(2.9), faster(3.3, ours="ours auto")),
    "W3a": (faster(1.5),),
    "W4 near": (faster(2),),
    "W4 bilinear": (faster(4.5),),
    "W4 cubic": (faster(4),),
    "W5": (faster(5), Goal(words="peak over start", bound=350, figure="peak", unit=" MiB")),
    "W6": (faster(4),),
    "W7": (faster(2.2),),
    "W8": (
        faster(2.6, ours="ours 2", than="odc 2", figure="wall"),
        faster(1.5, ours="ours 2", than="odc 16", figure="wall"),
        Goal(words="bytes over odc-stac's", bound=0.7, figure="bytes", of="ours 2", over="odc 2"),
        Goal(
            words="header requests once headers are known",
            bound=0,
            figure="again header_requests",
            of="ours 2",
        ),
    ),
    "W9 threads": (faster(2, ours="ours threads", than="odc threads"),),
    "W9 cluster": (faster(1.6, ours="ours cluster", than="odc cluster"),),
}
