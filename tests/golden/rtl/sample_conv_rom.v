// sample_conv_rom: w as a ROM, 1 words of 18 x 5 bits.
// Latency: combinational.
// Ports: address; word, lane 0 in the lowest bits (written last).
module sample_conv_rom (
    input  wire [0:0] address,
    output reg  [89:0] word
);
    always @*
        case (address)
            1'd0: word = {5'd8, 5'd7, 5'd6, 5'd5, 5'd4, 5'd3, 5'd2, 5'd1, 5'd0, -5'd1, -5'd2, -5'd3, -5'd4, -5'd5, -5'd6, -5'd7, -5'd8, -5'd9};
            default: word = 90'd0;
        endcase
endmodule
