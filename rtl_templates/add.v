// add: y = a * 2**A_SHIFT + b * 2**B_SHIFT, element by element; Y_WIDTH holds every sum.
// Latency: combinational.
// Ports: a, b elements, element 0 in the lowest bits; each stands for REPEAT results in a row, and all of them in turn
//        y    SIZE sums
module add #(
    parameter SIZE     = 1,
    parameter A_SIZE   = 1,
    parameter A_REPEAT = 1,
    parameter A_WIDTH  = 1,
    parameter A_SIGNED = 0,
    parameter A_SHIFT  = 0,
    parameter B_SIZE   = 1,
    parameter B_REPEAT = 1,
    parameter B_WIDTH  = 1,
    parameter B_SIGNED = 0,
    parameter B_SHIFT  = 0,
    parameter Y_WIDTH  = 2
) (
    input  wire [A_SIZE*A_WIDTH-1:0] a,
    input  wire [B_SIZE*B_WIDTH-1:0] b,
    output wire [SIZE*Y_WIDTH-1:0]   y
);
    wire [A_SIZE*A_REPEAT*Y_WIDTH-1:0] left;
    wire [B_SIZE*B_REPEAT*Y_WIDTH-1:0] right;

    bias_extend #(
        .POSITIONS(A_REPEAT), .OUTPUTS(A_SIZE), .B_WIDTH(A_WIDTH), .B_SIGNED(A_SIGNED),
        .BIAS_SHIFT(A_SHIFT), .Y_WIDTH(Y_WIDTH)
    ) extend_a (.bias(a), .y(left));
    bias_extend #(
        .POSITIONS(B_REPEAT), .OUTPUTS(B_SIZE), .B_WIDTH(B_WIDTH), .B_SIGNED(B_SIGNED),
        .BIAS_SHIFT(B_SHIFT), .Y_WIDTH(Y_WIDTH)
    ) extend_b (.bias(b), .y(right));

    genvar e;
    generate
        for (e = 0; e < SIZE; e = e + 1) begin : element
            assign y[e*Y_WIDTH +: Y_WIDTH] = left[(e % (A_SIZE*A_REPEAT))*Y_WIDTH +: Y_WIDTH]
                + right[(e % (B_SIZE*B_REPEAT))*Y_WIDTH +: Y_WIDTH];
        end
    endgenerate
endmodule
