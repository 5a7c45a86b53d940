"""One design a file: what it is, its budget, and how it binds to a model and data."""
