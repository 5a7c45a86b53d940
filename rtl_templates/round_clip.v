// round_clip: y = clip(round(x / 2**SHIFT), LOW, HIGH), element by element.
// Rounds down; with HALF_EVEN=1 to nearest, ties to even, of sums that have half a result bit, 2**(SHIFT-1), added.
// V_WIDTH holds sums, bounds and results, so nothing wraps. CLIP_LOW, CLIP_HIGH: whether a bound can be passed at all.
// Latency: combinational.
// Ports: x, y SIZE elements, element 0 in the lowest bits; x signed
module round_clip #(
    parameter SIZE      = 1,
    parameter X_WIDTH   = 1,
    parameter Y_WIDTH   = 1,
    parameter V_WIDTH   = 3,
    parameter SHIFT     = 0,
    parameter HALF_EVEN = 0,
    parameter CLIP_LOW  = 1,
    parameter CLIP_HIGH = 1,
    parameter signed [V_WIDTH-1:0] LOW  = 0,
    parameter signed [V_WIDTH-1:0] HIGH = 0
) (
    input  wire [SIZE*X_WIDTH-1:0] x,
    output wire [SIZE*Y_WIDTH-1:0] y
);
    // A range of whole bits is left exactly when the bits above it are not all zero (or, signed, all alike).
    localparam signed [V_WIDTH-1:0] ONE = {{(V_WIDTH-1){1'b0}}, 1'b1};
    localparam UNSIGNED_RANGE = (LOW == 0) && (HIGH == (ONE <<< Y_WIDTH) - ONE);
    localparam SIGNED_RANGE   = (LOW == -(ONE <<< (Y_WIDTH - 1))) && (HIGH == (ONE <<< (Y_WIDTH - 1)) - ONE);

    genvar e;
    generate
        for (e = 0; e < SIZE; e = e + 1) begin : element
            wire [X_WIDTH-1:0] sum;
            wire signed [V_WIDTH-1:0] wide, down, rounded;
            wire negative, below, above;
            assign sum  = x[e*X_WIDTH +: X_WIDTH];
            assign wide = {{(V_WIDTH-X_WIDTH){sum[X_WIDTH-1]}}, sum};
            assign down = wide >>> SHIFT;
            if (HALF_EVEN != 0 && SHIFT > 0) begin : half_even
                // With the half added, a tie has zeros below the result: it was rounded up and goes back to even.
                wire tie;
                assign tie     = (sum[SHIFT-1:0] == {SHIFT{1'b0}});
                assign rounded = {down[V_WIDTH-1:1], down[0] & ~tie};
            end else begin : floor
                assign rounded = down;
            end
            assign negative = rounded[V_WIDTH-1];
            if (UNSIGNED_RANGE) begin : unsigned_range
                assign below = negative;
                assign above = ~negative & (|rounded[V_WIDTH-1:Y_WIDTH]);
            end else if (SIGNED_RANGE) begin : signed_range
                assign below = negative & ~(&rounded[V_WIDTH-1:Y_WIDTH-1]);
                assign above = ~negative & (|rounded[V_WIDTH-1:Y_WIDTH-1]);
            end else begin : any_range
                assign below = rounded < LOW;
                assign above = rounded > HIGH;
            end
            assign y[e*Y_WIDTH +: Y_WIDTH] = (CLIP_LOW  != 0 && below) ? LOW[Y_WIDTH-1:0] :
                                             (CLIP_HIGH != 0 && above) ? HIGH[Y_WIDTH-1:0] : rounded[Y_WIDTH-1:0];
        end
    endgenerate
endmodule
