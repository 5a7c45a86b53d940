"""448 nodes and 896 edges streaming through memories: the resource-optimised network of Elabd et al."""

from codesign.flows.tracking_design import Network, network_design

DESIGN = network_design(
    "interaction_network_448",
    Network(448, 896, "streaming", {448: 2, 896: 4}),
    constraints=("ii <= 2000 ns", "latency <= 6000 ns"),
    vectors=200,
)
