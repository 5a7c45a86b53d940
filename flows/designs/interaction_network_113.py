"""113 nodes and 196 edges, which holds 93 % of the TrackML sectors, on parallel engines."""

from codesign.flows.tracking_design import Network, network_design

DESIGN = network_design(
    "interaction_network_113",
    Network(113, 196, "streaming", {113: 1, 196: 2}),
    constraints=("ii <= 600 ns", "latency <= 2500 ns"),
    vectors=1000,
)
