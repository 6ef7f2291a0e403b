// What a board's eight lamps show. See docs/boards/boards.md.
module board_lamps #(
    parameter integer BITS = 26  // of the counter that makes the lamps blink; 2**BITS cycles are some tenths of a second
) (
    input  wire        clk,
    input  wire        aresetn,
    input  wire        rx,
    input  wire        tx,
    input  wire        frame_in,   // the lowest bit of the count of frames
    input  wire        frame_out,  // the same of results
    input  wire [31:0] malformed,
    output wire [7:0]  lamps
);

reg [BITS-1:0] beat;
reg rx_now, rx_before, in_before, out_before;
reg [3:0] lit, fresh;          // rx, tx, frames in, frames out: lit from the next turn of the counter on for a turn
reg trouble;
wire [3:0] moved = {frame_out != out_before, frame_in != in_before, ~tx, rx_now != rx_before};

always @(posedge clk) begin
    rx_now <= rx;
    rx_before <= rx_now;
    in_before <= frame_in;
    out_before <= frame_out;
    if (!aresetn) begin
        beat <= 0;
        lit <= 4'b0000;
        fresh <= 4'b0000;
        trouble <= 1'b0;
    end else begin
        beat <= beat + 1'b1;
        trouble <= trouble | malformed != 0;
        if (&beat[BITS-4:0]) begin
            lit <= fresh | moved;
            fresh <= 4'b0000;
        end else fresh <= fresh | moved;
    end
end

assign lamps = {1'b0, trouble, lit[3], lit[2], lit[1], lit[0], aresetn, beat[BITS-1]};

endmodule
