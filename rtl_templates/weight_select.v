// weight_select: the weight word of one phase out of programmable weights (where constants use a ROM).
// Latency: combinational.
// Ports: weights OUTPUTS rows of INPUTS weights, element o*INPUTS + i, element 0 in the lowest bits
//        address output group * INPUT_GROUPS + input group
//        word    rows of that output group, columns of that input group
module weight_select #(
    parameter INPUTS        = 1,
    parameter OUTPUTS       = 1,
    parameter INPUT_GROUPS  = 1,
    parameter OUTPUT_GROUPS = 1,
    parameter W_WIDTH       = 1,
    parameter A_WIDTH       = 1
) (
    input  wire [OUTPUTS*INPUTS*W_WIDTH-1:0] weights,
    input  wire [A_WIDTH-1:0]                address,
    output wire [(OUTPUTS/OUTPUT_GROUPS)*(INPUTS/INPUT_GROUPS)*W_WIDTH-1:0] word
);
    localparam GROUP_INPUTS  = INPUTS / INPUT_GROUPS;
    localparam GROUP_OUTPUTS = OUTPUTS / OUTPUT_GROUPS;

    wire [31:0] number;
    assign number = {{(32-A_WIDTH){1'b0}}, address};

    genvar o;
    generate
        for (o = 0; o < GROUP_OUTPUTS; o = o + 1) begin : row
            assign word[o*GROUP_INPUTS*W_WIDTH +: GROUP_INPUTS*W_WIDTH] =
                weights[(((number / INPUT_GROUPS)*GROUP_OUTPUTS + o)*INPUTS
                         + (number % INPUT_GROUPS)*GROUP_INPUTS)*W_WIDTH +: GROUP_INPUTS*W_WIDTH];
        end
    endgenerate
endmodule
