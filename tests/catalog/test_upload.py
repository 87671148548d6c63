from __future__ import annotations

import concurrent.futures
import pickle
from typing import Any

import pytest

from dawnlight.catalog import (
    CatalogClient,
    Image,
    ImageUpload,
    ImageUploadEvent,
    ImageUploadOptions,
    ImageUploadStatus,
    Product,
)
from dawnlight.catalog import properties as p
from dawnlight.errors import AttributeValidationError, ConflictError, DeletedObjectError, ServerError

EVENT = {
    "id": "e1",
    "event_datetime": "2023-06-01T10:00:00Z",
    "component": "worker",
    "event_type": "queue",
    "severity": "INFO",
    "message": "Queued",
}


@pytest.fixture
def upload(client: CatalogClient, product: Product) -> ImageUpload:
    """A saved upload that waits for a worker."""
    image = Image(product=product, name="a", acquired="2023-06-01", client=client)
    upload = ImageUpload(
        image=image,
        image_upload_options=ImageUploadOptions(upload_type="file", image_files=["a.tif"]),
        status="pending",
        client=client,
    )
    upload.save()
    return upload


def work(client: CatalogClient, upload: ImageUpload, status: str, **changes: Any) -> None:
    """Do what a worker does."""
    client.store.update("image_upload", str(upload.id), {"status": status, **changes})


def test_the_image_gives_ids(client: CatalogClient) -> None:
    upload = ImageUpload(image=Image(id="fields:a", client=client), client=client)
    assert (upload.image_id, upload.product_id) == ("fields:a", "fields")


def test_the_image_is_written_whole(client: CatalogClient) -> None:
    upload = ImageUpload(image=Image(id="fields:a", acquired="2023-06-01", client=client), client=client)
    assert upload.serialize()["image"] == {
        "type": "image",
        "id": "fields:a",
        "attributes": {"acquired": "2023-06-01T00:00:00Z", "name": "a", "product_id": "fields"},
    }


def test_images_that_cannot_be_uploaded(client: CatalogClient, product: Product) -> None:
    saved = Image(product=product, name="s", client=client)
    saved.save()
    for wrong in (saved, Image(), "fields:a", product):
        with pytest.raises(AttributeValidationError, match="image"):
            ImageUpload(image=wrong)
    with pytest.raises(AttributeValidationError):
        ImageUpload(image_id="fields:b", image=Image(id="fields:a"))
    upload = ImageUpload(image=Image(id="fields:a"))
    with pytest.raises(AttributeValidationError, match="only once"):
        upload.image = Image(id="fields:a")


def test_the_catalog_chooses_the_id(upload: ImageUpload) -> None:
    assert upload.id
    assert upload.state == "saved"


def test_the_options_are_frozen(upload: ImageUpload) -> None:
    assert upload.image_upload_options is not None
    with pytest.raises(AttributeValidationError):
        upload.image_upload_options.upload_size = 3
    with pytest.raises(AttributeValidationError):
        upload.image_upload_options.image_files.append("b.tif")
    with pytest.raises(AttributeValidationError):
        upload.image_upload_options = None


def test_an_upload_comes_back_whole(client: CatalogClient, upload: ImageUpload) -> None:
    found = ImageUpload.get(str(upload.id), client=client)
    assert found is not None
    assert found == upload
    assert found.image_upload_options == upload.image_upload_options
    assert found.image is not None
    assert found.image.state == "unsaved"
    assert found.image.acquired == upload.image.acquired
    assert found.image is found.image
    assert found.state == "saved"
    assert pickle.loads(pickle.dumps(found)) == found


def test_the_users_image_stays_attached(client: CatalogClient, product: Product) -> None:
    image = Image(product=product, name="a", client=client)
    upload = ImageUpload(image=image, client=client)
    upload.save()
    assert upload.image is image
    upload.reload()
    assert upload.image is image


def test_events_are_objects_and_can_be_left_out(client: CatalogClient, upload: ImageUpload) -> None:
    work(client, upload, "running", events=[EVENT])
    upload.reload()
    assert upload.events is not None
    (event,) = upload.events
    assert isinstance(event, ImageUploadEvent)
    assert (event.message, event.event_datetime.year) == ("Queued", 2023)
    (found,) = ImageUpload.search(client=client)
    assert len(found.events) == 1
    (found,) = ImageUpload.search(client=client, includes=False)
    assert found.events is None
    assert found.state == "saved"


def test_search(client: CatalogClient, upload: ImageUpload) -> None:
    search = ImageUpload.search(client=client)
    assert search.filter(p.status == ImageUploadStatus.PENDING).count() == 1
    assert search.filter(p.status == "failure").count() == 0
    assert search.filter(p.image_id == "fields:a").sort("created").collect() == [upload]


def test_reload_saves_the_image_of_a_finished_upload(client: CatalogClient, upload: ImageUpload) -> None:
    image = upload.image
    work(client, upload, "running")
    upload.reload()
    assert image.state == "unsaved"
    Image(id="fields:a", cloud_fraction=0.5, client=client).save()
    work(client, upload, "success")
    upload.reload()
    assert (image.state, image.cloud_fraction) == ("saved", 0.5)


def test_cancel(client: CatalogClient, upload: ImageUpload) -> None:
    upload.cancel()
    assert (upload.status, upload.state) == ("canceled", "saved")
    with pytest.raises(ConflictError, match="canceled"):
        upload.cancel()


def test_a_running_upload_is_canceled_too(client: CatalogClient, upload: ImageUpload) -> None:
    work(client, upload, "running")
    upload.cancel()
    assert upload.status == "canceled"
    assert upload.events is not None
    assert [event.event_type for event in upload.events] == ["cancel"]


def test_cancel_refuses(client: CatalogClient, upload: ImageUpload) -> None:
    with pytest.raises(ValueError, match="only a saved"):
        ImageUpload(client=client).cancel()
    work(client, upload, "success")
    with pytest.raises(ConflictError, match="success"):
        upload.cancel()
    assert (upload.status, upload.state) == ("pending", "saved")
    client.store.delete("image_upload", str(upload.id))
    with pytest.raises(DeletedObjectError):
        upload.cancel()


def test_uploads_cannot_be_deleted(upload: ImageUpload) -> None:
    with pytest.raises(NotImplementedError):
        upload.delete()
    with pytest.raises(NotImplementedError):
        ImageUpload.delete(str(upload.id))


# -- waiting -------------------------------------------------------------------------------------------


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Lengths of the pauses, which take no time."""
    taken: list[float] = []
    monkeypatch.setattr("time.sleep", taken.append)
    return taken


@pytest.mark.parametrize("status", ["success", "failure", "canceled"])
def test_waiting_for_what_is_over(client: CatalogClient, status: str, pauses: list[float]) -> None:
    ImageUpload(status=status, client=client).wait_for_completion()
    assert pauses == []


def test_waiting_asks_again_and_again(
    client: CatalogClient, upload: ImageUpload, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 12:
            work(client, upload, "failure")

    monkeypatch.setattr("time.sleep", sleep)
    upload.wait_for_completion()
    assert upload.status == "failure"
    assert pauses == [1, 1, 1, 1, 1, 5, 10, 10, 30, 60, 60, 60]


@pytest.mark.parametrize("timeout", [0, 0.0, -1])
def test_a_timeout_that_is_over_at_once(upload: ImageUpload, timeout: float, pauses: list[float]) -> None:
    with pytest.raises(concurrent.futures.TimeoutError, match="pending"):
        upload.wait_for_completion(timeout=timeout)
    assert pauses == []


def test_errors_of_the_catalog_are_waited_out(
    client: CatalogClient, upload: ImageUpload, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    get = client.store.get
    answers = iter([True, True, False, False])

    def fail(*args: Any) -> Any:
        if next(answers):
            raise ServerError("down")
        return get(*args)

    work(client, upload, "success")
    monkeypatch.setattr(client.store, "get", fail)
    with pytest.warns(UserWarning, match="down") as caught:
        upload.wait_for_completion()
    assert len(caught) == 2
    assert upload.status == "success"


def test_errors_can_be_waited_out_silently(
    client: CatalogClient, upload: ImageUpload, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    def fail(*args: Any) -> Any:
        raise ServerError("down")

    monkeypatch.setattr(client.store, "get", fail)
    with pytest.raises(concurrent.futures.TimeoutError):
        upload.wait_for_completion(timeout=0, warn_transient_errors=False)
