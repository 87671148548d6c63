"""Upload a collection of real rasters, and compare every pixel and mask of what is taken with its source.

Usage: ``python -m benchmarks.real_uploads FOLDER... [--catalog FOLDER]``. Every ``.tif``, ``.tiff`` and
``.jp2`` file below the folders becomes an image of its own. Pixels and masks are read by rasterio, not by
Dawnlight. Exits with 1 if an image that was taken differs from its source, or a refusal gives no reason.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import rasterio

import dawnlight as dl
from dawnlight.catalog import CatalogClient, ImageUpload

SUFFIXES = {".tif", ".tiff", ".jp2"}
_ROWS = 512


def rasters_in(folders: Sequence[Path]) -> list[Path]:
    """List the raster files below folders, at every depth."""
    found = (path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return sorted(found)


def upload_all(paths: Sequence[Path], client: CatalogClient) -> Iterator[tuple[Path, ImageUpload | str]]:
    """Queue each file, then wait for each; a file that is refused at once comes with the reason."""
    product = dl.Product(id="real", name="Real rasters", client=client)
    product.save()
    queued: list[tuple[Path, ImageUpload | str]] = []
    for number, path in enumerate(paths):
        image = dl.Image(product=product, name=f"i{number:04}", acquired="2020-01-01", client=client)
        try:
            queued.append((path, image.upload(path)))
        except dl.errors.DawnlightError as error:
            queued.append((path, str(error)))
    for path, upload in queued:
        if isinstance(upload, ImageUpload):
            upload.wait_for_completion()
        yield path, upload


def find_difference(source: Path, copy: str) -> str | None:
    """Say in what the pixels or masks of two files differ; None if in nothing."""
    with warnings.catch_warnings(), rasterio.open(source) as old, rasterio.open(copy) as new:
        if (old.shape, old.dtypes, old.count) != (new.shape, new.dtypes, new.count):
            return f"{old.shape}, {old.dtypes} became {new.shape}, {new.dtypes}"
        for row in range(0, old.height, _ROWS):
            window = ((row, min(row + _ROWS, old.height)), (0, old.width))
            for what, read in (("pixels", "read"), ("masks", "read_masks")):
                before, after = getattr(old, read)(window=window), getattr(new, read)(window=window)
                if before.tobytes() != after.tobytes():
                    return f"{what} differ in {np.count_nonzero(before != after)} samples from row {row} on"
    return None


def judge(path: Path, upload: ImageUpload | str, client: CatalogClient) -> tuple[str, str]:
    """Return what became of a file, in a word, and more about it."""
    if isinstance(upload, str):
        return ("refused", upload) if upload else ("refused without a reason", "")
    if upload.status != "success":
        message = upload.error_message
        return ("refused", message) if message else ("refused without a reason", str(upload.status))
    image = dl.Image.get(upload.image_id, client=client)
    if image is None or not image.files:
        return "lost", str(upload.image_id)
    difference = find_difference(path, image.files[0].href)
    return ("identical", "") if difference is None else ("different", difference)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--catalog", help="a new folder; by default a temporary one")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        dl.open(options.catalog or f"{folder}/catalog") as client,
    ):
        for path, upload in upload_all(rasters_in(options.folders), client):
            word, more = judge(path, upload, client)
            counts[word] += 1
            if more:
                print(f"{word}: {path.name}: {more.replace(str(path), 'the file')}", flush=True)
    print(", ".join(f"{count} {word}" for word, count in sorted(counts.items())))
    if set(counts) - {"identical", "refused"}:
        sys.exit(1)


if __name__ == "__main__":
    main()
