"""Compiled kernels and their NumPy twins give identical values; without numba everything still works."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import dawnlight as dl
from dawnlight.errors import ConfigError
from dawnlight.raster import _jit
from dawnlight.testing._backends import backend_values

SOURCE = Path(_jit.__file__).parent


def run(code, tmp_path, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", *code],
        env={**os.environ, **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_both_back_ends_give_identical_values(tmp_path):
    other = tmp_path / "numpy"
    other.mkdir()
    run(["-m", "dawnlight.testing._backends", str(other)], tmp_path, DAWNLIGHT_JIT="0")
    compiled = backend_values(tmp_path)
    with np.load(other / "values.npz") as plain:
        assert (str(compiled.pop("backend")), str(plain["backend"])) == ("numba", "numpy")
        assert set(plain) - {"backend"} == set(compiled)
        for name, values in compiled.items():
            np.testing.assert_array_equal(plain[name], values, err_msg=name, strict=True)
            assert np.isfinite(values.astype(float)).any(), name


BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "numba":
            raise ImportError("no numba here")
sys.meta_path.insert(0, Block())
import numpy as np
from dawnlight.raster._jit import backend
from dawnlight.raster._kernels_unpack import unpack
found = np.zeros((1, 1, 3), np.uint8)
unpack(np.ones((1, 3, 1), np.uint8), np.zeros(1, np.int64), True, 0, 0, found, 0, 0)
print(backend(), found.ravel().tolist(), "numba" in sys.modules)
"""

BROKEN = """
import sys, types, warnings, importlib.machinery
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == "numba":
            return importlib.machinery.ModuleSpec(name, self)
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        raise SystemError("built for another NumPy")
sys.meta_path.insert(0, Broken())
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    import dawnlight.raster._kernels
from dawnlight.raster._jit import backend
print(backend(), "built for another NumPy" in str(seen[-1].message))
"""


def test_numba_may_be_missing(tmp_path):
    assert run(["-c", BLOCKED], tmp_path).split("\n")[0] == "numpy [1, 2, 3] False"


def test_a_broken_numba_is_told_of_and_done_without(tmp_path):
    assert run(["-c", BROKEN], tmp_path).strip() == "numpy True"


def test_asking_for_the_back_end_does_not_import_numba(tmp_path):
    code = "import sys; from dawnlight.raster._jit import backend; print(backend(), 'numba' in sys.modules)"
    assert run(["-c", code], tmp_path).strip() == "numba False"
    assert run(["-c", code], tmp_path, DAWNLIGHT_JIT="off").strip() == "numpy False"


@pytest.mark.parametrize("value", [1, "yes", None])
def test_the_option_is_true_or_false(value):
    with pytest.raises(ConfigError, match="jit"):
        dl.set_options(jit=value)


def test_an_unknown_value_in_the_environment_is_an_error(monkeypatch):
    monkeypatch.setattr("dawnlight._options._base", None)
    monkeypatch.setattr("dawnlight._options._current", None)
    monkeypatch.setenv("DAWNLIGHT_JIT", "maybe")
    with pytest.raises(ConfigError, match="DAWNLIGHT_JIT"):
        dl.get_options()


def test_no_kernel_starts_threads_of_its_own():
    # Only the threads of dask compute: kernels are serial, and GDAL decodes with one thread.
    for path in SOURCE.glob("_kernels*.py"):
        tree = ast.parse(path.read_text())
        names = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword)}
        assert "parallel" not in names, path.name
        assert "prange" not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}, path.name
    assert '"GDAL_NUM_THREADS": "1"' in (SOURCE / "_gdal_open.py").read_text()
