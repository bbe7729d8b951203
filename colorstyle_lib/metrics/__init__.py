"""Metrics of colorization and style transfer, and the bootstrap that says how sure a mean is."""

import lazy_loader

from colorstyle_lib.metrics.bootstrap import Statistic, bootstrap, difference_of, mean_of, pair_mean_of, ratio_of

_COLORS = ["ab_histogram", "ab_histograms", "chroma", "ciede2000", "colorfulness", "histogram_distance"]
_PICTURES = ["psnr_ab", "psnr_rgb", "square_error_ab", "ssim", "stain_gradients"]
_SETS = ["frechet_distance", "kernel_distance", "kernel_pairs", "pooled_features"]
_FEATURES = [*_SETS, "Network", "perceptual_content_distance", "perceptual_distances", "perceptual_network"]
_HOMES = {"coloring": _COLORS + _PICTURES, "feature_distance": _FEATURES}

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs=_HOMES)
