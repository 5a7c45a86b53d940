// conv2d: fully parallel two-dimensional convolution (reuse factor 1), with optional truncation of every product.
// Latency: combinational.
// Ports: x       image, element (channel*ROWS + row)*COLUMNS + column, element 0 in the lowest bits
//        weights element ((filter*(CHANNELS/GROUPS) + channel)*KERNEL_ROWS + row)*KERNEL_COLUMNS + column
//        bias    one per filter in units of 2**BIAS_SHIFT
//        y       accumulators, element (filter*OUT_ROWS + row)*OUT_COLUMNS + column
module conv2d #(
    parameter CHANNELS       = 1,
    parameter ROWS           = 1,
    parameter COLUMNS        = 1,
    parameter KERNEL_ROWS    = 1,
    parameter KERNEL_COLUMNS = 1,
    parameter STRIDE_ROWS    = 1,
    parameter STRIDE_COLUMNS = 1,
    parameter PAD_TOP        = 0,
    parameter PAD_LEFT       = 0,
    parameter OUT_ROWS       = 1,
    parameter OUT_COLUMNS    = 1,
    parameter OUTPUTS        = 1,
    parameter GROUPS         = 1,
    parameter X_WIDTH        = 1,
    parameter X_SIGNED       = 0,
    parameter W_WIDTH        = 1,
    parameter W_SIGNED       = 1,
    parameter B_WIDTH        = 1,
    parameter B_SIGNED       = 1,
    parameter Y_WIDTH        = 1,
    parameter TRUNCATE       = 0,
    parameter BIAS_SHIFT     = 0,
    parameter [X_WIDTH-1:0] PAD_VALUE = 0
) (
    input  wire [CHANNELS*ROWS*COLUMNS*X_WIDTH-1:0]                        x,
    input  wire [OUTPUTS*(CHANNELS/GROUPS)*KERNEL_ROWS*KERNEL_COLUMNS*W_WIDTH-1:0] weights,
    input  wire [OUTPUTS*B_WIDTH-1:0]                                      bias,
    output wire [OUTPUTS*OUT_ROWS*OUT_COLUMNS*Y_WIDTH-1:0]                 y
);
    localparam POSITIONS = OUT_ROWS * OUT_COLUMNS;
    localparam TAPS      = (CHANNELS / GROUPS) * KERNEL_ROWS * KERNEL_COLUMNS;

    wire [POSITIONS*GROUPS*TAPS*X_WIDTH-1:0]    windows;
    wire [OUTPUTS*POSITIONS*Y_WIDTH-1:0] start;

    im2col #(
        .CHANNELS(CHANNELS), .ROWS(ROWS), .COLUMNS(COLUMNS),
        .KERNEL_ROWS(KERNEL_ROWS), .KERNEL_COLUMNS(KERNEL_COLUMNS),
        .STRIDE_ROWS(STRIDE_ROWS), .STRIDE_COLUMNS(STRIDE_COLUMNS),
        .PAD_TOP(PAD_TOP), .PAD_LEFT(PAD_LEFT), .OUT_ROWS(OUT_ROWS), .OUT_COLUMNS(OUT_COLUMNS),
        .X_WIDTH(X_WIDTH), .PAD_VALUE(PAD_VALUE)
    ) kernel (.x(x), .windows(windows));

    bias_extend #(
        .POSITIONS(POSITIONS), .OUTPUTS(OUTPUTS), .B_WIDTH(B_WIDTH), .B_SIGNED(B_SIGNED),
        .BIAS_SHIFT(BIAS_SHIFT), .Y_WIDTH(Y_WIDTH)
    ) biases (.bias(bias), .y(start));

    matvec #(
        .POSITIONS(POSITIONS), .INPUTS(TAPS), .OUTPUTS(OUTPUTS), .GROUPS(GROUPS),
        .X_WIDTH(X_WIDTH), .X_SIGNED(X_SIGNED), .W_WIDTH(W_WIDTH), .W_SIGNED(W_SIGNED),
        .Y_WIDTH(Y_WIDTH), .TRUNCATE(TRUNCATE)
    ) products (.x(windows), .w(weights), .start(start), .y(y));
endmodule
