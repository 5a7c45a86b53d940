"""How cells are put side by side: by type and level, flip-flops by clock; every net once."""

import re

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.flows.activity_files import net_names
from codesign.flows.gate_bundles import WIDTH, bundled_verilog
from tests.flows.test_power import CLK, A, cell, tiny


def instances(text, kind):
    """Sizes of the instances of a cell type, in the order of the text."""
    return [int(size) for size in re.findall(rf"^  {kind} #\((\d+)\)", text, re.MULTILINE)]


def test_cells_of_one_level_are_side_by_side_and_every_net_has_one_place(tmp_path):
    more = {f"i{k}": cell("INV", A=A, Y=100 + k) for k in range(2 * WIDTH)}
    # On another level, so in another instance.
    netlist, library = tiny(tmp_path, **more, last=cell("INV", A=100, Y=99))
    text, vectors = bundled_verilog(netlist, library)
    assert instances(text, "INV") == [WIDTH, WIDTH, 1, 1]
    assert sorted(np.concatenate(vectors).tolist()) == sorted(net_names(netlist))
    for k, nets in enumerate(vectors):
        names = " ".join(net_names(netlist)[net] for net in nets.tolist())
        assert f"  wire [{len(nets) - 1}:0] nets{k};  // {names}\n" in text


def test_flip_flops_of_two_clocks_are_apart(tmp_path):
    netlist, library = tiny(tmp_path, other=cell("DFF", D=A, CK=A, Q=8), same=cell("DFF", D=8, CK=CLK, Q=9))
    text, _ = bundled_verilog(netlist, library)
    assert instances(text, "DFF") == [2, 1]


def test_pins_without_a_net_read_0_and_drive_nothing(tmp_path):
    open_pins = {"half": cell("XOR2", A=A, Y=8), "none": {"type": "INV", "connections": {"A": [A], "Y": []}}}
    netlist, library = tiny(tmp_path, **open_pins)
    text, vectors = bundled_verilog(netlist, library)
    assert re.search(r"XOR2 #\(2\) \w+ \(.*\.B\(\{nets\d+\[0\], 1'b0\}\)", text)
    # The vector of the two inverters has a bit for the open pin, which nothing reads.
    at = next(k for k, nets in enumerate(vectors) if netlist.net_count - 1 in nets)
    assert f"wire [1:0] nets{at};" in text and f"nets{at}[1]" not in text


def test_a_loop_is_refused(tmp_path):
    loop = {"one": cell("INV", A=9, Y=8), "two": cell("INV", A=8, Y=9)}
    with pytest.raises(BadInputError, match="combinational loop"):
        bundled_verilog(*tiny(tmp_path, **loop))
