// axis_stream: AXI4-Stream with back-pressure around a pipeline that cannot stop.
// An event starts only when there is room for its whole result: EVENTS events at most are in the pipeline or wait for
// the sink, and the store behind the pipeline holds the beats of all of them. Events of several beats, which the
// pipeline takes in successive cycles, are collected before they start; s_axis_tlast ends them.
// Latency: that of the pipeline and 2 cycles; an event of several beats starts when its last beat is there.
// Ports: clk, rst   clock; synchronous reset, active high: events under way are lost, nothing is taken or given
//        s_axis_*   the source; bits of tdata above IN_WIDTH are ignored; tlast is read if IN_BEATS > 1
//        m_axis_*   the sink; bits of tdata above OUT_WIDTH are zero; tlast ends a result
//        in_*, out_*   the pipeline
//        frame_fault   s_axis_tlast came early or was missing: source and block disagree until the next reset
//        tmr_err    a copy of a register or of a word read differs
module axis_stream #(
    parameter IN_WIDTH   = 1,
    parameter OUT_WIDTH  = 1,
    parameter IN_BEATS   = 1,
    parameter OUT_BEATS  = 1,
    parameter INTERVAL   = 1,
    parameter EVENTS     = 1,
    parameter IN_A_WIDTH = 1,
    parameter WORDS      = 1,
    parameter A_WIDTH    = 1,
    parameter MEMORY     = 0,
    parameter TMR        = 1
) (
    input  wire clk,
    input  wire rst,
    input  wire s_axis_tvalid,
    output wire s_axis_tready,
    input  wire [8*((IN_WIDTH+7)/8)-1:0] s_axis_tdata,
    input  wire s_axis_tlast,
    output wire m_axis_tvalid,
    input  wire m_axis_tready,
    output wire [8*((OUT_WIDTH+7)/8)-1:0] m_axis_tdata,
    output wire m_axis_tlast,
    output wire in_valid,
    output wire [IN_WIDTH-1:0] in_data,
    input  wire out_valid,
    input  wire [OUT_WIDTH-1:0] out_data,
    output wire frame_fault,
    output wire tmr_err
);
    localparam OUT_BITS = 8*((OUT_WIDTH+7)/8);
    wire accept, start, done, may_start, gate_err, fifo_err, beat_err, input_err;
    wire [OUT_BITS-1:0] padded;
    wire [31:0] unused_beat;
    assign accept  = s_axis_tvalid & s_axis_tready;
    assign tmr_err = gate_err | fifo_err | beat_err | input_err;

    axis_gate #(.PLACES(EVENTS), .INTERVAL(INTERVAL), .TMR(TMR)) events (
        .clk(clk), .rst(rst), .start(start), .done(done), .ready(may_start), .tmr_err(gate_err)
    );

    generate
        if (IN_BEATS == 1) begin : words
            wire unused;
            assign unused        = &{1'b0, s_axis_tlast, s_axis_tdata};
            assign s_axis_tready = may_start & ~rst;
            assign start         = accept;
            assign in_valid      = accept;
            assign in_data       = s_axis_tdata[IN_WIDTH-1:0];
            assign frame_fault   = 1'b0;
            assign input_err     = 1'b0;
        end else begin : packets
            localparam PLACES  = 2 * IN_BEATS;
            localparam P_WIDTH = $clog2(PLACES + 1);
            wire has_room, is_last, is_waiting, is_playing, has_word, is_end, unused;
            wire [31:0] beat, unused_count;
            wire [P_WIDTH-1:0] whole;
            wire [4:0] err;
            assign unused        = &{1'b0, has_word, is_end, unused_count, s_axis_tdata};
            assign input_err     = |err;
            assign s_axis_tready = has_room & ~rst;
            assign frame_fault   = accept & (s_axis_tlast != is_last);
            assign start         = is_waiting & may_start & (beat == 32'd0);
            assign is_playing    = start | (beat != 32'd0);
            assign in_valid      = is_playing;
            axis_gate #(.PLACES(PLACES), .INTERVAL(1), .TMR(TMR)) room (
                .clk(clk), .rst(rst), .start(accept), .done(is_playing), .ready(has_room), .tmr_err(err[0])
            );
            axis_fifo #(.WIDTH(IN_WIDTH), .WORDS(PLACES), .A_WIDTH(IN_A_WIDTH), .MEMORY(MEMORY), .TMR(TMR)) collected (
                .clk(clk), .rst(rst), .we(accept), .d(s_axis_tdata[IN_WIDTH-1:0]),
                .tvalid(has_word), .tready(is_playing), .tdata(in_data), .tmr_err(err[1])
            );
            phase_counter #(.COUNT(IN_BEATS), .TMR(TMR)) in_beat (
                .clk(clk), .rst(rst), .en(accept), .count(unused_count), .last(is_last), .tmr_err(err[2])
            );
            phase_counter #(.COUNT(IN_BEATS), .TMR(TMR)) play_beat (
                .clk(clk), .rst(rst), .en(is_playing), .count(beat), .last(is_end), .tmr_err(err[3])
            );
            // Events of which every beat is there.
            assign is_waiting = |whole;
            tmr_register #(.WIDTH(P_WIDTH), .TMR(TMR)) waiting (
                .clk(clk), .rst(rst), .en((accept & is_last) ^ start), .q(whole), .err(err[4]),
                .d(start ? whole - {{(P_WIDTH-1){1'b0}}, 1'b1} : whole + {{(P_WIDTH-1){1'b0}}, 1'b1})
            );
        end
        if (OUT_BITS > OUT_WIDTH) begin : padding
            assign padded[OUT_BITS-1:OUT_WIDTH] = {(OUT_BITS-OUT_WIDTH){1'b0}};
        end
    endgenerate

    wire [OUT_WIDTH-1:0] out_word;
    assign padded[OUT_WIDTH-1:0] = out_word;
    assign m_axis_tdata = padded;
    axis_fifo #(.WIDTH(OUT_WIDTH), .WORDS(WORDS), .A_WIDTH(A_WIDTH), .MEMORY(MEMORY), .TMR(TMR)) results (
        .clk(clk), .rst(rst), .we(out_valid), .d(out_data),
        .tvalid(m_axis_tvalid), .tready(m_axis_tready), .tdata(out_word), .tmr_err(fifo_err)
    );
    phase_counter #(.COUNT(OUT_BEATS), .TMR(TMR)) out_beat (
        .clk(clk), .rst(rst), .en(m_axis_tvalid & m_axis_tready), .count(unused_beat), .last(m_axis_tlast),
        .tmr_err(beat_err)
    );
    assign done = m_axis_tvalid & m_axis_tready & m_axis_tlast;
endmodule
