"""Quantisation-aware training: the loop that all models share, and one file a model."""
