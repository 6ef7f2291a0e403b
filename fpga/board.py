"""Boards as data: what stands in a file of fpga/boards becomes a top module and constraints around a system's Verilog."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("boards")
RTL = Path(__file__).with_name("rtl")

SYNTHESISED = ("board_clock.v", "board_lamps.v")
"""What a board's top is made of, besides the system; primitives.v stands in for the vendor's primitives in simulation."""

LAMPS = 8

PIN = re.compile(r"^[A-Z]{1,2}\d{1,2}$")


class BoardError(ValueError):
    """A board that is not known, or whose file says something that cannot be; the message names it."""


@dataclass(frozen=True)
class Board:
    """A board. Pins are the package's. standards: one for all lamps, or one for each."""

    key: str
    name: str
    part: str
    oscillator_mhz: float
    clock: tuple[str, str, str]
    reset: tuple[str, str]
    rx: str
    tx: str
    uart_standard: str
    lamps: tuple[tuple[str, str], ...]
    configuration: tuple[tuple[str, str], ...]
    flash: tuple[str, int]


def known() -> list[str]:
    """The names of all boards."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def board(key: str, folder: Path = FOLDER) -> Board:
    """The board of that name. Raises BoardError."""
    path = folder / f"{key}.toml"
    if not re.fullmatch(r"\w+", key) or not path.is_file():
        raise BoardError(f"{key}: there is no such board, only {', '.join(known())}")
    try:
        with path.open("rb") as file:
            return _board(key, tomllib.load(file))
    except tomllib.TOMLDecodeError as error:
        raise BoardError(f"{path.name}: {error}") from None
    except KeyError as error:
        raise BoardError(f"{path.name}: {error.args[0]} is missing") from None


def _board(key: str, data: dict[str, Any]) -> Board:
    clock, reset, uart, lamps, flash = (data[name] for name in ("clock", "reset", "uart", "lamps", "flash"))
    standards = lamps["standards"] if len(lamps["standards"]) > 1 else lamps["standards"] * LAMPS
    if len(lamps["pins"]) != LAMPS or len(standards) != LAMPS:
        raise BoardError(f"{key}.toml: {len(lamps['pins'])} lamps with {len(lamps['standards'])} standards, expected {LAMPS}")
    pins = [clock["p"], clock["n"], reset["pin"], uart["rx"], uart["tx"], *lamps["pins"]]
    for pin in pins:
        if not PIN.match(pin):
            raise BoardError(f"{key}.toml: {pin} is not the name of a pin")
        if pins.count(pin) > 1:
            raise BoardError(f"{key}.toml: pin {pin} is given twice")
    if not 10 <= clock["mhz"] <= 800:
        raise BoardError(f"{key}.toml: an oscillator of {clock['mhz']} MHz, expected 10 to 800")
    return Board(
        key=key,
        name=data["name"],
        part=data["part"],
        oscillator_mhz=float(clock["mhz"]),
        clock=(clock["p"], clock["n"], clock["standard"]),
        reset=(reset["pin"], reset["standard"]),
        rx=uart["rx"],
        tx=uart["tx"],
        uart_standard=uart["standard"],
        lamps=tuple(zip(lamps["pins"], standards, strict=True)),
        configuration=tuple((name, str(value)) for name, value in data.get("configuration", {}).items()),
        flash=(flash["interface"], flash["megabytes"]),
    )


# --- the clock

VCO_MHZ = (600, 1200)
"""The MMCM's own frequency: what all speed grades of the 7 series allow (DS181, DS182, DS183)."""

LEAST_PHASE_MHZ = 10
"""The oscillator's frequency after division, at the phase detector."""


@dataclass(frozen=True)
class Mmcm:
    """The settings of an MMCM (UG472), multiply and output in eighths, and the frequency that they make."""

    multiply: Fraction
    divide: int
    output: Fraction
    mhz: Fraction


def mmcm(oscillator_mhz: float, wanted_mhz: float) -> Mmcm:
    """The settings whose frequency is nearest to the one wanted, and not above it. Raises BoardError if none is near."""
    oscillator, wanted = Fraction(oscillator_mhz).limit_denominator(10**6), Fraction(wanted_mhz).limit_denominator(10**6)
    best: Mmcm | None = None
    for divide in range(1, int(oscillator / LEAST_PHASE_MHZ) + 1):
        for eighths in range(64 * 8, 2 * 8 - 1, -1):  # of equals the fastest, whose clock jitters least
            vco = oscillator * eighths / (8 * divide)
            if not VCO_MHZ[0] <= vco <= VCO_MHZ[1]:
                continue
            output = Fraction(-(-vco * 8 // wanted), 8)  # rounded up: the clock is not faster than timing was met for
            if output != 1 and not 2 <= output <= 128:
                continue
            made = Mmcm(Fraction(eighths, 8), divide, output, vco / output)
            if best is None or made.mhz > best.mhz:
                best = made
        if best is not None and best.mhz == wanted:
            break
    if best is None or best.mhz < wanted * Fraction(99, 100):
        raise BoardError(f"no clock of {wanted_mhz:g} MHz can be made of one of {oscillator_mhz:g} MHz")
    return best


# --- what is written


def top_name(system: str) -> str:
    """The name of the top module."""
    return f"{system}_board"


def top(system: str, of: Board, clock: Mmcm, blink_bits: int = 26) -> str:
    """The top module: clock, reset, lamps, and a system between the line's pins."""
    period = 1000 / of.oscillator_mhz
    return f"""\
// {of.name}: {system} on a board.
module {top_name(system)} (
    input wire clk_p,
    input wire clk_n,
    input wire reset,
    input wire rx,
    output wire tx,
    output wire [{LAMPS - 1}:0] lamps
);

wire clk, aresetn;
/* verilator lint_off UNUSEDSIGNAL */ // of most counts, the lamps need the lowest bit, or none
wire [31:0] frames_in, frames_out, malformed, dropped;
/* verilator lint_on UNUSEDSIGNAL */

board_clock #(
    .MULTIPLY({float(clock.multiply)}), .DIVIDE({clock.divide}), .OUTPUT_DIVIDE({float(clock.output)}), .PERIOD({period:.3f})
) clock_instance (
    .clk_p(clk_p), .clk_n(clk_n), .reset(reset), .clk(clk), .aresetn(aresetn)
);

{system} system_instance (
    .aclk(clk), .aresetn(aresetn), .rx(rx), .tx(tx),
    .counters_frames_in(frames_in), .counters_frames_out(frames_out), .counters_malformed(malformed), .counters_dropped(dropped)
);

board_lamps #(.BITS({blink_bits})) lamps_instance (
    .clk(clk), .aresetn(aresetn), .rx(rx), .tx(tx),
    .frame_in(frames_in[0]), .frame_out(frames_out[0]), .malformed(malformed), .lamps(lamps)
);

endmodule
"""


def constraints(of: Board) -> str:
    """Pins, standards, the oscillator. The clock that the MMCM makes follows from it; pins without a clock have no timing."""
    places = [
        ("clk_p", of.clock[0], of.clock[2]),
        ("clk_n", of.clock[1], of.clock[2]),
        ("reset", *of.reset),
        ("rx", of.rx, of.uart_standard),
        ("tx", of.tx, of.uart_standard),
        *((f"lamps[{number}]", pin, standard) for number, (pin, standard) in enumerate(of.lamps)),
    ]
    lines = [f"# {of.name}, made from fpga/boards/{of.key}.toml, which has the sources"]
    lines += [f"set_property PACKAGE_PIN {pin} [get_ports {{{port}}}]" for port, pin, _ in places]
    lines += [f"set_property IOSTANDARD {standard} [get_ports {{{port}}}]" for port, _, standard in places]
    lines += [f"set_property {name} {value} [current_design]" for name, value in of.configuration]
    lines += [
        f"create_clock -name oscillator -period {1000 / of.oscillator_mhz:.3f} [get_ports clk_p]",
        "set_false_path -from [get_ports {reset rx}]",
        "set_false_path -to [get_ports {tx lamps*}]",
        # the first two registers behind rx; those behind reset carry the attribute in their source
        "set_property ASYNC_REG TRUE [get_cells -hierarchical -regexp {.*uart_receiver_instance/(metastable|line)_reg}]",
    ]
    return "\n".join(lines) + "\n"


def write(folder: Path, system: str, files: list[str], of: Board, clock: Mmcm) -> list[str]:
    """Beside a system's Verilog, the top's, its constraints, and its file list. Returns the Verilog files, in order."""
    name = top_name(system)
    for file in SYNTHESISED:
        (folder / file).write_text((RTL / file).read_text())
    (folder / f"{name}.v").write_text(top(system, of, clock))
    (folder / f"{name}.xdc").write_text(constraints(of))
    every = [*files, *SYNTHESISED, f"{name}.v"]
    (folder / f"{name}.f").write_text("".join(f"{file}\n" for file in every))
    return every
