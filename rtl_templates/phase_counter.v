// phase_counter: counts 0 .. COUNT-1 while enabled, then starts again.
// Latency: count changes in the cycle after en.
// Ports: clk, rst clock; synchronous reset, active high
//        en       advance
//        count    current value, zero-extended
//        last     count is COUNT-1
//        tmr_err  a copy of the register differs
module phase_counter #(
    parameter COUNT = 1,
    parameter TMR   = 1
) (
    input  wire        clk,
    input  wire        rst,
    input  wire        en,
    output wire [31:0] count,
    output wire        last,
    output wire        tmr_err
);
    generate
        if (COUNT == 1) begin : constant
            assign count   = 32'd0;
            assign last    = 1'b1;
            assign tmr_err = 1'b0;
        end else begin : counting
            localparam WIDTH = $clog2(COUNT);
            wire [31:0] next;
            assign next = last ? 32'd0 : count + 32'd1;
            assign count[31:WIDTH] = {(32-WIDTH){1'b0}};
            assign last = (count == COUNT - 1);
            tmr_register #(.WIDTH(WIDTH), .TMR(TMR)) state (
                .clk(clk), .rst(rst), .en(en), .d(next[WIDTH-1:0]), .q(count[WIDTH-1:0]), .err(tmr_err)
            );
        end
    endgenerate
endmodule
