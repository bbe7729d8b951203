"""Losses: the adversarial objectives of equation (1) and its successors, and distances to the real image."""

from colorstyle_lib.losses.adversarial import OBJECTIVES, get_objective, minimax_discriminator, minimax_value
from colorstyle_lib.losses.reconstruction import style_distance, style_statistics
