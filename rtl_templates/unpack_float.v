// unpack_float: floating code {exponent, mantissa} to a linear integer,
// (exponent == 0 ? mantissa : (2**MANTISSA_BITS + mantissa) << (exponent - 1)) << DROP,
// plus half of the least significant bit dropped where HALF=1 (nothing if no bit was dropped).
// Latency: combinational.
// Ports: x codes, y integers, SIZE elements, element 0 in the lowest bits
module unpack_float #(
    parameter SIZE          = 1,
    parameter EXPONENT_BITS = 4,
    parameter MANTISSA_BITS = 3,
    parameter DROP          = 0,
    parameter HALF          = 0,
    parameter Y_WIDTH       = 8
) (
    input  wire [SIZE*(EXPONENT_BITS+MANTISSA_BITS)-1:0] x,
    output wire [SIZE*Y_WIDTH-1:0] y
);
    localparam CODE_WIDTH = EXPONENT_BITS + MANTISSA_BITS;
    localparam V_WIDTH    = Y_WIDTH + MANTISSA_BITS + 2;

    genvar e;
    generate
        for (e = 0; e < SIZE; e = e + 1) begin : element
            wire [CODE_WIDTH-1:0]    code;
            wire [EXPONENT_BITS-1:0] exponent, shift;
            wire [V_WIDTH-1:0]       significand, linear;
            wire normal;
            assign code        = x[e*CODE_WIDTH +: CODE_WIDTH];
            assign exponent    = code[CODE_WIDTH-1:MANTISSA_BITS];
            assign normal      = |exponent;
            assign shift       = exponent - {{(EXPONENT_BITS-1){1'b0}}, normal};
            // One bit below the integer holds the half; it falls off where no bit was dropped.
            assign significand = {{(Y_WIDTH){1'b0}}, normal, code[MANTISSA_BITS-1:0], HALF[0]};
            assign linear      = (significand << shift) << DROP;
            assign y[e*Y_WIDTH +: Y_WIDTH] = linear[Y_WIDTH:1];
        end
    endgenerate
endmodule
