"""Valid pixels with the value that is to mark missing ones."""

import numpy as np
import pytest

from dawnlight.errors import ParameterError
from dawnlight.geo import Window
from dawnlight.raster._collisions import Collisions

BLOCK = np.array([[[1, 2], [3, 4]], [[5, 6], [0, 8]]], "int16")
MISSING = np.zeros(BLOCK.shape, bool)
WINDOW = Window(10, 20, 2, 2)


def test_a_valid_pixel_is_named():
    with pytest.raises(ParameterError, match=r"nodata=0 .*band 'nir' has it at row 11, column 20"):
        Collisions(0.0, ["red", "nir"], beside_missing=False).look(BLOCK, None, WINDOW)
    with pytest.raises(ParameterError, match=r"nodata=3 .*band number 1 has it"):
        Collisions(3.0, [None], beside_missing=False).look(BLOCK, MISSING, WINDOW)


@pytest.mark.parametrize("nodata", [None, float("nan"), 7.0])
def test_other_values_are_fine(nodata):
    Collisions(nodata, [], beside_missing=False).look(BLOCK, MISSING, WINDOW)


def test_missing_pixels_have_it():
    missing = BLOCK == 0
    Collisions(0.0, ["red", "nir"], beside_missing=False).look(BLOCK, missing, WINDOW)


def test_where_nothing_is_missing_the_caller_may_say_that_a_value_means_that():
    collisions = Collisions(0.0, ["red", "nir"], beside_missing=True)
    collisions.look(BLOCK, MISSING, WINDOW)
    collisions.look(BLOCK, None, WINDOW)
    with pytest.raises(ParameterError, match="'nir' has it at row 11, column 20"):
        collisions.look(BLOCK, BLOCK == 5, WINDOW.shift(100, 0))
