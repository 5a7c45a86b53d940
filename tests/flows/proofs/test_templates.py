"""Proofs of the templates: they hold, and not for any of these broken ones; no template with state is left out."""

from dataclasses import replace
from pathlib import Path

import pytest

from codesign.errors import VerificationError
from codesign.flows.proofs.__main__ import main, template_sources
from codesign.flows.proofs.sby import DISPROVEN, PROVEN, prove
from codesign.flows.proofs.templates import LANES_SUFFIX, PARAMETERS, Case, cases, miter_of, prove_case, stateful

WORK = "proofs"  # in the build cache: proofs are kept under the hash of all that they depend on
REACH = 5  # cycles in which a counterexample to a broken template is to be found
REGISTER = Case("tmr_register", "registers", (("WIDTH", 2),))
VOTERS = Case("tmr_register", "triplicated_voters", (("WIDTH", 2),))
LANES = Case("tmr_register", "lanes", (("WIDTH", 2),))
MEMORY = Case("tmr_memory", "registers", (("WIDTH", 1), ("WORDS", 2), ("A_WIDTH", 1)))
MEMORY_LANES = Case("tmr_memory", "lanes", (("WIDTH", 1), ("WORDS", 2), ("A_WIDTH", 1)))
COUNTER = Case("phase_counter", "registers", (("COUNT", 5),))


def test_every_template_with_state_has_a_proof_in_every_mode() -> None:
    texts = {path.stem: path.read_text() for path in template_sources().values()}
    assert PARAMETERS.keys() == {name for name in stateful(texts) if not name.endswith(LANES_SUFFIX)}
    modules = {case.module for case in cases()}
    assert stateful(texts) <= modules


def test_state_is_found_through_instances() -> None:
    texts = {
        "cell": "always @(posedge clk) q <= d;",
        "user": "cell #(.WIDTH(1)) u (.d(d));",
        "outer": "user name (.d(d));",
        "other": "// cell (\nassign cell = user;",
    }
    assert stateful(texts) == {"cell", "user", "outer"}


@pytest.mark.parametrize("case", [REGISTER, VOTERS, MEMORY_LANES, COUNTER], ids=lambda case: case.name)
def test_a_template_is_proven(case: Case, build_cache: Path) -> None:
    bits, verdict = prove_case(case, template_sources(), build_cache / WORK)
    assert (verdict.verdict, verdict.reached) == (PROVEN, True)
    assert bits > 0 and verdict.k >= 1


BROKEN = (
    (REGISTER, "majority_voter", "(a & b) | (b & c) | (c & a)", "a", "upset_q"),
    (REGISTER, "majority_voter", "|((a ^ b) | (b ^ c))", "1'b0", "upset_err"),
    pytest.param(REGISTER, "majority_voter", "|((a ^ b) | (b ^ c))", "|(a ^ b)", "upset_err", marks=pytest.mark.slow),
    (REGISTER, "tmr_register", "else qB <= next", "else qB <= en ? d : qB", "off0B == last0B"),
    pytest.param(
        REGISTER, "tmr_register", "(.a(qA), .b(qB), .c(qC)", "(.a(qA), .b(qB), .c(qB)", "", marks=pytest.mark.slow
    ),
    pytest.param(
        VOTERS, "tmr_register_full", "enC ? dC : qC", "enC ? dC : copyC", "off0C == last0C", marks=pytest.mark.slow
    ),
    pytest.param(VOTERS, "tmr_register_full", "voterA (.a(copyA)", "voterA (.a(copyB)", "", marks=pytest.mark.slow),
    pytest.param(
        LANES,
        "tmr_register_full",
        "voterC (.a(copyA), .b(copyB)",
        "voterC (.a(copyA), .b(copyA)",
        "",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        LANES, "tmr_register_full", "copyA <= enA ? dA : qA", "copyA <= enA ? ~dA : qA", "", marks=pytest.mark.slow
    ),
    (LANES, "tmr_register_full", "copyB <= enB ? dB : qB", "copyB <= enB ? dC : qB", "off0B == last0B"),
    pytest.param(LANES, "tmr_register_full", "if (rstC)", "if (rstA)", "off0C == last0C", marks=pytest.mark.slow),
    (MEMORY_LANES, "tmr_memory_full", "if (weB)", "if (weA)", "off"),
    pytest.param(MEMORY, "tmr_memory", "if (we) wordsB", "if (we && !rst) wordsB", "off", marks=pytest.mark.slow),
    pytest.param(
        MEMORY,
        "tmr_memory",
        "<= wordsC[read_address]",
        "<= wordsC[read_address] & wordsA[read_address]",
        "off",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        MEMORY,
        "tmr_memory",
        "(differ && was_read) || read_err",
        "(differ && was_read)",
        "upset_err",
        marks=pytest.mark.slow,
    ),
    pytest.param(MEMORY_LANES, "tmr_memory_full", ".c(readC), .y(qB)", ".c(readB), .y(qB)", "", marks=pytest.mark.slow),
)


def broken_sources(template: str, good: str, bad: str, folder: Path) -> dict[str, Path]:
    """The templates, one of them with `bad` in the place of `good`."""
    sources = template_sources()
    text = sources[f"{template}.v"].read_text()
    assert good in text
    (folder / "broken.v").write_text(text.replace(good, bad, 1))
    return {**sources, f"{template}.v": folder / "broken.v"}


@pytest.mark.parametrize(("case", "template", "good", "bad", "failed"), BROKEN)
def test_a_broken_template_has_a_counterexample(
    case: Case, template: str, good: str, bad: str, failed: str, tmp_path: Path, build_cache: Path
) -> None:
    _, verdict = prove_case(case, broken_sources(template, good, bad, tmp_path), build_cache / WORK, REACH)
    assert verdict.verdict == DISPROVEN
    assert failed in verdict.failed


def test_two_copies_at_once_have_a_counterexample(build_cache: Path) -> None:
    miter = miter_of(REGISTER, template_sources(), build_cache / WORK)
    both = replace(miter, verilog=miter.verilog.replace(" & ~hit0A", ""))
    assert both != miter
    assert prove(both, build_cache / WORK, REACH).verdict == DISPROVEN


def test_upsets_without_effect_are_noticed(build_cache: Path) -> None:
    miter = miter_of(REGISTER, template_sources(), build_cache / WORK)
    none = replace(miter, verilog=miter.verilog.replace("hit0C = flip0C", "hit0C = 2'b0"))
    assert none != miter
    verdict = prove(none, build_cache / WORK)
    assert (verdict.verdict, verdict.reached, verdict.holds) == (PROVEN, False, False)


@pytest.mark.parametrize(
    ("case", "template", "good", "bad", "reason"),
    [
        (
            COUNTER,
            "phase_counter",
            "assign last =",
            "reg a; always @(posedge clk) a <= en; assign last = a &",
            "outside",
        ),
        (COUNTER, "phase_counter", "TMR(TMR)) state", "TMR(1)) state", "beside golden A, B, C"),
        (COUNTER, "phase_counter", "TMR(TMR)) state", "TMR(0)) state", "copies A beside golden A"),
        (MEMORY, "tmr_memory", "readC <= wordsC", "readC <= wordsA", "copies A, B beside golden A"),
    ],
)
def test_a_missing_copy_is_an_error(
    case: Case, template: str, good: str, bad: str, reason: str, tmp_path: Path, build_cache: Path
) -> None:
    with pytest.raises(VerificationError, match=reason):
        miter_of(case, broken_sources(template, good, bad, tmp_path), build_cache / WORK)


def test_the_command_writes_a_table_and_a_file(build_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(build_cache / WORK), "--only", "tmr_register registers WIDTH=2$"]) == 0
    assert "1 of 1 proofs hold" in capsys.readouterr().out
    assert main(["--out", str(build_cache / WORK), "--only", "no such proof"]) == 1
