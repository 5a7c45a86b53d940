// segment_store: sums of rows by segment in memories, one row a cycle; 1 << LANE_BITS segments stand in one word.
// BUFFERS events have a memory each, so that one is cleared while another is added to and a third is read.
// A segment number of SEGMENTS or more is ignored.
// Latency: a row is in its sum 2 cycles after add; sums holds the word read in the cycle after read.
// Ports: clk, rst                               clock; synchronous reset, active high
//        clear, clear_word, clear_buffer        set the sums of a word to zero
//        add, add_buffer, index, values         add a row of FEATURES values to segment `index`
//        read, read_word, read_buffer, sums     read a word
//        tmr_err                                a copy of a register or of a word just read differs
module segment_store #(
    parameter SEGMENTS  = 1,
    parameter LANE_BITS = 0,
    parameter BUFFERS   = 1,
    parameter FEATURES  = 1,
    parameter I_WIDTH   = 1,
    parameter V_WIDTH   = 1,
    parameter V_SIGNED  = 0,
    parameter S_WIDTH   = 1,
    parameter A_WIDTH   = 1,
    parameter B_WIDTH   = 1,
    parameter TMR       = 1
) (
    input  wire                                        clk,
    input  wire                                        rst,
    input  wire                                        clear,
    input  wire [A_WIDTH-1:0]                          clear_word,
    input  wire [B_WIDTH-1:0]                          clear_buffer,
    input  wire                                        add,
    input  wire [B_WIDTH-1:0]                          add_buffer,
    input  wire [I_WIDTH-1:0]                          index,
    input  wire [FEATURES*V_WIDTH-1:0]                 values,
    input  wire                                        read,
    input  wire [A_WIDTH-1:0]                          read_word,
    input  wire [B_WIDTH-1:0]                          read_buffer,
    output wire [((FEATURES*S_WIDTH)<<LANE_BITS)-1:0]  sums,
    output wire                                        tmr_err
);
    localparam LANES      = 1 << LANE_BITS;
    localparam LANE_WIDTH = LANE_BITS > 0 ? LANE_BITS : 1;
    localparam ROW        = FEATURES * S_WIDTH;
    localparam WORDS      = SEGMENTS / LANES;
    localparam MEMORIES   = BUFFERS * LANES;
    wire [MEMORIES+3:0] err;
    assign tmr_err = |err;

    // cycle 0: the old sums are read
    wire [31:0] row, row_word, row_lane;
    wire adds;
    assign row      = {{(32-I_WIDTH){1'b0}}, index};
    assign row_word = row >> LANE_BITS;
    assign row_lane = row & (LANES - 1);
    assign adds     = add && row < SEGMENTS;

    // cycle 1: the row is added and the new sums are written
    wire adds_1;
    wire [A_WIDTH-1:0] word_1;
    wire [LANE_WIDTH-1:0] lane_1;
    wire [B_WIDTH-1:0] buffer_1, read_buffer_1;
    wire [FEATURES*V_WIDTH-1:0] values_1;
    wire [ROW-1:0] wide_1;
    tmr_register #(.WIDTH(1), .TMR(TMR)) adding (
        .clk(clk), .rst(rst), .en(1'b1), .d(adds), .q(adds_1), .err(err[MEMORIES])
    );
    tmr_register #(.WIDTH(A_WIDTH + LANE_WIDTH + 2*B_WIDTH + FEATURES*V_WIDTH), .TMR(TMR)) row_1 (
        .clk(clk), .rst(rst), .en(1'b1),
        .d({row_word[A_WIDTH-1:0], row_lane[LANE_WIDTH-1:0], add_buffer, read_buffer, values}),
        .q({word_1, lane_1, buffer_1, read_buffer_1, values_1}), .err(err[MEMORIES+1])
    );
    bias_extend #(.OUTPUTS(FEATURES), .B_WIDTH(V_WIDTH), .B_SIGNED(V_SIGNED), .Y_WIDTH(S_WIDTH)) extend (
        .bias(values_1), .y(wide_1)
    );

    // cycle 2: what was just written; a row that was read too early for it takes it from here
    wire added_2;
    wire [A_WIDTH-1:0] word_2;
    wire [LANE_WIDTH-1:0] lane_2;
    wire [B_WIDTH-1:0] buffer_2;
    wire [ROW-1:0] old_1, new_1, new_2;
    tmr_register #(.WIDTH(1), .TMR(TMR)) added (
        .clk(clk), .rst(rst), .en(1'b1), .d(adds_1), .q(added_2), .err(err[MEMORIES+2])
    );
    tmr_register #(.WIDTH(A_WIDTH + LANE_WIDTH + B_WIDTH + ROW), .TMR(TMR)) row_2 (
        .clk(clk), .rst(rst), .en(1'b1), .d({word_1, lane_1, buffer_1, new_1}), .q({word_2, lane_2, buffer_2, new_2}),
        .err(err[MEMORIES+3])
    );

    wire [MEMORIES*ROW-1:0] words;
    wire [LANES*ROW-1:0] word_before;
    wire is_repeated;
    assign is_repeated = added_2 && {word_2, lane_2, buffer_2} == {word_1, lane_1, buffer_1};
    assign word_before = words[buffer_1*LANES*ROW +: LANES*ROW];
    assign old_1       = is_repeated ? new_2 : word_before[lane_1*ROW +: ROW];
    assign sums        = words[read_buffer_1*LANES*ROW +: LANES*ROW];

    genvar f, b, l;
    generate
        for (f = 0; f < FEATURES; f = f + 1) begin : feature
            assign new_1[f*S_WIDTH +: S_WIDTH] = old_1[f*S_WIDTH +: S_WIDTH] + wide_1[f*S_WIDTH +: S_WIDTH];
        end
        for (b = 0; b < BUFFERS; b = b + 1) begin : buffer
            wire adds_here, reads_here, writes_here, clears_here;
            wire [A_WIDTH-1:0] write_address, read_address;
            wire [ROW-1:0] written;
            assign adds_here     = adds && add_buffer == b;
            assign reads_here    = read && read_buffer == b;
            assign writes_here   = adds_1 && buffer_1 == b;
            assign clears_here   = clear && clear_buffer == b;
            assign write_address = writes_here ? word_1 : clear_word;
            assign read_address  = adds_here ? row_word[A_WIDTH-1:0] : read_word;
            assign written       = new_1 & {ROW{writes_here}};
            for (l = 0; l < LANES; l = l + 1) begin : lane
                tmr_memory #(.WIDTH(ROW), .WORDS(WORDS), .A_WIDTH(A_WIDTH), .TMR(TMR)) memory (
                    .clk(clk), .rst(rst),
                    .we((writes_here && lane_1 == l) || clears_here), .write_address(write_address), .d(written),
                    .re(reads_here || (adds_here && row_lane == l)), .read_address(read_address),
                    .q(words[(b*LANES + l)*ROW +: ROW]), .err(err[b*LANES + l])
                );
            end
        end
    endgenerate
endmodule
