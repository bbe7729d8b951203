"""Widgets: panels that color, restyle and repair a photograph, or make scenes; each works alone in any notebook.

They need ``ipywidgets``, and anywidget for the picture that one clicks and brushes. Of the two libraries for that,
ipycanvas sends every movement of the mouse to Python and every line of the drawing back; anywidget lets the browser
drag the divider, the hints and the brush by itself and tells Python of finished actions, in plain JavaScript without a
build step or an extension of JupyterLab.
"""

from colorstyle_lib.course.widgets.panel import Named
from colorstyle_lib.course.widgets.panels import AttentionPanel, ColorizePanel, RepairPanel, ScenesPanel, StylePanel
from colorstyle_lib.course.widgets.sliders import Sliders
