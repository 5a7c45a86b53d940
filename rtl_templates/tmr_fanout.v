// tmr_fanout: one signal becomes three lanes; a single point of failure, as whatever drives it.
// Instances carry keep_hierarchy, so that synthesis does not see that the lanes are equal and merge what reads them.
// Latency: combinational.
// Ports: x             the signal
//        yA, yB, yC    the lanes
module tmr_fanout #(
    parameter WIDTH = 1
) (
    input  wire [WIDTH-1:0] x,
    output wire [WIDTH-1:0] yA,
    output wire [WIDTH-1:0] yB,
    output wire [WIDTH-1:0] yC
);
    assign yA = x;
    assign yB = x;
    assign yC = x;
endmodule
