// dense: fully parallel dense layer (reuse factor 1), y = W x + b with optional truncation of every product.
// Constant weights turn into wired logic in synthesis; programmable ones stay multipliers.
// Latency: combinational.
// Ports: x       INPUTS elements, element 0 in the lowest bits
//        weights OUTPUTS rows of INPUTS weights, element o*INPUTS + i
//        bias    OUTPUTS biases in units of 2**BIAS_SHIFT
//        y       OUTPUTS accumulators
module dense #(
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
    input  wire [INPUTS*X_WIDTH-1:0]         x,
    input  wire [OUTPUTS*INPUTS*W_WIDTH-1:0] weights,
    input  wire [OUTPUTS*B_WIDTH-1:0]        bias,
    output wire [OUTPUTS*Y_WIDTH-1:0]        y
);
    wire [OUTPUTS*Y_WIDTH-1:0] start;

    bias_extend #(
        .OUTPUTS(OUTPUTS), .B_WIDTH(B_WIDTH), .B_SIGNED(B_SIGNED), .BIAS_SHIFT(BIAS_SHIFT), .Y_WIDTH(Y_WIDTH)
    ) biases (.bias(bias), .y(start));

    matvec #(
        .INPUTS(INPUTS), .OUTPUTS(OUTPUTS), .X_WIDTH(X_WIDTH), .X_SIGNED(X_SIGNED),
        .W_WIDTH(W_WIDTH), .W_SIGNED(W_SIGNED), .Y_WIDTH(Y_WIDTH), .TRUNCATE(TRUNCATE)
    ) products (.x(x), .w(weights), .start(start), .y(y));
endmodule
