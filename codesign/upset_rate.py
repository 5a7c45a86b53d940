"""Failures of one chip in its live time, from cross-section, flux, healing times and the campaign of injected upsets.

Every contribution is a number of targets (flip-flops, memory cells, nodes), the upsets that each of them takes
in the live time, and the probability that one upset ends in a wrong output or is never healed. Formulas of accumulated
upsets: `accumulated`. No cross-section, flux or time has a default here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from codesign.accumulated import Period, failures_per_s
from codesign.counting import clopper_pearson, poisson_counts
from codesign.errors import BadInputError

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Radiation:
    """Upsets per bit: cross-section of one bit in cm2, flux in particles per cm2 and second, live time in seconds."""

    cross_section_cm2: float
    flux_per_cm2_s: float
    live_s: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 < value < float("inf"):
                raise BadInputError(f"{name} must be positive and finite, not {value}")

    @property
    def rate_per_s(self) -> float:
        """Upsets per bit and second."""
        return self.cross_section_cm2 * self.flux_per_cm2_s


@dataclass(frozen=True)
class Triples:
    """Bits that stand three times and heal: their number before triplication, and their healing periods."""

    name: str
    bits: int
    periods: tuple[Period, ...]


@dataclass(frozen=True)
class Campaign:
    """Injected upsets of one kind of target: `targets` of them in the chip, and what became of `injections`.

    `exhaustive`: every target in every cycle that differs, so that there is no sampling error over these.
    """

    name: str
    targets: int
    injections: int
    wrong: int
    never_healed: int
    exhaustive: bool

    def __post_init__(self) -> None:
        if min(self.targets, self.wrong, self.never_healed) < 0 or self.injections < 1:
            raise BadInputError(f"campaign '{self.name}' must count at least one injection and nothing below zero")
        if self.failures > self.injections:
            raise BadInputError(f"campaign '{self.name}' has more failures than its {self.injections} injections")

    @property
    def failures(self) -> int:
        """Injections that ended in a wrong output or were never healed."""
        return self.wrong + self.never_healed


@dataclass(frozen=True)
class Nodes:
    """Single points that the user gives a cross-section in cm2 for: `count` nodes, clocks, resets, voters or logic."""

    name: str
    count: int
    cross_section_cm2: float

    def __post_init__(self) -> None:
        if self.count < 1 or not 0 < self.cross_section_cm2 < float("inf"):
            raise BadInputError(f"nodes '{self.name}' need a positive cross-section and at least one node")


@dataclass(frozen=True)
class Contribution:
    """Expected failures in the live time: best value, lower and upper end, and what they rest on."""

    name: str
    targets: int
    expected: float
    low: float
    high: float
    basis: str


@dataclass(frozen=True)
class UpsetRate:
    """Failures of one chip in the live time.

    `low`..`high` holds the expected number with at least `confidence`; `counts` is the range of what one chip shows.
    `upsets` are all upsets of bits, `harmless` those that are masked or corrected, `healing` those with a wrong output
    after which the state is right again.
    """

    contributions: tuple[Contribution, ...]
    expected: float
    low: float
    high: float
    counts: tuple[int, int]
    upsets: float
    harmless: float
    healing: float
    confidence: float


def upset_rate(  # noqa: PLR0917 - a rate has this many independent inputs
    radiation: Radiation,
    triples: Sequence[Triples],
    campaigns: Sequence[Campaign],
    nodes: Sequence[Nodes] = (),
    transients: Sequence[Campaign] = (),
    confidence: float = CONFIDENCE,
) -> UpsetRate:
    """Return the expected failures with their interval.

    The intervals of campaigns are Clopper-Pearson ones, each at a confidence so high that all hold together with
    `confidence` (Bonferroni); their ends therefore add up. `campaigns` hit bits. One of `transients` with the name of
    `nodes` gives the probability for those; without one every transient counts as a failure at most, and as none at
    least; transients that the user gives no nodes for do not count.
    """
    wanted = {node.name for node in nodes}
    by_name = {campaign.name: campaign for campaign in transients if campaign.name in wanted}
    sampled = sum(not campaign.exhaustive for campaign in (*campaigns, *by_name.values()))
    single = 1.0 - (1.0 - confidence) / max(sampled, 1)
    per_bit = radiation.rate_per_s * radiation.live_s
    parts = [_accumulated(radiation, one) for one in triples if one.bits]
    parts += [_single(campaign, campaign.targets, per_bit, single) for campaign in campaigns]
    parts += [_transients(radiation, node, by_name.get(node.name), single) for node in nodes]
    low, high = sum(part.low for part in parts), sum(part.high for part in parts)
    upsets = sum(campaign.targets for campaign in campaigns) * per_bit
    harmless = sum(c.targets * per_bit * (1.0 - c.failures / c.injections) for c in campaigns)
    healing = sum(c.targets * per_bit * c.wrong / c.injections for c in campaigns)
    return UpsetRate(
        tuple(parts),
        sum(part.expected for part in parts),
        low,
        high,
        poisson_counts(low, high, confidence),
        upsets,
        harmless,
        healing,
        confidence,
    )


def _accumulated(radiation: Radiation, triples: Triples) -> Contribution:
    expected = triples.bits * failures_per_s(radiation.rate_per_s, triples.periods) * radiation.live_s
    periods = ", ".join(f"{100 * p.time_fraction:g} % of the time {p.healing_s:.4g} s" for p in triples.periods)
    basis = f"two copies before healing; healing time: {periods}"
    return Contribution(f"accumulated, {triples.name}", triples.bits, expected, expected, expected, basis)


def _single(
    campaign: Campaign, targets: int, upsets_per_target: float, confidence: float, kind: str = "single"
) -> Contribution:
    """One upset at a time: what the campaign measured."""
    upsets, found = targets * upsets_per_target, campaign.failures / campaign.injections
    low, high = found, found
    if not campaign.exhaustive:
        low, high = clopper_pearson(campaign.failures, campaign.injections, confidence)
    how = "exhaustive" if campaign.exhaustive else f"sampled, interval at {100 * confidence:.3g} %"
    basis = f"{campaign.failures} failures of {campaign.injections} injections, {how}"
    return Contribution(f"{kind}, {campaign.name}", targets, upsets * found, upsets * low, upsets * high, basis)


def _transients(radiation: Radiation, nodes: Nodes, campaign: Campaign | None, confidence: float) -> Contribution:
    per_node = nodes.cross_section_cm2 * radiation.flux_per_cm2_s * radiation.live_s
    if campaign is not None:
        return _single(campaign, nodes.count, per_node, confidence, "transients")
    most = nodes.count * per_node
    basis = "no campaign: every transient counts as a failure; the lower end counts none"
    return Contribution(f"transients, {nodes.name}", nodes.count, most, 0.0, most, basis)
