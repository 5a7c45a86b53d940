"""Emission: deterministic, self-contained, readable; names; the golden file of one small design."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.files import replace_directory, sha256_of, write_text
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.graph_json import graph_from_json
from codesign.ops import OPERATORS
from codesign.ops.add import Add
from codesign.ops.conv2d import Conv2d
from codesign.ops.dense import Dense
from codesign.ops.gather import Gather
from codesign.ops.requantise import Requantise
from codesign.ops.reshape import Reshape
from codesign.ops.sources import Constant, Input, Parameter
from codesign.rtl import emit, template_names, template_text, write_rtl
from codesign.schedule import schedule
from codesign.sim.verilator import lint
from tests.ops.check_op import elaborated_register_bits

GOLDEN = Path(__file__).parent / "golden" / "rtl"
NODES = (
    Node("x", Input((1, 4, 4), Fixed(3, 0, True))),
    Node("w", Constant(np.arange(18).reshape(2, 1, 3, 3) - 9)),
    Node("b", Constant(np.array([3, -4]))),
    Node("conv", Conv2d((2, 2), (0, 1, 0, 1)), ("x", "w", "b")),
    Node("q", Requantise(Fixed(4), (3,), (1,), 4, "half_even"), ("conv",)),
    Node("flat", Reshape((8,)), ("q",)),
    Node("w2", Parameter((2, 8), Fixed(3, 0, True))),
    Node("b2", Constant(np.array([1, -1]))),
    Node("fc", Dense(), ("flat", "w2", "b2")),
)
GRAPH = Graph("sample", NODES, (Port("x", (0.25,)),), (Port("fc"),))
REUSE = {"conv": 4, "fc": 8}


def sample(graph=GRAPH, tmr="registers"):
    return emit(graph, schedule(graph, REUSE), tmr=tmr, clock_ns=25.0)


def lint_all(graph, directory: Path, **reuse):
    rtl = emit(graph, schedule(graph, reuse), tmr="registers", clock_ns=25.0)
    rtl_dir = write_rtl(rtl, directory / "rtl")
    lint([rtl_dir / name for name in rtl.manifest["sources"]], graph.name, directory / "lint")
    assert elaborated_register_bits(rtl_dir, rtl.manifest["sources"]) == rtl.manifest["register_bits"]
    return rtl


def small(*nodes, outputs=None):
    names = outputs or (nodes[-1].name,)
    inputs = tuple(Port(node.name) for node in nodes if node.op.kind == "input")
    return Graph("tiny", nodes, inputs, tuple(Port(name) for name in names))


def test_the_same_graph_gives_the_same_bytes():
    again = graph_from_json(GRAPH.to_json(), OPERATORS)
    assert sample(again) == sample()


def test_another_process_and_directory_give_the_same_bytes(tmp_path: Path):
    """Hash seeds, user and working directory must not show."""
    (tmp_path / "graph.json").write_text(GRAPH.to_json())
    code = """
import sys
from pathlib import Path
from codesign.graph_json import graph_from_json
from codesign.ops import OPERATORS
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
graph = graph_from_json(Path("graph.json").read_text(), OPERATORS)
write_rtl(emit(graph, schedule(graph, {"conv": 4, "fc": 8}), tmr="registers", clock_ns=25.0), Path(sys.argv[1]))
"""
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "USER": f"user{seed}"}
        subprocess.run((sys.executable, "-c", code, seed), cwd=tmp_path, env=environment, check=True)
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / seed).iterdir()} for seed in ("1", "2"))
    assert first == second
    assert str(tmp_path).encode() not in b"".join(first.values())
    written = {name: text.decode() for name, text in first.items() if name != "manifest.json"}
    assert dict((*sample().files, *sample().documents)) == written


def test_golden_design(refresh_golden):
    """To accept a change: pytest tests/test_rtl.py --refresh-golden, then read the diff."""
    own = {name: text for name, text in sample().files if name.removesuffix(".v") not in template_names()}
    if refresh_golden:
        replace_directory(GOLDEN, lambda folder: [write_text(folder / name, text) for name, text in own.items()])
        pytest.skip("golden files rewritten")
    assert own == {path.name: path.read_text() for path in GOLDEN.iterdir()}


def test_manifest(tmp_path: Path):
    rtl = sample()
    rtl_dir = write_rtl(rtl, tmp_path / "rtl")
    manifest = json.loads((rtl_dir / "manifest.json").read_text())
    assert manifest == rtl.manifest
    assert set(manifest) == {
        *(
            "schema",
            "top",
            "sources",
            "sha256",
            "graph_sha256",
            "clock_ns",
            "latency_cycles",
            "ii_cycles",
            "tmr",
            "tmr_nodes",
            "clocks",
            "resets",
            "config_resets",
            "single_points_of_failure",
            "protected_bits",
            "fabric",
        ),
        *("register_bits", "in_width", "out_width", "inputs", "outputs", "parameters", "parameter_bits", "reuse"),
        *("schedule", "register_map"),
    }
    assert manifest["sha256"] == {name: sha256_of(rtl_dir / name) for name in manifest["sources"]}
    assert sorted(path.name for path in rtl_dir.iterdir()) == sorted(
        [*manifest["sources"], "manifest.json", *(f"sample_registers.{form}" for form in ("rdl", "yaml", "h", "md"))]
    )
    assert (manifest["in_width"], manifest["parameter_bits"], manifest["ii_cycles"]) == (48, 48, 8)
    assert manifest["reuse"] == REUSE
    assert manifest["inputs"] == [
        {"name": "x", "shape": [1, 4, 4], "width": 3, "signed": True, "scale": [0.25], "offset": [0.0]}
    ]


def test_only_the_default_of_one_parameter_tells_the_tmr_modes_apart():
    triple, single = dict(sample().files), dict(sample(tmr="none").files)
    assert {name for name in triple if triple[name] != single[name]} == {"sample.v"}
    assert triple["sample.v"].replace("parameter TMR = 1", "parameter TMR = 0") == single["sample.v"]


@pytest.mark.parametrize("name", ["module", "small", "logic", "2nd", "a b", "top;", "", "dense_serial", "tmr_register"])
def test_a_design_name_must_be_free_in_verilog(name):
    with pytest.raises(BadInputError) as caught:
        sample(replace(GRAPH, name=name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("tmr", ["copies", "", "None"])
def test_an_unknown_tmr_mode_is_an_error(tmr):
    with pytest.raises(BadInputError, match="tmr must be one of"):
        sample(tmr=tmr)


@pytest.mark.parametrize("clock_ns", [0, -1.0, float("nan")])
def test_a_clock_period_must_be_positive(clock_ns):
    with pytest.raises(BadInputError, match="clock period"):
        emit(GRAPH, schedule(GRAPH), tmr="none", clock_ns=clock_ns)


KEYWORDS = (
    "reg",
    "module",
    "input",
    "logic",
    "clk",
    "rst",
    "err",
    "in_data",
    "valid_1",
    "parameters",
    "unused",
    "net.0.reg",
)


def test_nodes_may_be_named_as_keywords_and_ports(tmp_path: Path):
    source = Node("wire", Input((2,), Fixed(3, 0, True)))
    constants = (Node("always", Constant(np.array([[1, -2], [3, 1]]))), Node("begin", Constant(np.array([1, 0]))))
    chain = [Node(name, Reshape((2,)), (before,)) for before, name in zip(("wire", *KEYWORDS), KEYWORDS, strict=False)]
    last = Node("end", Dense(), (KEYWORDS[-1], "always", "begin"))
    lint_all(small(source, *constants, *chain, last), tmp_path, end=4)


X = Node("x", Input((2, 2), Fixed(3, 0, True)))


@pytest.mark.parametrize(
    ("nodes", "reuse"),
    [
        ((X, Node("y", Gather((2,), (1,)), ("x",))), {}),
        ((X, Node("spare", Add(), ("x", "x")), Node("y", Reshape((4,)), ("x",))), {}),
        ((X, Node("z", Input((3,), Fixed(2))), Node("y", Reshape((4,)), ("x",))), {}),
        ((X, Node("c", Constant(np.array([1, 2]))), Node("y", Reshape((4,)), ("x",))), {}),
        ((X, Node("p", Parameter((3,), Fixed(3))), Node("y", Reshape((4,)), ("x",))), {}),
        ((X, Node("y", Gather((-1, 0), (2,)), ("x",))), {}),
        (
            (
                Node("x", Input((2,), Fixed(2))),
                Node("w", Constant(np.zeros((2, 2), int))),
                Node("b", Constant(np.array([5, 0]))),
                Node("y", Dense(), ("x", "w", "b")),
            ),
            {"y": 4},
        ),
        (
            (
                Node("x", Input((2,), Fixed(2))),
                Node("p", Parameter((2, 2), Fixed(2, 0, True))),
                Node("t", Reshape((2, 2)), ("p",)),
                Node("b", Constant(np.array([5, 0]))),
                Node("y", Dense(), ("x", "t", "b")),
            ),
            {"y": 2},
        ),
    ],
    ids=["left_out", "dead_node", "dead_input", "dead_constant", "dead_parameter", "zero", "zero_weights", "static"],
)
def test_what_is_not_used_or_constant_is_clean(nodes, reuse, tmp_path):
    lint_all(small(*nodes), tmp_path, **reuse)


@pytest.mark.parametrize(
    "names",
    [("x_r1", "y"), ("u_x", "x_y"), ("cfg", "y")],
)
def test_names_that_would_clash_are_refused_or_clean(names, tmp_path):
    weights = (Node("w", Parameter((2, 2), Fixed(2, 0, True))), Node("b", Constant(np.array([1, 0]))))
    source = Node("x", Input((2,), Fixed(3, 0, True)))
    nodes = (Node(names[0], Dense(), ("x", "w", "b")), Node(names[1], Add(), (names[0], "x")))
    try:
        lint_all(small(source, *weights, *nodes), tmp_path, **{names[0]: 4})
    except BadInputError as error:
        assert "rename" in str(error)


def test_every_template_says_what_it_is():
    for name in template_names():
        lines = template_text(f"{name}.v").splitlines()
        assert lines[0].startswith(f"// {name}: ")
        comment = "\n".join(line for line in lines if line.startswith("//"))
        assert "Latency" in comment, name
        assert "Ports: " in comment, name
        assert max(map(len, lines)) <= 120, name


@pytest.mark.slow
@pytest.mark.parametrize("name", template_names())
def test_every_template_lints_alone(name, tmp_path):
    paths = []
    for one in template_names():
        paths.append(tmp_path / f"{one}.v")
        paths[-1].write_text(template_text(f"{one}.v"))
    needed = [path for path in paths if path.stem == name or path.stem in "".join(p.read_text() for p in paths)]
    lint(needed, name, tmp_path / "lint")
