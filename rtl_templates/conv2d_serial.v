// conv2d_serial: time-multiplexed convolution, reuse factor POSITION_GROUPS * INPUT_GROUPS * OUTPUT_GROUPS.
// Latency and initiation interval: reuse factor, in cycles. x must hold still for all phases.
// Ports: in_valid, x, bias  first phase and operands (as in conv2d)
//        weights_address    weight word of this phase; weights: that word, from a ROM or from registers
//        out_valid, y       accumulators complete, in the cycle after the last phase
module conv2d_serial #(
    parameter CHANNELS        = 1,
    parameter ROWS            = 1,
    parameter COLUMNS         = 1,
    parameter KERNEL_ROWS     = 1,
    parameter KERNEL_COLUMNS  = 1,
    parameter STRIDE_ROWS     = 1,
    parameter STRIDE_COLUMNS  = 1,
    parameter PAD_TOP         = 0,
    parameter PAD_LEFT        = 0,
    parameter OUT_ROWS        = 1,
    parameter OUT_COLUMNS     = 1,
    parameter OUTPUTS         = 1,
    parameter GROUPS          = 1,
    parameter X_WIDTH         = 1,
    parameter X_SIGNED        = 0,
    parameter W_WIDTH         = 1,
    parameter W_SIGNED        = 1,
    parameter B_WIDTH         = 1,
    parameter B_SIGNED        = 1,
    parameter Y_WIDTH         = 1,
    parameter POSITION_GROUPS = 1,
    parameter INPUT_GROUPS    = 1,
    parameter OUTPUT_GROUPS   = 1,
    parameter TRUNCATE        = 0,
    parameter BIAS_SHIFT      = 0,
    parameter A_WIDTH         = 1,
    parameter TMR             = 1,
    parameter [X_WIDTH-1:0] PAD_VALUE = 0
) (
    input  wire                                     clk,
    input  wire                                     rst,
    input  wire                                     in_valid,
    input  wire [CHANNELS*ROWS*COLUMNS*X_WIDTH-1:0] x,
    input  wire [OUTPUTS*B_WIDTH-1:0]               bias,
    output wire [A_WIDTH-1:0]                       weights_address,
    input  wire [(OUTPUTS/OUTPUT_GROUPS)*((CHANNELS/GROUPS)*KERNEL_ROWS*KERNEL_COLUMNS/INPUT_GROUPS)*W_WIDTH-1:0]
                                                    weights,
    output wire                                     out_valid,
    output wire [OUTPUTS*OUT_ROWS*OUT_COLUMNS*Y_WIDTH-1:0] y,
    output wire                                     tmr_err
);
    localparam POSITIONS = OUT_ROWS * OUT_COLUMNS;
    localparam TAPS      = (CHANNELS / GROUPS) * KERNEL_ROWS * KERNEL_COLUMNS;

    wire [POSITIONS*GROUPS*TAPS*X_WIDTH-1:0] windows;

    im2col #(
        .CHANNELS(CHANNELS), .ROWS(ROWS), .COLUMNS(COLUMNS),
        .KERNEL_ROWS(KERNEL_ROWS), .KERNEL_COLUMNS(KERNEL_COLUMNS),
        .STRIDE_ROWS(STRIDE_ROWS), .STRIDE_COLUMNS(STRIDE_COLUMNS),
        .PAD_TOP(PAD_TOP), .PAD_LEFT(PAD_LEFT), .OUT_ROWS(OUT_ROWS), .OUT_COLUMNS(OUT_COLUMNS),
        .X_WIDTH(X_WIDTH), .PAD_VALUE(PAD_VALUE)
    ) kernel (.x(x), .windows(windows));

    matvec_serial #(
        .POSITIONS(POSITIONS), .INPUTS(TAPS), .OUTPUTS(OUTPUTS), .GROUPS(GROUPS),
        .POSITION_GROUPS(POSITION_GROUPS), .INPUT_GROUPS(INPUT_GROUPS), .OUTPUT_GROUPS(OUTPUT_GROUPS),
        .X_WIDTH(X_WIDTH), .X_SIGNED(X_SIGNED), .W_WIDTH(W_WIDTH), .W_SIGNED(W_SIGNED),
        .B_WIDTH(B_WIDTH), .B_SIGNED(B_SIGNED), .Y_WIDTH(Y_WIDTH), .TRUNCATE(TRUNCATE), .BIAS_SHIFT(BIAS_SHIFT),
        .A_WIDTH(A_WIDTH), .TMR(TMR)
    ) products (
        .clk(clk), .rst(rst), .in_valid(in_valid), .x(windows), .bias(bias), .address(weights_address),
        .word(weights), .out_valid(out_valid), .y(y), .tmr_err(tmr_err)
    );
endmodule
