"""A small synthetic Earth to try Dawnlight on: offline, made in seconds, the same every time.

`demo_catalog` makes it, `demo_fields` tells where its fields are, `demo` shows the way from a search to a
cloud-free picture on it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dawnlight._tutorial._demo import tell_demo
from dawnlight._tutorial._register import (
    PRODUCT_ID,
    ensure_product,
    file_paths,
    new_image,
    write_files,
)
from dawnlight._tutorial._scenes import TILES, Scene, Tile, TilePainter, list_scenes
from dawnlight.errors import ParameterError

if TYPE_CHECKING:
    from shapely import Polygon

    from dawnlight.catalog import CatalogClient, Image, Product

__all__ = ["PRODUCT_ID", "demo", "demo_catalog", "demo_fields"]

_FOLDER = "dawnlight-demo"


def demo_catalog(
    folder: str | os.PathLike[str] | None = None,
    *,
    scenes: int = 24,
    size: int = 1024,
    tiles: Sequence[str] | None = None,
    progress: bool | None = None,
) -> CatalogClient:
    """Make a catalog of synthetic satellite scenes, or find the one made before.

    The scenes show one made-up country at 45 degrees north, 6 degrees east: four tiles, two of them in UTM
    zone 31 and two in zone 32, on several dates from January 2023. They have bands ``blue``, ``green``,
    ``red`` and ``nir`` (reflectance times 10,000, nodata 0) and ``scl``, whose classes tell clouds and
    shadows from the ground, on pixels twice as large. Some dates see only a part, up to the edge of the
    satellite's swath.

    Each band of a scene is a cloud-optimised GeoTIFF of its own below `folder`; the catalog in `folder`
    knows them by reference. A second call with the same arguments finds everything there; what is missing,
    or lies elsewhere because the folder was moved, is made again.

    Parameters
    ----------
    folder : str or path, optional
        Where the catalog and the files go; by default ``dawnlight-demo`` in the working folder.
    scenes : int, default 24
        Number of scenes, one for each tile and date. The dates are spread over the year: 24 scenes of four
        tiles are six dates, 36 of one tile one in every six to fourteen days.
    size : int, default 1024
        Pixels along each side of a tile, even. A tile is 10.24 km wide, so 1024 makes pixels of 10 m and
        about 165 MB in all, in about 12 seconds.
    tiles : sequence of str, optional
        Which of the tiles ``"31TGL"`` (north-west), ``"32TKR"`` (north-east), ``"31TGK"`` (south-west) and
        ``"32TKQ"`` (south-east); by default all.
    progress : bool, optional
        Whether to show a progress bar; by default on a terminal only.

    Returns
    -------
    CatalogClient
        The open catalog, which is also made the default one of this process.

    Raises
    ------
    ParameterError
        A number or tile cannot be used, or the folder holds a demo catalog made with others.

    Examples
    --------
    >>> import tempfile
    >>> import dawnlight as dl
    >>> from dawnlight.tutorial import PRODUCT_ID, demo_catalog
    >>> with tempfile.TemporaryDirectory() as folder, demo_catalog(folder, scenes=4, size=64) as client:
    ...     dl.Product.get(PRODUCT_ID).images().count()
    4
    """
    from dawnlight.catalog import CatalogClient, open

    _check_number("scenes", scenes, 1, 1460)
    _check_number("size", size, 64, 8192, even=True)
    wanted = _find_tiles(tiles)
    home = _home(folder)
    client = open(home)
    CatalogClient.set_default_client(client)
    product = ensure_product(client, size=size, scenes=scenes, tiles=wanted, home=home)
    _complete(client, product, home / "scenes", list_scenes(scenes, wanted), size=size, progress=progress)
    return client


def demo_fields(each: int = 2) -> dict[str, Polygon]:
    """Return the outlines of some fields of the demo country, with what grows on them.

    They lie around a village in the south-west, on the tile ``31TGK``, and are in place whatever the size of
    the demo catalog. Pixels within 20 m of a field's edge, where hedges grow, are left out.

    Parameters
    ----------
    each : int, default 2
        How many of each crop: wheat, maize, rape, beet, pasture and fallow land; at most 10.

    Returns
    -------
    dict of shapely.Polygon
        Polygons in longitude and latitude by names such as ``"wheat 1"``, as `.dl.zonal` takes them.

    Raises
    ------
    ParameterError
        The number cannot be used.

    Examples
    --------
    >>> from dawnlight.tutorial import demo_fields
    >>> list(demo_fields(1))
    ['wheat 1', 'maize 1', 'rape 1', 'beet 1', 'pasture 1', 'fallow 1']
    """
    from dawnlight._tutorial._parcels import list_fields

    _check_number("each", each, 1, 10)
    return list_fields(each)


def _find_tiles(names: Sequence[str] | None) -> list[Tile]:
    known = {tile.name: tile for tile in TILES}
    chosen = list(known) if names is None else names
    if (
        isinstance(chosen, str)
        or not chosen
        or not set(chosen) <= set(known)
        or len(set(chosen)) < len(chosen)
    ):
        raise ParameterError(f"tiles={names!r} must be a list of some of {', '.join(map(repr, known))}")
    return [tile for name, tile in known.items() if name in chosen]


def _check_number(name: str, value: object, least: int, most: int, *, even: bool = False) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not least <= value <= most or (even and value % 2):  # type: ignore[operator]
        kind = "an even" if even else "a"
        raise ParameterError(f"{name}={value!r} must be {kind} whole number from {least} to {most}")


def _complete(
    client: CatalogClient,
    product: Product,
    folder: Path,
    scenes: list[Scene],
    *,
    size: int,
    progress: bool | None,
) -> None:
    """Write and register what is not there yet."""
    known: dict[str, Image] = {str(image.name): image for image in product.images()}
    missing = [scene for scene in scenes if not _is_there(known.get(scene.name), file_paths(folder, scene))]
    if not missing:
        return
    from tqdm import tqdm

    hidden = None if progress is None else not progress
    with tqdm(total=len(missing), unit="scene", disable=hidden) as bar, ThreadPoolExecutor(2) as pool:

        def paint(part: list[Scene]) -> list[Image]:
            return _paint_tile(client, product, folder, part, size, bar.update)

        images = [image for part in pool.map(paint, _shares(missing)) for image in part]
    for image in images:
        if image.name in known:
            known[image.name].delete()
    type(images[0]).save_many(images, progress=False)


def _shares(scenes: list[Scene]) -> list[list[Scene]]:
    """Part the work for two threads: by tiles, whose ground is worked out once; one tile in halves."""
    tiles = dict.fromkeys(scene.tile for scene in scenes)
    parts = [[scene for scene in scenes if scene.tile == tile] for tile in tiles]
    if len(parts) == 1:
        parts = [part for part in (parts[0][::2], parts[0][1::2]) if part]
    return parts


def _is_there(image: Image | None, paths: list[Path]) -> bool:
    if image is None or [file.href for file in image.files or ()] != [str(path) for path in paths]:
        return False
    return all(path.is_file() for path in paths)


def _paint_tile(
    client: CatalogClient,
    product: Product,
    folder: Path,
    scenes: list[Scene],
    size: int,
    done: Callable[[], Any],
) -> list[Image]:
    painter = TilePainter(scenes[0].tile, size)
    images = []
    for scene in scenes:
        picture = painter.paint(scene)
        write_files(folder, scene, picture)
        images.append(new_image(client, product, folder, scene, picture))
        done()
    return images


def demo(folder: str | os.PathLike[str] | None = None, *, quiet: bool = False) -> tuple[Path, Path]:
    """Show the way from a catalog to a cloud-free picture: search, stack, mask, median, save.

    Parameters
    ----------
    folder : str or path, optional
        Where catalog, files and pictures go; by default ``dawnlight-demo`` in the working folder.
    quiet : bool, default False
        Whether to keep the account of what happens, and the progress bars, to oneself.

    Returns
    -------
    before, after : pathlib.Path
        The pictures: one day as it was seen, and the median of everything clear.

    Raises
    ------
    ParameterError
        The folder holds a demo catalog of another size.
    """
    home = _home(folder)
    start = time.monotonic()
    say = (lambda text: None) if quiet else print
    say(f"A catalog of synthetic scenes in {home}")
    client = demo_catalog(home, progress=False if quiet else None)
    before, after = tell_demo(home, client, say, quiet=quiet)
    say(f"\nDone in {time.monotonic() - start:.0f} s. Two pictures to compare:\n")
    say(f"    {before}   the cloudiest day, as it was seen")
    say(f"    {after}    the median of everything clear")
    say(
        "\nNext: the same in a few lines of Python is in docs/tutorials/first-stack.md;\n"
        "      to register files of your own: dawnlight add --help"
    )
    return before, after


def _home(folder: str | os.PathLike[str] | None) -> Path:
    return Path(folder if folder is not None else _FOLDER).expanduser().absolute()
