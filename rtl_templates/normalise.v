// normalise: y = floor(x * 2**FRAC / 2**floor(log2 total)), low FRAC + 1 bits; a total of 0 counts as 1.
// With total = sum of x no bit is lost.
// Latency: combinational.
// Ports: x SIZE unsigned elements, element 0 in the lowest bits; total unsigned; y SIZE elements of FRAC + 1 bits
module normalise #(
    parameter SIZE        = 1,
    parameter X_WIDTH     = 8,
    parameter TOTAL_WIDTH = 8,
    parameter FRAC        = 7
) (
    input  wire [SIZE*X_WIDTH-1:0]  x,
    input  wire [TOTAL_WIDTH-1:0]   total,
    output wire [SIZE*(FRAC+1)-1:0] y
);
    wire [7:0] position;
    leading_one #(.WIDTH(TOTAL_WIDTH)) highest (.x(total), .position(position));

    genvar e;
    generate
        for (e = 0; e < SIZE; e = e + 1) begin : element
            wire [X_WIDTH+FRAC-1:0] shifted;
            assign shifted = {x[e*X_WIDTH +: X_WIDTH], {FRAC{1'b0}}} >> position;
            assign y[e*(FRAC+1) +: FRAC+1] = shifted[FRAC:0];
        end
    endgenerate
endmodule
