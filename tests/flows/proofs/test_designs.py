"""Whole designs equal their twins without triplication under upsets; one inverted bit or a broken voter is found."""

from pathlib import Path

import pytest

from codesign.errors import VerificationError
from codesign.flows.proofs.designs import prove_rtl
from codesign.row_schedule import Architecture, row_schedule
from codesign.rows import row_program
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from tests.row_zoo import network


def written(folder: Path, architecture: Architecture) -> tuple[Path, Path]:
    """A small interaction network, emitted without and with triplication."""
    graph = network(2, 2)
    plan = row_schedule(row_program(graph), {2: 1}, architecture, schedule)
    none, registers = (
        write_rtl(emit(graph, plan, tmr=tmr, clock_ns=5.0), folder / tmr) for tmr in ("none", "registers")
    )
    return none, registers


@pytest.mark.parametrize("tmr", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_interaction_network_in_registers_is_proven(tmr: int, tmp_path: Path, build_cache: Path) -> None:
    bits, holds, _ = prove_rtl(*written(tmp_path, "parallel"), tmr, build_cache / "proofs")
    assert holds and bits > 300


@pytest.mark.slow
def test_an_interaction_network_in_memories_is_proven(tmp_path: Path, build_cache: Path) -> None:
    bits, holds, _ = prove_rtl(*written(tmp_path, "streaming"), 1, build_cache / "proofs")
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
    _, holds, _ = prove_rtl(none, registers, 1, build_cache / "proofs")
    assert not holds


def test_a_copy_without_reset_is_an_error(tmp_path: Path, build_cache: Path) -> None:
    none, registers = written(tmp_path, "parallel")
    path = registers / "tmr_register.v"
    path.write_text(path.read_text().replace("if (rst) qC <= {WIDTH{1'b0}}; else", ""))
    with pytest.raises(VerificationError, match="reset does not set copy C to zero"):
        prove_rtl(none, registers, 1, build_cache / "proofs")
