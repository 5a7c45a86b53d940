// concat: y = the elements of a row of a, then those of the row of b, for every row, extended to Y_WIDTH bits, which
// hold every value of both.
// Latency: combinational.
// Ports: a, b ROWS rows of A_SIZE and B_SIZE elements, element 0 in the lowest bits
//        y    ROWS rows of A_SIZE + B_SIZE elements
module concat #(
    parameter ROWS     = 1,
    parameter A_SIZE   = 1,
    parameter A_WIDTH  = 1,
    parameter A_SIGNED = 0,
    parameter B_SIZE   = 1,
    parameter B_WIDTH  = 1,
    parameter B_SIGNED = 0,
    parameter Y_WIDTH  = 1
) (
    input  wire [ROWS*A_SIZE*A_WIDTH-1:0]            a,
    input  wire [ROWS*B_SIZE*B_WIDTH-1:0]            b,
    output wire [ROWS*(A_SIZE + B_SIZE)*Y_WIDTH-1:0] y
);
    genvar r;
    generate
        for (r = 0; r < ROWS; r = r + 1) begin : row
            bias_extend #(
                .OUTPUTS(A_SIZE), .B_WIDTH(A_WIDTH), .B_SIGNED(A_SIGNED), .Y_WIDTH(Y_WIDTH)
            ) extend_a (.bias(a[r*A_SIZE*A_WIDTH +: A_SIZE*A_WIDTH]),
                        .y(y[r*(A_SIZE + B_SIZE)*Y_WIDTH +: A_SIZE*Y_WIDTH]));
            bias_extend #(
                .OUTPUTS(B_SIZE), .B_WIDTH(B_WIDTH), .B_SIGNED(B_SIGNED), .Y_WIDTH(Y_WIDTH)
            ) extend_b (.bias(b[r*B_SIZE*B_WIDTH +: B_SIZE*B_WIDTH]),
                        .y(y[(r*(A_SIZE + B_SIZE) + A_SIZE)*Y_WIDTH +: B_SIZE*Y_WIDTH]));
        end
    endgenerate
endmodule
