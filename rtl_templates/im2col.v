// im2col: the pixels under a convolution kernel at every output position; wiring only.
// Latency: combinational.
// Ports: x       image, element (channel*ROWS + row)*COLUMNS + column, element 0 in the lowest bits
//        windows element position*(CHANNELS*KERNEL_ROWS*KERNEL_COLUMNS) + (channel, kernel row, kernel column),
//                positions row-major over OUT_ROWS x OUT_COLUMNS; PAD_VALUE outside of the image
module im2col #(
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
    parameter [X_WIDTH-1:0] PAD_VALUE = 0
) (
    input  wire [CHANNELS*ROWS*COLUMNS*X_WIDTH-1:0] x,
    output wire [OUT_ROWS*OUT_COLUMNS*CHANNELS*KERNEL_ROWS*KERNEL_COLUMNS*X_WIDTH-1:0] windows
);
    localparam TAPS = CHANNELS * KERNEL_ROWS * KERNEL_COLUMNS;

    genvar p, t;
    generate
        for (p = 0; p < OUT_ROWS*OUT_COLUMNS; p = p + 1) begin : position
            for (t = 0; t < TAPS; t = t + 1) begin : tap
                localparam CHANNEL = t / (KERNEL_ROWS*KERNEL_COLUMNS);
                localparam ROW = (p / OUT_COLUMNS)*STRIDE_ROWS + (t / KERNEL_COLUMNS) % KERNEL_ROWS - PAD_TOP;
                localparam COLUMN = (p % OUT_COLUMNS)*STRIDE_COLUMNS + t % KERNEL_COLUMNS - PAD_LEFT;
                if (ROW >= 0 && ROW < ROWS && COLUMN >= 0 && COLUMN < COLUMNS) begin : pixel
                    assign windows[(p*TAPS + t)*X_WIDTH +: X_WIDTH] =
                        x[((CHANNEL*ROWS + ROW)*COLUMNS + COLUMN)*X_WIDTH +: X_WIDTH];
                end else begin : padding
                    assign windows[(p*TAPS + t)*X_WIDTH +: X_WIDTH] = PAD_VALUE;
                end
            end
        end
    endgenerate
endmodule
