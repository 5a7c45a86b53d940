// row_store: rows wait in a memory and are read in the order in which they were written, one word of rows at a time.
// Latency: q holds the next word in the cycle after re; a word can be read in the cycle after it was written.
// Ports: clk, rst  clock; synchronous reset, active high: both sides start at word 0 again
//        we, d     append a word
//        re, q     read the next word
//        tmr_err   a copy of a register or of the word just read differs
module row_store #(
    parameter WIDTH   = 1,
    parameter WORDS   = 1,
    parameter A_WIDTH = 1,
    parameter TMR     = 1
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             we,
    input  wire [WIDTH-1:0] d,
    input  wire             re,
    output wire [WIDTH-1:0] q,
    output wire             tmr_err
);
    wire [31:0] written, reading;
    wire unused_w, unused_r;
    wire [2:0] err;
    assign tmr_err = |err;
    phase_counter #(.COUNT(WORDS), .TMR(TMR)) write_counter (
        .clk(clk), .rst(rst), .en(we), .count(written), .last(unused_w), .tmr_err(err[0])
    );
    phase_counter #(.COUNT(WORDS), .TMR(TMR)) read_counter (
        .clk(clk), .rst(rst), .en(re), .count(reading), .last(unused_r), .tmr_err(err[1])
    );
    tmr_memory #(.WIDTH(WIDTH), .WORDS(WORDS), .A_WIDTH(A_WIDTH), .TMR(TMR)) words (
        .clk(clk), .rst(rst), .we(we), .write_address(written[A_WIDTH-1:0]), .d(d),
        .re(re), .read_address(reading[A_WIDTH-1:0]), .q(q), .err(err[2])
    );
endmodule
