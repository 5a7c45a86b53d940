"""codesign: quantised neural networks to verified, triplicated Verilog."""

import importlib
from types import ModuleType

__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    """`codesign.api` is imported when it is first used, since what it needs is slow to load."""
    if name == "api":
        return importlib.import_module("codesign.api")
    raise AttributeError(f"module 'codesign' has no attribute {name!r}")
