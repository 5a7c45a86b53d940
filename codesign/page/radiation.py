"""Upsets: what the injection campaign found by kind of fault, and the failures of a chip that follow."""

from collections.abc import Mapping
from typing import Any

from codesign.page.files import UPSET_RATE, UPSETS, Link, RunFolder
from codesign.page.text import Cell, Table, count, table, word

OUTCOMES = ("masked", "corrected_flagged", "corrected_unflagged", "wrong_output", "never_healed")


def upset_table(run: RunFolder) -> Table | None:
    """Faults by kind with their outcomes; None if no campaign was run."""
    content = run.content(UPSETS)
    if content is None:
        return None
    link = run.link(UPSETS)
    parts = {**content["campaigns"], **{f"transient, {name}": part for name, part in content["transients"].items()}}
    head = ("fault", "places", "injections", *(name.replace("_", " ") for name in OUTCOMES), "failures at most (95 %)")
    return table(
        "Injected upsets",
        head,
        [_upsets(name, part, link) for name, part in parts.items()],
        "A failure is a wrong output or a state that never healed.",
    )


def _upsets(name: str, part: Mapping[str, Any], link: Link) -> list[Cell]:
    bound = part.get("failure_bound")
    found = [count(part["outcomes"][outcome], link) for outcome in OUTCOMES]
    failures = part["outcomes"]["wrong_output"] + part["outcomes"]["never_healed"]
    verdict = Cell("-" if bound is None else f"{bound:.2%}" if bound >= 1e-4 else f"{bound:.2g}", link, is_number=True)
    mark = "bad" if failures else "good"
    return [word(name, mark), count(part["targets"], link), count(part["injections"], link), *found, verdict]


def rate_table(run: RunFolder) -> Table | None:
    """Expected failures of a chip; None if the rate was not computed."""
    content = run.content(UPSET_RATE)
    if content is None:
        return None
    link, found, radiation = run.link(UPSET_RATE), content["result"], content["options"]["radiation"]
    rows = [
        [word(part["name"]), count(part["targets"], link), *_interval(part, link), word(part["basis"])]
        for part in found["contributions"]
    ]
    rows.append([word("all"), word(""), *_interval(found, link), word("")])
    note = (
        f"One chip in {radiation['live_s']:g} live seconds at {radiation['flux_per_cm2_s']:g} particles per cm² and "
        f"second, {radiation['cross_section_cm2']:g} cm² per bit, triplication {content['tmr']}."
    )
    return table("Failures per chip", ("contribution", "targets", "expected", "from", "to", "basis"), rows, note)


def _interval(part: Mapping[str, Any], link: Link) -> list[Cell]:
    return [Cell(f"{part[key]:.3g}", link, is_number=True) for key in ("expected", "low", "high")]
