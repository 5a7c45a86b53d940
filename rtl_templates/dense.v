// dense: fully parallel dense layer (reuse factor 1), y = W x + b at every row, with optional truncation of products.
// Constant weights turn into wired logic in synthesis; programmable ones stay multipliers.
// Latency: combinational.
// Ports: x       ROWS rows of INPUTS elements, element 0 in the lowest bits
//        weights OUTPUTS rows of INPUTS weights, element o*INPUTS + i
//        bias    OUTPUTS biases in units of 2**BIAS_SHIFT
//        y       ROWS rows of OUTPUTS accumulators
module dense #(
    parameter ROWS       = 1,
    parameter INPUTS     = 1,
    parameter OUTPUTS    = 1,
    parameter X_WIDTH    = 1,
    parameter X_SIGNED   = 0,
    parameter W_WIDTH    = 1,
    parameter W_SIGNED   = 1,
    parameter B_WIDTH    = 1,
    parameter B_SIGNED   = 1,
    parameter Y_WIDTH    = 1,
    parameter TRUNCATE   = 0,
    parameter BIAS_SHIFT = 0
) (
    input  wire [ROWS*INPUTS*X_WIDTH-1:0]    x,
    input  wire [OUTPUTS*INPUTS*W_WIDTH-1:0] weights,
    input  wire [OUTPUTS*B_WIDTH-1:0]        bias,
    output wire [ROWS*OUTPUTS*Y_WIDTH-1:0]   y
);
    wire [OUTPUTS*ROWS*Y_WIDTH-1:0] start, sums;

    bias_extend #(
        .POSITIONS(ROWS), .OUTPUTS(OUTPUTS), .B_WIDTH(B_WIDTH), .B_SIGNED(B_SIGNED),
        .BIAS_SHIFT(BIAS_SHIFT), .Y_WIDTH(Y_WIDTH)
    ) biases (.bias(bias), .y(start));

    matvec #(
        .POSITIONS(ROWS), .INPUTS(INPUTS), .OUTPUTS(OUTPUTS), .X_WIDTH(X_WIDTH), .X_SIGNED(X_SIGNED),
        .W_WIDTH(W_WIDTH), .W_SIGNED(W_SIGNED), .Y_WIDTH(Y_WIDTH), .TRUNCATE(TRUNCATE)
    ) products (.x(x), .w(weights), .start(start), .y(sums));

    genvar r, o;
    generate
        for (r = 0; r < ROWS; r = r + 1) begin : row
            for (o = 0; o < OUTPUTS; o = o + 1) begin : element
                assign y[(r*OUTPUTS + o)*Y_WIDTH +: Y_WIDTH] = sums[(o*ROWS + r)*Y_WIDTH +: Y_WIDTH];
            end
        end
    endgenerate
endmodule
