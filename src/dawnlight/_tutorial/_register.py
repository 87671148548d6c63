"""The synthetic scenes as products, bands and images of a catalog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dawnlight._tutorial._files import write_band
from dawnlight._tutorial._scenes import PIXEL_METRES, TILES, Picture, Scene, Tile
from dawnlight._tutorial._seasons import BANDS, sun_of
from dawnlight._tutorial._weather import CLASS_COLORS, CLASS_LABELS
from dawnlight.catalog import Band, CatalogClient, ClassBand, File, Image, Product, Resolution, SpectralBand
from dawnlight.errors import ParameterError

__all__ = ["PRODUCT_ID", "ensure_product", "file_paths", "new_image", "write_files"]

PRODUCT_ID = "demo-s2"
"""Id of the product of the demo catalog."""

_WAVELENGTHS = {"blue": (492, 66), "green": (560, 36), "red": (665, 31), "nir": (833, 106)}
_CLASSES = "scl"


def file_paths(folder: Path, scene: Scene) -> list[Path]:
    """Return where the files of a scene are, one for each band in the order of the bands."""
    return [folder / scene.name / f"{scene.name}_{band}.tif" for band in (*BANDS, _CLASSES)]


def write_files(folder: Path, scene: Scene, picture: Picture) -> None:
    """Write the files of a scene."""
    *paths, classes = file_paths(folder, scene)
    for path, band, pixels in zip(paths, BANDS, picture.numbers, strict=True):
        write_band(path, pixels, picture.geobox, band=band, is_label=False)
    write_band(classes, picture.classes, picture.geobox, band=_CLASSES, is_label=True)


def ensure_product(
    client: CatalogClient, *, size: int, scenes: int, tiles: Sequence[Tile], home: Path
) -> Product:
    """Return the product with its bands; what is missing of it is made."""
    made_with: dict[str, object] = {"size": size, "scenes": scenes}
    if tuple(tiles) != TILES:
        made_with["tiles"] = " ".join(tile.name for tile in tiles)
    product = Product.get(PRODUCT_ID, client=client)
    if product is None:
        product = Product(
            id=PRODUCT_ID,
            name="Synthetic Sentinel-2",
            description="A made-up country on the border of two UTM zones, for tutorials and tests.",
            tags=["demo"],
            extra_properties=made_with,
            client=client,
        )
        product.save()
    found = dict(product.extra_properties or {})
    if found != made_with:
        raise ParameterError(
            f"{str(home)!r} holds a demo catalog made with {_spell(found)}, not {_spell(made_with)}; "
            "use those numbers, or another folder"
        )
    for band in _bands(product, resolution=PIXEL_METRES / size, client=client):
        if not type(band).exists(str(band.id), client=client):
            band.save()
    return product


def _spell(numbers: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(numbers.items())) or "other numbers"


def _bands(product: Product, *, resolution: float, client: CatalogClient) -> Iterator[Band]:
    for index, name in enumerate(BANDS):
        center, width = _WAVELENGTHS[name]
        yield SpectralBand(
            name=name,
            product=product,
            sort_order=index,
            data_type="UInt16",
            nodata=0,
            data_range=(0, 10000),
            display_range=(0, 3500),
            physical_range=(0, 1),
            physical_range_unit="reflectance",
            resolution=Resolution(value=resolution, unit="meters"),
            wavelength_nm_center=center,
            wavelength_nm_fwhm=width,
            band_index=0,
            file_index=index,
            client=client,
        )
    last = len(CLASS_LABELS) - 1
    yield ClassBand(
        name=_CLASSES,
        product=product,
        description="What each pixel shows: 3 is the shadow of a cloud, 8 to 10 are clouds.",
        sort_order=len(BANDS),
        data_type="Byte",
        nodata=0,
        data_range=(0, last),
        display_range=(0, last),
        resolution=Resolution(value=2 * resolution, unit="meters"),
        class_labels=list(CLASS_LABELS),
        colormap=list(CLASS_COLORS),
        band_index=0,
        file_index=len(BANDS),
        client=client,
    )


def new_image(client: CatalogClient, product: Product, folder: Path, scene: Scene, picture: Picture) -> Image:
    """Describe a scene; its files exist, it is not saved yet."""
    sun = sun_of(scene.day)
    return Image(
        name=scene.name,
        product=product,
        acquired=scene.acquired,
        geometry=picture.footprint,
        cs_code=f"EPSG:{scene.tile.epsg}",
        geotrans=picture.geobox.geotrans,
        x_pixels=picture.geobox.width,
        y_pixels=picture.geobox.height,
        files=[File(href=str(path), size_bytes=path.stat().st_size) for path in file_paths(folder, scene)],
        cloud_fraction=picture.cloud_fraction,
        fill_fraction=picture.fill_fraction,
        solar_azimuth_angle=round(sun.azimuth, 2),
        solar_elevation_angle=round(sun.elevation, 2),
        satellite_id="synthetic-2d",
        tags=[scene.tile.name],
        client=client,
    )
