// tmr_register: a register with enable and synchronous reset to zero.
// TMR=0: it stands once. TMR=1: it stands three times; the voted value is the output and feeds back while en is low, so
// that an upset copy heals in the next cycle. TMR=2: each copy has a voter of its own, so that no voter is a single
// point of failure for the state.
// The keep attribute makes synthesis retain the copies; they are counted again in the netlist.
// Latency: 1 cycle.
// Ports: clk, rst  clock; synchronous reset, active high
//        en        load d, else hold
//        d, q      data in, voted data out
//        err       a copy differs from the others (always low with TMR=0)
module tmr_register #(
    parameter WIDTH = 1,
    parameter TMR   = 1
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             en,
    input  wire [WIDTH-1:0] d,
    output wire [WIDTH-1:0] q,
    output wire             err
);
    generate
        if (TMR == 2) begin : triplicated_voters
            wire [WIDTH-1:0] votedB, votedC;
            wire unused;
            assign unused = &{1'b0, votedB, votedC};
            tmr_register_full #(.WIDTH(WIDTH)) copies (
                .clkA(clk), .clkB(clk), .clkC(clk), .rstA(rst), .rstB(rst), .rstC(rst), .enA(en), .enB(en), .enC(en),
                .dA(d), .dB(d), .dC(d), .qA(q), .qB(votedB), .qC(votedC), .err(err)
            );
        end else if (TMR != 0) begin : triplicated
            wire [WIDTH-1:0] next;
            (* keep *) reg [WIDTH-1:0] qA;
            (* keep *) reg [WIDTH-1:0] qB;
            (* keep *) reg [WIDTH-1:0] qC;
            assign next = en ? d : q;
            (* keep *) always @(posedge clk) if (rst) qA <= {WIDTH{1'b0}}; else qA <= next;
            (* keep *) always @(posedge clk) if (rst) qB <= {WIDTH{1'b0}}; else qB <= next;
            (* keep *) always @(posedge clk) if (rst) qC <= {WIDTH{1'b0}}; else qC <= next;
            majority_voter #(.WIDTH(WIDTH)) voter (.a(qA), .b(qB), .c(qC), .y(q), .err(err));
        end else begin : single
            (* keep *) reg [WIDTH-1:0] qA;
            (* keep *) always @(posedge clk) if (rst) qA <= {WIDTH{1'b0}}; else qA <= en ? d : q;
            assign q   = qA;
            assign err = 1'b0;
        end
    endgenerate
endmodule
