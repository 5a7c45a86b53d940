// row_bank: collects rows that come in BEATS words of WIDTH bits and shows them all.
// Latency: a word is in y in the cycle after en.
// Ports: clk, rst  clock; synchronous reset, active high
//        en        d is word number `beat`
//        y         all words, word 0 in the lowest bits
//        tmr_err   a copy of a register differs
module row_bank #(
    parameter BEATS = 1,
    parameter WIDTH = 1,
    parameter TMR   = 1
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire                   en,
    input  wire [31:0]            beat,
    input  wire [WIDTH-1:0]       d,
    output wire [BEATS*WIDTH-1:0] y,
    output wire                   tmr_err
);
    wire [BEATS-1:0] err;
    assign tmr_err = |err;
    genvar b;
    generate
        for (b = 0; b < BEATS; b = b + 1) begin : word
            tmr_register #(.WIDTH(WIDTH), .TMR(TMR)) state (
                .clk(clk), .rst(rst), .en(en && beat == b), .d(d), .q(y[b*WIDTH +: WIDTH]), .err(err[b])
            );
        end
    endgenerate
endmodule
