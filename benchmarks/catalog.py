"""How fast the embedded catalog stores and finds images.

Makes a catalog of synthetic images in a temporary folder: one degree wide, over the land of ten years, in
three products. Then it times searches as users make them, each with other places and times, and prints
medians of the time that passed and of the processor's time, which other programs disturb less.

    python benchmarks/catalog.py --images 100000
"""

from __future__ import annotations

import argparse
import platform
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import shapely
import sqlalchemy

from dawnlight.search import Document, Properties, Query
from dawnlight.storage import SqliteStore

PRODUCTS = ("landsat:c2l2", "sentinel-2:l2a", "sentinel-1:grd")
START = datetime(2014, 1, 1, tzinfo=UTC)
DAYS = 3652
# Boxes (west, south, east, north) that hold about the land of the Earth.
LAND = ((-125, 15, -65, 60), (-80, -50, -38, 10), (-15, -34, 48, 65), (48, 8, 140, 68), (114, -38, 153, -11))


def make_images(count: int, seed: int = 1) -> Iterator[Document]:
    """Yield documents of images, about as large as real ones."""
    rng = random.Random(seed)
    for number in range(count):
        west, south, east, north = rng.choice(LAND)
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        tilt = rng.uniform(0.02, 0.2)
        ring = [(x, y + tilt), (x + 1, y), (x + 1 + tilt, y + 1), (x + tilt, y + 1 + tilt), (x, y + tilt)]
        when = START + timedelta(seconds=rng.randrange(DAYS * 86400))
        product = PRODUCTS[number % len(PRODUCTS)]
        name = f"S2B_{when:%Y%m%dT%H%M%S}_{number:08d}"
        yield Document(
            kind="image",
            id=f"{product}:{name}",
            attributes={
                "product_id": product,
                "name": name,
                "acquired": f"{when:%Y-%m-%dT%H:%M:%SZ}",
                "published": f"{when + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
                "geometry": {"type": "Polygon", "coordinates": [[list(position) for position in ring]]},
                "cs_code": "EPSG:32633",
                "geotrans": [300000.0, 10.0, 0.0, 5000040.0, 0.0, -10.0],
                "x_pixels": 10980,
                "y_pixels": 10980,
                "cloud_fraction": round(rng.random(), 4),
                "solar_elevation_angle": round(rng.uniform(10, 70), 3),
                "satellite_id": f"sat-{number % 4}",
                "storage_state": "available",
                "files": [
                    {"href": f"s3://archive/{product}/{name}/B{band:02d}.tif", "size_bytes": 10**8}
                    for band in (2, 3, 4, 8)
                ],
                "extra_properties": {"orbit": number % 143, "tile": f"33T{number % 97:02d}"},
                "tags": [f"campaign-{number % 50}"],
            },
        )


def build(store: SqliteStore, count: int, batch: int) -> tuple[float, float]:
    """Fill a catalog; return images per second in `create`, by the clock and by the processor."""
    store.create([Document(kind="product", id=id_, attributes={"name": id_}) for id_ in PRODUCTS])
    wall = cpu = 0.0
    images = make_images(count)
    while pending := list(islice(images, batch)):
        wall_start, cpu_start = time.perf_counter(), time.process_time()
        store.create(pending)
        wall += time.perf_counter() - wall_start
        cpu += time.process_time() - cpu_start
    return count / wall, count / cpu


def measure(action: Callable[[random.Random], Any], rounds: int) -> str:
    """Time a search with different random arguments."""
    rng = random.Random(7)
    action(rng)
    walls, cpus, sizes = [], [], []
    for _ in range(rounds):
        wall_start, cpu_start = time.perf_counter(), time.process_time()
        found = action(rng)
        cpus.append((time.process_time() - cpu_start) * 1e3)
        walls.append((time.perf_counter() - wall_start) * 1e3)
        sizes.append(found if isinstance(found, int) else len(found.documents))
    walls.sort()
    high = walls[min(len(walls) - 1, int(len(walls) * 0.95))]
    return (
        f"p50 {statistics.median(walls):8.2f} ms ({statistics.median(cpus):7.2f} cpu)   p95 {high:8.2f} ms"
        f"   {statistics.mean(sizes):9.0f} results"
    )


def spatial(
    store: SqliteStore, degrees: float, *, year: bool, product: bool
) -> Callable[[random.Random], Any]:
    """Newest 100 with few clouds in a box."""
    p = Properties()

    def action(rng: random.Random) -> Any:
        west, south, east, north = rng.choice(LAND)
        x, y = rng.uniform(west, max(west, east - degrees)), rng.uniform(south, max(south, north - degrees))
        box = shapely.box(x, y, min(x + degrees, 180), min(y + degrees, 90))
        query = Query(kind="image").intersecting(box).filtered(p.cloud_fraction < 0.3)
        if year:
            first = rng.randrange(2014, 2023)
            query = query.filtered((p.acquired >= f"{first}") & (p.acquired < f"{first + 1}"))
        if product:
            query = query.filtered(p.product_id == rng.choice(PRODUCTS))
        return store.page(query.sorted_by("acquired", ascending=False), size=100)

    return action


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=100)
    arguments = parser.parse_args()
    print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"SQLAlchemy {sqlalchemy.__version__}"
    )
    print(f"shapely {shapely.__version__} (GEOS {shapely.geos_version_string}), {platform.machine()}")
    with tempfile.TemporaryDirectory() as folder, SqliteStore(folder) as store:
        wall, cpu = build(store, arguments.images, arguments.batch)
        print(f"{arguments.images} images by {arguments.batch}: {wall:.0f}/s ({cpu:.0f}/s of cpu)")
        size = (Path(folder) / "catalog.sqlite").stat().st_size
        print(f"{size / arguments.images:.0f} bytes per image")
        report(store, arguments.rounds)


def report(store: SqliteStore, rounds: int) -> None:
    """Print the figures of the searches."""
    p = Properties()
    for degrees in (0.1, 1, 5, 10, 30, 60, 360):
        for year in (True, False):
            label = f"box {degrees:g} deg{', a year' if year else ''}, clouds, newest 100"
            print(f"{label:42s} {measure(spatial(store, degrees, year=year, product=False), rounds)}")
    print(
        f"{'box 5 deg, a year, one product':42s} "
        f"{measure(spatial(store, 5, year=True, product=True), rounds)}"
    )
    newest = Query(kind="image").sorted_by("acquired", ascending=False)
    cases: dict[str, Callable[[random.Random], Any]] = {
        "newest 100 of a product": lambda rng: store.page(
            newest.filtered(p.product_id == rng.choice(PRODUCTS))
        ),
        "newest 100 of two products": lambda rng: store.page(
            newest.filtered(p.product_id.any_of(PRODUCTS[:2]))
        ),
        "newest 100 with a tag": lambda rng: store.page(
            newest.filtered(p.tags == f"campaign-{rng.randrange(50)}")
        ),
        "get one": lambda rng: store.page(
            Query(kind="image").filtered(p.id == f"{PRODUCTS[0]}:S2B_{rng.random()}")
        ),
        "count in a 5 deg box": lambda rng: store.count(
            Query(kind="image").intersecting(
                (x := rng.uniform(-10, 40), y := rng.uniform(-30, 60), x + 5, y + 5)
            )
        ),
        "count with few clouds": lambda rng: store.count(
            Query(kind="image").filtered(p.cloud_fraction < rng.random())
        ),
    }
    for name, action in cases.items():
        print(f"{name:42s} {measure(action, max(5, rounds // 5))}")


if __name__ == "__main__":
    main()
