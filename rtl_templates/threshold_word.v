// threshold_word: y = BASE + number of thresholds reached (or LEVELS minus that number where falling), with the
// thresholds of this phase.
// Latency: combinational.
// Ports: x, y                one element
//        thresholds, falling constants of the element's channel; threshold k in bits k*V_WIDTH and up, signed, rising
module threshold_word #(
    parameter LEVELS   = 1,
    parameter X_WIDTH  = 1,
    parameter X_SIGNED = 1,
    parameter V_WIDTH  = 2,
    parameter Y_WIDTH  = 1,
    parameter signed [Y_WIDTH:0] BASE = 0
) (
    input  wire [X_WIDTH-1:0]        x,
    input  wire [LEVELS*V_WIDTH-1:0] thresholds,
    input  wire                      falling,
    output wire [Y_WIDTH-1:0]        y
);
    wire signed [V_WIDTH-1:0] wide;
    wire [LEVELS-1:0] reached;
    assign wide = {{(V_WIDTH-X_WIDTH){(X_SIGNED != 0) & x[X_WIDTH-1]}}, x};

    genvar k;
    generate
        for (k = 0; k < LEVELS; k = k + 1) begin : level
            wire signed [V_WIDTH-1:0] limit;
            assign limit = thresholds[k*V_WIDTH +: V_WIDTH];
            assign reached[k] = (wide >= limit) ^ falling;
        end
    endgenerate

    reg [Y_WIDTH:0] count;
    integer n;
    always @* begin
        count = BASE;
        for (n = 0; n < LEVELS; n = n + 1)
            count = count + {{Y_WIDTH{1'b0}}, reached[n]};
    end
    assign y = count[Y_WIDTH-1:0];
endmodule
