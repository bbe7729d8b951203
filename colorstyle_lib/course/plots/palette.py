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

# Signed maps of a and b with gray in the middle. Magenta has blue in it and green has not: the ends stay apart for
# readers who do not tell red from green.
DIVERGING_A = ("#00563f", "#3fb08f", "#e6e6e6", "#e08cc0", "#8e1766")
DIVERGING_B = ("#083a73", "#4c93d0", "#e6e6e6", "#f0c030", "#8a6200")

MODALITY_COLORS = {"color": VERMILION, "texture": BLUE, "shape": GREEN}
MODALITY_MARKERS = {"color": "o", "texture": "s", "shape": "^"}
