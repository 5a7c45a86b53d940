// concat: y = the elements of a, then those of b, extended to Y_WIDTH bits, which hold every value of both.
// Latency: combinational.
// Ports: a, b, y elements, element 0 in the lowest bits
module concat #(
    parameter A_SIZE   = 1,
    parameter A_WIDTH  = 1,
    parameter A_SIGNED = 0,
    parameter B_SIZE   = 1,
    parameter B_WIDTH  = 1,
    parameter B_SIGNED = 0,
    parameter Y_WIDTH  = 1
) (
    input  wire [A_SIZE*A_WIDTH-1:0]            a,
    input  wire [B_SIZE*B_WIDTH-1:0]            b,
    output wire [(A_SIZE + B_SIZE)*Y_WIDTH-1:0] y
);
    bias_extend #(
        .OUTPUTS(A_SIZE), .B_WIDTH(A_WIDTH), .B_SIGNED(A_SIGNED), .Y_WIDTH(Y_WIDTH)
    ) extend_a (.bias(a), .y(y[0 +: A_SIZE*Y_WIDTH]));
    bias_extend #(
        .OUTPUTS(B_SIZE), .B_WIDTH(B_WIDTH), .B_SIGNED(B_SIGNED), .Y_WIDTH(Y_WIDTH)
    ) extend_b (.bias(b), .y(y[A_SIZE*Y_WIDTH +: B_SIZE*Y_WIDTH]));
endmodule
