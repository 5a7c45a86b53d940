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
    localparam ROW_BITS      = GROUP_INPUTS * W_WIDTH;
    localparam WORD_BITS     = GROUP_OUTPUTS * ROW_BITS;

    // All words side by side, so that the address is multiplied by a constant only.
    wire [OUTPUT_GROUPS*INPUT_GROUPS*WORD_BITS-1:0] words;

    genvar a, o;
    generate
        for (a = 0; a < OUTPUT_GROUPS*INPUT_GROUPS; a = a + 1) begin : entry
            for (o = 0; o < GROUP_OUTPUTS; o = o + 1) begin : row
                assign words[a*WORD_BITS + o*ROW_BITS +: ROW_BITS] =
                    weights[((a / INPUT_GROUPS)*GROUP_OUTPUTS + o)*INPUTS*W_WIDTH + (a % INPUT_GROUPS)*ROW_BITS
                            +: ROW_BITS];
            end
        end
    endgenerate

    assign word = words[address*WORD_BITS +: WORD_BITS];
endmodule
