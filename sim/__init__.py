"""Simulation of emitted designs: cocotb and Verilator, behind one directory that crosses into the simulator."""
