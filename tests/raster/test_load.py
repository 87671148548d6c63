"""Loading at once: the same values, threads, the first failure, a bar."""

import numpy as np
import pytest

from dawnlight.errors import RasterReadError
from dawnlight.geo import GeoBox
from dawnlight.raster._load import load, show_progress
from dawnlight.testing._engine import make_lazy
from dawnlight.testing._memory import FailingReader, MemoryReader
from dawnlight.testing._rasters import noise

BOX = GeoBox.from_geotrans((0, 10, 0, 400, 0, -10), (40, 60), 32632)
CHUNKS = ((2, 1), (2,), (20, 7, 13), (60,))


def lazy_of(broken=(), **options):
    reader = MemoryReader()
    rows = [reader.add(str(k), noise((2, *BOX.shape), "uint16", k), BOX) for k in range(3)]
    return make_lazy(rows, BOX, FailingReader(reader, broken), **options)


@pytest.mark.parametrize("workers", [None, 1, 5])
def test_values_are_those_of_the_lazy_raster(workers):
    lazy = lazy_of()
    assert load(lazy, CHUNKS, max_workers=workers, progress=False).tobytes() == lazy[:].tobytes()


def test_the_first_failure_is_raised():
    with pytest.raises(RasterReadError, match="image '1'"):
        load(lazy_of(["1", "2"]), CHUNKS, max_workers=2, progress=False)


def test_tolerated_failures_leave_the_rest():
    lazy = lazy_of(["1"], errors="mask")
    with pytest.warns(RuntimeWarning, match="image '1'"):
        found = load(lazy, CHUNKS, progress=False)
    assert np.isnan(found[1]).all()
    assert not np.isnan(found[[0, 2]]).any()


def test_a_bar_is_shown_when_asked_for(capsys):
    load(lazy_of(), CHUNKS, progress=True)
    assert "6/6" in capsys.readouterr().err
    load(lazy_of(), CHUNKS, progress=None)
    load(lazy_of(), CHUNKS, progress=False)
    assert capsys.readouterr().err == ""
    assert show_progress(True)
    assert not show_progress(False)
