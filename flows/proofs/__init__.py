"""Formal proofs, with SymbiYosys and an SMT solver, that upsets of one copy change no output and heal."""
