"""Saving as Zarr: in regular chunks, region by region, so that a broken run can go on."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import warnings
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from dawnlight.accessor._georeference import crs_of, geobox_of, spatial_dims
from dawnlight.accessor._reports import SAVED, report_of
from dawnlight.errors import CRSError, GridError, MissingExtraError, ParameterError
from dawnlight.geo import spell_crs

__all__ = ["to_zarr"]

_STATE = "dawnlight_unfinished"
"""Attribute of a store that is not complete: what it is to hold, and which regions are done."""

_SIDE = 1024
_REGION_BYTES = 256 * 2**20
_CONVENTIONS = [
    {
        "schema_url": "https://raw.githubusercontent.com/zarr-conventions/spatial/refs/tags/v1/schema.json",
        "spec_url": "https://github.com/zarr-conventions/spatial/blob/v1/README.md",
        "uuid": "689b58e2-cf7b-45e0-9fff-9cfc0883d6b4",
        "name": "spatial:",
        "description": "Spatial coordinate information",
    },
    {
        "schema_url": "https://raw.githubusercontent.com/zarr-conventions/geo-proj/refs/tags/v1/schema.json",
        "spec_url": "https://github.com/zarr-conventions/geo-proj/blob/v1/README.md",
        "uuid": "f17cb550-5864-4468-aeb7-f3180cfb622f",
        "name": "proj:",
        "description": "Coordinate reference system information for geospatial data",
    },
]

Sizes = dict[Hashable, int]


def to_zarr(
    obj: xr.DataArray | xr.Dataset,
    path: Any,
    *,
    chunks: Mapping[str, int] | None,
    overwrite: bool,
    progress: bool | None,
) -> Any:
    """Save an array or dataset; see `Finishing.to_zarr`."""
    try:
        import zarr
    except ImportError:
        raise MissingExtraError("zarr", "zarr", ".dl.to_zarr") from None
    from dawnlight.raster._load import progress_bar, show_progress

    store = os.fspath(path) if isinstance(path, os.PathLike) else path
    dataset = (
        obj
        if isinstance(obj, xr.Dataset)
        else obj.to_dataset(name="pixels" if obj.name is None else obj.name)
    )
    sizes = _chunk_sizes(dataset, chunks or {})
    dataset = _regular(_plain(dataset, _geo_attributes(obj)), sizes)
    regions = list(_regions(dataset, sizes))
    mark = _fingerprint(dataset, sizes)
    done = set() if overwrite else _finished(zarr, store, mark)
    if done is None:
        done = set()
        mode: Any = "w-"
    else:
        mode = "w" if overwrite else "r+"
    if mode != "r+":
        state = json.dumps({"fingerprint": mark, "done": []})
        draft = dataset.assign_attrs({**dataset.attrs, _STATE: state})
        draft.to_zarr(store, mode=mode, compute=False, encoding=_encoding(dataset, sizes), consolidated=False)
    with progress_bar(len(regions), "region", progress is True and show_progress(True)) as bar:
        bar.update(len(done))
        for number, region in enumerate(regions):
            if number not in done:
                _write_region(dataset, store, region)
                done.add(number)
                _note(zarr, store, mark, done)
                bar.update()
    _complete(zarr, store, report_of(obj))
    return path


# -- what is written ---------------------------------------------------------------------------------


def _geo_attributes(obj: xr.DataArray | xr.Dataset) -> dict[str, Any]:
    """Attributes of the GeoZarr conventions ``spatial:`` and ``proj:``; none for an array without a place."""
    try:
        geobox, crs = geobox_of(obj), crs_of(obj)
    except (CRSError, GridError):
        return {}
    code = spell_crs(crs)
    system = {"proj:code": code} if code.count(":") == 1 and len(code) < 20 else {"proj:wkt2": code}
    return {
        "zarr_conventions": _CONVENTIONS,
        "spatial:dimensions": [str(dim) for dim in spatial_dims(obj)],
        "spatial:transform": list(geobox.transform)[:6],
        "spatial:transform_type": "affine",
        "spatial:registration": "pixel",
        "spatial:shape": list(geobox.shape),
        "spatial:bbox": list(geobox.bounds),
        **system,
    }


def _plain(dataset: xr.Dataset, attrs: Mapping[str, Any]) -> xr.Dataset:
    """Return a dataset that a store can hold: texts of free length, and no layout of another file."""
    found = dataset.copy()
    for name, variable in dataset.variables.items():
        kept = ("dtype", "_FillValue", "scale_factor", "add_offset", "grid_mapping", "units", "calendar")
        encoding = {key: value for key, value in variable.encoding.items() if key in kept}
        if name not in found.data_vars:
            # Labels are written with the description of the store, before any region.
            text = variable.dtype.kind == "U"
            found[name] = variable.copy(data=np.asarray(variable.values, dtype=object if text else None))
            if text:
                encoding.pop("dtype", None)
        found[name].encoding = encoding
    for name in found.data_vars:
        if "spatial_ref" in found.coords:
            found[name].encoding.setdefault("grid_mapping", "spatial_ref")
            found[name].attrs.pop("grid_mapping", None)
    return found.assign_attrs({**dataset.attrs, **attrs})


def _chunk_sizes(dataset: xr.Dataset, asked: Mapping[str, int]) -> Sizes:
    """Chunk of the store along each dim: as asked for, else as the lazy chunks are, but not too large."""
    unknown = set(asked) - set(map(str, dataset.dims))
    if unknown:
        raise ParameterError(
            f"chunks names the dim {sorted(unknown)[0]!r}; there are {', '.join(map(str, dataset.dims))}"
        )
    try:
        spatial = set(spatial_dims(dataset))
    except GridError:
        spatial = set()
    largest: Sizes = {}
    for variable in dataset.data_vars.values():
        for dim, runs in zip(variable.dims, variable.chunks or [(n,) for n in variable.shape], strict=True):
            largest[dim] = max(largest.get(dim, 1), *runs, 1)
    sizes: Sizes = {}
    for dim, size in dataset.sizes.items():
        if str(dim) in asked:
            if not isinstance(asked[str(dim)], int) or asked[str(dim)] < 1:
                raise ParameterError(
                    f"chunks[{str(dim)!r}]={asked[str(dim)]!r} must be a whole number of 1 or more"
                )
            sizes[dim] = min(asked[str(dim)], max(size, 1))
        elif dim in spatial:
            sizes[dim] = min(largest.get(dim, size), _SIDE, max(size, 1))
        else:
            sizes[dim] = 1 if dim == "time" else min(largest.get(dim, size), max(size, 1))
    return sizes


def _regular(dataset: xr.Dataset, sizes: Sizes) -> xr.Dataset:
    """Give every variable lazy chunks of whole chunks of the store; only the last ones may be smaller."""
    found = dataset.copy()
    for name, variable in dataset.data_vars.items():
        runs = variable.chunks or tuple((sizes[dim],) for dim in variable.dims)
        wanted = {
            dim: sizes[dim] * max(max(lengths, default=1) // sizes[dim], 1)
            for dim, lengths in zip(variable.dims, runs, strict=True)
        }
        data = variable.variable.chunk(wanted).data
        replaced = variable.copy(data=data)
        replaced.encoding = dict(variable.encoding)
        found[name] = replaced
    return found


def _encoding(dataset: xr.Dataset, sizes: Sizes) -> dict[Hashable, dict[str, Any]]:
    return {
        name: {
            **variable.encoding,
            "chunks": tuple(min(sizes[dim], max(size, 1)) for dim, size in variable.sizes.items()),
        }
        for name, variable in dataset.data_vars.items()
        if variable.ndim
    }


def _regions(dataset: xr.Dataset, sizes: Sizes) -> Iterator[dict[str, slice]]:
    """Rectangles of whole chunks that cover the dataset, each small enough to hold in memory."""
    dims = [
        dim for dim in dataset.sizes if any(dim in variable.dims for variable in dataset.data_vars.values())
    ]
    if any(dataset.sizes[dim] == 0 for dim in dims):
        return
    steps = {dim: _step(dataset, dim, sizes[dim]) for dim in dims}
    # The last dims are taken whole as far as memory allows, so that rows of chunks are read together.
    for dim in reversed(dims):
        room = max(_REGION_BYTES // max(_bytes(dataset, steps), 1), 1)
        steps[dim] = steps[dim] * min(room, math.ceil(dataset.sizes[dim] / steps[dim]))
    spans = [range(0, dataset.sizes[dim], steps[dim]) for dim in dims]
    for starts in itertools.product(*spans):
        yield {
            str(dim): slice(start, min(start + steps[dim], dataset.sizes[dim]))
            for dim, start in zip(dims, starts, strict=True)
        }


def _step(dataset: xr.Dataset, dim: Hashable, least: int) -> int:
    """Lazy chunk along a dim, a multiple of the store's chunk in every variable."""
    lengths = [
        variable.chunks[variable.get_axis_num(dim)][0]
        for variable in dataset.data_vars.values()
        if dim in variable.dims and variable.chunks
    ]
    return max([least, *lengths])


def _bytes(dataset: xr.Dataset, steps: Sizes) -> int:
    """Size of a region in memory."""
    return sum(
        variable.dtype.itemsize * math.prod(min(steps[dim], size) for dim, size in variable.sizes.items())
        for variable in dataset.data_vars.values()
    )


def _write_region(dataset: xr.Dataset, store: Any, region: Mapping[str, slice]) -> None:
    part = dataset.isel(region)
    for name, variable in dataset.data_vars.items():
        part[name].encoding = dict(variable.encoding)
    # Coordinates are in the store already; only what has all dims of the region is written.
    part = part.drop_vars([name for name in part.variables if name not in part.data_vars])
    groups: dict[tuple[Hashable, ...], list[Hashable]] = {}
    for name, variable in part.data_vars.items():
        groups.setdefault(tuple(dim for dim in region if dim in variable.dims), []).append(name)
    for dims, names in groups.items():
        chosen = part[names].drop_attrs(deep=False) if hasattr(part, "drop_attrs") else part[names]
        chosen.to_zarr(
            store, region={str(dim): region[str(dim)] for dim in dims} or None, mode="r+", consolidated=False
        )


# -- what is done ------------------------------------------------------------------------------------


def _fingerprint(dataset: xr.Dataset, sizes: Sizes) -> str:
    """Digest of names, shapes, types, chunks and coordinates: what a run that goes on must have in common."""
    digest = hashlib.blake2b(digest_size=16)
    for name, variable in dataset.variables.items():
        digest.update(repr((name, variable.dims, variable.shape, variable.dtype.str)).encode())
        if name in dataset.coords:
            digest.update(repr(np.asarray(variable.values).tolist()).encode())
        else:
            digest.update(repr(str(variable.encoding.get("dtype"))).encode())
    digest.update(repr(sorted((str(dim), size) for dim, size in sizes.items())).encode())
    return digest.hexdigest()


def _finished(zarr: Any, store: Any, mark: str) -> set[int] | None:
    """Numbers of the regions that an earlier run wrote; None if there is no store yet."""
    try:
        group = zarr.open_group(store, mode="r")
    except (FileNotFoundError, zarr.errors.GroupNotFoundError):
        return None
    state = group.attrs.get(_STATE)
    if state is None:
        raise ParameterError(
            f"{store!s:.200} exists already; pass overwrite=True to replace it, or another path"
        )
    found = json.loads(str(state))
    if found["fingerprint"] != mark:
        raise ParameterError(
            f"{store!s:.200} is the unfinished copy of an array with other labels or chunks; pass "
            "overwrite=True to begin anew"
        )
    return set(found["done"])


def _note(zarr: Any, store: Any, mark: str, done: set[int]) -> None:
    group = zarr.open_group(store, mode="r+", use_consolidated=False)
    group.attrs[_STATE] = json.dumps({"fingerprint": mark, "done": sorted(done)})


def _complete(zarr: Any, store: Any, failures: list[dict[str, Any]]) -> None:
    group = zarr.open_group(store, mode="r+", use_consolidated=False)
    if failures:
        group.attrs[SAVED] = json.dumps(failures)
    del group.attrs[_STATE]
    with warnings.catch_warnings():
        # Format 3 does not know of it yet; xarray looks for it all the same, and is much faster with it.
        warnings.filterwarnings("ignore", "Consolidated metadata")
        zarr.consolidate_metadata(store)
