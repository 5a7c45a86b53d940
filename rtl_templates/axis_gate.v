// axis_gate: says when something may start: at most PLACES are under way, and starts are INTERVAL cycles apart.
// Latency: ready follows start and done in the next cycle, so that no path leads from the sink to the source.
// Ports: clk, rst  clock; synchronous reset, active high: nothing is under way
//        start     one starts (only while ready)
//        done      one has left
//        ready     one may start in this cycle
//        tmr_err   a copy of a register differs
module axis_gate #(
    parameter PLACES   = 1,
    parameter INTERVAL = 1,
    parameter TMR      = 1
) (
    input  wire clk,
    input  wire rst,
    input  wire start,
    input  wire done,
    output wire ready,
    output wire tmr_err
);
    localparam C_WIDTH = $clog2(PLACES + 1);
    localparam I_WIDTH = INTERVAL > 1 ? $clog2(INTERVAL) : 1;
    localparam [31:0] REST = INTERVAL - 1;
    wire [C_WIDTH-1:0] taken;
    wire is_resting, count_err, pause_err;
    tmr_register #(.WIDTH(C_WIDTH), .TMR(TMR)) count (
        .clk(clk), .rst(rst), .en(start ^ done), .q(taken), .err(count_err),
        .d(start ? taken + {{(C_WIDTH-1){1'b0}}, 1'b1} : taken - {{(C_WIDTH-1){1'b0}}, 1'b1})
    );
    generate
        if (INTERVAL == 1) begin : every_cycle
            assign is_resting = 1'b0;
            assign pause_err  = 1'b0;
        end else begin : apart
            wire [I_WIDTH-1:0] pause;
            assign is_resting = |pause;
            tmr_register #(.WIDTH(I_WIDTH), .TMR(TMR)) cycles (
                .clk(clk), .rst(rst), .en(start | is_resting), .q(pause), .err(pause_err),
                .d(start ? REST[I_WIDTH-1:0] : pause - {{(I_WIDTH-1){1'b0}}, 1'b1})
            );
        end
    endgenerate
    assign ready   = (taken != PLACES[C_WIDTH-1:0]) & ~is_resting;
    assign tmr_err = count_err | pause_err;
endmodule
