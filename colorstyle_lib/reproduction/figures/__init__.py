"""The repository's figures: registry, drawing, sidecars and checking."""
