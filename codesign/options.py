"""What a user may ask of a run, as one frozen value; None means: as the design says."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from codesign.errors import BadInputError
from codesign.register_map import CONFIG_BUSES, ConfigBus

TmrMode = Literal["none", "registers", "triplicated_voters", "full", "full_clocks"]
TMR_MODES: tuple[TmrMode, ...] = get_args(TmrMode)
SELECTIVE = "selective"
# "nodes": every node of the graph stands in the hardware; the others run rows on engines (codesign/row_schedule.py).
Architecture = Literal["nodes", "parallel", "streaming"]
ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)
# "axis": the design behind AXI4-Stream too, with back-pressure (codesign/rtl_axis.py).
Wrapper = Literal["none", "axis"]
WRAPPERS: tuple[Wrapper, ...] = get_args(Wrapper)
Rounding = Literal["truncate", "half", "half-nonzero"]
PLACES = ("ecp5",)
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)


@dataclass(frozen=True)
class RunOptions:
    """Options of one run of a design.

    `reuse` holds (node, reuse factor) pairs, each node once; node "*" stands for all others that can be reused.
    `constraints` are texts such as "latency <= 100 ns" that replace the design's own when there is at least one.
    `weight_bits` quantises layers with float weights, which is refused otherwise. `input_format` puts the model's
    first quantiser into the hardware, behind a port of that format ("u8.7"). `rounding` and `drop_bits` say how
    floating charge codes in the data are read. With a `technology` what `reuse` and `inner_cuts` (node, pipeline cuts)
    leave open is chosen for the clock, within `ii_cycles`, `latency_cycles` and `area_budget` in its unit. With an
    `architecture` of engines, `engines` holds (rows, engines) pairs: how many engines work on a set of that many rows.
    `copy_spacing_um` is the least distance of copies of a bit in the constraint files.
    `corners` holds (name, liberty file) pairs that the netlist mapped to `liberty` is timed with as well.
    `scale` holds the process nodes in nm that the cell area is carried over from and to, as an estimate.
    `case` names one of the design's settings of its parameters (weight sets).
    `config_bus` is how programmable parameters are reached, `wrapper` another interface to emit the design behind.
    `tmr` is a mode of triplication (codesign/protection.py), or "selective:FILE" with the ranking of a campaign and
    `tmr_budget` register bits at most; `tmr_nodes` holds (node, mode) pairs.
    `tag` names the folder of the run, by default the design's name; `first_step`, `last_step` and `only_step` choose
    steps of the flow, which `overwrite` runs again even where their results are there; `quiet` says nothing on the way.
    `place` names a family of parts to place and route for. `target` is a file with the parts and libraries of vendors'
    projects (codesign/target.py), `vendor_reports` are what such tools wrote.
    `check_vectors` is how many random inputs the graph is compared with its model on, beside the corners.
    `model_sha256` is the content of a model that Python gave (codesign/api.py), which no file holds.
    """

    design: str
    output: Path
    model: Path | None = None
    data: Path | None = None
    liberty: Path | None = None
    reuse: tuple[tuple[str, int], ...] = ()
    tmr: str = "registers"
    clock_ns: float | None = None
    vectors: int | None = None
    constraints: tuple[str, ...] = ()
    weight_bits: int | None = None
    input_format: str | None = None
    rounding: Rounding | None = None
    drop_bits: int | None = None
    technology: str | None = None
    ii_cycles: int | None = None
    latency_cycles: int | None = None
    area_budget: float | None = None
    inner_cuts: tuple[tuple[str, int], ...] = ()
    architecture: Architecture | None = None
    engines: tuple[tuple[int, int], ...] = ()
    copy_spacing_um: float | None = None
    tmr_nodes: tuple[tuple[str, str], ...] = ()
    tmr_budget: int | None = None
    case: str | None = None
    config_bus: ConfigBus = "bytes"
    corners: tuple[tuple[str, Path], ...] = ()
    scale: tuple[int, int] | None = None
    wrapper: Wrapper = "none"
    place: str | None = None
    target: Path | None = None
    vendor_reports: tuple[Path, ...] = ()
    tag: str | None = None
    first_step: str | None = None
    last_step: str | None = None
    only_step: str | None = None
    overwrite: bool = False
    quiet: bool = False
    check_vectors: int = 100_000
    model_sha256: str | None = None

    @property
    def run_folder(self) -> Path:
        """Where the results of the run lie."""
        return self.output / (self.tag or self.design)


def parse_tag(text: str | None) -> str | None:
    """Check the name of a run, which is that of a folder; `BadInputError` saying what it may hold."""
    if text is not None and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", text):
        raise BadInputError(f"--tag {text!r} must be letters, digits and _.+-, not beginning with a point or a sign")
    return text


def parse_reuse(texts: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Read "NODE=R" texts into (node, reuse factor) pairs; `BadInputError` names the text that is wrong.

    NODE "*" gives every other node that can be reused one factor.
    Whether the node exists and R is legal for it is for the schedule to say, which knows the graph.
    """
    return _parse_pairs(texts, "--reuse", "NODE=R", "reuse factor", 1)


def parse_cuts(texts: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Read "NODE=N" texts into (node, pipeline cuts inside it) pairs; `BadInputError` names the text that is wrong."""
    return _parse_pairs(texts, "--cuts", "NODE=N", "number of cuts", 0)


def parse_engines(texts: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Read "ROWS=P" texts into (rows, engines) pairs; `BadInputError` names the text that is wrong."""
    pairs = _parse_pairs(texts, "--engines", "ROWS=P", "number of engines", 1)
    for rows, _ in pairs:
        if not (rows.isascii() and rows.isdigit() and len(rows) < 10 and int(rows) > 0):
            raise BadInputError(f"--engines {rows}=...: say on how many rows they work, for example --engines 56=7")
    return tuple((int(rows), engines) for rows, engines in pairs)


def parse_corners(texts: Sequence[str]) -> tuple[tuple[str, Path], ...]:
    """Read "NAME=FILE" texts into (corner, liberty file) pairs; `BadInputError` names the text that is wrong."""
    pairs = [tuple(part.strip() for part in text.partition("=")[::2]) for text in texts]
    for text, (name, file) in zip(texts, pairs, strict=True):
        if not name or not file:
            raise BadInputError(f"--corner {text!r} must be NAME=FILE, for example --corner slow=cells_ss.lib")
    _refuse_repeated("--corner", [name for name, _ in pairs], "liberty file")
    return tuple((name, Path(file)) for name, file in pairs)


def parse_scale(text: str) -> tuple[int, int]:
    """Read "FROM:TO" into two process nodes in nm; `BadInputError` if it is anything else."""
    nodes = text.split(":")
    if len(nodes) != 2 or not all(node.isascii() and node.isdigit() and len(node) < 5 for node in nodes):
        raise BadInputError(f"--scale {text!r} must be FROM:TO in nm, for example --scale 45:65")
    return int(nodes[0]), int(nodes[1])


def parse_tmr_nodes(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Read "NODE=MODE" texts into (node, mode of triplication) pairs; `BadInputError` names the text that is wrong."""
    pairs = [tuple(part.strip() for part in text.partition("=")[::2]) for text in texts]
    for text, (node, mode) in zip(texts, pairs, strict=True):
        if not node or not mode:
            raise BadInputError(f"--tmr-node {text!r} must be NODE=MODE, for example --tmr-node fc1=full")
    _refuse_repeated("--tmr-node", [node for node, _ in pairs], "mode")
    return tuple((node, mode) for node, mode in pairs)


def parse_tmr(text: str) -> str:
    """Check a mode of triplication, or "selective:FILE"; `BadInputError` with the legal ones."""
    kind, colon, file = text.partition(":")
    if text in TMR_MODES or (kind == SELECTIVE and colon and file):
        return text
    raise BadInputError(f"--tmr must be one of {', '.join(TMR_MODES)} or {SELECTIVE}:FILE, not {text!r}")


def _parse_pairs(texts: Sequence[str], option: str, form: str, what: str, least: int) -> tuple[tuple[str, int], ...]:
    pairs = []
    for text in texts:
        node, equals, number = (part.strip() for part in text.partition("="))
        if not node or not equals:
            raise BadInputError(f"{option} {text!r} must be {form}, for example {option} conv=4")
        if not (number.isascii() and number.isdigit() and len(number) < 10 and int(number) >= least):
            raise BadInputError(f"{option} {text!r}: the {what} must be a whole number from {least}, not {number!r}")
        pairs.append((node, int(number)))
    _refuse_repeated(option, [node for node, _ in pairs], what)
    return tuple(pairs)


def _refuse_repeated(option: str, nodes: Sequence[str], what: str) -> None:
    repeated = sorted({node for node in nodes if nodes.count(node) > 1})
    if repeated:
        raise BadInputError(f"{option} names {', '.join(repeated)} more than once: give each node one {what}")


def python_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of `RunOptions` as Python gives them: pairs as mappings, files as text, constraints as texts.

    Raises `BadInputError` for a field that does not exist and for values that the command line would refuse.
    """
    known = [field.name for field in fields(RunOptions) if field.name not in ("design", "model_sha256")]
    for name, value in given.items():
        if name not in known:
            raise BadInputError(f"no option {name!r}: choose from {', '.join(known)}")
        if name in _CHOICES and value is not None and value not in _CHOICES[name]:
            raise BadInputError(f"{name} must be one of {', '.join(_CHOICES[name])}, not {value!r}")
        if name in _POSITIVE and value is not None and not _is_positive(value, whole=name not in _REAL):
            kind = "number" if name in _REAL else "whole number"
            raise BadInputError(f"{name} must be a {kind} above 0, not {value!r}")
    return {name: _python_value(name, value) for name, value in given.items()}


def _python_value(name: str, value: Any) -> Any:
    if name in _PAIRS and isinstance(value, Mapping):
        return _PAIRS[name]([f"{key}={one}" for key, one in value.items()])
    if name in ("output", "model", "data", "liberty", "target"):
        return None if value is None else Path(value)
    if name == "vendor_reports":
        return tuple(map(Path, value))
    if name == "constraints":
        return (value,) if isinstance(value, str) else tuple(value)
    checks: Mapping[str, Callable[[str], Any]] = {"tmr": parse_tmr, "tag": parse_tag, "scale": _scale_of}
    return checks[name](value) if name in checks else value


def _scale_of(value: Any) -> tuple[int, int] | None:
    return value if value is None or isinstance(value, tuple) else parse_scale(value)


def _is_positive(value: Any, *, whole: bool) -> bool:
    kinds = int if whole else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and 0 < value < math.inf


_CHOICES: Mapping[str, Sequence[str]] = {
    "architecture": ARCHITECTURES,
    "wrapper": WRAPPERS,
    "rounding": ROUNDINGS,
    "config_bus": CONFIG_BUSES,
    "place": PLACES,
}
_REAL = ("clock_ns", "area_budget", "copy_spacing_um")
_POSITIVE = (*_REAL, "vectors", "weight_bits", "ii_cycles", "latency_cycles", "tmr_budget", "check_vectors")
_PAIRS: Mapping[str, Callable[[Sequence[str]], Any]] = {
    "reuse": parse_reuse,
    "inner_cuts": parse_cuts,
    "engines": parse_engines,
    "corners": parse_corners,
    "tmr_nodes": parse_tmr_nodes,
}
