"""A long session in one process: search, read and upload over and over, and tell what the process holds."""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

import dawnlight as dl
from dawnlight.testing._rasters import noise

BOX = dl.geo.GeoBox.from_geotrans((500000, 10, 0, 4600000, 0, -10), (128, 128), 32615)
AREA = dl.AOI(bounds=BOX.bounds, bounds_crs="EPSG:32615", crs="EPSG:32615", resolution=20)


def measure(folder: Path) -> dict[str, int]:
    """Return what the process and the catalog hold now."""
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    log = folder / "catalog.sqlite-wal"
    return {
        "files": len(os.listdir("/proc/self/fd")),
        "threads": int(status["Threads"]),
        "kib": int(status["VmRSS"].split()[0]),
        "log": log.stat().st_size if log.exists() else 0,
    }


def cycle(client: Any, product: Any, number: int, *, upload: bool) -> None:
    """Upload an image, find images, and read their pixels."""
    if upload:
        image = dl.Image(product=product, name=f"i{number % 20}", client=client)
        image.acquired = f"2024-01-{number % 20 + 1:02}"
        pixels = noise((128, 128), seed=number)
        image.geotrans, image.cs_code = BOX.geotrans, "EPSG:32615"
        made = image.upload_ndarray(pixels, overwrite=True)
        made.wait_for_completion()
        assert str(made.status) == "success", made.error_message
        read = dl.Image.get(image.id, client=client).ndarray("red")
        assert np.array_equal(np.asarray(read)[0], pixels)
    images = dl.Image.search(client=client).filter(dl.properties.acquired >= "2024-01-01").collect()
    assert len(images)
    stack = images[:5].stack("red", geocontext=AREA)
    assert stack.to_numpy().any()
    assert dl.Image.search(client=client).count() == len(images)


def main() -> None:
    """Run so many cycles, of which each so many uploads, and print what was measured after each."""
    folder, cycles, every = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    with dl.open(folder) as client:
        product = dl.Product(id="p", name="P", client=client)
        product.save()
        band = dl.SpectralBand(product=product, name="red", data_type="UInt16", client=client)
        band.band_index, band.data_range, band.display_range = 0, [0, 65535], [0, 65535]
        band.save()
        for number in range(cycles):
            cycle(client, product, number, upload=number % every == 0)
            print(json.dumps(measure(folder)), flush=True)


if __name__ == "__main__":
    main()
