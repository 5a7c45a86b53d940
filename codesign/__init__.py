"""codesign: quantised neural networks to verified, triplicated Verilog."""

__version__ = "0.1.0"
