// tmr_register_full: tmr_register among logic that stands three times: three copies, three voters.
// A copy loads its own d, or holds what its own voter says; an upset copy heals in the next cycle. With all lanes on
// one clock, reset and data it is the register with triplicated voters.
// keep and keep_hierarchy make synthesis retain copies and voters; both are checked again in the netlist.
// Latency: 1 cycle.
// Ports: clkA, rstA  clock and synchronous reset, active high, of copy A; so for B and C
//        enA         copy A loads dA, else holds
//        dA, qA      data in, data out of the voter of copy A
//        err         a copy differs from the others, as voter A sees it
module tmr_register_full #(
    parameter WIDTH = 1
) (
    input  wire             clkA,
    input  wire             clkB,
    input  wire             clkC,
    input  wire             rstA,
    input  wire             rstB,
    input  wire             rstC,
    input  wire             enA,
    input  wire             enB,
    input  wire             enC,
    input  wire [WIDTH-1:0] dA,
    input  wire [WIDTH-1:0] dB,
    input  wire [WIDTH-1:0] dC,
    output wire [WIDTH-1:0] qA,
    output wire [WIDTH-1:0] qB,
    output wire [WIDTH-1:0] qC,
    output wire             err
);
    (* keep *) reg [WIDTH-1:0] copyA;
    (* keep *) reg [WIDTH-1:0] copyB;
    (* keep *) reg [WIDTH-1:0] copyC;
    (* keep *) always @(posedge clkA) if (rstA) copyA <= {WIDTH{1'b0}}; else copyA <= enA ? dA : qA;
    (* keep *) always @(posedge clkB) if (rstB) copyB <= {WIDTH{1'b0}}; else copyB <= enB ? dB : qB;
    (* keep *) always @(posedge clkC) if (rstC) copyC <= {WIDTH{1'b0}}; else copyC <= enC ? dC : qC;

    wire errB, errC, unused;
    assign unused = &{1'b0, errB, errC};
    (* keep_hierarchy *) majority_voter #(.WIDTH(WIDTH)) voterA (.a(copyA), .b(copyB), .c(copyC), .y(qA), .err(err));
    (* keep_hierarchy *) majority_voter #(.WIDTH(WIDTH)) voterB (.a(copyA), .b(copyB), .c(copyC), .y(qB), .err(errB));
    (* keep_hierarchy *) majority_voter #(.WIDTH(WIDTH)) voterC (.a(copyA), .b(copyB), .c(copyC), .y(qC), .err(errC));
endmodule
