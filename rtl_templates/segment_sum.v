// segment_sum: y[n] = sum of the rows of x whose index is n, by a tree of adders for every element; an index that names
// no segment is ignored. Y_WIDTH comes from interval analysis: the sums fit, so sums modulo 2**Y_WIDTH are exact.
// Latency: combinational.
// Ports: x     COUNT rows of SIZE elements, element m*SIZE + f, element 0 in the lowest bits
//        index COUNT unsigned numbers
//        y     SEGMENTS rows of SIZE sums, element n*SIZE + f
module segment_sum #(
    parameter SEGMENTS = 1,
    parameter COUNT    = 1,
    parameter SIZE     = 1,
    parameter X_WIDTH  = 1,
    parameter X_SIGNED = 0,
    parameter I_WIDTH  = 1,
    parameter Y_WIDTH  = 1
) (
    input  wire [COUNT*SIZE*X_WIDTH-1:0]    x,
    input  wire [COUNT*I_WIDTH-1:0]         index,
    output wire [SEGMENTS*SIZE*Y_WIDTH-1:0] y
);
    wire [COUNT*SIZE*Y_WIDTH-1:0] wide;

    bias_extend #(
        .OUTPUTS(COUNT*SIZE), .B_WIDTH(X_WIDTH), .B_SIGNED(X_SIGNED), .Y_WIDTH(Y_WIDTH)
    ) extend (.bias(x), .y(wide));

    genvar n, m, f;
    generate
        for (n = 0; n < SEGMENTS; n = n + 1) begin : segment
            localparam [31:0] NUMBER = n;
            wire [COUNT-1:0] is_member;
            for (m = 0; m < COUNT; m = m + 1) begin : member
                assign is_member[m] = {{32{1'b0}}, index[m*I_WIDTH +: I_WIDTH]} == {{I_WIDTH{1'b0}}, NUMBER};
            end
            for (f = 0; f < SIZE; f = f + 1) begin : element
                // nodes 1 .. 2*COUNT-1 of a heap: node m is the sum of nodes 2m and 2m+1, the values come last
                wire [(2*COUNT-1)*Y_WIDTH-1:0] tree;
                for (m = 0; m < COUNT; m = m + 1) begin : leaf
                    assign tree[(COUNT - 1 + m)*Y_WIDTH +: Y_WIDTH] =
                        wide[(m*SIZE + f)*Y_WIDTH +: Y_WIDTH] & {Y_WIDTH{is_member[m]}};
                end
                for (m = 1; m < COUNT; m = m + 1) begin : node
                    wire [Y_WIDTH-1:0] left, right;
                    assign left  = tree[(2*m - 1)*Y_WIDTH +: Y_WIDTH];
                    assign right = tree[2*m*Y_WIDTH +: Y_WIDTH];
                    assign tree[(m - 1)*Y_WIDTH +: Y_WIDTH] = left + right;
                end
                assign y[(n*SIZE + f)*Y_WIDTH +: Y_WIDTH] = tree[Y_WIDTH-1:0];
            end
        end
    endgenerate
endmodule
