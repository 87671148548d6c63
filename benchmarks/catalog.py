"""How fast the embedded catalog stores and finds images.

Makes a catalog of synthetic images in a temporary folder: one degree wide, over the land of ten years, in
three products. Then it times searches as users make them, each with other places and times, and lets eight
processes write at once. Of everything it prints the time that passed and the processor's time, which other
programs disturb less.

    python benchmarks/catalog.py --images 1000000
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import shapely
import sqlalchemy

from dawnlight.catalog import CatalogClient, Image
from dawnlight.search import Document, Properties, Query
from dawnlight.storage import SqliteStore

PRODUCTS = ("landsat:c2l2", "sentinel-2:l2a", "sentinel-1:grd")
START = datetime(2014, 1, 1, tzinfo=UTC)
DAYS = 3652
# Boxes (west, south, east, north) that hold about the land of the Earth.
LAND = ((-125, 15, -65, 60), (-80, -50, -38, 10), (-15, -34, 48, 65), (48, 8, 140, 68), (114, -38, 153, -11))


def make_images(count: int, seed: int = 1, *, in_time: bool = True) -> Iterator[Document]:
    """Yield documents of images, about as large as real ones; as archives list them, or in random order."""
    rng = random.Random(seed)
    for number in range(count):
        west, south, east, north = rng.choice(LAND)
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        tilt = rng.uniform(0.02, 0.2)
        ring = [(x, y + tilt), (x + 1, y), (x + 1 + tilt, y + 1), (x + tilt, y + 1 + tilt), (x, y + tilt)]
        share = (number + rng.random()) / count if in_time else rng.random()
        when = START + timedelta(seconds=int(share * DAYS * 86400))
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


def build(store: SqliteStore, images: Iterator[Document], batch: int, *, lazily: bool) -> str:
    """Fill a catalog; return images per second in `create`, by the clock and by the processor."""
    store.create([Document(kind="product", id=id_, attributes={"name": id_}) for id_ in PRODUCTS])
    wall = cpu = 0.0
    count = 0
    with store.importing() if lazily else nullcontext():
        while pending := list(islice(images, batch)):
            wall_start, cpu_start = time.perf_counter(), time.process_time()
            store.create(pending)
            wall += time.perf_counter() - wall_start
            cpu += time.process_time() - cpu_start
            count += len(pending)
        wall_start, cpu_start = time.perf_counter(), time.process_time()
    # Leaving the block waits for the disk.
    wall += time.perf_counter() - wall_start
    cpu += time.process_time() - cpu_start
    return f"{count / wall:8.0f}/s ({count / cpu:8.0f}/s of cpu)"


def save_objects(folder: str, count: int) -> str:
    """Fill a catalog with objects that are there; return images per second in `Image.save_many`."""
    with SqliteStore(folder) as store:
        store.create([Document(kind="product", id=id_, attributes={"name": id_}) for id_ in PRODUCTS])
        client = CatalogClient(store)
        # Remote images, because the files of others are looked into.
        objects = [
            Image(id=image.id, client=client, **{**image.attributes, "storage_state": "remote"})
            for image in make_images(count)
        ]
        wall, cpu = time.perf_counter(), time.process_time()
        Image.save_many(objects, progress=False)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return f"{count / wall:8.0f}/s ({count / cpu:8.0f}/s of cpu)"


def report_inserts(store: SqliteStore, arguments: argparse.Namespace) -> None:
    """Fill the catalog that is searched afterwards, and small ones in other ways."""
    images, batch, some = arguments.images, arguments.batch, min(arguments.images, arguments.some)
    rate = build(store, make_images(images), batch, lazily=True)
    print(f"{f'{images} documents by {batch}, importing':42s} {rate}", flush=True)
    for name, in_time, lazily in (
        ("importing", True, True),
        ("each batch on disk", True, False),
        ("importing, random order", False, True),
    ):
        with tempfile.TemporaryDirectory() as folder, SqliteStore(folder) as other:
            rate = build(other, make_images(some, in_time=in_time), batch, lazily=lazily)
        print(f"{f'{some} documents by {batch}, {name}':42s} {rate}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print(f"{f'{some} objects, Image.save_many':42s} {save_objects(folder, some)}", flush=True)


def write_some(folder: str, worker: int, images: int) -> tuple[list[float], list[str]]:
    """Create images one by one; return seconds per image, and the errors."""
    waits, errors = [], []
    rng = random.Random(worker)
    with SqliteStore(folder) as store:
        for number, image in enumerate(make_images(images, seed=worker)):
            name = f"w{worker}-{number}-{rng.random()}"
            attributes = {**image.attributes, "name": name}
            document = Document(
                kind="image", id=f"{image.attributes['product_id']}:{name}", attributes=attributes
            )
            start = time.perf_counter()
            try:
                store.create([document])
            except Exception as error:  # whatever it is, it is counted
                errors.append(repr(error))
            waits.append(time.perf_counter() - start)
    return waits, errors


def report_writers(folder: str, writers: int, images: int) -> None:
    """Let processes write at once and print how long they waited."""
    tasks = [(folder, worker, images) for worker in range(writers)]
    start = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(writers) as pool:
        results = pool.starmap(write_some, tasks)
    rate = writers * images / (time.perf_counter() - start)
    waits = sorted(wait * 1e3 for found, _ in results for wait in found)
    errors = [error for _, found in results for error in found]
    print(
        f"{f'{writers} processes create {images} images each':42s} p50 {statistics.median(waits):8.2f} ms"
        f"   p95 {waits[int(len(waits) * 0.95)]:8.2f} ms   worst {waits[-1]:8.2f} ms   {rate:.0f}/s"
        f"   {len(errors)} errors {sorted(set(errors))[:3]}"
    )


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
        sizes.append(found if isinstance(found, int) else len(getattr(found, "documents", found)))
    walls.sort()
    cpus.sort()
    at = min(len(walls) - 1, int(len(walls) * 0.95))
    return (
        f"p50 {statistics.median(walls):8.2f} ms ({statistics.median(cpus):7.2f} cpu)"
        f"   p95 {walls[at]:8.2f} ms ({cpus[at]:7.2f} cpu)"
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
    parser.add_argument("--some", type=int, default=50_000, help="images of the smaller catalogs")
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--writers", type=int, default=8)
    arguments = parser.parse_args()
    print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"SQLAlchemy {sqlalchemy.__version__}"
    )
    print(f"shapely {shapely.__version__} (GEOS {shapely.geos_version_string}), {platform.machine()}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as folder:
        with SqliteStore(folder) as store:
            report_inserts(store, arguments)
        size = (Path(folder) / "catalog.sqlite").stat().st_size
        print(f"{'size':42s} {size / arguments.images:8.0f} bytes per image")
        with SqliteStore(folder) as store:
            report(store, arguments.rounds)
        report_writers(folder, arguments.writers, 100)
    print(f"load {os.getloadavg()[0]:.1f} at the end")


def report(store: SqliteStore, rounds: int) -> None:
    """Print the figures of the searches."""
    p = Properties()
    ids = [d.id for d in store.page(Query(kind="image").sorted_by("name"), size=10_000).documents]
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
        "one by id": lambda rng: store.get_many("image", [rng.choice(ids)]),
        "newest 100 of a product and a month": lambda rng: store.page(
            newest.filtered((p.product_id == rng.choice(PRODUCTS)) & _month(rng))
        ),
        "count of a product and a month": lambda rng: store.count(
            Query(kind="image").filtered((p.product_id == rng.choice(PRODUCTS)) & _month(rng))
        ),
        "summary by month of a product": lambda rng: store.intervals(
            Query(kind="image").filtered(p.product_id == rng.choice(PRODUCTS)), "acquired", "month"
        ),
        "summary by month of all": lambda rng: store.intervals(Query(kind="image"), "acquired", "month"),
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
        few = "summary" in name or name.startswith("count with")
        print(f"{name:42s} {measure(action, max(5, rounds // (20 if few else 2)))}", flush=True)


def _month(rng: random.Random) -> Any:
    p = Properties()
    year, month = rng.randrange(2014, 2023), rng.randrange(1, 12)
    return (p.acquired >= f"{year}-{month:02d}") & (p.acquired < f"{year}-{month + 1:02d}")


if __name__ == "__main__":
    main()
