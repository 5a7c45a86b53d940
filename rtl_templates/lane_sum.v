// lane_sum: y[e] = sum over LANES of x[lane][e].
// Latency: combinational.
// Ports: x  lane 0 in the lowest bits, SIZE elements each
//        y  SIZE sums, wide enough by construction
module lane_sum #(
    parameter LANES = 1,
    parameter SIZE  = 1,
    parameter WIDTH = 1
) (
    input  wire [LANES*SIZE*WIDTH-1:0] x,
    output wire [SIZE*WIDTH-1:0]       y
);
    genvar e, n;
    generate
        for (e = 0; e < SIZE; e = e + 1) begin : element
            // a heap: node n is the sum of nodes 2n and 2n+1, the lanes are nodes LANES .. 2*LANES-1
            wire [2*LANES*WIDTH-1:0] sum;
            assign sum[WIDTH-1:0] = {WIDTH{1'b0}};
            for (n = 0; n < LANES; n = n + 1) begin : lane
                assign sum[(LANES + n)*WIDTH +: WIDTH] = x[(n*SIZE + e)*WIDTH +: WIDTH];
            end
            for (n = 1; n < LANES; n = n + 1) begin : node
                wire [WIDTH-1:0] left, right;
                assign left  = sum[2*n*WIDTH +: WIDTH];
                assign right = sum[(2*n + 1)*WIDTH +: WIDTH];
                assign sum[n*WIDTH +: WIDTH] = left + right;
            end
            assign y[e*WIDTH +: WIDTH] = sum[WIDTH +: WIDTH];
        end
    endgenerate
endmodule
