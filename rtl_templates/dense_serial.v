// dense_serial: time-multiplexed dense layer, reuse factor ROW_GROUPS * INPUT_GROUPS * OUTPUT_GROUPS.
// Latency and initiation interval: reuse factor, in cycles. x must hold still for all phases.
// Ports: in_valid, x, bias  first phase and operands (as in dense)
//        weights_address    weight word of this phase; weights: that word, from a ROM or from registers
//        out_valid, y       accumulators complete, in the cycle after the last phase
module dense_serial #(
    parameter ROWS          = 1,
    parameter INPUTS        = 1,
    parameter OUTPUTS       = 1,
    parameter X_WIDTH       = 1,
    parameter X_SIGNED      = 0,
    parameter W_WIDTH       = 1,
    parameter W_SIGNED      = 1,
    parameter B_WIDTH       = 1,
    parameter B_SIGNED      = 1,
    parameter Y_WIDTH       = 1,
    parameter ROW_GROUPS    = 1,
    parameter INPUT_GROUPS  = 1,
    parameter OUTPUT_GROUPS = 1,
    parameter TRUNCATE      = 0,
    parameter BIAS_SHIFT    = 0,
    parameter A_WIDTH       = 1,
    parameter TMR           = 1
) (
    input  wire                        clk,
    input  wire                        rst,
    input  wire                        in_valid,
    input  wire [ROWS*INPUTS*X_WIDTH-1:0] x,
    input  wire [OUTPUTS*B_WIDTH-1:0]  bias,
    output wire [A_WIDTH-1:0]          weights_address,
    input  wire [(OUTPUTS/OUTPUT_GROUPS)*(INPUTS/INPUT_GROUPS)*W_WIDTH-1:0] weights,
    output wire                        out_valid,
    output wire [ROWS*OUTPUTS*Y_WIDTH-1:0] y,
    output wire                        tmr_err
);
    wire [OUTPUTS*ROWS*Y_WIDTH-1:0] sums;

    matvec_serial #(
        .POSITIONS(ROWS), .INPUTS(INPUTS), .OUTPUTS(OUTPUTS),
        .POSITION_GROUPS(ROW_GROUPS), .INPUT_GROUPS(INPUT_GROUPS), .OUTPUT_GROUPS(OUTPUT_GROUPS),
        .X_WIDTH(X_WIDTH), .X_SIGNED(X_SIGNED), .W_WIDTH(W_WIDTH), .W_SIGNED(W_SIGNED),
        .B_WIDTH(B_WIDTH), .B_SIGNED(B_SIGNED), .Y_WIDTH(Y_WIDTH), .TRUNCATE(TRUNCATE), .BIAS_SHIFT(BIAS_SHIFT),
        .A_WIDTH(A_WIDTH), .TMR(TMR)
    ) products (
        .clk(clk), .rst(rst), .in_valid(in_valid), .x(x), .bias(bias), .address(weights_address), .word(weights),
        .out_valid(out_valid), .y(sums), .tmr_err(tmr_err)
    );

    genvar r, o;
    generate
        for (r = 0; r < ROWS; r = r + 1) begin : row
            for (o = 0; o < OUTPUTS; o = o + 1) begin : element
                assign y[(r*OUTPUTS + o)*Y_WIDTH +: Y_WIDTH] = sums[(o*ROWS + r)*Y_WIDTH +: Y_WIDTH];
            end
        end
    endgenerate
endmodule
