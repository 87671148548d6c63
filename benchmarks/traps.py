"""Ten traps of loading rasters: what each library makes of the same tiny files, as a Markdown table.

Usage: ``python benchmarks/traps.py``. Needs odc-stac, stackstac and rioxarray beside Dawnlight. The files are
made in a temporary folder. Every cell is computed; where a library raises, the cell is the error.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from pyproj import Transformer

from dawnlight.geo import GeoBox, from_bounds, normalize_crs
from dawnlight.testing import write_raster

LIBRARIES = ("dawnlight", "odc-stac", "stackstac", "rioxarray")
START = datetime(2024, 6, 1, tzinfo=UTC)
NODATA = 0
OPTIONS = """\
- dawnlight: `stack` and `mosaic`, place and grid as an `AOI`, the rest by default.
- odc-stac: `load(geobox=..., groupby="group", preserve_original_order=True)` with the top image first.
- stackstac: `stack(epsg=..., bounds=..., resolution=..., snap_bounds=False)`, then `mosaic(reverse=True)`;
  trap 7 asks for its default grid with none of them.
- rioxarray: `open_rasterio(masked=True)`, `merge_arrays(nodata=nan)` with the top image first, then
  `rio.reproject`; trap 8 with `mask_and_scale`.
- All: the kernel of the trap by the library's name for it; items have the projection and raster extensions.
"""


@dataclass
class Case:
    """Files of one band, as each library wants to be told of them; later files lie on top."""

    paths: Sequence[Path]
    grids: Sequence[GeoBox]
    dtype: str = "uint16"
    nodata: float | None = NODATA
    classes: bool = False
    alpha: bool = False

    @cached_property
    def images(self) -> Any:
        """The files in a catalog of this process."""
        import dawnlight as dl

        client = dl.open("memory://")
        product = dl.Product(id="traps", name="Traps", client=client)
        product.save()
        kind = dl.ClassBand if self.classes else dl.SpectralBand
        data_type = {"uint8": "Byte", "uint16": "UInt16"}[self.dtype]
        spans = {"data_range": (0, 255), "display_range": (0, 255)}
        place = {"file_index": 0, "client": client, "product": product}
        kind(name="value", data_type=data_type, nodata=self.nodata, band_index=0, **spans, **place).save()
        if self.alpha:
            dl.MaskBand(name="alpha", data_type="Byte", is_alpha=True, band_index=1, **place).save()
        for day, path in enumerate(self.paths):
            dl.Image(
                name=path.stem,
                product=product,
                acquired=START + timedelta(days=day),
                files=[dl.catalog.File(href=str(path))],
                client=client,
            ).save()
        return dl.Image.search(client=client).sort("acquired").collect()

    @cached_property
    def items(self) -> list[Any]:
        """The files as STAC items with all that the projection and raster extensions say."""
        import pystac
        import shapely

        found = []
        for day, (path, grid) in enumerate(zip(self.paths, self.grids, strict=True)):
            footprint = grid.footprint()
            band = {"data_type": self.dtype} | ({} if self.nodata is None else {"nodata": self.nodata})
            epsg = grid.crs.to_epsg()
            item = pystac.Item(
                id=path.stem,
                geometry=shapely.geometry.mapping(footprint),
                bbox=_bbox(footprint),
                datetime=START + timedelta(days=day),
                properties={"proj:epsg": epsg, "proj:code": f"EPSG:{epsg}", "group": "all"},
                stac_extensions=[
                    "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
                    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
                ],
            )
            fields = {
                "proj:shape": list(grid.shape),
                "proj:transform": list(grid.transform)[:6],
                "raster:bands": [band],
            }
            if self.alpha:
                fields["raster:bands"] = [band, {"data_type": self.dtype}]
            asset = pystac.Asset(
                str(path), media_type=pystac.MediaType.COG, roles=["data"], extra_fields=fields
            )
            item.add_asset("value", asset)
            found.append(item)
        return found


def _bbox(footprint: Any) -> list[float]:
    """Return the box of a footprint; west is greater than east where it goes across 180 degrees."""
    west, south, east, north = footprint.bounds
    if (west, east) == (-180, 180):
        west = max(part.bounds[0] for part in footprint.geoms)
        east = min(part.bounds[2] for part in footprint.geoms)
    return [west, south, east, north]


def load(
    library: str,
    case: Case,
    grid: GeoBox | None,
    kernel: str = "nearest",
    chunk: int | None = None,
    mosaic: bool = False,
) -> Any:
    """Load a case, on its default grid if none is given; returns a labelled array of (y, x)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _LOADERS[library](case, grid, kernel, chunk, mosaic)


def values(array: Any) -> np.ndarray:
    """Compute an array as floats, NaN where the library says that a pixel is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = np.asarray(array.compute().values, "float64")
    nodata = array.attrs.get("nodata")
    return data if nodata is None else np.where(data == nodata, np.nan, data)


def _load_ours(case: Case, grid: GeoBox | None, kernel: str, chunk: int | None, mosaic: bool) -> Any:
    from dawnlight.geo import AOI

    place = AOI(bounds=case.grids[0].bounds, bounds_crs=case.grids[0].crs)
    if grid is not None:
        place = AOI(
            bounds=grid.bounds, bounds_crs=grid.crs, crs=grid.crs, shape=grid.shape, align_pixels=False
        )
    call = case.images.mosaic if mosaic else case.images.stack
    kernel = {"nearest": "near"}.get(kernel, kernel)
    array = call("value", place, resampler=kernel, chunks=chunk or "auto")
    return array.isel(band=0) if mosaic else array.isel(time=0, band=0)


def _load_odc(case: Case, grid: GeoBox | None, kernel: str, chunk: int | None, mosaic: bool) -> Any:
    import odc.stac

    array = odc.stac.load(
        case.items[::-1] if mosaic else case.items,  # the first valid pixel wins
        bands=["value"],
        geobox=None if grid is None else grid.to_odc(),
        chunks={"x": chunk or 4096, "y": chunk or 4096},
        resampling=kernel,
        groupby="group" if mosaic else "id",
        preserve_original_order=True,
    )["value"]
    return array.isel(time=0)


def _load_stackstac(case: Case, grid: GeoBox | None, kernel: str, chunk: int | None, mosaic: bool) -> Any:
    import stackstac
    from rasterio.enums import Resampling

    place: dict[str, Any] = {}
    if grid is not None:
        place = {"epsg": grid.crs.to_epsg(), "bounds": grid.bounds, "resolution": grid.resolution}
        place["snap_bounds"] = False
    array = stackstac.stack(
        case.items, assets=["value"], chunksize=chunk or 4096, resampling=Resampling[kernel], **place
    )
    array = stackstac.mosaic(array, reverse=True) if mosaic else array.isel(time=0)
    return array.isel(band=0)


def _load_rioxarray(case: Case, grid: GeoBox | None, kernel: str, chunk: int | None, mosaic: bool) -> Any:
    import rioxarray
    from rasterio.enums import Resampling
    from rioxarray.merge import merge_arrays

    chunks = None if chunk is None else {"x": chunk, "y": chunk}
    found = [rioxarray.open_rasterio(path, masked=True, chunks=chunks) for path in case.paths]
    array = merge_arrays(found[::-1], nodata=np.nan) if mosaic else found[0]
    if grid is not None:
        array = array.rio.reproject(
            grid.crs.to_wkt(), shape=grid.shape, transform=grid.transform, resampling=Resampling[kernel]
        )
    return array.isel(band=0)


_LOADERS: dict[str, Callable[..., Any]] = {
    "dawnlight": _load_ours,
    "odc-stac": _load_odc,
    "stackstac": _load_stackstac,
    "rioxarray": _load_rioxarray,
}


def utm_grid(size: int, *, x: float = 500_000, y: float = 5_000_000, epsg: int = 32631, step=10) -> GeoBox:
    return GeoBox((size, size), Affine(step, 0, x, 0, -step, y), normalize_crs(epsg))


def over(grid: GeoBox, epsg: int, *, shape: tuple[int, int] | None = None) -> GeoBox:
    """Return a grid in another CRS over the same place."""
    return from_bounds(grid.bounds, bounds_crs=grid.crs, crs=epsg, shape=shape or grid.shape)


def well_inside(grid: GeoBox, source: GeoBox, pixels: float = 2) -> np.ndarray:
    """Return which pixels of a grid have their centre inside a source, by pixels of the source."""
    x, y = np.meshgrid(grid.x, grid.y)
    to_source = Transformer.from_crs(grid.crs, source.crs, always_xy=True)
    column, row = ~source.transform * to_source.transform(x, y)
    ny, nx = source.shape
    return (column > pixels) & (column < nx - pixels) & (row > pixels) & (row < ny - pixels)


def share(mask: np.ndarray) -> str:
    part = 100 * float(np.mean(mask))
    if 0 < part < 1:
        return f"{part:.2g} %"
    return f"{part:.0f} %" if part in (0, 100) or 10 < part < 99 else f"{part:.1f} %"


def noise(shape: tuple[int, int], dtype: str = "uint16") -> np.ndarray:
    return np.random.default_rng(4).integers(1, 250 if dtype == "uint8" else 10_000, shape).astype(dtype)


def chunk_dependence(library: str, folder: Path) -> str:
    """1. Pixels that change with the chunks."""
    source = utm_grid(512)
    path = write_raster(folder / "noise.tif", noise(source.shape), source, nodata=NODATA)
    case, grid = Case([path], [source]), over(source, 3035)
    found = []
    for kernel in ("nearest", "bilinear"):
        whole, pieces = load(library, case, grid, kernel), load(library, case, grid, kernel, chunk=64)
        lazy = "" if pieces.chunks else " (never in chunks: loads the whole)"
        a, b = values(whole), values(pieces)
        differ = ~np.isclose(a, b, rtol=0, atol=0, equal_nan=True)
        most = f" (by up to {np.nanmax(np.abs(a - b)):.0f})" if differ.any() else ""
        found.append(f"{kernel} {share(differ)}{most}")
    return ", ".join(found) + lazy


def antimeridian(library: str, folder: Path) -> str:
    """2. Pixels missing on both sides of 180 degrees."""
    source = utm_grid(128, x=833_978 - 6_400, y=1_000_000, epsg=32660, step=100)
    path = write_raster(folder / "date-line.tif", noise(source.shape), source, nodata=NODATA)
    to_world = Transformer.from_crs(source.crs, 4326, always_xy=True)
    left, bottom = to_world.transform(source.bounds[0], source.bounds[1])
    right, top = to_world.transform(source.bounds[2], source.bounds[3])
    found = []
    for name, turn in (("beyond 180", 0), ("beyond -180", 360)):
        grid = from_bounds((left - turn, bottom, right % 360 - turn, top), crs=4326, shape=(128, 128))
        lost = np.isnan(values(load(library, Case([path], [source]), grid)))
        inside, east = well_inside(grid, source), grid.x + turn > 180
        west_lost, east_lost = (share(lost[:, side][inside[:, side]]) for side in (~east, east))
        found.append(f"{west_lost} west, {east_lost} east ({name})")
    return "missing: " + "; ".join(found)


def missing_metadata(library: str, folder: Path) -> str:
    """3. Nodata that only the file knows of."""
    source = utm_grid(64)
    data = np.full(source.shape, 1000, "uint16")
    data[:, :32] = NODATA
    path = write_raster(folder / "nodata.tif", data, source, nodata=NODATA)
    case = Case([path], [source], nodata=None)
    plain = values(load(library, case, source))
    mixed = values(load(library, case, over(source, 3035), "bilinear"))
    false = np.mean(plain[:, :32] == NODATA)
    blends = np.sum((mixed > 0) & (np.abs(mixed - 1000) > 1e-3))
    return f"{100 * false:.0f} % of nodata given as 0; bilinear: {blends} blends with it"


def unreadable(library: str, folder: Path) -> str:
    """4. A damaged file, and one that is gone."""
    source, found = utm_grid(64), []
    for how in ("damaged", "gone"):
        path = write_raster(folder / f"{how}.tif", noise(source.shape), source, nodata=NODATA)
        case = Case([path], [source])
        _ = case.images, case.items
        if how == "gone":
            path.unlink()
        else:
            _damage(path)
        try:
            lost = np.isnan(values(load(library, case, source)))
        except Exception as error:
            named = "names it" if path.name in str(error) else "does not name it"
            found.append(f"{how}: {type(error).__name__}, {named}")
        else:
            found.append(f"{how}: no error, {share(lost)} missing")
    return "; ".join(found)


def _damage(path: Path) -> None:
    """Spoil pixels of a file, whose size and time stay what they were."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(before.st_size // 2)
        file.write(b"\xff" * 200)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def invented_labels(library: str, folder: Path) -> str:
    """5. Labels that no class has."""
    source = utm_grid(64)
    labels = np.where(np.indices(source.shape).sum(0) // 6 % 2, 40, 10).astype("uint8")
    path = write_raster(folder / "classes.tif", labels, source, nodata=NODATA)
    case = Case([path], [source], dtype="uint8", classes=True)
    data = values(load(library, case, over(source, 3035), "bilinear"))
    known = np.isin(data, (0, 10, 40)) | np.isnan(data)
    return f"{share(~known)} of pixels have labels of no class"


def alpha_mosaic(library: str, folder: Path) -> str:
    """6. A transparent pixel of the top image."""
    source = utm_grid(32)
    opaque = np.full(source.shape, 255, "uint8")
    clear = opaque.copy()
    clear[8, 8] = 0
    top = np.full(source.shape, 200, "uint8")
    top[8, 8] = 99
    paths = [
        write_raster(folder / "bottom.tif", np.full(source.shape, 50, "uint8"), source, alpha=opaque),
        write_raster(folder / "top.tif", top, source, alpha=clear),
    ]
    case = Case(paths, [source, source], dtype="uint8", nodata=None, alpha=True)
    data = values(load(library, case, source, mosaic=True))
    seen = {50: "image below shows", 99: "hidden value 99 shows", 200: "200"}.get(data[8, 8], "missing")
    return seen if data[0, 0] == 200 else f"{seen}; elsewhere {data[0, 0]:g} instead of 200"


def half_pixels(library: str, folder: Path) -> str:
    """7. A grid shifted by half a pixel, and the default grid."""
    source = utm_grid(32, x=500_003, y=5_000_007)
    rows, columns = np.indices(source.shape)
    coordinates = (1 + rows * 100 + columns).astype("uint16")
    path = write_raster(folder / "half.tif", coordinates, source, nodata=NODATA)
    case = Case([path], [source])
    shifted = GeoBox((30, 30), source.transform * Affine.translation(0.5, 0.5), source.crs)
    chosen = values(load(library, case, shifted)) - 1 - (rows * 100 + columns)[:30, :30]
    names = {0.0: "upper left", 1.0: "upper right", 100.0: "lower left", 101.0: "lower right"}
    most = Counter(names.get(step, "other") for step in chosen.ravel()).most_common()
    taken = "always " + most[0][0] if len(most) == 1 else ", ".join(f"{name} {n}x" for name, n in most)
    default = load(library, case, None)
    x, y = default["x"].values, default["y"].values
    centre = library != "stackstac"  # its labels are corners by default
    corner = (x[0] - 5 * centre, y[0] + 5 * centre)
    own = np.allclose(corner, (500_003, 5_000_007)) and default.shape == source.shape
    where = (
        "default grid the image's" if own else f"default grid starts at ({corner[0]:.0f}, {corner[1]:.0f})"
    )
    return f"{taken}; {where}"


def scale_in_file(library: str, folder: Path) -> str:
    """8. Scale and offset that the file states: 2000 means 0.1."""
    source = utm_grid(32)
    data = np.full(source.shape, 2000, "uint16")
    path = write_raster(
        folder / "scaled_20240601.tif", data, source, nodata=NODATA, scales=[1e-4], offsets=[-0.1]
    )
    if library == "dawnlight":
        import dawnlight as dl
        from dawnlight.ingest import add_files

        client = dl.open("memory://")
        add_files("scaled", [path], store=client.store, bands=["value"])
        images = dl.Image.search(client=client).collect()
        place = dl.AOI(bounds=source.bounds, bounds_crs=source.crs)
        asked = {name: images.stack("value", place, scaling=name) for name in (None, "physical")}
        return _scaled(asked, "scaling=")
    case = Case([path], [source])
    if library == "rioxarray":
        import rioxarray

        asked = {name: rioxarray.open_rasterio(path, mask_and_scale=name) for name in (False, True)}
        return _scaled(asked, "mask_and_scale=")
    from_file = _first(load(library, case, source))
    case.items[0].assets["value"].extra_fields["raster:bands"][0].update(scale=1e-4, offset=-0.1)
    return f"{from_file} by default, {_first(load(library, case, source))} if the item states it, too"


def _scaled(asked: dict[Any, Any], option: str) -> str:
    (_, first), (name, second) = asked.items()
    return f"{_first(first)} by default, {_first(second)} with {option}{name}"


def _first(array: Any) -> str:
    return f"{float(np.asarray(array.values).flat[0]):.4g}"


def seams(library: str, folder: Path) -> str:
    """9. Pixels missing between two tiles that touch."""
    both = GeoBox((64, 128), utm_grid(1).transform, utm_grid(1).crs)
    grids = [utm_grid(64), utm_grid(64, x=500_640)]
    rows, columns = np.indices(both.shape)
    ramp = (1000 + rows * 20 + columns * 10).astype("uint16")
    paths = [
        write_raster(folder / f"tile{part}.tif", ramp[:, part * 64 : part * 64 + 64], grid, nodata=NODATA)
        for part, grid in enumerate(grids)
    ]
    grid = over(both, 3035, shape=(64, 128))
    inside = well_inside(grid, both)
    data = values(load(library, Case(paths, grids), grid, "bilinear", mosaic=True))
    one = write_raster(folder / "both.tif", ramp, both, nodata=NODATA)
    truth = values(load(library, Case([one], [both]), grid, "bilinear"))
    lost = np.sum(np.isnan(data[inside]))
    off = np.nanmax(np.abs(data - truth)[inside])
    return f"{lost} of {inside.sum()} pixels missing; off by at most {off:.2g} (a pixel's step is 22)"


def coarse_classes(library: str, folder: Path) -> str:
    """10. Eight times coarser: whether the class of most pixels wins."""
    source = utm_grid(256)
    random = np.random.default_rng(10)
    major = np.kron(random.integers(1, 6, (32, 32)), np.ones((8, 8), int))
    labels = np.where(random.random(source.shape) < 0.6, major, random.integers(1, 6, source.shape))
    blocks = labels.reshape(32, 8, 32, 8).swapaxes(1, 2).reshape(32, 32, 64)
    counts = np.stack([(blocks == label).sum(-1) for label in range(1, 6)])
    truth = counts.argmax(0) + 1
    path = write_raster(folder / "coarse-classes.tif", labels.astype("uint8"), source, nodata=NODATA)
    case = Case([path], [source], dtype="uint8", classes=True)
    grid = source.zoom_to((32, 32))
    found = [
        f"{kernel} {share(values(load(library, case, grid, kernel)) == truth)}"
        for kernel in ("nearest", "mode")
    ]
    return "right: " + ", ".join(found)


def coarse_values(library: str, folder: Path) -> str:
    """10. Eight times coarser: the distance from the mean of the 64 pixels."""
    source = utm_grid(256)
    data = noise(source.shape)
    truth = data.reshape(32, 8, 32, 8).mean((1, 3))
    case = Case([write_raster(folder / "coarse.tif", data, source, nodata=NODATA)], [source])
    grid, found = source.zoom_to((32, 32)), []
    for kernel in ("nearest", "bilinear", "average"):
        error = np.sqrt(np.nanmean((values(load(library, case, grid, kernel)) - truth) ** 2))
        found.append(f"{kernel} {error:.{0 if error >= 10 else 2}f}")
    return "rms error: " + ", ".join(found)


TRAPS: dict[str, Callable[[str, Path], str]] = {
    "1 chunks (64 px) against whole: pixels that differ": chunk_dependence,
    "2 output across 180°": antimeridian,
    "3 nodata stated by the file only": missing_metadata,
    "4 a file that cannot be read": unreadable,
    '5 class band, "bilinear" for all': invented_labels,
    "6 transparent pixel on top of a mosaic": alpha_mosaic,
    "7 grid shifted by half a pixel": half_pixels,
    "8 scale and offset in the file (0.1 stored as 2000)": scale_in_file,
    "9 seam of two tiles, other CRS, bilinear": seams,
    "10a classes 8× coarser": coarse_classes,
    "10b values 8× coarser": coarse_values,
}


def verdict(trap: Callable[[str, Path], str], library: str) -> str:
    """Return what a library made of a trap, or how it failed."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return trap(library, Path(folder))
        except Exception as error:
            words = " ".join(str(error).replace(folder, "").replace("|", "/").split()[:12])
            return f"{type(error).__name__}: {words}"


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    print("| trap |", " | ".join(f"{library} {version(library)}" for library in LIBRARIES), "|")
    print("|---" * (len(LIBRARIES) + 1) + "|")
    for name, trap in TRAPS.items():
        print(f"| {name} |", " | ".join(verdict(trap, library) for library in LIBRARIES), "|", flush=True)
    print(f"\nGDAL {rasterio.__gdal_version__}, rasterio {rasterio.__version__}, NumPy {np.__version__}\n")
    print(OPTIONS, end="")


if __name__ == "__main__":
    main()
