"""The colors of all figures by name: the cycle of the style file, which is Okabe and Ito's palette (2008).

Yellow is for areas: as a line it is lost on white. Series of data carry a marker too, so that a figure reads in gray.
"""

from __future__ import annotations

from matplotlib import rc_params_from_file

from colorstyle_lib import paths

_STYLE = rc_params_from_file(paths.STYLE_FILE, use_default_template=False)
BLUE, ORANGE, GREEN, PINK, SKY, VERMILION, YELLOW, BLACK = _STYLE["axes.prop_cycle"].by_key()["color"]

SERIES = (BLUE, VERMILION, GREEN, PINK, ORANGE, SKY, BLACK)
"""Colors of data series, in order."""

MARKERS = "osD^vPX"
"""Markers of the same series."""
