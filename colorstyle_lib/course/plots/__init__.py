"""Plots of the notebooks: functions that take data and return a figure; none of them trains."""

from colorstyle_lib.course.plots.attention import (
    discriminator_scores,
    modality_maps,
    override_maps,
    weight_against_change,
    weights_by_image,
)
from colorstyle_lib.course.plots.common import (
    Captioned,
    captioned_grid,
    curves,
    grid_with_maps,
    new_figure,
    picture_grid,
    show_picture,
)
from colorstyle_lib.course.plots.diagrams import (
    course_map,
    discriminator_diagram,
    generator_diagram,
    training_step_diagram,
)
from colorstyle_lib.course.plots.results import (
    bootstrap_samples,
    calibration,
    feature_histograms,
    feature_maps,
    paired_values,
    tradeoff,
    training_intervals,
)
from colorstyle_lib.course.plots.training import (
    before_after,
    modes_and_quality,
    orbits,
    point_clouds,
    point_gan,
    task_inputs,
    training_curves,
    values_by_seed,
)
