// i2c_slave: I2C on one side, the byte bus of the registers on the other.
// Write: START, device address + 0, register address high, low, bytes ..., STOP. Read: the same up to the register
// address, repeated START, device address + 1, bytes ..., NACK, STOP. The register address counts up with each byte.
// NACK: another device address (the slave then stays silent until the next START), a register address without a byte,
// a byte that cannot be written now; reading at such an address.
// An acknowledged byte is written at the end of the next byte, at STOP or at repeated START; what these cut off inside
// a byte is not written. A byte before an unfinished one of ones only is dropped too, as nine clocks that reset the bus
// inside a byte look like that. START and STOP are understood in every state. After 2**TIMEOUT_BITS cycles without a
// move of SCL a transfer is over and SDA released. No clock stretching.
// Latency: 6 cycles from a line to the slave; SCL must be high and low for 8 cycles at least.
// Ports: clk, rst      free-running clock; synchronous reset, active high
//        own_address   7-bit device address
//        scl, sda      the lines are low (inverted), from synchronising registers
//        sda_low       pull SDA low, else leave it
//        we, address, data  write one byte
//        byte_q, read_ok, write_ok  the byte at address, whether there is one, whether it takes one
//        tmr_err       a copy of a register differs
module i2c_slave #(
    parameter TIMEOUT_BITS = 20,
    parameter TMR          = 1
) (
    input  wire        clk,
    input  wire        rst,
    input  wire [6:0]  own_address,
    input  wire        scl,
    input  wire        sda,
    output wire        sda_low,
    output wire        we,
    output wire [15:0] address,
    output wire [7:0]  data,
    input  wire [7:0]  byte_q,
    input  wire        read_ok,
    input  wire        write_ok,
    output wire        tmr_err
);
    localparam [2:0] IDLE = 3'd0, DEVICE = 3'd1, HIGH = 3'd2, LOW = 3'd3, WRITE = 3'd4, READ = 3'd5;
    wire [9:0] err;

    // Lines: SDA is looked at one cycle later than SCL, which holds it across the falling edge of SCL.
    wire scl_is_low, sda_filtered, sda_is_low, scl_was_low, sda_was_low, byte_is_in, ends_byte;
    line_filter #(.TMR(TMR)) scl_filter (.clk(clk), .rst(rst), .sample(scl), .low(scl_is_low), .tmr_err(err[0]));
    line_filter #(.TMR(TMR)) sda_filter (.clk(clk), .rst(rst), .sample(sda), .low(sda_filtered), .tmr_err(err[1]));
    tmr_register #(.WIDTH(4), .TMR(TMR)) previous (
        .clk(clk), .rst(rst), .en(1'b1), .d({scl_is_low, sda_is_low, sda_filtered, byte_is_in}),
        .q({scl_was_low, sda_was_low, sda_is_low, ends_byte}), .err(err[2])
    );
    wire rise, fall, held_high, start, stop, quiet;
    assign rise      = scl_was_low & ~scl_is_low;
    assign fall      = ~scl_was_low & scl_is_low;
    assign held_high = ~scl_was_low & ~scl_is_low;
    assign start     = held_high & ~sda_was_low & sda_is_low;
    assign stop      = held_high & sda_was_low & ~sda_is_low;

    // Where in the transfer: state; count 0..7 of data bits, 8 before the acknowledge bit, 9 in it.
    wire [2:0] state;
    wire [3:0] count;
    wire [7:0] shift, held;
    wire       has_held, answers, ends_ack;
    assign byte_is_in = fall & (count == 4'd8);
    assign ends_ack   = fall & (count == 4'd9);

    // Whether the slave acknowledges the byte that just came.
    assign answers = (state == DEVICE) ? (shift[7:1] == own_address) & (~shift[0] | read_ok)
                   : (state == LOW)    ? read_ok
                   : (state == WRITE)  ? write_ok
                   : (state == HIGH);

    reg [2:0] next_state;
    always @* begin
        if (start)
            next_state = DEVICE;
        else if (stop | quiet)
            next_state = IDLE;
        else if (ends_byte & (state != READ) & ~answers)
            next_state = IDLE;
        else if (rise & (count == 4'd8) & (state == READ) & ~sda_is_low)
            next_state = IDLE; // the master has had enough
        else if (ends_ack)
            case (state)
                DEVICE:  next_state = shift[0] ? READ : HIGH;
                HIGH:    next_state = LOW;
                LOW:     next_state = WRITE;
                default: next_state = state;
            endcase
        else
            next_state = state;
    end
    tmr_register #(.WIDTH(3), .TMR(TMR)) place (
        .clk(clk), .rst(rst), .en(1'b1), .d(next_state), .q(state), .err(err[3])
    );
    tmr_register #(.WIDTH(4), .TMR(TMR)) bits (
        .clk(clk), .rst(rst), .en(start | ends_ack | (rise & (count != 4'd9))),
        .d((start | ends_ack) ? 4'd0 : count + 4'd1), .q(count), .err(err[4])
    );

    // The byte on the way: shifted in at rising edges, out at falling ones.
    wire takes, sends, loads;
    assign takes = rise & (state != READ) & (count < 4'd8);
    assign loads = ends_ack & (next_state == READ);
    assign sends = fall & (state == READ) & (count < 4'd8);
    tmr_register #(.WIDTH(8), .TMR(TMR)) serial (
        .clk(clk), .rst(rst), .en(takes | sends | loads),
        .d(loads ? byte_q : {shift[6:0], takes & ~sda_is_low}), .q(shift), .err(err[5])
    );

    // SDA: acknowledge from the fall before the ninth bit to the one after it, or the bits of a byte that is read.
    wire pulls;
    assign pulls = ends_byte ? (state != READ) & answers
                 : loads     ? ~byte_q[7]
                 : sends     ? ~shift[6]
                 : 1'b0;
    tmr_register #(.WIDTH(1), .TMR(TMR)) pull (
        .clk(clk), .rst(rst), .en(fall | ends_byte | start | stop | quiet), .d(pulls), .q(sda_low), .err(err[6])
    );

    // The byte that came last waits in `held`, between the two bytes of the register address the first of them.
    // The edge that makes a START or STOP was taken as a bit: the bits of an unfinished byte are those above it.
    wire writes, points, is_reset;
    assign is_reset = (count > 4'd1) & (&(shift[7:1] | (7'h7f << (count - 4'd1))));
    assign writes   = has_held & (byte_is_in | ((start | stop) & ~is_reset) | (quiet & (count == 4'd0)));
    assign points   = (state == LOW) & takes & (count == 4'd7);
    tmr_register #(.WIDTH(9), .TMR(TMR)) last_byte (
        .clk(clk), .rst(rst), .en(start | stop | quiet | writes | (ends_byte & (state != READ))),
        .d(ends_byte ? {(state == WRITE) & answers, shift} : {1'b0, held}), .q({has_held, held}), .err(err[7])
    );
    tmr_register #(.WIDTH(16), .TMR(TMR)) pointer (
        .clk(clk), .rst(rst), .en(writes | points | loads),
        .d(points ? {held, shift[6:0], ~sda_is_low} : address + 16'd1), .q(address), .err(err[8])
    );
    assign we   = writes;
    assign data = held;

    // Cycles since SCL moved.
    wire [TIMEOUT_BITS-1:0] still;
    assign quiet = &still;
    tmr_register #(.WIDTH(TIMEOUT_BITS), .TMR(TMR)) timeout (
        .clk(clk), .rst(rst), .en(1'b1),
        .d((rise | fall | (state == IDLE)) ? {TIMEOUT_BITS{1'b0}} : still + {{(TIMEOUT_BITS-1){1'b0}}, 1'b1}),
        .q(still), .err(err[9])
    );

    assign tmr_err = |err;
endmodule
