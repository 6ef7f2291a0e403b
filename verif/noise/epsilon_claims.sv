// What is claimed of the queue of vectors: a frame that is let in finds its own, in order; enough of them let every frame in.

module epsilon_claims #(
    parameter int BITS = 1, SAMPLES = 1, FRAMES = 1, DEPTH = 2
) (
    input clk, rst,
    input [BITS-1:0] s_axis_eps_tdata,
    input s_axis_eps_tvalid, s_axis_eps_tready, status_done, status_good, entered, consume, ready,
    input [BITS-1:0] eps
);
    localparam int F = $clog2(FRAMES + 2), D = $clog2(DEPTH + 2), P = $clog2(SAMPLES * (FRAMES + 1) + 2);

    reg running = 0;
    always @(posedge clk) running <= 1;
    always @* if (!running) assume (rst);

    // vectors that are there; frames without a status, reads that good ones still owe
    reg [D-1:0] there;
    reg [F-1:0] open;
    reg [P-1:0] reads;
    reg awake;
    wire comes = s_axis_eps_tvalid && s_axis_eps_tready;
    wire [P:0] promised = SAMPLES * open + reads;

    // the entrance lets frames in while `ready`, and no more than there is room for; a status comes for each, reads for good ones
    always @* assume (!entered || (ready && promised <= SAMPLES * (FRAMES - 1)));
    always @* assume (!status_done || open != 0);
    always @* assume (!consume || reads != 0);

    // any vector, picked as it comes: how many are in front of it
    (* anyseq *) reg pick;
    reg watching;
    reg [D-1:0] front;
    reg [BITS-1:0] vector;
    wire picks = pick && comes && !watching;

    always @(posedge clk) begin
        awake <= 1;
        there <= there + comes - consume;
        open <= open + entered - status_done;
        reads <= reads + (status_done && status_good ? SAMPLES : 0) - consume;
        if (picks) begin
            watching <= 1; vector <= s_axis_eps_tdata; front <= there - consume;
        end else if (watching && consume) begin
            front <= front - 1;
            if (front == 0) watching <= 0;
        end
        if (rst) begin
            awake <= 0; there <= 0; open <= 0; reads <= 0; watching <= 0;
        end
    end

    always @* if (running) begin
        nothing_lost: assert (there <= DEPTH);
        takes_when_it_can: assert (s_axis_eps_tready == (awake && there != DEPTH));
        frames_find_theirs: assert (!consume || there != 0);
        promise: assert (ready == (there >= promised + SAMPLES));
        lets_every_frame_in: assert (ready || !awake || s_axis_eps_tready);
    end

    genvar n;
    generate
        for (n = 0; n < BITS; n = n + 1) begin : place
            epsilon_bit its (running && watching && front == 0, eps[n], vector[n]);
        end
    endgenerate
endmodule

module epsilon_bit (input watched, shown, expected);
    always @* in_order: assert (!watched || shown == expected);
endmodule
