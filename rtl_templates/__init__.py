"""Verilog templates: plain parametrised modules, one job each; `lint.vlt` holds the only lint waivers."""
