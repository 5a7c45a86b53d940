import pytest

from benchmarks.generate import Generated, Point, generate
from benchmarks.models import load_bench
from benchmarks.peers import without_input_register
from benchmarks.simulate import check
from benchmarks.synthesis import TRIPLICATED, sources_of
from codesign.errors import ToolMissingError, VerificationError
from codesign.flows.netlist import count_cells, flip_flop_bits
from codesign.flows.yosys_job import run_job
from codesign.flows.yosys_scripts import flip_flop_script
from tests.benchmarks.small import MLP, write_model

STYLES = (
    (
        "    reg [7:0] stage0_inp;\n    reg [3:0] stage1_inp;\n    stage0_inp <= model_inp;\n    stage1_inp <= s0;\n"
        "    model_out <= s1;\n",
        "    wire [7:0] stage0_inp = model_inp;\n    reg [3:0] stage1_inp;\n    stage1_inp <= s0;\n"
        "    model_out <= s1;\n",
    ),
    (
        "    reg [7:0] r;\n    reg [3:0] s;\n   r[7:0] <= model_inp[7:0];\n   s[3:0] <= a[3:0];\n"
        "   model_out[3:0] <= b;\n",
        "    wire [7:0] r = model_inp;\n    reg [3:0] s;\n   s[3:0] <= a[3:0];\n   model_out[3:0] <= b;\n",
    ),
)
PIPELINE = """module pipe (input clk, input [4:0] d, output reg [4:0] q, output reg [4:0] r);
    reg [4:0] a, b;
    always @(posedge clk) begin a <= d; b <= d; q <= a + 5'd3; r <= b & q; end
endmodule
"""


@pytest.mark.parametrize(("text", "wanted"), STYLES)
def test_the_input_register_is_taken_out(tmp_path, text, wanted):
    path = tmp_path / "peer.v"
    path.write_text(text, encoding="utf-8")
    assert without_input_register(path) == 2
    assert path.read_text(encoding="utf-8") == wanted


def test_a_missing_peer_is_a_message(tmp_path):
    with pytest.raises(ToolMissingError, match=r"da4ml needs an environment with benchmarks/requirements\.txt"):
        generate(Point("xcup", "tiny-mlp", "half_up", False, "da4ml", 3), write_model(MLP, tmp_path), None, tmp_path)


def test_every_register_of_another_flow_is_triplicated(tmp_path, build_cache):
    """The pair a, b is one register; 15 bits in all."""
    path = tmp_path / "pipe.v"
    path.write_text(PIPELINE, encoding="utf-8")
    made = Generated("pipe", (path,), 2, 0.0, 0.0, None, {})
    for triplicate, bits in ((True, 45), (False, 15)):
        top, files = sources_of(made, triplicate, build_cache / "benchmarks", 100)
        assert (TRIPLICATED in files) == triplicate
        job = run_job(flip_flop_script(top, sorted(files)), "flip_flops", files, build_cache / "benchmarks", 100)
        assert flip_flop_bits(count_cells(job / "netlist.json", top)) == bits


@pytest.mark.slow
def test_the_plain_description_is_the_graph(tmp_path, build_cache):
    """And another rounding is not: the comparison can fail."""
    model = write_model(MLP, tmp_path)
    made = generate(Point("xcup", "tiny-mlp", "half_even", False, "plain", 0), model, None, tmp_path)
    assert check(made, load_bench(model, "half_even"), build_cache / "benchmarks", 300).events == 300
    with pytest.raises(VerificationError, match="plain is not the model"):
        check(made, load_bench(model, "half_up"), build_cache / "benchmarks", 300)
