"""A small design on the project's own register: out = a * b + 37, two register stages, 27 register bits."""

import json
import os
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

TOP = """\
module mac (
    input wire clk, input wire rst, input wire in_valid, input wire [11:0] in_data,
    output wire out_valid, output wire [12:0] out_data, output wire tmr_err
);
    wire [11:0] product;
    wire [3:0] err;
    wire valid;
    wire [11:0] next_product = in_data[5:0] * in_data[11:6];
    tmr_register #(.WIDTH(12), .TMR(TRIPLE)) r_product (clk, rst, in_valid, next_product, product, err[0]);
    tmr_register #(.WIDTH(1), .TMR(TRIPLE)) r_valid (clk, rst, 1'b1, in_valid, valid, err[1]);
    tmr_register #(.WIDTH(13), .TMR(TRIPLE)) r_sum (clk, rst, valid, product + 13'd37, out_data, err[2]);
    tmr_register #(.WIDTH(1), .TMR(TRIPLE)) r_out (clk, rst, 1'b1, valid, out_valid, err[3]);
    assign tmr_err = |err;
endmodule
"""
# The two large libraries take seconds to read, several times over.
LIBRARIES = (
    "sg13g2_stdcell_typ_1p20V_25C",
    pytest.param("nangate45_typ", marks=pytest.mark.slow),
    pytest.param("sky130hd_tt", marks=pytest.mark.slow),
)
TEMPLATES = ("tmr_register.v", "majority_voter.v")


def write_sample(directory: Path, tmr: str = "registers", keep: bool = True, top: str = TOP) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name in TEMPLATES:
        text = (resources.files("codesign.rtl_templates") / name).read_text()
        (directory / name).write_text(text if keep else text.replace("(* keep *) ", ""))
    (directory / "top.v").write_text(top.replace("TRIPLE", "1" if tmr == "registers" else "0"))
    manifest = {"top": "mac", "sources": [*TEMPLATES, "top.v"], "register_bits": 27, "tmr": tmr}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory


def gone(pid, wait_s=5.0):
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # An ended orphan may wait as a zombie for the init process to collect it.
        status = Path(f"/proc/{pid}/stat")
        if status.exists() and status.read_text().split()[2] == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def make_rtl(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes the design, with other options or another top if asked."""

    def make(tmr: str = "registers", keep: bool = True, top: str = TOP) -> Path:
        return write_sample(tmp_path / "rtl", tmr, keep, top)

    return make


@pytest.fixture(scope="session")
def liberty_dir(shared_data: Path) -> Path:
    return shared_data / "liberty"
