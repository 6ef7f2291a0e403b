// From a board's oscillator and reset button to the clock and the reset of what is built on it.
//
// aresetn goes low at once when the button is pressed or the clock is not locked, and high again some cycles after both are well.
module board_clock #(
    parameter OSCILLATOR_MHZ = "27",
    parameter integer DIVIDE = 1,       // of the oscillator, to the phase detector
    parameter integer MULTIPLY = 4,     // of the phase detector's frequency, by which the feedback is divided
    parameter integer OUTPUT_DIVIDE = 8 // of the PLL's own frequency, for the clock
) (
    input  wire clk_in,
    input  wire reset,
    output wire clk,
    output wire aresetn
);

wire locked;

/* verilator lint_off PINCONNECTEMPTY */ // outputs that are not used
rPLL #(
    .FCLKIN(OSCILLATOR_MHZ), .DEVICE("GW2AR-18C"), .CLKFB_SEL("internal"),
    .DYN_IDIV_SEL("false"), .IDIV_SEL(DIVIDE - 1), .DYN_FBDIV_SEL("false"), .FBDIV_SEL(MULTIPLY - 1),
    .DYN_ODIV_SEL("false"), .ODIV_SEL(OUTPUT_DIVIDE)
) pll (
    .CLKIN(clk_in), .CLKOUT(clk), .LOCK(locked), .CLKFB(1'b0), .RESET(1'b0), .RESET_P(1'b0),
    .IDSEL(6'd0), .FBDSEL(6'd0), .ODSEL(6'd0), .PSDA(4'd0), .DUTYDA(4'd0), .FDLY(4'd0),
    .CLKOUTP(), .CLKOUTD(), .CLKOUTD3()
);
/* verilator lint_on PINCONNECTEMPTY */

wire unwell = reset | ~locked;

reg [3:0] well;

always @(posedge clk or posedge unwell)
    if (unwell) well <= 4'b0000;
    else well <= {well[2:0], 1'b1};

assign aresetn = well[3];

endmodule
