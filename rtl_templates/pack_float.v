// pack_float: unsigned integer to floating code, truncating: x < 2**MANTISSA_BITS stays x; else
// exponent = bit length - MANTISSA_BITS, then the MANTISSA_BITS bits after the leading one.
// Latency: combinational.
// Ports: x, y SIZE elements, element 0 in the lowest bits; y = {exponent, mantissa}
module pack_float #(
    parameter SIZE          = 1,
    parameter X_WIDTH       = 8,
    parameter EXPONENT_BITS = 4,
    parameter MANTISSA_BITS = 3
) (
    input  wire [SIZE*X_WIDTH-1:0] x,
    output wire [SIZE*(EXPONENT_BITS+MANTISSA_BITS)-1:0] y
);
    localparam CODE_WIDTH = EXPONENT_BITS + MANTISSA_BITS;
    localparam V_WIDTH    = (X_WIDTH > MANTISSA_BITS) ? X_WIDTH : MANTISSA_BITS + 1;

    genvar e;
    generate
        for (e = 0; e < SIZE; e = e + 1) begin : element
            wire [V_WIDTH-1:0] value, shifted;
            wire [7:0] position, exponent;
            wire is_small;
            if (V_WIDTH > X_WIDTH) begin : widen
                assign value = {{(V_WIDTH-X_WIDTH){1'b0}}, x[e*X_WIDTH +: X_WIDTH]};
            end else begin : same
                assign value = x[e*X_WIDTH +: X_WIDTH];
            end
            leading_one #(.WIDTH(V_WIDTH)) highest (.x(value), .position(position));
            assign is_small    = (position < MANTISSA_BITS);
            assign exponent = is_small ? 8'd0 : position - MANTISSA_BITS[7:0] + 8'd1;
            assign shifted  = value >> (is_small ? 8'd0 : position - MANTISSA_BITS[7:0]);
            assign y[e*CODE_WIDTH +: CODE_WIDTH] = {exponent[EXPONENT_BITS-1:0], shifted[MANTISSA_BITS-1:0]};
        end
    endgenerate
endmodule
