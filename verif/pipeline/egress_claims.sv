// What is claimed of the exit: the results of good frames leave whole, once and in order; those of others do not.
//
// In steps: beats and statuses are two queues, in which any one is watched; what is taken from both is at the port a cycle later.
// egress_frames.sv says it in one.

module egress_claims #(
    parameter int BEATS = 1, CHANNELS = 1, BITS = 1, FIELD = 8, SIGNED = 0, FRAMES = 1, SAMPLES = 1,
    parameter int LINE = 1, KEPT = 1  // beats of a row, numbers of the last that are kept
) (
    input clk, rst,
    input [CHANNELS*BITS-1:0] sink_data,
    input sink_valid, status_done, status_good,
    input [CHANNELS*FIELD-1:0] m_axis_tdata,
    input m_axis_tvalid, m_axis_tready, m_axis_tlast, leaving,
    input [31:0] frames_out, dropped,
    input delivered, suppressed, // inside: what they count;
    input take, ends, good // a beat is taken from the queue, the last one of a frame, which was good
);
    localparam int ALL = BEATS * SAMPLES;
    localparam int F = $clog2(FRAMES + 2), B = $clog2(ALL + 1), T = $clog2(ALL * FRAMES + 2);

    reg running = 0;
    always @(posedge clk) running <= 1;
    always @* if (!running) assume (rst);

    // of the frames inside, those whose beats have begun to come, those whose status has come; the next beat's place in its frame
    reg [F-1:0] begun, known;
    reg [B-1:0] spot;
    wire begins = sink_valid && spot == 0;

    // no more frames are inside than there is room for
    always @* assume (!begins || begun < FRAMES);
    always @* assume (!status_done || known < FRAMES);

    // transfers of the present frame that are done
    reg [B-1:0] sent;
    wire transfer = m_axis_tvalid && m_axis_tready;
    wire finishes = transfer && sent == ALL - 1;
    reg was_delivered, was_suppressed;
    reg [31:0] out_before, dropped_before;

    always @(posedge clk) begin
        begun <= begun + begins - leaving;
        known <= known + status_done - leaving;
        if (sink_valid) spot <= spot == ALL - 1 ? 0 : spot + 1;
        if (transfer) sent <= finishes ? 0 : sent + 1;
        was_delivered <= delivered;
        was_suppressed <= suppressed;
        out_before <= frames_out;
        dropped_before <= dropped;
        if (rst) begin
            begun <= 0; known <= 0; spot <= 0; sent <= 0; was_delivered <= 0; was_suppressed <= 0;
            out_before <= 0; dropped_before <= 0;
        end
    end

    // any beat and any status, each picked as it comes: how many are in front of it, and, of a beat, its place in its frame
    (* anyseq *) reg pick_beat, pick_status;
    reg beat, arrives, mark, its_good;
    reg [B-1:0] beat_spot, taken_spot;
    reg [T-1:0] beats_there, beats_front;
    reg [F-1:0] marks_there, marks_front;
    reg [CHANNELS*BITS-1:0] numbers;
    wire picks_beat = pick_beat && sink_valid && !beat && !arrives, picks_status = pick_status && status_done && !mark;
    wire its_take = take && beat && beats_front == 0;
    reg was_taken, taken_good, taken_last, taken_end;

    integer i;
    always @(posedge clk) begin
        beats_there <= beats_there + sink_valid - take;
        marks_there <= marks_there + status_done - ends;
        if (take) taken_spot <= taken_spot == ALL - 1 ? 0 : taken_spot + 1;
        if (picks_beat) begin
            beat <= 1; beat_spot <= spot; beats_front <= beats_there - take;
            for (i = 0; i < CHANNELS; i = i + 1)
                numbers[i*BITS +: BITS] <= spot % LINE == LINE - 1 && i >= KEPT ? 0 : sink_data[i*BITS +: BITS];
        end else if (beat && take) begin
            beats_front <= beats_front - 1;
            if (beats_front == 0) beat <= 0;
        end
        arrives <= its_take;
        if (picks_status) begin
            mark <= 1; its_good <= status_good; marks_front <= marks_there - ends;
        end else if (mark && ends) begin
            marks_front <= marks_front - 1;
            if (marks_front == 0) mark <= 0;
        end
        was_taken <= take; taken_good <= good; taken_last <= taken_spot % BEATS == BEATS - 1; taken_end <= ends;
        if (rst) begin
            beats_there <= 0; marks_there <= 0; taken_spot <= 0; beat <= 0; arrives <= 0; mark <= 0; was_taken <= 0;
        end
    end

    always @* if (running) begin
        // a cycle after what they count, and by one
        out_counts: assert (frames_out == out_before + was_delivered);
        dropped_counts: assert (dropped == dropped_before + was_suppressed);
        out_counted: assert (delivered == finishes);
        leaves_once: assert (!leaving || (begun != 0 && known != 0));
        // beats are taken in the order in which they came, each by its own frame's status; so are statuses, one with each frame's last
        nothing_overflows: assert (beats_there <= ALL * FRAMES && marks_there <= FRAMES);
        // as soon as it can: a beat and its frame's status are there, and the port is free
        takes_when_it_can: assert (take == (beats_there != 0 && marks_there != 0 && (!m_axis_tvalid || m_axis_tready)));
        its_place: assert (!its_take || taken_spot == beat_spot);
        status_with_the_last: assert (ends == (take && taken_spot == ALL - 1));
        its_status: assert (!(mark && marks_front == 0 && take) || good == its_good);
        // what is taken is at the port in the next cycle if its frame was good, and nothing else; the port was free
        offered: assert (!was_taken || m_axis_tvalid == taken_good);
        offered_last: assert (!(was_taken && taken_good) || m_axis_tlast == taken_last);
        offered_once: assert (was_taken || !m_axis_tvalid || held);
        leaves_then: assert (leaving == (was_taken && taken_end));
        dropped_if_bad: assert (suppressed == (ends && !good));
    end

    // a transfer that waits
    reg held;
    always @(posedge clk) held <= m_axis_tvalid && !m_axis_tready && !rst;

    genvar c, n;
    generate
        for (c = 0; c < CHANNELS; c = c + 1) begin : number
            wire [FIELD-1:0] shown = m_axis_tdata[c*FIELD +: FIELD];
            wire above = SIGNED ? shown[BITS-1] : 0;
            for (n = 0; n < BITS; n = n + 1) begin : place
                egress_bit its (running && arrives, shown[n], numbers[c*BITS + n]);
            end
            for (n = BITS; n < FIELD; n = n + 1) begin : extension
                extended_bit its (shown[n], above);
            end
        end
    endgenerate
endmodule

module egress_bit (input watched, shown, expected);
    always @* in_order: assert (!watched || shown == expected);
endmodule

module extended_bit (input shown, above);
    always @* extended: assert (shown == above);
endmodule
