// sample_b: b, shape (2,), 3 bits each.
// Latency: none, wired constants.
// Ports: y, element 0 (row-major) in the lowest bits, so the last row stands first.
module sample_b (
    output wire [5:0] y
);
    assign y = {
        -3'd4, 3'd3  // row 0
    };
endmodule
