import numpy as np
import pytest

from dawnlight.raster._masked import to_masked


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
def test_values_come_back_in_their_own_type(dtype):
    top = np.iinfo(dtype).max if np.dtype(dtype).kind in "iu" else 1.5
    wide = np.array(
        [0, np.nan, top], "float32" if np.dtype(dtype).itemsize < 4 or dtype == "float32" else "float64"
    )
    found = to_masked(wide, np.dtype(dtype))
    assert found.dtype == dtype
    assert found.mask.tolist() == [False, True, False]
    assert found.data.tolist() == [0, 0, top]


def test_the_mask_is_full_even_if_nothing_is_missing():
    found = to_masked(np.ones((2, 3), "float32"), np.dtype("uint8"))
    assert found.mask.shape == (2, 3)
    assert not found.mask.any()
    assert to_masked(np.ones((2, 3), "uint8"), np.dtype("uint8")).mask.shape == (2, 3)
