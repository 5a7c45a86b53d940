"""Netlists of a few cells whose longest path is added up by hand."""

import json
from itertools import pairwise

import pytest

from codesign.errors import ToolFailedError
from codesign.flows.fpga_timing import fpga_timing, primitives

P = primitives()


def timed(tmp_path, cells, ports=None):
    """Time cells {name: (type, {pin: nets})}; net 2 is the clock, net 3 the reset, net 4 an input."""
    inputs = {"clk": [2], "rst": [3], "x": [4]} if ports is None else ports
    module = {
        "ports": {name: {"direction": "input", "bits": bits} for name, bits in inputs.items()},
        "cells": {name: {"type": kind, "connections": pins} for name, (kind, pins) in cells.items()},
    }
    path = tmp_path / "netlist.json"
    path.write_text(json.dumps({"modules": {"top": module}}))
    return fpga_timing(path, "top")


def register(data, q):
    return ("FDRE", {"C": [2], "CE": ["1"], "R": [3], "D": [data], "Q": [q]})


def test_register_to_register_through_one_lut_is_added_up(tmp_path):
    lut = ("LUT2", {"I0": [5], "I1": [6], "O": [7]})
    timing = timed(tmp_path, {"a": register(4, 5), "b": register(4, 6), "lut": lut, "c": register(7, 8)})
    slow_pin = P.launch + P.net["any"] + P.lut[1] + P.net["to_register"] + P.setup["D"]
    assert timing.critical_path_ns == pytest.approx(slow_pin)
    assert [step.cell for step in timing.path] == ["FDRE", "LUT2", "FDRE"]
    assert timing.slack_ns(2.0) == pytest.approx(2.0 - slow_pin)


def test_a_carry_chain_costs_its_entry_once_and_little_a_cell(tmp_path):
    def chain(cells):
        nets, found, carry = 100, {}, ["0"]
        for k in range(cells):
            s, co, o = (list(range(nets + 4 * i, nets + 4 * i + 4)) for i in range(3))
            nets += 12
            for bit in range(4):
                found[f"lut{k}_{bit}"] = ("LUT2", {"I0": [5], "I1": [5], "O": [s[bit]]})
            pins = {"CI": carry, "CYINIT": ["0"], "DI": [5] * 4, "S": s, "CO": co, "O": o}
            found[f"carry{k}"] = ("CARRY4", pins)
            carry, last = [co[3]], o[3]
        return timed(tmp_path, {"a": register(4, 5), **found, "b": register(last, 6)}).critical_path_ns

    entry = P.launch + P.net["any"] + P.lut[1] + P.net["lut_to_carry"]
    leave = P.net["to_register"] + P.setup["D"]
    assert chain(1) == pytest.approx(entry + P.carry["S_CO"] + P.carry["carry_O"] + leave)
    up = P.net["carry_to_carry"] + P.carry["CI_O"] + 3 * P.carry["bit_O"]
    assert chain(2) == pytest.approx(
        max(entry + P.carry["S_CO"], P.launch + P.net["any"] + P.carry["DI_CO"]) + up + leave
    )
    assert chain(3) - chain(2) == pytest.approx(P.net["carry_to_carry"] + P.carry["CI_CO"])


def test_an_input_counts_as_launched_by_a_register_and_the_reset_is_not_timed(tmp_path):
    lut = ("LUT1", {"I0": [4], "O": [7]})
    direct = timed(tmp_path, {"lut": lut, "c": register(7, 8)})
    assert direct.path[0].cell == "port"
    assert direct.critical_path_ns == pytest.approx(
        P.launch + P.net["any"] + P.lut[0] + P.net["to_register"] + P.setup["D"]
    )
    slow_reset = ("LUT1", {"I0": [3], "O": [7]})
    with pytest.raises(ToolFailedError, match="no path to a register"):
        timed(tmp_path, {"lut": slow_reset, "c": register(7, 8)})


def test_a_longer_path_is_longer(tmp_path):
    """Negative control: with one LUT more in the path, another result."""
    luts = {f"lut{k}": ("LUT1", {"I0": [10 + k], "O": [11 + k]}) for k in range(3)}
    times = [
        timed(
            tmp_path, {"a": register(4, 10), **dict(list(luts.items())[:n]), "b": register(10 + n, 99)}
        ).critical_path_ns
        for n in (1, 2, 3)
    ]
    step = P.net["any"] + P.lut[0]
    assert [b - a for a, b in pairwise(times)] == pytest.approx([step, step])


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"x": ("DSP48E2", {"A": [4], "P": [5]})}, "no delay is known for the primitive DSP48E2"),
        (
            {"x": ("LUT1", {"I0": [5], "O": [6]}), "y": ("LUT1", {"I0": [6], "O": [5]}), "r": register(6, 9)},
            "combinational loop through [xy]",
        ),
        ({"x": ("LUT1", {"I0": [4], "O": [5]})}, "no path to a register"),
    ],
)
def test_what_cannot_be_timed_is_named(tmp_path, cells, message):
    with pytest.raises(ToolFailedError, match=message):
        timed(tmp_path, cells)
