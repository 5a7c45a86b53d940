// requantise_word: y = clip(round((x * factor + constant) / 2**SHIFT), LOW, HIGH) with the constants of this phase.
// Rounds as round_clip does; sums have S_WIDTH bits, which hold every reachable value.
// Latency: combinational.
// Ports: x, y             one element
//        factor, constant signed constants of the element; constant includes the half that rounds
module requantise_word #(
    parameter X_WIDTH   = 1,
    parameter X_SIGNED  = 1,
    parameter F_WIDTH   = 2,
    parameter C_WIDTH   = 2,
    parameter S_WIDTH   = 2,
    parameter Y_WIDTH   = 1,
    parameter V_WIDTH   = 3,
    parameter SHIFT     = 0,
    parameter HALF_EVEN = 0,
    parameter CLIP_LOW  = 1,
    parameter CLIP_HIGH = 1,
    parameter signed [V_WIDTH-1:0] LOW  = 0,
    parameter signed [V_WIDTH-1:0] HIGH = 0
) (
    input  wire [X_WIDTH-1:0] x,
    input  wire [F_WIDTH-1:0] factor,
    input  wire [C_WIDTH-1:0] constant,
    output wire [Y_WIDTH-1:0] y
);
    // Wide enough for any operand; the sum itself fits into S_WIDTH bits.
    localparam WIDTH = X_WIDTH + F_WIDTH + C_WIDTH + S_WIDTH;
    wire signed [WIDTH-1:0] data, times, plus, sum;
    assign data  = {{(WIDTH-X_WIDTH){(X_SIGNED != 0) & x[X_WIDTH-1]}}, x};
    assign times = {{(WIDTH-F_WIDTH){factor[F_WIDTH-1]}}, factor};
    assign plus  = {{(WIDTH-C_WIDTH){constant[C_WIDTH-1]}}, constant};
    assign sum   = data * times + plus;

    round_clip #(
        .X_WIDTH(S_WIDTH), .Y_WIDTH(Y_WIDTH), .V_WIDTH(V_WIDTH), .SHIFT(SHIFT), .HALF_EVEN(HALF_EVEN),
        .CLIP_LOW(CLIP_LOW), .CLIP_HIGH(CLIP_HIGH), .LOW(LOW), .HIGH(HIGH)
    ) finish (.x(sum[S_WIDTH-1:0]), .y(y));
endmodule
