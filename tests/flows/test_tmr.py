"""The proof of triplication on emitted designs, and a zoo of designs that it must refuse."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from codesign.errors import VerificationError
from codesign.fixed import Fixed
from codesign.flows.tmr import prove_all_state_is_triplicated
from codesign.graph import Graph, Node, Port
from codesign.ops.conv2d import Conv2d
from codesign.ops.dense import Dense
from codesign.ops.requantise import Requantise
from codesign.ops.reshape import Reshape
from codesign.ops.sources import Constant, Input, Parameter
from codesign.rtl import emit, template_names, template_text, write_rtl
from codesign.schedule import schedule

NODES = (
    Node("x", Input((1, 4, 4), Fixed(3, 0, True))),
    Node("w", Constant(np.arange(18).reshape(2, 1, 3, 3) - 9)),
    Node("b", Constant(np.array([3, -4]))),
    Node("conv", Conv2d((2, 2), (0, 1, 0, 1)), ("x", "w", "b")),
    Node("q", Requantise(Fixed(4), (3,), (1,), 4, "half_even"), ("conv",)),
    Node("flat", Reshape((8,)), ("q",)),
    Node("w2", Parameter((2, 8), Fixed(3, 0, True))),
    Node("b2", Parameter((2,), Fixed(3, 0, True))),
    Node("fc", Dense(), ("flat", "w2", "b2")),
)
GRAPH = Graph("sample", NODES, (Port("x"),), (Port("fc"),))


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    plan = schedule(GRAPH, {"conv": 12, "fc": 8})
    return write_rtl(emit(GRAPH, plan, tmr="registers", clock_ns=25.0), tmp_path_factory.mktemp("rtl") / "rtl")


@pytest.fixture
def spoil(emitted: Path, tmp_path: Path):
    """Return a function that replaces one text of one file and runs the proof."""

    def run(file: str, old: str, new: str) -> None:
        target = tmp_path / "rtl"
        shutil.copytree(emitted, target)
        text = (target / file).read_text()
        assert old in text, f"nothing to spoil in {file}"
        (target / file).write_text(text.replace(old, new, 1))
        prove_all_state_is_triplicated(target)

    return run


def test_an_emitted_design_is_proven(emitted: Path):
    proof = prove_all_state_is_triplicated(emitted)
    assert proof.copies == ("qA", "qB", "qC")
    assert set(proof.files) == set(json.loads((emitted / "manifest.json").read_text())["sources"])
    assert proof.clocked_processes == 7  # three copies, three in lanes, and the single register of tmr=none
    assert proof.states_evaluated == (1 + 1 + 3) * 2 * 2 * 4**4  # one voter, three voters, and the three lanes
    texts = "".join(path.read_text() for path in emitted.glob("*.v"))
    assert proof.register_instances == len(re.findall(r"^ *tmr_register(?:_full)? #", texts, re.MULTILINE))
    assert proof.combinational_processes == len(re.findall(r"always @\*", texts))


def test_every_template_is_proven(tmp_path: Path):
    """Also those that the sample does not instantiate."""
    names = [f"{name}.v" for name in template_names()]
    for name in names:
        (tmp_path / name).write_text(template_text(name))
    manifest = {"top": "dense_serial", "sources": names, "register_bits": 0, "protected_bits": 1, "tmr": "registers"}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    prove_all_state_is_triplicated(tmp_path)


def test_a_design_without_triplication_is_refused(tmp_path: Path):
    rtl_dir = write_rtl(emit(GRAPH, schedule(GRAPH), tmr="none", clock_ns=25.0), tmp_path / "rtl")
    with pytest.raises(VerificationError, match="tmr=none"):
        prove_all_state_is_triplicated(rtl_dir)


REGISTER = "tmr_register.v"
QC = "always @(posedge clk) if (rst) qC <= {WIDTH{1'b0}}; else qC <= next;"
STATE = "reg [3:0] state;\n    always @(posedge clk) state <= in_data[3:0];\nendmodule"
ZOO = {
    "clocked process in the top": ("sample.v", "endmodule", STATE, r"sample\.v:\d+: .*clocked process outside"),
    "falling edge in the top": ("sample.v", "endmodule", STATE.replace("pos", "neg"), "clocked process outside"),
    "clocked process in a template": (
        "matvec.v", "always @* begin", "always @(posedge x[0]) begin", r"matvec\.v:\d+: .*clocked process outside",
    ),
    "level-sensitive process": ("matvec.v", "always @* begin", "always @(x or w) begin", "level-sensitive"),
    "latch by a missing branch": (
        "phase_counter.v", "endmodule",
        "reg held;\n    always @* if (en) held = rst;\nendmodule", r"phase_counter\.v:\d+: .*'held' is not assigned",
    ),
    "latch by a partial case": (
        "sample_conv_serial_tables.v", "default: t0_0_0", "0: t0_0_0", "'t0_0_0' is not assigned on every path",
    ),
    "latch by an assignment": (
        "sample.v", "endmodule", "wire held;\n    assign held = rst ? held : in_valid;\nendmodule", "feeds itself",
    ),
    "initial block": ("sample.v", "endmodule", "reg r;\n    initial r = 1'b1;\nendmodule", "initial block sets state"),
    "initial value": ("sample.v", "endmodule", "reg r = 1'b1;\nendmodule", "initial value"),
    "foreign cell": ("sample.v", "endmodule", "DFF hidden (.C(clk));\nendmodule", "DFF, which no file defines"),
    "gate, no module": ("sample.v", "endmodule", "nand hidden (err[0], clk, rst);\nendmodule", "no file defines"),
    "register not triplicated": ("phase_counter.v", ".TMR(TMR)", ".TMR(0)", "does not hand down TMR"),
    "register with default": ("register_bank.v", ", .TMR(TMR)", "", "does not hand down TMR"),
    "top not triplicated": ("sample.v", "parameter TMR = 1", "parameter TMR = 0", "not set to triplicate"),
    "second definition": ("matvec.v", "endmodule", "endmodule\nmodule tmr_register; endmodule", "defined before"),
    "voter fed by a duplicate": (REGISTER, ".c(qC)", ".c(qB)", "not the majority|err does not say"),
    "output not voted": (REGISTER, "next = en ? d : q", "next = en ? d : q;\n    assign q = d", "next, q, q"),
    "copies merged": (REGISTER, QC, "always @* qC = qB;", "qC is not loaded by one process"),
    "copies in one process": (
        REGISTER, QC, "", "2 registers where TMR is set",
    ),
    "copy loads another copy": (REGISTER, "else qC <= next", "else qC <= qB", "qC loads other than the voted"),
    "copy not reset": (REGISTER, QC, "always @(posedge clk) qC <= next;", "qC loads other than the voted"),
    "copy reset to one": (REGISTER, "qC <= {WIDTH{1'b0}}", "qC <= {WIDTH{1'b1}}", "qC loads other|cannot evaluate"),
    "copy at the falling edge": (
        REGISTER, QC, QC.replace("posedge", "negedge"), "qC is not loaded by one process at posedge",
    ),
    "copy at another clock": (REGISTER, QC, QC.replace("clk", "en"), "qC is not loaded by one process at posedge"),
    "feedback not voted": (REGISTER, "en ? d : q;", "en ? d : triplicated.qA;", "."),
    "enable inverted": (REGISTER, "en ? d : q;", "en ? q : d;", "loads other than the voted"),
    "feedback lost": (REGISTER, "en ? d : q;", "d;", "loads other than the voted"),
    "voter with a wrong gate": ("majority_voter.v", "(b & c)", "(b | c)", "not the majority"),
    "voter reduces": ("majority_voter.v", "y   = (a & b)", "y   = (|a & |b)", "not the majority|cannot evaluate"),
    "error signal blind": ("majority_voter.v", "| (b ^ c)", "", "err does not say"),
    "not Verilog": ("matvec.v", "endmodule", "endmodul", "cannot be parsed"),
}  # fmt: skip


@pytest.mark.parametrize("name", ZOO)
def test_a_spoilt_design_is_refused(spoil, name):
    file, old, new, message = ZOO[name]
    with pytest.raises(VerificationError, match=message) as caught:
        spoil(file, old, new)
    assert "\n" not in str(caught.value)


def test_all_copies_in_one_process_are_refused(spoil):
    old = template_text(REGISTER)
    processes = re.findall(r"\(\* keep \*\) always .*", old)[:3]
    body = "".join(re.sub(r".*always @\(posedge clk\)", "", one) + "\n" for one in processes)
    new = old.replace("\n            ".join(processes), f"always @(posedge clk) begin\n{body}end")
    assert new != old
    with pytest.raises(VerificationError, match="share a process"):
        spoil(REGISTER, old, new)
