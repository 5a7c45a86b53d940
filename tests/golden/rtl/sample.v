// sample: x (1, 4, 4) -> fc (2,)
// Latency: 14 cycles from in_valid to out_valid.
// Initiation interval: events come at least 8 cycle(s) apart; longer gaps are free.
// Ports: clk, rst            clock; synchronous reset, active high: events in flight are lost
//        in_valid, in_data   one event; element 0 of the first input in the lowest bits
//        out_valid, out_data its result; element 0 of the first output in the lowest bits
//        tmr_err             a copy of some register differs from the others
//        cfg_clk, cfg_rst    free-running clock of the registers, of which clk is gated; its reset clears them
//        clk_on              the rising edge of cfg_clk that ends this cycle is one of clk
//        cfg_we, cfg_address, cfg_data  write one byte of the registers, if cfg_write_ok
//        cfg_q, cfg_read_ok  the byte at cfg_address, and whether there is one
module sample #(
    parameter TMR = 1
) (
    input  wire clk,
    input  wire rst,
    input  wire in_valid,
    input  wire [47:0] in_data,
    input  wire cfg_clk,
    input  wire cfg_rst,
    input  wire clk_on,
    input  wire cfg_we,
    input  wire [15:0] cfg_address,
    input  wire [7:0] cfg_data,
    output wire [7:0] cfg_q,
    output wire cfg_read_ok,
    output wire cfg_write_ok,
    output wire out_valid,
    output wire [19:0] out_data,
    output wire tmr_err
);
    wire [6:0] err;

    // inputs
    wire [47:0] x_y;
    assign x_y = in_data[47:0];

    // programmable parameters
    wire [47:0] parameters;
    sample_parameters #(
        .TMR (TMR)
    ) u_parameters (
        .clk        (cfg_clk),
        .rst        (cfg_rst),
        .clk_on     (clk_on),
        .in_valid   (in_valid),
        .we         (cfg_we),
        .address    (cfg_address),
        .data       (cfg_data),
        .byte_q     (cfg_q),
        .read_ok    (cfg_read_ok),
        .write_ok   (cfg_write_ok),
        .bus_err    (1'b0),
        .parameters (parameters),
        .tmr_err    (err[0])
    );
    wire [47:0] w2_y;
    assign w2_y = parameters[47:0];

    // valid pulses: valid_<n> is in_valid n cycles later
    wire valid_0;
    assign valid_0 = in_valid;
    wire conv_done;
    wire fc_done;
    wire valid_1;
    tmr_register #(
        .WIDTH (1),
        .TMR   (TMR)
    ) u_valid_1 (
        .clk (clk),
        .rst (rst),
        .en  (1'b1),
        .d   (valid_0),
        .q   (valid_1),
        .err (err[1])
    );
    wire valid_5;
    assign valid_5 = conv_done;
    wire valid_6;
    tmr_register #(
        .WIDTH (1),
        .TMR   (TMR)
    ) u_valid_6 (
        .clk (clk),
        .rst (rst),
        .en  (1'b1),
        .d   (valid_5),
        .q   (valid_6),
        .err (err[2])
    );
    wire valid_14;
    assign valid_14 = fc_done;
    wire [47:0] x_r1;
    tmr_register #(
        .WIDTH (48),
        .TMR   (TMR)
    ) u_x_r1 (
        .clk (clk),
        .rst (rst),
        .en  (valid_0),
        .d   (x_y),
        .q   (x_r1),
        .err (err[3])
    );

    // conv: conv2d, (2, 2, 2) x s9, reuse factor 4
    wire [31:0] q_y;
    // with q: requantise
    sample_conv_serial #(
        .TMR (TMR)
    ) u_conv (
        .clk       (clk),
        .rst       (rst),
        .in_valid  (valid_1),
        .x         (x_r1),
        .out_valid (conv_done),
        .y         (q_y),
        .tmr_err   (err[4])
    );

    // flat: reshape, (8,) x u4
    wire [31:0] flat_y;
    assign flat_y = q_y;
    wire [31:0] flat_r1;
    // 1 of 32 bits never change
    wire [30:0] flat_r1_live, flat_r1_live_next;
    assign flat_r1_live_next =
        {flat_y[30:0]};
    tmr_register #(
        .WIDTH (31),
        .TMR   (TMR)
    ) u_flat_r1 (
        .clk (clk),
        .rst (rst),
        .en  (valid_5),
        .d   (flat_r1_live_next),
        .q   (flat_r1_live),
        .err (err[5])
    );
    assign flat_r1 =
        {1'd0, flat_r1_live[30:28], flat_r1_live[27:0]};

    // b2: constant, (2,) x s2
    wire [3:0] b2_y;
    sample_b2 u_b2 (
        .y (b2_y)
    );

    // fc: dense, (2,) x s10, reuse factor 8
    wire [19:0] fc_y;
    wire [2:0] fc_address;
    wire [5:0] fc_word;
    weight_select #(
        .INPUTS        (8),
        .OUTPUTS       (2),
        .INPUT_GROUPS  (8),
        .OUTPUT_GROUPS (1),
        .W_WIDTH       (3),
        .A_WIDTH       (3)
    ) u_fc_word (
        .weights (w2_y),
        .address (fc_address),
        .word    (fc_word)
    );
    dense_serial #(
        .ROWS          (1),
        .INPUTS        (8),
        .TRUNCATE      (0),
        .BIAS_SHIFT    (0),
        .ROW_GROUPS    (1),
        .OUTPUTS       (2),
        .X_WIDTH       (4),
        .X_SIGNED      (0),
        .W_WIDTH       (3),
        .W_SIGNED      (1),
        .B_WIDTH       (2),
        .B_SIGNED      (1),
        .Y_WIDTH       (10),
        .INPUT_GROUPS  (8),
        .OUTPUT_GROUPS (1),
        .A_WIDTH       (3),
        .TMR           (TMR)
    ) u_fc (
        .clk             (clk),
        .rst             (rst),
        .in_valid        (valid_6),
        .x               (flat_r1),
        .weights_address (fc_address),
        .weights         (fc_word),
        .bias            (b2_y),
        .y               (fc_y),
        .out_valid       (fc_done),
        .tmr_err         (err[6])
    );

    // outputs
    assign out_valid = valid_14;
    assign out_data = {fc_y};
    assign tmr_err = |err;
endmodule
