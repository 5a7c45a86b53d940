// sample_parameters: programmable parameters: 48 bits in 1 block(s), double-buffered.
// Latency: a byte written in one cycle is read back in the next; a commit swaps all parameters behind one
// event, each in the cycle of an event that reads it first: w2 in cycle 6.
// Ports: clk, rst      free-running clock; synchronous reset to zero, active high
//        clk_on        the rising edge that ends this cycle reaches the data path too
//        in_valid      an event enters the data path
//        we, address, data  write one byte; refused, without effect, unless write_ok
//        byte_q, read_ok    the byte at address; whether there is one
//        write_ok      whether the byte at address can be written now
//        bus_err       a copy of a register of the bus differs: it is counted here
//        parameters    what the data path reads
//        tmr_err       a copy of some register differs
module sample_parameters #(
    parameter TMR = 1
) (
    input  wire clk,
    input  wire rst,
    input  wire clk_on,
    input  wire in_valid,
    input  wire we,
    input  wire [15:0] address,
    input  wire [7:0] data,
    output wire [7:0] byte_q,
    output wire read_ok,
    output wire write_ok,
    input  wire bus_err,
    output wire [47:0] parameters,
    output wire tmr_err
);
    wire [47:0] shadow;
    wire busy, write, clear_errors;

    // swap
    wire moving, commit, err_1;
    wire [31:0] stage;
    swap_control #(
        .LAST  (6),
        .QUIET (7),
        .TMR   (TMR)
    ) u_swap (
        .clk      (clk),
        .rst      (rst),
        .clk_on   (clk_on),
        .in_valid (in_valid),
        .commit   (commit),
        .busy     (busy),
        .moving   (moving),
        .stage    (stage),
        .tmr_err  (err_1)
    );
    wire load_6;
    assign load_6 = moving & (stage == 32'd6);

    // block 0: bytes 0x0538 to 0x053d
    wire [15:0] block_0_offset;
    wire [7:0] block_0_byte;
    wire at_block_0, err_2;
    assign block_0_offset = address - 16'd1336;
    assign at_block_0 = block_0_offset < 16'd6;
    register_bank #(
        .BITS    (48),
        .A_WIDTH (3),
        .TMR     (TMR)
    ) u_block_0_shadow (
        .clk     (clk),
        .rst     (rst),
        .we      (write & at_block_0),
        .address (block_0_offset[2:0]),
        .data    (data),
        .byte_q  (block_0_byte),
        .q       (shadow[47:0]),
        .tmr_err (err_2)
    );
    wire err_3;
    tmr_register #(
        .WIDTH (48),
        .TMR   (TMR)
    ) u_active_0 (
        .clk (clk),
        .rst (rst),
        .en  (load_6),
        .d   (shadow[47:0]),
        .q   (parameters[47:0]),
        .err (err_3)
    );
    wire [7:0] block_0_errors;
    wire at_block_0_errors, block_0_differ, err_4;
    assign at_block_0_errors = address == 16'd1470;
    assign block_0_differ = err_2 | err_3;
    error_counter #(
        .WIDTH (8),
        .TMR   (TMR)
    ) u_block_0_errors (
        .clk     (clk),
        .rst     (rst),
        .clear   (clear_errors | (write & at_block_0_errors)),
        .differ  (block_0_differ),
        .count   (block_0_errors),
        .tmr_err (err_4)
    );

    // control and status
    wire at_control_command, at_control_status;
    assign at_control_command = address == 16'd1479;
    assign at_control_status = address == 16'd1480;
    assign commit = write & at_control_command & data[0];
    assign clear_errors = write & at_control_command & data[1];
    wire [7:0] control_errors;
    wire at_control_errors, control_differ, err_5;
    assign at_control_errors = address == 16'd1481;
    assign control_differ = err_1 | bus_err | err_4;
    error_counter #(
        .WIDTH (8),
        .TMR   (TMR)
    ) u_control_errors (
        .clk     (clk),
        .rst     (rst),
        .clear   (clear_errors | (write & at_control_errors)),
        .differ  (control_differ),
        .count   (control_errors),
        .tmr_err (err_5)
    );

    // bus: what is to be loaded holds still while a commit is under way
    wire holding, counting;
    assign holding =
        at_block_0 |
        at_control_command;
    assign counting =
        at_block_0_errors |
        at_control_errors;
    assign write_ok = counting | (holding & ~busy);
    assign read_ok = counting | holding | at_control_status;
    assign write = we & write_ok;
    assign byte_q =
        ({8{at_block_0}} & block_0_byte) |
        ({8{at_block_0_errors}} & block_0_errors) |
        ({8{at_control_errors}} & control_errors) |
        ({8{at_control_status}} & {7'd0, busy});
    assign tmr_err =
        block_0_differ |
        control_differ |
        err_5;
endmodule
