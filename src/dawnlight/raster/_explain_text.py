"""An explanation in words: as text, and as a table for notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from dawnlight.geo._html import box, table

__all__ = ["to_html", "to_text"]

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
_SHOWN = 8


def to_text(facts: Mapping[str, Any]) -> str:
    """Write an explanation (`Explanation.to_dict`) as lines of text."""
    lines = [_title(facts)]
    for name, values in _rows(facts):
        for number, value in enumerate(values):
            lines.append(f"  {name if not number else '':<10} {value}")
    lines.extend(f"  * {note}" for note in facts["notes"])
    for other in facts["others"]:
        lines.extend(["", to_text(other)])
    return "\n".join(lines)


def to_html(facts: Mapping[str, Any]) -> str:
    """Write an explanation as HTML; every value is escaped."""
    rows = [[escape(name), "<br/>".join(map(escape, values))] for name, values in _rows(facts)]
    notes = "".join(f"<div class='note'>{escape(note)}</div>" for note in facts["notes"])
    others = "".join(to_html(other) for other in facts["others"])
    return box(escape(_title(facts)), table([], rows) + notes) + others


def _title(facts: Mapping[str, Any]) -> str:
    return (
        f"Lazy {facts['kind']}: {_times(facts['shape'])}, {facts['dtype']}, {format_bytes(facts['nbytes'])}"
    )


def _rows(facts: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    why = facts["why"]
    rx, ry = facts["resolution"]
    pixel = f"{rx:g}" if rx == ry else f"{rx:g} x {ry:g}"
    yield "CRS", [f"{_short(facts['crs'])} ({why['crs']})"]
    yield "Pixels", [f"{pixel} ({why['resolution']})"]
    largest = f"{_times(facts['chunk_shape'])} ({format_bytes(facts['chunk_bytes'])})"
    empty = f"{facts['empty_tasks']:,} of them empty"
    yield "Chunks", [f"{facts['tasks']:,} up to {largest}; {empty}", why["chunks"]]
    yield "Images", [f"{facts['images_used']:,} used, {facts['images_skipped']:,} do not reach this place"]
    again = facts["tiles"] - facts["distinct_tiles"]
    repeated = f", {again:,} of them needed by more than one chunk" if again else ""
    yield "Tiles", [f"about {facts['tiles']:,} to decode{repeated}"]
    yield (
        "Reads",
        [
            f"about {facts['requests']:,} requests, {format_bytes(facts['stored_bytes'])} as stored, "
            f"{format_bytes(facts['decoded_bytes'])} decoded"
        ],
    )
    yield "Memory", [f"about {format_bytes(facts['memory_per_task'])} a task"]
    cache = facts["cache"]
    yield (
        "Caches",
        [
            f"{format_bytes(cache['tiles'])} of decoded tiles, "
            f"{format_bytes(cache['coordinates'])} of coordinates, in each process"
        ],
    )
    yield "Kernels", [facts["kernels"]]
    groups = facts["sources"]
    lines = [_source(group) for group in groups[:_SHOWN]]
    if len(groups) > _SHOWN:
        lines.append(f"and {len(groups) - _SHOWN} more kinds")
    yield "Sources", lines or ["none"]


def _source(group: Mapping[str, Any]) -> str:
    rx, ry = group["resolution"]
    pixel = f"{rx:g}" if rx == ry else f"{rx:g} x {ry:g}"
    copy = "full resolution"
    if group["overview"]:
        copy = f"overview {group['overview']} ({_times(group['overview_shape'])})"
    how = "taken as they are"
    if group["resampled"]:
        ry, rx = group["ratio"]
        how = f"resampled ({group['kernel']}, {ry:g} x {rx:g} pixels of the file make one)"
    return (
        f"{group['images']:,} images, {' '.join(group['bands'])}: {group['dtype']}, {_short(group['crs'])} "
        f"at {pixel}, tiles {_times(group['block'])}; {copy}, {how}; reader: {group['reader']}"
    )


def _short(crs: str) -> str:
    """Spelling of a CRS, cut where it is a whole definition."""
    return crs if len(crs) <= 40 else f"{crs[:37]}..."


def _times(sizes: Sequence[int]) -> str:
    return " x ".join(f"{size:,}" for size in sizes)


def format_bytes(count: float) -> str:
    """Spell a number of bytes with a unit."""
    unit = 0
    while count >= 1024 and unit < len(_UNITS) - 1:
        count /= 1024
        unit += 1
    return f"{count:,.0f} {_UNITS[unit]}" if unit == 0 or count >= 100 else f"{count:,.1f} {_UNITS[unit]}"
