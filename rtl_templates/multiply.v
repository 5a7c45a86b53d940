// multiply: y = a * b element by element; Y_WIDTH holds every product.
// Latency: combinational.
// Ports: a, b elements, element 0 in the lowest bits; each stands for REPEAT results in a row, and all of them in turn
//        y    SIZE products
module multiply #(
    parameter SIZE     = 1,
    parameter A_SIZE   = 1,
    parameter A_REPEAT = 1,
    parameter A_WIDTH  = 1,
    parameter A_SIGNED = 0,
    parameter B_SIZE   = 1,
    parameter B_REPEAT = 1,
    parameter B_WIDTH  = 1,
    parameter B_SIGNED = 0,
    parameter Y_WIDTH  = 2
) (
    input  wire [A_SIZE*A_WIDTH-1:0] a,
    input  wire [B_SIZE*B_WIDTH-1:0] b,
    output wire [SIZE*Y_WIDTH-1:0]   y
);
    // Both factors get one more sign bit, so that signed and unsigned operands share one signed product.
    localparam P_WIDTH = A_WIDTH + B_WIDTH + 2;

    genvar e;
    generate
        for (e = 0; e < SIZE; e = e + 1) begin : element
            wire [A_WIDTH-1:0] first;
            wire [B_WIDTH-1:0] second;
            wire signed [P_WIDTH-1:0] first_wide, second_wide, exact;
            assign first       = a[((e / A_REPEAT) % A_SIZE)*A_WIDTH +: A_WIDTH];
            assign second      = b[((e / B_REPEAT) % B_SIZE)*B_WIDTH +: B_WIDTH];
            assign first_wide  = {{(P_WIDTH-A_WIDTH){(A_SIGNED != 0) & first[A_WIDTH-1]}}, first};
            assign second_wide = {{(P_WIDTH-B_WIDTH){(B_SIGNED != 0) & second[B_WIDTH-1]}}, second};
            assign exact       = first_wide * second_wide;
            assign y[e*Y_WIDTH +: Y_WIDTH] = exact[Y_WIDTH-1:0];
        end
    endgenerate
endmodule
