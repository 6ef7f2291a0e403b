// What is claimed of the buffer of a dense layer's operands: no word is overwritten before it was read for the last time, and none is
// read that has not come; a frame is read exactly when the schedule says, from two cycles after its last beat on.
//
// Beats come as a pipeline at full speed has them, or later; of all other times nothing is assumed.

module gather_claims #(
    parameter int POSITIONS = 1, MERGE = 1, SLICES = 1, REPEATS = 1, FRAMES = 1, PACE = 1, TAIL = 1, ADDRESS_BITS = 1, FOLD_BITS = 1
) (
    input clk, rst, sink_valid,
    // inside: a word is written; a chunk is read, the last of a frame; which fold it is; beats of the next word
    input complete, issue, left,
    input [ADDRESS_BITS-1:0] write_address, read_address,
    input [FOLD_BITS-1:0] decide_folds0_number,
    input decide_folds0_started, decide_folds0_ending,
    input [7:0] present, assembled,
    // where a fold is in its loops, words of the frame that is written, the first address of the one that is read; 0 where there is none
    input [7:0] slice_value, group_value, repeat_value, words_value, base
);
    localparam int GROUPS = POSITIONS / MERGE, CHUNKS = GROUPS * SLICES, FOLDS = CHUNKS * REPEATS, LIMIT = FOLDS + TAIL + PACE + 2;

    reg running = 0;
    always @(posedge clk) running <= 1;
    always @* if (!running) assume (rst);

    // the next beat's place in its frame, cycles since the last beat
    reg [7:0] place, elapsed;
    always @* assume (!sink_valid || elapsed >= (place == 0 ? TAIL : PACE));

    // cycles since the frame that came last could be read, until it has been; slots of the frames that are written and read; the word
    reg [7:0] read, written, reading, word;
    reg due;
    always @(posedge clk) begin
        if (sink_valid) place <= place == POSITIONS - 1 ? 0 : place + 1;
        elapsed <= sink_valid ? 1 : elapsed + (elapsed != LIMIT);
        due <= sink_valid && place == POSITIONS - 1;
        read <= due ? 0 : read + (read != FOLDS);
        if (complete) word <= word == GROUPS - 1 ? 0 : word + 1;
        if (complete && word == GROUPS - 1) written <= written == FRAMES - 1 ? 0 : written + 1;
        if (left) reading <= reading == FRAMES - 1 ? 0 : reading + 1;
        if (rst) begin
            place <= 0; elapsed <= LIMIT; due <= 0; read <= FOLDS; word <= 0; written <= 0; reading <= 0;
        end
    end

    // at least so many cycles ago the frame before came, or could first be read
    wire [15:0] least = place == 0 ? elapsed : TAIL + (place - 1) * PACE + elapsed;
    wire is_read = read < FOLDS;
    wire [7:0] number = is_read ? read : 0, group = number % CHUNKS / SLICES;

    // any word of the memory: has it something that is still to be read?
    (* anyconst *) reg [7:0] slot, chosen;
    always @* assume (slot < FRAMES && chosen < GROUPS);
    wire [15:0] address = slot * GROUPS + chosen;
    wire writes = complete && write_address == address, reads = issue && read_address == address;
    wire last_time = reads && number >= FOLDS - CHUNKS && number % SLICES == SLICES - 1;
    reg wanted;
    always @(posedge clk) begin
        if (last_time) wanted <= 0;
        if (writes) wanted <= 1;
        if (rst) wanted <= 0;
    end
    wire [15:0] last_number = FOLDS - CHUNKS + chosen * SLICES + SLICES - 1;

    always @* if (running) begin
        lemma_assembled: assert (MERGE == 1 || assembled == place % MERGE);
        lemma_complete: assert (place / MERGE == (word + complete == GROUPS ? 0 : word + complete) && (!due || complete)
            && place < POSITIONS && word < GROUPS && due == (place == 0 && elapsed == 1) && elapsed >= 1 && elapsed <= LIMIT);
        lemma_last_word: assert (!(complete && word == GROUPS - 1) || due);
        lemma_present: assert (present == is_read && read <= FOLDS
            && (place == 0 && elapsed == 1 ? read >= FOLDS - 1 : read == FOLDS || read + 2 >= least));
        lemma_folds: assert (decide_folds0_number == number && decide_folds0_started == (is_read && read != 0)
            && decide_folds0_ending == (is_read && read == FOLDS - 1));
        lemma_loops: assert (slice_value == number % SLICES && group_value == group && repeat_value == number / CHUNKS);
        lemma_words: assert (GROUPS == 1 || words_value == word);
        lemma_base: assert (GROUPS == 1 || base == reading * GROUPS);
        lemma_write: assert (write_address == written * GROUPS + word);
        lemma_read: assert (read_address == reading * GROUPS + group);
        lemma_slots: assert (written < FRAMES && reading < FRAMES && written == (is_read ? (reading == FRAMES - 1 ? 0 : reading + 1) : reading));
        lemma_wanted: assert (wanted == ((slot == reading && is_read && read <= last_number && !(slot == written && chosen < word))
            || (slot == written && chosen < word)));
        on_time: assert (issue == is_read);
        nothing_overwritten: assert (!(writes && wanted));
        nothing_stale: assert (!reads || wanted);
    end
endmodule
