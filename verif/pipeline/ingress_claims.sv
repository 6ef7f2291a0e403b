// What is claimed of the entrance: frames come inside whole, in order, at the pace they may, and no more than there is room for.
//
// The first half follows the transfers, and says what must come of each; nothing in it is taken from the block.

module ingress_claims #(
    parameter int BEATS = 1, CHANNELS = 1, BITS = 1, FIELD = 8, PACE = 1, TAIL = 1, FRAMES = 1, GATED = 0
) (
    input clk, rst,
    input [CHANNELS*FIELD-1:0] s_axis_tdata,
    input s_axis_tvalid, s_axis_tready, s_axis_tlast, leaving,
    input [CHANNELS*BITS-1:0] source_data,
    input source_valid, status_done, status_good,
    input gate = 1, entered = 0,  // of a gated one
    input [31:0] frames_in, malformed,
    input done, bad  // inside: what they count
);
    localparam int LONGEST = PACE > TAIL ? PACE : TAIL;
    localparam int W = $clog2(BEATS + 1), T = $clog2(LONGEST + 2), F = $clog2(FRAMES + 2);

    reg running = 0;
    always @(posedge clk) running <= 1;
    always @* if (!running) assume (rst);

    // where in its frame the next beat stands; whether the frame was cut short, or was too long
    reg [W-1:0] place;
    reg cut, over, awake;
    // cycles since a beat came inside, up to the longest distance; frames inside
    reg [T-1:0] elapsed;
    reg [F-1:0] inside;

    wire transfer = s_axis_tvalid && s_axis_tready;
    wire rested = elapsed >= (place == 0 ? TAIL : PACE);
    wire passes = transfer && !over;
    wire comes = passes || (cut && rested);
    wire ends = comes && place == BEATS - 1;
    wire open = !GATED || gate;

    // a frame leaves only if there is one
    always @* assume (!leaving || inside != 0);

    // what this cycle makes of the next
    reg came, passed, closing, whole, was_done, was_bad;
    reg [CHANNELS*BITS-1:0] codes;
    reg [31:0] frames_before, malformed_before;

    integer i;
    always @(posedge clk) begin
        for (i = 0; i < CHANNELS; i = i + 1) codes[i*BITS +: BITS] <= s_axis_tdata[i*FIELD +: BITS];
        passed <= passes;
        was_done <= done;
        was_bad <= bad;
        whole <= passes && s_axis_tlast;
        frames_before <= frames_in;
        malformed_before <= malformed;
        if (comes) elapsed <= 1;
        else if (elapsed <= LONGEST) elapsed <= elapsed + 1;
        if (comes) place <= ends ? 0 : place + 1;
        if (passes) cut <= s_axis_tlast && !ends;
        if (cut && ends) cut <= 0;
        if (ends && passes) over <= !s_axis_tlast;
        if (over && transfer) over <= !s_axis_tlast;
        inside <= inside + (comes && place == 0) - leaving;
        came <= comes;
        closing <= ends;
        awake <= 1;
        if (rst) begin
            place <= 0; cut <= 0; over <= 0; awake <= 0; came <= 0; closing <= 0; inside <= 0; whole <= 0;
            elapsed <= LONGEST + 1;
            frames_before <= 0; malformed_before <= 0; was_done <= 0; was_bad <= 0;
        end
    end

    always @* if (running) begin
        // never too soon, and never later than it could
        ready_when_it_can: assert (s_axis_tready == (awake && (over || (rested && !cut && (place != 0 || (inside < FRAMES && open))))));
        room: assert (inside <= FRAMES);
        pace: assert (!comes || rested);
        entered_marks: assert (!GATED || entered == (comes && place == 0));
        gate_open: assert (!comes || place != 0 || open);
        // each beat that is part of a frame comes inside in the next cycle, and nothing else does but what fills up
        nothing_lost: assert (source_valid == came);
        in_order: assert (!passed || source_data == codes);
        status_comes: assert (status_done == closing);
        status_says: assert (status_good == (closing && whole));
        frames_counted: assert (done == ends);
        malformed_counted: assert (bad == (ends && !(passes && s_axis_tlast)));
        frames_count: assert (frames_in == frames_before + was_done);
        malformed_count: assert (malformed == malformed_before + was_bad);
    end
endmodule
