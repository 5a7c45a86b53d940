"""The AXI4-Stream wrapper in the flow: every beat comes out, right, while both sides wait at random."""

import numpy as np
import pytest

from codesign.errors import VerificationError
from codesign.flows.design import Bound
from codesign.flows.stream_check import verify_stream
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from tests.sim.test_axis import GRAPH

EVENTS = 30


@pytest.fixture
def axis_dir(tmp_path):
    wrapped = emit(GRAPH, schedule(GRAPH, {"d": 3}), tmr="registers", clock_ns=5.0, wrapper="axis").wrapped
    assert wrapped is not None
    return write_rtl(wrapped, tmp_path / "axis")


def bound():
    return Bound(GRAPH, {"x": np.random.default_rng(1).integers(-16, 16, (EVENTS, 3))})


def test_every_beat_comes_out(axis_dir, tmp_path, build_cache):
    found = verify_stream(bound(), axis_dir, tmp_path / "run", build_cache)
    assert (found.beats_in, found.beats_out, found.beats_due) == (4 * EVENTS,) * 3
    assert (found.values.values, found.values.mismatches) == (4 * EVENTS * 4, 0)
    assert "120 beats in, 120 out, 0 lost, 480/480 values equal" in found.text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("axis_fifo.v", "(~tvalid | tready)", "(~tvalid | 1'b1)", "changed before it was taken|out of 120"),
        ("axis_gate.v", "(taken != PLACES[C_WIDTH-1:0]) & ", "", "changed before|out of 120|never taken|differ"),
    ],
)
def test_a_dropped_beat_is_caught(axis_dir, tmp_path, build_cache, file, old, new, message):
    text = (axis_dir / file).read_text()
    assert old in text
    (axis_dir / file).write_text(text.replace(old, new))
    with pytest.raises(VerificationError, match=message):
        verify_stream(bound(), axis_dir, tmp_path / "run", build_cache)
