"""Metrics of colorization and style transfer, and the bootstrap that says how sure a mean is."""

from colorstyle_lib.metrics.bootstrap import bootstrap, difference_of, mean_of, pair_mean_of, ratio_of
from colorstyle_lib.metrics.coloring import (
    ab_histogram,
    ab_histograms,
    ab_slice,
    chroma,
    ciede2000,
    colorfulness,
    colorfulness_of_absolutes,
    colorfulness_ratios,
    expected_square_error,
    histogram_distance,
    mean_by_lightness,
    mode_coverage,
    psnr_ab,
    psnr_rgb,
    sample_pixels,
    ssim,
    stain_gradients,
)
from colorstyle_lib.metrics.feature_distance import (
    frechet_distance,
    kernel_distance,
    kernel_pairs,
    perceptual_content_distance,
    perceptual_distances,
    pooled_features,
)
from colorstyle_lib.metrics.flicker import flicker, pan, taken_back
