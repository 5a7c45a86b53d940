"""Models: the ECON-T autoencoder, the jet tagger, their checkpoints, and third-party models of the same topology."""
