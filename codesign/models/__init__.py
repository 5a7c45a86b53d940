"""Models: the ECON-T autoencoder, its checkpoints and the third-party models of the same topology."""
