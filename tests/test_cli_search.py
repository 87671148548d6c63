"""The command line: listing, searching, removing and copying what is in a catalog."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from shapely.geometry import box, mapping

from dawnlight import cli
from dawnlight._cli import _common, _removing
from dawnlight.errors import CatalogError
from dawnlight.search import Document, Query
from dawnlight.storage import Finding, SqliteStore, open_store

IMAGES = {
    "a": ("2024-06-01T00:00:00Z", 0.1, (8, 49, 9, 50)),
    "b": ("2024-06-02T00:00:00Z", 0.6, (8, 49, 9, 50)),
    "c": ("2024-07-01T00:00:00Z", None, (-100, 40, -99, 41)),
}


def band(name, type, data_type, index=0):
    attributes = {"name": name, "product_id": "fields", "type": type, "data_type": data_type}
    attributes |= {"data_range": [0, 255], "display_range": [0, 255], "band_index": index}
    return Document(kind="band", id=f"fields:{name}", attributes=attributes)


def documents():
    yield Document(kind="product", id="fields", attributes={"name": "Fields"})
    yield Document(kind="product", id="bare", attributes={"name": "Bare"})
    yield band("red", "spectral", "UInt16")
    for name, (acquired, clouds, bounds) in IMAGES.items():
        attributes = {
            "name": name,
            "product_id": "fields",
            "acquired": acquired,
            "cloud_fraction": clouds,
            "geometry": mapping(box(*bounds)),
            "tags": ["first"] if name == "a" else [],
            "extra_properties": {"orbit": 12, "pass": "up"} if name == "b" else {},
            "storage_state": "remote",
        }
        yield Document(kind="image", id=f"fields:{name}", attributes=attributes)


@pytest.fixture
def catalog(tmp_path):
    folder = str(tmp_path / "catalog")
    with open_store(folder) as store:
        for document in documents():
            store.create([document])
    return folder


@pytest.fixture
def run(catalog, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments, **options):
        return CliRunner().invoke(cli.main, [*map(str, arguments), "-c", catalog], **options)

    return run


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(_common, "is_terminal", lambda: True)


def refused(result, message):
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    return True


# -- ls and get ---------------------------------------------------------------------------------------


def test_ls(run):
    assert run("ls").stdout == run("products").stdout
    assert len(json.loads(run("ls", "--json", "-n", "1").stdout)) == 1
    lines = run("ls", "fields", "-n", "2").stdout.splitlines()
    assert lines[0].split()[:3] == ["band", "type", "data_type"]
    assert lines[1].split()[:3] == ["red", "spectral", "UInt16"]
    assert [line.split()[0] for line in lines[3:]] == ["name", "a", "b", "1"]
    assert lines[-1] == "1 more; --limit 0 lists all."
    told = json.loads(run("ls", "fields", "--json").stdout)
    assert (told["id"], len(told["bands"]), len(told["images"]), told["image_count"]) == ("fields", 1, 3, 3)
    assert "Product 'bare' has no bands." in run("ls", "bare").stdout
    assert refused(run("ls", "nothing"), "there is no product 'nothing'")


def test_get(run):
    image = json.loads(run("get", "fields:a", "--json").stdout)
    assert (image["kind"], image["id"], image["cloud_fraction"]) == ("image", "fields:a", 0.1)
    assert "file_headers" not in image
    lines = run("get", "fields:red").stdout.splitlines()
    assert lines[0] == "band fields:red"
    assert ["data_type", "UInt16"] in [line.split() for line in lines]
    assert run("get", "fields").stdout.startswith("product fields\n")
    assert refused(run("get", "fields:red", "--kind", "image"), "there is no image 'fields:red'")
    assert refused(run("get", "nothing"), "there is no object 'nothing'")


def test_an_id_of_two_kinds_needs_the_kind(run, catalog):
    with open_store(catalog) as store:
        store.create([band("a", "class", "Byte", index=1)])
    assert refused(
        run("get", "fields:a"), "'fields:a' is the id of several: band and image; say which with --kind"
    )
    assert run("get", "fields:a", "--kind", "band").stdout.startswith("band fields:a\n")


@pytest.mark.parametrize("command", ["ls", "get", "search", "rm", "backup"])
def test_help(command):
    result = CliRunner().invoke(cli.main, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


# -- search -------------------------------------------------------------------------------------------


def found(result):
    assert result.exit_code == 0, result.output
    return [json.loads(line)["name"] for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], "abc"),
        (["fields", "--sort", "-acquired", "--limit", "2"], "cb"),
        (["bare"], ""),
        (["--bbox", "-101,39,-98,42"], "c"),
        (["--from", "2024-06-02", "--to", "2024-07-01"], "b"),
        (["-f", "cloud_fraction<0.2"], "a"),
        (["-f", "cloud_fraction > 0", "-f", "name != a"], "b"),
        (["-f", "0.1<cloud_fraction<=0.6"], "b"),
        (["-f", "0.1<=cloud_fraction<=.6"], "ab"),
        (["-f", "cloud_fraction=null"], "c"),
        (["-f", "p.cloud_fraction is not null"], "ab"),
        (["-f", "tags=first"], "a"),
        (["-f", "name in a, 'c'"], "ac"),
        (["-f", "id like fields:_"], "abc"),
        (["-f", "extra_properties.orbit=12"], "b"),
        (["-f", "extra_properties.pass='up'"], "b"),
        (["-f", '{"op": "lt", "name": "cloud_fraction", "val": 0.5}'], "a"),
    ],
)
def test_search(run, arguments, names):
    assert found(run("search", *arguments)) == list(names)


def test_a_geometry_is_text_or_a_file(run, tmp_path):
    text = json.dumps(mapping(box(8.5, 49.5, 8.6, 49.6)))
    path = tmp_path / "place.geojson"
    path.write_text(text)
    assert found(run("search", "-g", text)) == found(run("search", "-g", path)) == ["a", "b"]


def test_forms(run, terminal):
    assert run("search", "-n", "1").stdout.splitlines()[0].split()[:2] == ["id", "acquired"]
    assert "--limit 0 prints all" in run("search", "-n", "1").stderr
    assert run("search", "bare").stdout == "No images found.\n"
    assert [image["name"] for image in json.loads(run("search", "--json").stdout)] == list("abc")
    assert json.loads(run("search", "bare", "--json").stdout) == []
    collection = json.loads(run("search", "--geojson").stdout)
    assert collection["type"] == "FeatureCollection"
    assert [feature["id"] for feature in collection["features"]] == ["fields:a", "fields:b", "fields:c"]
    assert collection["features"][0]["geometry"]["type"] == "Polygon"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-f", "__import__('os')"], "is no condition"),
        (["-f", "clouds<1"], "image has no attribute 'clouds'"),
        (["-f", "cloud_fraction<few"], "'few' must be a number"),
        (["-f", "cloud_fraction<null"], "does not compare with null"),
        (["--sort", "tags"], "tags"),
        (["--bbox", "1,2,3"], "must be four numbers"),
        (["--from", "soon"], "soon"),
        (["-g", "no-such-file"], "is neither GeoJSON nor a file"),
        (["nothing"], "there is no product 'nothing'"),
    ],
)
def test_a_search_that_cannot_be_read_is_told_in_one_line(run, arguments, message):
    result = run("search", *arguments)
    assert refused(result, message)
    assert result.stderr.count("\n") == 1


# -- rm -----------------------------------------------------------------------------------------------


def left(catalog):
    with open_store(catalog, read_only=True) as store:
        return sorted(
            document.id
            for kind in ("product", "band", "image", "image_upload")
            for document in store.search(Query(kind=kind))
        )


EVERYTHING = ["bare", "fields", "fields:a", "fields:b", "fields:c", "fields:red"]


def test_rm_deletes_what_is_named(run, catalog):
    result = run("rm", "fields:a", "fields:red", "fields:a", "--yes")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "deleted image fields:a\ndeleted band fields:red\n"
    assert left(catalog) == ["bare", "fields", "fields:b", "fields:c"]


def test_rm_tells_json(run, catalog):
    done = json.loads(run("rm", "fields", "fields:a", "bare", "--related", "-y", "--json").stdout)
    assert done == [
        {"kind": "image", "id": "fields:a"},
        {"kind": "product", "id": "fields", "related": {"bands": 1, "images": 2, "uploads": 0}},
        {"kind": "product", "id": "bare", "related": {"bands": 0, "images": 0, "uploads": 0}},
    ]
    assert left(catalog) == []


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["fields:a", "nothing", "bare"], "there is no object 'nothing'"),
        (["bare", "fields"], "product 'fields' has 1 band and 3 images; nothing was deleted: give --related"),
        (["fields", "fields:a", "fields:b", "fields:c"], "product 'fields' has 1 band; nothing was deleted"),
    ],
)
def test_rm_deletes_all_or_nothing(run, catalog, ids, message):
    result = run("rm", *ids, "--yes")
    assert refused(result, message)
    assert result.stderr.count("\n") == 1
    assert left(catalog) == EVERYTHING


def test_a_product_goes_without_related_if_all_it_has_is_named(run, catalog):
    assert run("rm", "fields", "fields:a", "fields:b", "fields:c", "fields:red", "-y").exit_code == 0
    assert left(catalog) == ["bare"]


@pytest.mark.parametrize(("answer", "exit_code", "expected"), [("y", 0, ["bare"]), ("n", 1, EVERYTHING)])
def test_rm_asks_at_a_terminal(run, catalog, terminal, monkeypatch, answer, exit_code, expected):
    monkeypatch.setattr(_removing, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    result = run("rm", "fields", "--related", input=f"{answer}\n")
    assert result.exit_code == exit_code
    assert result.stderr.startswith("product fields with 1 band and 3 images\nDelete this? [y/N]")
    assert left(catalog) == expected


@pytest.mark.parametrize(("stdin", "stdout"), [(True, False), (False, True), (False, False)])
def test_rm_asks_nobody_in_a_pipe(run, catalog, monkeypatch, stdin, stdout):
    monkeypatch.setattr(_removing, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: stdin)))
    monkeypatch.setattr(_common, "is_terminal", lambda: stdout)
    assert refused(run("rm", "fields:a", input="y\n"), "give --yes")
    assert left(catalog) == EVERYTHING


def test_rm_of_an_upload_waits_for_its_end(run, catalog):
    with open_store(catalog) as store:
        for id_, status in (("u1", "running"), ("u2", "failure")):
            attributes = {"product_id": "bare", "image_id": "bare:x", "status": status}
            store.create([Document(kind="image_upload", id=id_, attributes=attributes)])
    assert refused(run("rm", "u2", "u1", "-y"), "upload 'u1' is running; cancel it or wait for it")
    assert run("rm", "u2", "-y").stdout == "deleted upload u2\n"
    assert left(catalog) == sorted([*EVERYTHING, "u1"])


def test_rm_names_the_kind_where_an_id_is_that_of_two(run, catalog):
    with open_store(catalog) as store:
        store.create([band("a", "class", "Byte", index=1)])
    assert refused(run("rm", "fields:a", "-y"), "say which with --kind")
    assert run("rm", "fields:a", "-y", "--kind", "band").exit_code == 0
    assert left(catalog) == EVERYTHING


# -- backup -------------------------------------------------------------------------------------------


def test_a_backup_is_a_catalog_of_its_own(run, catalog, tmp_path):
    with open_store(catalog) as store:  # in use
        store.update("image", "fields:a", {"cloud_fraction": 0.3})
        result = run("backup", tmp_path / "copy")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{tmp_path / 'copy'}: 2 products, 1 band, 3 images, 0 uploads (0.")
    assert "Image files are not in it" in result.stdout
    run("rm", "bare", "-y")
    with open_store(str(tmp_path / "copy")) as copy, open_store(catalog) as store:
        assert copy.get("image", "fields:a") == store.get("image", "fields:a")
        assert copy.exists("product", "bare")
        assert copy.doctor(deep=True) == []


def test_a_backup_tells_json(run, tmp_path):
    told = json.loads(run("backup", tmp_path / "copy", "--json").stdout)
    assert told.pop("bytes") == (tmp_path / "copy" / "catalog.sqlite").stat().st_size
    assert told == {
        "folder": str(tmp_path / "copy"),
        "products": 2,
        "bands": 1,
        "images": 3,
        "uploads": 0,
        "image_files": False,
    }


def test_backups_that_cannot_be_made_are_told_in_one_line(run, catalog, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "file").write_text("x")
    for target, message in [
        ("there", "there' exists; name a new folder"),
        ("file", "file' exists; name a new folder"),
        ("no/folder", "no' does not exist; make it first"),
        ("file/folder", "cannot make the folder"),
    ]:
        result = run("backup", tmp_path / target)
        assert refused(result, message)
        assert result.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["catalog", "file", "there"]
    result = CliRunner().invoke(cli.main, ["backup", str(tmp_path / "new"), "-c", str(tmp_path / "there")])
    assert refused(result, "there is no catalog in")
    assert not (tmp_path / "new").exists()


def test_a_catalog_in_memory_has_no_backup(tmp_path):
    with open_store("memory://no-backup"):
        result = CliRunner().invoke(cli.main, ["backup", str(tmp_path / "new"), "-c", "memory://no-backup"])
    assert refused(result, "the catalog 'memory://no-backup' is not in a folder")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("fault", ["unsound", "foreign", "disk"])
def test_a_backup_that_is_not_sound_is_removed(run, tmp_path, monkeypatch, fault):
    if fault == "unsound":
        found = [Finding(check="integrity", message="page 3 is odd")]
        monkeypatch.setattr(SqliteStore, "doctor", lambda self, deep=False: found)
    elif fault == "foreign":
        monkeypatch.setattr(SqliteStore, "uuid", property(lambda self: self.url))
    else:

        def fail(self, path):
            path.write_text("half")
            raise CatalogError("no space left")

        monkeypatch.setattr(SqliteStore, "backup", fail)
    message = {"unsound": "integrity: page 3 is odd", "foreign": "another catalog", "disk": "no space left"}
    assert refused(run("backup", tmp_path / "copy"), message[fault])
    assert not (tmp_path / "copy").exists()
