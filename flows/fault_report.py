"""Results of a campaign as files and text: counts by kind and class, registers, the ranking of register bits."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.campaign import CONFIDENCE, Flag, Outcome, classify, counts_by, failure_bound, tally
from codesign.counting import clopper_pearson
from codesign.flows.fault_campaign import Results
from codesign.flows.fault_netlist import COPY, FaultNetlist
from codesign.report_text import columns, heading

RANKING_FORMAT = "codesign register ranking 1"
LONGEST_LIST = 8
# Copies in tmr_register and tmr_register_full; Yosys makes a scope of every `else if` of a generate block.
_EMITTED = re.compile(
    r"(?P<register>.+?)(?:\.genblk\d+)*(?:\.(?:single|triplicated)\.q|(?:\.triplicated_voters\.copies)?\.copy)(?P<copy>[ABC])"
)
_BIT = re.compile(r"(?P<name>.*?)(?:\[(?P<bit>\d+)\])?")


def campaign_section(
    results: Results, targets: int, chosen: NDArray[np.bool_] | None = None, *, whole: bool
) -> dict[str, Any]:
    """Counts of the `chosen` experiments on `targets` places; bounds (two-sided, 95 %) and healing times.

    `wrong_output_any` counts wrong outputs whether or not the state healed; `visible` those that reached anything
    beyond the place itself.
    """
    flags, cycles = results.flags, results.cycles
    if chosen is not None:
        flags, cycles = flags[chosen], cycles[chosen]
    outcomes, total = classify(flags), len(flags)
    counts = tally(outcomes)
    failures = counts[Outcome.WRONG_OUTPUT.label] + counts[Outcome.NEVER_HEALED.label]
    healed = cycles[(outcomes != Outcome.NEVER_HEALED) & (cycles > 0)]
    return {
        "targets": targets,
        "injections": total,
        "exhaustive": whole,
        "outcomes": counts,
        "intervals": {name: clopper_pearson(count, total, CONFIDENCE) for name, count in counts.items() if total},
        "failures": failures,
        "failure_bound": failure_bound(failures, total) if total else None,
        "wrong_output_any": int((flags & Flag.WRONG != 0).sum()),
        "visible": int((flags & Flag.VISIBLE != 0).sum()),
        "healing_cycles": {str(n): int(count) for n, count in enumerate(np.bincount(healed)) if count},
    }


def register_of(name: str) -> tuple[str, int, str]:
    """Register, bit and copy of a flip-flop's name; the copy of one that stands alone is ''."""
    match = _BIT.fullmatch(name)
    assert match is not None
    stem, bit = match["name"], int(match["bit"] or 0)
    found = _EMITTED.fullmatch(stem)
    return (found["register"], bit, found["copy"]) if found else (stem, bit, "")


def _bits(netlist: FaultNetlist, copies: NDArray[np.int32]) -> tuple[list[tuple[str, int]], NDArray[np.int64]]:
    """Register bits in the order of their names, and the one that each flip-flop belongs to; copies go together."""
    keys = []
    for name, group in zip(netlist.registers, copies, strict=True):
        register, bit, copy = register_of(name)
        match = COPY.fullmatch(register) if group >= 0 and not copy else None
        # The word of a memory that was mapped to flip-flops stays in the name: wordsA[2] is words[2].
        keys.append((match["stem"] + match["bit"] if match else register, bit))
    bits = sorted(set(keys))
    place = {key: index for index, key in enumerate(bits)}
    return bits, np.array([place[key] for key in keys], np.int64)


def register_counts(
    netlist: FaultNetlist, group: NDArray[np.int32], results: Results
) -> tuple[list[tuple[str, int]], NDArray[np.int64]]:
    """Register bits, and (bits, outcomes) the counts over all of their copies and all cycles."""
    bits, of_flip_flop = _bits(netlist, group)
    return bits, counts_by(of_flip_flop[results.plan.sites], classify(results.flags), len(bits))


def ranking(bits: Sequence[tuple[str, int]], counts: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Register bits, the most sensitive first: the fraction of wrong outputs and states that never healed.

    Bits that no sample hit come last, with no injections.
    """
    entries = []
    for (register, bit), row in zip(bits, counts, strict=True):
        total, wrong, lasting = int(row.sum()), int(row[Outcome.WRONG_OUTPUT]), int(row[Outcome.NEVER_HEALED])
        entries.append(
            {
                "register": register,
                "bit": bit,
                "sensitivity": (wrong + lasting) / total if total else 0.0,
                "injections": total,
                "wrong_output": wrong,
                "never_healed": lasting,
            }
        )
    return sorted(entries, key=lambda e: (not e["injections"], -e["sensitivity"], e["register"], e["bit"]))


def register_section(bits: Sequence[tuple[str, int]], counts: NDArray[np.int64]) -> dict[str, dict[str, int]]:
    """Counts of every outcome by register."""
    names = sorted({register for register, _ in bits})
    place = {name: index for index, name in enumerate(names)}
    rows = np.zeros((len(names), len(Outcome)), np.int64)
    np.add.at(rows, [place[register] for register, _ in bits], counts)
    return {
        name: {outcome.label: int(row[outcome]) for outcome in Outcome} for name, row in zip(names, rows, strict=True)
    }


def seu_text(content: Mapping[str, Any], most_sensitive: Sequence[Mapping[str, Any]]) -> str:
    """Return the summary of a `seu.json` and the head of its ranking, one screen."""
    labels = [outcome.label for outcome in Outcome]
    head = ["fault", "places", "injections", *(label.replace("_", " ") for label in labels), "failures at most (95 %)"]
    parts = {**content["campaigns"], **{f"transient, {n}": part for n, part in content["transients"].items()}}
    rows = [
        [name, str(p["targets"]), str(p["injections"]), *(str(p["outcomes"][label]) for label in labels), _bound(p)]
        for name, p in parts.items()
    ]
    netlist, window, controls = content["netlist"], content["window"], content["controls"]
    title = (
        f"Upsets in {content['name']} (tmr {content['tmr']}): {netlist['flip_flops']} flip-flops, "
        f"{netlist['triples']} bits in three copies, {netlist['nodes']} nodes"
    )
    notes = [
        f"  Faults in cycles {window['first']} to {window['last']}, each observed for {window['horizon_cycles']} cycles"
        + (f"; {content['samples']} drawn with seed {content['seed']}." if content["samples"] else "; all of them."),
        f"  Control: all copies of a bit flipped at once, {controls['failures']} of {controls['injections']} fail.",
        f"  {content['timing']['injections_per_s']:.3g} injections/s over {content['timing']['simulate_s']:.3g} s.",
    ]
    ranked = [e for e in most_sensitive if e["injections"] and e["sensitivity"]][:LONGEST_LIST]
    listed = [f"  {e['register']}[{e['bit']}]: {100 * e['sensitivity']:.3g} %" for e in ranked]
    text = heading(title, [*columns([head, *rows]), *notes])
    return "\n".join(text + (heading("Most sensitive register bits", listed) if listed else [])) + "\n"


def _bound(part: Mapping[str, Any]) -> str:
    return "-" if part["failure_bound"] is None else f"{part['failure_bound']:.3g}"
