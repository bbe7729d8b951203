"""Benchmarks: coloring, steering, calibration, style, flicker and attention."""
