// What simulation takes for the PLL that boards with a GW2A use (UG286). Frequencies are not modelled: a cycle of the oscillator is
// a cycle of the clock. LOCK comes after some cycles.

/* verilator lint_off UNUSEDSIGNAL */
/* verilator lint_off UNUSEDPARAM */
module rPLL #(
    parameter FCLKIN = "100.0",
    parameter DEVICE = "GW2A-18",
    parameter CLKFB_SEL = "internal",
    parameter DYN_IDIV_SEL = "false",
    parameter integer IDIV_SEL = 0,
    parameter DYN_FBDIV_SEL = "false",
    parameter integer FBDIV_SEL = 0,
    parameter DYN_ODIV_SEL = "false",
    parameter integer ODIV_SEL = 8
) (
    input wire CLKIN, input wire CLKFB, input wire RESET, input wire RESET_P,
    input wire [5:0] IDSEL, input wire [5:0] FBDSEL, input wire [5:0] ODSEL,
    input wire [3:0] PSDA, input wire [3:0] DUTYDA, input wire [3:0] FDLY,
    output wire CLKOUT, output wire LOCK, output wire CLKOUTP, output wire CLKOUTD, output wire CLKOUTD3
);

reg [5:0] cycles;

initial cycles = 0;

always @(posedge CLKIN)
    if (RESET | RESET_P) cycles <= 0;
    else if (!LOCK) cycles <= cycles + 1'b1;

assign LOCK = &cycles;
assign CLKOUT = CLKIN;
assign {CLKOUTP, CLKOUTD, CLKOUTD3} = 3'd0;

endmodule
