// add: y = a * 2**A_SHIFT + b * 2**B_SHIFT, element by element; Y_WIDTH holds every sum.
// Latency: combinational.
// Ports: a, b, y SIZE elements, element 0 in the lowest bits
module add #(
    parameter SIZE     = 1,
    parameter A_WIDTH  = 1,
    parameter A_SIGNED = 0,
    parameter A_SHIFT  = 0,
    parameter B_WIDTH  = 1,
    parameter B_SIGNED = 0,
    parameter B_SHIFT  = 0,
    parameter Y_WIDTH  = 2
) (
    input  wire [SIZE*A_WIDTH-1:0] a,
    input  wire [SIZE*B_WIDTH-1:0] b,
    output wire [SIZE*Y_WIDTH-1:0] y
);
    wire [SIZE*Y_WIDTH-1:0] left, right;

    bias_extend #(
        .OUTPUTS(SIZE), .B_WIDTH(A_WIDTH), .B_SIGNED(A_SIGNED), .BIAS_SHIFT(A_SHIFT), .Y_WIDTH(Y_WIDTH)
    ) extend_a (.bias(a), .y(left));
    bias_extend #(
        .OUTPUTS(SIZE), .B_WIDTH(B_WIDTH), .B_SIGNED(B_SIGNED), .BIAS_SHIFT(B_SHIFT), .Y_WIDTH(Y_WIDTH)
    ) extend_b (.bias(b), .y(right));

    genvar e;
    generate
        for (e = 0; e < SIZE; e = e + 1) begin : element
            assign y[e*Y_WIDTH +: Y_WIDTH] = left[e*Y_WIDTH +: Y_WIDTH] + right[e*Y_WIDTH +: Y_WIDTH];
        end
    endgenerate
endmodule
