"""Upsets of the campaign again on the emitted RTL, in Verilator through cocotb: the same outcomes, bit by bit."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from cocotb_tools.runner import get_runner

from codesign.campaign import Flag, Outcome, classify, sampled
from codesign.files import read_json, replace_directory, write_json, write_text
from codesign.flows.fault_campaign import set_up, single_nets
from codesign.flows.fault_classes import find_copies
from codesign.flows.fault_netlist import load_fault_netlist
from codesign.flows.fault_report import register_of
from codesign.flows.fault_stimulus import Playback, design_playback, require_reference
from codesign.flows.planning import compile_bound
from codesign.flows.run import load_design
from codesign.flows.yosys import fault_netlist
from codesign.options import RunOptions
from codesign.rtl import write_rtl
from codesign.sim import verilator
from codesign.sim.seu import Circuit, load_kernel

UPSETS = 300
BENCH = Path(__file__).resolve().parents[1] / "sim"  # the simulator finds its test there


def public_build(rtl_dir, manifest, cache_dir):
    """A simulation in which the copies of all registers can be written, built once per content."""
    paths = [(rtl_dir / name).resolve() for name in manifest["sources"]]
    target = cache_dir / f"replay-{manifest['top']}-{verilator._key(paths)}"
    if target.exists():
        return target

    def make(directory):
        copies = "".join(f'public_flat_rw -module "tmr_register" -var "q{copy}"\n' for copy in "ABC")
        control = verilator.lint_waivers() + verilator._public_ports(manifest["top"], paths) + copies
        files = [write_text(directory / "ports.vlt", control), *paths]
        verilator.verilate(verilator._cc_arguments(directory, manifest["top"], files), directory, directory / "v.log")
        verilator._make(directory, directory / "make.log")

    return replace_directory(target, make)


def replay(program, top, run_dir, plan, bits):
    run_dir.mkdir(parents=True)
    write_json(run_dir / "replay.json", plan)
    np.save(run_dir / "inputs.npy", bits)
    results = get_runner("verilator").test(
        test_module="replay_bench",
        hdl_toplevel=top,
        hdl_toplevel_lang="verilog",
        build_dir=program,
        test_dir=run_dir,
        results_xml=str(run_dir / "results.xml"),
        log_file=run_dir / "simulation.log",
    )
    assert not list(ElementTree.parse(results).iter("failure"))
    return [np.array(rows, dtype=object) for rows in json.loads((run_dir / "response.json").read_text())]


def flags_of(golden, faulty, playback: Playback, cycle, outputs, registers):
    """What the simulator of the netlist should have said, from values of the RTL."""
    end = cycle + playback.horizon_cycles
    differs = golden[cycle : end + 1] != faulty[cycle : end + 1]
    place = {name: index for index, name in enumerate((*outputs, *registers))}
    data = differs[:-1, place["out_data"]] & (golden[cycle:end, place["out_valid"]] == 1)
    flags = Flag.WRONG * int(data.any() or differs[:-1, place["out_valid"]].any())
    flags |= Flag.FLAGGED * int(differs[:-1, place["tmr_err"]].any())
    flags |= Flag.DIFFERS_AT_END * int(differs[-1, len(outputs) :].any())
    for name in registers:
        if name.endswith(".triplicated.qA"):
            columns = [place[name[:-1] + copy] for copy in "ABC"]
            one, two, three = (golden[cycle:end, column] ^ faulty[cycle:end, column] for column in columns)
            flags |= Flag.OUTVOTED * int(((one | two | three) & ~(one & two & three)).any())
    return int(flags)


@pytest.mark.slow
@pytest.mark.parametrize(("design", "tmr"), [("econt", "registers"), ("econt", "none"), ("jet_tagger", "registers")])
def test_the_rtl_answers_upsets_as_the_netlist_does(design, tmr, tmp_path, build_cache, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    options = RunOptions(design, tmp_path, vectors=64, tmr=tmr)
    bound = load_design(design).bind(options)
    rtl_dir = write_rtl(compile_bound(bound, options, 25.0), tmp_path / "rtl")
    manifest = read_json(rtl_dir / "manifest.json")
    netlist = load_fault_netlist(fault_netlist(rtl_dir, None, build_cache / "synthesis", 25.0), manifest["top"], None)
    circuit = Circuit(load_kernel(build_cache), netlist.net_count, netlist.gates, netlist.d, netlist.q)
    playback = design_playback(bound, manifest, netlist, whole=True)
    setting = set_up(netlist, circuit, playback, find_copies(netlist, circuit), ("tmr_err",))
    assert require_reference(bound, manifest, netlist, setting.trace) > 0

    window = range(playback.window.start, playback.window.start + 8)
    plan = sampled(len(netlist.q), window, UPSETS, seed=3)
    flags, _ = circuit.inject(setting.trace, setting.watched, single_nets(netlist.q)(plan), playback.horizon_cycles)

    registers = sorted({name.partition("[")[0] for name in netlist.registers})
    order = {int(port.nets[0]): (name, len(port.nets)) for name, port in netlist.ports.items()}
    inputs, at = [], 0
    while at < len(playback.nets):
        name, width = order[int(playback.nets[at])]
        inputs.append((name, width))
        at += width
    experiments = [(window.stop - 1, None, 0)]  # without an upset, and as long as any other
    for site, cycle in zip(plan.sites, plan.cycles, strict=True):
        name = netlist.registers[site]
        experiments.append((int(cycle), registers.index(name.partition("[")[0]), register_of(name)[1]))
    content = {
        # Yosys makes a scope of every `else if` of a generate block, Verilator does not.
        "registers": [re.sub(r"\.genblk\d+(?=\.\w+\.q[ABC]$)", "", name) for name in registers],
        "outputs": ["out_valid", "out_data", "tmr_err"],
        "inputs": inputs,
        "experiments": experiments,
        "setup_cycles": playback.setup_cycles,
        "cycles": playback.horizon_cycles + 1,
    }
    longest = playback.setup_cycles + window.stop + playback.horizon_cycles + 1
    program = public_build(rtl_dir, manifest, build_cache)
    seen = replay(program, manifest["top"], tmp_path / "replay", content, playback.bits[:longest])
    golden = seen[0]
    wanted = []
    for (cycle, _, _), rows in zip(experiments[1:], seen[1:], strict=True):
        wanted.append(flags_of(golden, rows, playback, cycle, content["outputs"], registers))
    np.testing.assert_array_equal(flags & ~np.uint8(Flag.VISIBLE), wanted)
    outcomes = set(classify(flags))
    assert Outcome.CORRECTED_FLAGGED in outcomes if tmr == "registers" else Outcome.WRONG_OUTPUT in outcomes
