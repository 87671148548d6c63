"""From a labelled array back to the lazy rasters behind it, and to the part of them that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from dawnlight.errors import ParameterError

if TYPE_CHECKING:
    from dawnlight.raster._composite import LazyComposite
    from dawnlight.raster._explain import Explanation, Selection
    from dawnlight.raster._lazy import LazyRaster

__all__ = ["explain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A lazy raster in a task graph."""

    lazy: LazyRaster | LazyComposite
    sliced_late: bool
    """Whether a part is taken by a second slicing or after other operations: whole chunks are read then."""


def explain(obj: xr.DataArray | xr.Dataset) -> Explanation:
    """Explain what computing an array reads; see `Asking.explain`."""
    from dawnlight.raster._explain import explain as explain_lazy

    found = _find(obj)
    if not found:
        raise ParameterError(
            "explain tells what a lazy array of Dawnlight will read: this one is computed already "
            "(chunks=None, .compute(), .load(), .persist()), or was not loaded by Dawnlight"
        )
    explained = []
    for each in found:
        part, notes = _selection(obj, each.lazy)
        if each.sliced_late:
            notes.append(
                "slices were not taken all at once before anything else: the chunks they touch count as whole"
            )
        assert each.lazy.sizes is not None
        explained.append(
            explain_lazy(each.lazy, each.lazy.sizes, part, whole_chunks=each.sliced_late, notes=tuple(notes))
        )
    return replace(explained[0], others=tuple(explained[1:]))


# -- the graph ----------------------------------------------------------------------------------------


def _find(obj: xr.DataArray | xr.Dataset) -> list[_Found]:
    """Find the lazy rasters in the task graph of an array."""
    from dawnlight.raster._composite import LazyComposite
    from dawnlight.raster._lazy import LazyRaster

    graph: Any = obj.__dask_graph__()  # type: ignore[no-untyped-call]  # xarray gives it no types
    if graph is None:
        return []
    layers: Mapping[str, Any] = getattr(graph, "layers", None) or {"": graph}
    found: dict[str, _Found] = {}
    for name, layer in layers.items():
        if len(layer) != 1 and name:
            continue  # `from_array` keeps the array in a layer of its own
        for value in layer.values():
            lazy = getattr(value, "value", value)
            if isinstance(lazy, LazyRaster | LazyComposite) and lazy.sizes is not None:
                late = _is_sliced_late(graph, name) if name else True
                found.setdefault(repr(lazy.__dask_tokenize__()), _Found(lazy=lazy, sliced_late=late))
    return list(found.values())


def _is_sliced_late(graph: Any, origin: str) -> bool:
    """Whether a graph has slicing that dask does not push into the reads of an array.

    Dask pushes the slicing that comes first, directly on the array, and no other.
    """
    after: dict[str, list[str]] = {}
    for name, needed in graph.dependencies.items():
        for each in needed:
            after.setdefault(each, []).append(name)
    first = {name for reading in after.get(origin, []) for name in after.get(reading, [])}
    return any(_is_slicing(name) and name not in first for name in graph.layers)


def _is_slicing(name: str) -> bool:
    return name.startswith("getitem")


# -- the labels ---------------------------------------------------------------------------------------


def _selection(
    obj: xr.DataArray | xr.Dataset, lazy: LazyRaster | LazyComposite
) -> tuple[Selection, list[str]]:
    """Return the part of a lazy raster that the labels of an array tell; all of it where they do not."""
    from dawnlight.raster._explain import Selection

    whole = Selection.everything(lazy)
    notes: list[str] = []
    rows, cols = (_span(obj, name, lazy) for name in ("y", "x"))
    if rows is None or cols is None:
        notes.append("the pixels are no longer those that were loaded: the whole extent is counted")
        rows, cols = whole.rows, whole.cols
    layers = _layers(obj, lazy)
    if layers is None:
        if lazy.ndim == 4 and len(whole.layers) > 1:
            notes.append("the images are no longer told apart (a reduction over time?): all are counted")
        layers = whole.layers
    return Selection(layers=layers, bands=_bands(obj, lazy) or whole.bands, rows=rows, cols=cols), notes


def _span(
    obj: xr.DataArray | xr.Dataset, name: str, lazy: LazyRaster | LazyComposite
) -> tuple[int, int] | None:
    """First and last-but-one pixel along an axis that the coordinates of an array reach."""
    geobox = lazy.plan.geobox
    if name not in obj.coords or not geobox.is_axis_aligned:
        return None
    t, size = geobox.transform, geobox.shape[0 if name == "y" else 1]
    start, step = (t.f, t.e) if name == "y" else (t.c, t.a)
    places = (np.atleast_1d(np.asarray(obj.coords[name].values, dtype=np.float64)) - start) / step - 0.5
    if not places.size:
        return 0, 0
    whole = np.round(places)
    if np.abs(places - whole).max() > 1e-2 or whole.min() < 0 or whole.max() >= size:
        return None
    return int(whole.min()), int(whole.max()) + 1


def _layers(obj: xr.DataArray | xr.Dataset, lazy: LazyRaster | LazyComposite) -> tuple[int, ...] | None:
    """Time slots that an array still has, by the ids of their images."""
    if lazy.ndim != 4 or "id" not in obj.coords:
        return None
    images = lazy.plan.table.images
    wanted = {str(value) for value in np.atleast_1d(obj.coords["id"].values)}
    found = tuple(
        number
        for number, members in enumerate(lazy.plan.layers)
        if ",".join(dict.fromkeys(images[image] for image in members)) in wanted
    )
    return found or None


def _bands(obj: xr.DataArray | xr.Dataset, lazy: LazyRaster | LazyComposite) -> tuple[int, ...]:
    kept = range(lazy.count) if lazy.ndim == 3 else lazy.output.keep  # type: ignore[union-attr]
    names = [lazy.plan.bands[band].name for band in kept]
    if "band" in obj.coords:
        wanted = {str(value) for value in np.atleast_1d(obj.coords["band"].values)}
    elif isinstance(obj, xr.Dataset):
        wanted = {str(name) for name in obj.data_vars}
    else:
        wanted = {str(obj.name)}
    return tuple(number for number, name in enumerate(names) if name in wanted)
