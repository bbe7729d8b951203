"""The paper's model: generator, attention, discriminator and their parts."""
