// argmax: y = number of the highest of SIZE elements, the first of several, for every row, by a tree of comparators.
// Latency: combinational.
// Ports: x element row*SIZE + number, element 0 in the lowest bits
//        y one number a row; Y_WIDTH holds every number that can be the highest
module argmax #(
    parameter ROWS     = 1,
    parameter SIZE     = 1,
    parameter LEVELS   = 0,
    parameter X_WIDTH  = 1,
    parameter X_SIGNED = 0,
    parameter Y_WIDTH  = 1
) (
    input  wire [ROWS*SIZE*X_WIDTH-1:0] x,
    output wire [ROWS*Y_WIDTH-1:0]      y
);
    localparam LEAVES = 1 << LEVELS;
    // The lowest value stands behind the last element and never wins. Turning its bits over makes signed numbers
    // compare as unsigned ones.
    localparam [X_WIDTH-1:0] ONES   = {X_WIDTH{1'b1}};
    localparam [X_WIDTH-1:0] LOWEST = {X_WIDTH{X_SIGNED != 0}} & (ONES ^ (ONES >> 1));

    genvar r, n;
    generate
        for (r = 0; r < ROWS; r = r + 1) begin : row
            // nodes 1 .. 2*LEAVES-1 of a heap: node n is the higher of nodes 2n and 2n+1, the elements come last
            wire [(2*LEAVES-1)*X_WIDTH-1:0] highest;
            wire [(2*LEAVES-1)*Y_WIDTH-1:0] number;
            for (n = 0; n < LEAVES; n = n + 1) begin : leaf
                localparam [31:0] NUMBER = n;
                assign number[(LEAVES - 1 + n)*Y_WIDTH +: Y_WIDTH] = NUMBER[Y_WIDTH-1:0];
                if (n < SIZE) begin : element
                    assign highest[(LEAVES - 1 + n)*X_WIDTH +: X_WIDTH] = x[(r*SIZE + n)*X_WIDTH +: X_WIDTH];
                end else begin : behind
                    assign highest[(LEAVES - 1 + n)*X_WIDTH +: X_WIDTH] = LOWEST;
                end
            end
            for (n = 1; n < LEAVES; n = n + 1) begin : node
                wire [X_WIDTH-1:0] left, right;
                wire [Y_WIDTH-1:0] left_number, right_number;
                wire is_left;
                assign left         = highest[(2*n - 1)*X_WIDTH +: X_WIDTH];
                assign right        = highest[2*n*X_WIDTH +: X_WIDTH];
                assign left_number  = number[(2*n - 1)*Y_WIDTH +: Y_WIDTH];
                assign right_number = number[2*n*Y_WIDTH +: Y_WIDTH];
                assign is_left      = (left ^ LOWEST) >= (right ^ LOWEST);
                assign highest[(n - 1)*X_WIDTH +: X_WIDTH] = is_left ? left : right;
                assign number[(n - 1)*Y_WIDTH +: Y_WIDTH]  = is_left ? left_number : right_number;
            end
            assign y[r*Y_WIDTH +: Y_WIDTH] = number[Y_WIDTH-1:0];
        end
    endgenerate
endmodule
