from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"dask", "distributed", "rasterio", "sqlalchemy", "numba", "matplotlib", "geopandas", "sqlite3"}


def loaded_after(code: str, cwd: Path | None = None) -> set[str]:
    """Return the top-level modules that a fresh Python has after running `code`."""
    code += "; import sys, json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=cwd)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import dawnlight",
        "from dawnlight.catalog import *; import dawnlight as dl; dl.AOI; repr(dl.Image.search().limit(3))",
        "import dawnlight as dl; dl.Product(id='p', name='P', client=dl.open('memory://')).save()",
    ],
)
def test_heavy_libraries_are_not_loaded(code: str) -> None:
    assert loaded_after(code) & HEAVY == set()


def test_importing_registers_the_accessor() -> None:
    assert "xarray" in loaded_after("import dawnlight, xarray; assert hasattr(xarray.DataArray, 'dl')")


def test_importing_touches_no_file(tmp_path: Path) -> None:
    loaded_after("import dawnlight as dl; dl.CatalogClient.get_default_client()", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []
