"""Widgets: panels for photographs, for new scenes, a GAN on points and claims; each works alone in any notebook.

They need ``ipywidgets``, and anywidget for what one clicks and brushes: with it the browser drags by itself, in plain
JavaScript, and tells Python of finished actions only, while ipycanvas sends every movement of the mouse.
"""

from colorstyle_lib.course.widgets.panels import AttentionPanel, ColorizePanel, RepairPanel, ScenesPanel, StylePanel
from colorstyle_lib.course.widgets.sliders import ClaimRow, ClaimsPanel, PointGanPanel, Sliders
