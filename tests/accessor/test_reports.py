from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from dawnlight.catalog import File, Image, ImageCollection
from dawnlight.errors import RasterError
from dawnlight.raster._gdal import read_header


@pytest.fixture
def broken(images: ImageCollection, tmp_path: Path) -> ImageCollection:
    """Three images; the files of the second one are gone, the first one has no classes."""
    made = []
    for number, image in enumerate(images):
        kept = list(image.files)[: 1 if number == 0 else 2]
        paths = [Path(shutil.copy(file.href, tmp_path)) for file in kept]
        copy = Image(
            id=f"fields:copy{number}",
            acquired=image.acquired,
            geometry=image.geometry,
            files=[File(href=str(path)) for path in paths],
            client=image._client,
        )
        copy._file_headers = [
            {**read_header(str(path)).to_dict(), "names": names}
            for path, names in zip(paths, (["green", "red", "nir"], ["scl"]), strict=False)
        ]
        made.append(copy)
        if number == 1:
            for path in paths:
                path.unlink()
    return ImageCollection(made, geocontext=images.geocontext)


def shorten(report: list[dict[str, Any]]) -> set[tuple[str, tuple[str, ...]]]:
    return {(entry["image"], entry["bands"]) for entry in report}


@pytest.mark.filterwarnings("ignore:a read failed:RuntimeWarning")
def test_what_failed_is_listed_with_its_place(broken: ImageCollection) -> None:
    stack = broken.stack("red nir", errors="mask")
    assert stack.dl.report() == []
    stack.compute(scheduler="threads")
    (entry,) = stack.dl.report()
    assert entry["image"] == "fields:copy1"
    assert entry["bands"] == ("red", "nir")
    assert os.path.basename(entry["href"]) == "s1.tif"
    assert entry["window"] == (0, 0, 48, 64)
    assert entry["level"] == 0
    assert "s1.tif" in entry["reason"]


@pytest.mark.filterwarnings("ignore:a read failed:RuntimeWarning")
@pytest.mark.parametrize("chunks", ["auto", None], ids=["lazy", "loaded"])
def test_computed_and_derived_values_know(broken: ImageCollection, chunks: Any) -> None:
    values = broken.stack("red nir", errors="mask", chunks=chunks, progress=False).compute()
    expected = {("fields:copy1", ("red", "nir"))}
    assert shorten(values.dl.report()) == expected
    assert np.isnan(values[1]).all()
    derived = (values.sel(band="nir") - values.sel(band="red")).mean("time", skipna=True)
    assert shorten(derived.dl.report()) == expected
    assert shorten(values.isel(x=slice(3)).copy(deep=True).dl.report()) == expected
    assert shorten(pickle.loads(pickle.dumps(values)).dl.report()) == expected
    assert shorten(values.to_dataset("band").dl.report()) == expected


@pytest.mark.filterwarnings("ignore:a read failed:RuntimeWarning")
def test_slices_list_their_own_images_and_bands(broken: ImageCollection) -> None:
    values = broken.stack("red scl", errors="mask").compute()
    assert shorten(values.dl.report()) == {
        ("fields:copy0", ("scl",)),
        ("fields:copy1", ("red",)),
        ("fields:copy1", ("scl",)),
    }
    assert shorten(values.isel(time=0).dl.report()) == {("fields:copy0", ("scl",))}
    assert shorten(values.sel(band=["red"]).dl.report()) == {("fields:copy1", ("red",))}
    assert values.isel(time=2).dl.report() == []


def test_a_missing_band_is_known_before_anything_is_read(broken: ImageCollection) -> None:
    lazy = broken[:1].stack("scl", broken.geocontext, crs="EPSG:32631", errors="mask", resolution=10)
    (entry,) = lazy.dl.report()
    assert (entry["image"], entry["bands"], entry["reason"]) == (
        "fields:copy0",
        ("scl",),
        "no file for this band",
    )


@pytest.mark.filterwarnings("ignore:a read failed:RuntimeWarning")
def test_reports_of_two_loads_are_kept_apart(broken: ImageCollection) -> None:
    first = broken.stack("red", errors="mask").compute()
    second = broken.stack("red", errors="mask")
    assert len(first.dl.report()) == 1
    assert second.dl.report() == []
    second = second.compute()
    assert len(second.dl.report()) == 1


def test_strict_loads_raise_and_have_nothing_to_report(broken: ImageCollection) -> None:
    stack = broken[1:].stack("red", broken.geocontext)
    with pytest.raises(RasterError, match="fields:copy1"):
        stack.compute()
    assert stack.dl.report() == []
    assert xr.DataArray(np.zeros(3)).dl.report() == []


def test_the_first_failure_is_warned_about(broken: ImageCollection) -> None:
    with pytest.warns(RuntimeWarning, match=r"copy1.*report") as caught:
        broken.stack("red nir", errors="mask", chunks={"x": 10, "band": 1}).compute(scheduler="sync")
    assert len(caught) == 1


def test_an_unknown_log_is_not_taken_for_a_clean_one(loaded: xr.DataArray) -> None:
    foreign = loaded.copy()
    foreign["spatial_ref"].attrs["dawnlight_report"] = "0123456789abcdef-1"
    with pytest.warns(RuntimeWarning, match="another process"):
        assert foreign.dl.report() == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("processes", [False, True], ids=["threads", "processes"])
def test_workers_of_a_cluster_tell(broken: ImageCollection, processes: bool) -> None:
    distributed = pytest.importorskip("distributed")
    stack = broken.stack("red nir", errors="mask")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=processes, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster),
    ):
        values = stack.compute()
        assert shorten(values.dl.report()) == {("fields:copy1", ("red", "nir"))}
    # Once asked for, it is known without the cluster, too.
    assert shorten(values.dl.report()) == {("fields:copy1", ("red", "nir"))}
