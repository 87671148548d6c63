"""`.dl` on a `DataArray`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import xarray as xr

from dawnlight.accessor._asking import Asking
from dawnlight.accessor._computing import Computing
from dawnlight.accessor._placing import Placing

if TYPE_CHECKING:
    import os

    from matplotlib.axes import Axes

__all__ = ["DataArrayAccessor"]


@xr.register_dataarray_accessor("dl")  # type: ignore[no-untyped-call]  # xarray gives it no types
class DataArrayAccessor(Asking[xr.DataArray], Computing[xr.DataArray], Placing[xr.DataArray]):
    """What Dawnlight can do with a `DataArray`: one it loaded, or any other that has a CRS.

    Parameters
    ----------
    obj : xarray.DataArray
        The array; xarray passes it.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import dawnlight
    >>> array = xr.DataArray(np.zeros((2, 2)), {"y": [3.0, 1.0], "x": [0.0, 2.0]})
    >>> array.attrs["crs"] = "EPSG:32631"
    >>> array.dl.geobox.bounds
    (-1.0, 0.0, 3.0, 4.0)
    """

    def __init__(self, obj: xr.DataArray) -> None:
        self._obj = obj

    def __repr__(self) -> str:
        return f"<.dl of {' x '.join(f'{dim}: {size}' for dim, size in self._obj.sizes.items())}>"

    def ndarray(self) -> Any:
        """Compute the values and return them as the reference platform does: in the files' own type.

        Returns
        -------
        numpy.ma.MaskedArray or numpy.ndarray
            Dims as they are. Values that were loaded with masks come as a masked array in the type they had
            before NaN had to fit in (``data_type``), with 0 under the mask. After arithmetic there is no such
            type, and floats stay floats. Loaded without any mask: a plain array.

        Examples
        --------
        >>> import numpy as np, xarray as xr
        >>> xr.DataArray([1.5, np.nan]).dl.ndarray()
        masked_array(data=[1.5, --],
                     mask=[False,  True],
               fill_value=1e+20)
        """
        from dawnlight.accessor._native import to_native

        return to_native(self._obj)

    def to_dataset(self, dim: str = "band") -> xr.Dataset:
        """Make a variable of each band, in the band's own type and with its CF attributes.

        Parameters
        ----------
        dim : str, default "band"
            The dim to take apart; any other is taken apart as `xarray.DataArray.to_dataset` does it.

        Returns
        -------
        xarray.Dataset
            Lazy if the array is. Each variable has ``long_name``, for classes ``flag_values`` and
            ``flag_meanings``, and in ``encoding`` the type and nodata value of its own band. Values that can
            be missing stay floats with NaN, as narrow as the band allows.

        Raises
        ------
        ParameterError
            The array has no such dim.
        BandError
            A band is there twice.

        Examples
        --------
        >>> import numpy as np, xarray as xr
        >>> array = xr.DataArray(np.zeros((2, 2, 3)), {"band": ["red", "nir"]}, ("band", "y", "x"))
        >>> list(array.dl.to_dataset())
        ['red', 'nir']
        """
        from dawnlight.accessor._variables import to_dataset

        return to_dataset(self._obj, dim)

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
        return draw(self._obj, bands, style, path=path, ax=ax)
