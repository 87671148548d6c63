"""The array behind a stack: it has a shape and a type, and reads pixels when a part of it is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.errors import RasterError
from dawnlight.geo import Window
from dawnlight.raster._dtypes import cast, masked_dtype
from dawnlight.raster._failures import Failure, FailureLog
from dawnlight.raster._keys import normalize_key
from dawnlight.raster._plan import Read, ReadPlan
from dawnlight.raster._reader import RasterReader
from dawnlight.raster._scaling import apply_scale
from dawnlight.raster._sources import RasterSource
from dawnlight.raster._steps import apply_steps
from dawnlight.raster._warp import place

__all__ = ["LazyRaster", "Output"]

_WINDOW_BYTES = 64 * 2**20
_SMALLEST = 64

Scale = tuple[float, float, float, float] | None


class Output:
    """How painted pixels become the values that the user gets.

    Parameters
    ----------
    dtype
        NumPy type of the values before masking.
    scales
        One entry a band: None, or (in_min, in_max, out_min, out_max).
    masked
        Whether missing pixels become NaN; integers are then widened without loss.
    fill
        One value a band for missing pixels when they are not masked.
    keep
        Numbers of the bands that the result has, in order; None keeps all.
    """

    def __init__(
        self,
        *,
        dtype: str,
        scales: Sequence[Scale],
        masked: bool,
        fill: Sequence[float],
        keep: Sequence[int] | None = None,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.scales = tuple(scales)
        self.masked = masked
        self.fill = tuple(float(value) for value in fill)
        self.keep = tuple(keep) if keep is not None else tuple(range(len(self.scales)))

    @property
    def result_dtype(self) -> np.dtype[Any]:
        """Type of the array that the user gets."""
        return masked_dtype(self.dtype) if self.masked else self.dtype

    def token(self) -> tuple[object, ...]:
        """Everything that decides a value."""
        return self.dtype.name, self.scales, self.masked, self.fill, self.keep


class LazyRaster:
    """An array-like (layer, band, y, x) whose parts are read on demand.

    It supports ``shape``, ``dtype``, ``ndim`` and indexing by integers and slices, which is what
    `dask.array.from_array` needs; a slice taken before arithmetic reaches ``__getitem__`` and so the files.

    Parameters
    ----------
    plan
        What to read.
    output
        What to make of it.
    reader
        Who reads.
    errors
        ``"raise"``: a failed read is an error that names image, bands, file and window. ``"mask"``: its
        pixels are missing and the failure is noted in ``log``.
    log
        Where tolerated failures go.
    """

    def __init__(
        self,
        plan: ReadPlan,
        output: Output,
        reader: RasterReader,
        *,
        errors: str = "raise",
        log: FailureLog | None = None,
    ) -> None:
        self.plan = plan
        self.output = output
        self.reader = reader
        self.errors = errors
        self.log = log if log is not None else FailureLog()

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Layers, bands, rows and columns."""
        layers, _, ny, nx = self.plan.shape
        return layers, len(self.output.keep), ny, nx

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.output.result_dtype

    @property
    def ndim(self) -> int:
        """Always four."""
        return 4

    def __dask_tokenize__(self) -> tuple[object, ...]:
        # What a tolerant array gives depends on what fails, and each notes its own failures.
        log = self.log.token if self.errors == "mask" else None
        return "dawnlight.LazyRaster", self.plan.token(), self.output.token(), log

    def __repr__(self) -> str:
        return f"LazyRaster(shape={self.shape}, dtype={self.dtype.name!r})"

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part; every axis takes an integer or a slice with any step."""
        parts = normalize_key(key, self.shape)
        layers, bands, rows, cols = (part.indices for part in parts)
        out = np.empty((len(layers), len(bands), rows.span, cols.span), dtype=self.dtype)
        if out.size:
            window = Window(rows.start, cols.start, rows.span, cols.span)
            for position, layer in enumerate(layers):
                self.read_into(out[position], layer, tuple(bands), window)
        out = out[:, :, rows.inner, cols.inner]
        return out[tuple(0 if part.is_int else slice(None) for part in parts)]

    def read_into(self, out: NDArray[Any], layer: int, bands: tuple[int, ...], window: Window) -> None:
        """Fill ``out`` (band, height, width) with some bands of a window of one layer."""
        wanted = tuple(self.output.keep[band] for band in bands)
        alpha = self.plan.masks.alpha
        needed = wanted if alpha is None or alpha in wanted else (*wanted, alpha)
        data, valid = self._paint(layer, needed, window)
        missing = self._missing(data, valid, needed, window)
        for position, band in enumerate(wanted):
            hidden = None if missing is None else missing[position]
            self._finish(out[position], data[position], hidden, band)

    # -- painting ------------------------------------------------------------------------------------

    def _paint(
        self, layer: int, bands: tuple[int, ...], window: Window
    ) -> tuple[list[NDArray[Any]], list[NDArray[np.bool_]]]:
        """Paint the images of a layer, the topmost first, until every pixel has one."""
        plan = self.plan
        shape = (window.height, window.width)
        data = [np.full(shape, self.output.fill[b], dtype=plan.bands[b].dtype) for b in bands]
        valid = [np.zeros(shape, dtype=np.bool_) for _ in bands]
        if plan.cutline is not None and not plan.cutline.touches(window):
            return data, valid
        alpha = bands.index(plan.masks.alpha) if plan.masks.alpha is not None else None
        claimed = np.zeros(shape, dtype=np.bool_)
        for _, reads in plan.reads(layer, bands, window):
            fresh, fresh_valid = self._image(reads, bands, window)
            if alpha is not None:
                # One scene answers for all bands: the topmost whose alpha is not 0 here.
                scene = fresh_valid[alpha] & (fresh[alpha] != 0) & ~claimed
                for k in range(len(bands)):
                    np.copyto(data[k], fresh[k], where=scene)
                    np.copyto(valid[k], fresh_valid[k], where=scene)
                claimed |= scene
                if claimed.all():
                    break
            else:
                for k in range(len(bands)):
                    take = fresh_valid[k] & ~valid[k]
                    np.copyto(data[k], fresh[k], where=take)
                    valid[k] |= take
                if all(part.all() for part in valid):
                    break
        if not plan.masks.active:
            self._raw(layer, bands, window, data, valid)
        return data, valid

    def _image(
        self, reads: tuple[Read, ...], bands: tuple[int, ...], window: Window
    ) -> tuple[list[NDArray[Any]], list[NDArray[np.bool_]]]:
        """Pixels of one image in a window, and where they are valid, one array a band."""
        shape = (window.height, window.width)
        data: dict[int, NDArray[Any]] = {}
        valid: dict[int, NDArray[np.bool_]] = {}
        for read in reads:
            fill = np.array([self.output.fill[band] for band in read.bands])
            dtype = self.plan.bands[read.bands[0]].dtype
            out = np.empty((len(read.bands), *shape), dtype=dtype)
            out[:] = fill.astype(dtype)[:, None, None]
            ok = np.zeros(out.shape, dtype=np.bool_)
            self._fill(read, window, window, out, ok, raw=False)
            for position, band in enumerate(read.bands):
                data[band], valid[band] = out[position], ok[position]
        for band in bands:
            if band not in data:
                data[band] = np.full(shape, self.output.fill[band], dtype=self.plan.bands[band].dtype)
                valid[band] = np.zeros(shape, dtype=np.bool_)
        return [data[band] for band in bands], [valid[band] for band in bands]

    def _fill(
        self,
        read: Read,
        window: Window,
        whole: Window,
        out: NDArray[Any],
        ok: NDArray[np.bool_],
        *,
        raw: bool,
    ) -> None:
        """Carry out one read; a window that needs too many source pixels at once is cut in two."""
        itemsize = np.dtype(self.plan.bands[read.bands[0]].dtype).itemsize
        if (
            read.window.size * itemsize * len(read.bands) > _WINDOW_BYTES
            and max(window.height, window.width) > _SMALLEST
        ):
            for part in _halves(window):
                smaller = self.plan.again(read, part)
                if smaller is not None:
                    self._fill(smaller, part, whole, out, ok, raw=raw)
            return
        data, valid = self._load(read, raw=raw)
        rows = slice(window.y - whole.y, window.stop_y - whole.y)
        cols = slice(window.x - whole.x, window.stop_x - whole.x)
        place(read, data, valid, window, out[:, rows, cols], ok[:, rows, cols])

    def _load(self, read: Read, *, raw: bool) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """Read the files of a read; missing pixels are those of nodata, of the file's mask, and NaN."""
        dtype = np.dtype(self.plan.bands[read.bands[0]].dtype)
        shape = (len(read.bands), read.window.height, read.window.width)
        data = np.empty(shape, dtype=dtype)
        valid: NDArray[np.bool_] | None = None
        for file, positions in read.files.items():
            sources = [read.sources[k] for k in positions]
            masks = tuple("none" if raw else source.layout.mask for source in sources)
            try:
                pixels, own = self.reader.read(
                    file, tuple(source.band for source in sources), read.level.level, read.window, masks=masks
                )
            except RasterError as error:
                pixels, own = self._failed(error, read, sources)
            for row, (position, source) in enumerate(zip(positions, sources, strict=True)):
                ok = None if raw else _valid(pixels[row], source.layout.nodata)
                values = apply_steps(pixels[row], source.steps) if source.steps else pixels[row]
                if source.steps and values.dtype.kind == "f" and not raw:
                    ok = ~np.isnan(values) if ok is None else ok & ~np.isnan(values)
                data[position] = values if values.dtype == dtype else cast(values, dtype)
                if own is not None:
                    ok = own[row] if ok is None else ok & own[row]
                if ok is not None:
                    if valid is None:
                        valid = np.ones(shape, dtype=np.bool_)
                    valid[position] = ok
        return data, valid

    def _failed(
        self, error: RasterError, read: Read, sources: list[RasterSource]
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        failure = Failure.of(error, read, sources, [self.plan.bands[band].name for band in read.bands])
        if self.errors != "mask":
            raise failure.raised(error) from error
        self.log.add(failure)
        shape = (len(sources), read.window.height, read.window.width)
        return np.zeros(shape, dtype=sources[0].layout.dtype), np.zeros(shape, dtype=np.bool_)

    def _raw(
        self,
        layer: int,
        bands: tuple[int, ...],
        window: Window,
        data: list[NDArray[Any]],
        valid: list[NDArray[np.bool_]],
    ) -> None:
        """Without any mask, pixels that no image has valid show the topmost image's stored value."""
        seen = [part.copy() for part in valid]
        for _, reads in self.plan.reads(layer, bands, window):
            for planned in reads:
                places = [bands.index(band) for band in planned.bands]
                read = self.plan.again(planned, window, "near")
                if read is None or all(seen[k].all() for k in places):
                    continue
                out = np.empty((len(places), window.height, window.width), dtype=data[places[0]].dtype)
                ok = np.zeros(out.shape, dtype=np.bool_)
                self._fill(read, window, window, out, ok, raw=True)
                for row, k in enumerate(places):
                    take = ok[row] & ~seen[k]
                    np.copyto(data[k], out[row], where=take)
                    seen[k] |= take

    # -- values --------------------------------------------------------------------------------------

    def _missing(
        self,
        data: list[NDArray[Any]],
        valid: list[NDArray[np.bool_]],
        bands: tuple[int, ...],
        window: Window,
    ) -> list[NDArray[np.bool_]] | None:
        """Which pixels the user asked to have masked, one array a band; None when none can be."""
        plan = self.plan
        outside = None if plan.cutline is None else ~plan.cutline.inside(window)
        if outside is not None and not plan.masks.active:
            for band, part in zip(bands, data, strict=True):
                part[outside] = np.asarray(self.output.fill[band]).astype(part.dtype)
        if not plan.masks.active:
            return None
        clear = None
        if plan.masks.alpha is not None:
            position = bands.index(plan.masks.alpha)
            clear = ~(valid[position] & (data[position] != 0))
        missing = []
        for part in valid:
            hidden = ~part if plan.masks.nodata else np.zeros(part.shape, dtype=np.bool_)
            for other in (clear, outside):
                if other is not None:
                    hidden = hidden | other
            missing.append(hidden)
        return missing

    def _finish(
        self, out: NDArray[Any], data: NDArray[Any], missing: NDArray[np.bool_] | None, band: int
    ) -> None:
        """Scale, change type, and mask."""
        scale = self.output.scales[band]
        if scale is not None:
            values = apply_scale(data, scale, self.output.dtype)
        elif data.dtype == self.output.dtype or np.can_cast(data.dtype, self.output.dtype):
            values = data
        else:
            values = cast(data, self.output.dtype)
        out[...] = values
        if missing is not None and self.output.masked:
            out[missing] = np.nan


def _halves(window: Window) -> tuple[Window, Window]:
    if window.height >= window.width:
        half = window.height // 2
        return (
            Window(window.y, window.x, half, window.width),
            Window(window.y + half, window.x, window.height - half, window.width),
        )
    half = window.width // 2
    return (
        Window(window.y, window.x, window.height, half),
        Window(window.y, window.x + half, window.height, window.width - half),
    )


def _valid(pixels: NDArray[Any], nodata: float | None) -> NDArray[np.bool_] | None:
    """Where a band has data by its nodata value; NaN never is data. None: everywhere."""
    valid: NDArray[np.bool_] | None = None
    if pixels.dtype.kind == "f":
        nan = np.isnan(pixels)
        if nan.any():
            valid = ~nan
    if nodata is None or np.isnan(nodata):
        return valid
    if pixels.dtype.kind in "iu" and nodata != int(nodata):
        return valid
    different: NDArray[np.bool_] = pixels != pixels.dtype.type(nodata)
    return different if valid is None else valid & different
