// What simulation takes for the Xilinx primitives that boards use (UG953). Frequencies are not modelled: a cycle of the oscillator is
// a cycle of the clock. LOCKED comes after some cycles, as in an MMCM, which takes 100 us.

module IBUFDS (input wire I, input wire IB, output wire O);
assign O = I & ~IB;
endmodule

module IBUF (input wire I, output wire O);
assign O = I;
endmodule

module BUFG (input wire I, output wire O);
assign O = I;
endmodule

module MMCME2_BASE #(
    parameter real CLKIN1_PERIOD = 0.0,
    parameter real CLKFBOUT_MULT_F = 5.0,
    parameter integer DIVCLK_DIVIDE = 1,
    parameter real CLKOUT0_DIVIDE_F = 1.0
) (
    input wire CLKIN1, input wire CLKFBIN, input wire RST, input wire PWRDWN,
    output wire CLKFBOUT, output wire CLKFBOUTB, output wire CLKOUT0, output wire CLKOUT0B, output wire CLKOUT1, output wire CLKOUT1B,
    output wire CLKOUT2, output wire CLKOUT2B, output wire CLKOUT3, output wire CLKOUT3B, output wire CLKOUT4, output wire CLKOUT5,
    output wire CLKOUT6, output wire LOCKED
);

reg [5:0] cycles;

initial cycles = 0;

always @(posedge CLKIN1)
    if (RST | PWRDWN) cycles <= 0;
    else if (!LOCKED) cycles <= cycles + 1'b1;

assign LOCKED = &cycles;
assign CLKFBOUT = CLKIN1;
assign CLKOUT0 = CLKIN1;
assign {CLKFBOUTB, CLKOUT0B, CLKOUT1, CLKOUT1B, CLKOUT2, CLKOUT2B, CLKOUT3, CLKOUT3B, CLKOUT4, CLKOUT5, CLKOUT6} = 11'd0;

endmodule
