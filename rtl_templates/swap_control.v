// swap_control: brings committed parameters into a running pipeline, stage by stage behind the last event that
// is to see the old ones, so that every event is computed with wholly old or wholly new parameters.
// A commit waits for a cycle after which all events in flight are ahead of the swap: QUIET cycles after an in_valid.
// Then stage s of the pipeline loads its parameters at the end of the s-th cycle of the swap.
// All of it moves only in cycles whose clock edge reaches the data path (clk_on).
// Latency: LAST + 1 cycles with clk_on from the start of the swap to its end.
// Ports: clk, rst  free-running clock; synchronous reset, active high
//        clk_on    the rising edge that ends this cycle reaches the data path too
//        in_valid  an event enters the data path
//        commit    swap as soon as possible; must be low while busy
//        busy      a commit waits or its swap is under way: what is to be loaded must hold still
//        moving, stage  registers of the parameters that stage `stage` reads load at the end of this cycle
//        tmr_err   a copy of a register differs
module swap_control #(
    parameter LAST  = 0,
    parameter QUIET = 0,
    parameter TMR   = 1
) (
    input  wire        clk,
    input  wire        rst,
    input  wire        clk_on,
    input  wire        in_valid,
    input  wire        commit,
    output wire        busy,
    output wire        moving,
    output wire [31:0] stage,
    output wire        tmr_err
);
    wire       last, may_start;
    wire [2:0] err;

    tmr_register #(.WIDTH(1), .TMR(TMR)) pending (
        .clk(clk), .rst(rst), .en(commit | (moving & last)), .d(commit), .q(busy), .err(err[0])
    );
    assign moving = clk_on & busy & (may_start | (stage != 32'd0));

    phase_counter #(.COUNT(LAST + 1), .TMR(TMR)) place (
        .clk(clk), .rst(rst), .en(moving), .count(stage), .last(last), .tmr_err(err[1])
    );

    generate
        if (QUIET < 2) begin : at_once
            assign may_start = (QUIET == 0) | ~in_valid;
            assign err[2]    = 1'b0;
        end else begin : after_events
            // Cycles still to wait after the last in_valid.
            localparam WIDTH = $clog2(QUIET);
            wire [WIDTH-1:0] rest;
            wire [31:0]      next;
            assign next      = in_valid ? QUIET - 1 : {{(32-WIDTH){1'b0}}, rest} - 32'd1;
            assign may_start = ~in_valid & (rest == {WIDTH{1'b0}});
            tmr_register #(.WIDTH(WIDTH), .TMR(TMR)) waiting (
                .clk(clk), .rst(rst), .en(clk_on & ~may_start), .d(next[WIDTH-1:0]), .q(rest), .err(err[2])
            );
        end
    endgenerate

    assign tmr_err = |err;
endmodule
