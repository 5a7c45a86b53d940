"""Reports of Vivado, Quartus and nextpnr as numbers.

Tried on reports of Vivado 2021.2 and 2022.2, Quartus Prime 18.1 to 20.1 and nextpnr 0.11; what each reader needs is a
line or a row that many versions share.
"""

import json
import re
from typing import Any

from codesign.errors import BadInputError
from codesign.vendor_numbers import Format, Numbers, VendorKind, VendorNumbers, found, frequency, number, optional

# What the report calls a resource, and what Vivado does: UltraScale, then 7 series.
_VIVADO_ROWS = {
    "LUT": r"LUT as Logic",
    "LUT as memory": r"LUT as Memory",
    "FF": r"(?:CLB|Slice) Registers",
    "CARRY": r"CARRY[48]",
    "MUXF7": r"F7 Muxes",
    "MUXF8": r"F8 Muxes",
    "DSP": r"DSPs",
    "BRAM": r"Block RAM Tile",
    "URAM": r"URAM",
}
_QUARTUS_ROWS = {
    "ALM": (r"Logic utilization \(in ALMs\)", ""),
    "LE": (r"Total logic elements", ""),
    "FF": (r"Total (?:dedicated logic )?registers", "bit"),
    "memory bits": (r"Total (?:block )?memory bits", "bit"),
    "BRAM": (r"Total RAM Blocks", ""),
    "DSP": (r"Total DSP Blocks", ""),
    "9-bit multipliers": (r"Embedded Multiplier 9-bit elements", ""),
}


def vivado_utilization(text: str) -> VendorNumbers:
    """Read `report_utilization`: LUTs of logic and of memory apart, block RAM in tiles of 36 kbit."""
    numbers: Numbers = {}
    for name, row in _VIVADO_ROWS.items():
        used = optional(rf"^\|\s*{row}\*?\s*\|\s*([^|\s]+)\s*\|", text)
        if used:
            numbers[name] = number(used), ""
    for name in ("LUT", "FF"):
        if name not in numbers:
            raise BadInputError(f"lacks the row of {name}: write it with report_utilization, without -hierarchical")
    return VendorNumbers(
        "fpga", _vivado(text), _device(text), _method("report_utilization", text), "synthesised", numbers
    )


def vivado_timing(text: str) -> VendorNumbers:
    """Read `report_timing_summary`: worst slacks over all clocks; critical path and Fmax where there is one period."""
    table = text.split("Design Timing Summary", 1)[1]
    row = found(r"WNS\(ns\).*\n[ -]+\n\s*(\S.*)$", table, "the row of the design timing summary").split()
    if len(row) < 6 or row[0] == "NA":
        raise BadInputError("has no constrained path: give the design a clock")
    numbers: Numbers = {"setup slack": (number(row[0]), "ns"), "total negative slack": (number(row[1]), "ns")}
    if row[4] != "NA":
        numbers["hold slack"] = number(row[4]), "ns"
    periods = {number(one) for one in re.findall(r"^\s*\S+\s+\{[\d. -]+\}\s+([\d.]+)\s+[\d.]+\s*$", text, re.MULTILINE)}
    if len(periods) == 1:
        numbers |= frequency(periods.pop(), numbers["setup slack"][0])
    kind: VendorKind = (
        "measured" if optional(r"^\|\s*Design State\s*:\s*(.*?)\s*$", text) == "Routed" else "synthesised"
    )
    return VendorNumbers("timing", _vivado(text), _device(text), _method("report_timing_summary", text), kind, numbers)


def vivado_power(text: str) -> VendorNumbers:
    """Read `report_power`; the whole chip, so the total does not count against a limit of the block."""
    rows = {
        "total on chip": r"Total On-Chip Power \(W\)",
        "dynamic": r"Dynamic \(W\)",
        "static": r"Device Static \(W\)",
    }
    numbers: Numbers = {
        name: (number(found(rf"^\|\s*{row}\s*\|\s*([^|]+?)\s*\|", text, name)) * 1e3, "mW")
        for name, row in rows.items()
    }
    confidence = optional(r"^\|\s*Confidence Level\s*\|\s*([^|]+?)\s*\|", text, "not stated")
    method = f"{_method('report_power', text)}; confidence {confidence}"
    return VendorNumbers("power", _vivado(text), _device(text), method, "estimated", numbers)


def _vivado(text: str) -> str:
    version = found(r"Tool Version\s*:\s*Vivado v\.(\S+)", text, "the version of Vivado")
    return f"Vivado {version}"


def _device(text: str) -> str:
    return found(r"^\|\s*Device\s*:\s*(\S+)", text, "the device")


def _method(command: str, text: str) -> str:
    state = optional(r"^\|\s*Design State\s*:\s*(.*?)\s*$", text)
    return f"{command}, {state.lower()}" if state else command


def quartus_fit(text: str) -> VendorNumbers:
    """Read `<revision>.fit.summary`, or the same table at the head of `.fit.rpt`."""
    status = found(r"Fitter Status\s*[:;]\s*(\w+)", text, "the status of the fitter")
    if status != "Successful":
        raise BadInputError(f"is of a fit that ended {status}")
    numbers: Numbers = {}
    for name, (row, unit) in _QUARTUS_ROWS.items():
        used = optional(rf"^[; ]*{row}\s*[:;]\s*([\d,.]+)", text)
        if used:
            numbers[name] = number(used), unit
    if not numbers.keys() & {"ALM", "LE"}:
        raise BadInputError("lacks 'Logic utilization (in ALMs)' and 'Total logic elements'")
    device = found(r"^[; ]*Device\s*[:;]\s*(\S+)", text, "the device")
    return VendorNumbers("fpga", _quartus(text), device, "fitter summary", "synthesised", numbers)


def quartus_slack(text: str) -> VendorNumbers:
    """Read `<revision>.sta.summary`: the worst slacks over all clocks and operating conditions."""
    rows = re.findall(r"^Type\s*:\s*(.*?)\s*\nSlack\s*:\s*(\S+)", text, re.MULTILINE)
    numbers: Numbers = {}
    for name, word in (("setup slack", " Setup "), ("hold slack", " Hold ")):
        slacks = [number(slack) for kind, slack in rows if word in kind]
        if slacks:
            numbers[name] = min(slacks), "ns"
    if "setup slack" not in numbers:
        raise BadInputError("names no setup slack: give the design a clock")
    return VendorNumbers(
        "timing", "Quartus", "FPGA", "timing analyzer summary, worst of all models", "measured", numbers
    )


def quartus_fmax(text: str) -> VendorNumbers:
    """Read the Fmax tables of `<revision>.sta.rpt`: the lowest over all clocks and operating conditions."""
    values = [number(one) for one in re.findall(r"^;\s*([\d.]+) MHz\s*;\s*[\d.]+ MHz\s*;", text, re.MULTILINE)]
    if not values:
        raise BadInputError("holds no row of an Fmax summary")
    numbers: Numbers = {"Fmax": (min(values), "MHz"), "critical path": (1e3 / min(values), "ns")}
    device = optional(r"^;\s*Device Name\s*;\s*(\S+)", text, "FPGA")
    return VendorNumbers("timing", _quartus(text), device, "Fmax summary, worst of all models", "measured", numbers)


def _quartus(text: str) -> str:
    match = re.search(r"(Quartus (?:Prime|II)).*?Version\s*[:;]?\s*([\d.]+\S*)", text)
    if match is None:
        raise BadInputError("lacks the version of Quartus")
    return f"{match.group(1)} {match.group(2)}"


def nextpnr(text: str) -> VendorNumbers:
    """Read nextpnr's `--report`: Fmax of the slowest clock, and how many of each kind of cell are used."""
    try:
        report: dict[str, Any] = json.loads(text)
        clocks = [float(clock["achieved"]) for clock in report["fmax"].values()]
        cells = {name: int(cell["used"]) for name, cell in report["utilization"].items()}
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise BadInputError(f"is no whole report of nextpnr: {error}") from error
    if not clocks:
        raise BadInputError("names no clock: the design has no path between registers")
    numbers: Numbers = {"Fmax": (min(clocks), "MHz"), "critical path": (1e3 / min(clocks), "ns")}
    numbers |= {name: (used, "") for name, used in cells.items() if used}
    return VendorNumbers("fpga", "nextpnr", "FPGA", "timing after routing", "measured", numbers)


FORMATS = (
    Format(
        "Vivado utilization",
        "report_utilization -file",
        re.compile(r"^\| Site Type|^\|\s+Site Type", re.M),
        vivado_utilization,
    ),
    Format("Vivado timing summary", "report_timing_summary -file", re.compile(r"Design Timing Summary"), vivado_timing),
    Format("Vivado power", "report_power -file", re.compile(r"Total On-Chip Power \(W\)"), vivado_power),
    Format("Quartus fitter summary", ".fit.summary or .fit.rpt", re.compile(r"Fitter Status"), quartus_fit),
    Format("Quartus timing summary", ".sta.summary", re.compile(r"^Type\s*:.*Model ", re.M), quartus_slack),
    Format("Quartus Fmax summary", ".sta.rpt", re.compile(r"Fmax Summary"), quartus_fmax),
    Format("nextpnr report", "--report", re.compile(r'"fmax"\s*:'), nextpnr),
)
