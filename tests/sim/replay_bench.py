"""A cocotb test that replays upsets on emitted RTL: the same inputs in every cycle, one register bit deposited.

Reads replay.json and inputs.npy, writes response.json: outputs, error and registers in every cycle of every experiment;
the first experiment is without an upset.
"""

import json
from functools import reduce
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly


def value_of(handle) -> int:
    return int(handle.value)


@cocotb.test()
async def replay(dut):
    """Every experiment starts with the set-up."""
    plan, bits = json.loads(Path("replay.json").read_text()), np.load("inputs.npy", allow_pickle=False)
    registers = [reduce(getattr, name.split("."), dut) for name in plan["registers"]]
    outputs = [getattr(dut, name) for name in plan["outputs"]]
    ports, at = {}, 0
    for name, width in plan["inputs"]:
        rows = np.packbits(bits[:, at : at + width], axis=1, bitorder="little")
        ports[name] = [int.from_bytes(row.tobytes(), "little") for row in rows]
        at += width
    Clock(dut.clk, 2, unit="ns").start()
    seen = []
    for cycle, register, bit in plan["experiments"]:
        rows = []
        for now in range(plan["setup_cycles"] + cycle + plan["cycles"]):
            await FallingEdge(dut.clk)
            for name, values in ports.items():
                getattr(dut, name).value = values[now]
            if register is not None and now == plan["setup_cycles"] + cycle:
                registers[register].value = value_of(registers[register]) ^ (1 << bit)
            await ReadOnly()
            if now >= plan["setup_cycles"]:
                rows.append([value_of(handle) for handle in (*outputs, *registers)])
        seen.append(rows)
    Path("response.json").write_text(json.dumps(seen))
