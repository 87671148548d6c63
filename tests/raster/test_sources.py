import pytest

from dawnlight.errors import ParameterError
from dawnlight.raster._sources import RESAMPLERS, normalize_resampler


def test_the_twelve_resamplers():
    assert set(RESAMPLERS) == {
        *("near", "bilinear", "cubic", "cubicspline", "lanczos"),
        *("average", "mode", "max", "min", "med", "q1", "q3"),
    }
    assert all(normalize_resampler(name) == name for name in RESAMPLERS)


@pytest.mark.parametrize("value", ["nearest", "Cubic", "", None, 3])
def test_other_names_are_refused_with_the_list(value):
    with pytest.raises(ParameterError, match=r"resampler=.* is unknown; use one of near, bilinear"):
        normalize_resampler(value)


def test_enums_are_their_values():
    from dawnlight.catalog import ResampleAlgorithm

    assert [normalize_resampler(member) for member in ResampleAlgorithm] == [
        m.value for m in ResampleAlgorithm
    ]
