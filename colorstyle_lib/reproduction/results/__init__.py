"""Recorded numbers: the store, its cache and numbers in texts."""
