"""A cocotb test that plays port values cycle by cycle and records outputs: for what no stream of events can say.

`play.json` holds the names of the inputs and outputs and one list of input values (None: unchanged) for each cycle of
`cfg_clk`; `clk` ticks where input `clk_on` is one. `record.json` gets the outputs at the end of every cycle.
"""

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from codesign.files import read_json, write_json


@cocotb.test()
async def play(dut: Any) -> None:
    """Play all cycles."""
    script = read_json(Path.cwd() / "play.json")
    inputs = [getattr(dut, name) for name in script["inputs"]]
    outputs = [getattr(dut, name) for name in script["outputs"]]
    half = Timer(1, unit="ns")
    dut.clk.value = 0
    dut.cfg_clk.value = 0
    record = []
    for values in script["cycles"]:
        for port, value in zip(inputs, values, strict=True):
            if value is not None:
                port.value = value
        await half
        record.append([int(port.value) for port in outputs])
        dut.cfg_clk.value = 1
        dut.clk.value = int(dut.clk_on.value)
        await half
        dut.cfg_clk.value = 0
        dut.clk.value = 0
    write_json(Path.cwd() / "record.json", record)
