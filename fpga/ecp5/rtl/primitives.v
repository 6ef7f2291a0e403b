// What simulation takes for the PLL that boards with an ECP5 use (FPGA-TN-02200). Frequencies are not modelled: a cycle of the
// oscillator is a cycle of the clock. LOCK comes after some cycles.

/* verilator lint_off UNUSEDSIGNAL */
/* verilator lint_off UNUSEDPARAM */
module EHXPLLL #(
    parameter integer CLKI_DIV = 1,
    parameter integer CLKFB_DIV = 1,
    parameter FEEDBK_PATH = "CLKOP",
    parameter CLKOP_ENABLE = "ENABLED",
    parameter integer CLKOP_DIV = 8,
    parameter integer CLKOP_CPHASE = 0,
    parameter CLKOS_ENABLE = "DISABLED",
    parameter integer CLKOS_DIV = 8,
    parameter integer CLKOS_CPHASE = 0
) (
    input wire CLKI, input wire CLKFB, input wire RST, input wire STDBY, input wire PHASESEL0, input wire PHASESEL1,
    input wire PHASEDIR, input wire PHASESTEP, input wire PHASELOADREG, input wire PLLWAKESYNC,
    input wire ENCLKOP, input wire ENCLKOS, input wire ENCLKOS2, input wire ENCLKOS3,
    output wire CLKOP, output wire CLKOS, output wire CLKOS2, output wire CLKOS3, output wire LOCK, output wire INTLOCK,
    output wire REFCLK, output wire CLKINTFB
);

reg [5:0] cycles;

initial cycles = 0;

always @(posedge CLKI)
    if (RST | STDBY) cycles <= 0;
    else if (!LOCK) cycles <= cycles + 1'b1;

assign LOCK = &cycles;
assign CLKOP = CLKI;
assign CLKOS = CLKI;
assign {CLKOS2, CLKOS3, INTLOCK, REFCLK, CLKINTFB} = 5'd0;

endmodule
