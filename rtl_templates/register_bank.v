// register_bank: the bytes of one block of programmable parameters, little endian, written and read one by one.
// Latency: a byte written in one cycle is there in the next; reading is combinational. Upset copies heal every cycle.
// Ports: clk, rst  clock; synchronous reset to zero, active high
//        we, address, data  write one byte; addresses beyond the last byte are ignored
//        byte_q    the byte at address, zero beyond the last one
//        q         all bytes; byte b is q[8*b +: 8], the last byte holds what remains of BITS
//        tmr_err   a copy of a register differs
module register_bank #(
    parameter BITS    = 8,
    parameter A_WIDTH = 1,
    parameter TMR     = 1
) (
    input  wire               clk,
    input  wire               rst,
    input  wire               we,
    input  wire [A_WIDTH-1:0] address,
    input  wire [7:0]         data,
    output wire [7:0]         byte_q,
    output wire [BITS-1:0]    q,
    output wire               tmr_err
);
    localparam BYTES = (BITS + 7) / 8;
    localparam SPACE = 8 << A_WIDTH;
    wire [BYTES-1:0] err;
    wire [SPACE-1:0] padded;

    genvar b;
    generate
        for (b = 0; b < BYTES; b = b + 1) begin : bytes
            localparam WIDTH = (BITS - 8*b < 8) ? BITS - 8*b : 8;
            tmr_register #(.WIDTH(WIDTH), .TMR(TMR)) value (
                .clk(clk), .rst(rst), .en(we & (address == b)), .d(data[WIDTH-1:0]), .q(q[8*b +: WIDTH]), .err(err[b])
            );
        end
        if (SPACE > BITS) begin : beyond
            assign padded[SPACE-1:BITS] = {(SPACE-BITS){1'b0}};
        end
    endgenerate

    assign padded[BITS-1:0] = q;
    assign byte_q  = padded[{address, 3'b000} +: 8];
    assign tmr_err = |err;
endmodule
