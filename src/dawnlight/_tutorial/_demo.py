"""The demonstration: from a catalog to a cloud-free picture, told while it happens."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dawnlight._tutorial._register import PRODUCT_ID
from dawnlight._tutorial._scenes import CENTER

if TYPE_CHECKING:
    import xarray as xr

    from dawnlight.catalog import CatalogClient, ImageCollection

__all__ = ["compose", "make_stack", "search_images", "tell_demo"]

WIDTH, HEIGHT = 0.22, 0.15
"""Degrees around `CENTER`: the place shown, with the zone border through the middle."""

HIDDEN = (3, 8, 9, 10, 11)
"""Classes that hide the ground: the shadow of a cloud, three kinds of cloud, snow."""

COLORS = ["red", "green", "blue"]


def tell_demo(
    folder: Path, client: CatalogClient, say: Callable[[str], Any], *, quiet: bool
) -> tuple[Path, Path]:
    """Run the demonstration on a catalog that exists.

    Parameters
    ----------
    folder : pathlib.Path
        Where the pictures go.
    client : CatalogClient
        The demo catalog.
    say : callable
        Takes each line of the account.
    quiet : bool
        Whether to go without a progress bar, as it is anyway where nobody watches.

    Returns
    -------
    before, after : pathlib.Path
    """
    say("\nSearching: scenes across the border of two UTM zones, less than 60 % cloud, in order of time.\n")
    images = search_images(client)
    say(_indent(repr(images)))

    say("\nStacking: scenes of one day in one layer, everything on one grid. Nothing has been read yet.\n")
    stack = make_stack(images)
    say(_indent(repr(stack)))

    say("\nComputing: the median over time of all pixels that neither cloud, shadow nor snow hides.\n")
    with _progress(not quiet and sys.stdout.isatty()), warnings.catch_warnings():
        # A few pixels are hidden on every date; the median of nothing is NaN, as it should be.
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        after = compose(stack).compute()
    cloudiest = int(np.argmax(stack["cloud_fraction"].values))
    before = stack.sel(band=COLORS).isel(time=cloudiest).compute()

    paths = folder / "before.png", folder / "after.png"
    for path, picture in zip(paths, (before, after), strict=True):
        # The same shades in both, so that they can be compared.
        picture.dl.show(stretch=(0, 3600), gamma=1.6, axes=False, size=9, dpi=100, path=path)
    return paths


def search_images(client: CatalogClient) -> ImageCollection:
    """Find the scenes of the place that are not mostly cloud, in order of time."""
    from dawnlight.catalog import Product, properties
    from dawnlight.geo import AOI

    lon, lat = CENTER
    bounds = (lon - WIDTH / 2, lat - HEIGHT / 2, lon + WIDTH / 2, lat + HEIGHT / 2)
    aoi = AOI(bounds=bounds, crs="EPSG:32631")
    product = Product.get(PRODUCT_ID, client=client)
    assert product is not None
    search = product.images().intersects(aoi).filter(properties.cloud_fraction < 0.6).sort("acquired")
    return search.collect(geocontext=aoi)


def make_stack(images: ImageCollection) -> xr.DataArray:
    """Stack the scenes, those of one day in one layer."""
    stack: xr.DataArray = images.stack([*COLORS, "scl"], flatten="acquired")
    return stack


def compose(stack: xr.DataArray) -> xr.DataArray:
    """Return the median over time of what can be seen."""
    scl = stack.sel(band="scl")
    clear = scl.notnull() & ~scl.isin(HIDDEN)
    return stack.sel(band=COLORS).where(clear).median("time", keep_attrs=True)


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


@contextmanager
def _progress(shown: bool) -> Iterator[None]:
    if not shown:
        yield
        return
    from dask.diagnostics.progress import ProgressBar

    with ProgressBar():
        yield
