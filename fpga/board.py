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

NAME = r"[\w.+/-][\w .+/-]*", "a line of letters, digits, blanks, and . + / -"
PART = r"xc7[a-z]+\d+t?[a-z]+\d+-[123][a-zA-Z]*", "a 7-series part with package and speed grade, such as xc7k325tffg900-2"
PIN = r"[A-Z]{1,2}\d{1,2}", "a pin's name, such as AB12"
STANDARD = r"[A-Z][A-Z0-9_]*", "an I/O standard, such as LVCMOS18"
INTERFACE = r"BPIx8|BPIx16|SPIx1|SPIx2|SPIx4", "one of BPIx8, BPIx16, SPIx1, SPIx2, SPIx4"
PROPERTY = r"[A-Z][A-Z0-9_.]*", "a property's name, such as CFGBVS"
SETTING = r"[\w.+:-]+", "a word or a number; a name with dots is quoted"
"""Texts of a board's file: what they look like, and how that is said."""

KEYS = "name", "part", "clock", "reset", "uart", "lamps", "configuration", "flash"
MHZ = 10, 800
MEGABYTES = 1024
MAX_BYTES = 1 << 16
WIDTH = "BITSTREAM.CONFIG.SPI_BUSWIDTH"


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
        return _board(key, _Table(path.name, tomllib.loads(_text(path)), KEYS))
    except BoardError:
        raise
    except RecursionError:
        raise BoardError(f"{path.name}: nested too deeply") from None
    except UnicodeDecodeError as error:
        raise BoardError(f"{path.name}: byte {error.start} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise BoardError(f"{path.name}: {error}") from None
    except ValueError:  # Python's own limit
        raise BoardError(f"{path.name}: it holds a number of thousands of digits") from None


def _text(path: Path) -> str:
    """What an ordinary file of bounded size holds."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise BoardError(f"{path.name}: {size} bytes, at most {MAX_BYTES} are read")
    return path.read_bytes().decode()


class _Table:
    """A table of a board's file. Values are given out by kind; of others a BoardError names file, key and what is expected."""

    def __init__(self, file: str, values: dict[str, Any], known: tuple[str, ...], path: str = "") -> None:
        self.file, self.values, self.path = file, values, path
        for key in values:
            if key not in known:
                raise BoardError(f"{file}: {path}{key} is not known, only {', '.join(known)}")

    def wrong(self, key: str, expected: str) -> BoardError:
        """What is to be said of a value."""
        found = f"is {self.values[key]!r:.60}" if key in self.values else "is missing"
        return BoardError(f"{self.file}: {self.path}{key} {found}, expected {expected}")

    def table(self, key: str, *known: str) -> _Table:
        """A table inside."""
        if not isinstance(self.values.get(key), dict):
            raise self.wrong(key, "a table")
        return _Table(self.file, self.values[key], known or tuple(self.values[key]), f"{self.path}{key}.")

    def text(self, key: str, kind: tuple[str, str]) -> str:
        """A text of a kind."""
        if not _is(self.values.get(key), kind):
            raise self.wrong(key, kind[1])
        return str(self.values[key])

    def texts(self, key: str, kind: tuple[str, str], counts: tuple[int, ...]) -> list[str]:
        """So many texts of a kind."""
        values = self.values.get(key)
        expected = f"{' or '.join(map(str, counts))}, each {kind[1]}"
        if not isinstance(values, list):
            raise self.wrong(key, f"a list of {expected}")
        for value in values:
            if not _is(value, kind):
                raise BoardError(f"{self.file}: {self.path}{key} has the entry {value!r:.60}, expected {expected}")
        if len(values) not in counts:
            raise BoardError(f"{self.file}: {self.path}{key} has {len(values)} entries, expected {expected}")
        return values

    def number(self, key: str, least: float, most: float) -> float:
        """A number between bounds."""
        value: Any = self.values.get(key)
        if type(value) not in (int, float) or not least <= value <= most:
            raise self.wrong(key, f"a number from {least:g} to {most:g}")
        return float(value)

    def power_of_two(self, key: str, most: int) -> int:
        """1, 2, 4, ..."""
        value: Any = self.values.get(key)
        if type(value) is not int or not 1 <= value <= most or value & (value - 1):
            raise self.wrong(key, f"a power of two, {most} at most")
        return value


def _is(value: object, kind: tuple[str, str]) -> bool:
    return isinstance(value, str) and re.fullmatch(kind[0], value, re.ASCII) is not None


def is_part(name: str) -> bool:
    """Is it a part with package and speed grade?"""
    return _is(name, PART)


def _board(key: str, file: _Table) -> Board:
    clock, reset = file.table("clock", "mhz", "p", "n", "standard"), file.table("reset", "pin", "standard")
    uart, lamps = file.table("uart", "rx", "tx", "standard"), file.table("lamps", "pins", "standards")
    flash = file.table("flash", "interface", "megabytes")
    standards = lamps.texts("standards", STANDARD, (1, LAMPS))
    of = Board(
        key=key,
        name=file.text("name", NAME),
        part=file.text("part", PART),
        oscillator_mhz=clock.number("mhz", *MHZ),
        clock=(clock.text("p", PIN), clock.text("n", PIN), clock.text("standard", STANDARD)),
        reset=(reset.text("pin", PIN), reset.text("standard", STANDARD)),
        rx=uart.text("rx", PIN),
        tx=uart.text("tx", PIN),
        uart_standard=uart.text("standard", STANDARD),
        lamps=tuple(zip(lamps.texts("pins", PIN, (LAMPS,)), standards * (LAMPS // len(standards)), strict=True)),
        configuration=_configuration(file),
        flash=(flash.text("interface", INTERFACE), flash.power_of_two("megabytes", MEGABYTES)),
    )
    pins = [*of.clock[:2], of.reset[0], of.rx, of.tx, *(pin for pin, _ in of.lamps)]
    for pin in pins:
        if pins.count(pin) > 1:
            raise BoardError(f"{key}.toml: pin {pin} is given twice")
    width = of.flash[0].removeprefix("SPIx")
    if width != of.flash[0] and dict(of.configuration).get(WIDTH, "1") != width:
        table = _Table(file.file, dict(of.configuration), (WIDTH, *dict(of.configuration)), "configuration.")
        raise table.wrong(WIDTH, f"{width}, as flash.interface is {of.flash[0]}")
    return of


def _configuration(file: _Table) -> tuple[tuple[str, str], ...]:
    """Properties of the bitstream; numbers as they are written."""
    if "configuration" not in file.values:
        return ()
    table = file.table("configuration")
    for name, value in table.values.items():
        if not _is(name, PROPERTY):
            raise BoardError(f"{file.file}: configuration has the key {name!r:.60}, expected {PROPERTY[1]}")
        if type(value) not in (str, int, float) or not _is(str(value), SETTING):
            raise table.wrong(name, SETTING[1])
    return tuple((name, str(value)) for name, value in table.values.items())


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


def arguments(of: Board, clock: Mmcm) -> dict[str, str | float]:
    """What Vivado's script is told of a board."""
    interface, megabytes = of.flash
    return {"part": of.part, "clock_mhz": round(float(clock.mhz), 6), "interface": interface, "megabytes": megabytes}


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
