"""The rules of the house that a machine can check: imports point down, one door for each heavy library.

Everything is read from the syntax trees; nothing is imported, so a broken module cannot hide another.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "dawnlight"

LAYERS: list[set[str]] = [
    {"errors"},
    {"_live_files", "_options"},
    {"geo"},
    {"search"},
    {"raster", "storage"},
    {"ingest"},
    {"catalog"},
    {"accessor", "stac", "service"},
    {"testing", "tutorial", "_tutorial", "cli", "_cli", "common", "exceptions"},
]
"""From the bottom up. Members of one row are strangers to each other, but for the last."""

TOP = len(LAYERS) - 1
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# Library -> modules that may import it at run time. `*` does not stop at dots. NumPy, affine, pyproj and
# shapely are not listed: their values travel between the layers.
DOORS: dict[str, tuple[str, ...]] = {
    "alembic": ("storage._sql*",),
    "dask": ("raster._dask*",),
    "distributed": ("raster._dask*",),
    "fastapi": ("service.*",),
    "filelock": ("storage._locks",),
    "geopandas": ("catalog._frames",),
    "matplotlib": ("accessor._pictures*",),
    "numba": ("raster._jit",),
    "obstore": ("raster._remote*",),
    "odc": ("geo._geobox",),
    "orjson": ("storage._json",),
    "platformdirs": ("_options", "catalog._client"),
    "rasterio": ("raster._gdal*", "raster._writers*"),
    "requests": ("storage._http*", "raster._remote*"),
    "rioxarray": ("raster._labels*",),
    "sqlalchemy": ("storage._sql*",),
    "sqlite3": ("storage._sql*",),
    "tqdm": ("catalog._bulk", "raster._load"),
    "xarray": ("raster._labels*", "accessor.*"),
}

PUBLIC_MODULES = {"errors", "exceptions", "tutorial", "cli", "common.geo"}
MOST_LINES = 500


@dataclass(frozen=True)
class Import:
    """One import of one module, found in the source."""

    importer: str
    target: str
    line: int
    types_only: bool

    def __str__(self) -> str:
        return f"{self.importer} (line {self.line}) imports {self.target}"


def _module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _modules() -> dict[str, Path]:
    return {_module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}


def _targets(node: ast.Import | ast.ImportFrom, importer: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    assert node.level == 0, f"{importer} (line {node.lineno}): write imports in full, not relative"
    assert node.module is not None
    for alias in node.names:
        # `from dawnlight import geo` imports a module; `from dawnlight.geo import AOI` a name of one.
        yield f"{node.module}.{alias.name}" if node.module == "dawnlight" else node.module


def _is_types_only(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _imports(importer: str, tree: ast.AST, types_only: bool = False) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for target in _targets(node, importer):
                yield Import(importer, target, node.lineno, types_only)
        elif isinstance(node, ast.If) and _is_types_only(node.test):
            for child in node.body:
                yield from _imports(importer, ast.Module([child], []), True)
            for child in node.orelse:
                yield from _imports(importer, ast.Module([child], []), types_only)
        else:
            yield from _imports(importer, node, types_only)


def _all_imports() -> list[Import]:
    found = []
    for name, path in _modules().items():
        found.extend(_imports(name, ast.parse(path.read_text(encoding="utf-8"))))
    return found


ALL_IMPORTS = _all_imports()


def _layer(module: str) -> str:
    return module.split(".")[0]


def test_every_module_belongs_to_a_layer() -> None:
    unknown = sorted({_layer(name) for name in _modules() if name} - RANK.keys())
    assert not unknown, f"name the layer of {unknown} in LAYERS, with a decision record"


def test_imports_point_down() -> None:
    wrong = []
    for found in ALL_IMPORTS:
        package, _, inner = found.target.partition(".")
        if package != "dawnlight" or not found.importer:
            continue
        lower, upper = _layer(inner), _layer(found.importer)
        assert lower in RANK, f"{found}: import from the module that defines it, not from the package's root"
        if lower != upper and RANK[lower] >= RANK[upper] and RANK[upper] != TOP:
            wrong.append(str(found))
    assert not wrong, "\n".join(wrong)


def test_heavy_libraries_have_one_door() -> None:
    wrong = []
    for found in ALL_IMPORTS:
        library = found.target.split(".")[0]
        doors = DOORS.get(library)
        if doors is None or found.types_only or not found.importer or RANK[_layer(found.importer)] == TOP:
            continue
        if not any(fnmatch(found.importer, door) for door in doors):
            wrong.append(f"{found}; its doors are {', '.join(doors) or 'none'}")
    assert not wrong, "\n".join(wrong)


def test_every_door_is_used() -> None:
    used = {(found.target.split(".")[0], found.importer) for found in ALL_IMPORTS}
    planned = {"fastapi", "distributed", "requests"}
    for library, doors in DOORS.items():
        if library in planned:
            continue
        for door in doors:
            hit = any(name == library and fnmatch(importer, door) for name, importer in used)
            assert hit, f"nothing imports {library} through {door}: take the door out"


@pytest.mark.parametrize("layer", sorted({_layer(name) for name in _modules() if "." in name}))
def test_a_package_lists_its_public_names(layer: str) -> None:
    path = SOURCE / layer / "__init__.py"
    if layer.startswith("_"):
        return
    names = [
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and "__all__" in {target.id for target in ast.walk(node) if isinstance(target, ast.Name)}
    ]
    assert names, f"{path.relative_to(SOURCE.parent)} has no __all__"


def test_modules_are_private_unless_meant_to_be_imported() -> None:
    public = {
        name
        for name, path in _modules().items()
        if name and path.name != "__init__.py" and not any(part.startswith("_") for part in name.split("."))
    }
    assert public <= PUBLIC_MODULES, f"start these with an underscore: {sorted(public - PUBLIC_MODULES)}"


def test_modules_are_short() -> None:
    long = {
        name: lines
        for name, path in _modules().items()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert not long, f"split by noun: {long}"


def test_the_checks_see_what_they_should() -> None:
    source = """
from typing import TYPE_CHECKING
import dawnlight.geo._crs
from dawnlight import search
if TYPE_CHECKING:
    import xarray
else:
    import dask.array as da
def late():
    try:
        from rasterio.enums import Resampling
    except ImportError:
        raise
"""
    found = {(found.target, found.types_only) for found in _imports("m", ast.parse(source))}
    assert found == {
        ("typing", False),
        ("dawnlight.geo._crs", False),
        ("dawnlight.search", False),
        ("xarray", True),
        ("dask.array", False),
        ("rasterio.enums", False),
    }
