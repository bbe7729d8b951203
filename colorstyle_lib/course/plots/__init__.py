"""Plots of the notebooks."""
