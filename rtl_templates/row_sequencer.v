// row_sequencer: runs a phase: BEATS beats, one every INTERVAL cycles, from the cycle of start on.
// A new start may come in the cycle after the last beat's interval at the earliest.
// Latency: beat, count and last belong to the same cycle as start.
// Ports: clk, rst  clock; synchronous reset, active high
//        start     begin, high for one cycle
//        beat      a beat starts in this cycle
//        count     its number, 0 .. BEATS-1
//        last      it is the last one
//        tmr_err   a copy of a register differs
module row_sequencer #(
    parameter BEATS    = 1,
    parameter INTERVAL = 1,
    parameter TMR      = 1
) (
    input  wire        clk,
    input  wire        rst,
    input  wire        start,
    output wire        beat,
    output wire [31:0] count,
    output wire        last,
    output wire        tmr_err
);
    generate
        if (BEATS * INTERVAL == 1) begin : single
            assign beat    = start;
            assign count   = 32'd0;
            assign last    = start;
            assign tmr_err = 1'b0;
        end else begin : several
            wire running, busy, is_last, interval_ends;
            wire [31:0] cycle;
            wire [2:0] err;
            assign running = start || busy;
            assign beat    = running && cycle == 32'd0;
            assign last    = beat && is_last;
            assign tmr_err = |err;
            tmr_register #(.WIDTH(1), .TMR(TMR)) state (
                .clk(clk), .rst(rst), .en(1'b1), .d(running && !(interval_ends && is_last)), .q(busy), .err(err[0])
            );
            phase_counter #(.COUNT(INTERVAL), .TMR(TMR)) cycles (
                .clk(clk), .rst(rst), .en(running), .count(cycle), .last(interval_ends), .tmr_err(err[1])
            );
            phase_counter #(.COUNT(BEATS), .TMR(TMR)) beats (
                .clk(clk), .rst(rst), .en(running && interval_ends), .count(count), .last(is_last), .tmr_err(err[2])
            );
        end
    endgenerate
endmodule
