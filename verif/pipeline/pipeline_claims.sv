// What is claimed of whole pipelines: each good frame's results leave, once and in order, and are the network's; those of others
// leave no trace, not in what comes after them either. So is any one frame, which is picked as it begins.

module pipeline_claims #(
    parameter int BEATS = 1, CHANNELS = 1, BITS = 1, FIELD = 8, FRAMES = 1,
    parameter int RESULTS = 1, NUMBERS = 1, NUMBER_BITS = 1, NUMBER_FIELD = 8, // transfers of a frame's results
    parameter int PATIENCE = 40, // cycles within which something must happen
    parameter [(RESULTS*NUMBERS*NUMBER_BITS << BEATS*CHANNELS*BITS) - 1:0] TABLE = 0 // results of each frame that there can be
) (
    input aclk, aresetn,
    input [CHANNELS*FIELD-1:0] s_axis_tdata,
    input s_axis_tvalid, s_axis_tready, s_axis_tlast,
    input [NUMBERS*NUMBER_FIELD-1:0] m_axis_tdata,
    input m_axis_tvalid, m_axis_tready, m_axis_tlast,
    input [31:0] counters_frames_in, counters_frames_out, counters_malformed, counters_dropped
);
    localparam int SIZE = BEATS * CHANNELS * BITS, BEAT = CHANNELS * BITS, RESULT = NUMBERS * NUMBER_BITS;
    localparam int W = $clog2(BEATS + 1), F = $clog2(FRAMES + 3), R = $clog2(RESULTS + 1), T = $clog2(RESULTS * (FRAMES + 1) + 2);
    localparam int P = $clog2(PATIENCE + 2);

    // the pipeline's reset is a register behind aresetn
    reg rst = 1, running = 0;
    always @(posedge aclk) begin rst <= !aresetn; running <= 1; end
    always @* if (!running) assume (!aresetn);
    wire clear = rst || !aresetn;

    // frames as they come, as on the page of the entrance
    reg [W-1:0] place;
    reg over;
    wire transfer = s_axis_tvalid && s_axis_tready;
    wire passes = transfer && !over;
    wire begins = passes && place == 0;
    wire ends = passes && (s_axis_tlast || place == BEATS - 1);
    wire good = passes && s_axis_tlast && place == BEATS - 1;

    // transfers of results that are owed; those of the present frame that were done
    reg [T-1:0] owed;
    reg [R-1:0] sent;
    wire gives = m_axis_tvalid && m_axis_tready;
    wire finishes = gives && sent == RESULTS - 1;

    // counters change by one, their lowest bits tell when; frames that are counted in and not yet out, malformed ones of them
    reg [3:0] before;
    wire [3:0] change = {counters_dropped[0], counters_malformed[0], counters_frames_out[0], counters_frames_in[0]} ^ before;
    reg [F-1:0] counted, malformed, inside, badly;
    reg [P-1:0] waiting, quiet;
    reg rested; // nothing is inside, and what was last has been counted
    wire rests = inside == 0 && place == 0;

    always @(posedge aclk) begin
        before <= change ^ before;
        if (passes) place <= ends ? 0 : place + 1;
        if (passes && place == BEATS - 1) over <= !s_axis_tlast;
        if (over && transfer) over <= !s_axis_tlast;
        owed <= owed + (good ? RESULTS : 0) - gives;
        if (gives) sent <= finishes ? 0 : sent + 1;
        counted <= counted + change[0] - change[1] - change[3];
        malformed <= malformed + change[2] - change[3];
        inside <= inside + begins - finishes - change[3];
        badly <= badly + (ends && !good) - change[3];
        rested <= rests;
        waiting <= s_axis_tvalid && !s_axis_tready && m_axis_tready ? waiting + (waiting <= PATIENCE) : 0;
        quiet <= owed != 0 && !m_axis_tvalid ? quiet + (quiet <= PATIENCE) : 0;
        if (clear) begin
            place <= 0; over <= 0; owed <= 0; sent <= 0; before <= 0; counted <= 0; malformed <= 0; inside <= 0; badly <= 0;
            waiting <= 0; quiet <= 0; rested <= 0;
        end
    end

    // the watched frame: transfers of those in front of it that are to come, its codes, whether it is there as a whole
    (* anyseq *) reg pick;
    reg watching, whole;
    reg [T-1:0] front;
    reg [SIZE-1:0] codes;
    wire picks = pick && begins && !watching;
    wire its_turn = watching && whole && front == 0;

    integer i;
    always @(posedge aclk) begin
        if (picks) begin
            watching <= !(ends && !good);
            front <= owed - gives;
            whole <= good;
        end else if (watching) begin
            if (gives && front != 0) front <= front - 1;
            if (!whole && passes) begin
                whole <= good;
                if (ends && !good) watching <= 0;
            end
            if (its_turn && finishes) watching <= 0;
        end
        if (picks || (watching && !whole && passes))
            for (i = 0; i < CHANNELS; i = i + 1) codes[place*BEAT + i*BITS +: BITS] <= s_axis_tdata[i*FIELD +: BITS];
        if (clear) watching <= 0;
    end

    wire [RESULTS*RESULT-1:0] results = TABLE >> codes * (RESULTS * RESULT);
    wire [RESULT-1:0] result = results >> sent * RESULT;
    wire now = running && !rst;

    always @* if (now) begin
        nothing_twice: assert (!m_axis_tvalid || owed != 0);
        last_marked: assert (!m_axis_tvalid || m_axis_tlast == (sent == RESULTS - 1));
        // one whose last result is at the port has left
        room: assert (inside <= FRAMES + 1);
        nothing_counted_twice: assert (counted <= FRAMES + 1 && malformed <= FRAMES);
        at_rest: assert (!(rests && rested) || (counted == 0 && malformed == 0 && owed == 0));
        never_wedged: assert (waiting <= PATIENCE);
        nothing_lost: assert (quiet <= PATIENCE);
    end

    genvar c, n;
    generate
        for (c = 0; c < NUMBERS; c = c + 1) begin : number
            for (n = 0; n < NUMBER_BITS; n = n + 1) begin : place_of
                pipeline_bit its (now && its_turn && m_axis_tvalid, m_axis_tdata[c*NUMBER_FIELD + n], result[c*NUMBER_BITS + n]);
            end
        end
    endgenerate
endmodule

module pipeline_bit (input watched, shown, expected);
    always @* in_order: assert (!watched || shown == expected);
endmodule
