"""The step of the induction on a whole design, as one combinational question to Yosys' SAT solver.

State is cut open: the golden design reads any state s, every copy of the triplicated one reads s with upsets, of which
each bit has one at most. For all s, upsets and inputs the outputs have to be equal, and the next state of every copy
that of the golden design: then a copy is the golden word with the upsets of the last edge, for ever, by induction from
reset. Of the words of a memory the majority has to be right.

A voter of copies gives s; that is asked too, so what reads the voter may read s. What is left of both designs is then
the same logic on the same nets, which Yosys merges before it asks; ABC sweeps the rest.
"""

import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codesign.errors import ToolFailedError, VerificationError
from codesign.files import write_json
from codesign.flows.proofs.copies import READ, REGISTER, Place, Stored, check_same_words, stored
from codesign.flows.proofs.edit import Bits, Editor, Module
from codesign.flows.proofs.telemetry import read_as_zero
from codesign.flows.yosys_job import run_job, wall_s
from codesign.triplicate import RESETS
from codesign.verilog_names import LANES

ERRORS = ("tmr_err", "err")
_TELEMETRY = "_errors.counting"  # instances of error_counter, in the block that only triplicated ones have
_VOTER = re.compile(r"(?P<path>(?:.*\.)?voter[ABC]?)\.y")
_SCRIPT = """\
read_json golden.json
read_json upset.json
miter -equiv -flatten golden upset miter
cd miter
check -assert
delete t:$scopeinfo
opt_expr
opt_merge -share_all
opt_clean
opt_expr -fine
opt_clean
simplemap
abc -g AND -script "+strash;&get,-n;&fraig,-x;&put"
opt_clean
tee -o sat.txt sat -prove trigger 0 -show-inputs
"""
_PROVEN, _DISPROVEN = "no model found: SUCCESS!", "model found: FAIL!"


@dataclass(frozen=True)
class Step:
    """Both designs with their state cut open, as modules with the same ports, and the bits stored."""

    golden: Module
    upset: Module
    bits: int


def make_step(golden: Module, upset: Module) -> Step:
    """Return the step of flat modules `golden` (words once) and `upset` (words three times).

    Counters of errors, which a golden design has not, read as zero: `read_as_zero`.
    `VerificationError` if they do not store the same words, or if a copy is not set to zero by reset.
    """
    once = stored(golden)
    upset = read_as_zero(upset, [place for place in stored(upset) if place not in once and _TELEMETRY in place.path])
    thrice = stored(upset)
    check_same_words(once, thrice)
    _check_reset(upset, [one for lanes in thrice.values() for one in lanes.values() if one.place.kind == REGISTER])
    first, second = Editor(golden), Editor(upset)
    _same_ports(first, second)
    wrong = {}
    for number, (place, lanes) in enumerate(thrice.items()):
        state = once[place]["A"]
        first.port("input", f"s{number}", state.bits)
        following = first.cells.pop(state.cell)["connections"]["D"]
        hits = _hits(first, number, len(state.bits))
        wrong[place] = first.any_of([bit for bits in hits.values() for bit in bits])
        _cut(second, number, place, lanes)
        for lane in LANES if place.kind == REGISTER else ("",):
            first.port("output", f"n{number}{lane}", following)
    _trust_voters(first, second, thrice)
    _expect_errors(first, second, once, wrong)
    return Step(first.module, second.module, sum(len(lanes["A"].bits) for lanes in thrice.values()))


def _check_reset(module: Module, copies: Iterable[Stored]) -> None:
    """Reset is the last choice in front of every copy, whatever the state."""
    drivers = {tuple(cell["connections"].get("Y", ())): cell for cell in module["cells"].values()}
    resets = {tuple(port["bits"]) for name, port in module["ports"].items() if name.rstrip("ABC") in RESETS}
    for one in copies:
        chooser = drivers.get(tuple(module["cells"][one.cell]["connections"]["D"]), {"type": "", "connections": {}})
        pins = chooser["connections"]
        if chooser["type"] != "$mux" or tuple(pins["S"]) not in resets or set(pins["B"]) != {"0"}:
            raise VerificationError(f"{one.place.path}: reset does not set copy {one.lane} to zero")


def _same_ports(first: Editor, second: Editor) -> None:
    """Give both the ports of lanes once where they are inputs, three times where they are outputs."""
    golden, ports = first.module["ports"], second.module["ports"]
    substitutes: dict[object, object] = {}
    for name in [name for name in ports if name not in golden]:
        if ports[name]["direction"] == "output":
            first.port("output", name, golden[name[:-1]]["bits"])
            continue
        lane = ports.pop(name)["bits"]
        if name[:-1] not in ports:
            second.input(name[:-1], len(lane))
        substitutes |= zip(lane, ports[name[:-1]]["bits"], strict=True)
    second.replace_readers(substitutes)
    for name in [name for name in golden if name not in ports]:
        del golden[name]


def _hits(editor: Editor, number: int, width: int) -> dict[str, Bits]:
    """Free upsets of the three copies of a word, one of each bit at most."""
    a, b, c = (editor.input(f"f{number}{lane}", width) for lane in LANES)
    return {
        "A": a,
        "B": editor.gate("$and", b, editor.inverted(a)),
        "C": editor.gate("$and", c, editor.inverted(editor.gate("$or", a, b))),
    }


def _cut(editor: Editor, number: int, place: Place, lanes: Mapping[str, Stored]) -> None:
    """Let each copy be the state with upsets; the next state goes to outputs, voted if the place is of a memory."""
    state = editor.input(f"s{number}", len(lanes["A"].bits))
    hits = _hits(editor, number, len(state))
    following = {}
    for lane in LANES:
        editor.gate("$xor", state, hits[lane], lanes[lane].bits)
        following[lane] = editor.cells.pop(lanes[lane].cell)["connections"]["D"]
    if place.kind == REGISTER:
        for lane in LANES:
            editor.port("output", f"n{number}{lane}", following[lane])
    else:
        editor.port("output", f"n{number}", editor.majority(*following.values()))


def _trust_voters(first: Editor, second: Editor, thrice: Mapping[Place, Mapping[str, Stored]]) -> None:
    """Ask whether each voter of copies gives the state, and let its readers read the state."""
    places = {frozenset(one.bits for one in lanes.values()): n for n, lanes in enumerate(thrice.values())}
    names, asked = second.module["netnames"], []
    substitutes: dict[object, object] = {}
    for match in filter(None, map(_VOTER.fullmatch, names)):
        inputs = frozenset(tuple(names[f"{match['path']}.{pin}"]["bits"]) for pin in "abc")
        if inputs in places:
            number, voted = places[inputs], names[match[0]]["bits"]
            asked.append((number, voted))
            substitutes |= zip(voted, second.module["ports"][f"s{number}"]["bits"], strict=True)
    second.replace_readers(substitutes)
    for index, (number, voted) in enumerate(asked):
        second.port("output", f"v{index}", voted)
        first.port("output", f"v{index}", first.module["ports"][f"s{number}"]["bits"])


def _expect_errors(
    first: Editor, second: Editor, once: Mapping[Place, Mapping[str, Stored]], wrong: Mapping[Place, Bits]
) -> None:
    """The error flag is high exactly if a register, or a word that was just read, has an upset."""
    shown: list[object] = []
    for place, bits in wrong.items():
        if place.kind == REGISTER:
            shown += bits
        if place.kind == READ:
            flag = once[Place(f"{place.path}.reading" if place.path else "reading", REGISTER)]["A"]
            shown += first.gate("$and", bits, flag.bits)
    for name in set(ERRORS) & second.module["ports"].keys():
        first.port("output", name, first.any_of(shown))


def prove_step(step: Step, work_dir: Path, timeout_s: float = 3600.0) -> tuple[bool, float]:
    """Return whether the step holds, and the seconds that the question took when it was asked."""
    work_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work_dir, prefix=".step-") as folder:
        files = {
            f"{name}.json": write_json(Path(folder) / f"{name}.json", {"modules": {name: module}})
            for name, module in (("golden", step.golden), ("upset", step.upset))
        }
        job = run_job(_SCRIPT, "step", files, work_dir, timeout_s)
    text = (job / "sat.txt").read_text(encoding="utf-8")
    if (_PROVEN in text) == (_DISPROVEN in text):
        raise ToolFailedError(f"Yosys' SAT solver gave no answer: see {job / 'sat.txt'}")
    return _PROVEN in text, wall_s(job)
