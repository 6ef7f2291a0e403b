// The claim of the exit in one: any one beat of any one frame, which is picked as the first is heard of it, is followed from where it
// comes to where it leaves. For small configurations; egress_claims.sv says the same in steps.

module egress_frames #(
    parameter int BEATS = 1, CHANNELS = 1, BITS = 1, FIELD = 8, SIGNED = 0, FRAMES = 1, SAMPLES = 1,
    parameter int LINE = 1, KEPT = 1  // beats of a row, numbers of the last that are kept
) (
    input clk, rst,
    input [CHANNELS*BITS-1:0] sink_data,
    input sink_valid, status_done, status_good,
    input [CHANNELS*FIELD-1:0] m_axis_tdata,
    input m_axis_tvalid, m_axis_tready, m_axis_tlast, leaving,
    input suppressed // inside: a frame is dropped
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

    // transfers that good frames still ask for; those of the present frame that are done
    reg [T-1:0] owed;
    reg [B-1:0] sent;
    wire transfer = m_axis_tvalid && m_axis_tready;
    wire finishes = transfer && sent == ALL - 1;
    reg was_suppressed;

    always @(posedge clk) begin
        begun <= begun + begins - leaving;
        known <= known + status_done - leaving;
        if (sink_valid) spot <= spot == ALL - 1 ? 0 : spot + 1;
        owed <= owed + (status_done && status_good ? ALL : 0) - transfer;
        if (transfer) sent <= finishes ? 0 : sent + 1;
        was_suppressed <= suppressed;
        if (rst) begin
            begun <= 0; known <= 0; spot <= 0; owed <= 0; sent <= 0; was_suppressed <= 0;
        end
    end

    // the watched frame, and the watched beat of it
    (* anyseq *) reg pick;
    (* anyconst *) reg [B-1:0] beat;
    always @* assume (beat < ALL);
    reg watching, heard, good, seen, left, gone;
    // of frames in front of it: statuses that are to come, frames whose last beat is, that are to leave; transfers
    reg [F-1:0] statuses, endings, leavings;
    reg [T-1:0] front;
    reg [CHANNELS*BITS-1:0] numbers;
    wire appears = (status_done && known >= begun) || (begins && begun >= known);
    wire picks = pick && !watching && appears;
    wire [F-1:0] endings_now = picks ? (known > begun ? known - begun : 0) + (spot != 0) : endings;
    wire its_status = status_done && (picks ? known >= begun : watching && !heard && statuses == 0);
    wire its_beat = sink_valid && spot == beat && endings_now == 0 && (picks || watching) && !seen;
    wire its_transfer = watching && heard && good && front == 0 && !gone;
    wire its_leaving = watching && leaving && leavings == 0 && !left;

    integer i;
    always @(posedge clk) begin
        if (picks) begin
            watching <= 1;
            statuses <= begun > known ? begun - known - status_done : 0;
            leavings <= (begun > known ? begun : known) - leaving;
            front <= owed - transfer + (status_done && status_good && known < begun ? ALL : 0);
        end else if (watching) begin
            if (status_done && statuses != 0) begin
                statuses <= statuses - 1;
                front <= front + (status_good ? ALL : 0) - (transfer && front != 0);
            end else if (transfer && front != 0) front <= front - 1;
            if (leaving && leavings != 0) leavings <= leavings - 1;
        end
        if (picks || watching) endings <= endings_now - (endings_now != 0 && sink_valid && spot == ALL - 1);
        if (its_status) begin heard <= 1; good <= status_good; end
        if (its_beat) begin
            seen <= 1;
            for (i = 0; i < CHANNELS; i = i + 1)
                numbers[i*BITS +: BITS] <= spot % LINE == LINE - 1 && i >= KEPT ? 0 : sink_data[i*BITS +: BITS];
        end
        if (its_transfer && finishes) gone <= 1;
        if (its_leaving) left <= 1;
        if (rst || (left && (!good || gone)) || (!watching && !picks)) begin
            watching <= 0; heard <= 0; seen <= 0; left <= 0; gone <= 0;
        end
    end

    always @* if (running) begin
        nothing_twice: assert (!m_axis_tvalid || owed != 0);
        last_marked: assert (!m_axis_tvalid || m_axis_tlast == (sent % BEATS == BEATS - 1));
        its_beat_came: assert (!(its_transfer && m_axis_tvalid && sent == beat) || seen);
        // its place is free again when its last result is at the port, or it was dropped, and only then it is counted
        leaves_last: assert (!its_leaving || (heard && (!good || (front == 0 && m_axis_tvalid && sent == ALL - 1))));
        its_drop: assert (!its_leaving || was_suppressed == !good);
    end

    wire looked_at = running && its_transfer && m_axis_tvalid && sent == beat;
    genvar c, n;
    generate
        for (c = 0; c < CHANNELS; c = c + 1) begin : number
            for (n = 0; n < BITS; n = n + 1) begin : place
                egress_result_bit its (looked_at, m_axis_tdata[c*FIELD + n], numbers[c*BITS + n]);
            end
        end
    endgenerate
endmodule

module egress_result_bit (input watched, shown, expected);
    always @* delivered_in_order: assert (!watched || shown == expected);
endmodule
