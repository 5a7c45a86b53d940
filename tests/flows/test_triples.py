"""The netlist check of triplication: intact, merged, dropped and half-constant copies."""

import copy

import pytest

from codesign.errors import VerificationError
from codesign.files import write_json
from codesign.flows.triples import Triples, check_triples

TOP = "top"


def netlist(bits):
    """A netlist with one register u.triplicated of the given copies; every number is the output of a flip-flop."""
    numbers = {bit for copy_bits in bits.values() for bit in copy_bits if isinstance(bit, int)}
    cells = {f"ff{n}": {"type": "$_SDFF_PP0_", "connections": {"Q": [n], "D": [1], "C": [2]}} for n in sorted(numbers)}
    names = {f"u.triplicated.{name}": {"bits": values} for name, values in bits.items()}
    return {"modules": {TOP: {"cells": cells, "netnames": names, "ports": {}}}}


INTACT = {"qA": [10, 11], "qB": [20, 21], "qC": [30, 31]}


def check(tmp_path, content):
    path = tmp_path / "netlist.json"
    write_json(path, content)
    return check_triples(path, TOP)


def test_three_copies_of_every_bit_are_counted(tmp_path):
    assert check(tmp_path, netlist(INTACT)) == Triples(1, 2, 0)


def test_a_bit_that_is_constant_in_all_copies_is_allowed_and_counted(tmp_path):
    bits = {name: [values[0], "0"] for name, values in INTACT.items()}
    assert check(tmp_path, netlist(bits)) == Triples(1, 1, 1)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"qC": [20, 31]}, "bit 0: its copies are not three flip-flops"),
        ({"qB": ["0", 21]}, "bit 0: its copies are not three flip-flops"),
        ({"qB": ["0", 21], "qA": ["1", 11], "qC": ["0", 31]}, "bit 0"),
    ],
)
def test_merged_or_half_constant_copies_are_caught(tmp_path, broken, message):
    with pytest.raises(VerificationError, match=message):
        check(tmp_path, netlist(INTACT | broken))


def test_a_dropped_copy_is_caught(tmp_path):
    bits = {name: values for name, values in INTACT.items() if name != "qB"}
    with pytest.raises(VerificationError, match=r"u.triplicated: only copies qA, qC are left"):
        check(tmp_path, netlist(bits))


def test_a_copy_that_is_no_flip_flop_is_caught(tmp_path):
    content = copy.deepcopy(netlist(INTACT))
    del content["modules"][TOP]["cells"]["ff31"]
    with pytest.raises(VerificationError, match="bit 1"):
        check(tmp_path, content)
