"""What is around the pixels of a picture: panels, axes, scale bar, colour bar and legend."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import matplotlib
import pyproj
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

from dawnlight.accessor._georeference import name_crs
from dawnlight.accessor._shading import Entry, Limits
from dawnlight.errors import ParameterError
from dawnlight.geo._crs import meters_per_unit

__all__ = [
    "TIGHT",
    "Picture",
    "add_colorbar",
    "add_legend",
    "add_scale_bar",
    "choose_columns",
    "find_colormap",
    "label_axes",
    "layout_panels",
]

TIGHT: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": 0.06}
"""For saving: without the room that panels of another shape than the figure leave."""

_INK = "#333333"
_PALE = "#b8b8b8"


class Picture(Figure):
    """A matplotlib figure that is not tied to pyplot, and shows itself in notebooks.

    `display` shows it where the code runs; as the last value of the same cell it is not shown twice.
    """

    _shown_in: object = None

    def display(self) -> None:
        """Show the picture if this is a notebook."""
        kernel = _notebook()
        if kernel is None:
            return
        from IPython.display import display

        display(self)  # type: ignore[no-untyped-call]  # IPython gives it no types
        self._shown_in = kernel.execution_count

    def _ipython_display_(self) -> None:
        kernel = _notebook()
        if kernel is not None and self._shown_in == kernel.execution_count:
            return
        from IPython.display import Image, display

        display(Image(self._repr_png_()))  # type: ignore[no-untyped-call]  # IPython gives them no types

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", **TIGHT)
        return file.getvalue()


def _notebook() -> Any:
    """Shell of the notebook that this runs in, or None."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    shell = get_ipython()
    return shell if shell is not None and hasattr(shell, "kernel") else None


def find_colormap(name: str | None) -> tuple[str, Colormap]:
    """Return a colour scale by its name, whatever its case; viridis by default.

    Raises
    ------
    ParameterError
        There is none of this name.
    """
    wanted = name or "viridis"
    known = {each.lower(): each for each in matplotlib.colormaps}
    found = known.get(str(wanted).lower())
    if found is None:
        raise ParameterError(
            f"colormap={name!r} is not a colour scale of matplotlib; examples are 'viridis', 'RdYlGn', 'gray'"
        )
    return found, matplotlib.colormaps[found]


def choose_columns(count: int, ratio: float, columns: int | None) -> int:
    """How many panels of a width-to-height ratio stand side by side."""
    if columns is None:
        columns = count if count <= 3 else max(1, math.ceil(math.sqrt(count / max(ratio, 0.2))))
    elif columns < 1:
        raise ParameterError(f"columns={columns!r} must be 1 or more")
    return max(min(columns, count), 1)


def layout_panels(
    count: int, ratio: float, *, columns: int | None, size: float, side_room: bool, axes: bool
) -> tuple[Picture, list[Axes]]:
    """Make a figure with room for panels of a width-to-height ratio.

    Parameters
    ----------
    count
        How many panels.
    ratio
        Width by height of each.
    columns
        How many side by side; None chooses.
    size
        Width of all panels together in inches.
    side_room
        Whether something is to stand on the right.
    axes
        Whether the panels have axes.
    """
    columns = choose_columns(count, ratio, columns)
    rows = math.ceil(count / columns)
    panel = size / columns
    height = rows * (panel / ratio + 0.28) + (0.55 if axes else 0.1)
    picture = Picture(
        figsize=(size + (0.7 if axes else 0.1) + (1.5 if side_room else 0), min(height, 40)),
        layout=ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03, wspace=0.02, hspace=0.02, compress=True),
    )
    FigureCanvasAgg(picture)
    grid = picture.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    panels = list(grid.flat)
    for spare in panels[count:]:
        spare.remove()
    for panel in panels[max(count - columns, 0) : count]:
        panel.tick_params(labelbottom=True)  # also where the row below is not full
    return picture, panels[:count]


def label_axes(ax: Axes, crs: pyproj.CRS | None, *, alone: bool) -> None:
    """Write positions in CRS units along the axes, quietly."""
    ax.tick_params(labelsize=8 if alone else 7, colors=_INK, length=3, width=0.6)
    for spine in ax.spines.values():
        spine.set(color=_PALE, linewidth=0.6)
    most = 6 if alone else 3
    ax.xaxis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    if crs is None:
        return
    if crs.is_geographic:
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _degrees(value, "EW")))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _degrees(value, "NS")))
    else:
        plain = FuncFormatter(
            lambda value, _: (
                f"{value:,.6g}".replace(",", "\u202f")
                if abs(value) < 1e6
                else f"{value:,.0f}".replace(",", "\u202f")
            )
        )
        ax.xaxis.set_major_formatter(plain)
        ax.yaxis.set_major_formatter(plain)
    for label in ax.get_yticklabels():
        label.set(rotation=90, va="center")
    if alone:
        ax.set_xlabel(_system(crs), fontsize=8, color=_INK)


def _system(crs: pyproj.CRS) -> str:
    from dawnlight.geo import spell_crs

    code = spell_crs(crs)
    unit = "" if crs.is_geographic else f", {crs.axis_info[0].unit_name}" if crs.axis_info else ""
    return f"{name_crs(crs)} ({code}{unit})" if len(code) < 20 else f"{name_crs(crs)}{unit}"


def _degrees(value: float, sides: str) -> str:
    turned = (value + 180) % 360 - 180 if sides == "EW" and not -180 <= value <= 180 else value
    side = "" if turned == 0 else sides[0] if turned > 0 else sides[1]
    return f"{abs(turned):.6g}°{side}"


def add_scale_bar(ax: Axes, crs: pyproj.CRS) -> None:
    """Draw a bar of a round length in the lower left corner."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    meters = meters_per_unit(crs)
    if crs.is_geographic:
        meters *= max(math.cos(math.radians((bottom + top) / 2)), 1e-3)
    span = abs(right - left) * meters
    if not math.isfinite(span) or span <= 0:
        return
    length = _round_length(span / 4)
    bar = AnchoredSizeBar(
        ax.transData,
        length / meters,
        f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m",
        loc="lower left",
        pad=0.35,
        borderpad=0.5,
        sep=2.5,
        size_vertical=abs(top - bottom) * 0.008,
        color=_INK,
        fontproperties=FontProperties(size=7.5),
    )
    bar.patch.set(facecolor="white", alpha=0.8, edgecolor="none")
    ax.add_artist(bar)


def _round_length(meters: float) -> float:
    """Largest of 1, 2, 5 times a power of ten that is no longer."""
    power = 10.0 ** math.floor(math.log10(meters))
    return power * max(step for step in (1, 2, 5) if step * power <= meters * (1 + 1e-9))


def add_colorbar(
    picture: Figure, panels: Sequence[Axes], colormap: str, limits: Limits, extend: str, *, label: str
) -> None:
    """Put a colour scale on the right."""
    scale = ScalarMappable(Normalize(*limits), matplotlib.colormaps[colormap])
    bar = picture.colorbar(
        scale, ax=list(panels), extend=extend, fraction=0.05, aspect=28, pad=0.02, shrink=0.85
    )
    bar.ax.tick_params(labelsize=8, colors=_INK, length=3, width=0.6)
    bar.outline.set(edgecolor=_PALE, linewidth=0.6)
    bar.set_label(label, fontsize=8.5, color=_INK)


def add_legend(picture: Figure, panels: Sequence[Axes], entries: Sequence[Entry], *, title: str) -> None:
    """Put the classes on the right."""
    patches = [
        Patch(
            facecolor="#{:02x}{:02x}{:02x}{:02x}".format(*entry.color),
            edgecolor=_PALE,
            linewidth=0.5,
            label=entry.label,
        )
        for entry in entries
    ]
    legend = picture.legend(
        handles=patches,
        loc="outside right center",
        fontsize=8,
        title=title,
        title_fontsize=8.5,
        frameon=False,
        alignment="left",
        handlelength=1.2,
        handleheight=1.1,
        labelcolor=_INK,
    )
    legend.set_zorder(5)
