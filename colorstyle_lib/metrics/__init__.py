"""Metrics of colorization and style transfer, and the bootstrap that says how sure a mean is."""

from colorstyle_lib.metrics.bootstrap import bootstrap, difference_of, mean_of, pair_mean_of, ratio_of
from colorstyle_lib.metrics.coloring import (
    ab_histogram,
    ab_histograms,
    chroma,
    ciede2000,
    colorfulness,
    histogram_distance,
    psnr_ab,
    psnr_rgb,
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
