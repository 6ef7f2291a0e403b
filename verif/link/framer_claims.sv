// What is claimed of the framer: an answer that was begun comes to its end, and what it offers stands until it is taken.
//
// How many cycles it takes at most, as long as the reader is ready, is a number that the registers say, and that gets smaller in
// every cycle: nothing goes round for ever. A byte costs four cycles to be looked at and four to be copied; a run some more.

module framer_claims #(
    parameter int OFFSET = 4
) (
    input clk, rst, start, busy, source_tvalid, source_tready,
    // inside
    input [2:0] state,
    input [OFFSET:0] place, stop,
    input [7:0] run,
    input [1:0] settling,
    input moved, gap, at_end, empty, longest
);
    localparam IDLE = 0, LOW = 1, HIGH = 2, OPEN = 3, SCAN = 4, CODE = 5, COPY = 6, CLOSE = 7;
    localparam int BYTE = 18, MOST = BYTE * (2**(OFFSET + 1) - 1) + 28, BOUND = MOST + 13;

    reg running = 0;
    always @(posedge clk) running <= 1;
    always @* if (!running) assume (rst);
    // the controller starts nothing while it is busy
    always @* assume (!start || !busy);

    wire [1:0] wait_for = moved ? 3 : settling[0] ? 2 : settling[1] ? 1 : 0;
    wire [OFFSET+8:0] behind = place + run;
    wire inside = state == SCAN || state == CODE || state == COPY;
    wire [31:0] rest = stop - (state == COPY ? behind : place);
    wire another = !gap && rest != 0;

    // cycles that are left at most
    reg [31:0] left;
    always @*
        case (state)
            IDLE: left = 0;
            LOW: left = MOST + 10 + wait_for;
            HIGH: left = MOST + 5 + wait_for;
            OPEN: left = BYTE * stop + 25 + wait_for;
            SCAN: left = BYTE * rest + 6 * (run - 1) + 20 + wait_for;
            CODE: left = BYTE * rest + 5 * (run - 1) + 19 + (another ? 10 : 0);
            COPY: left = BYTE * rest + 5 * run + 15 + (another ? 10 : 0) + wait_for;
            CLOSE: left = 1;
        endcase

    reg was_busy, held;
    reg [31:0] left_before;
    reg [2:0] state_before;
    reg [OFFSET:0] place_before;
    reg [7:0] run_before;
    always @(posedge clk) begin
        held <= source_tvalid && !source_tready && !rst;
        was_busy <= busy && !(source_tvalid && !source_tready) && !rst;
        left_before <= left;
        state_before <= state; place_before <= place; run_before <= run;
    end

    always @* if (running) begin
        lemma_waits: assert (state <= LOW || (settling != 3 && (!moved || settling == 0)));
        lemma_at_once: assert (!(moved || settling != 0) || (state != CODE && state != CLOSE));
        lemma_place: assert ((state != LOW || place == 2) && (state != HIGH || place == 3) && (state != OPEN || place == 0));
        lemma_inside: assert (!inside || (state == COPY ? behind : place) <= stop);
        lemma_run: assert (state != OPEN && state != SCAN && state != CODE || run != 0);
        lemma_begin: assert (state != OPEN && state != SCAN && state != CODE || run <= place + 1);
        lemma_end_known: assert (state < OPEN || moved || at_end == (place == stop));
        lemma_longest_known: assert (state < OPEN || moved || longest == (run == 255));
        lemma_empty_known: assert (state != COPY || moved || empty == (run == 0));
        lemma_gap: assert (state != CODE && state != COPY || !gap || rest != 0);
        lemma_long: assert (state != CODE || gap || rest == 0 || run == 255);
        ends_in_time: assert (left <= BOUND);
        always_nearer: assert (!was_busy || left < left_before);
        no_further: assert (!held || left == left_before);
        s2_valid: assert (!held || source_tvalid);
        // the word that it shows is read from a place that stands still
        s2_data: assert (!held || (state == state_before && place == place_before && run == run_before));
    end
endmodule
