// segment_mean: y[n] = mean of the rows of x whose index is n, element by element, 0 if there is none: sum * 2**FRAC
// divided by the number of rows, rounded to nearest, ties to even. An index that names no segment is ignored.
// Latency: combinational.
// Ports: x     COUNT rows of SIZE elements, element m*SIZE + f, element 0 in the lowest bits; COUNT < 2**C_WIDTH
//        index COUNT unsigned numbers
//        y     SEGMENTS rows of SIZE means, element n*SIZE + f
module segment_mean #(
    parameter SEGMENTS = 1,
    parameter COUNT    = 1,
    parameter SIZE     = 1,
    parameter X_WIDTH  = 1,
    parameter X_SIGNED = 0,
    parameter I_WIDTH  = 1,
    parameter C_WIDTH  = 1,
    parameter FRAC     = 0
) (
    input  wire [COUNT*SIZE*X_WIDTH-1:0]           x,
    input  wire [COUNT*I_WIDTH-1:0]                index,
    output wire [SEGMENTS*SIZE*(X_WIDTH+FRAC)-1:0] y
);
    localparam S_WIDTH = X_WIDTH + C_WIDTH;
    localparam Y_WIDTH = X_WIDTH + FRAC;

    wire [SEGMENTS*SIZE*S_WIDTH-1:0] sums;
    wire [SEGMENTS*C_WIDTH-1:0]      counts;

    segment_sum #(
        .SEGMENTS(SEGMENTS), .COUNT(COUNT), .SIZE(SIZE), .X_WIDTH(X_WIDTH), .X_SIGNED(X_SIGNED),
        .I_WIDTH(I_WIDTH), .Y_WIDTH(S_WIDTH)
    ) add (.x(x), .index(index), .y(sums));
    segment_sum #(
        .SEGMENTS(SEGMENTS), .COUNT(COUNT), .I_WIDTH(I_WIDTH), .Y_WIDTH(C_WIDTH)
    ) count (.x({COUNT{1'b1}}), .index(index), .y(counts));

    genvar n, f;
    generate
        for (n = 0; n < SEGMENTS; n = n + 1) begin : segment
            for (f = 0; f < SIZE; f = f + 1) begin : element
                wire [S_WIDTH-1:0] sum, magnitude;
                wire [Y_WIDTH-1:0] mean;
                wire is_negative;
                assign sum         = sums[(n*SIZE + f)*S_WIDTH +: S_WIDTH];
                assign is_negative = (X_SIGNED != 0) & sum[S_WIDTH-1];
                assign magnitude   = is_negative ? -sum : sum;
                round_divide #(
                    .X_WIDTH(X_WIDTH), .C_WIDTH(C_WIDTH), .FRAC(FRAC)
                ) divide (.sum(magnitude), .count(counts[n*C_WIDTH +: C_WIDTH]), .y(mean));
                assign y[(n*SIZE + f)*Y_WIDTH +: Y_WIDTH] = is_negative ? -mean : mean;
            end
        end
    endgenerate
endmodule
