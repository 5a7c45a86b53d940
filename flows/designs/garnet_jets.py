"""GarNet of jet constituents, from a Brevitas checkpoint; its Gaussian of the distance is a table."""

from codesign.flows.jet_design import jet_design

DESIGN = jet_design("garnet", "GarNet with 4 aggregators of jet constituents")
