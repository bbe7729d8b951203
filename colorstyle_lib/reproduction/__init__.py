"""Everything that produces a number, a figure or a verdict."""
