// register_bank: programmable parameters, written byte by byte, little endian.
// Latency: a byte written in one cycle is there in the next. Upset copies heal at every clock.
// Ports: clk, rst  clock; synchronous reset to zero, active high
//        we, address, data  write one byte; addresses beyond the last byte are ignored
//        q         all parameters; byte b is q[8*b +: 8], the last byte holds what remains of BITS
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
    output wire [BITS-1:0]    q,
    output wire               tmr_err
);
    localparam BYTES = (BITS + 7) / 8;
    wire [BYTES-1:0] err;

    genvar b;
    generate
        for (b = 0; b < BYTES; b = b + 1) begin : bytes
            localparam WIDTH = (BITS - 8*b < 8) ? BITS - 8*b : 8;
            tmr_register #(.WIDTH(WIDTH), .TMR(TMR)) value (
                .clk(clk), .rst(rst), .en(we & (address == b)), .d(data[WIDTH-1:0]), .q(q[8*b +: WIDTH]), .err(err[b])
            );
        end
    endgenerate

    assign tmr_err = |err;
endmodule
