"""Running, publishing and checking the notebooks."""
