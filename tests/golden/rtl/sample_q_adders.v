// sample_q_adders: 8 sums of 8 elements, times constant factors: 8 shared adders.
// Latency: combinational.
// Ports: x element i in bits i*9 and up; y row o likewise
module sample_q_adders (
    input  wire [71:0] x,
    output wire [87:0] y
);
    wire [8:0] x0 = {~x[8], x[7:0]};
    wire [8:0] x1 = {~x[17], x[16:9]};
    wire [8:0] x2 = {~x[26], x[25:18]};
    wire [7:0] x3 = {~x[34], x[33:27]};
    wire [8:0] x4 = {~x[44], x[43:36]};
    wire [7:0] x5 = {~x[52], x[51:45]};
    wire [6:0] x6 = {~x[60], x[59:54]};
    wire [6:0] x7 = {~x[69], x[68:63]};
    wire [10:0] a0 = {x0, 2'd0} + {~x0};
    wire [10:0] a1 = {x1, 2'd0} + {~x1};
    wire [10:0] a2 = {x2, 2'd0} + {~x2};
    wire [9:0] a3 = {x3, 2'd0} + {~x3};
    wire [10:0] a4 = {x4, 2'd0} + {~x4};
    wire [9:0] a5 = {x5, 2'd0} + {~x5};
    wire [8:0] a6 = {x6, 2'd0} + {~x6};
    wire [8:0] a7 = {x7, 2'd0} + {~x7};
    wire signed [11:0] y0 = -12'sd1270 + $signed({1'b0, a0});
    assign y[10:0] = y0[10:0];
    wire signed [11:0] y1 = -12'sd1270 + $signed({1'b0, a1});
    assign y[21:11] = y1[10:0];
    wire signed [11:0] y2 = -12'sd1270 + $signed({1'b0, a2});
    assign y[32:22] = y2[10:0];
    wire signed [10:0] y3 = -11'sd630 + $signed({1'b0, a3});
    assign y[43:33] = y3[10:0];
    wire signed [11:0] y4 = -12'sd1270 + $signed({1'b0, a4});
    assign y[54:44] = y4[10:0];
    wire signed [10:0] y5 = -11'sd630 + $signed({1'b0, a5});
    assign y[65:55] = y5[10:0];
    wire signed [10:0] y6 = -11'sd310 + $signed({1'b0, a6});
    assign y[76:66] = y6[10:0];
    wire signed [10:0] y7 = -11'sd310 + $signed({1'b0, a7});
    assign y[87:77] = y7[10:0];
endmodule
