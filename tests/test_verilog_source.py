"""Reading an emitted module: ports, signals, statements and what they drive; text with other names."""

import pytest

from codesign.errors import BadInputError
from codesign.rtl import template_names, template_text
from codesign.verilog_source import read_module

TEXT = """\
// sample: for the test.
// Ports: a, y
module sample #(
    parameter W   = 4,
    parameter TMR = 1
) (
    input  wire         clk,
    input  wire [W-1:0] a,
    output wire [W-1:0] y
);
    wire [W-1:0] b, c;
    wire d = a[0], e = b[1];
    reg [3:0] held;
    integer i;
    assign {b, c[2:0]} = {a[i +: 2], held};
    always @* begin : work
        held = 4'd0;
        for (i = 0; i < 4; i = i + 1) held[i] = a[i];
    end
    genvar g;
    generate
        for (g = 0; g < 2; g = g + 1) begin : part
            if (g == 0) begin : first
                leaf #(.W(W)) one (.x(b[g]), .y(y[g]));
            end
        end
    endgenerate
endmodule
"""


@pytest.fixture
def source():
    return read_module(TEXT)


def test_head_and_signals(source):
    assert source.name == "sample"
    assert source.comment == ("// sample: for the test.", "// Ports: a, y")
    assert list(source.parameters) == ["W", "TMR"] and source.parameters["W"] == "parameter W   = 4"
    assert {name: port.direction for name, port in source.ports.items()} == {
        "clk": "input",
        "a": "input",
        "y": "output",
    }
    assert source.ports["a"].declaration == "input  wire [W-1:0] "
    sizes = {
        "clk": "",
        "a": "W-1:0",
        "y": "W-1:0",
        "b": "W-1:0",
        "c": "W-1:0",
        "d": "",
        "e": "",
        "held": "3:0",
        "i": "",
    }
    assert source.signals == sizes


def test_statements_and_what_they_drive(source):
    found = [(item.kind, item.targets) for item in source.items if item.kind != "declaration"]
    assert found == [("assign", ("b", "c")), ("process", ("held", "i")), ("instance", ())]
    (leaf,) = source.instances
    assert (leaf.module, leaf.name, leaf.indent) == ("leaf", "one", " " * 16)
    assert [(one.port, one.text, one.signals) for one in leaf.connections] == [
        ("x", "b[g]", ("b", "g")), ("y", "y[g]", ("y", "g")),
    ]  # fmt: skip


def test_names_change_where_signals_stand_and_nowhere_else(source):
    def rename(name):
        return name.upper() if name in source.signals else name

    texts = {item.kind: source.renamed(item.span, rename, "_Z") for item in source.items}
    assert texts["assign"] == "assign {B, C[2:0]} = {A[I +: 2], HELD};"
    assert texts["process"].startswith("always @* begin : work_Z\n        HELD = 4'd0;")
    assert texts["instance"] == "leaf #(.W(W)) one_Z (.x(B[g]), .y(Y[g]));"


def test_replacing_nothing_gives_the_body_back(source):
    assert source.replace({}) == TEXT[TEXT.index(");\n    wire") + 2 : TEXT.index("endmodule")]
    same = {item.span: source.renamed(item.span, lambda name: name) for item in source.items}
    assert source.replace(same) == source.replace({})


@pytest.mark.parametrize("name", template_names())
def test_every_template_can_be_read(name):
    found = read_module(template_text(f"{name}.v"))
    assert found.name == name and found.ports


@pytest.mark.parametrize("text", ["", "module a; endmodule module b; endmodule", "// ä\nmodule a; endmodule"])
def test_what_is_no_single_module_is_refused(text):
    with pytest.raises(BadInputError, match="must hold one module in ASCII"):
        read_module(text)
