"""The all-to-all interaction network of jet constituents, from a Brevitas checkpoint."""

from codesign.flows.jet_design import jet_design

DESIGN = jet_design("interaction_network", "All-to-all interaction network of jet constituents")
