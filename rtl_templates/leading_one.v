// leading_one: position of the highest set bit, floor(log2 x); 0 for x = 0.
// Latency: combinational.
// Ports: x; position, zero-extended to 8 bits
module leading_one #(
    parameter WIDTH = 1
) (
    input  wire [WIDTH-1:0] x,
    output reg  [7:0]       position
);
    integer k;
    always @* begin
        position = 8'd0;
        for (k = 0; k < WIDTH; k = k + 1)
            if (x[k]) position = k[7:0];
    end
endmodule
