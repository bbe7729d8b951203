"""Training: one step of both networks, the loop, checkpoints."""
