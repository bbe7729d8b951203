"""TIFF files that Pillow misreads or cannot read, by tifffile: floats of any size and color, 16-bit planes, 32 bits."""

import logging
import math
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageFile
from tifffile import EXTRASAMPLE, PHOTOMETRIC, PLANARCONFIG, TiffFile

from colorstyle_lib.errors import ImageError
from colorstyle_lib.images.header import DEEP_PIXELS
from colorstyle_lib.images.read import to_levels

_MODES = {"MINISWHITE": "L", "MINISBLACK": "L", "RGB": "RGB", "SEPARATED": "CMYK"}
_LARGEST = 1 << 29  # bytes of values, which are converted whole
logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # of a damaged file we say one line ourselves


class DeepTiff(ImageFile.ImageFile):
    """A page of a TIFF file; ``filename`` is what errors call it, ``deep`` that of :class:`.Photo`, once loaded."""

    format = "TIFF"

    def _open(self) -> None:
        self._pages = TiffFile(self.fp).pages
        self.n_frames = len(self._pages)
        self.seek(0)

    def seek(self, frame: int) -> None:
        """Choose a page."""
        self._page, self.deep = self._pages[frame], None
        page = self._page
        self._size, self._mode = (page.imagewidth, page.imagelength), _MODES[page.photometric.name]
        self.getexif()[ExifTags.Base.Orientation] = page.tags.valueof(ExifTags.Base.Orientation, default=1)
        if page.iccprofile:
            self.info["icc_profile"] = page.iccprofile

    def load(self) -> Any:
        """Decode into 8 bits; ImageError for more values than fit into memory, or such as have no white."""
        if (page := self._page) is not None:
            name, colors, self._page = self.filename, len(self._mode), None
            if page.nbytes > _LARGEST:
                raise ImageError(f"{name} holds {page.nbytes / 1e9:.1f} GB of values; write it with 8 bits first")
            values = page.asarray()
            if page.planarconfig == PLANARCONFIG.SEPARATE and values.ndim == 3:
                values = np.moveaxis(values, 0, -1)
            with_alpha = bool(page.extrasamples) and colors < 4
            values = values.reshape(*self._size[::-1], -1)[..., : colors + with_alpha]
            inverted = page.photometric == PHOTOMETRIC.MINISWHITE
            if colors < 4 and math.prod(self._size) <= DEEP_PIXELS:
                self.deep = to_levels(values, name, np.uint16, inverted)  # not used if there is alpha
            values = to_levels(values, name)
            values[..., :colors] ^= np.uint8(255 * inverted)
            if with_alpha:
                self._mode += "A"
                if page.extrasamples[0] == EXTRASAMPLE.ASSOCALPHA:  # colors were multiplied by alpha
                    values[..., :-1] = np.rint(values[..., :-1] * (255 / values[..., -1:].clip(1))).clip(0, 255)
            self.im = Image.frombytes(self._mode, self._size, values.tobytes()).im
        return super().load()
