"""28 nodes and 56 edges with 40 hidden units, on parallel engines."""

from codesign.flows.tracking_design import Network, network_design

DESIGN = network_design(
    "interaction_network_h40",
    Network(28, 56, "parallel", {28: 1, 56: 2}, hidden=40, checkpoint="interaction_network_h40"),
    constraints=("ii <= 140 ns", "latency <= 500 ns"),
    vectors=200,
)
