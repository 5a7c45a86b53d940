// top_k: y = the COUNT highest of SIZE elements of every row, falling, of equal ones the first; or their numbers. The
// rank of an element is the number of elements before it, found by comparing all pairs at once.
// Latency: combinational.
// Ports: x element row*SIZE + number, element 0 in the lowest bits; 2**R_WIDTH >= SIZE
//        y element row*COUNT + rank: an element, or its number if POSITIONS
module top_k #(
    parameter ROWS      = 1,
    parameter SIZE      = 1,
    parameter COUNT     = 1,
    parameter R_WIDTH   = 1,
    parameter X_WIDTH   = 1,
    parameter X_SIGNED  = 0,
    parameter POSITIONS = 0,
    parameter Y_WIDTH   = 1
) (
    input  wire [ROWS*SIZE*X_WIDTH-1:0]  x,
    output wire [ROWS*COUNT*Y_WIDTH-1:0] y
);
    // Turning the bits of the lowest value over makes signed numbers compare as unsigned ones.
    localparam [X_WIDTH-1:0] ONES   = {X_WIDTH{1'b1}};
    localparam [X_WIDTH-1:0] LOWEST = {X_WIDTH{X_SIGNED != 0}} & (ONES ^ (ONES >> 1));

    genvar r, i, j, o;
    generate
        for (r = 0; r < ROWS; r = r + 1) begin : row
            wire [SIZE*SIZE-1:0]    is_before;  // bit i*SIZE + j: element j stands before element i
            wire [SIZE*R_WIDTH-1:0] ranks;
            wire [SIZE*Y_WIDTH-1:0] entries;
            for (i = 0; i < SIZE; i = i + 1) begin : element
                localparam [31:0] NUMBER = i;
                if (POSITIONS != 0) begin : number
                    assign entries[i*Y_WIDTH +: Y_WIDTH] = NUMBER[Y_WIDTH-1:0];
                end else begin : value
                    assign entries[i*Y_WIDTH +: Y_WIDTH] = x[(r*SIZE + i)*X_WIDTH +: Y_WIDTH];
                end
                assign is_before[i*SIZE + i] = 1'b0;
                for (j = 0; j < i; j = j + 1) begin : earlier
                    wire wins;
                    assign wins = (x[(r*SIZE + j)*X_WIDTH +: X_WIDTH] ^ LOWEST)
                        >= (x[(r*SIZE + i)*X_WIDTH +: X_WIDTH] ^ LOWEST);
                    assign is_before[i*SIZE + j] = wins;
                    assign is_before[j*SIZE + i] = ~wins;
                end
                reg [R_WIDTH-1:0] rank;
                integer k;
                always @* begin
                    rank = {R_WIDTH{1'b0}};
                    for (k = 0; k < SIZE; k = k + 1)
                        if (is_before[i*SIZE + k])
                            rank = rank + 1'b1;
                end
                assign ranks[i*R_WIDTH +: R_WIDTH] = rank;
            end
            for (o = 0; o < COUNT; o = o + 1) begin : place
                localparam [31:0] RANK = o;
                reg [Y_WIDTH-1:0] chosen;
                integer k;
                always @* begin
                    chosen = {Y_WIDTH{1'b0}};
                    for (k = 0; k < SIZE; k = k + 1)
                        chosen = chosen | (entries[k*Y_WIDTH +: Y_WIDTH]
                            & {Y_WIDTH{ranks[k*R_WIDTH +: R_WIDTH] == RANK[R_WIDTH-1:0]}});
                end
                assign y[(r*COUNT + o)*Y_WIDTH +: Y_WIDTH] = chosen;
            end
        end
    endgenerate
endmodule
