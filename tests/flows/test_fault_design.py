"""Campaigns on emitted designs: parameters loaded as in verification; the fault-free run is as the graph says."""

from dataclasses import replace

import numpy as np
import pytest

from codesign.campaign import Outcome, classify, exhaustive
from codesign.errors import VerificationError
from codesign.files import read_json
from codesign.fixed import Fixed
from codesign.flows.design import Bound, Case
from codesign.flows.fault_campaign import Results, check_controls, clock_edges, set_up, single_nets
from codesign.flows.fault_classes import LOGIC, RESET, find_copies, node_classes
from codesign.flows.fault_netlist import lane_ports, load_fault_netlist
from codesign.flows.fault_report import ranking, register_counts
from codesign.flows.fault_stimulus import design_playback, require_reference
from codesign.flows.yosys import fault_netlist
from codesign.graph import Graph, Node, Port
from codesign.ops import Dense, Input, Parameter, Requantise
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from codesign.sim.seu import Circuit, load_kernel

EVENTS = 12
HORIZON = 8


def programmable() -> Bound:
    """y = clip(w x + b) with programmable weights, two outputs of four bits."""
    nodes = (
        Node("x", Input((3,), Fixed(3))),
        Node("w", Parameter((2, 3), Fixed(3, signed=True))),
        Node("b", Parameter((2,), Fixed(4, signed=True))),
        Node("sum", Dense(), ("x", "w", "b")),
        Node("y", Requantise(Fixed(4)), ("sum",)),
    )
    random = np.random.default_rng(1)
    weights = {"w": random.integers(-4, 4, (2, 3)), "b": random.integers(-8, 8, 2)}
    graph = Graph("programmable", nodes, (Port("x"),), (Port("y"),))
    return Bound(graph, {"x": random.integers(0, 8, (EVENTS, 3))}, (Case("weights", weights),))


def prepared(bound, tmr, folder, cache):
    rtl = write_rtl(emit(bound.graph, schedule(bound.graph), tmr=tmr, clock_ns=10.0), folder / "rtl")
    manifest = read_json(rtl / "manifest.json")
    netlist = load_fault_netlist(fault_netlist(rtl, None, cache / "synthesis", 10.0), manifest["top"], None)
    circuit = Circuit(load_kernel(cache), netlist.net_count, netlist.gates, netlist.d, netlist.q)
    playback = design_playback(bound, manifest, netlist, whole=False)
    setting = set_up(netlist, circuit, playback, find_copies(netlist, circuit), ("tmr_err",))
    return manifest, setting


def upsets(setting):
    plan = exhaustive(len(setting.netlist.q), setting.playback.window)
    build = single_nets(setting.netlist.q)
    found = setting.circuit.inject(setting.trace, setting.watched, build(plan), setting.playback.horizon_cycles)
    return Results(plan, *found)


def test_every_upset_of_a_triplicated_design_with_loaded_weights_is_corrected(tmp_path, build_cache):
    manifest, setting = prepared(programmable(), "registers", tmp_path, build_cache)
    assert require_reference(programmable(), manifest, setting.netlist, setting.trace) > 0
    assert len(setting.netlist.q) == 3 * manifest["register_bits"] == 3 * len(setting.copies.sets)
    assert check_controls(setting).failures > 0
    assert set(classify(upsets(setting).flags)) == {Outcome.CORRECTED_FLAGGED}


MODES = ("registers", "triplicated_voters", "full", "full_clocks")


@pytest.mark.parametrize("tmr", MODES)
def test_each_mode_protects_what_it_says(tmp_path, build_cache, tmr):
    """Upsets in every mode; transients in logic only with lanes; resets and edges of the clock with three of them."""
    manifest, setting = prepared(programmable(), tmr, tmp_path, build_cache)
    assert require_reference(programmable(), manifest, setting.netlist, setting.trace) > 0
    netlist, copies = setting.netlist, setting.copies
    assert len(netlist.q) == 3 * len(copies.sets)
    assert not failures(upsets(setting))

    domains = len(netlist.domains)
    plan = exhaustive(domains, setting.playback.window)
    edges = [
        Results(plan, *setting.circuit.inject(setting.trace, setting.watched, build(plan), HORIZON))
        for build in (clock_edges(setting, missed=missed) for missed in (True, False))
    ]
    assert (sum(map(failures, edges)) == 0) == (tmr == "full_clocks")

    resets = tuple(port for stem in ("rst", "cfg_rst") for port in lane_ports(stem, netlist.inputs()))
    classes = node_classes(netlist, setting.circuit, copies, ("tmr_err",), resets)
    reset = np.array(sorted(net for net, kind in classes.items() if kind == RESET))
    plan = exhaustive(len(reset), setting.playback.window)
    found = Results(plan, *setting.circuit.inject(setting.trace, setting.watched, single_nets(reset)(plan), HORIZON))
    assert (failures(found) == 0) == (tmr == "full_clocks")

    logic = np.array(sorted(net for net, kind in classes.items() if kind == LOGIC))
    plan = exhaustive(len(logic), setting.playback.window)
    found = Results(plan, *setting.circuit.inject(setting.trace, setting.watched, single_nets(logic)(plan), HORIZON))
    assert (failures(found) == 0) == tmr.startswith("full")


def failures(results):
    return int((classify(results.flags) >= Outcome.WRONG_OUTPUT).sum())


def test_upsets_of_unprotected_weights_stay_and_are_ranked_first(tmp_path, build_cache):
    manifest, setting = prepared(programmable(), "none", tmp_path, build_cache)
    assert require_reference(programmable(), manifest, setting.netlist, setting.trace) > 0
    assert len(setting.netlist.q) == manifest["register_bits"] and not len(setting.copies.sets)
    results = upsets(setting)
    bits, counts = register_counts(setting.netlist, setting.copies.group, results)
    ranked = ranking(bits, counts)
    assert Outcome.WRONG_OUTPUT in classify(results.flags)
    lasting = [entry for entry in ranked if entry["never_healed"] == entry["injections"]]
    assert lasting and lasting == ranked[: len(lasting)]
    assert {entry["register"].partition(".")[0] for entry in lasting} >= {"u_parameters"}


def test_a_fault_free_run_that_differs_from_the_graph_is_refused(tmp_path, build_cache):
    bound = programmable()
    manifest, setting = prepared(bound, "registers", tmp_path, build_cache)
    weights = {name: values.copy() for name, values in bound.cases[0].parameters.items()}
    weights["b"] ^= 1
    other = replace(bound, cases=(Case("other", weights),))
    with pytest.raises(VerificationError, match="netlist of the campaign and graph"):
        require_reference(other, manifest, setting.netlist, setting.trace)
