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
    wire [4:0] a0 = x7 + {x6, 1'd0};
    wire [3:0] a1 = x4 + x5;
    wire [4:0] a2 = {x3, 2'd0} + {~x3};
    wire [3:0] a3 = x2 + x6;
    wire [3:0] a4 = x4 + x0;
    wire [5:0] a5 = x8 + {x0, 3'd0};
    wire [3:0] a6 = x2 + x1;
    wire [6:0] a7 = a5 + {~a3};
    wire [5:0] a8 = a4 + {a0, 1'd0};
    wire [5:0] a9 = a2 + {a1, 1'd0};
    wire [7:0] a10 = a7 + {a6, 3'd0};
    wire [7:0] a11 = a8 + {a9, 1'd0};
    wire [8:0] a12 = a10 + {~a11};
    wire [3:0] a13 = x1 + x5;
    wire [5:0] a14 = x2 + {x6, 2'd0};
    wire [3:0] a15 = x7 + x8;
    wire [5:0] a16 = a13 + a2;
    wire [5:0] a17 = a14 + {a1, 1'd0};
    wire [7:0] a18 = a0 + {~a15, 3'd0};
    wire [7:0] a19 = a16 + {a17, 1'd0};
    wire [8:0] a20 = a19 + {~a18};
    wire signed [9:0] y0 = -10'sd298 + $signed({1'b0, a12});
    assign y[8:0] = y0[8:0];
    wire signed [9:0] y1 = -10'sd290 + $signed({1'b0, a20});
    assign y[17:9] = y1[8:0];
endmodule
