"""The command line: what it prints, and its exit codes."""

import json
from pathlib import Path

import pytest
from affine import Affine
from click.testing import CliRunner

from dawnlight import cli, tutorial
from dawnlight.geo import GeoBox
from dawnlight.storage import open_store
from dawnlight.testing._rasters import noise, write_raster

BOX = GeoBox((70, 50), Affine(10, 0, 500000, 0, -10, 4600000), "EPSG:32615")


@pytest.fixture
def catalog(tmp_path):
    return str(tmp_path / "catalog")


@pytest.fixture
def run(catalog, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments, catalog=catalog):
        return CliRunner().invoke(cli.main, [*map(str, arguments), *(["-c", catalog] if catalog else [])])

    return run


def write(path, **options):
    return write_raster(path, noise(BOX.shape), BOX, nodata=0, **options)


def test_add_and_list(tmp_path, run):
    for day in (1, 2):
        for band in ("B2", "B4"):
            write(tmp_path / f"s_2024060{day}_{band}.tif")
    result = run("add", "fields", tmp_path, "--pattern", "{name}_{band}.tif")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "product 'fields': 2 images added (4 files)",
        "  new product with bands B2, B4",
        "  acquisition time from name: 4 files",
    ]
    again = run("add", "fields", tmp_path, "--pattern", "{name}_{band}.tif")
    assert again.stdout == "product 'fields': 2 images unchanged (4 files)\n"
    assert run("products").stdout.splitlines() == [
        "id      name    bands  images  from                  to",
        "fields  fields      2       2  2024-06-01T00:00:00Z  2024-06-02T00:00:00Z",
    ]
    listed = run("images", "fields", "--newest", "-n", "1").stdout.splitlines()
    assert listed[0].split() == ["name", "acquired", "crs", "pixels", "files", "bytes"]
    assert listed[1].split()[:6] == ["s_20240602", "2024-06-02T00:00:00Z", "EPSG:32615", "50", "x", "70"]
    assert len(listed) == 2
    assert len(json.loads(run("images", "fields", "--json", "-n", "0").stdout)) == 2
    assert json.loads(run("products", "--json").stdout)[0]["images"] == 2


def test_a_refused_file_is_exit_code_1(tmp_path, run):
    good, bad = write(tmp_path / "a_20240601.tif"), tmp_path / "b_20240601.tif"
    bad.write_text("hello")
    result = run("add", "fields", good, bad)
    assert result.exit_code == 1
    assert "1 image added (1 file), 1 file refused" in result.stdout
    assert f"refused {bad}: is neither a GeoTIFF nor JPEG 2000" in result.stdout
    result = run("add", "fields", good, bad, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["files"] == {"refused": 1, "unchanged": 1}


def test_options_reach_the_function(tmp_path, run, catalog):
    path = write_raster(tmp_path / "a.tif", noise((2, 70, 50)), None)
    (tmp_path / "a.tfw").write_text("10\n0\n0\n-10\n500005\n4599995\n")
    options = ["--bands", "red,nir", "--acquired", "2024-06-01", "--crs", "EPSG:32615", "--box"]
    assert run("add", "fields", path, *options).exit_code == 0
    write_raster(path, noise((2, 70, 50), seed=1), BOX)
    assert run("add", "fields", path, *options).exit_code == 1
    assert run("add", "fields", path, *options, "--update").exit_code == 0
    with open_store(catalog) as store:
        assert store.exists("band", "fields:nir")
        assert store.get("image", "fields:a").get("acquired") == "2024-06-01T00:00:00Z"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "p", "a.tif", "--pattern", "{band}"], "Error: pattern '{band}' needs {name} or {date}"),
        (["add", "p", "a.tif", "--acquired", "soon"], "Error: "),
        (["images", "nothing"], "there is no product 'nothing' in the catalog"),
    ],
)
def test_errors_are_one_line_without_traceback(run, tmp_path, arguments, message):
    run("add", "p", write(tmp_path / "a_20240601.tif"))
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_commands_that_only_look_make_no_catalog(run, catalog):
    for command in (["products"], ["images", "p"], ["doctor"]):
        result = run(*command)
        assert result.exit_code == 2
        assert "Error: " in result.stderr
        assert not Path(catalog).exists()


def test_an_empty_catalog(run, catalog):
    open_store(catalog).close()
    assert run("products").stdout.startswith("The catalog has no products; make one with: dawnlight add")
    assert json.loads(run("products", "--json").stdout) == []


def test_doctor(tmp_path, run):
    path = write(tmp_path / "a_20240601.tif")
    run("add", "p", path)
    result = run("doctor", "--deep")
    assert (result.exit_code, result.stdout.endswith("no problems found\n")) == (0, True)
    write(path, compress="lzw")
    assert run("doctor").exit_code == 0
    result = run("doctor", "--deep", "--json")
    assert result.exit_code == 1
    (found,) = json.loads(result.stdout)
    assert found["check"] == "files"
    assert "has changed since it was added" in found["message"]
    path.unlink()
    assert "no such file" in run("doctor", "--deep").stdout


def test_the_namespace_is_put_in_front(tmp_path, run, catalog, monkeypatch):
    monkeypatch.setattr("dawnlight.catalog.Product.namespace_id", lambda id_, client=None: f"acme:{id_}")
    run("add", "p", write(tmp_path / "a_20240601.tif"))
    with open_store(catalog) as store:
        assert store.exists("product", "acme:p")
    assert run("images", "p").exit_code == 0


def test_the_default_catalog_is_the_one_of_the_settings(tmp_path, run, catalog):
    import dawnlight as dl

    with dl.set_options(catalog=catalog):
        assert run("add", "p", write(tmp_path / "a_20240601.tif"), catalog=None).exit_code == 0
    with open_store(catalog, create=False) as store:
        assert store.exists("product", "p")


def test_demo(tmp_path, run, monkeypatch):
    called = []

    def demo(folder, *, quiet):
        called.append((folder, quiet))
        return tmp_path / "before.png", tmp_path / "after.png"

    monkeypatch.setattr(tutorial, "demo", demo)
    assert run("demo", tmp_path, catalog=None).stdout == ""
    quiet = run("demo", "--quiet", catalog=None)
    assert quiet.stdout.splitlines() == [str(tmp_path / "before.png"), str(tmp_path / "after.png")]
    assert called == [(str(tmp_path), False), (None, True)]


def test_progress_is_shown_on_a_terminal(tmp_path, monkeypatch):
    class Terminal:
        encoding = "utf-8"

        def __init__(self):
            self.text = ""

        def isatty(self):
            return True

        def write(self, text):
            self.text += text

        def flush(self):
            pass

    terminal = Terminal()
    monkeypatch.setattr(cli.sys, "stderr", terminal)
    with cli._progress(hidden=True) as report:
        assert report is None
    with cli._progress(hidden=False) as report:
        report(1, 4)
        report(4, 4)
    assert "4/4" in terminal.text


@pytest.mark.parametrize("command", [[], ["add"], ["products"], ["images"], ["doctor"], ["demo"]])
def test_help(command):
    result = CliRunner().invoke(cli.main, [*command, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.stdout
    assert "\b" not in result.stdout
