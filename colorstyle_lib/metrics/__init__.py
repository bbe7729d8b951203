"""Metrics of colorization and style transfer, and the bootstrap that says how sure a mean is."""

from colorstyle_lib.metrics.ab_statistics import (
    ab_histogram,
    ab_slice,
    chroma,
    expected_square_error,
    mean_by_lightness,
    sample_pixels,
)
from colorstyle_lib.metrics.bootstrap import bootstrap, difference_of, mean_of, pair_mean_of, ratio_of
from colorstyle_lib.metrics.coloring import (
    ab_histograms,
    ciede2000,
    colorfulness,
    colorfulness_of_absolutes,
    colorfulness_ratios,
    histogram_distance,
    mode_coverage,
    psnr_ab,
    psnr_rgb,
    ssim,
)
from colorstyle_lib.metrics.feature_distance import (
    frechet_distance,
    kernel_distance,
    kernel_pairs,
    perceptual_distances,
    pooled_features,
)
from colorstyle_lib.metrics.flicker import flicker, pan, taken_back
from colorstyle_lib.metrics.style import perceptual_content_distance
