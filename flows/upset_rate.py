"""Failures per chip of a run: its manifest, its campaign of injected upsets, and what the user says of the radiation.

`inject/seu.json` is what `codesign inject` leaves in the folder of a run.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from codesign.accumulated import Period
from codesign.answer import Answer
from codesign.errors import BadInputError
from codesign.files import read_json, sha256_of, write_json
from codesign.report_text import columns, heading
from codesign.single_points import single_points
from codesign.upset_rate import Campaign, Nodes, Radiation, Triples, upset_rate

RESULT = "upset-rate/upset_rate.json"
MANIFEST, CAMPAIGNS = "03-compile/rtl/manifest.json", "inject/seu.json"
_NODES = re.compile(r"(?P<name>[\w ]+)=(?P<cross_section>[0-9.]+(?:[eE][+-]?[0-9]+)?)(?:\*(?P<count>[0-9]{1,9}))?")


@dataclass(frozen=True)
class RateOptions:
    """What the user says: radiation, healing in clock cycles, transients of single points, confidence.

    Registers heal every `healing_cycles` cycles, in `gated_fraction` of the time every `gated_cycles`. A memory word
    matters for `memory_healing_cycles` after it was written, None: the latency, after which nothing reads it.
    `transients` are texts as in `parse_nodes`.
    """

    radiation: Radiation
    healing_cycles: int = 1
    gated_cycles: int | None = None
    gated_fraction: float = 0.0
    memory_healing_cycles: int | None = None
    transients: tuple[str, ...] = ()
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if (self.gated_cycles is None) != (self.gated_fraction == 0):
            raise BadInputError("--gated-cycles and --gated-fraction belong together: give both, the fraction above 0")


def parse_nodes(texts: Sequence[str], campaigns: Sequence[Campaign]) -> tuple[Nodes, ...]:
    """Read "NAME=CM2*COUNT" texts, such as "clock=2e-10*40"; `BadInputError` names the text that is wrong.

    Without "*COUNT" there are as many nodes as the campaign of that name found in the netlist.
    """
    counts = {campaign.name: campaign.targets for campaign in campaigns}
    found = []
    for text in texts:
        match = _NODES.fullmatch(text)
        if match is None:
            raise BadInputError(f"--transients {text!r} must be NAME=CM2 or NAME=CM2*COUNT, such as clock=2e-10*40")
        count = counts.get(match["name"]) if match["count"] is None else int(match["count"])
        if count is None:
            known = ", ".join(sorted(counts)) or "none"
            raise BadInputError(f"--transients {text!r} needs *COUNT: nodes known from the campaign are {known}")
        found.append(Nodes(match["name"], count, float(match["cross_section"])))
    names = [one.name for one in found]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise BadInputError(f"--transients names {repeated[0]!r} more than once: give each kind of node one number")
    return tuple(found)


def rate_of_run(folder: Path, options: RateOptions) -> Answer:
    """Write `upset-rate/upset_rate.json` into the folder of a run and return the table."""
    manifest = read_json(folder / MANIFEST, written_by="codesign compile")
    content = read_json(folder / CAMPAIGNS, written_by="codesign inject")
    transients = read_campaigns(content, "transients", folder / CAMPAIGNS)
    found = upset_rate(
        options.radiation,
        triples_of(manifest, options),
        read_campaigns(content, "campaigns", folder / CAMPAIGNS),
        parse_nodes(options.transients, transients),
        transients,
        options.confidence,
    )
    sources = {name: sha256_of(folder / name) for name in (MANIFEST, CAMPAIGNS)}
    result = {
        "tmr": manifest["tmr"],
        "clock_ns": manifest["clock_ns"],
        "options": asdict(options),
        "result": asdict(found),
        "single_points": manifest.get("single_points_of_failure") or single_points(manifest["tmr"]),
        "sha256": sources,
    }
    path = write_json(folder / RESULT, result)
    return Answer(f"{rate_text(read_json(path))}{path}", read_json(path))


def triples_of(manifest: Mapping[str, Any], options: RateOptions) -> tuple[Triples, ...]:
    """Return the triplicated registers and memories of a design with their healing periods."""
    if manifest["tmr"] == "none":
        return ()
    clock_s = manifest["clock_ns"] * 1e-9
    periods = [Period(options.healing_cycles * clock_s, 1.0 - options.gated_fraction)]
    if options.gated_cycles is not None:
        periods.append(Period(options.gated_cycles * clock_s, options.gated_fraction))
    memory_cycles = options.memory_healing_cycles or manifest["latency_cycles"]
    bits = manifest.get("protected_bits", manifest["register_bits"])
    return (
        Triples("registers", bits, tuple(period for period in periods if period.time_fraction)),
        Triples("memories", manifest.get("memory_bits", 0), (Period(memory_cycles * clock_s),)),
    )


def read_campaigns(content: Any, section: str, path: Path) -> tuple[Campaign, ...]:
    """Return what `section` of a `seu.json` counts, where anything was injected; `BadInputError` for another file."""
    try:
        return tuple(
            Campaign(
                name,
                one["targets"],
                one["injections"],
                one["outcomes"]["wrong_output"],
                one["outcomes"]["never_healed"],
                one["exhaustive"],
            )
            for name, one in sorted(content[section].items())
            if one["injections"]
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInputError(f"{path} is no result of `codesign inject`: {error} is missing") from error


def rate_text(result: Mapping[str, Any]) -> str:
    """Return the content of an `upset_rate.json` as aligned text."""
    found, radiation = result["result"], result["options"]["radiation"]
    given = (
        f"Failures of one chip in {radiation['live_s']:g} live seconds at {radiation['flux_per_cm2_s']:g} particles "
        f"per cm2 and second, {radiation['cross_section_cm2']:g} cm2 per bit (tmr {result['tmr']})"
    )
    head = ["contribution", "targets", "expected", "from", "to", "basis"]
    rows = [[p["name"], str(p["targets"]), *_numbers(p), p["basis"]] for p in found["contributions"]]
    low, high = found["counts"]
    notes = [
        f"  The expected number lies in {found['low']:.4g}..{found['high']:.4g} with at least "
        f"{100 * found['confidence']:g} % confidence (given the stimulus of the campaign).",
        f"  One chip shows {low}..{high} failures, with at least {100 * (2 * found['confidence'] - 1):g} %: "
        "that interval and the spread of a Poisson count together.",
        f"  Upsets of bits: {found['upsets']:.4g}; masked or corrected: {found['harmless']:.4g}; with a wrong output "
        f"after which the state healed: {found['healing']:.4g}.",
    ]
    points = [f"  {text}" for text in result["single_points"]]
    lines = heading(given, [*columns([head, *rows, ["all", "", *_numbers(found), ""]]), *notes])
    return "\n".join(lines + heading(f"Single points of failure left by tmr {result['tmr']}", points)) + "\n"


def _numbers(part: Mapping[str, Any]) -> list[str]:
    return [f"{part[key]:.4g}" for key in ("expected", "low", "high")]
