"""Every example of the API that Dawnlight follows, run as a user would type it.

Examples that are impossible as they were published are here in the form that works; the page
``docs/reference/differences.md`` lists them.
"""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import dawnlight as dl
from dawnlight.catalog import CatalogClient
from dawnlight.geo import from_bounds
from dawnlight.testing import noise, write_raster

PRODUCT = "landsat:LC08:PRE:TOAR"
BANDS = ("red", "green", "blue", "nir", "swir1")
TILE = "256:0:75.0:15:-5:230"

# Name, day, bounds in EPSG:32615 and pixel size. The first is a large scene, five lie over the tile, and
# the last is a small one beside it.
SCENES = [
    (
        "meta_LC80270312016188_v1",
        datetime(2016, 7, 6, 16, 58, tzinfo=UTC),
        (390e3, 4500e3, 486e3, 4596e3),
        600.0,
    ),
    *(
        (f"meta_LC80260322013{day}_v1", datetime.strptime(f"2013{day} 16:04Z", "%Y%j %H:%M%z"), bounds, 300.0)
        for day, bounds in (
            ("108", (404000.0, 4416000.0, 423200.0, 4435200.0)),
            ("124", (400100.0, 4412100.0, 426500.0, 4438500.0)),
            ("140", (400100.0, 4412100.0, 426500.0, 4438500.0)),
            ("156", (400100.0, 4412100.0, 426500.0, 4438500.0)),
            ("172", (400100.0, 4412100.0, 426500.0, 4438500.0)),
        )
    ),
    (
        "meta_LC80270312016204_v1",
        datetime(2016, 7, 22, 16, 58, tzinfo=UTC),
        (440e3, 4510e3, 443e3, 4513e3),
        300.0,
    ),
]


def _fill(folder: Path) -> None:
    """Make the product that the examples speak about, in the default catalog."""
    product = dl.Product(id=PRODUCT, name="Landsat 8 TOAR")
    product.save()
    for number, name in enumerate(BANDS):
        band = dl.SpectralBand(name=name, product=product, band_index=number)
        band.data_type, band.data_range, band.nodata = "UInt16", (0, 10_000), 0
        band.display_range = (0, 4_000)
        band.save()
    for number, (name, acquired, bounds, resolution) in enumerate(SCENES):
        geobox = from_bounds(bounds, resolution=resolution, crs="EPSG:32615", align=False)
        pixels = noise((len(BANDS), *geobox.shape), "uint16", seed=number) % 4_000 + 1
        path = write_raster(folder / f"{name}.tif", pixels.astype(np.uint16), geobox, nodata=0)
        image = dl.Image(name=name, product=product, acquired=acquired, files=[{"href": str(path)}])
        image.save()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CatalogClient]:
    folder = tmp_path_factory.mktemp("seed")
    with dl.open(folder / "catalog") as opened:
        CatalogClient.set_default_client(opened)
        _fill(folder)
        yield opened


@pytest.fixture(autouse=True)
def _place(client: CatalogClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    CatalogClient.set_default_client(client)
    monkeypatch.chdir(tmp_path)


# Outputs end where the published ones depend on the scenes of another archive.
EXAMPLES = {
    "Image.coverage": """
>>> import dawnlight as dl
>>> image = dl.catalog.Image.get("landsat:LC08:PRE:TOAR:meta_LC80270312016188_v1")
>>> image.coverage(image.geometry.buffer(1))
0.1...
""",
    "Image.delete": """
>>> from dawnlight.catalog import Image
>>> Image.delete('my-image-id')
False
""",
    # The path is `dest=`: the second argument is the context. JPEG has one or three bands.
    "Image.download": """
>>> import dawnlight as dl
>>> image = dl.catalog.Image.get("landsat:LC08:PRE:TOAR:meta_LC80270312016188_v1")
>>> image.download("red green blue", resolution=120.)
'landsat:LC08:PRE:TOAR:meta_LC80270312016188_v1-red-green-blue.tif'
>>> import os
>>> os.listdir(".")
['landsat:LC08:PRE:TOAR:meta_LC80270312016188_v1-red-green-blue.tif']
>>> image.download(
...     "nir swir1",
...     dest="rasters/{size:.0f}-{image_id}.tif".format(size=image.geocontext.transform.a, image_id=image.id)
... )
'rasters/600-landsat:LC08:PRE:TOAR:meta_LC80270312016188_v1.tif'
>>> image.download("nir swir1 red", dest="rasters/{}.jpg".format(image.id), scaling="display")
'rasters/landsat:LC08:PRE:TOAR:meta_LC80270312016188_v1.jpg'
>>> sorted(os.listdir("rasters"))
['600-landsat:LC08:PRE:TOAR:meta_LC80270312016188_v1.tif',
 'landsat:LC08:PRE:TOAR:meta_LC80270312016188_v1.jpg']
""",
    "Band.make_valid_name": """
>>> from dawnlight.catalog import SpectralBand, Band
>>> name = "This is a\u0144 @#$^*% \u00ef\u00f1valid name!!!!"
>>> band = SpectralBand()
>>> band.name = Band.make_valid_name(name)
>>> band.name
'This_is_a_valid_name_'
""",
    "Image.ndarray": """
>>> import dawnlight as dl
>>> image = dl.catalog.Image.get("landsat:LC08:PRE:TOAR:meta_LC80270312016188_v1")
>>> arr = image.ndarray("red green blue", resolution=120.)
>>> type(arr)
<class 'numpy.ma...MaskedArray'>
>>> arr.shape
(3, 800, 800)
>>> red_band = arr[0]
>>> red_band.shape, red_band.dtype
((800, 800), dtype('uint16'))
""",
    "Image.search": """
>>> from dawnlight.catalog import Image
>>> search = Image.search().limit(10)
>>> for result in search:
...     print(result.name)
meta_LC8...
""",
    # The context is the second argument, the place of the files `dest=`.
    "ImageCollection.download": """
>>> import dawnlight as dl
>>> tile = dl.common.geo.DLTile.from_key("256:0:75.0:15:-5:230")
>>> product = dl.catalog.Product.get("landsat:LC08:PRE:TOAR")
>>> images = product.images().intersects(tile).limit(5).collect()
>>> images.download("red green blue", tile, dest="rasters")
['rasters/landsat:LC08:PRE:TOAR:meta_LC80260322013108_v1-red-green-blue.tif',
 'rasters/landsat:LC08:PRE:TOAR:meta_LC80260322013124_v1-red-green-blue.tif',
 'rasters/landsat:LC08:PRE:TOAR:meta_LC80260322013140_v1-red-green-blue.tif',
 'rasters/landsat:LC08:PRE:TOAR:meta_LC80260322013156_v1-red-green-blue.tif',
 'rasters/landsat:LC08:PRE:TOAR:meta_LC80260322013172_v1-red-green-blue.tif']
>>> # use explicit paths for a custom naming scheme:
>>> paths = [
...     "{tile.key}/l8-{image.date:%Y-%m-%d-%H:%M}.tif".format(tile=tile, image=image)
...     for image in images
... ]
>>> images.download("nir red", tile, dest=paths)
['256:0:75.0:15:-5:230/l8-2013-04-18-16:04.tif',
 '256:0:75.0:15:-5:230/l8-2013-05-04-16:04.tif',
 '256:0:75.0:15:-5:230/l8-2013-05-20-16:04.tif',
 '256:0:75.0:15:-5:230/l8-2013-06-05-16:04.tif',
 '256:0:75.0:15:-5:230/l8-2013-06-21-16:04.tif']
""",
    # The answer is the path that was given.
    "ImageCollection.download_mosaic": """
>>> import dawnlight as dl
>>> tile = dl.common.geo.DLTile.from_key("256:0:75.0:15:-5:230")
>>> product = dl.catalog.Product.get("landsat:LC08:PRE:TOAR")
>>> images = product.images().intersects(tile).limit(5).collect()
>>> images.download_mosaic("nir red", mask_alpha=False)
'mosaic-nir-red.tif'
>>> images.download_mosaic("red green blue", dest="mosaics/{}.png".format(tile.key))
'mosaics/256:0:75.0:15:-5:230.png'
""",
    "ImageCollection.filter_coverage": """
>>> import dawnlight as dl
>>> aoi_geometry = {
...    'type': 'Polygon',
...    'coordinates': [[[-95, 42],[-93, 42],[-93, 40],[-95, 41],[-95, 42]]]}
>>> product = dl.catalog.Product.get("landsat:LC08:PRE:TOAR")
>>> images = product.images().intersects(aoi_geometry).limit(20).collect()
>>> filtered_images = images.filter_coverage(images.geocontext, 0.01)
>>> assert len(filtered_images) < len(images)
>>> [image.name for image in filtered_images]
['meta_LC80270312016188_v1']
""",
    "Collection.groupby": """
>>> from dawnlight.catalog import Collection
>>> import collections
>>> FooBar = collections.namedtuple("FooBar", ["foo", "bar"])
>>> c = Collection([FooBar("a", True), FooBar("b", False), FooBar("a", False)])
>>> for group, items in c.groupby("foo"):
...     print(group)
...     print(items)
a
Collection([FooBar(foo='a', bar=True), FooBar(foo='a', bar=False)])
b
Collection([FooBar(foo='b', bar=False)])
>>> for group, items in c.groupby("bar"):
...     print(group)
...     print(items)
False
Collection([FooBar(foo='b', bar=False), FooBar(foo='a', bar=False)])
True
Collection([FooBar(foo='a', bar=True)])
""",
    "Collection.sort": """
>>> from dawnlight.catalog import Product
>>> collection = Product.search().collect()
>>> sorted_collection = collection.sort("created", ascending=False)
>>> sorted_collection
ProductCollection([Product: Landsat 8 TOAR
  id: landsat:LC08:PRE:TOAR
  created: ...])
""",
    "Collection.sorted": """
>>> from dawnlight.catalog import Collection
>>> import collections
>>> FooBar = collections.namedtuple("FooBar", ["foo", "bar"])
>>> X = collections.namedtuple("X", "x")
>>> c = Collection([FooBar(1, X("one")), FooBar(2, X("two")), FooBar(3, X("three"))])
>>> c.sorted("foo")
Collection([FooBar(foo=1, bar=X(x='one')), FooBar(foo=2, bar=X(x='two')), FooBar(foo=3, bar=X(x='three'))])
>>> c.sorted("bar.x")
Collection([FooBar(foo=1, bar=X(x='one')), FooBar(foo=3, bar=X(x='three')), FooBar(foo=2, bar=X(x='two'))])
""",
    "Collection.each": """
>>> from dawnlight.catalog import Collection
>>> c = Collection(["one", "two", "three", "four"])
>>> for x in c.each.capitalize():
...     print(x)
One
Two
Three
Four
>>> c.each.capitalize()[:2]
'On'
'Tw'
'Th'
'Fo'
>>> c.each.capitalize().pipe(len)
3
3
5
4
>>> sorted(c.each.capitalize().pipe(len).combine(set))
[3, 4, 5]
""",
    "ImageUpload.search": """
>>> from dawnlight.catalog import (
...     ImageUpload,
...     ImageUploadStatus,
...     properties as p,
... )
>>> search = ImageUpload.search().filter(p.status == ImageUploadStatus.FAILURE)
>>> for result in search:
...     print(result)
""",
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_works(name: str) -> None:
    test = doctest.DocTestParser().get_doctest(EXAMPLES[name], {}, name, __file__, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS, verbose=False)
    report: list[str] = []
    runner.run(test, out=report.append)
    assert runner.summarize(verbose=False).attempted > 0
    assert not runner.failures, "".join(report)
