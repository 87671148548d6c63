"""Add a collection of real rasters to a catalog, and count what is taken and what is refused.

Usage: ``python benchmarks/add_real_data.py FOLDER [--catalog FOLDER_OR_URL]``, FOLDER being the ``rasters``
folder of the trial data. Series and scenes become products with the patterns that a user would give; every
other file becomes a product of its own. Each is added twice: the second time must change nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dawnlight.ingest import AddReport, add_files
from dawnlight.storage import CatalogStore, open_store

BANDS = "{name}_{band}.tif"
SETS: dict[str, dict[str, Any]] = {
    "series/s2_exeter_2024": {},
    "series/landsat_quarterly_netherlands": {"pattern": "{band}/*_{date:%Y%m%d}_{end:%Y%m%d}_nl*.tif"},
    "series/mod13q1_sinop_jp2": {"bands": ["NDVI"]},
    "series/landsat8_newyork_2018_3km": {"pattern": BANDS},
    "series/goes_abi_mesoscale": {"pattern": "{name}_{band:CMI|DQF}.tif"},
    "series/openeo_s2_stac_catalog_2023": {},
    "series/snow_cover_item": {"acquired": "2020-01-01"},
    "scenes/cbers4_awfi_146129_ext_ovr": {"pattern": BANDS},
    "scenes/landsat7_225078_int32_float64": {"pattern": BANDS},
    "scenes/landsat7_olinda": {"acquired": "2000-01-01"},
    "scenes/landsat8_c1_016037_ext_ovr": {"pattern": BANDS},
    "scenes/landsat8_c2l2_005009_greenland": {"pattern": "{name}_{band:SR_*|ST_*|QA_*}.tif"},
    "scenes/landsat8_iguacu_neighbours": {"pattern": "{name}_{band:B?|B?_60m}.tif"},
    "scenes/landsat8_quebec_overlap": {"acquired": "2019-01-01"},
    "scenes/modis_mod10a2_snow": {},
    "scenes/naip_two_utm_zones": {"bands": ["red", "green", "blue", "nir"]},
    "scenes/planetscope_harvey": {
        "pattern": "{date:%Y%m%d_%H%M%S}_*_{band:3B_AnalyticMS|*_udm|3b_Visual}.tif"
    },
    "scenes/s2a_29RKH_20200219_cog": {"pattern": "{name}/{band}.tif", "acquired": "2020-02-19T11:00Z"},
    "scenes/sentinel1_grd_gcps": {},
}
SUFFIXES = {".tif", ".tiff", ".jp2"}


def add_all(folder: Path, store: CatalogStore) -> Iterator[tuple[str, AddReport, float]]:
    """Yield a name, what became of its files, and the seconds it took."""
    for place, options in SETS.items():
        yield place, *add(place.rpartition("/")[2], folder / place, store, options)
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder).as_posix()
        if path.suffix.lower() in SUFFIXES and not any(place.startswith(f"{done}/") for done in SETS):
            yield place, *add(place.replace("/", "-"), path, store, {"acquired": "2020-01-01"})


def add(product: str, files: Path, store: CatalogStore, options: dict[str, Any]) -> tuple[AddReport, float]:
    """Add files twice."""
    start = time.perf_counter()
    report = add_files(product, files, store=store, **options)
    seconds = time.perf_counter() - start
    again = add_files(product, files, store=store, **options)
    if again.count("added") or again.count("unchanged") != report.count("added"):
        sys.exit(f"{files}: adding again changed something: {again}")
    return report, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--catalog", default="memory://")
    arguments = parser.parse_args()
    totals: dict[str, Counter[str]] = {}
    reasons: Counter[str] = Counter()
    with open_store(arguments.catalog) as store:
        for place, report, seconds in add_all(arguments.folder, store):
            group = "/".join(place.split("/")[: 1 if place.startswith(("dem", "classes")) else 2])
            counts = totals.setdefault(group, Counter())
            counts["files added"] += report.count("added")
            counts["images"] += len(report.image_ids("added"))
            counts["files refused"] += len(report.refused)
            if place in SETS:
                print(f"{seconds:6.2f} s  {place}: bands {', '.join(report.created_bands)}")
            for result in report.refused:
                reasons[str(result.reason).partition(";")[0][:100]] += 1
    print()
    for group, counts in totals.items():
        print(f"{group}: {', '.join(f'{count} {what}' for what, count in counts.items() if count)}")
    total = sum(totals.values(), Counter())
    print(f"total: {', '.join(f'{count} {what}' for what, count in total.items())}\n")
    for reason, count in reasons.most_common():
        print(f"{count:3} x {reason}")


if __name__ == "__main__":
    main()
