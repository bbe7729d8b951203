"""Ablations: configurations, training, measuring and effects."""
