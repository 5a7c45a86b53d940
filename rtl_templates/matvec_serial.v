// matvec_serial: time-multiplexed matrix-vector products; the reuse factor is the number of phases
// POSITION_GROUPS * OUTPUT_GROUPS * INPUT_GROUPS, input groups running fastest.
// In each phase POSITIONS/POSITION_GROUPS x OUTPUTS/OUTPUT_GROUPS x INPUTS/INPUT_GROUPS multipliers work;
// their sums go into the accumulator registers, which are the result.
// Output o reads the inputs of its group, o / (OUTPUTS / GROUPS).
// Latency and initiation interval: one cycle a phase. x must hold still from in_valid on for all phases.
// Ports: in_valid  first phase: x is there; ignored while phases run (the schedule never does that)
//        x, bias   as in matvec and bias_extend
//        address   weight word of this phase: output group * INPUT_GROUPS + input group
//        word      weights of this phase: rows of the output group, columns of the input group
//        out_valid y is complete, in the cycle after the last phase
//        y         accumulators, element o*POSITIONS + p; kept until the next first phase
module matvec_serial #(
    parameter POSITIONS       = 1,
    parameter INPUTS          = 1,
    parameter OUTPUTS         = 1,
    parameter GROUPS          = 1,
    parameter POSITION_GROUPS = 1,
    parameter INPUT_GROUPS    = 1,
    parameter OUTPUT_GROUPS   = 1,
    parameter X_WIDTH         = 1,
    parameter X_SIGNED        = 0,
    parameter W_WIDTH         = 1,
    parameter W_SIGNED        = 1,
    parameter B_WIDTH         = 1,
    parameter B_SIGNED        = 1,
    parameter Y_WIDTH         = 1,
    parameter TRUNCATE        = 0,
    parameter BIAS_SHIFT      = 0,
    parameter A_WIDTH         = 1,
    parameter TMR             = 1
) (
    input  wire                                 clk,
    input  wire                                 rst,
    input  wire                                 in_valid,
    input  wire [POSITIONS*GROUPS*INPUTS*X_WIDTH-1:0] x,
    input  wire [OUTPUTS*B_WIDTH-1:0]           bias,
    output wire [A_WIDTH-1:0]                   address,
    input  wire [(OUTPUTS/OUTPUT_GROUPS)*(INPUTS/INPUT_GROUPS)*W_WIDTH-1:0] word,
    output wire                                 out_valid,
    output wire [OUTPUTS*POSITIONS*Y_WIDTH-1:0] y,
    output wire                                 tmr_err
);
    localparam GROUP_POSITIONS = POSITIONS / POSITION_GROUPS;
    localparam GROUP_INPUTS    = INPUTS / INPUT_GROUPS;
    localparam GROUP_OUTPUTS   = OUTPUTS / OUTPUT_GROUPS;
    localparam SUMS            = GROUP_POSITIONS * GROUP_OUTPUTS;
    // Vectors that a phase reads at a position: one for all of its outputs, or one for each.
    localparam VECTORS         = (GROUPS == 1) ? 1 : GROUP_OUTPUTS;

    // Phase: three nested counters, all zero while idle; the cycle of in_valid is the first phase.
    wire [31:0] position_group, output_group, input_group;
    wire        input_last, output_last, position_last, busy, active;
    wire [3:0]  counter_err;

    assign active = in_valid | busy;

    phase_counter #(.COUNT(INPUT_GROUPS), .TMR(TMR)) input_counter (
        .clk(clk), .rst(rst), .en(active), .count(input_group), .last(input_last), .tmr_err(counter_err[0])
    );
    phase_counter #(.COUNT(OUTPUT_GROUPS), .TMR(TMR)) output_counter (
        .clk(clk), .rst(rst), .en(active & input_last), .count(output_group), .last(output_last),
        .tmr_err(counter_err[1])
    );
    phase_counter #(.COUNT(POSITION_GROUPS), .TMR(TMR)) position_counter (
        .clk(clk), .rst(rst), .en(active & input_last & output_last), .count(position_group), .last(position_last),
        .tmr_err(counter_err[2])
    );
    assign busy = (input_group != 0) | (output_group != 0) | (position_group != 0);

    tmr_register #(.WIDTH(1), .TMR(TMR)) done (
        .clk(clk), .rst(rst), .en(1'b1), .d(active & input_last & output_last & position_last), .q(out_valid),
        .err(counter_err[3])
    );

    wire [31:0] word_number;
    assign word_number = output_group*INPUT_GROUPS + input_group;
    assign address     = word_number[A_WIDTH-1:0];

    // Operands of this phase.
    wire [GROUP_POSITIONS*VECTORS*GROUP_INPUTS*X_WIDTH-1:0] x_phase;
    wire [OUTPUTS*POSITIONS*Y_WIDTH-1:0]                    first;
    wire [SUMS*Y_WIDTH-1:0]                                 start, sums;

    bias_extend #(
        .POSITIONS(POSITIONS), .OUTPUTS(OUTPUTS), .B_WIDTH(B_WIDTH), .B_SIGNED(B_SIGNED),
        .BIAS_SHIFT(BIAS_SHIFT), .Y_WIDTH(Y_WIDTH)
    ) biases (.bias(bias), .y(first));

    genvar o, p;
    generate
        for (p = 0; p < GROUP_POSITIONS; p = p + 1) begin : operand
            for (o = 0; o < VECTORS; o = o + 1) begin : vector
                wire [31:0] number;
                assign number = (position_group*GROUP_POSITIONS + p)*GROUPS
                    + ((GROUPS == 1) ? 0 : (output_group*GROUP_OUTPUTS + o) / (OUTPUTS / GROUPS));
                assign x_phase[(p*VECTORS + o)*GROUP_INPUTS*X_WIDTH +: GROUP_INPUTS*X_WIDTH] =
                    x[(number*INPUTS + input_group*GROUP_INPUTS)*X_WIDTH +: GROUP_INPUTS*X_WIDTH];
            end
        end
        for (o = 0; o < GROUP_OUTPUTS; o = o + 1) begin : row
            for (p = 0; p < GROUP_POSITIONS; p = p + 1) begin : column
                wire [31:0] element;
                assign element = (output_group*GROUP_OUTPUTS + o)*POSITIONS + position_group*GROUP_POSITIONS + p;
                assign start[(o*GROUP_POSITIONS + p)*Y_WIDTH +: Y_WIDTH] =
                    (input_group == 0) ? first[element*Y_WIDTH +: Y_WIDTH] : y[element*Y_WIDTH +: Y_WIDTH];
            end
        end
    endgenerate

    matvec #(
        .POSITIONS(GROUP_POSITIONS), .INPUTS(GROUP_INPUTS), .OUTPUTS(GROUP_OUTPUTS), .GROUPS(VECTORS),
        .X_WIDTH(X_WIDTH), .X_SIGNED(X_SIGNED), .W_WIDTH(W_WIDTH), .W_SIGNED(W_SIGNED),
        .Y_WIDTH(Y_WIDTH), .TRUNCATE(TRUNCATE)
    ) products (.x(x_phase), .w(word), .start(start), .y(sums));

    // Accumulators.
    wire [OUTPUTS*POSITIONS-1:0] accumulator_err;
    generate
        for (o = 0; o < OUTPUTS; o = o + 1) begin : accumulators
            for (p = 0; p < POSITIONS; p = p + 1) begin : position
                wire load;
                assign load = active & (output_group == o / GROUP_OUTPUTS) & (position_group == p / GROUP_POSITIONS);
                tmr_register #(.WIDTH(Y_WIDTH), .TMR(TMR)) accumulator (
                    .clk(clk), .rst(rst), .en(load),
                    .d(sums[((o % GROUP_OUTPUTS)*GROUP_POSITIONS + p % GROUP_POSITIONS)*Y_WIDTH +: Y_WIDTH]),
                    .q(y[(o*POSITIONS + p)*Y_WIDTH +: Y_WIDTH]), .err(accumulator_err[o*POSITIONS + p])
                );
            end
        end
    endgenerate

    assign tmr_err = (|counter_err) | (|accumulator_err);
endmodule
