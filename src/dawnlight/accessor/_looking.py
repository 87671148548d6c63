"""What `.dl` shows: pictures, films, maps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import xarray as xr

if TYPE_CHECKING:
    import os
    from datetime import datetime
    from pathlib import Path

    import numpy as np
    from matplotlib.axes import Axes

    from dawnlight.catalog import Image

__all__ = ["Looking"]

T = TypeVar("T", xr.DataArray, xr.Dataset)


class Looking(Generic[T]):
    """Pictures, the same for arrays and datasets."""

    _obj: T

    def show(
        self,
        bands: str | Sequence[str] | None = None,
        *,
        stretch: object = None,
        percentiles: tuple[float, float] = (2, 98),
        gamma: float | None = None,
        colormap: str | None = None,
        slots: int = 12,
        columns: int | None = None,
        size: float = 7.0,
        dpi: int = 120,
        title: str | None = None,
        axes: bool = True,
        legend: bool = True,
        scale_bar: bool = True,
        path: str | os.PathLike[str] | None = None,
        ax: Axes | None = None,
    ) -> Any:
        """Show a picture: three bands as red, green and blue, one band of amounts, or one of classes.

        Of a large array only every n-th pixel is computed, as many as the picture has. Missing pixels are
        transparent, north is up, positions are in units of the CRS. Several time slots become small pictures
        with their dates, all in the same colours.

        Parameters
        ----------
        bands : str or sequence of str, optional
            One or three names. By default the bands that look as the eye sees (by name or wavelength), else
            the three there are, else the first.
        stretch : {"percentile", "display"} or two numbers or three pairs, optional
            Values shown darkest and brightest: percentiles of the pixels shown, the bands' ``display_range``,
            or as given, for each band if there are three pairs. By default percentiles, but not beyond the
            display range (clouds would darken everything else); three bands of bytes are shown as they are.
            Bands with the same display range are stretched together.
        percentiles : tuple of float, default (2, 98)
            For ``stretch="percentile"``.
        gamma : float, optional
            More than 1 brightens the dark parts of a picture in three bands. By default 1, or where
            ``stretch`` is not given, from 1 to 2 so that the middle pixel is well visible.
        colormap : str, optional
            Colour scale of matplotlib for one band of amounts; by default the band's own, or viridis.
        slots : int, default 12
            Most time slots to show; of more, evenly spaced ones are taken.
        columns : int, optional
            Pictures side by side.
        size : float, default 7.0
            Width of all pictures together in inches.
        dpi : int, default 120
            Pixels per inch.
        title : str, optional
            Line above.
        axes, legend, scale_bar : bool, default True
            Whether to draw them. Without axes, a single picture written to a file has exactly the pixels of
            the array.
        path : str or path, optional
            Where to write the picture; its extension decides the format (png, jpg, svg, pdf).
        ax : matplotlib.axes.Axes, optional
            Draw here.

        Returns
        -------
        Picture, matplotlib.axes.Axes or pathlib.Path
            A matplotlib figure that displays itself in notebooks; ``ax`` if given; with ``path`` where it is.

        Raises
        ------
        BandError
            A band is not in the array, or their number is neither one nor three.
        ParameterError
            An argument cannot be used, or the array has more dims than a picture.

        Examples
        --------
        >>> import numpy as np, xarray as xr
        >>> array = xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("y", "x"))
        >>> picture = array.dl.show(title="Six pixels")
        """
        from dawnlight.accessor._pictures import Style, draw
        from dawnlight.accessor._variables import as_array

        style = Style(
            stretch=stretch,
            percentiles=percentiles,
            gamma=gamma,
            colormap=colormap,
            slots=slots,
            columns=columns,
            size=size,
            dpi=dpi,
            title=title,
            axes=axes,
            legend=legend,
            scale_bar=scale_bar,
        )
        return draw(as_array(self._obj), bands, style, path=path, ax=ax)

    def timelapse(
        self,
        path: str | os.PathLike[str],
        bands: str | Sequence[str] | None = None,
        *,
        fps: float = 2.0,
        side: int = 720,
        stretch: object = None,
        percentiles: tuple[float, float] = (2, 98),
        gamma: float | None = None,
        colormap: str | None = None,
        label: bool = True,
    ) -> Path:
        """Write the time slots as a film, all in the same colours, with their dates.

        Parameters
        ----------
        path : str or path
            Ends in ``.gif``, ``.webp`` or ``.mp4`` (which needs the extra ``video``).
        bands, stretch, percentiles, gamma, colormap
            As for `show`.
        fps : float, default 2.0
            Time slots a second.
        side : int, default 720
            Pixels along the longer side, at most.
        label : bool, default True
            Write the date into a corner.

        Returns
        -------
        pathlib.Path
            Where the film is.

        Raises
        ------
        MissingExtraError
            imageio-ffmpeg is not installed.
        ParameterError
            The array has a single time slot, or an argument cannot be used.

        Examples
        --------
        >>> stack.dl.timelapse("summer.gif", "red green blue", fps=4)  # doctest: +SKIP
        """
        from dawnlight.accessor._pictures import Style
        from dawnlight.accessor._pictures_timelapse import write_timelapse
        from dawnlight.accessor._variables import as_array

        style = Style(stretch=stretch, percentiles=percentiles, gamma=gamma, colormap=colormap)
        return write_timelapse(as_array(self._obj), path, bands, style, fps=fps, side=side, label=label)

    def explore(
        self,
        bands: str | Sequence[str] | None = None,
        *,
        live: bool | None = None,
        time: int | str | datetime | np.datetime64 | None = None,
        footprints: bool | Iterable[Image] = False,
        stretch: object = None,
        percentiles: tuple[float, float] = (2, 98),
        gamma: float | None = None,
        colormap: str | None = None,
        slots: int = 12,
        side: int = 1024,
        title: str | None = None,
        basemap: str | None = "OpenStreetMap",
        opacity: float = 1.0,
        proxy: str | None = None,
        path: str | os.PathLike[str] | None = None,
    ) -> Any:
        """Show the array on a map that can be moved and zoomed.

        A live map computes what is looked at, tile by tile and in full resolution, for as long as this Python
        runs. A fixed one has a picture of a set number of pixels, and is whole in itself.

        Parameters
        ----------
        bands, stretch, percentiles, gamma, colormap
            As for `show`.
        live : bool, optional
            Whether tiles are computed on demand; by default yes, unless the map is saved with ``path``.
        time : int, str or datetime, optional
            Show this time slot only: its number, or the one nearest to a moment.
        footprints : bool or images, default False
            Outlines to draw besides: True for those of the array's images, which the catalog is asked for,
            or any images.
        slots : int, default 12
            Most time slots; each is a layer to switch on.
        side : int, default 1024
            Pixels along the longer side of a fixed picture, about.
        title : str, optional
            Name of the layers; by default that of the bands.
        basemap : str, optional
            A tile set that folium knows, or a URL of one: these come from the network when the map is looked
            at. ``"outline"`` shows coasts only, which need none; None is the same.
        opacity : float, default 1.0
            From 0 to 1.
        proxy : str, optional
            For a browser on another machine: where it reaches a port of this one, with ``{port}`` in it, such
            as ``"/user/me/proxy/{port}"`` where jupyter-server-proxy runs.
        path : str or path, optional
            Save the map as an HTML page, too.

        Returns
        -------
        folium.Map
            It has in addition: ``report()``, the tiles that could not be drawn and why; ``urls``, where the
            tiles of each layer are, for other map programs on this machine; ``close()``.

        Raises
        ------
        MissingExtraError
            folium is not installed (extra ``maps``).
        GridError
            The array has no place, or lies where web maps end.
        ParameterError
            There is no such time, or arguments do not go together.

        Notes
        -----
        Colours are chosen once, from an overview, so that all tiles fit together. Zoomed out, what was loaded
        and not calculated with is read from the overviews of its files, anything else at every n-th pixel; a
        tile that would compute more than 67 million pixels stays empty, and the report says so. Tiles are the
        nearest pixels, as `reproject` gives them on the tile's grid.

        The tiles are served on 127.0.0.1 only, under an address that cannot be guessed, until the map is
        forgotten or closed.

        Examples
        --------
        >>> stack.dl.explore("scl", time="2023-06-15")  # doctest: +SKIP
        """
        from dawnlight.accessor._images import find_images
        from dawnlight.accessor._pictures import Style
        from dawnlight.accessor._pictures_map import make_map, pick_time

        style = Style(
            stretch=stretch,
            percentiles=percentiles,
            gamma=gamma,
            colormap=colormap,
            slots=slots,
            title=title,
        )
        obj: Any = self._obj if time is None else pick_time(self._obj, time)
        images: list[Any] = []
        if footprints is True:
            images = list({image.id: image for group in find_images(obj, None) for image in group}.values())
        elif footprints is not False:
            images = list(footprints)
        return make_map(
            obj,
            bands,
            style,
            live=path is None if live is None else live,
            side=side,
            basemap=basemap,
            opacity=opacity,
            images=images,
            proxy=proxy,
            path=path,
        )
