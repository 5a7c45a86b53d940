"""Campaigns on hand-written netlists with known outcomes, positive controls, and what a kill leaves."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from codesign.cli import execute
from codesign.flows.fault_report import register_of
from codesign.flows.yosys import fault_netlist
from codesign.flows.yosys_job import run_job
from codesign.sim.seu import load_kernel
from tests.flows.fault_zoo import Netlist, counted_errors, pipeline, protected, registered, toggle

CYCLES = 20


@pytest.fixture(autouse=True)
def compiled(tmp_path, build_cache):
    """The kernel is compiled once for all tests."""
    load_kernel(build_cache)
    for folder in (tmp_path, *(tmp_path / name for name in ("out", "chunks", "whole", "parts"))):
        (folder / "top" / "cache").mkdir(parents=True)
        (folder / "top" / "cache" / "simulator").symlink_to(build_cache)


def inject(netlist: Netlist, tmp_path, *more: str) -> dict:
    """Counts of every campaign that changed anything, by name."""
    path = netlist.write(tmp_path)
    arguments = ["inject", "--netlist", str(path), "--top", "top", "--cycles", str(CYCLES), "--horizon", "8"]
    assert execute([*arguments, "--clock", "clk", "--reset", "rst", "--output", str(tmp_path / "out"), *more]) == 0
    return json.loads((tmp_path / "out" / "top" / "inject" / "seu.json").read_text())


def upsets(content: dict) -> dict:
    """Counts above zero of the register campaign."""
    return {name: count for name, count in content["campaigns"]["registers"]["outcomes"].items() if count}


def test_an_upset_copy_is_corrected_and_flagged(tmp_path):
    content = inject(protected(), tmp_path)
    assert upsets(content) == {"corrected_flagged": 3 * CYCLES}
    assert content["campaigns"]["registers"]["healing_cycles"] == {"1": 3 * CYCLES}
    assert content["netlist"]["triples"] == 1
    assert content["controls"]["failures"] > 0


def test_without_an_error_output_the_same_is_unflagged(tmp_path):
    assert upsets(inject(protected(flagged=False), tmp_path)) == {"corrected_unflagged": 3 * CYCLES}


def test_a_counter_of_errors_is_no_state_that_has_to_heal(tmp_path):
    errors = ("--error", "tmr_err", "--error", "count")
    assert upsets(inject(counted_errors(), tmp_path, *errors)) == {"corrected_flagged": 5 * CYCLES}
    assert upsets(inject(counted_errors(), tmp_path))["never_healed"] == 4 * CYCLES


def test_copies_that_do_not_feed_back_the_vote_are_found_not_to_heal(tmp_path):
    healthy = inject(protected(), tmp_path, "--stimulus", str(_toggling(tmp_path)))
    assert set(upsets(healthy)) == {"corrected_flagged"}
    content = inject(protected(voted=False), tmp_path, "--stimulus", str(_toggling(tmp_path)))
    assert upsets(content)["never_healed"] > 0


def _toggling(tmp_path):
    """Load a new value every twelve cycles, and hold it in between."""
    cycles = np.arange(CYCLES + 8)
    path = tmp_path / "rare.npz"
    np.savez(path, d=(cycles // 12 + 1) % 2, en=(cycles % 12 == 0).astype(int))
    return path


def test_an_unprotected_register_gives_wrong_outputs(tmp_path):
    assert upsets(inject(pipeline(), tmp_path)) == {"wrong_output": 3 * CYCLES}


def test_a_register_that_reaches_nothing_is_masked(tmp_path):
    assert upsets(inject(pipeline(used=False), tmp_path)) == {"masked": 2 * CYCLES, "wrong_output": CYCLES}


def test_state_that_never_heals_is_told_from_a_wrong_output(tmp_path):
    content = inject(toggle(), tmp_path)
    assert upsets(content) == {"never_healed": CYCLES}
    assert content["campaigns"]["registers"]["wrong_output_any"] == CYCLES


def test_a_shared_clock_or_reset_hits_all_copies_and_separate_ones_do_not(tmp_path):
    shared = inject(protected(), tmp_path)["transients"]
    for fault in ("clock_missed_edge", "clock_extra_edge", "reset"):
        assert shared[fault]["outcomes"]["wrong_output"] + shared[fault]["outcomes"]["never_healed"] > 0
    separate = inject(protected(clocks=True), tmp_path)["transients"]
    for fault in ("clock_missed_edge", "clock_extra_edge", "reset"):
        counts = separate[fault]["outcomes"]
        assert counts["wrong_output"] == counts["never_healed"] == 0
        assert separate[fault]["targets"] == 3
    assert separate["reset"]["outcomes"]["corrected_flagged"] > 0


def test_the_voter_of_the_copies_is_a_class_of_its_own(tmp_path):
    content = inject(protected(), tmp_path)
    assert content["netlist"]["classes"]["voter"] == 8
    assert content["transients"]["voter"]["outcomes"]["wrong_output"] > 0


def test_voters_are_told_behind_asynchronous_resets_and_sets(tmp_path):
    for kind in ("DFF_PP0", "DFF_PN1", "DFFSR_PPP"):
        content = inject(registered(kind), tmp_path, "--reset-level", str(int(kind != "DFF_PN1")))
        assert content["netlist"]["triples"] == 1
        assert content["netlist"]["classes"]["voter"] == 9
        assert set(upsets(content)) == {"corrected_flagged"}


def test_three_bits_are_no_copies_for_being_added(tmp_path):
    n = Netlist()
    clock, reset, d = n.input("clk"), n.input("rst"), [n.input(f"d{k}") for k in range(3)]
    bits = [n.flip_flop(f"x{'pqr'[k]}", d[k], clock, n.net(), "SDFF_PP0", R=reset) for k in range(3)]
    carry, differ = n.vote(*bits)
    n.output("carry", carry)
    n.output("borrow", n.gate("NOT", A=carry))
    n.output("some", differ)
    assert inject(n, tmp_path)["netlist"]["triples"] == 0


def test_a_copy_may_hold_the_inverse(tmp_path):
    content = inject(registered("DFF_P", inverted=True), tmp_path)
    assert content["netlist"]["triples"] == 1
    assert upsets(content) == {"corrected_flagged": 3 * CYCLES}


def test_bits_are_ranked_by_what_they_break(tmp_path):
    inject(pipeline(used=False), tmp_path)
    ranking = json.loads((tmp_path / "out" / "top" / "inject" / "ranking.json").read_text())["bits"]
    assert [(entry["register"], entry["sensitivity"]) for entry in ranking] == [
        ("alive_r", 1.0),
        ("first", 0.0),
        ("second", 0.0),
    ]


@pytest.mark.parametrize(
    ("name", "register"),
    [
        ("u_fc_r1.single.qA[3]", ("u_fc_r1", 3, "A")),
        ("u_fc_r1.genblk1.triplicated.qC[12]", ("u_fc_r1", 12, "C")),
        ("u_fc.u_sum.triplicated_voters.copies.copyB", ("u_fc.u_sum", 0, "B")),
        ("u_fc_r1.copyB[1]", ("u_fc_r1", 1, "B")),
        ("state[2]", ("state", 2, "")),
    ],
)
def test_flip_flops_belong_to_the_register_of_the_emitted_design(name, register):
    assert register_of(name) == register


def test_an_idle_stimulus_is_no_campaign(tmp_path, capsys):
    idle = tmp_path / "idle.npz"
    np.savez(idle, d=np.zeros(30, int), en=np.zeros(30, int))
    path = protected().write(tmp_path)
    arguments = ["inject", "--netlist", str(path), "--top", "top", "--reset", "rst", "--horizon", "8"]
    assert execute([*arguments, "--stimulus", str(idle), "--output", str(tmp_path)]) == 1
    assert "stimulus idle" in capsys.readouterr().err


def test_a_stuck_reset_is_no_campaign(tmp_path, capsys):
    path = protected().write(tmp_path)
    arguments = ["inject", "--netlist", str(path), "--top", "top", "--reset", "rst", "--reset-level", "0"]
    assert execute([*arguments, "--output", str(tmp_path)]) == 1
    assert "reset stuck" in capsys.readouterr().err
    assert not (tmp_path / "top" / "inject" / "seu.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--top", "top", "--reset", "nrst"], "--reset nrst: no such port"),
        (["--top", "top", "--clock", "clock"], "--clock clock: no such port"),
        (["--top", "other"], "holds no module other"),
        ([], "needs --top"),
        (["econt", "--top", "top"], "either a design or a --netlist"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(tmp_path, capsys, arguments, message):
    path = protected().write(tmp_path)
    assert execute(["inject", "--netlist", str(path), "--output", str(tmp_path), *arguments]) == 2
    captured = capsys.readouterr().err
    assert message in captured


def without_times(folder) -> tuple[dict, str]:
    content = json.loads((folder / "top" / "inject" / "seu.json").read_text())
    content.pop("timing")
    return content, (folder / "top" / "inject" / "ranking.json").read_text()


def test_samples_do_not_depend_on_the_size_of_chunks(tmp_path):
    more = ("--samples", "3000", "--seed", "7")
    inject(pipeline(), tmp_path, *more)
    whole = without_times(tmp_path / "out")
    inject(pipeline(), tmp_path, *more, "--chunk", "77", "--output", str(tmp_path / "chunks"))
    assert without_times(tmp_path / "chunks") == whole
    assert whole[0]["campaigns"]["registers"]["injections"] == 3000
    inject(pipeline(), tmp_path, "--samples", "3000", "--seed", "8")
    assert without_times(tmp_path / "out") != whole


def test_a_campaign_that_was_killed_goes_on_and_ends_the_same(tmp_path):
    path = protected().write(tmp_path)
    arguments = ["inject", "--netlist", str(path), "--top", "top", "--reset", "rst", "--samples", "20000"]
    assert execute([*arguments, "--output", str(tmp_path / "whole")]) == 0
    code = "from codesign.cli import main; main()"
    command = [sys.executable, "-c", code, *arguments, "--chunk", "50", "--output", str(tmp_path / "parts")]
    kept = tmp_path / "parts" / "top" / "inject" / "injection"
    counts = []
    for _ in range(3):
        before = len(list(kept.rglob("registers-*.npz")))
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list(kept.rglob("registers-*.npz"))) < before + 20:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        counts.append(len(list(kept.rglob("*.npz"))))
        assert not (tmp_path / "parts" / "top" / "inject" / "seu.json").exists()
    assert counts == sorted(set(counts))
    times = {file: file.stat().st_mtime_ns for file in kept.rglob("registers-*.npz")}
    assert execute([*arguments, "--chunk", "50", "--output", str(tmp_path / "parts")]) == 0
    assert {file: file.stat().st_mtime_ns for file in times} == times
    assert without_times(tmp_path / "parts") == without_times(tmp_path / "whole")


@pytest.mark.parametrize("tmr", ["registers", "none"])
def test_library_cells_and_gates_of_one_design_give_the_same_outcomes(make_rtl, liberty_dir, tmp_path, tmr):
    rtl = make_rtl(tmr=tmr)
    found = []
    for liberty in (None, liberty_dir / "sg13g2_stdcell_typ_1p20V_25C.lib.gz"):
        netlist = fault_netlist(rtl, liberty, tmp_path / "synthesis", 10.0)
        arguments = ["inject", "--netlist", str(netlist), "--top", "mac", "--clock", "clk", "--reset", "rst"]
        library = [] if liberty is None else ["--liberty", str(liberty)]
        assert execute([*arguments, *library, "--output", str(tmp_path)]) == 0
        content = json.loads((tmp_path / "mac" / "inject" / "seu.json").read_text())
        found.append((content["campaigns"]["registers"]["outcomes"], content["netlist"]["triples"]))
        assert (content["netlist"]["classes"].get("voter", 0) > 0) == (tmr == "registers")
    assert found[0] == found[1]
    outcomes, triples = found[0]
    assert triples == (27 if tmr == "registers" else 0)
    if tmr == "registers":
        assert outcomes["corrected_flagged"] == sum(outcomes.values()) == 81 * 64
    else:
        assert outcomes["wrong_output"] > 0


def test_copies_that_synthesis_merges_are_single_in_the_campaign(make_rtl, tmp_path):
    """Without the keep attribute one copy is left of each register."""
    netlist = fault_netlist(make_rtl(keep=False), None, tmp_path / "synthesis", 10.0)
    assert (
        execute(["inject", "--netlist", str(netlist), "--top", "mac", "--reset", "rst", "--output", str(tmp_path)]) == 0
    )
    content = json.loads((tmp_path / "mac" / "inject" / "seu.json").read_text())
    assert (content["netlist"]["flip_flops"], content["netlist"]["triples"]) == (27, 0)
    assert content["campaigns"]["registers"]["outcomes"]["wrong_output"] > 0


def test_words_and_memories_of_a_netlist_become_flip_flops(tmp_path):
    """Yosys maps what is no gate: a memory of four words of two bits, and a counter."""
    sources = tmp_path / "top.v"
    sources.write_text(MEMORY)
    script = "read_verilog top.v\nhierarchy -top top\nproc\nmemory -nomap\nwrite_json netlist.json\n"
    job = run_job(script, "words", {"top.v": sources}, tmp_path / "jobs", 600)
    arguments = ["inject", "--netlist", str(job / "netlist.json"), "--top", "top", "--clock", "clk", "--reset", "rst"]
    assert execute([*arguments, "--output", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "top" / "inject" / "seu.json").read_text())
    assert content["netlist"]["flip_flops"] == 4 * 2 + 2 + 2
    assert content["campaigns"]["registers"]["outcomes"]["wrong_output"] > 0


def test_a_memory_that_is_too_large_is_refused(tmp_path, capsys):
    path = tmp_path / "netlist.json"
    memory = {"type": "$mem_v2", "parameters": {"SIZE": f"{1 << 20:b}", "WIDTH": "10"}, "connections": {}}
    path.write_text(json.dumps({"modules": {"top": {"cells": {"m": memory}, "ports": {}, "netnames": {}}}}))
    assert execute(["inject", "--netlist", str(path), "--top", "top", "--output", str(tmp_path)]) == 2
    assert "memories of 2097152 bits" in capsys.readouterr().err


MEMORY = """\
module top(input clk, input rst, input we, input [1:0] a, input [1:0] d, output reg [1:0] q, output reg [1:0] n);
    reg [1:0] words [0:3];
    always @(posedge clk) begin
        if (we) words[a] <= d;
        q <= words[a];
        n <= rst ? 2'd0 : n + 2'd1;
    end
endmodule
"""
