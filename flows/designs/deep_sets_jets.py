"""Deep Sets of jet constituents, from a Brevitas checkpoint."""

from codesign.flows.jet_design import jet_design

DESIGN = jet_design("deep_sets", "Deep Sets 3-32-32-32, sum, 32-32-5 of jet constituents")
