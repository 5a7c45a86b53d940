"""Cheapest times under difference constraints, found as the min-cost flow that is the dual of the linear programme.

Minimise sum_v cost[v] * time[v] where time[late] - time[early] >= cycles for every rule: the programme of register
minimisation (Leiserson and Saxe, Algorithmica 6, 1991, section 8). Its dual sends flow along the rules: rule r carries
f[r] >= 0 at a gain of `cycles` a unit, and cost[v] is what stays at v. Potentials of the residual graph are the times.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

import networkx as nx


@dataclass(frozen=True)
class AtLeast:
    """A rule: time[late] - time[early] >= cycles."""

    early: Hashable
    late: Hashable
    cycles: int


def cheapest_times(
    rules: Iterable[AtLeast], costs: Mapping[Hashable, int], origin: Hashable
) -> dict[Hashable, int] | None:
    """Return the integer times of least total cost with time[origin] = 0; None if no times fit.

    Of several such it returns the earliest. `costs` may be negative and is 0 where absent; what it gives for `origin`
    has no meaning. Every vertex must follow from `origin` by rules. Raises `ValueError` where the cost has no lower
    bound.
    """
    flow = nx.DiGraph()
    flow.add_node(origin)
    for rule in rules:
        known = flow.get_edge_data(rule.early, rule.late, {"weight": -rule.cycles})["weight"]
        flow.add_edge(rule.early, rule.late, weight=min(known, -rule.cycles))
    nx.set_node_attributes(flow, {vertex: costs.get(vertex, 0) for vertex in flow}, "demand")
    flow.nodes[origin]["demand"] = -sum(costs.get(vertex, 0) for vertex in flow if vertex != origin)
    try:
        _, amounts = nx.network_simplex(flow)
    except nx.NetworkXUnbounded:
        return None
    except nx.NetworkXUnfeasible as error:
        raise ValueError("the cost of the times has no lower bound") from error
    residual = flow.copy()
    for early, reached in amounts.items():
        for late, amount in reached.items():
            if amount:  # complementary slackness: a rule that carries flow holds with equality
                residual.add_edge(late, early, weight=-flow[early][late]["weight"])
    distance = nx.single_source_bellman_ford_path_length(residual, origin)
    return {vertex: -cycles for vertex, cycles in distance.items()}
