// sample_conv_serial_adders: constant 2 x 9 matrix times a vector: 21 shared adders.
// Latency: combinational.
// Ports: x element i in bits i*3 and up; y row o likewise
module sample_conv_serial_adders (
    input  wire [26:0] x,
    output wire [17:0] y
);
    wire [2:0] x0 = {~x[2], x[1:0]};
    wire [2:0] x1 = {~x[5], x[4:3]};
    wire [2:0] x2 = {~x[8], x[7:6]};
    wire [2:0] x3 = {~x[11], x[10:9]};
    wire [2:0] x4 = {~x[14], x[13:12]};
    wire [2:0] x5 = {~x[17], x[16:15]};
    wire [2:0] x6 = {~x[20], x[19:18]};
    wire [2:0] x7 = {~x[23], x[22:21]};
    wire [2:0] x8 = {~x[26], x[25:24]};
    wire [4:0] a0 = {x3, 2'd0} + {~x3};
    wire [3:0] a1 = x4 + x5;
    wire [4:0] a2 = x7 + {x6, 1'd0};
    wire [3:0] a3 = x1 + x5;
    wire [5:0] a4 = x2 + {x8, 2'd0};
    wire [3:0] a5 = x6 + x7;
    wire [5:0] a6 = a3 + a0;
    wire [5:0] a7 = a4 + {a1, 1'd0};
    wire [6:0] a8 = a2 + {~a5, 3'd0};
    wire [7:0] a9 = a6 + {a7, 1'd0};
    wire [8:0] a10 = a9 + {~a8};
    wire [3:0] a11 = x6 + x2;
    wire [3:0] a12 = x0 + x8;
    wire [5:0] a13 = x4 + {x0, 3'd0};
    wire [3:0] a14 = x1 + x2;
    wire [6:0] a15 = a13 + {~a11};
    wire [5:0] a16 = a12 + {a2, 1'd0};
    wire [5:0] a17 = a0 + {a1, 1'd0};
    wire [7:0] a18 = a15 + {a14, 3'd0};
    wire [7:0] a19 = a16 + {a17, 1'd0};
    wire [8:0] a20 = a18 + a19;
    wire signed [9:0] y0 = 10'sd212 - $signed({1'b0, a20});
    assign y[8:0] = y0[8:0];
    wire signed [9:0] y1 = -10'sd162 + $signed({1'b0, a10});
    assign y[17:9] = y1[8:0];
endmodule
