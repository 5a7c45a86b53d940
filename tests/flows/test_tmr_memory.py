"""The proof of `tmr_memory`: it holds for the template, and not for any of these broken ones."""

from pathlib import Path

import pytest

from codesign.errors import VerificationError
from codesign.flows.tmr import prove_all_state_is_triplicated
from codesign.row_schedule import row_schedule
from codesign.rows import row_program
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from tests.row_zoo import network


@pytest.fixture
def rtl_dir(tmp_path: Path) -> Path:
    graph = network(4, 4)
    plan = row_schedule(row_program(graph), {4: 1}, "streaming", schedule)
    return write_rtl(emit(graph, plan, tmr="registers", clock_ns=5.0), tmp_path / "rtl")


def test_the_template_is_proven(rtl_dir: Path) -> None:
    assert prove_all_state_is_triplicated(rtl_dir).clocked_processes == 7 + 4  # of registers and of memories


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("if (we) wordsB[write_address] <= d;", "if (we) wordsA[write_address] <= d;"),
        ("if (re) readC <= wordsC[read_address];", "if (re) readC <= wordsA[read_address];"),
        ("if (re) readB <= wordsB[read_address];", "if (re) readB <= wordsB[write_address];"),
        (".a(readA), .b(readB), .c(readC)", ".a(readA), .b(readB), .c(readB)"),
        (".y(q), .err(differ)", ".y(q), .err(was_read)"),
        ("assign err = (differ && was_read) || read_err;", "assign err = read_err;"),
        ("if (TMR != 0) begin", "if (TMR == 0) begin"),
    ],
)
def test_a_broken_memory_is_caught(rtl_dir: Path, good: str, bad: str) -> None:
    path = rtl_dir / "tmr_memory.v"
    text = path.read_text()
    assert good in text
    path.write_text(text.replace(good, bad, 1))
    with pytest.raises(VerificationError, match="tmr_memory"):
        prove_all_state_is_triplicated(rtl_dir)
