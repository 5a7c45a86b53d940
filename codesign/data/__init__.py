"""Data: trigger cells (geometry, charge codes, files, generator) and jets (files, features, generator)."""
