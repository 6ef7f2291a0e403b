// What is claimed of the deframer's memory, where it is small enough: what waits is the oldest word.

module deframer_shown #(
    parameter int POINTER = 5
) (
    input clk, rst, sink_valid, broken, waiting, take,
    input [8:0] head, word_at_oldest,
    // inside: the word that is written, and where; the registers between the memory and `head`
    input [POINTER-1:0] oldest, readable, at,
    input writing, known, settled,
    input [8:0] deep_bank0_found, deep_bank0_age0_register0_q
);
    reg running = 0;
    always @(posedge clk) running <= 1;
    always @* if (!running) assume (rst);
    always @* assume (!take || waiting);
    always @* assume (!broken || !sink_valid);

    wire [POINTER-1:0] unread = readable - oldest, place = at - oldest;
    always @* if (running) begin
        // as deframer_claims.sv says
        lemma_kept: assert (!writing || place >= unread);
        lemma_unread: assert (!(known || settled || waiting) || unread != 0);
    end

    genvar n;
    generate
        for (n = 0; n < 9; n = n + 1) begin : place_of
            deframer_bit its (running, known, settled, waiting, word_at_oldest[n], deep_bank0_found[n], deep_bank0_age0_register0_q[n], head[n]);
        end
    endgenerate
endmodule

module deframer_bit (input running, known, settled, waiting, word, found, aged, head);
    always @* if (running) begin
        lemma_found: assert (!(known || settled || waiting) || found == word);
        lemma_aged: assert (!(settled || waiting) || aged == word);
        oldest_shown: assert (!waiting || head == word);
    end
endmodule
