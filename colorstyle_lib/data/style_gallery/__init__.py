"""The project's own style pictures."""
