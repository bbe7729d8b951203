"""Decoding, reading and writing pictures."""
