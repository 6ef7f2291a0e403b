// From a board's oscillator and reset button to the clock and the reset of what is built on it.
//
// aresetn goes low at once when the button is pressed or the clock is not locked, and high again some cycles after both are well.
module board_clock #(
    parameter integer DIVIDE = 1,           // of the oscillator, to the phase detector
    parameter integer MULTIPLY = 1,         // of the phase detector's frequency, by which the feedback is divided
    parameter integer FEEDBACK_DIVIDE = 24, // of the PLL's own frequency, for the feedback
    parameter integer OUTPUT_DIVIDE = 6     // of the PLL's own frequency, for the clock
) (
    input  wire clk_in,
    input  wire reset,
    output wire clk,
    output wire aresetn
);

wire feedback, locked;

/* verilator lint_off PINCONNECTEMPTY */ // outputs that are not used
EHXPLLL #(
    .CLKI_DIV(DIVIDE), .CLKFB_DIV(MULTIPLY), .FEEDBK_PATH("CLKOP"),
    .CLKOP_ENABLE("ENABLED"), .CLKOP_DIV(FEEDBACK_DIVIDE), .CLKOP_CPHASE(FEEDBACK_DIVIDE - 1),
    .CLKOS_ENABLE("ENABLED"), .CLKOS_DIV(OUTPUT_DIVIDE), .CLKOS_CPHASE(OUTPUT_DIVIDE - 1)
) pll (
    .CLKI(clk_in), .CLKFB(feedback), .CLKOP(feedback), .CLKOS(clk), .LOCK(locked),
    .RST(1'b0), .STDBY(1'b0), .PHASESEL0(1'b0), .PHASESEL1(1'b0), .PHASEDIR(1'b0), .PHASESTEP(1'b0), .PHASELOADREG(1'b0),
    .PLLWAKESYNC(1'b0), .ENCLKOP(1'b0), .ENCLKOS(1'b0), .ENCLKOS2(1'b0), .ENCLKOS3(1'b0),
    .CLKOS2(), .CLKOS3(), .INTLOCK(), .REFCLK(), .CLKINTFB()
);
/* verilator lint_on PINCONNECTEMPTY */

wire unwell = reset | ~locked;

reg [3:0] well;

always @(posedge clk or posedge unwell)
    if (unwell) well <= 4'b0000;
    else well <= {well[2:0], 1'b1};

assign aresetn = well[3];

endmodule
