// sample_conv_serial: constant 2 x 9 matrix at 4 position(s) in 4 phases:
// 4 position group(s) x 1 row group(s) x 1 digit(s) of 3 bits, digits fastest, least significant first.
// Latency: 4 cycles. x must hold still from in_valid on for all of them.
// Initiation interval: 4 cycles.
// Ports: in_valid, x first phase and operand; out_valid, y the result, in the cycle after the last phase,
//        kept until the first group of the next event is complete; tmr_err a copy of a register differs
module sample_conv_serial #(
    parameter TMR = 1
) (
    input  wire clk,
    input  wire rst,
    input  wire in_valid,
    input  wire [47:0] x,
    output wire out_valid,
    output wire [31:0] y,
    output wire tmr_err
);
    wire [7:0] err;

    // phase
    wire busy, active, last;
    wire [31:0] digit;
    wire digit_last;
    phase_counter #(
        .COUNT (1),
        .TMR   (TMR)
    ) u_digit (
        .clk     (clk),
        .rst     (rst),
        .en      (active),
        .count   (digit),
        .last    (digit_last),
        .tmr_err (err[0])
    );
    wire [31:0] row;
    wire row_last;
    phase_counter #(
        .COUNT (1),
        .TMR   (TMR)
    ) u_row (
        .clk     (clk),
        .rst     (rst),
        .en      (active & digit_last),
        .count   (row),
        .last    (row_last),
        .tmr_err (err[1])
    );
    wire [31:0] position;
    wire position_last;
    phase_counter #(
        .COUNT (4),
        .TMR   (TMR)
    ) u_position (
        .clk     (clk),
        .rst     (rst),
        .en      (active & digit_last & row_last),
        .count   (position),
        .last    (position_last),
        .tmr_err (err[2])
    );
    assign busy = (digit != 0) | (row != 0) | (position != 0);
    assign last = active & digit_last & row_last & position_last;
    assign active = in_valid | busy;
    tmr_register #(
        .WIDTH (1),
        .TMR   (TMR)
    ) u_done (
        .clk (clk),
        .rst (rst),
        .en  (1'b1),
        .d   (last),
        .q   (out_valid),
        .err (err[3])
    );

    // operands of this phase
    wire [2:0] pad = 3'd0;
    wire [2:0] d0 = x[2:0];
    wire [2:0] d1 = x[5:3];
    wire [2:0] d2 = x[8:6];
    wire [2:0] d3 = x[11:9];
    wire [2:0] d4 = x[14:12];
    wire [2:0] d5 = x[17:15];
    wire [2:0] d6 = x[20:18];
    wire [2:0] d7 = x[23:21];
    wire [2:0] d8 = x[26:24];
    wire [2:0] d9 = x[29:27];
    wire [2:0] d10 = x[32:30];
    wire [2:0] d11 = x[35:33];
    wire [2:0] d12 = x[38:36];
    wire [2:0] d13 = x[41:39];
    wire [2:0] d14 = x[44:42];
    wire [2:0] d15 = x[47:45];
    wire [11:0] w0_every = {d10, d8, d2, d0};
    wire [2:0] w0 = w0_every[position[1:0]*3 +: 3];
    wire [11:0] w1_every = {d11, d9, d3, d1};
    wire [2:0] w1 = w1_every[position[1:0]*3 +: 3];
    wire [11:0] w2_every = {pad, d10, pad, d2};
    wire [2:0] w2 = w2_every[position[1:0]*3 +: 3];
    wire [11:0] w3_every = {d14, d12, d6, d4};
    wire [2:0] w3 = w3_every[position[1:0]*3 +: 3];
    wire [11:0] w4_every = {d15, d13, d7, d5};
    wire [2:0] w4 = w4_every[position[1:0]*3 +: 3];
    wire [11:0] w5_every = {pad, d14, pad, d6};
    wire [2:0] w5 = w5_every[position[1:0]*3 +: 3];
    wire [11:0] w6_every = {pad, pad, d10, d8};
    wire [2:0] w6 = w6_every[position[1:0]*3 +: 3];
    wire [11:0] w7_every = {pad, pad, d11, d9};
    wire [2:0] w7 = w7_every[position[1:0]*3 +: 3];
    wire [11:0] w8_every = {pad, pad, pad, d10};
    wire [2:0] w8 = w8_every[position[1:0]*3 +: 3];
    wire [26:0] window0 = {
        w8, w7, w6, w5, w4, w3, w2, w1,
        w0
    };

    // sums, accumulators and finished elements
    wire [17:0] sums0;
    sample_conv_serial_adders u_sums0 (
        .x (window0),
        .y (sums0)
    );
    wire [8:0] total0_0 = sums0[8:0];
    wire [2:0] factor0_0 = {3'd3};
    wire [10:0] constant0_0 = {11'd9};
    wire [3:0] z0_0;
    requantise_word #(
        .X_WIDTH   (9),
        .X_SIGNED  (1),
        .F_WIDTH   (3),
        .C_WIDTH   (11),
        .S_WIDTH   (11),
        .Y_WIDTH   (4),
        .SHIFT     (4),
        .HALF_EVEN (1),
        .CLIP_LOW  (1),
        .CLIP_HIGH (1),
        .V_WIDTH   (12),
        .LOW       (12'd0),
        .HIGH      (12'd15)
    ) u_element0_0 (
        .x        (total0_0),
        .factor   (factor0_0),
        .constant (constant0_0),
        .y        (z0_0)
    );
    wire [8:0] total0_1 = sums0[17:9];
    wire [2:0] factor0_1 = {3'd3};
    wire [10:0] constant0_1 = {11'd9};
    wire [3:0] z0_1;
    requantise_word #(
        .X_WIDTH   (9),
        .X_SIGNED  (1),
        .F_WIDTH   (3),
        .C_WIDTH   (11),
        .S_WIDTH   (11),
        .Y_WIDTH   (4),
        .SHIFT     (4),
        .HALF_EVEN (1),
        .CLIP_LOW  (1),
        .CLIP_HIGH (1),
        .V_WIDTH   (12),
        .LOW       (12'd0),
        .HIGH      (12'd15)
    ) u_element0_1 (
        .x        (total0_1),
        .factor   (factor0_1),
        .constant (constant0_1),
        .y        (z0_1)
    );

    // result
    wire [7:0] group0_0, group0_0_next;
    assign group0_0_next = {
        z0_1[3:0], z0_0[3:0]
    };
    tmr_register #(
        .WIDTH (8),
        .TMR   (TMR)
    ) u_group0_0 (
        .clk (clk),
        .rst (rst),
        .en  (active & digit_last & (row == 0) & (position == 0)),
        .d   (group0_0_next),
        .q   (group0_0),
        .err (err[4])
    );
    wire [7:0] group1_0, group1_0_next;
    assign group1_0_next = {
        z0_1[3:0], z0_0[3:0]
    };
    tmr_register #(
        .WIDTH (8),
        .TMR   (TMR)
    ) u_group1_0 (
        .clk (clk),
        .rst (rst),
        .en  (active & digit_last & (row == 0) & (position == 1)),
        .d   (group1_0_next),
        .q   (group1_0),
        .err (err[5])
    );
    wire [7:0] group2_0, group2_0_next;
    assign group2_0_next = {
        z0_1[3:0], z0_0[3:0]
    };
    tmr_register #(
        .WIDTH (8),
        .TMR   (TMR)
    ) u_group2_0 (
        .clk (clk),
        .rst (rst),
        .en  (active & digit_last & (row == 0) & (position == 2)),
        .d   (group2_0_next),
        .q   (group2_0),
        .err (err[6])
    );
    wire [6:0] group3_0, group3_0_next;
    assign group3_0_next = {
        z0_1[2:0], z0_0[3:0]
    };
    tmr_register #(
        .WIDTH (7),
        .TMR   (TMR)
    ) u_group3_0 (
        .clk (clk),
        .rst (rst),
        .en  (active & digit_last & (row == 0) & (position == 3)),
        .d   (group3_0_next),
        .q   (group3_0),
        .err (err[7])
    );
    assign y[3:0] = group0_0[3:0];
    assign y[7:4] = group1_0[3:0];
    assign y[11:8] = group2_0[3:0];
    assign y[15:12] = group3_0[3:0];
    assign y[19:16] = group0_0[7:4];
    assign y[23:20] = group1_0[7:4];
    assign y[27:24] = group2_0[7:4];
    assign y[31:28] = {1'd0, group3_0[6:4]};
    assign tmr_err = |err;
endmodule
