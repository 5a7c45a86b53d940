// requantise: y = clip(round((x * MULTIPLIERS[c] + ADDENDS[c]) / 2**SHIFT), LOW, HIGH), element by element.
// Channel c of element e is e / (SIZE / CHANNELS). Rounds down, or with HALF_EVEN=1 to nearest, ties to even.
// V_WIDTH holds every reachable intermediate value (from interval analysis), so nothing wraps.
// Latency: combinational.
// Ports: x, y SIZE elements, element 0 in the lowest bits
module requantise #(
    parameter SIZE      = 1,
    parameter CHANNELS  = 1,
    parameter X_WIDTH   = 1,
    parameter X_SIGNED  = 1,
    parameter Y_WIDTH   = 1,
    parameter V_WIDTH   = 4,
    parameter SHIFT     = 0,
    parameter HALF_EVEN = 0,
    parameter CLIP_LOW  = 1,
    parameter CLIP_HIGH = 1,
    parameter signed [V_WIDTH-1:0] LOW  = 0,
    parameter signed [V_WIDTH-1:0] HIGH = 0,
    parameter [CHANNELS*V_WIDTH-1:0] MULTIPLIERS = 1,
    parameter [CHANNELS*V_WIDTH-1:0] ADDENDS     = 0
) (
    input  wire [SIZE*X_WIDTH-1:0] x,
    output wire [SIZE*Y_WIDTH-1:0] y
);
    genvar e;
    generate
        for (e = 0; e < SIZE; e = e + 1) begin : element
            localparam C = e / (SIZE / CHANNELS);
            localparam signed [V_WIDTH-1:0] MULTIPLIER = MULTIPLIERS[C*V_WIDTH +: V_WIDTH];
            localparam signed [V_WIDTH-1:0] ADDEND     = ADDENDS[C*V_WIDTH +: V_WIDTH];
            wire [X_WIDTH-1:0] data;
            wire signed [V_WIDTH-1:0] wide, scaled, rounded, clipped;
            assign data   = x[e*X_WIDTH +: X_WIDTH];
            assign wide   = {{(V_WIDTH-X_WIDTH){(X_SIGNED != 0) & data[X_WIDTH-1]}}, data};
            assign scaled = wide * MULTIPLIER + ADDEND;
            if (HALF_EVEN != 0 && SHIFT > 0) begin : half_even
                localparam signed [V_WIDTH-1:0] HALF = {{(V_WIDTH-1){1'b0}}, 1'b1} << (SHIFT - 1);
                wire signed [V_WIDTH-1:0] nearest;
                wire tie;
                assign nearest = (scaled + HALF) >>> SHIFT;
                assign tie     = (scaled[SHIFT-1:0] == HALF[SHIFT-1:0]);
                assign rounded = {nearest[V_WIDTH-1:1], nearest[0] & ~tie};
            end else begin : down
                assign rounded = scaled >>> SHIFT;
            end
            assign clipped = (CLIP_LOW != 0 && rounded < LOW) ? LOW :
                             (CLIP_HIGH != 0 && rounded > HIGH) ? HIGH : rounded;
            assign y[e*Y_WIDTH +: Y_WIDTH] = clipped[Y_WIDTH-1:0];
        end
    endgenerate
endmodule
