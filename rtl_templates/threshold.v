// threshold: y = BASE + number of thresholds reached (or LEVELS minus that number where FALLING), element by element.
// Channel c of element e is e / (SIZE / CHANNELS); its thresholds are THRESHOLDS[c*LEVELS + k], rising.
// Latency: combinational.
// Ports: x, y SIZE elements, element 0 in the lowest bits
module threshold #(
    parameter SIZE     = 1,
    parameter CHANNELS = 1,
    parameter LEVELS   = 1,
    parameter X_WIDTH  = 1,
    parameter X_SIGNED = 1,
    parameter V_WIDTH  = 2,
    parameter Y_WIDTH  = 1,
    parameter signed [Y_WIDTH:0] BASE = 0,
    parameter [CHANNELS-1:0] FALLING = 0,
    parameter [CHANNELS*LEVELS*V_WIDTH-1:0] THRESHOLDS = 0
) (
    input  wire [SIZE*X_WIDTH-1:0] x,
    output wire [SIZE*Y_WIDTH-1:0] y
);
    genvar e, k;
    generate
        for (e = 0; e < SIZE; e = e + 1) begin : element
            localparam C = e / (SIZE / CHANNELS);
            wire [X_WIDTH-1:0] data;
            wire signed [V_WIDTH-1:0] wide;
            wire [LEVELS-1:0] reached;
            assign data = x[e*X_WIDTH +: X_WIDTH];
            assign wide = {{(V_WIDTH-X_WIDTH){(X_SIGNED != 0) & data[X_WIDTH-1]}}, data};
            for (k = 0; k < LEVELS; k = k + 1) begin : level
                localparam signed [V_WIDTH-1:0] T = THRESHOLDS[(C*LEVELS + k)*V_WIDTH +: V_WIDTH];
                assign reached[k] = (wide >= T) ^ FALLING[C];
            end
            reg [Y_WIDTH:0] count;
            integer n;
            always @* begin
                count = BASE;
                for (n = 0; n < LEVELS; n = n + 1)
                    count = count + {{Y_WIDTH{1'b0}}, reached[n]};
            end
            assign y[e*Y_WIDTH +: Y_WIDTH] = count[Y_WIDTH-1:0];
        end
    endgenerate
endmodule
