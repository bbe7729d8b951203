"""Adversarial and reconstruction losses."""
