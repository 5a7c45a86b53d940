// max_pool: y = the highest pixel under the kernel, for every channel and output position, by a tree of comparators.
// Latency: combinational.
// Ports: x image, element (channel*ROWS + row)*COLUMNS + column, element 0 in the lowest bits
//        y element (channel*OUT_ROWS + row)*OUT_COLUMNS + column
module max_pool #(
    parameter CHANNELS       = 1,
    parameter ROWS           = 1,
    parameter COLUMNS        = 1,
    parameter KERNEL_ROWS    = 1,
    parameter KERNEL_COLUMNS = 1,
    parameter STRIDE_ROWS    = 1,
    parameter STRIDE_COLUMNS = 1,
    parameter PAD_TOP        = 0,
    parameter PAD_LEFT       = 0,
    parameter OUT_ROWS       = 1,
    parameter OUT_COLUMNS    = 1,
    parameter X_WIDTH        = 1,
    parameter X_SIGNED       = 0
) (
    input  wire [CHANNELS*ROWS*COLUMNS*X_WIDTH-1:0]         x,
    output wire [CHANNELS*OUT_ROWS*OUT_COLUMNS*X_WIDTH-1:0] y
);
    localparam POSITIONS = OUT_ROWS * OUT_COLUMNS;
    localparam TAPS      = KERNEL_ROWS * KERNEL_COLUMNS;
    // The lowest value, which padding holds. Turning its bits over makes signed numbers compare as unsigned ones.
    localparam [X_WIDTH-1:0] ONES   = {X_WIDTH{1'b1}};
    localparam [X_WIDTH-1:0] LOWEST = {X_WIDTH{X_SIGNED != 0}} & (ONES ^ (ONES >> 1));

    wire [POSITIONS*CHANNELS*TAPS*X_WIDTH-1:0] windows;

    im2col #(
        .CHANNELS(CHANNELS), .ROWS(ROWS), .COLUMNS(COLUMNS),
        .KERNEL_ROWS(KERNEL_ROWS), .KERNEL_COLUMNS(KERNEL_COLUMNS),
        .STRIDE_ROWS(STRIDE_ROWS), .STRIDE_COLUMNS(STRIDE_COLUMNS),
        .PAD_TOP(PAD_TOP), .PAD_LEFT(PAD_LEFT), .OUT_ROWS(OUT_ROWS), .OUT_COLUMNS(OUT_COLUMNS),
        .X_WIDTH(X_WIDTH), .PAD_VALUE(LOWEST)
    ) kernel (.x(x), .windows(windows));

    genvar p, c, n;
    generate
        for (p = 0; p < POSITIONS; p = p + 1) begin : position
            for (c = 0; c < CHANNELS; c = c + 1) begin : channel
                // nodes 1 .. 2*TAPS-1 of a heap: node n is the higher of nodes 2n and 2n+1, the pixels come last
                wire [(2*TAPS-1)*X_WIDTH-1:0] tree;
                assign tree[(TAPS-1)*X_WIDTH +: TAPS*X_WIDTH] = windows[(p*CHANNELS + c)*TAPS*X_WIDTH +: TAPS*X_WIDTH];
                for (n = 1; n < TAPS; n = n + 1) begin : node
                    wire [X_WIDTH-1:0] left, right;
                    assign left  = tree[(2*n - 1)*X_WIDTH +: X_WIDTH];
                    assign right = tree[2*n*X_WIDTH +: X_WIDTH];
                    assign tree[(n - 1)*X_WIDTH +: X_WIDTH] = ((left ^ LOWEST) >= (right ^ LOWEST)) ? left : right;
                end
                assign y[(c*POSITIONS + p)*X_WIDTH +: X_WIDTH] = tree[X_WIDTH-1:0];
            end
        end
    endgenerate
endmodule
