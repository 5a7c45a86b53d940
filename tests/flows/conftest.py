"""A small triplicated design: out = a * b + 37, two register stages."""

import json
from pathlib import Path

import pytest

TMR_REGISTER = """\
module tmr_register #(parameter WIDTH = 1, parameter TMR = 1) (
    input clk, input rst, input enable, input [WIDTH-1:0] d, output [WIDTH-1:0] q, output err
);
    generate if (TMR) begin : triple
        reg [WIDTH-1:0] a, b, c;
        (* keep *) always @(posedge clk) if (rst) a <= 0; else if (enable) a <= d; else a <= q;
        (* keep *) always @(posedge clk) if (rst) b <= 0; else if (enable) b <= d; else b <= q;
        (* keep *) always @(posedge clk) if (rst) c <= 0; else if (enable) c <= d; else c <= q;
        assign q = (a & b) | (a & c) | (b & c);
        assign err = (a != b) | (a != c);
    end else begin : single
        reg [WIDTH-1:0] a;
        always @(posedge clk) if (rst) a <= 0; else if (enable) a <= d;
        assign q = a;
        assign err = 1'b0;
    end endgenerate
endmodule
"""
TOP = """\
module mac (
    input clk, input rst, input in_valid, input [11:0] in_data,
    output out_valid, output [12:0] out_data, output tmr_err
);
    wire [11:0] product;
    wire [12:0] sum;
    wire [3:0] err;
    wire valid;
    wire [11:0] next_product = in_data[5:0] * in_data[11:6];
    tmr_register #(.WIDTH(12), .TMR(TRIPLE)) r_product (clk, rst, in_valid, next_product, product, err[0]);
    tmr_register #(.WIDTH(1), .TMR(TRIPLE)) r_valid (clk, rst, 1'b1, in_valid, valid, err[1]);
    tmr_register #(.WIDTH(13), .TMR(TRIPLE)) r_sum (clk, rst, valid, product + 13'd37, sum, err[2]);
    tmr_register #(.WIDTH(1), .TMR(TRIPLE)) r_out (clk, rst, 1'b1, valid, out_valid, err[3]);
    assign out_data = sum;
    assign tmr_err = |err;
endmodule
"""


def write_sample(directory: Path, tmr: str = "registers", register: str = TMR_REGISTER, top: str = TOP) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "tmr_register.v").write_text(register)
    (directory / "top.v").write_text(top.replace("TRIPLE", "1" if tmr == "registers" else "0"))
    manifest = {"top": "mac", "sources": ["tmr_register.v", "top.v"], "register_bits": 27, "tmr": tmr}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory


@pytest.fixture
def sample_rtl(tmp_path: Path) -> Path:
    return write_sample(tmp_path / "rtl")


@pytest.fixture(scope="session")
def synthesis_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One work directory for all tests: equal jobs run once."""
    return tmp_path_factory.mktemp("synthesis")


@pytest.fixture(scope="session")
def liberty_dir() -> Path:
    directory = Path(__file__).parents[2].parent / "shared" / "data" / "liberty"
    if not directory.is_dir():
        pytest.skip("../shared/data/liberty with the standard-cell libraries is absent")
    return directory
