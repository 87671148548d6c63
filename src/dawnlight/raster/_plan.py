"""The plan: a pure function from a window of the output to the windows of files that fill it.

::

    reads(layer, bands, window)  ->  (image on top: reads), (image below: reads), ...
                                     each read: files on one grid, a level, a window of it, a kernel

Nothing here opens a file. What the plan decides (overview, kernel, its scale) depends on the two whole
grids and never on the window, so cutting the output differently cannot change a pixel.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dawnlight.errors import ParameterError
from dawnlight.geo import GeoBox, Window
from dawnlight.raster._alignment import Alignment, align_grids
from dawnlight.raster._boxes import pixel_boxes
from dawnlight.raster._columns import digest_of, encode, pack, unpack
from dawnlight.raster._cutline import Cutline
from dawnlight.raster._extents import is_worth_keeping, whole_extent
from dawnlight.raster._header import FileRef
from dawnlight.raster._lattice import EDGE, GridPair
from dawnlight.raster._layers import check_layers, decode_layers, encode_layers
from dawnlight.raster._overviews import AREA_KERNELS, RADIUS, LevelChoice, choose_level
from dawnlight.raster._sources import BandSpec, Layout, RasterSource
from dawnlight.raster._table import SourceTable

__all__ = ["MaskPolicy", "Read", "ReadPlan", "make_plan"]

_COARSER = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskPolicy:
    """Which pixels of the result count as missing; decided once for all images."""

    nodata: bool = True
    """Mask a band where its own pixel is missing."""
    alpha: int | None = None
    """Output band that masks all bands where it is 0, or None."""

    @property
    def active(self) -> bool:
        """Whether the result has masked pixels at all; if not, raw values come through."""
        return self.nodata or self.alpha is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Bands of one image that lie on one grid, and how they reach the output window."""

    image: int
    """Number of the image."""
    bands: tuple[int, ...]
    """Output bands served, in the order of `sources`."""
    sources: tuple[RasterSource, ...]
    """Where each comes from; all on the same grid and with the same overviews."""
    level: LevelChoice
    """The reduced copy to read."""
    window: Window
    """Pixels of that level to read, inside the level."""
    shift: tuple[int, int] | None
    """When the grids agree: source row and column of the output's first pixel; no resampling then."""
    kernel: str
    """Resampler."""
    pair: GridPair
    """How the output lies on the sources' grid."""
    extent: Window | None = None
    """What all windows of the output take of the level; None where it is not known."""
    veil: RasterSource | None = None
    """Alpha band that hides source pixels where it is 0, so that a kernel does not mix them in; None where
    there is nothing to hide, or nothing to mix."""
    veil_pair: GridPair | None = None
    """How the level that is read lies on the grid of the alpha band; None where it has the same pixels."""
    beyond: tuple[int, int] = (0, 0)
    """Rows and columns by which `window` may reach beyond the level, where neighbours continue it."""

    @property
    def files(self) -> dict[FileRef, list[int]]:
        """Positions in `sources`, by file."""
        found: dict[FileRef, list[int]] = {}
        for position, source in enumerate(self.sources):
            found.setdefault(source.file, []).append(position)
        return found


class ReadPlan:
    """What to read for any part of a stack or mosaic.

    Made by `make_plan`. Axes are (layer, band, y, x); a layer is one time slot with its images in paint
    order.
    """

    def __init__(
        self,
        *,
        table: SourceTable,
        layers: tuple[tuple[int, ...], ...],
        bands: tuple[BandSpec, ...],
        geobox: GeoBox,
        masks: MaskPolicy,
        cutline: Cutline | None,
        why: Mapping[str, str] | None = None,
    ) -> None:
        self.table = table
        self.layers = layers
        self._layers = encode_layers(layers)
        self.bands = bands
        self.geobox = geobox
        self.masks = masks
        self.cutline = cutline
        self.why = dict(why or {})
        self._pairs: dict[int, GridPair] = {}
        self._veil_pairs: dict[tuple[int, int, tuple[int, int]], GridPair] = {}
        self._extents: dict[tuple[int, tuple[int, int]], Window] = {}
        self._boxes: NDArray[np.float64] | None = None
        self._alignment: Alignment | None = None

    def __getstate__(self) -> dict[str, object]:
        return {
            **{name: value for name, value in self.__dict__.items() if name != "layers"},
            "_layers": pack(self._layers),
            "_pairs": {},
            "_veil_pairs": {},
            "_extents": {},
            "_boxes": None,
            "_alignment": None,
        }

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._layers = unpack(self._layers)
        self.layers = decode_layers(self._layers)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Layers, bands, rows and columns."""
        return len(self.layers), len(self.bands), *self.geobox.shape

    @property
    def is_one_by_one(self) -> bool:
        """Whether the layers are the images, each alone and in their order."""
        one_by_one = np.arange(len(self.table))
        return self._layers == [encode(np.ones_like(one_by_one)), encode(one_by_one)]

    def token(self) -> str:
        """Digest of everything that decides a pixel, the same in every process."""
        digest = hashlib.blake2b(self.table.token().encode(), digest_size=16)
        grid = (tuple(self.geobox.transform)[:6], self.geobox.shape, self.geobox.crs.srs)
        cut = self.cutline.token() if self.cutline else None
        digest.update(digest_of(self._layers))
        digest.update(repr((self.bands, grid, self.masks, cut)).encode())
        return digest.hexdigest()

    # -- what to read --------------------------------------------------------------------------------

    def candidates(self, layer: int, window: Window) -> Iterator[int]:
        """Images of a layer that may touch a window, the topmost first; none beside the cutline."""
        if self.cutline is not None and not self.cutline.touches(window):
            return
        members = self.layers[layer]
        boxes = self.image_boxes()
        for image in reversed(members):
            y0, x0, y1, x1 = boxes[image]
            if y0 < window.stop_y and x0 < window.stop_x and y1 > window.y and x1 > window.x:
                yield image

    def reads(
        self, layer: int, bands: Sequence[int], window: Window
    ) -> tuple[tuple[int, tuple[Read, ...]], ...]:
        """List the reads that fill a window, image by image, the topmost first.

        Parameters
        ----------
        layer
            Number of the layer.
        bands
            Numbers of the output bands wanted.
        window
            Rows and columns of the output.

        Returns
        -------
        tuple of (image number, reads)
            Images that do not touch the window are left out.
        """
        found = ((image, self.image_reads(image, bands, window)) for image in self.candidates(layer, window))
        return tuple((image, reads) for image, reads in found if reads)

    def image_reads(self, image: int, bands: Sequence[int], window: Window) -> tuple[Read, ...]:
        """List the reads of one image, the bands of a grid together."""
        reads = (
            self._read(image, members, window, kernel) for members, kernel in self.read_together(image, bands)
        )
        return tuple(read for read in reads if read is not None)

    def read_together(self, image: int, bands: Iterable[int]) -> list[tuple[tuple[int, ...], str]]:
        """Return which bands of an image are read together, and the kernel of each such group."""
        groups: dict[tuple[object, ...], list[int]] = {}
        for band in bands:
            if self.table.file_of[image, band] >= 0:
                groups.setdefault(self._group_key(image, band), []).append(band)
        return [(tuple(members), str(key[-1])) for key, members in groups.items()]

    def again(self, read: Read, window: Window) -> Read | None:
        """Plan a read for another window; None when it has no pixels there."""
        return self._read(read.image, read.bands, window, read.kernel)

    def kernel(self, band: int, pair: GridPair) -> str:
        """Resampler of a band between two grids."""
        named = self.bands[band].resampler
        if named is not None:
            return named
        return "mode" if math.sqrt(pair.ratio[0] * pair.ratio[1]) >= _COARSER else "near"

    def pair(self, grid: int) -> GridPair:
        """How the output lies on a grid of the table."""
        pair = self._pairs.get(grid)
        if pair is None:
            pair = self._pairs[grid] = GridPair(self.table.grids[grid], self.geobox)
        return pair

    def alignment(self) -> Alignment:
        """Return which grids of the table are parts of one large grid."""
        if self._alignment is None:
            self._alignment = align_grids(self.table.grids)
        return self._alignment

    def part(self, image: int, bands: tuple[int, ...], kernel: str, window: Window | None = None) -> Read:
        """Plan to read some pixels of the level that bands of an image are read at; None: all of them."""
        grid = self.table.grid_number(image, bands[0])
        pair = self.pair(grid)
        layout = self.table.layouts[self.table.layout_of[image, bands[0]]]
        veil, veil_grid = self._veil(image, bands, kernel, pair)
        if pair.shift is not None:
            level = choose_level((1.0, 1.0), pair.source.shape, layout, "near", category=True)
        else:
            if veil is not None and veil_grid == grid and veil.layout.overviews != layout.overviews:
                layout = replace(layout, overviews=())
            level = choose_level(pair.ratio, pair.source.shape, layout, kernel, self.bands[bands[0]].category)
            if veil_grid == grid and kernel == "near" and level.level == 0 and self._veils_by_pixel(pair):
                veil = None
        sources = (self.table.source(image, band) for band in bands)
        return Read(
            image=image,
            bands=bands,
            sources=tuple(source for source in sources if source is not None),
            level=level,
            window=window or Window(0, 0, *level.shape),
            shift=pair.shift,
            kernel=kernel,
            pair=pair,
            extent=self._extent(grid, level, layout),
            veil=veil,
            veil_pair=None if veil is None or veil_grid == grid else self._veil_pair(veil_grid, grid, level),
        )

    def _extent(self, grid: int, level: LevelChoice, layout: Layout) -> Window | None:
        """Return what all windows take of a level, where tiles need not be kept for others."""
        key = grid, level.shape
        if key not in self._extents:
            self._extents[key] = whole_extent(self.pair(grid), level)
        extent = self._extents[key]
        return None if is_worth_keeping(extent, layout, len(self.layers)) else extent

    def veil_part(self, read: Read, window: Window) -> Read | None:
        """Plan to read the alpha band on another grid for a window of the level of a read."""
        veil, pair = read.veil, read.veil_pair
        assert veil is not None
        assert pair is not None
        assert self.masks.alpha is not None
        level = choose_level((1.0, 1.0), pair.source.shape, veil.layout, "max", category=True)
        wanted: Window | None
        if pair.shift is not None:
            wanted = window.shift(*pair.shift).intersect(Window(0, 0, *pair.source.shape))
        else:
            wanted = source_window(pair, level, "max", window)
        if wanted is None or wanted.size == 0:
            return None
        return Read(
            image=read.image,
            bands=(self.masks.alpha,),
            sources=(veil,),
            level=level,
            window=wanted,
            shift=pair.shift,
            kernel="max",
            pair=pair,
        )

    def _group_key(self, image: int, band: int) -> tuple[object, ...]:
        grid = self.table.grid_number(image, band)
        layout = self.table.layouts[self.table.layout_of[image, band]]
        spec = self.bands[band]
        pair = self.pair(grid)
        kernel = self.kernel(band, pair)
        # Kernels mix neighbours of other images into bands, but never into the alpha band that chooses them.
        alone = band == self.masks.alpha and pair.shift is None and kernel != "near"
        return grid, layout.overviews, spec.dtype, spec.category, alone, kernel

    def _read(self, image: int, bands: tuple[int, ...], window: Window, kernel: str) -> Read | None:
        read = self.part(image, bands, kernel)
        if read.shift is not None:
            wanted: Window | None = window.shift(*read.shift).intersect(read.window)
        else:
            wanted = source_window(read.pair, read.level, kernel, window)
        if wanted is None or wanted.size == 0:
            return None
        return replace(read, window=wanted)

    def _veil(
        self, image: int, bands: tuple[int, ...], kernel: str, pair: GridPair
    ) -> tuple[RasterSource | None, int]:
        """Alpha band of an image for other bands that a kernel mixes, and the number of its grid."""
        alpha = self.masks.alpha
        if pair.shift is not None or alpha is None or bands == (alpha,):
            return None, -1
        if self.table.file_of[image, alpha] < 0:
            return None, -1
        grid = self.table.grid_number(image, alpha)
        if kernel == "near" and grid != self.table.grid_number(image, bands[0]):
            return None, -1
        return self.table.source(image, alpha), grid

    def _veil_pair(self, veil_grid: int, grid: int, level: LevelChoice) -> GridPair:
        """How a level of a grid lies on the grid of an alpha band."""
        key = veil_grid, grid, level.shape
        pair = self._veil_pairs.get(key)
        if pair is None:
            on_level = self.table.grids[grid].zoom_to(level.shape)
            pair = self._veil_pairs[key] = GridPair(self.table.grids[veil_grid], on_level)
        return pair

    def _veils_by_pixel(self, pair: GridPair) -> bool:
        """Whether the alpha band is itself taken pixel by pixel, and so hides just its own pixels."""
        alpha = self.masks.alpha
        return alpha is None or (self.bands[alpha].category and self.kernel(alpha, pair) == "near")

    def image_boxes(self) -> NDArray[np.float64]:
        """Box (y0, x0, y1, x1) of every image in output pixels; may be too large, never too small."""
        if self._boxes is None:
            grids = pixel_boxes(self.table.grids, self.geobox)
            boxes = np.full((len(self.table), 4), [np.inf, np.inf, -np.inf, -np.inf])
            for band in range(self.table.band_count):
                files = self.table.file_of[:, band]
                here = files >= 0
                of_band = grids[self.table.grid_of[files[here]]]
                boxes[here, :2] = np.minimum(boxes[here, :2], of_band[:, :2])
                boxes[here, 2:] = np.maximum(boxes[here, 2:], of_band[:, 2:])
            self._boxes = boxes
        return self._boxes


def source_window(
    pair: GridPair, level: LevelChoice, kernel: str, window: Window, beyond: tuple[int, int] = (0, 0)
) -> Window | None:
    """Pixels of a level, or up to ``beyond`` it, that a kernel needs for a window of the output."""
    if kernel in AREA_KERNELS:
        corners, reach = pair.corners(window), (1, 1)
        # Where footprints may be broken, the pixel at the centre stands in for them.
        places = [corners, pair.coordinates(window)] if corners.dense_x.size else [corners]
    else:
        places = [pair.coordinates(window)]
        reach = (kernel_radius(kernel, level.scale[0]) + 1, kernel_radius(kernel, level.scale[1]) + 1)
    spans = []
    for axis in (0, 1):
        low = min(place.low[axis] for place in places) * level.zoom[axis]
        high = max(place.high[axis] for place in places) * level.zoom[axis]
        if low == math.inf:
            return None
        size = level.shape[axis]
        if high < -EDGE or low > size + EDGE:
            return None  # no centre and no footprint lies on the source
        first = max(math.floor(low) - reach[axis], -beyond[axis])
        stop = min(math.floor(high) + 1 + reach[axis], size + beyond[axis])
        if stop <= first:
            return None
        spans.append((first, stop - first))
    return Window(spans[0][0], spans[1][0], spans[0][1], spans[1][1])


def kernel_radius(kernel: str, scale: float) -> int:
    """Reach of an interpolating kernel in pixels of the level it reads."""
    radius = RADIUS[kernel]
    return radius if scale == 1.0 else math.ceil(radius * scale)


def make_plan(
    table: SourceTable,
    *,
    layers: Sequence[Sequence[int]],
    bands: Sequence[BandSpec],
    geobox: GeoBox,
    masks: MaskPolicy | None = None,
    cutline: Cutline | None = None,
    why: Mapping[str, str] | None = None,
) -> ReadPlan:
    """Make the plan of a stack or mosaic; nothing is read.

    Parameters
    ----------
    table
        Sources, (image, band).
    layers
        Numbers of the images of each time slot in paint order: the last one is on top. A stack is
        ``[[0], [1], [2]]``, a mosaic ``[[0, 1, 2]]``, ``flatten`` anything between.
    bands
        The output bands, as many as the table has.
    geobox
        The output grid.
    masks
        Which pixels count as missing; by default those that are missing in their own band.
    cutline
        Keep only what lies inside; None keeps everything.
    why
        Reasons for ``crs`` and ``resolution`` of the grid in words, for those who ask; they decide nothing.

    Returns
    -------
    ReadPlan
    """
    if len(bands) != table.band_count:
        raise ParameterError(f"{len(bands)} bands are described, the sources have {table.band_count}")
    return ReadPlan(
        table=table,
        layers=check_layers(layers, len(table)),
        bands=tuple(bands),
        geobox=geobox,
        masks=masks or MaskPolicy(),
        cutline=cutline,
        why=why,
    )
