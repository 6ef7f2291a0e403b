// What is claimed of the deframer: no word is overwritten that is still to be read, a damaged frame leaves no trace but its mark,
// and what is there is shown soon.

module deframer_claims #(
    parameter int POINTER = 5, LIMIT = 12
) (
    input clk, rst, sink_valid, broken, waiting, take,
    input [7:0] sink_data,
    input [31:0] refused,
    // inside: pointers, what is written, a frame's verdict, and all that is known of the frame that is being read
    input [POINTER-1:0] tail, after_tail, commit, after_commit, oldest, readable, at,
    input writing, arrived, done, faulty, known, settled, lost, refusing, started, zero_due, damaged, over,
    input [7:0] left,
    input [$clog2(LIMIT+9)-1:0] count
);
    reg running = 0;
    always @(posedge clk) running <= 1;
    always @* if (!running) assume (rst);

    // the controller takes what it sees; a byte has its stop bit, or is none
    always @* assume (!take || waiting);
    always @* assume (!broken || !sink_valid);

    wire [POINTER-1:0] unread = readable - oldest, committed = commit - oldest, filled = tail - oldest, place = at - oldest;

    // bytes of the present frame that have gone to the memory, or had no room
    reg [$clog2(LIMIT+9)-1:0] bytes;
    always @(posedge clk) bytes <= rst || done ? 0 : bytes + arrived;

    reg wiped, judged, was_refusing, had_lost, was_faulty;
    reg [1:0] late;
    reg [POINTER-1:0] commit_before, tail_before;
    reg [31:0] refused_before;
    always @(posedge clk) begin
        wiped <= sink_valid && sink_data == 0 || rst;
        judged <= done && !rst;
        was_refusing <= refusing && !rst;
        was_faulty <= faulty;
        had_lost <= lost;
        commit_before <= commit;
        tail_before <= tail;
        refused_before <= rst ? 0 : refused;
        late <= rst || waiting || take || unread == 0 ? 0 : late + (late != 3);
    end

    always @* if (running) begin
        // from the reader's place on: words that can be read, those of whole frames, and the present frame's
        lemma_in_line: assert (unread <= committed && committed <= filled);
        lemma_one_ahead: assert (after_tail == POINTER'(tail + 1) && after_commit == POINTER'(commit + 1));
        lemma_bytes: assert (lost || POINTER'(tail - commit) == bytes);
        lemma_counted: assert (done ? count == 0 && !arrived : count == bytes + arrived);
        lemma_started: assert (started || count == 0);
        lemma_long_enough: assert (!done || faulty || bytes >= 8);
        lemma_kept: assert (!writing || place >= unread);
        lemma_unread: assert (!(known || settled || waiting) || unread != 0);
        nothing_overwritten: assert (!writing || place >= unread);
        waits_for_a_word: assert (!waiting || unread != 0);
        shown_soon: assert (late != 3 || waiting);
        // whatever came, a zero is the end of it
        wiped_by_zero: assert (!wiped || (left == 0 && count == 0 && !zero_due && !started && !damaged && !over));
        // a request is kept as a whole, less its CRC; of anything else a mark at most
        whole_or_nothing: assert (!judged || was_refusing || commit == POINTER'(tail_before - 4));
        mark_at_most: assert (!judged || !was_refusing || commit == commit_before || commit == POINTER'(commit_before + 1));
        no_trace: assert (!judged || (tail == commit && !lost));
        verdict: assert (!judged || was_refusing == (was_faulty || had_lost));
        refused_counts: assert (refused == refused_before + was_refusing);
    end
endmodule
