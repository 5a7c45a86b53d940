// segment_max: y[n] = the highest of the rows of x whose index is n, element by element, by a tree of comparators; 0 if
// there is none. An index that names no segment is ignored.
// Latency: combinational.
// Ports: x     COUNT rows of SIZE elements, element m*SIZE + f, element 0 in the lowest bits
//        index COUNT unsigned numbers
//        y     SEGMENTS rows of SIZE elements, element n*SIZE + f
module segment_max #(
    parameter SEGMENTS = 1,
    parameter COUNT    = 1,
    parameter SIZE     = 1,
    parameter X_WIDTH  = 1,
    parameter X_SIGNED = 0,
    parameter I_WIDTH  = 1
) (
    input  wire [COUNT*SIZE*X_WIDTH-1:0]    x,
    input  wire [COUNT*I_WIDTH-1:0]         index,
    output wire [SEGMENTS*SIZE*X_WIDTH-1:0] y
);
    // The lowest value, which others hold. Turning its bits over makes signed numbers compare as unsigned ones.
    localparam [X_WIDTH-1:0] ONES   = {X_WIDTH{1'b1}};
    localparam [X_WIDTH-1:0] LOWEST = {X_WIDTH{X_SIGNED != 0}} & (ONES ^ (ONES >> 1));

    genvar n, m, f;
    generate
        for (n = 0; n < SEGMENTS; n = n + 1) begin : segment
            localparam [31:0] NUMBER = n;
            wire [COUNT-1:0] is_member;
            for (m = 0; m < COUNT; m = m + 1) begin : member
                assign is_member[m] = {{32{1'b0}}, index[m*I_WIDTH +: I_WIDTH]} == {{I_WIDTH{1'b0}}, NUMBER};
            end
            for (f = 0; f < SIZE; f = f + 1) begin : element
                // nodes 1 .. 2*COUNT-1 of a heap: node m is the higher of nodes 2m and 2m+1, the values come last
                wire [(2*COUNT-1)*X_WIDTH-1:0] tree;
                for (m = 0; m < COUNT; m = m + 1) begin : leaf
                    assign tree[(COUNT - 1 + m)*X_WIDTH +: X_WIDTH] =
                        is_member[m] ? x[(m*SIZE + f)*X_WIDTH +: X_WIDTH] : LOWEST;
                end
                for (m = 1; m < COUNT; m = m + 1) begin : node
                    wire [X_WIDTH-1:0] left, right;
                    assign left  = tree[(2*m - 1)*X_WIDTH +: X_WIDTH];
                    assign right = tree[2*m*X_WIDTH +: X_WIDTH];
                    assign tree[(m - 1)*X_WIDTH +: X_WIDTH] = ((left ^ LOWEST) >= (right ^ LOWEST)) ? left : right;
                end
                assign y[(n*SIZE + f)*X_WIDTH +: X_WIDTH] = tree[X_WIDTH-1:0] & {X_WIDTH{|is_member}};
            end
        end
    endgenerate
endmodule
