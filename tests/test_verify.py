"""Comparison and its negative controls: one wrong bit anywhere must be seen."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from codesign.errors import VerificationError
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops.dense import Dense
from codesign.ops.sources import Constant, Input, Parameter
from codesign.packing import pack
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from codesign.sim.exchange import Plan
from codesign.sim.run import simulate
from codesign.verify import Equality, compare, decode_words, parameter_bytes, stimulus

NODES = (
    Node("x", Input((3,), Fixed(4, 0, True))),
    Node("w", Constant(np.array([[3, -5, 0], [7, 1, -2]]))),
    Node("b", Constant(np.array([4, -1]))),
    Node("fc", Dense(), ("x", "w", "b")),
)
GRAPH = Graph("controlled", NODES, (Port("x"),), (Port("fc"),))
RNG = np.random.default_rng(9)
X = RNG.integers(-8, 8, (30, 3))
EXPECTED = GRAPH.evaluate({"x": X})
WORDS = pack([EXPECTED["fc"]], [GRAPH.types["fc"].fixed])


def test_equal_is_equal():
    assert compare(GRAPH, EXPECTED, WORDS) == Equality(30, 60, 0)
    assert np.array_equal(decode_words(GRAPH, WORDS)["fc"], EXPECTED["fc"])


@pytest.mark.parametrize("event", [0, 17, 29])
@pytest.mark.parametrize("bit", range(2 * GRAPH.types["fc"].fixed.width))
def test_every_flipped_bit_is_one_mismatch(event, bit):
    words = WORDS.copy()
    words[event, bit // 8] ^= 1 << (bit % 8)
    result = compare(GRAPH, EXPECTED, words)
    assert result.mismatches == 1
    assert result.first.startswith(f"event {event}, fc[{bit // GRAPH.types['fc'].fixed.width}]: got ")
    with pytest.raises(VerificationError, match=rf"here: 1 of 60 values differ; event {event}, fc"):
        result.require("here")


def test_no_event_is_no_success():
    with pytest.raises(VerificationError, match="0 of 0 values differ"):
        compare(GRAPH, EXPECTED, WORDS[:0]).require("empty")


def test_a_prefix_may_be_compared_but_not_more_than_was_expected():
    assert compare(GRAPH, EXPECTED, WORDS[:4]).events == 4
    with pytest.raises(VerificationError, match="30 events came back, 1 were expected"):
        compare(GRAPH, {"fc": EXPECTED["fc"][:1]}, WORDS)


def test_sums_keep_the_first_difference():
    total = Equality(1, 2, 0) + Equality(3, 4, 1, "a") + Equality(5, 6, 2, "b")
    assert total == Equality(9, 12, 3, "a")


def test_parameters_are_little_endian_bits():
    nodes = (NODES[0], Node("w", Parameter((2, 3), Fixed(3, 0, True))), Node("b", Parameter((2,), Fixed(4))))
    graph = Graph("g", (*nodes, NODES[3]), (Port("x"),), (Port("fc"),))
    values = {"w": np.array([[1, -1, 2], [-4, 3, 0]]), "b": np.array([15, 9])}
    bits = "".join(f"{v % 16:04b}" for v in (9, 15)) + "".join(f"{v % 8:03b}" for v in (0, 3, -4, 2, -1, 1))
    assert int.from_bytes(parameter_bytes(graph, values), "little") == int(bits, 2)
    assert parameter_bytes(GRAPH, {}) == b""


def run(rtl_dir: Path, tmp_path: Path, cache: Path):
    response = simulate(rtl_dir, stimulus(GRAPH, {"x": X}), Plan(5, 5), tmp_path / "run", cache)
    return response.phases["back_to_back"]


@pytest.fixture
def emitted(tmp_path: Path) -> Path:
    return write_rtl(emit(GRAPH, schedule(GRAPH), tmr="registers", clock_ns=25.0), tmp_path / "rtl")


def test_the_simulated_design_is_right_and_a_flipped_golden_bit_is_seen(emitted, tmp_path, build_cache):
    words = run(emitted, tmp_path, build_cache)
    compare(GRAPH, EXPECTED, words).require("controlled")
    wrong = {"fc": EXPECTED["fc"].copy()}
    wrong["fc"][23, 1] ^= 1
    assert compare(GRAPH, wrong, words).mismatches == 1


def test_a_flipped_bias_bit_in_the_verilog_is_seen(emitted, tmp_path, build_cache):
    spoilt = tmp_path / "spoilt"
    shutil.copytree(emitted, spoilt)
    path = spoilt / "controlled_fc_adders.v"
    # The bias of the second output, in the one constant that is added to its sum: -1 becomes 0.
    text = re.sub(r"y1 = -(\d+'sd)(\d+)", lambda m: f"y1 = -{m[1]}{int(m[2]) - 1}", path.read_text(), count=1)
    assert text != path.read_text()
    path.write_text(text)
    result = compare(GRAPH, EXPECTED, run(spoilt, tmp_path, build_cache))
    wrong = Dense().evaluate(X, np.array([[3, -5, 0], [7, 1, -2]]), np.array([4, 0]))
    assert result.mismatches == int((wrong != EXPECTED["fc"]).sum()) > 0
    with pytest.raises(VerificationError, match="values differ; event"):
        result.require("spoilt")
