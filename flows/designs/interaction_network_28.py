"""28 nodes and 56 edges on parallel engines: the throughput-optimised network of Elabd et al."""

from codesign.flows.tracking_design import Network, network_design

DESIGN = network_design(
    "interaction_network_28",
    Network(28, 56, "parallel", {28: 7, 56: 8}),
    constraints=("ii <= 40 ns", "latency <= 200 ns"),
    vectors=1000,
)
