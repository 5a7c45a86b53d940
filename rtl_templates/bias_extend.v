// bias_extend: biases in accumulator units, one copy for every position.
// y[o, p] = bias[o] * 2**BIAS_SHIFT in Y_WIDTH bits.
// Latency: combinational.
// Ports: bias OUTPUTS values, element 0 in the lowest bits; y element o*POSITIONS + p
module bias_extend #(
    parameter POSITIONS  = 1,
    parameter OUTPUTS    = 1,
    parameter B_WIDTH    = 1,
    parameter B_SIGNED   = 1,
    parameter BIAS_SHIFT = 0,
    parameter Y_WIDTH    = 1
) (
    input  wire [OUTPUTS*B_WIDTH-1:0]           bias,
    output wire [OUTPUTS*POSITIONS*Y_WIDTH-1:0] y
);
    genvar o, p, k;
    generate
        for (o = 0; o < OUTPUTS; o = o + 1) begin : row
            wire [B_WIDTH-1:0] b;
            assign b = bias[o*B_WIDTH +: B_WIDTH];
            for (p = 0; p < POSITIONS; p = p + 1) begin : column
                for (k = 0; k < Y_WIDTH; k = k + 1) begin : wires
                    if (k < BIAS_SHIFT) begin : zero
                        assign y[(o*POSITIONS + p)*Y_WIDTH + k] = 1'b0;
                    end else if (k < BIAS_SHIFT + B_WIDTH) begin : value
                        assign y[(o*POSITIONS + p)*Y_WIDTH + k] = b[k-BIAS_SHIFT];
                    end else begin : sign
                        assign y[(o*POSITIONS + p)*Y_WIDTH + k] = (B_SIGNED != 0) & b[B_WIDTH-1];
                    end
                end
            end
        end
    endgenerate
endmodule
