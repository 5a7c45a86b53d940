"""Packing of ports into words against text of bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.fixed import Fixed
from codesign.packing import pack, unpack

formats = st.builds(Fixed, st.integers(1, 62), st.just(0), st.booleans())
ports = st.lists(st.tuples(formats, st.sampled_from([(1,), (3,), (2, 2)])), min_size=1, max_size=3)


def as_text(values, fixed):
    """Bits of all elements of one event, element 0 last, as Verilog writes a concatenation."""
    return "".join(f"{int(value) % 2**fixed.width:0{fixed.width}b}" for value in reversed(values.ravel()))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(ports, st.data())
def test_words_are_bits_and_come_back(ports, data):
    events = 3
    arrays = [
        np.array(
            data.draw(st.lists(st.integers(f.low, f.high), min_size=n, max_size=n)), dtype=np.int64
        ).reshape(events, *shape)
        for f, shape in ports
        for n in [events * int(np.prod(shape))]
    ]  # fmt: skip
    used = [fixed for fixed, _ in ports]
    words = pack(arrays, used)
    for event, word in enumerate(words):
        text = "".join(as_text(a[event], f) for a, f in zip(reversed(arrays), reversed(used), strict=True))
        assert int.from_bytes(word.tobytes(), "little") == int(text, 2)
    back = unpack(words, [shape for _, shape in ports], used)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, back, strict=True))


@pytest.mark.parametrize(("width", "bytes_"), [(1, 1), (8, 1), (9, 2), (62, 8)])
def test_an_event_is_a_whole_number_of_bytes(width, bytes_):
    assert pack([np.zeros((5, 1), dtype=np.int64)], [Fixed(width)]).shape == (5, bytes_)
