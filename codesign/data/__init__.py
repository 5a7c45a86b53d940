"""Trigger-cell data: module geometry, charge codes, loaders and the embedded generator."""
