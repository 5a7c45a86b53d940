"""How registers and logic of a design are protected against upsets: modes of triplication, and what they leave."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from codesign.errors import BadInputError
from codesign.options import SELECTIVE, TMR_MODES
from codesign.single_points import single_points
from codesign.verilog_names import identifier

LANE_MODES = ("full", "full_clocks")
# Values of the parameter TMR of tmr_register; among lanes another module stands in its place.
TMR_VALUES: Mapping[str, int] = {
    "none": 0, "registers": 1, SELECTIVE: 1, "triplicated_voters": 2, "full": 1, "full_clocks": 1,
}  # fmt: skip
# What the emission calls the signals of a node, and nothing else.
_NODE_SIGNALS = "y|r\\d+|r\\d+_live|r\\d+_live_next|sums|done|address|word"


@dataclass(frozen=True)
class Protection:
    """Mode of the design, other modes of single nodes, and with "selective" the bits that stand three times.

    `selected` maps the instance of a register at the top level to its protected bits; the instance of a module with
    state to any bit of it, which protects the module as a whole.
    """

    mode: str = "registers"
    nodes: Mapping[str, str] = field(default_factory=dict)
    selected: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.mode not in (*TMR_MODES, SELECTIVE):
            raise BadInputError(f"tmr must be one of {', '.join(TMR_MODES)} or {SELECTIVE}:FILE, not {self.mode!r}")
        for node, mode in self.nodes.items():
            if mode not in TMR_MODES or mode == "full_clocks":
                legal = ", ".join(one for one in TMR_MODES if one != "full_clocks")
                raise BadInputError(f"node '{node}': tmr must be one of {legal}, not {mode!r}")

    @property
    def has_lanes(self) -> bool:
        """Whether anything stands in lanes: logic, registers and voters three times."""
        return self.mode in LANE_MODES or "full" in self.nodes.values()

    @property
    def has_clocks(self) -> bool:
        """Whether clock and reset come three times."""
        return self.mode == "full_clocks"

    @property
    def tmr_value(self) -> int:
        """The parameter TMR of the top level."""
        return TMR_VALUES[self.mode]

    def parameter(self, node: str | None) -> str:
        """Return what registers of `node` get as TMR: that of the top level, or a value of their own."""
        return "TMR" if node is None or node not in self.nodes else str(TMR_VALUES[self.nodes[node]])

    def protects(self, node: str | None) -> bool:
        """Whether the registers of `node`, or those of no node, are triplicated; "selective" says so bit by bit."""
        return TMR_VALUES[self.mode if node is None else self.nodes.get(node, self.mode)] > 0

    def in_lanes(self, signal: str) -> bool:
        """Whether a signal of the top level that is no port stands three times."""
        mode = next((mode for node, mode in self.nodes.items() if _belongs(signal, node)), self.mode)
        return mode in LANE_MODES

    def remaining_points(self) -> tuple[str, ...]:
        """What remains a single point of failure for an upset or a transient, for people."""
        found = list(single_points(self.mode))
        for node, mode in sorted(self.nodes.items()):
            found += [f"node {node} (tmr {mode}): {text}" for text in single_points(mode) if text not in found]
        return tuple(found)


def _belongs(signal: str, node: str) -> bool:
    return re.fullmatch(f"{re.escape(identifier(node))}_(?:{_NODE_SIGNALS})", signal) is not None


@dataclass(frozen=True)
class RankedBit:
    """One register bit of a campaign: instance path of its `tmr_register`, bit, and how often its upset was harmful."""

    register: str
    bit: int
    sensitivity: float


def select(ranking: Iterable[RankedBit], budget_bits: int) -> dict[str, frozenset[int]]:
    """Return the bits to triplicate, the most sensitive first, `budget_bits` at most, as `Protection.selected`.

    Registers of the top level are chosen bit by bit. A module with state is chosen as a whole, by the mean of its bits,
    as its registers share one parameter. What does not fit any more is passed over for what does.
    """
    if budget_bits < 1:
        raise BadInputError(f"the budget of triplicated bits must be 1 or more, not {budget_bits}")
    units: dict[tuple[str, int], list[float]] = {}
    for one in ranking:
        top, _, inside = one.register.partition(".")
        units.setdefault((top, -1 if inside else one.bit), []).append(one.sensitivity)
    if not units:
        raise BadInputError("the ranking names no register bit: run the campaign on the design without triplication")
    selected: dict[str, set[int]] = {}
    left = budget_bits
    # Equal sensitivities are taken in the order of their names, so that the choice is reproducible.
    for (top, bit), found in sorted(units.items(), key=lambda unit: (-_mean(unit[1]), unit[0])):
        if len(found) <= left:
            selected.setdefault(top, set()).add(bit)
            left -= len(found)
    return {top: frozenset(bits) for top, bits in selected.items()}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
