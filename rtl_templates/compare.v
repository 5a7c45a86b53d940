// compare: y = a < b element by element; b < a if SWAPPED; a == b if EQUALITY; the opposite of that if INVERTED.
// Latency: combinational.
// Ports: a, b elements, element 0 in the lowest bits; each stands for REPEAT results in a row, and all of them in turn
//        y    SIZE bits
module compare #(
    parameter SIZE     = 1,
    parameter A_SIZE   = 1,
    parameter A_REPEAT = 1,
    parameter A_WIDTH  = 1,
    parameter A_SIGNED = 0,
    parameter B_SIZE   = 1,
    parameter B_REPEAT = 1,
    parameter B_WIDTH  = 1,
    parameter B_SIGNED = 0,
    parameter V_WIDTH  = 2,
    parameter EQUALITY = 0,
    parameter SWAPPED  = 0,
    parameter INVERTED = 0
) (
    input  wire [A_SIZE*A_WIDTH-1:0] a,
    input  wire [B_SIZE*B_WIDTH-1:0] b,
    output wire [SIZE-1:0]           y
);
    wire [A_SIZE*A_REPEAT*V_WIDTH-1:0] left;
    wire [B_SIZE*B_REPEAT*V_WIDTH-1:0] right;

    bias_extend #(
        .POSITIONS(A_REPEAT), .OUTPUTS(A_SIZE), .B_WIDTH(A_WIDTH), .B_SIGNED(A_SIGNED), .Y_WIDTH(V_WIDTH)
    ) extend_a (.bias(a), .y(left));
    bias_extend #(
        .POSITIONS(B_REPEAT), .OUTPUTS(B_SIZE), .B_WIDTH(B_WIDTH), .B_SIGNED(B_SIGNED), .Y_WIDTH(V_WIDTH)
    ) extend_b (.bias(b), .y(right));

    genvar e;
    generate
        for (e = 0; e < SIZE; e = e + 1) begin : element
            wire signed [V_WIDTH-1:0] first, second;
            assign first  = left[(e % (A_SIZE*A_REPEAT))*V_WIDTH +: V_WIDTH];
            assign second = right[(e % (B_SIZE*B_REPEAT))*V_WIDTH +: V_WIDTH];
            if (EQUALITY != 0) begin : equal
                assign y[e] = (first == second) ^ (INVERTED != 0);
            end else if (SWAPPED != 0) begin : greater
                assign y[e] = (second < first) ^ (INVERTED != 0);
            end else begin : less
                assign y[e] = (first < second) ^ (INVERTED != 0);
            end
        end
    endgenerate
endmodule
