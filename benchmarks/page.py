"""The figures as Markdown: a table for the terminal, and the page of the documentation."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from benchmarks.goals import GOALS, Goal, Runs, look, ratio
from benchmarks.workloads import WORKLOADS

_NAMES = {"odc": "odc-stac", "rasterio": "rasterio by hand", "limit": "decode limit", "ours": "Dawnlight"}


def table(report: Mapping[str, Any]) -> str:
    """Write goals and figures."""
    return "\n".join([conditions(report), "", *goal_rows(report), "", *figure_rows(report)])


def conditions(report: Mapping[str, Any]) -> str:
    """Say where and with what the figures were made."""
    where = report["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    return (
        f"Measured on {where['date']} on {where['size']}; {where['python']}, {packages}. "
        f"Rounds: {report['rounds']}; load of the machine at the beginning: {where['load']}; "
        f"all of it took {report['minutes']:.0f} minutes."
    )


def goal_rows(report: Mapping[str, Any]) -> list[str]:
    """One row for each goal: the figure, its bound, and whether it is met."""
    lines = ["| | work | goal | measured | |", "|---|---|---|---:|---|"]
    for name, runs in report["runs"].items():
        for number, goal in enumerate(GOALS[name]):
            value = goal.value(runs)
            head = [name, WORKLOADS[name].title] if not number else ["", ""]
            if value is None:
                lines.append(_row(*head, str(goal), "–", "not measured"))
            else:
                verdict = "met" if goal.is_met(value) else "**missed**"
                lines.append(_row(*head, str(goal), _with_wall(goal, runs, value), verdict))
    return lines


def _with_wall(goal: Goal, runs: Runs, value: float) -> str:
    """Return a figure; ratios of CPU time with that of wall time beside it."""
    if goal.over and goal.figure == "cpu":
        return f"{_digits(value)}x (wall {_digits(ratio(runs, goal.of, goal.over, 'wall'))}x)"
    return f"{_digits(value)}{goal.unit.rstrip() or ('x' if goal.over else '')}"


def missed(report: Mapping[str, Any]) -> list[str]:
    """Name each goal that is not met, and by how much."""
    found = []
    for name, runs in report["runs"].items():
        for goal in GOALS[name]:
            value = goal.value(runs)
            if value is not None and not goal.is_met(value):
                found.append(f"- **{name}** ({WORKLOADS[name].title}): {goal}, measured {_digits(value)}.")
    return found


def figure_rows(report: Mapping[str, Any]) -> list[str]:
    """One row for each workload and library: medians, and times that ours is faster."""
    lines = [
        "| | library | CPU s | wall s | peak MiB over start | result MiB | ours faster: CPU | wall | runs |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, runs in report["runs"].items():
        first = next(iter(runs))
        for library, found in runs.items():
            middle = {
                key: statistics.median(run[key] for run in found) for key in ("cpu", "wall", "peak", "size")
            }
            ratios = ["", ""]
            if library != first:
                ratios = [_digits(ratio(runs, library, first, key)) for key in ("cpu", "wall")]
            head = name if library == first else ""
            lines.append(
                _row(
                    head,
                    _name(library),
                    f"{middle['cpu']:.3f}",
                    f"{middle['wall']:.3f}",
                    f"{middle['peak']:.0f}",
                    f"{middle['size'] / 2**20:.3g}",
                    *ratios,
                    str(len(found)),
                )
            )
    return lines


def request_rows(report: Mapping[str, Any]) -> list[str]:
    """List requests and bytes of the workload that reads over the network."""
    runs = report["runs"].get("W8", {})
    lines = ["| library, threads | requests | of them for headers | MB |", "|---|---:|---:|---:|"]
    keys = ("requests", "header_requests", "bytes")
    for library, found in runs.items():
        for label, prefix in (("", ""), (", once more", "again ")):
            if prefix and "again" not in found[0]:
                continue
            asked, headers, size = (
                statistics.median(look(run, prefix + key) for run in found) for key in keys
            )
            lines.append(_row(_name(library) + label, f"{asked:.0f}", f"{headers:.0f}", f"{size / 1e6:.0f}"))
    return lines if runs else []


def page(report: Mapping[str, Any], growth: str, note: str) -> str:
    """Write the page of the documentation; its words are in the template beside this module."""
    lost = missed(report)
    state = ["All goals are met."] if not lost else ["These goals are **not** met:", "", *lost]
    return Template(Path(__file__).with_name("page.md").read_text()).substitute(
        note=note and f"```{{warning}}\n{note}\n```\n\n",
        conditions=conditions(report),
        left_out="".join(
            f"{name} is not measured here: {why}.\n\n" for name, why in report["left_out"].items()
        ),
        state="\n".join(state),
        goals="\n".join(goal_rows(report)),
        figures="\n".join(figure_rows(report)),
        requests="\n".join(request_rows(report)),
        growth=growth,
    )


def _name(library: str) -> str:
    first, _, rest = library.partition(" ")
    return f"{_NAMES.get(first, first)}{', ' if rest else ''}{rest}"


def _digits(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
