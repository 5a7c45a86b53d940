// lookup: y = entry x of a table, element by element.
// Latency: combinational.
// Ports: x, y elements, element 0 in the lowest bits
// TABLE holds an entry of Y_WIDTH bits for every pattern of X_WIDTH bits, pattern 0 in the lowest bits.
module lookup #(
    parameter SIZE    = 1,
    parameter X_WIDTH = 1,
    parameter Y_WIDTH = 1,
    parameter [(Y_WIDTH<<X_WIDTH)-1:0] TABLE = 0
) (
    input  wire [SIZE*X_WIDTH-1:0] x,
    output wire [SIZE*Y_WIDTH-1:0] y
);
    genvar e;
    generate
        for (e = 0; e < SIZE; e = e + 1) begin : element
            wire [X_WIDTH-1:0] number;
            assign number = x[e*X_WIDTH +: X_WIDTH];
            assign y[e*Y_WIDTH +: Y_WIDTH] = TABLE[number*Y_WIDTH +: Y_WIDTH];
        end
    endgenerate
endmodule
