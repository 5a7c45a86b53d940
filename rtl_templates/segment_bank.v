// segment_bank: sums of rows by segment in registers, LANES rows a cycle.
// A segment number of SEGMENTS or more is ignored.
// Latency: the rows are in y in the cycle after en.
// Ports: clk, rst       clock; synchronous reset, active high
//        en             add LANES rows of FEATURES values
//        first          with en: they are the first of an event, all sums start at zero
//        index, values  segment number and values of every row, row 0 in the lowest bits
//        y              all sums, segment 0 in the lowest bits
//        tmr_err        a copy of a register differs
module segment_bank #(
    parameter SEGMENTS = 1,
    parameter LANES    = 1,
    parameter FEATURES = 1,
    parameter I_WIDTH  = 1,
    parameter V_WIDTH  = 1,
    parameter V_SIGNED = 0,
    parameter S_WIDTH  = 1,
    parameter TMR      = 1
) (
    input  wire                                 clk,
    input  wire                                 rst,
    input  wire                                 en,
    input  wire                                 first,
    input  wire [LANES*I_WIDTH-1:0]             index,
    input  wire [LANES*FEATURES*V_WIDTH-1:0]    values,
    output wire [SEGMENTS*FEATURES*S_WIDTH-1:0] y,
    output wire                                 tmr_err
);
    wire [SEGMENTS*FEATURES*S_WIDTH-1:0] next;
    wire [LANES*FEATURES*S_WIDTH-1:0] wide;
    bias_extend #(.OUTPUTS(LANES*FEATURES), .B_WIDTH(V_WIDTH), .B_SIGNED(V_SIGNED), .Y_WIDTH(S_WIDTH)) extend (
        .bias(values), .y(wide)
    );
    genvar s, f, r;
    generate
        for (s = 0; s < SEGMENTS; s = s + 1) begin : segment
            wire [LANES-1:0] named;
            for (r = 0; r < LANES; r = r + 1) begin : name
                assign named[r] = {{(32-I_WIDTH){1'b0}}, index[r*I_WIDTH +: I_WIDTH]} == s;
            end
            for (f = 0; f < FEATURES; f = f + 1) begin : feature
                localparam AT = (s*FEATURES + f) * S_WIDTH;
                wire [(LANES+1)*S_WIDTH-1:0] terms;
                assign terms[LANES*S_WIDTH +: S_WIDTH] = first ? {S_WIDTH{1'b0}} : y[AT +: S_WIDTH];
                for (r = 0; r < LANES; r = r + 1) begin : row
                    assign terms[r*S_WIDTH +: S_WIDTH] =
                        wide[(r*FEATURES + f)*S_WIDTH +: S_WIDTH] & {S_WIDTH{named[r]}};
                end
                lane_sum #(.LANES(LANES + 1), .SIZE(1), .WIDTH(S_WIDTH)) total (
                    .x(terms), .y(next[AT +: S_WIDTH])
                );
            end
        end
    endgenerate
    tmr_register #(.WIDTH(SEGMENTS*FEATURES*S_WIDTH), .TMR(TMR)) sums (
        .clk(clk), .rst(rst), .en(en), .d(next), .q(y), .err(tmr_err)
    );
endmodule
