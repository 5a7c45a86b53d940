"""Whole designs equal their twins without triplication under upsets; one inverted bit or a broken voter is found."""

from pathlib import Path

import numpy as np
import pytest

from codesign.errors import VerificationError
from codesign.fixed import Fixed
from codesign.flows.proofs.designs import MODES, prove_rtl
from codesign.graph import Graph, Node, Port
from codesign.ops.dense import Dense
from codesign.ops.sources import Constant, Input, Parameter
from codesign.row_schedule import Architecture, row_schedule
from codesign.rows import row_program
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from tests.row_zoo import network


def written(folder: Path, architecture: Architecture, mode: str = "registers") -> tuple[Path, Path]:
    """A small interaction network, emitted without and with triplication."""
    graph = network(2, 2)
    plan = row_schedule(row_program(graph), {2: 1}, architecture, schedule)
    none, triple = (write_rtl(emit(graph, plan, tmr=tmr, clock_ns=5.0), folder / tmr) for tmr in ("none", mode))
    return none, triple


def programmable(folder: Path, mode: str) -> tuple[Path, Path]:
    """A dense layer with programmable weights, which counts errors if it is triplicated."""
    nodes = (
        Node("x", Input((3,), Fixed(3))),
        Node("w", Parameter((2, 3), Fixed(3, 0, signed=True))),
        Node("b", Constant(np.array([1, -1]))),
        Node("y", Dense(), ("x", "w", "b")),
    )
    graph = Graph("programmable", nodes, (Port("x", (1.0,)),), (Port("y"),))
    plan = schedule(graph)
    none, triple = (write_rtl(emit(graph, plan, tmr=tmr, clock_ns=5.0), folder / tmr) for tmr in ("none", mode))
    return none, triple


@pytest.mark.parametrize("mode", [MODES[0], *(pytest.param(mode, marks=pytest.mark.slow) for mode in MODES[1:])])
def test_programmable_weights_are_proven(mode: str, tmp_path: Path, build_cache: Path) -> None:
    bits, holds, _ = prove_rtl(*programmable(tmp_path, mode), build_cache / "proofs")
    assert holds and bits > 30


def test_a_counter_of_errors_that_changes_results_is_an_error(tmp_path: Path, build_cache: Path) -> None:
    none, registers = programmable(tmp_path, "registers")
    path = registers / "programmable_parameters.v"
    good = "assign commit = "
    assert good in path.read_text()
    path.write_text(path.read_text().replace(good, "assign commit = ~block_0_errors[0] & ", 1))
    with pytest.raises(VerificationError, match="depends on a counter of errors"):
        prove_rtl(none, registers, build_cache / "proofs")


@pytest.mark.parametrize("architecture", ["parallel", pytest.param("streaming", marks=pytest.mark.slow)])
@pytest.mark.parametrize("mode", [MODES[0], *(pytest.param(mode, marks=pytest.mark.slow) for mode in MODES[1:])])
def test_an_interaction_network_is_proven(
    mode: str, architecture: Architecture, tmp_path: Path, build_cache: Path
) -> None:
    bits, holds, _ = prove_rtl(*written(tmp_path, architecture, mode), build_cache / "proofs")
    assert holds and bits > 300


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        pytest.param("majority_voter.v", "(a & b) | (b & c) | (c & a)", "a", marks=pytest.mark.slow),
        pytest.param("majority_voter.v", "|((a ^ b) | (b ^ c))", "|(a ^ b)", marks=pytest.mark.slow),
        ("tmr_register.v", "else qB <= next", "else qB <= en ? d : qB"),
        ("lane_sum.v", "= sum[WIDTH +: WIDTH]", "= sum[WIDTH +: WIDTH] ^ {{(WIDTH-1){1'b0}}, 1'b1}"),
    ],
)
def test_a_broken_design_is_disproven(name: str, good: str, bad: str, tmp_path: Path, build_cache: Path) -> None:
    none, registers = written(tmp_path, "parallel")
    text = (registers / name).read_text()
    assert good in text
    (registers / name).write_text(text.replace(good, bad, 1))
    _, holds, _ = prove_rtl(none, registers, build_cache / "proofs")
    assert not holds


def test_a_copy_without_reset_is_an_error(tmp_path: Path, build_cache: Path) -> None:
    none, registers = written(tmp_path, "parallel")
    path = registers / "tmr_register.v"
    path.write_text(path.read_text().replace("if (rst) qC <= {WIDTH{1'b0}}; else", ""))
    with pytest.raises(VerificationError, match="reset does not set copy C to zero"):
        prove_rtl(none, registers, build_cache / "proofs")
