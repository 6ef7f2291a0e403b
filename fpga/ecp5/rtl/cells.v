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

// A memory of 1,024 words of 18 bits, with two ports. Narrower words lie in the halves of nine bits, below the ninth bit where
// they have fewer than nine; one of 36 bits is two words. The two lowest bits of an address of 18 bits, and the four lowest of 36, say
// which bytes are written. Yosys sets no chip selects, and no reset without a clock; nothing clears the registers at the
// outputs. What one port reads as the other writes it is not said to be anything: all bits come inverted.
module DP16KD #(
    parameter integer DATA_WIDTH_A = 18, parameter integer DATA_WIDTH_B = 18,
    parameter REGMODE_A = "NOREG", parameter REGMODE_B = "NOREG", parameter RESETMODE = "SYNC",
    parameter ASYNC_RESET_RELEASE = "SYNC", parameter CSDECODE_A = "0b000", parameter CSDECODE_B = "0b000",
    parameter CLKAMUX = "CLKA", parameter CLKBMUX = "CLKB", parameter WRITEMODE_A = "NORMAL", parameter WRITEMODE_B = "NORMAL",
    parameter GSR = "AUTO",
    parameter [319:0] INITVAL_00 = 320'd0, parameter [319:0] INITVAL_01 = 320'd0,
    parameter [319:0] INITVAL_02 = 320'd0, parameter [319:0] INITVAL_03 = 320'd0,
    parameter [319:0] INITVAL_04 = 320'd0, parameter [319:0] INITVAL_05 = 320'd0,
    parameter [319:0] INITVAL_06 = 320'd0, parameter [319:0] INITVAL_07 = 320'd0,
    parameter [319:0] INITVAL_08 = 320'd0, parameter [319:0] INITVAL_09 = 320'd0,
    parameter [319:0] INITVAL_0A = 320'd0, parameter [319:0] INITVAL_0B = 320'd0,
    parameter [319:0] INITVAL_0C = 320'd0, parameter [319:0] INITVAL_0D = 320'd0,
    parameter [319:0] INITVAL_0E = 320'd0, parameter [319:0] INITVAL_0F = 320'd0,
    parameter [319:0] INITVAL_10 = 320'd0, parameter [319:0] INITVAL_11 = 320'd0,
    parameter [319:0] INITVAL_12 = 320'd0, parameter [319:0] INITVAL_13 = 320'd0,
    parameter [319:0] INITVAL_14 = 320'd0, parameter [319:0] INITVAL_15 = 320'd0,
    parameter [319:0] INITVAL_16 = 320'd0, parameter [319:0] INITVAL_17 = 320'd0,
    parameter [319:0] INITVAL_18 = 320'd0, parameter [319:0] INITVAL_19 = 320'd0,
    parameter [319:0] INITVAL_1A = 320'd0, parameter [319:0] INITVAL_1B = 320'd0,
    parameter [319:0] INITVAL_1C = 320'd0, parameter [319:0] INITVAL_1D = 320'd0,
    parameter [319:0] INITVAL_1E = 320'd0, parameter [319:0] INITVAL_1F = 320'd0,
    parameter [319:0] INITVAL_20 = 320'd0, parameter [319:0] INITVAL_21 = 320'd0,
    parameter [319:0] INITVAL_22 = 320'd0, parameter [319:0] INITVAL_23 = 320'd0,
    parameter [319:0] INITVAL_24 = 320'd0, parameter [319:0] INITVAL_25 = 320'd0,
    parameter [319:0] INITVAL_26 = 320'd0, parameter [319:0] INITVAL_27 = 320'd0,
    parameter [319:0] INITVAL_28 = 320'd0, parameter [319:0] INITVAL_29 = 320'd0,
    parameter [319:0] INITVAL_2A = 320'd0, parameter [319:0] INITVAL_2B = 320'd0,
    parameter [319:0] INITVAL_2C = 320'd0, parameter [319:0] INITVAL_2D = 320'd0,
    parameter [319:0] INITVAL_2E = 320'd0, parameter [319:0] INITVAL_2F = 320'd0,
    parameter [319:0] INITVAL_30 = 320'd0, parameter [319:0] INITVAL_31 = 320'd0,
    parameter [319:0] INITVAL_32 = 320'd0, parameter [319:0] INITVAL_33 = 320'd0,
    parameter [319:0] INITVAL_34 = 320'd0, parameter [319:0] INITVAL_35 = 320'd0,
    parameter [319:0] INITVAL_36 = 320'd0, parameter [319:0] INITVAL_37 = 320'd0,
    parameter [319:0] INITVAL_38 = 320'd0, parameter [319:0] INITVAL_39 = 320'd0,
    parameter [319:0] INITVAL_3A = 320'd0, parameter [319:0] INITVAL_3B = 320'd0,
    parameter [319:0] INITVAL_3C = 320'd0, parameter [319:0] INITVAL_3D = 320'd0,
    parameter [319:0] INITVAL_3E = 320'd0, parameter [319:0] INITVAL_3F = 320'd0
) (
    input wire CLKA, input wire CEA, input wire WEA, input wire OCEA, input wire RSTA, input wire CSA0,
    input wire CSA1, input wire CSA2,
    input wire ADA0, input wire ADA1, input wire ADA2, input wire ADA3, input wire ADA4, input wire ADA5,
    input wire ADA6, input wire ADA7, input wire ADA8, input wire ADA9, input wire ADA10, input wire ADA11,
    input wire ADA12, input wire ADA13,
    input wire DIA0, input wire DIA1, input wire DIA2, input wire DIA3, input wire DIA4, input wire DIA5,
    input wire DIA6, input wire DIA7, input wire DIA8, input wire DIA9, input wire DIA10, input wire DIA11,
    input wire DIA12, input wire DIA13, input wire DIA14, input wire DIA15, input wire DIA16, input wire DIA17,
    output wire DOA0, output wire DOA1, output wire DOA2, output wire DOA3, output wire DOA4, output wire DOA5,
    output wire DOA6, output wire DOA7, output wire DOA8, output wire DOA9, output wire DOA10, output wire DOA11,
    output wire DOA12, output wire DOA13, output wire DOA14, output wire DOA15, output wire DOA16, output wire DOA17,
    input wire CLKB, input wire CEB, input wire WEB, input wire OCEB, input wire RSTB, input wire CSB0,
    input wire CSB1, input wire CSB2,
    input wire ADB0, input wire ADB1, input wire ADB2, input wire ADB3, input wire ADB4, input wire ADB5,
    input wire ADB6, input wire ADB7, input wire ADB8, input wire ADB9, input wire ADB10, input wire ADB11,
    input wire ADB12, input wire ADB13,
    input wire DIB0, input wire DIB1, input wire DIB2, input wire DIB3, input wire DIB4, input wire DIB5,
    input wire DIB6, input wire DIB7, input wire DIB8, input wire DIB9, input wire DIB10, input wire DIB11,
    input wire DIB12, input wire DIB13, input wire DIB14, input wire DIB15, input wire DIB16, input wire DIB17,
    output wire DOB0, output wire DOB1, output wire DOB2, output wire DOB3, output wire DOB4, output wire DOB5,
    output wire DOB6, output wire DOB7, output wire DOB8, output wire DOB9, output wire DOB10, output wire DOB11,
    output wire DOB12, output wire DOB13, output wire DOB14, output wire DOB15, output wire DOB16, output wire DOB17
);

reg [17:0] words [0:1023];
integer row, at;

task fill(input [63:0] number, input [319:0] values);
    for (row = 0; row < 16; row = row + 1) words[16 * number[5:0] + row] = values[20 * row +: 18];
endtask

initial begin
    fill(64'd0, INITVAL_00);
    fill(64'd1, INITVAL_01);
    fill(64'd2, INITVAL_02);
    fill(64'd3, INITVAL_03);
    fill(64'd4, INITVAL_04);
    fill(64'd5, INITVAL_05);
    fill(64'd6, INITVAL_06);
    fill(64'd7, INITVAL_07);
    fill(64'd8, INITVAL_08);
    fill(64'd9, INITVAL_09);
    fill(64'd10, INITVAL_0A);
    fill(64'd11, INITVAL_0B);
    fill(64'd12, INITVAL_0C);
    fill(64'd13, INITVAL_0D);
    fill(64'd14, INITVAL_0E);
    fill(64'd15, INITVAL_0F);
    fill(64'd16, INITVAL_10);
    fill(64'd17, INITVAL_11);
    fill(64'd18, INITVAL_12);
    fill(64'd19, INITVAL_13);
    fill(64'd20, INITVAL_14);
    fill(64'd21, INITVAL_15);
    fill(64'd22, INITVAL_16);
    fill(64'd23, INITVAL_17);
    fill(64'd24, INITVAL_18);
    fill(64'd25, INITVAL_19);
    fill(64'd26, INITVAL_1A);
    fill(64'd27, INITVAL_1B);
    fill(64'd28, INITVAL_1C);
    fill(64'd29, INITVAL_1D);
    fill(64'd30, INITVAL_1E);
    fill(64'd31, INITVAL_1F);
    fill(64'd32, INITVAL_20);
    fill(64'd33, INITVAL_21);
    fill(64'd34, INITVAL_22);
    fill(64'd35, INITVAL_23);
    fill(64'd36, INITVAL_24);
    fill(64'd37, INITVAL_25);
    fill(64'd38, INITVAL_26);
    fill(64'd39, INITVAL_27);
    fill(64'd40, INITVAL_28);
    fill(64'd41, INITVAL_29);
    fill(64'd42, INITVAL_2A);
    fill(64'd43, INITVAL_2B);
    fill(64'd44, INITVAL_2C);
    fill(64'd45, INITVAL_2D);
    fill(64'd46, INITVAL_2E);
    fill(64'd47, INITVAL_2F);
    fill(64'd48, INITVAL_30);
    fill(64'd49, INITVAL_31);
    fill(64'd50, INITVAL_32);
    fill(64'd51, INITVAL_33);
    fill(64'd52, INITVAL_34);
    fill(64'd53, INITVAL_35);
    fill(64'd54, INITVAL_36);
    fill(64'd55, INITVAL_37);
    fill(64'd56, INITVAL_38);
    fill(64'd57, INITVAL_39);
    fill(64'd58, INITVAL_3A);
    fill(64'd59, INITVAL_3B);
    fill(64'd60, INITVAL_3C);
    fill(64'd61, INITVAL_3D);
    fill(64'd62, INITVAL_3E);
    fill(64'd63, INITVAL_3F);
end

wire clock_a = CLKAMUX == "INV" ? ~CLKA : CLKA;
wire clock_b = CLKBMUX == "INV" ? ~CLKB : CLKB;
wire [13:0] address_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
wire [13:0] address_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
wire [35:0] in_a = DATA_WIDTH_A == 36 ? {{DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6,
    DIB5, DIB4, DIB3, DIB2, DIB1, DIB0}, {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6,
    DIA5, DIA4, DIA3, DIA2, DIA1, DIA0}} : {18'd0, {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7,
    DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0}};
wire [17:0] in_b = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2,
    DIB1, DIB0};
reg [35:0] out_a, out_b;

// What a port of some width finds at an address: at the low end of 36 bits, but for words of 18 bits read beside a port of 36.
function [35:0] found(input integer width, input [13:0] address);
    reg [17:0] word;
    reg [8:0] half;
    begin
        word = words[address[13:4]];
        half = address[3] ? word[17:9] : word[8:0];
        case (width)
            36: found = {words[{address[13:5], 1'b1}], words[{address[13:5], 1'b0}]};
            18: found = {18'd0, word};
            9: found = {27'd0, half};
            4: found = {32'd0, half[{address[2], 2'b00} +: 4]};
            2: found = {34'd0, half[{address[2:1], 1'b0} +: 2]};
            default: found = {35'd0, half[address[2:0]]};
        endcase
    end
endfunction

task change(input integer width, input [13:0] address, input [35:0] value);
    case (width)
        36:
            for (at = 0; at < 4; at = at + 1)
                if (address[at]) words[{address[13:5], at[1]}][9 * at[0] +: 9] = value[9 * at +: 9];
        18:
            for (at = 0; at < 2; at = at + 1)
                if (address[at]) words[address[13:4]][9 * at +: 9] = value[9 * at +: 9];
        9: words[address[13:4]][9 * address[3] +: 9] = value[8:0];
        4: words[address[13:4]][9 * address[3] + 4 * address[2] +: 4] = value[3:0];
        2: words[address[13:4]][9 * address[3] + 2 * address[2:1] +: 2] = value[1:0];
        default: words[address[13:4]][9 * address[3] + address[2:0]] = value[0];
    endcase
endtask

// The first of the bits that an address stands for, and whether any of their bytes is written.
function integer first(input integer width, input [13:0] address);
    case (width)
        36: first = 36 * address[13:5];
        18: first = 18 * address[13:4];
        9: first = 9 * address[13:3];
        4: first = 9 * address[13:3] + 4 * address[2];
        2: first = 9 * address[13:3] + 2 * address[2:1];
        default: first = 9 * address[13:3] + address[2:0];
    endcase
endfunction

function written(input integer width, input [13:0] address);
    written = width == 36 ? address[3:0] != 4'd0 : width == 18 ? address[1:0] != 2'd0 : 1'b1;
endfunction

wire integer first_a = first(DATA_WIDTH_A, address_a), first_b = first(DATA_WIDTH_B, address_b);
wire meet = first_a < first_b + DATA_WIDTH_B && first_b < first_a + DATA_WIDTH_A;
wire wrong_a = meet && CEB && WEB && written(DATA_WIDTH_B, address_b);
wire wrong_b = meet && CEA && WEA && written(DATA_WIDTH_A, address_a);

initial {out_a, out_b} = 72'd0;

always @(posedge clock_a)
    if (CEA) begin
        if (WRITEMODE_A == "READBEFOREWRITE" || !WEA) out_a <= found(DATA_WIDTH_A, address_a) ^ {36{wrong_a}};
        if (WEA) begin
            change(DATA_WIDTH_A, address_a, in_a);
            if (WRITEMODE_A == "WRITETHROUGH") out_a <= found(DATA_WIDTH_A, address_a);
        end
        if (RSTA) out_a <= 36'd0;
    end

always @(posedge clock_b)
    if (CEB) begin
        if (WRITEMODE_B == "READBEFOREWRITE" || !WEB) out_b <= found(DATA_WIDTH_B, address_b) ^ {36{wrong_b}};
        if (WEB) begin
            change(DATA_WIDTH_B, address_b, {18'd0, in_b});
            if (WRITEMODE_B == "WRITETHROUGH") out_b <= found(DATA_WIDTH_B, address_b);
        end
        if (RSTB) out_b <= 36'd0;
    end

// The registers at the outputs.
reg [35:0] kept_a, kept_b;
wire [35:0] given_a = REGMODE_A == "OUTREG" ? kept_a : out_a;
wire [35:0] given_b = REGMODE_B == "OUTREG" ? kept_b : out_b;

initial {kept_a, kept_b} = 72'd0;

always @(posedge clock_a) if (OCEA) kept_a <= out_a;
always @(posedge clock_b) if (OCEB) kept_b <= out_b;

// Beside a writer of 36 bits, a reader of 36 bits has port A's outputs for its lower word; a narrower one has port B's.
wire [17:0] lower = DATA_WIDTH_B == 36 ? given_b[17:0] : given_a[17:0];
wire [17:0] upper = DATA_WIDTH_B == 36 ? given_b[35:18] : given_b[17:0];
assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1,
    DOA0} = lower;
assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1,
    DOB0} = upper;

endmodule

// A product, without any of the cell's registers, as Yosys makes it.
module MULT18X18D #(parameter REG_OUTPUT_CLK = "NONE") (
    input wire CLK0, input wire CE0, input wire RST0,
    input wire A0, input wire A1, input wire A2, input wire A3, input wire A4, input wire A5,
    input wire A6, input wire A7, input wire A8, input wire A9, input wire A10, input wire A11,
    input wire A12, input wire A13, input wire A14, input wire A15, input wire A16, input wire A17,
    input wire B0, input wire B1, input wire B2, input wire B3, input wire B4, input wire B5,
    input wire B6, input wire B7, input wire B8, input wire B9, input wire B10, input wire B11,
    input wire B12, input wire B13, input wire B14, input wire B15, input wire B16, input wire B17,
    input wire C0, input wire C1, input wire C2, input wire C3, input wire C4, input wire C5,
    input wire C6, input wire C7, input wire C8, input wire C9, input wire C10, input wire C11,
    input wire C12, input wire C13, input wire C14, input wire C15, input wire C16, input wire C17,
    input wire SIGNEDA, input wire SIGNEDB, input wire SOURCEA, input wire SOURCEB,
    output wire P0, output wire P1, output wire P2, output wire P3, output wire P4, output wire P5,
    output wire P6, output wire P7, output wire P8, output wire P9, output wire P10, output wire P11,
    output wire P12, output wire P13, output wire P14, output wire P15, output wire P16, output wire P17,
    output wire P18, output wire P19, output wire P20, output wire P21, output wire P22, output wire P23,
    output wire P24, output wire P25, output wire P26, output wire P27, output wire P28, output wire P29,
    output wire P30, output wire P31, output wire P32, output wire P33, output wire P34, output wire P35
);

wire signed [18:0] first = {SIGNEDA & A17, {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0}};
wire signed [18:0] second = {SIGNEDB & B17, {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0}};
wire signed [37:0] product = first * second;

reg [35:0] kept = 0;
always @(posedge CLK0) if (RST0) kept <= 0; else if (CE0) kept <= product[35:0];

assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15, P14, P13,
    P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = REG_OUTPUT_CLK == "CLK0" ? kept : product[35:0];

endmodule
