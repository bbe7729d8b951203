"""Plots of the notebooks: functions that take data and return a figure; none of them trains."""

from colorstyle_lib.course.plots.common import (
    MODALITY_COLORS,
    Captioned,
    calibration,
    captioned_grid,
    curves,
    dots_and_bar,
    grid_with_maps,
    new_figure,
    show_picture,
)
from colorstyle_lib.course.plots.diagrams import (
    course_map,
    discriminator_diagram,
    generator_diagram,
    training_step_diagram,
)
from colorstyle_lib.course.plots.training import modes_and_quality, point_gan, training_curves, values_by_seed
