// tmr_memory_full: tmr_memory among logic that stands three times: each copy has its own address, data and voter.
// A word that was upset stays so until it is written again.
// The keep attribute makes synthesis retain the copies.
// Latency: q holds the word of read_address in the cycle after re, and until the next re.
// Ports: clkA, rstA  clock and synchronous reset of the read flag, copy A; so for B and C, as all that follow
//        weA, write_addressA, dA   write
//        reA, read_addressA, qA    read; q as the voter of this copy says
//        err                the copies of the word just read differ, as voter A sees it
module tmr_memory_full #(
    parameter WIDTH   = 1,
    parameter WORDS   = 1,
    parameter A_WIDTH = 1
) (
    input  wire               clkA,
    input  wire               clkB,
    input  wire               clkC,
    input  wire               rstA,
    input  wire               rstB,
    input  wire               rstC,
    input  wire               weA,
    input  wire               weB,
    input  wire               weC,
    input  wire [A_WIDTH-1:0] write_addressA,
    input  wire [A_WIDTH-1:0] write_addressB,
    input  wire [A_WIDTH-1:0] write_addressC,
    input  wire [WIDTH-1:0]   dA,
    input  wire [WIDTH-1:0]   dB,
    input  wire [WIDTH-1:0]   dC,
    input  wire               reA,
    input  wire               reB,
    input  wire               reC,
    input  wire [A_WIDTH-1:0] read_addressA,
    input  wire [A_WIDTH-1:0] read_addressB,
    input  wire [A_WIDTH-1:0] read_addressC,
    output wire [WIDTH-1:0]   qA,
    output wire [WIDTH-1:0]   qB,
    output wire [WIDTH-1:0]   qC,
    output wire               err
);
    // Before the first read the copies of the read register hold anything.
    wire differA, was_readA, was_readB, was_readC, read_err;
    tmr_register_full #(.WIDTH(1)) reading (
        .clkA(clkA), .clkB(clkB), .clkC(clkC), .rstA(rstA), .rstB(rstB), .rstC(rstC),
        .enA(1'b1), .enB(1'b1), .enC(1'b1), .dA(reA), .dB(reB), .dC(reC),
        .qA(was_readA), .qB(was_readB), .qC(was_readC), .err(read_err)
    );
    assign err = (differA && was_readA) || read_err;

    (* keep *) reg [WIDTH-1:0] wordsA [0:WORDS-1];
    (* keep *) reg [WIDTH-1:0] wordsB [0:WORDS-1];
    (* keep *) reg [WIDTH-1:0] wordsC [0:WORDS-1];
    (* keep *) reg [WIDTH-1:0] readA;
    (* keep *) reg [WIDTH-1:0] readB;
    (* keep *) reg [WIDTH-1:0] readC;
    always @(posedge clkA) begin
        if (weA) wordsA[write_addressA] <= dA;
        if (reA) readA <= wordsA[read_addressA];
    end
    always @(posedge clkB) begin
        if (weB) wordsB[write_addressB] <= dB;
        if (reB) readB <= wordsB[read_addressB];
    end
    always @(posedge clkC) begin
        if (weC) wordsC[write_addressC] <= dC;
        if (reC) readC <= wordsC[read_addressC];
    end

    wire differB, differC, unused;
    assign unused = &{1'b0, differB, differC, was_readB, was_readC};
    (* keep_hierarchy *)
    majority_voter #(.WIDTH(WIDTH)) voterA (.a(readA), .b(readB), .c(readC), .y(qA), .err(differA));
    (* keep_hierarchy *)
    majority_voter #(.WIDTH(WIDTH)) voterB (.a(readA), .b(readB), .c(readC), .y(qB), .err(differB));
    (* keep_hierarchy *)
    majority_voter #(.WIDTH(WIDTH)) voterC (.a(readA), .b(readB), .c(readC), .y(qC), .err(differC));
endmodule
