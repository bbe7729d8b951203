"""Applying the model to pictures, folders and clips."""
