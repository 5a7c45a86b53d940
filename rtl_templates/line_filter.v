// line_filter: follows a synchronised bus line once three samples in a row agree, so that short glitches are not seen.
// Lines are taken as "low" (inverted), as the idle state of an open-drain line is high and registers reset to zero.
// Latency: 4 cycles from a lasting change of sample to low.
// Ports: clk, rst  clock; synchronous reset, active high
//        sample    the line is low, from a synchronising register
//        low       the line is low for the bus
//        tmr_err   a copy of a register differs
module line_filter #(
    parameter TMR = 1
) (
    input  wire clk,
    input  wire rst,
    input  wire sample,
    output wire low,
    output wire tmr_err
);
    wire [2:0] recent;
    wire [1:0] err;

    tmr_register #(.WIDTH(3), .TMR(TMR)) window (
        .clk(clk), .rst(rst), .en(1'b1), .d({recent[1:0], sample}), .q(recent), .err(err[0])
    );
    tmr_register #(.WIDTH(1), .TMR(TMR)) filtered (
        .clk(clk), .rst(rst), .en((&recent) | ~(|recent)), .d(recent[0]), .q(low), .err(err[1])
    );

    assign tmr_err = |err;
endmodule
