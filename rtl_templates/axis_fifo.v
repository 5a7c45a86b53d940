// axis_fifo: words wait in registers or (MEMORY=1) in a memory until the reader takes them; one more at the output.
// The writer has to know that there is room: a word written into a full store is lost.
// Latency: a word leaves 2 cycles after it was written, or later if the reader is not ready; one word a cycle.
// Ports: clk, rst  clock; synchronous reset, active high: empty
//        we, d     append a word
//        tvalid, tready, tdata  the oldest word; it leaves where both are high
//        tmr_err   a copy of a register or of the word just read differs
module axis_fifo #(
    parameter WIDTH   = 1,
    parameter WORDS   = 1,
    parameter A_WIDTH = 1,
    parameter MEMORY  = 0,
    parameter TMR     = 1
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             we,
    input  wire [WIDTH-1:0] d,
    output wire             tvalid,
    input  wire             tready,
    output wire [WIDTH-1:0] tdata,
    output wire             tmr_err
);
    localparam C_WIDTH = $clog2(WORDS + 1);
    wire [31:0] written, reading;
    wire [C_WIDTH-1:0] stored;
    wire re, unused_w, unused_r, store_err;
    wire [3:0] err;
    assign tmr_err = (|err) | store_err;

    // The output takes the next word when it is empty or when its word leaves.
    assign re = (|stored) & (~tvalid | tready);
    tmr_register #(.WIDTH(C_WIDTH), .TMR(TMR)) count (
        .clk(clk), .rst(rst), .en(we ^ re), .q(stored), .err(err[0]),
        .d(we ? stored + {{(C_WIDTH-1){1'b0}}, 1'b1} : stored - {{(C_WIDTH-1){1'b0}}, 1'b1})
    );
    tmr_register #(.WIDTH(1), .TMR(TMR)) loaded (
        .clk(clk), .rst(rst), .en(1'b1), .d(re | (tvalid & ~tready)), .q(tvalid), .err(err[1])
    );
    phase_counter #(.COUNT(WORDS), .TMR(TMR)) write_counter (
        .clk(clk), .rst(rst), .en(we), .count(written), .last(unused_w), .tmr_err(err[2])
    );
    phase_counter #(.COUNT(WORDS), .TMR(TMR)) read_counter (
        .clk(clk), .rst(rst), .en(re), .count(reading), .last(unused_r), .tmr_err(err[3])
    );

    genvar w;
    generate
        if (MEMORY != 0) begin : memory
            tmr_memory #(.WIDTH(WIDTH), .WORDS(WORDS), .A_WIDTH(A_WIDTH), .TMR(TMR)) words (
                .clk(clk), .rst(rst), .we(we), .write_address(written[A_WIDTH-1:0]), .d(d),
                .re(re), .read_address(reading[A_WIDTH-1:0]), .q(tdata), .err(store_err)
            );
        end else begin : registers
            wire [WORDS*WIDTH-1:0] words;
            wire [WIDTH-1:0] oldest;
            wire [WORDS:0] word_err;
            assign store_err = |word_err;
            for (w = 0; w < WORDS; w = w + 1) begin : word
                tmr_register #(.WIDTH(WIDTH), .TMR(TMR)) value (
                    .clk(clk), .rst(rst), .en(we & (written == w)), .d(d), .q(words[w*WIDTH +: WIDTH]),
                    .err(word_err[w])
                );
            end
            row_select #(.BEATS(WORDS), .WIDTH(WIDTH)) select_oldest (.x(words), .beat(reading), .y(oldest));
            tmr_register #(.WIDTH(WIDTH), .TMR(TMR)) at_output (
                .clk(clk), .rst(rst), .en(re), .d(oldest), .q(tdata), .err(word_err[WORDS])
            );
        end
    endgenerate
endmodule
