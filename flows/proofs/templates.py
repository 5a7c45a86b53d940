"""The templates that hold state, the parameters at which each is proven, and the run of one proof."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codesign.files import write_text
from codesign.flows import yosys_scripts as scripts
from codesign.flows.netlist import read_module
from codesign.flows.proofs.miter import Miter, make_miter
from codesign.flows.proofs.sby import Verdict, prove
from codesign.flows.yosys_job import run_job
from codesign.triplicate import Scope, triplicate
from codesign.verilog_names import LANES as COPIES
from codesign.verilog_source import read_module as read_module_source

# Modes by name; `lanes` is the form among triplicated logic, which modes full and full_clocks share: it has a clock, a
# reset and data for each copy.
REGISTERS, TRIPLICATED_VOTERS, LANES = "registers", "triplicated_voters", "lanes"
MODES: Mapping[str, int] = {REGISTERS: 1, TRIPLICATED_VOTERS: 2, LANES: 1}
LANES_SUFFIX = "_full"
# Templates that are empty with TMR=0: their golden twin is the triplicated one, without upsets.
NEVER_SINGLE = frozenset({"error_counter"})
TIMEOUT_S = 600.0
_TOP = "lanes"  # what instantiates a template so that its form with lanes is made
_CLOCKED = re.compile(r"@\s*\(\s*(?:posedge|negedge)\b")


@dataclass(frozen=True)
class Case:
    """One proof: a template at some parameters (without TMR), in one mode."""

    template: str
    mode: str
    parameters: tuple[tuple[str, int], ...]

    @property
    def name(self) -> str:
        """Return template, mode and parameters as one word each."""
        given = ",".join(f"{key}={value}" for key, value in self.parameters)
        return f"{self.template} {self.mode} {given}"

    @property
    def is_extra(self) -> bool:
        """True for all but some widths of the register and the first parameters of any other template."""
        sets = PARAMETERS[self.template]
        return self.parameters not in ([_at(WIDTH=width) for width in QUICK_WIDTHS] if len(sets) > 3 else sets[:1])

    @property
    def module(self) -> str:
        """Return the module under proof."""
        return self.template + (LANES_SUFFIX if self.mode == LANES else "")


def _at(**parameters: int) -> tuple[tuple[str, int], ...]:
    return tuple(parameters.items())


QUICK_WIDTHS = (1, 8, 33)
REGISTER_WIDTHS = (1, 2, 3, 4, 5, 6, 7, 8, 16, 33, 64, 128)
PARAMETERS: Mapping[str, tuple[tuple[tuple[str, int], ...], ...]] = {
    "tmr_register": tuple(_at(WIDTH=width) for width in REGISTER_WIDTHS),
    "tmr_memory": (_at(WIDTH=1, WORDS=2, A_WIDTH=1), _at(WIDTH=3, WORDS=5, A_WIDTH=3)),
    "phase_counter": (_at(COUNT=2), _at(COUNT=5), _at(COUNT=200)),
    "register_bank": (_at(BITS=13, A_WIDTH=2), _at(BITS=32, A_WIDTH=4)),
    "error_counter": (_at(WIDTH=2), _at(WIDTH=8)),
    "swap_control": (_at(LAST=0, QUIET=0), _at(LAST=2, QUIET=0), _at(LAST=2, QUIET=3)),
    "line_filter": (_at(),),
    "i2c_slave": (_at(TIMEOUT_BITS=2), _at(TIMEOUT_BITS=20)),
    "row_bank": (_at(BEATS=3, WIDTH=4),),
    "row_sequencer": (_at(BEATS=3, INTERVAL=2), _at(BEATS=4, INTERVAL=1)),
    "row_store": (_at(WIDTH=3, WORDS=4, A_WIDTH=2), _at(WIDTH=2, WORDS=3, A_WIDTH=2)),
    "gather_store": (_at(ROWS=4, LANE_BITS=1, BUFFERS=2, WIDTH=2, I_WIDTH=3, A_WIDTH=2),),
    "segment_bank": (_at(SEGMENTS=3, LANES=2, FEATURES=2, I_WIDTH=2, V_WIDTH=3, S_WIDTH=5),),
    "segment_store": (
        _at(SEGMENTS=2, LANE_BITS=0, BUFFERS=2, FEATURES=1, I_WIDTH=2, V_WIDTH=2, S_WIDTH=3, A_WIDTH=1, B_WIDTH=1),
        _at(SEGMENTS=4, LANE_BITS=1, BUFFERS=1, FEATURES=1, I_WIDTH=2, V_WIDTH=1, S_WIDTH=2, A_WIDTH=1, B_WIDTH=1),
    ),
    "pool_bank": (
        _at(LANES=2, FEATURES=2, MAXIMUM=0, V_WIDTH=3, Y_WIDTH=5),
        _at(LANES=2, FEATURES=2, MAXIMUM=1, V_WIDTH=3, V_SIGNED=1, Y_WIDTH=3),
    ),
    "matvec_serial": (
        _at(INPUTS=4, OUTPUTS=2, INPUT_GROUPS=2, OUTPUT_GROUPS=2, X_WIDTH=3, W_WIDTH=3, Y_WIDTH=8, A_WIDTH=2),
    ),
    "dense_serial": (_at(ROWS=2, INPUTS=2, OUTPUTS=2, ROW_GROUPS=2, INPUT_GROUPS=2, X_WIDTH=2, W_WIDTH=2, Y_WIDTH=6),),
    "axis_fifo": (
        _at(WIDTH=2, WORDS=3, A_WIDTH=2, MEMORY=0),
        _at(WIDTH=2, WORDS=4, A_WIDTH=2, MEMORY=1),
    ),
    "axis_gate": (_at(PLACES=3, INTERVAL=2), _at(PLACES=2, INTERVAL=1)),
    "axis_stream": (
        _at(IN_WIDTH=2, OUT_WIDTH=2, IN_BEATS=2, OUT_BEATS=2, INTERVAL=2, EVENTS=1, IN_A_WIDTH=1, WORDS=2, A_WIDTH=1)
        + _at(MEMORY=0),
    ),
    "conv2d_serial": (
        _at(ROWS=3, COLUMNS=2, KERNEL_ROWS=2, KERNEL_COLUMNS=2, OUT_ROWS=2, OUTPUTS=1, INPUT_GROUPS=2)
        + _at(POSITION_GROUPS=2, X_WIDTH=2, W_WIDTH=2, Y_WIDTH=6),
    ),
}


def stateful(texts: Mapping[str, str]) -> frozenset[str]:
    """Return the modules of `texts` (name -> Verilog) that hold state, themselves or in an instance."""
    code = {name: re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL) for name, text in texts.items()}
    found = {name for name, text in code.items() if _CLOCKED.search(text)}
    while True:
        instance = re.compile(rf"\b(?:{'|'.join(sorted(found))})\s*(?:#\s*\(|\b\w+\s*\()")
        users = {name for name, text in code.items() if instance.search(text)} - found
        if not users:
            return frozenset(found)
        found |= users


def cases() -> tuple[Case, ...]:
    """Return every proof of a template."""
    return tuple(
        Case(template, mode, parameters)
        for template, sets in PARAMETERS.items()
        for parameters in sets
        for mode in MODES
    )


def prove_case(case: Case, sources: Mapping[str, Path], work_dir: Path, depth: int = 3) -> tuple[int, Verdict]:
    """Prove `case` on the Verilog files `sources` (name -> path); return the bits stored and the verdict.

    The golden twin is the same template with TMR=0, but for those of `NEVER_SINGLE`.
    """
    miter = miter_of(case, sources, work_dir)
    return miter.bits, prove(miter, work_dir, depth, TIMEOUT_S)


def miter_of(case: Case, sources: Mapping[str, Path], work_dir: Path) -> Miter:
    """Return the miter of `case`."""
    work_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work_dir, prefix=".lanes-") as folder:
        made = {} if case.mode != LANES else _lanes(case.template, sources, Path(folder))
        files = {**sources, **made}
        job = run_job(_script(case, tuple(files)), "elaborate", files, work_dir, TIMEOUT_S)
    golden, upset = read_module(job / "golden.json", case.template), read_module(job / "upset.json", case.module)
    return make_miter(golden, upset, COPIES if case.template in NEVER_SINGLE else COPIES[:1])


def _lanes(template: str, sources: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Write the modules that triplication of the source makes for `template`, as far as they are no templates."""
    texts = {path.removesuffix(".v"): source.read_text(encoding="utf-8") for path, source in sources.items()}
    ports = read_module_source(texts[template]).ports
    wires = [f"    wire {name};" for name in ports]
    instance = f"    {template} under_proof ({', '.join(f'.{name}({name})' for name in ports)});"
    top = {_TOP: "\n".join((f"module {_TOP} ();", *wires, instance, "endmodule", ""))}
    made = triplicate({**texts, **top}, _TOP, Scope(lambda name: True, clocks=True))
    return {f"{name}.v": write_text(folder / name, made[name]) for name in made.keys() - texts.keys() - {_TOP}}


def _script(case: Case, files: Sequence[str]) -> str:
    parameters = dict(case.parameters)
    given = parameters if case.mode == LANES else {**parameters, "TMR": MODES[case.mode]}
    return "\n".join(
        (
            scripts.read(files),
            "design -save sources",
            elaborate(case.template, {**parameters, "TMR": int(case.template in NEVER_SINGLE)}, "golden.json"),
            "design -load sources",
            elaborate(case.module, given, "upset.json"),
        )
    )


def elaborate(top: str, parameters: Mapping[str, int], output: str) -> str:
    """Return the commands that elaborate and flatten `top` without any optimisation, and write it as JSON."""
    settings = " ".join(f"-set {key} {value}" for key, value in parameters.items())
    return "\n".join(
        (
            f"chparam {settings} {top}" if parameters else "",
            f"hierarchy -check -top {top}",
            "proc",
            "setattr -mod -unset keep_hierarchy *",
            "setattr -unset keep_hierarchy */c:*",
            "flatten",
            "delete t:$scopeinfo",
            "memory_collect",
            "memory_map",
            "opt_clean",
            f"write_json {output}\n",
        )
    )
