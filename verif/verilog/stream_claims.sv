// The rule of an AXI4-Stream that time has a part in; S3 and S4 speak of paths, which are looked for in the netlist.

module stream_claims #(
    parameter int BITS = 1,
    parameter int PROMISED = 0  // the neighbour sends, and keeps S2; else the block does
) (
    input clk, rst,
    input [BITS-1:0] tdata,
    input tvalid, tready,
    input tlast = 0,
    input cleared = 0  // the reader is in reset
);
    reg running = 0, held = 0, last;
    reg [BITS-1:0] data;
    always @* if (!running) assume (rst);

    always @(posedge clk) begin
        running <= 1;
        held <= tvalid && !tready && !rst && !cleared;
        data <= tdata;
        last <= tlast;
    end

    always @* if (held && !cleared) begin
        if (PROMISED) assume (tvalid && tdata == data && tlast == last);
        else begin
            s2_valid: assert (tvalid);
            s2_data: assert (tdata == data);
            s2_last: assert (tlast == last);
        end
    end
endmodule
