// matvec: one matrix, several vectors: y[o, p] = start[o, p] + sum_i floor(x[p, g, i] * w[o, i] / 2**TRUNCATE),
// where output o reads the vector of its group, g = o / (OUTPUTS / GROUPS).
// Every product is formed at full width and floored by TRUNCATE bits before it is added. Y_WIDTH comes
// from interval analysis: the final sum fits, so sums modulo 2**Y_WIDTH are exact.
// Latency: combinational.
// Ports: x     POSITIONS * GROUPS vectors of INPUTS elements, element (p*GROUPS + g)*INPUTS + i,
//              element 0 in the lowest bits
//        w     OUTPUTS rows of INPUTS weights, element o*INPUTS + i
//        start OUTPUTS * POSITIONS values that the sums start from, element o*POSITIONS + p
//        y     OUTPUTS * POSITIONS sums, element o*POSITIONS + p
module matvec #(
    parameter POSITIONS = 1,
    parameter INPUTS    = 1,
    parameter OUTPUTS   = 1,
    parameter GROUPS    = 1,
    parameter X_WIDTH   = 1,
    parameter X_SIGNED  = 0,
    parameter W_WIDTH   = 1,
    parameter W_SIGNED  = 1,
    parameter Y_WIDTH   = 1,
    parameter TRUNCATE  = 0
) (
    input  wire [POSITIONS*GROUPS*INPUTS*X_WIDTH-1:0] x,
    input  wire [OUTPUTS*INPUTS*W_WIDTH-1:0]    w,
    input  wire [OUTPUTS*POSITIONS*Y_WIDTH-1:0] start,
    output wire [OUTPUTS*POSITIONS*Y_WIDTH-1:0] y
);
    // Both factors get one more sign bit, so that signed and unsigned operands share one signed product.
    localparam P_WIDTH = X_WIDTH + W_WIDTH + 2;
    // A product floored by more bits than it has is 0 or -1: its sign.
    localparam DROP    = (TRUNCATE < P_WIDTH) ? TRUNCATE : P_WIDTH - 1;
    localparam T_WIDTH = P_WIDTH - DROP;

    genvar o, p, i;
    generate
        for (o = 0; o < OUTPUTS; o = o + 1) begin : row
            localparam G = o / (OUTPUTS / GROUPS);
            for (p = 0; p < POSITIONS; p = p + 1) begin : column
                wire [INPUTS*Y_WIDTH-1:0] terms;
                for (i = 0; i < INPUTS; i = i + 1) begin : product
                    wire [X_WIDTH-1:0] a;
                    wire [W_WIDTH-1:0] b;
                    wire signed [P_WIDTH-1:0] a_wide, b_wide, exact;
                    assign a = x[((p*GROUPS + G)*INPUTS + i)*X_WIDTH +: X_WIDTH];
                    assign b = w[(o*INPUTS + i)*W_WIDTH +: W_WIDTH];
                    assign a_wide = {{(P_WIDTH-X_WIDTH){(X_SIGNED != 0) & a[X_WIDTH-1]}}, a};
                    assign b_wide = {{(P_WIDTH-W_WIDTH){(W_SIGNED != 0) & b[W_WIDTH-1]}}, b};
                    assign exact  = a_wide * b_wide;
                    if (Y_WIDTH > T_WIDTH) begin : widen
                        assign terms[i*Y_WIDTH +: Y_WIDTH] =
                            {{(Y_WIDTH-T_WIDTH){exact[P_WIDTH-1]}}, exact[P_WIDTH-1:DROP]};
                    end else begin : narrow
                        assign terms[i*Y_WIDTH +: Y_WIDTH] = exact[DROP +: Y_WIDTH];
                    end
                end
                reg [Y_WIDTH-1:0] sum;
                integer k;
                always @* begin
                    sum = start[(o*POSITIONS + p)*Y_WIDTH +: Y_WIDTH];
                    for (k = 0; k < INPUTS; k = k + 1)
                        sum = sum + terms[k*Y_WIDTH +: Y_WIDTH];
                end
                assign y[(o*POSITIONS + p)*Y_WIDTH +: Y_WIDTH] = sum;
            end
        end
    endgenerate
endmodule
