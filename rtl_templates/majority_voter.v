// majority_voter: bitwise majority of three copies.
// Latency: combinational.
// Ports: a, b, c  the three copies
//        y        the voted value
//        err      at least one bit of one copy differs
module majority_voter #(
    parameter WIDTH = 1
) (
    input  wire [WIDTH-1:0] a,
    input  wire [WIDTH-1:0] b,
    input  wire [WIDTH-1:0] c,
    output wire [WIDTH-1:0] y,
    output wire             err
);
    assign y   = (a & b) | (b & c) | (c & a);
    assign err = |((a ^ b) | (b ^ c));
endmodule
