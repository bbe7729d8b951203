"""Fetching images again from their sources, with hashes."""
