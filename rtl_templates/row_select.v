// row_select: word number `beat` of BEATS words.
// Latency: combinational.
// Ports: x all words, word 0 in the lowest bits; beat 0 .. BEATS-1; y the word
module row_select #(
    parameter BEATS = 1,
    parameter WIDTH = 1
) (
    input  wire [BEATS*WIDTH-1:0] x,
    input  wire [31:0]            beat,
    output wire [WIDTH-1:0]       y
);
    localparam B_WIDTH = BEATS > 1 ? $clog2(BEATS) : 1;
    generate
        if (BEATS == 1) begin : whole
            assign y = x;
        end else begin : part
            wire [B_WIDTH-1:0] word;
            assign word = beat[B_WIDTH-1:0];
            assign y    = x[word*WIDTH +: WIDTH];
        end
    endgenerate
endmodule
