// pool_bank: the sum (MAXIMUM=0) or the highest (MAXIMUM=1) of all rows of an event, LANES rows a cycle.
// Latency: the rows are in y in the cycle after en.
// Ports: clk, rst  clock; synchronous reset, active high
//        en        take in LANES rows of FEATURES values
//        first     with en: they are the first of an event
//        values    row 0 in the lowest bits
//        y         one row
//        tmr_err   a copy of a register differs
module pool_bank #(
    parameter LANES    = 1,
    parameter FEATURES = 1,
    parameter MAXIMUM  = 0,
    parameter V_WIDTH  = 1,
    parameter V_SIGNED = 0,
    parameter Y_WIDTH  = 1,
    parameter TMR      = 1
) (
    input  wire                              clk,
    input  wire                              rst,
    input  wire                              en,
    input  wire                              first,
    input  wire [LANES*FEATURES*V_WIDTH-1:0] values,
    output wire [FEATURES*Y_WIDTH-1:0]       y,
    output wire                              tmr_err
);
    // Turning the sign bit over makes signed numbers compare as unsigned ones.
    localparam [Y_WIDTH-1:0] ONES = {Y_WIDTH{1'b1}};
    localparam [Y_WIDTH-1:0] SIGN = (V_SIGNED != 0) ? ONES ^ (ONES >> 1) : {Y_WIDTH{1'b0}};
    wire [FEATURES*Y_WIDTH-1:0] next;
    wire [LANES*FEATURES*Y_WIDTH-1:0] wide;
    bias_extend #(.OUTPUTS(LANES*FEATURES), .B_WIDTH(V_WIDTH), .B_SIGNED(V_SIGNED), .Y_WIDTH(Y_WIDTH)) extend (
        .bias(values), .y(wide)
    );
    genvar f, r;
    generate
        for (f = 0; f < FEATURES; f = f + 1) begin : feature
            // results[r] takes in rows 0 .. r
            wire [LANES*Y_WIDTH-1:0] results;
            wire [Y_WIDTH-1:0] earlier, of_rows;
            assign earlier = y[f*Y_WIDTH +: Y_WIDTH];
            for (r = 0; r < LANES; r = r + 1) begin : row
                wire [Y_WIDTH-1:0] value;
                assign value = wide[(r*FEATURES + f)*Y_WIDTH +: Y_WIDTH];
                if (r == 0) begin : only
                    assign results[0 +: Y_WIDTH] = value;
                end else begin : more
                    wire [Y_WIDTH-1:0] others;
                    assign others = results[(r - 1)*Y_WIDTH +: Y_WIDTH];
                    if (MAXIMUM != 0) begin : highest
                        assign results[r*Y_WIDTH +: Y_WIDTH] = ((value ^ SIGN) > (others ^ SIGN)) ? value : others;
                    end else begin : sum
                        assign results[r*Y_WIDTH +: Y_WIDTH] = others + value;
                    end
                end
            end
            assign of_rows = results[(LANES-1)*Y_WIDTH +: Y_WIDTH];
            if (MAXIMUM != 0) begin : highest
                assign next[f*Y_WIDTH +: Y_WIDTH] =
                    (!first && (earlier ^ SIGN) > (of_rows ^ SIGN)) ? earlier : of_rows;
            end else begin : sum
                assign next[f*Y_WIDTH +: Y_WIDTH] = first ? of_rows : earlier + of_rows;
            end
        end
    endgenerate
    tmr_register #(.WIDTH(FEATURES*Y_WIDTH), .TMR(TMR)) state (
        .clk(clk), .rst(rst), .en(en), .d(next), .q(y), .err(tmr_err)
    );
endmodule
