// From a board's oscillator and reset button to the clock and the reset of what is built on it.
//
// aresetn goes low at once when the button is pressed or the clock is not locked, and high again some cycles after both are well.
module board_clock #(
    parameter real MULTIPLY = 5.0,       // of the oscillator, after DIVIDE: the MMCM's own frequency
    parameter integer DIVIDE = 1,
    parameter real OUTPUT_DIVIDE = 5.0,
    parameter real PERIOD = 5.0          // of the oscillator, in ns
) (
    input  wire clk_p,
    input  wire clk_n,
    input  wire reset,
    output wire clk,
    output wire aresetn
);

wire oscillator, feedback, made, locked;

IBUFDS clock_input (.I(clk_p), .IB(clk_n), .O(oscillator));

/* verilator lint_off PINCONNECTEMPTY */ // outputs that are not used
MMCME2_BASE #(
    .CLKIN1_PERIOD(PERIOD), .CLKFBOUT_MULT_F(MULTIPLY), .DIVCLK_DIVIDE(DIVIDE), .CLKOUT0_DIVIDE_F(OUTPUT_DIVIDE)
) mmcm (
    .CLKIN1(oscillator), .CLKFBIN(feedback), .CLKFBOUT(feedback), .CLKOUT0(made), .LOCKED(locked),
    .RST(1'b0), .PWRDWN(1'b0),
    .CLKFBOUTB(), .CLKOUT0B(), .CLKOUT1(), .CLKOUT1B(), .CLKOUT2(), .CLKOUT2B(), .CLKOUT3(), .CLKOUT3B(),
    .CLKOUT4(), .CLKOUT5(), .CLKOUT6()
);
/* verilator lint_on PINCONNECTEMPTY */

BUFG clock_buffer (.I(made), .O(clk));

wire unwell = reset | ~locked;

(* ASYNC_REG = "TRUE" *) reg [3:0] well;

always @(posedge clk or posedge unwell)
    if (unwell) well <= 4'b0000;
    else well <= {well[2:0], 1'b1};

assign aresetn = well[3];

endmodule
