"""What the notebooks share: setup, toy GANs, small trainings."""
