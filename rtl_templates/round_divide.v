// round_divide: y = sum * 2**FRAC / count, rounded to nearest, ties to even; 0 if the count is 0. Long division: every
// step takes the next bit of the sum and subtracts the count where it fits.
// Latency: combinational.
// Ports: sum   of as many numbers below 2**X_WIDTH as count says, so that the mean has X_WIDTH + FRAC bits
//        count how many
//        y     their mean
module round_divide #(
    parameter X_WIDTH = 1,
    parameter C_WIDTH = 1,
    parameter FRAC    = 0
) (
    input  wire [X_WIDTH+C_WIDTH-1:0] sum,
    input  wire [C_WIDTH-1:0]         count,
    output wire [X_WIDTH+FRAC-1:0]    y
);
    localparam STEPS = X_WIDTH + FRAC;

    // What is left before every step, below the count: at first the bits of the sum above those that steps take.
    wire [(STEPS+1)*C_WIDTH-1:0]     rests;
    wire [X_WIDTH+C_WIDTH+FRAC-1:0] digits;
    wire [STEPS-1:0]                 quotient;

    generate
        if (FRAC > 0) begin : scaled
            assign digits = {sum, {FRAC{1'b0}}};
        end else begin : whole
            assign digits = sum;
        end
    endgenerate
    assign rests[0 +: C_WIDTH] = digits[STEPS +: C_WIDTH];

    genvar k;
    generate
        for (k = 0; k < STEPS; k = k + 1) begin : step
            wire [C_WIDTH:0]   part;
            wire [C_WIDTH-1:0] less;
            wire fits;
            assign part = {rests[k*C_WIDTH +: C_WIDTH], digits[STEPS - 1 - k]};
            assign less = part[C_WIDTH-1:0] - count;
            assign fits = part >= {1'b0, count};
            assign quotient[STEPS - 1 - k] = fits;
            assign rests[(k + 1)*C_WIDTH +: C_WIDTH] = fits ? less : part[C_WIDTH-1:0];
        end
    endgenerate

    // The last rest decides: above half of the count, or half of it behind an odd quotient, rounds up.
    wire [C_WIDTH:0] twice;
    wire rounds_up;
    assign twice     = {rests[STEPS*C_WIDTH +: C_WIDTH], 1'b0};
    assign rounds_up = (twice > {1'b0, count}) | ((twice == {1'b0, count}) & quotient[0]);
    assign y         = (rounds_up ? quotient + 1'b1 : quotient) & {STEPS{|count}};
endmodule
