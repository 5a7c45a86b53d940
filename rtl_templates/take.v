// take: y[m] = row index[m] of x; zeros where there is no such row. A tree of multiplexers for every result row.
// Latency: combinational.
// Ports: x     ROWS rows of ROW_BITS bits, row 0 in the lowest bits; 2**LEVELS >= ROWS
//        index COUNT unsigned numbers
//        y     COUNT rows
module take #(
    parameter ROWS     = 2,
    parameter LEVELS   = 1,
    parameter ROW_BITS = 1,
    parameter COUNT    = 1,
    parameter I_WIDTH  = 1
) (
    input  wire [ROWS*ROW_BITS-1:0]  x,
    input  wire [COUNT*I_WIDTH-1:0]  index,
    output wire [COUNT*ROW_BITS-1:0] y
);
    localparam LEAVES = 1 << LEVELS;
    localparam BITS   = (I_WIDTH > LEVELS) ? I_WIDTH : LEVELS;

    genvar m, d, n;
    generate
        for (m = 0; m < COUNT; m = m + 1) begin : row
            wire [BITS:0] code;
            assign code = {{(BITS+1-I_WIDTH){1'b0}}, index[m*I_WIDTH +: I_WIDTH]};
            // nodes 1 .. 2*LEAVES-1 of a heap: node n is one of nodes 2n and 2n+1, the rows come last
            wire [(2*LEAVES-1)*ROW_BITS-1:0] tree;
            for (n = 0; n < LEAVES; n = n + 1) begin : leaf
                if (n < ROWS) begin : stored
                    assign tree[(LEAVES - 1 + n)*ROW_BITS +: ROW_BITS] = x[n*ROW_BITS +: ROW_BITS];
                end else begin : none
                    assign tree[(LEAVES - 1 + n)*ROW_BITS +: ROW_BITS] = {ROW_BITS{1'b0}};
                end
            end
            for (d = 0; d < LEVELS; d = d + 1) begin : level
                for (n = 1 << d; n < 2 << d; n = n + 1) begin : node
                    wire [ROW_BITS-1:0] even, odd;
                    assign even = tree[(2*n - 1)*ROW_BITS +: ROW_BITS];
                    assign odd  = tree[2*n*ROW_BITS +: ROW_BITS];
                    assign tree[(n - 1)*ROW_BITS +: ROW_BITS] = code[LEVELS - 1 - d] ? odd : even;
                end
            end
            assign y[m*ROW_BITS +: ROW_BITS] = tree[ROW_BITS-1:0] & {ROW_BITS{~|code[BITS:LEVELS]}};
        end
    endgenerate
endmodule
