"""Checkers of the exercises: each takes a function and answers "yes: ..." or "not yet: ...", with a hint."""

from colorstyle_lib.course.exercises.applications import harmonic_fill, haze, walk
from colorstyle_lib.course.exercises.color import (
    best_guess,
    best_saturation,
    fool_colorfulness,
    gray_keeps_lightness,
    guided_line,
    hinted_dataset,
    kernel_distance,
    lab_lightness,
    paired_interval,
    saturation_for,
)
from colorstyle_lib.course.exercises.networks import (
    adain,
    additive_energies,
    attention_weights,
    count_modes,
    generator_loss,
    look_ahead,
    modulate,
    r1_penalty,
    statistics_of_whole,
    update_average,
)
