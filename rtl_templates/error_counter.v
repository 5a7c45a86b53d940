// error_counter: counts the cycles in which a copy differed, and stays at its highest value.
// Latency: 1 cycle.
// Ports: clk, rst  clock; synchronous reset, active high
//        clear     start again, at one if a copy differs in this very cycle
//        differ    a copy differs
//        count     cycles since the last clear, all ones if they were as many or more; zero with TMR=0
//        tmr_err   a copy of the count itself differs
module error_counter #(
    parameter WIDTH = 8,
    parameter TMR   = 1
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             clear,
    input  wire             differ,
    output wire [WIDTH-1:0] count,
    output wire             tmr_err
);
    generate
        if (TMR != 0) begin : counting
            wire [WIDTH-1:0] base;
            assign base = clear ? {WIDTH{1'b0}} : count;
            tmr_register #(.WIDTH(WIDTH), .TMR(TMR)) cycles (
                .clk(clk), .rst(rst), .en(clear | (differ & ~(&count))),
                .d(differ ? base + {{(WIDTH-1){1'b0}}, 1'b1} : base), .q(count), .err(tmr_err)
            );
        end else begin : no_copies
            wire unused;
            assign unused  = &{1'b0, clk, rst, clear, differ};
            assign count   = {WIDTH{1'b0}};
            assign tmr_err = 1'b0;
        end
    endgenerate
endmodule
