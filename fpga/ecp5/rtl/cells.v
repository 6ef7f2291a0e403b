// What the cells of a mapped netlist do (FPGA-TN-02205, and Lattice's FPGA Libraries Reference Guide), for its simulation.

module LUT4 #(parameter [15:0] INIT = 16'd0) (input wire A, input wire B, input wire C, input wire D, output wire Z);
assign Z = INIT[{D, C, B, A}];
endmodule

// Two LUTs are one of five inputs, and so on.
module PFUMX (input wire ALUT, input wire BLUT, input wire C0, output wire Z);
assign Z = C0 ? ALUT : BLUT;
endmodule

module L6MUX21 (input wire D0, input wire D1, input wire SD, output wire Z);
assign Z = SD ? D1 : D0;
endmodule

// Two bits of a carry chain. A LUT's lowest four entries are what is carried where it propagates nothing.
module CCU2C #(
    parameter [15:0] INIT0 = 16'd0,
    parameter [15:0] INIT1 = 16'd0,
    parameter INJECT1_0 = "YES",
    parameter INJECT1_1 = "YES"
) (
    input wire CIN,
    input wire A0, input wire B0, input wire C0, input wire D0,
    input wire A1, input wire B1, input wire C1, input wire D1,
    output wire S0, output wire S1, output wire COUT
);

wire propagated0 = INIT0[{D0, C0, B0, A0}];
wire propagated1 = INIT1[{D1, C1, B1, A1}];
wire generated0 = INJECT1_0 == "YES" ? 1'b0 : INIT0[{2'b00, B0, A0}];
wire generated1 = INJECT1_1 == "YES" ? 1'b0 : INIT1[{2'b00, B1, A1}];
wire between = propagated0 ? CIN : generated0;

assign S0 = propagated0 ^ (INJECT1_0 == "YES" ? 1'b0 : CIN);
assign S1 = propagated1 ^ (INJECT1_1 == "YES" ? 1'b0 : between);
assign COUT = propagated1 ? between : generated1;

endmodule

module TRELLIS_FF #(
    parameter GSR = "ENABLED",
    parameter CEMUX = "1",
    parameter CLKMUX = "CLK",
    parameter LSRMUX = "LSR",
    parameter LSRONMUX = "LSRMUX",
    parameter SRMODE = "LSR_OVER_CE",
    parameter REGSET = "RESET",
    parameter LSRMODE = "LSR"
) (input wire CLK, input wire LSR, input wire CE, input wire DI, input wire M, output reg Q);

wire clock = CLKMUX == "INV" ? ~CLK : CLK;
wire enable = CEMUX == "1" ? 1'b1 : CEMUX == "INV" ? ~CE : CE;
wire preset = LSRMUX == "INV" ? ~LSR : LSR;
wire cleared = REGSET == "SET";

initial Q = cleared;

generate
    if (SRMODE == "ASYNC") begin
        always @(posedge clock or posedge preset)
            if (preset) Q <= cleared;
            else if (enable) Q <= DI;
    end else if (SRMODE == "LSR_OVER_CE") begin
        always @(posedge clock)
            if (preset) Q <= cleared;
            else if (enable) Q <= DI;
    end else begin
        always @(posedge clock)
            if (enable) Q <= preset ? cleared : DI;
    end
endgenerate

endmodule

// Sixteen words of four bits: written in step with a clock, read at once.
module TRELLIS_DPR16X4 #(
    parameter WCKMUX = "WCK",
    parameter WREMUX = "WRE",
    parameter [63:0] INITVAL = 64'd0
) (input wire [3:0] DI, input wire [3:0] WAD, input wire WRE, input wire WCK, input wire [3:0] RAD, output wire [3:0] DO);

reg [63:0] held;
wire clock = WCKMUX == "INV" ? ~WCK : WCK;
wire write = WREMUX == "1" ? 1'b1 : WREMUX == "0" ? 1'b0 : WREMUX == "INV" ? ~WRE : WRE;

initial held = INITVAL;

always @(posedge clock)
    if (write) held[{WAD, 2'b00} +: 4] <= DI;

assign DO = held[{RAD, 2'b00} +: 4];

endmodule
