from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dawnlight as dl
from dawnlight.catalog import CatalogClient, GenericBand, Image, Product
from dawnlight.errors import CatalogError, CatalogNotFoundError, ConfigError
from dawnlight.storage import MemoryStore


@pytest.fixture(autouse=True)
def fresh_default() -> Iterator[None]:
    """No default client before and after."""
    CatalogClient.set_default_client(None)
    yield
    CatalogClient.set_default_client(None)


def make_band(client: CatalogClient, name: str, **attributes: Any) -> GenericBand:
    band = GenericBand(
        id=f"fields:{name}",
        data_type="Byte",
        data_range=(0, 255),
        display_range=(0, 255),
        band_index=0,
        client=client,
        **attributes,
    )
    band.save()
    return band


# -- open ----------------------------------------------------------------------------------------------


def test_open_a_folder_again(tmp_path: Path) -> None:
    with dl.open(tmp_path / "c") as client:
        Product(id="p", name="P", client=client).save()
    with dl.open(str(tmp_path / "c"), create=False) as client:
        assert Product.exists("p", client=client)


def test_open_read_only(tmp_path: Path) -> None:
    dl.open(tmp_path / "c").close()
    with dl.open(tmp_path / "c", read_only=True) as client, pytest.raises(CatalogError):
        Product(id="p", name="P", client=client).save()


def test_open_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CatalogNotFoundError):
        dl.open(tmp_path / "c", create=False)
    with pytest.raises(ConfigError, match="ftp"):
        dl.open("ftp://x")


def test_open_without_address_takes_the_option(tmp_path: Path) -> None:
    with dl.set_options(catalog=str(tmp_path / "c")), dl.open() as client:
        Product(id="p", name="P", client=client).save()
    with dl.open(tmp_path / "c", create=False) as client:
        assert Product.exists("p", client=client)


def test_open_chooses_the_default_until_it_is_closed() -> None:
    client = dl.open("memory://")
    assert CatalogClient.get_default_client() is client
    with dl.open("memory://") as other:
        assert CatalogClient.get_default_client() is other
    with dl.set_options(catalog="memory://other"):
        assert CatalogClient.get_default_client().url == "memory://other"


def test_a_closed_catalog_is_an_error(client: CatalogClient) -> None:
    client.close()
    client.close()
    with pytest.raises(CatalogError):
        Product.exists("p", client=client)


def test_a_client_wraps_a_store() -> None:
    store = MemoryStore()
    client = CatalogClient(store)
    assert client.store is store
    assert client.url == store.url
    assert repr(client) == f"CatalogClient({store.url!r})"
    for wrong in (None, 5, object()):
        with pytest.raises(TypeError):
            CatalogClient(wrong)  # type: ignore[arg-type]


# -- the default client --------------------------------------------------------------------------------


def test_the_default_client_follows_the_settings() -> None:
    with dl.set_options(catalog="memory://one"):
        one = CatalogClient.get_default_client()
        assert CatalogClient.get_default_client() is one
    with dl.set_options(catalog="memory://two"):
        two = CatalogClient.get_default_client()
        assert two is not one
        Product(id="p", name="P").save()
        assert Product.exists("p")
        assert Product.exists("p", client=two)
        assert not Product.exists("p", client=one)


def test_the_default_client_can_be_chosen() -> None:
    client = dl.open("memory://")
    CatalogClient.set_default_client(client)
    Product(id="p", name="P").save()
    assert Product.get("p")._client is client  # type: ignore[union-attr]
    assert [product.id for product in Product.search()] == ["p"]
    with pytest.raises(TypeError):
        CatalogClient.set_default_client("memory://")  # type: ignore[arg-type]


def test_the_default_catalog_is_opened_at_first_use(tmp_path: Path) -> None:
    with dl.set_options(catalog=str(tmp_path / "c")):
        client = CatalogClient.get_default_client()
        image = Image(id="p:a")
        Image.search().limit(3)
        assert not (tmp_path / "c").exists()
        assert image.product is None
        assert (tmp_path / "c").exists()
        client.close()
        assert CatalogClient.get_default_client() is not client
        CatalogClient.get_default_client().close()


def test_the_default_catalog_is_in_the_users_data(tmp_path: Path) -> None:
    code = (
        "import dawnlight as dl; dl.Product(id='p', name='P').save(); "
        "print(dl.CatalogClient.get_default_client().url)"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("DAWNLIGHT_")}
    env |= {"XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    assert str(tmp_path) in done.stdout
    assert list(tmp_path.rglob("catalog*"))


def test_objects_keep_their_client() -> None:
    first, second = dl.open("memory://"), dl.open("memory://")
    CatalogClient.set_default_client(first)
    product = Product(id="p", name="P")
    product.save()
    CatalogClient.set_default_client(second)
    product.name = "Q"
    product.save()
    assert not Product.exists("p")


def test_the_default_client_is_one_for_all_threads(tmp_path: Path) -> None:
    found: list[Any] = []

    def ask() -> None:
        client = CatalogClient.get_default_client()
        found.append((client, client.store))

    with dl.set_options(catalog=str(tmp_path / "c")):
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 8
        assert len({(id(client), id(store)) for client, store in found}) == 1
        CatalogClient.get_default_client().close()


# -- copies --------------------------------------------------------------------------------------------


def test_copies_are_the_same_client(client: CatalogClient) -> None:
    assert copy.copy(client) is client
    assert copy.deepcopy([client])[0] is client
    assert pickle.loads(pickle.dumps(client)) is client


def test_unnamed_memory_catalogs_are_not_mixed_up() -> None:
    clients = [dl.open("memory://") for _ in range(3)]
    assert [pickle.loads(pickle.dumps(client)) for client in clients] == clients


def test_a_pickled_client_opens_the_catalog_elsewhere(tmp_path: Path) -> None:
    client = dl.open(tmp_path / "c")
    Product(id="p", name="Elsewhere", client=client).save()
    (tmp_path / "pickled").write_bytes(pickle.dumps(Product.get("p", client=client)))
    client.close()
    code = (
        f"import pickle; product = pickle.load(open({str(tmp_path / 'pickled')!r}, 'rb')); "
        "product.reload(); print(product.name)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "Elsewhere"


def test_a_memory_catalog_cannot_be_used_elsewhere() -> None:
    client = dl.open("memory://")
    data = pickle.dumps(client)
    client.close()
    token = client._token
    del client
    from dawnlight.catalog._client import _alive

    assert token not in _alive
    with pytest.raises(CatalogNotFoundError):
        pickle.loads(data).store  # noqa: B018


# -- bands ---------------------------------------------------------------------------------------------


def test_bands_are_kept_as_long_as_they_are_the_same(client: CatalogClient, product: Product) -> None:
    assert len(client._bands("fields")) == 0
    band = make_band(client, "b", sort_order=2)
    make_band(client, "a", sort_order=1)
    first = client._bands("fields")
    assert [band.name for band in first] == ["a", "b"]
    assert client._bands("fields") is first
    band.nodata = 7
    band.save()
    assert [band.nodata for band in client._bands("fields")] == [None, 7]
    band.delete()
    assert [band.name for band in client._bands("fields")] == ["a"]
    make_band(client, "b")
    assert len(client._bands("fields")) == 2
    assert len(client._bands("nothing")) == 0


def test_a_band_saved_through_another_client_is_seen(tmp_path: Path) -> None:
    with dl.open(tmp_path / "c") as first, dl.open(tmp_path / "c") as second:
        Product(id="fields", name="F", client=first).save()
        band = make_band(second, "a")
        assert [band.name for band in first._bands("fields")] == ["a"]
        band.nodata = 3
        band.save()
        assert [band.nodata for band in first._bands("fields")] == [3]


def test_a_band_made_anew_is_not_the_old_one(client: CatalogClient, product: Product) -> None:
    make_band(client, "a", nodata=1).delete()
    before = client._bands("fields")
    make_band(client, "a", nodata=2)
    assert len(before) == 0
    assert [band.nodata for band in client._bands("fields")] == [2]
