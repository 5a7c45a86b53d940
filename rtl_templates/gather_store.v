// gather_store: rows wait in a memory, LANES rows a word, and are read by their number.
// BUFFERS events stand one behind the other. A number of ROWS or more names no row and reads zeros.
// Latency: y holds the row 2 cycles after re and index.
// Ports: clk, rst   clock; synchronous reset, active high: both sides start at the first buffer again
//        we, d      append a word of rows
//        re, index  read row `index`
//        ends       with re: the last row that is read of this event
//        y          the row
//        tmr_err    a copy of a register or of the word just read differs
module gather_store #(
    parameter ROWS      = 1,
    parameter LANE_BITS = 0,
    parameter BUFFERS   = 1,
    parameter WIDTH     = 1,
    parameter I_WIDTH   = 1,
    parameter A_WIDTH   = 1,
    parameter TMR       = 1
) (
    input  wire                            clk,
    input  wire                            rst,
    input  wire                            we,
    input  wire [(WIDTH<<LANE_BITS)-1:0]   d,
    input  wire                            re,
    input  wire                            ends,
    input  wire [I_WIDTH-1:0]              index,
    output wire [WIDTH-1:0]                y,
    output wire                            tmr_err
);
    localparam LANES = 1 << LANE_BITS;
    localparam BEATS = ROWS / LANES;
    localparam LANE_WIDTH = LANE_BITS > 0 ? LANE_BITS : 1;
    wire [31:0] written, buffer, row, address, lane;
    wire unused_w, unused_b, named, named_1;
    wire [LANE_WIDTH-1:0] lane_1;
    wire [LANES*WIDTH-1:0] word;
    wire [WIDTH-1:0] chosen;
    wire [4:0] err;
    assign tmr_err = |err;

    assign row     = {{(32-I_WIDTH){1'b0}}, index};
    assign named   = row < ROWS;
    assign lane    = row & (LANES - 1);
    assign address = buffer * BEATS + (row >> LANE_BITS);
    phase_counter #(.COUNT(BEATS * BUFFERS), .TMR(TMR)) write_counter (
        .clk(clk), .rst(rst), .en(we), .count(written), .last(unused_w), .tmr_err(err[0])
    );
    phase_counter #(.COUNT(BUFFERS), .TMR(TMR)) read_buffer (
        .clk(clk), .rst(rst), .en(re && ends), .count(buffer), .last(unused_b), .tmr_err(err[1])
    );
    tmr_memory #(.WIDTH(LANES * WIDTH), .WORDS(BEATS * BUFFERS), .A_WIDTH(A_WIDTH), .TMR(TMR)) words (
        .clk(clk), .rst(rst), .we(we), .write_address(written[A_WIDTH-1:0]), .d(d),
        .re(re && named), .read_address(address[A_WIDTH-1:0]), .q(word), .err(err[2])
    );
    tmr_register #(.WIDTH(LANE_WIDTH + 1), .TMR(TMR)) place (
        .clk(clk), .rst(rst), .en(1'b1), .d({lane[LANE_WIDTH-1:0], named}), .q({lane_1, named_1}), .err(err[3])
    );
    assign chosen = named_1 ? word[lane_1*WIDTH +: WIDTH] : {WIDTH{1'b0}};
    tmr_register #(.WIDTH(WIDTH), .TMR(TMR)) result (
        .clk(clk), .rst(rst), .en(1'b1), .d(chosen), .q(y), .err(err[4])
    );
endmodule
