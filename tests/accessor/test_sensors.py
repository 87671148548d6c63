"""What sensors call their bands."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from dawnlight.accessor._sensors import find_by_sensor, hints_of
from dawnlight.errors import BandError

pytest.importorskip("spyndex")

S2 = ["B02", "B03", "B04", "B08", "SCL"]
MODIS = ["sur_refl_b01", "sur_refl_b02", "sur_refl_b03"]


@pytest.mark.parametrize(
    ("names", "hints", "red", "nir"),
    [
        (S2, [], "B04", "B08"),
        (["B04", "B8A", "B11"], [], "B04", "B8A"),
        (["B4", "B8"], ["sentinel-2a"], "B4", "B8"),
        (["B3", "B4", "B5"], ["lc08_l1tp"], "B4", "B5"),
        (["B3", "B4", "B5"], ["landsat-7"], "B3", "B4"),
        (["SR_B4", "SR_B5", "QA_PIXEL"], ["landsat-9", "landsat-c2-l2"], "SR_B4", "SR_B5"),
        (["SR_B3", "SR_B4"], ["landsat-5"], "SR_B3", "SR_B4"),
        (["B3", "B4", "B10"], [], "B4", None),  # Sentinel-2 or Landsat 8
        (["B04", "B05"], ["hls.l30"], "B04", "B05"),
        (["B04", "B05"], [], "B04", None),  # of Sentinel-2, 5 is red edge
        (["B3", "B4", "B5"], [], None, None),
        (["B3", "B4", "B5"], ["landsat-8", "landsat-7"], None, None),
        (["SR_B3", "SR_B4", "SR_B5"], ["landsat-c2-l2"], None, None),
        (MODIS, [], "sur_refl_b01", "sur_refl_b02"),
        (["band_1", "band_2"], ["mod09ga"], "band_1", "band_2"),
        (["1", "2", "3", "4"], ["naip"], "1", "4"),
        (["1", "2", "3", "4"], ["my-drone"], None, None),
        (["height", "VV"], ["sentinel-2"], None, None),
        ([], [], None, None),
    ],
)
def test_bands_by_what_sensors_call_them(
    names: list[str], hints: list[str], red: str | None, nir: str | None
) -> None:
    assert (find_by_sensor("R", names, hints), find_by_sensor("N", names, hints)) == (red, nir)


def _stack(names: list[str], **coords: object) -> xr.DataArray:
    values = np.arange(len(names), dtype=float)[None, :, None, None] + 1.0
    return xr.DataArray(values, {"band": names, "time": [0], **coords}, ("time", "band", "y", "x"))


def test_hints_are_platform_and_product() -> None:
    array = _stack(["B4"], satellite_id=("time", ["Landsat-8"]), product_id=("time", ["C2"]))
    assert hints_of(array) == ("landsat-8", "c2")
    assert hints_of(array.isel(time=0)) == ("landsat-8", "c2")
    assert hints_of(_stack(["B4"])) == ()


def test_an_index_needs_no_names_of_bands() -> None:
    assert float(_stack(["B03", "B04", "B08"]).dl.index("NDVI").squeeze()) == pytest.approx((3 - 2) / 5)
    landsat = _stack(["B3", "B4", "B5", "BQA"], product_id=("time", ["LC08_L1TP"]))
    assert float(landsat.dl.index("NDVI").squeeze()) == pytest.approx((3 - 2) / 5)
    assert float(_stack(["red", "nir08"]).dl.index("NDVI").squeeze()) == pytest.approx(1 / 3)
    assert float(_stack(["nir08", "nir", "red"]).dl.index("NDVI").squeeze()) == pytest.approx((2 - 3) / 5)


def test_wavelengths_say_more_than_names() -> None:
    array = _stack(["B03", "B04", "B08"], wavelength=("band", [665.0, 842.0, 1610.0]))
    assert float(array.dl.index("NDVI").squeeze()) == pytest.approx((2 - 1) / 3)


def test_what_is_not_known_is_told() -> None:
    with pytest.raises(
        BandError, match=r"needs N .*Of B3, B4, B5 no wavelength is known \(wavelength_nm_center"
    ):
        _stack(["B3", "B4", "B5"]).dl.index("NDVI")
