// apb_slave: APB (AMBA 3 and 4, 8-bit data) on one side, the byte bus of the registers on the other.
// An address is that of a byte; there are no wait states. pslverr: no byte there, or one that cannot be written now.
// Latency: combinational; a byte is written at the end of the access phase.
// Ports: psel, penable, pwrite, paddr, pwdata  the transfer; prdata, pready, pslverr  its answer
//        we, address, data  write one byte
//        byte_q, read_ok, write_ok  the byte at address, whether there is one, whether it takes one
module apb_slave (
    input  wire        psel,
    input  wire        penable,
    input  wire        pwrite,
    input  wire [15:0] paddr,
    input  wire [7:0]  pwdata,
    output wire [7:0]  prdata,
    output wire        pready,
    output wire        pslverr,
    output wire        we,
    output wire [15:0] address,
    output wire [7:0]  data,
    input  wire [7:0]  byte_q,
    input  wire        read_ok,
    input  wire        write_ok
);
    wire access;
    assign access  = psel & penable;
    assign address = paddr;
    assign data    = pwdata;
    assign we      = access & pwrite & write_ok;
    assign prdata  = byte_q;
    assign pready  = 1'b1;
    assign pslverr = access & ~(pwrite ? write_ok : read_ok);
endmodule
