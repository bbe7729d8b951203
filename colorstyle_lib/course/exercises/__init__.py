"""Checkers of the exercises: each takes a function and answers "yes: ..." or "not yet: ...", with a hint."""

from colorstyle_lib.course.exercises.attention import attention_weights, only_texture, rank_correlation
from colorstyle_lib.course.exercises.color import (
    best_guess,
    desaturate,
    gray_keeps_lightness,
    lab_lightness,
    saturation_for,
)
from colorstyle_lib.course.exercises.colorize import best_saturation, guided_line, where_to_ask
from colorstyle_lib.course.exercises.evaluation import fool_colorfulness, kernel_distance, paired_interval
from colorstyle_lib.course.exercises.gan_objective import count_modes, generator_loss, optimal_discriminator
from colorstyle_lib.course.exercises.style_transfer import adain, front, modulate
from colorstyle_lib.course.exercises.training import look_ahead, statistics_of_whole, wins_for_good
