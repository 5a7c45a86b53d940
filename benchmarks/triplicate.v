// Every register of a design without triplication as three copies and a voter: the same register as in this project.
(* techmap_celltype = "$dff" *)
module triplicate (CLK, D, Q);
    parameter WIDTH        = 1;
    parameter CLK_POLARITY = 1;
    input              CLK;
    input  [WIDTH-1:0] D;
    output [WIDTH-1:0] Q;

    tmr_register #(
        .WIDTH (WIDTH),
        .TMR   (1)
    ) _TECHMAP_REPLACE_ (
        .clk (CLK),
        .rst (1'b0),
        .en  (1'b1),
        .d   (D),
        .q   (Q)
    );
endmodule
