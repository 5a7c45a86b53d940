// tmr_memory: the only memory of the project: one write port, one read port, read before write.
// With TMR=1 it stands three times and the words read are voted. A word that was upset stays so until it is written
// again, which happens for every event: it heals within BUFFERS events of its user.
// The keep attribute makes synthesis retain the copies.
// Latency: q holds the word of read_address in the cycle after re, and until the next re.
// Ports: clk, rst           clock; synchronous reset of the read flag; the words are not reset
//        we, write_address, d   write d
//        re, read_address, q    read
//        err                the copies of the word just read differ (always low with TMR=0)
module tmr_memory #(
    parameter WIDTH   = 1,
    parameter WORDS   = 1,
    parameter A_WIDTH = 1,
    parameter TMR     = 1
) (
    input  wire               clk,
    input  wire               rst,
    input  wire               we,
    input  wire [A_WIDTH-1:0] write_address,
    input  wire [WIDTH-1:0]   d,
    input  wire               re,
    input  wire [A_WIDTH-1:0] read_address,
    output wire [WIDTH-1:0]   q,
    output wire               err
);
    // Before the first read the copies of the read register hold anything.
    wire differ, was_read, read_err;
    tmr_register #(.WIDTH(1), .TMR(TMR)) reading (
        .clk(clk), .rst(rst), .en(1'b1), .d(re), .q(was_read), .err(read_err)
    );
    assign err = (differ && was_read) || read_err;

    generate
        if (TMR != 0) begin : triplicated
            (* keep *) reg [WIDTH-1:0] wordsA [0:WORDS-1];
            (* keep *) reg [WIDTH-1:0] wordsB [0:WORDS-1];
            (* keep *) reg [WIDTH-1:0] wordsC [0:WORDS-1];
            (* keep *) reg [WIDTH-1:0] readA;
            (* keep *) reg [WIDTH-1:0] readB;
            (* keep *) reg [WIDTH-1:0] readC;
            always @(posedge clk) begin
                if (we) wordsA[write_address] <= d;
                if (re) readA <= wordsA[read_address];
            end
            always @(posedge clk) begin
                if (we) wordsB[write_address] <= d;
                if (re) readB <= wordsB[read_address];
            end
            always @(posedge clk) begin
                if (we) wordsC[write_address] <= d;
                if (re) readC <= wordsC[read_address];
            end
            majority_voter #(.WIDTH(WIDTH)) voter (.a(readA), .b(readB), .c(readC), .y(q), .err(differ));
        end else begin : single
            reg [WIDTH-1:0] wordsA [0:WORDS-1];
            reg [WIDTH-1:0] readA;
            always @(posedge clk) begin
                if (we) wordsA[write_address] <= d;
                if (re) readA <= wordsA[read_address];
            end
            assign q      = readA;
            assign differ = 1'b0;
        end
    endgenerate
endmodule
