"""Whether the design meets its budget: the first thing that the page says."""

from dataclasses import dataclass

from codesign.page.files import REPORT, Link, RunFolder
from codesign.page.text import NOT_KNOWN, with_unit
from codesign.report import Constraint

NAMES = {"ii": "Initiation interval", "latency": "Latency", "area": "Cell area", "power": "Power"}
WORDS = {True: "met", False: "missed", None: "not known"}
MARKS = {True: "good", False: "bad", None: "open"}
# How much of a card's gauge the limit takes; the rest shows by how much it is missed.
LIMIT_PERCENT = 60.0


@dataclass(frozen=True)
class Card:
    """One limit: what was found, and how much of the limit's gauge it fills, in percent of the gauge."""

    name: str
    word: str
    mark: str
    value: str
    link: Link
    limit: str
    share: str
    filled_percent: float
    basis: str


@dataclass(frozen=True)
class Verdict:
    """The headline and a card for each limit."""

    mark: str
    headline: str
    detail: str
    cards: tuple[Card, ...]


def verdict(run: RunFolder) -> Verdict:
    """Return the verdict on the constraints of the report; a number that is not there is never a pass."""
    found = run.report.constraints
    cards = tuple(_card(run, constraint) for constraint in found)
    missed = [card for card in cards if card.mark == "bad"]
    unknown = [card for card in cards if card.mark == "open"]
    if not cards:
        return Verdict("open", "No limits were set", "Give them with --constraint, such as 'latency <= 100 ns'.", cards)
    if missed:
        names = ", ".join(f"{card.name.lower()} {card.value} over {card.limit}" for card in missed)
        return Verdict("bad", "Misses its budget", f"{len(missed)} of {len(cards)} limits missed: {names}.", cards)
    if unknown:
        names = ", ".join(card.name.lower() for card in unknown)
        detail = f"{len(cards) - len(unknown)} of {len(cards)} limits met; not known: {names}."
        return Verdict("open", "Budget not fully known", detail, cards)
    return Verdict("good", "Meets its budget", f"All {len(cards)} limits are met.", cards)


def _card(run: RunFolder, constraint: Constraint) -> Card:
    value, limit = constraint.value, constraint.limit
    link = run.link(constraint.source or REPORT, constraint.sha256)
    share = None if value is None or not limit else value / limit
    return Card(
        name=NAMES[constraint.name],
        word=WORDS[constraint.met],
        mark=MARKS[constraint.met],
        value=NOT_KNOWN if value is None else with_unit(value, constraint.unit),
        link=link,
        limit=with_unit(limit, constraint.unit),
        share="" if share is None else f"{share:.0%} of the limit",
        filled_percent=0.0 if share is None else min(round(LIMIT_PERCENT * share, 2), 100.0),
        basis=constraint.basis,
    )
