"""Boards as data: what stands in a board's file becomes a top module and constraints around a system's Verilog."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("boards")
RTL = Path(__file__).with_name("rtl")

PRIMITIVES = "primitives.v"
"""Stands in for the vendor's primitives in simulation."""

LAMPS = 8
"""What can be shown. Of fewer lamps, each shows what it would among eight."""

LARGEST = 1 << 16
"""Bytes of a board's file."""

FILE = r"[\w.+ -]+\.toml"
"""What the file of a board may be called: it is named in a line of Tcl."""

NAME = r"[\w.+/-][\w .+/-]*", "a line of letters, digits, blanks, and . + / -"
PART = r"xc7[a-z]+\d+t?[a-z]+\d+-[123][a-zA-Z]*", "a 7-series part with package and speed grade, such as xc7k325tffg900-2"
PIN = r"[A-Z]{1,2}\d{1,2}", "a pin's name, such as AB12"
STANDARD = r"[A-Z][A-Z0-9_]*", "an I/O standard, such as LVCMOS18"
INTERFACE = r"BPIx8|BPIx16|SPIx1|SPIx2|SPIx4", "one of BPIx8, BPIx16, SPIx1, SPIx2, SPIx4"
PROPERTY = r"[A-Z][A-Z0-9_.]*", "a property's name, such as CFGBVS"
SETTING = r"[\w.+:-]+", "a word or a number; a name with dots is quoted"
LEVEL = r"high|low", "high or low"
SINGLE = r"(?!DIFF_|TMDS_|RSDS_|PPDS_)(?!.*LVDS)[A-Z][A-Z0-9_]*", "an I/O standard of one pin, such as LVCMOS33"
PAIR = r"(?!LVCMOS|LVTTL|PCI33|HSTL|SSTL|HSUL|MOBILE)[A-Z][A-Z0-9_]*", "an I/O standard of two pins, such as LVDS"
"""Texts of a board's file: what they look like, and how that is said."""

KEYS = "name", "part", "clock", "reset", "uart", "lamps", "configuration", "flash"
MHZ = 10, 800
MEGABYTES = 1024
MAX_BYTES = 1 << 16
WIDTH = "BITSTREAM.CONFIG.SPI_BUSWIDTH"


class BoardError(ValueError):
    """A board that is not known, or whose file says something that cannot be; the message names it."""


@dataclass(frozen=True)
class Button:
    """A button's pin, its standard, and whether the pin is low when it is pressed."""

    pin: str
    standard: str
    low: bool


@dataclass(frozen=True)
class Board:
    """A board. Pins are the package's.

    origin: its file, for people. clock: one pin, or the positive and the negative one. lamps: pin and standard of each, which are
    lit when low if lamps_low says so.
    """

    origin: str
    name: str
    part: str
    oscillator_mhz: float
    clock: tuple[str, ...]
    clock_standard: str
    reset: Button | None
    rx: str
    tx: str
    uart_standard: str
    lamps: tuple[tuple[str, str], ...]
    lamps_low: bool
    configuration: tuple[tuple[str, str], ...]
    flash: tuple[str, int]

    @property
    def key(self) -> str:
        """What the file is called, without its ending."""
        return Path(self.origin).stem

    @property
    def clock_ports(self) -> tuple[str, ...]:
        """The top's ports for the oscillator; the first is where its period is told."""
        return ("clk_p", "clk_n") if len(self.clock) == 2 else ("clk_in",)

    @property
    def reset_port(self) -> str | None:
        """The top's port for the button, if there is one."""
        return None if self.reset is None else "reset_n" if self.reset.low else "reset"

    @property
    def places(self) -> list[tuple[str, str, str]]:
        """Port, pin and standard of everything that the top has."""
        places = [(port, pin, self.clock_standard) for port, pin in zip(self.clock_ports, self.clock, strict=True)]
        if self.reset is not None and self.reset_port is not None:
            places.append((self.reset_port, self.reset.pin, self.reset.standard))
        places += [("rx", self.rx, self.uart_standard), ("tx", self.tx, self.uart_standard)]
        return places + [(f"lamps[{number}]", pin, standard) for number, (pin, standard) in enumerate(self.lamps)]


def known() -> list[str]:
    """The names of all boards of the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def is_file(name: str) -> bool:
    """Is it a file, rather than the name of a board of the package?"""
    return name.endswith(".toml")


def board(name: str, folder: Path = FOLDER) -> Board:
    """The board of that name in a folder; or of a file, whose name ends in .toml. Raises BoardError."""
    if is_file(name):
        path = Path(name)
        if not re.fullmatch(FILE, path.name, re.ASCII):
            raise BoardError(f"{name!r:.200}: a board's file is named with letters, digits, blanks, and . + - _")
        return _board(path.name, _Table(name, _values(path, name), KEYS))
    path = folder / f"{name}.toml"
    if not re.fullmatch(r"\w+", name, re.ASCII) or not path.is_file():
        raise BoardError(f"{name:.60}: there is no such board, only {', '.join(known())}, or a file that ends in .toml")
    return _board(f"fpga/series7/boards/{path.name}", _Table(path.name, _values(path, path.name), KEYS))


def _values(path: Path, said: str) -> dict[str, Any]:
    """What a file holds. Raises BoardError, with the name that is said."""
    if not path.is_file():
        raise BoardError(f"{said}: there is no such file" if not path.exists() else f"{said}: it is no regular file")
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise BoardError(f"{said}: {error.strerror}") from None
    if len(data) > LARGEST:
        raise BoardError(f"{said}: it is larger than {LARGEST >> 10} KiB")
    try:
        return tomllib.loads(data.decode())
    except tomllib.TOMLDecodeError as error:
        raise BoardError(f"{said}: {error}") from None
    except UnicodeDecodeError as error:
        raise BoardError(f"{said}: byte {error.start} is not UTF-8 text") from None
    except RecursionError:
        raise BoardError(f"{said}: lists or tables are nested too deeply") from None
    except ValueError:  # of Python's int
        raise BoardError(f"{said}: it has a number of too many digits") from None


class _Table:
    """A table of a board's file. Values are given out by kind; of others a BoardError names file, key and what is expected."""

    def __init__(self, file: str, values: dict[str, Any], known: tuple[str, ...], path: str = "") -> None:
        self.file, self.values, self.path = file, values, path
        for key in values:
            if key not in known:
                raise BoardError(f"{file}: {path}{_word(key)} is not known, only {', '.join(known)}")

    def wrong(self, key: str, expected: str) -> BoardError:
        """What is to be said of a value."""
        found = f"is {_shown(self.values[key])}" if key in self.values else "is missing"
        return BoardError(f"{self.file}: {self.path}{_word(key)} {found}, expected {expected}")

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

    def level(self, key: str) -> bool:
        """Is it low? It is high unless set."""
        return key in self.values and self.text(key, LEVEL) == "low"

    def texts(self, key: str, kind: tuple[str, str], counts: Sequence[int], said: str) -> list[str]:
        """So many texts of a kind. said: how many, for people."""
        values = self.values.get(key)
        expected = f"{said}, each {kind[1]}"
        if not isinstance(values, list):
            raise self.wrong(key, f"a list of {expected}")
        for value in values:
            if not _is(value, kind):
                raise BoardError(f"{self.file}: {self.path}{key} has the entry {_shown(value)}, expected {expected}")
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


def _shown(value: object) -> str:
    """A value in a message, with 60 characters at most."""
    try:
        return f"{value!r:.60}"
    except (ValueError, RecursionError):  # integers of thousands of digits, tables in tables in tables
        return "what cannot be shown"


def _word(key: str) -> str:
    """A key in a message: quoted where it is no word."""
    return key if re.fullmatch(r"[\w.-]{1,60}", key, re.ASCII) else _shown(key)


def _is(value: object, kind: tuple[str, str]) -> bool:
    return isinstance(value, str) and re.fullmatch(kind[0], value, re.ASCII) is not None


def is_part(name: str) -> bool:
    """Is it a part with package and speed grade?"""
    return _is(name, PART)


def _board(origin: str, file: _Table) -> Board:
    uart, flash = file.table("uart", "rx", "tx", "standard"), file.table("flash", "interface", "megabytes")
    mhz, clock, clock_standard = _clock(file)
    lamps, lamps_low = _lamps(file)
    of = Board(
        origin=origin,
        name=file.text("name", NAME),
        part=file.text("part", PART),
        oscillator_mhz=mhz,
        clock=clock,
        clock_standard=clock_standard,
        reset=_reset(file),
        rx=uart.text("rx", PIN),
        tx=uart.text("tx", PIN),
        uart_standard=uart.text("standard", STANDARD),
        lamps=lamps,
        lamps_low=lamps_low,
        configuration=_configuration(file),
        flash=(flash.text("interface", INTERFACE), flash.power_of_two("megabytes", MEGABYTES)),
    )
    pins = [pin for _, pin, _ in of.places]
    for pin in pins:
        if pins.count(pin) > 1:
            raise BoardError(f"{file.file}: pin {pin} is given twice")
    width = of.flash[0].removeprefix("SPIx")
    if width != of.flash[0] and dict(of.configuration).get(WIDTH, "1") != width:
        table = _Table(file.file, dict(of.configuration), (WIDTH, *dict(of.configuration)), "configuration.")
        raise table.wrong(WIDTH, f"{width}, as flash.interface is {of.flash[0]}")
    return of


def _clock(file: _Table) -> tuple[float, tuple[str, ...], str]:
    """The oscillator: MHz; one pin, or the positive and the negative one; their standard."""
    found = file.table("clock").values
    if not {"pin", "p", "n"} & set(found):
        raise BoardError(f"{file.file}: clock has no pin, expected pin, or p and n of a differential one")
    pins = ("pin",) if "pin" in found else ("p", "n")
    table = file.table("clock", "mhz", *pins, "standard")
    standard = table.text("standard", SINGLE if "pin" in found else PAIR)
    return table.number("mhz", *MHZ), tuple(table.text(pin, PIN) for pin in pins), standard


def _reset(file: _Table) -> Button | None:
    """The button, where there is one."""
    if "reset" not in file.values:
        return None
    table = file.table("reset", "pin", "standard", "pressed")
    return Button(table.text("pin", PIN), table.text("standard", STANDARD), table.level("pressed"))


def _lamps(file: _Table) -> tuple[tuple[tuple[str, str], ...], bool]:
    """The lamps, and whether they are lit when low; none where the table is missing."""
    if "lamps" not in file.values:
        return (), False
    table = file.table("lamps", "pins", "standards", "lit")
    pins = table.texts("pins", PIN, range(LAMPS + 1), f"{LAMPS} at most")
    counts = sorted({1, len(pins)})
    standards = table.texts("standards", STANDARD, counts, " or ".join(map(str, counts)))
    each = standards * len(pins) if len(standards) == 1 else standards
    return tuple(zip(pins, each, strict=True)), table.level("lit")


def _configuration(file: _Table) -> tuple[tuple[str, str], ...]:
    """Properties of the bitstream; numbers as they are written."""
    if "configuration" not in file.values:
        return ()
    table = file.table("configuration")
    for name, value in table.values.items():
        if not _is(name, PROPERTY):
            raise BoardError(f"{file.file}: configuration has the key {name!r:.60}, expected {PROPERTY[1]}")
        text = value if isinstance(value, str) else _shown(value)
        if type(value) not in (str, int, float) or not _is(text, SETTING):
            raise table.wrong(name, SETTING[1])
    return tuple((name, str(value)) for name, value in table.values.items())


# --- the clock

VCO_MHZ = (600, 1200)
"""The MMCM's own frequency: what all speed grades of the 7 series allow (DS181, DS182, DS183)."""

PHASE_MHZ = (10, 450)
"""The oscillator's frequency after division, at the phase detector: what all speed grades allow."""


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
    for divide in range(math.ceil(oscillator / PHASE_MHZ[1]), int(oscillator / PHASE_MHZ[0]) + 1):
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
    pins = [f"input wire {port}" for port in (*of.clock_ports, *filter(None, [of.reset_port]), "rx")]
    pins += ["output wire tx", *([f"output wire [{len(of.lamps) - 1}:0] lamps"] if of.lamps else [])]
    ports = "".join(f"    {pin},\n" for pin in pins).removesuffix(",\n")
    oscillator = " ".join(f".{port}({port})," for port in of.clock_ports)
    declared, shown = _show(of, blink_bits)
    reset = {None: "1'b0", "reset": "reset", "reset_n": "~reset_n"}[of.reset_port]
    return f"""\
// {of.name}: {system} on a board.
module {top_name(system)} (
{ports}
);

wire clk, aresetn;
/* verilator lint_off UNUSEDSIGNAL */ // of most counts, the lamps need the lowest bit, or none
wire [31:0] frames_in, frames_out, malformed, dropped;
{declared}/* verilator lint_on UNUSEDSIGNAL */

board_clock #(
    .MULTIPLY({float(clock.multiply)}), .DIVIDE({clock.divide}), .OUTPUT_DIVIDE({float(clock.output)}), .PERIOD({period:.3f})
) clock_instance (
    {oscillator} .reset({reset}), .clk(clk), .aresetn(aresetn)
);

{system} system_instance (
    .aclk(clk), .aresetn(aresetn), .rx(rx), .tx(tx),
    .counters_frames_in(frames_in), .counters_frames_out(frames_out), .counters_malformed(malformed), .counters_dropped(dropped)
);
{shown}
endmodule
"""


def _show(of: Board, blink_bits: int) -> tuple[str, str]:
    """board_lamps in a top, behind the wire that it needs where lamps are fewer than eight, or lit when low."""
    if not of.lamps:
        return "", ""
    whole = len(of.lamps) == LAMPS and not of.lamps_low
    declared = "" if whole else f"wire [{LAMPS - 1}:0] shown;\n"
    assigned = "" if whole else f"\nassign lamps = {'~' if of.lamps_low else ''}shown[{len(of.lamps) - 1}:0];\n"
    instance = f"""
board_lamps #(.BITS({blink_bits})) lamps_instance (
    .clk(clk), .aresetn(aresetn), .rx(rx), .tx(tx),
    .frame_in(frames_in[0]), .frame_out(frames_out[0]), .malformed(malformed), .lamps({"lamps" if whole else "shown"})
);
"""
    return declared, instance + assigned


SINGLE_ENDED = (
    ("    input  wire clk_p,\n    input  wire clk_n,\n", "    input  wire clk_in,\n"),
    ("IBUFDS clock_input (.I(clk_p), .IB(clk_n), .O(oscillator));", "IBUF clock_input (.I(clk_in), .O(oscillator));"),
)
"""How board_clock.v, which takes a differential oscillator, differs for one with a single pin."""


def modules(of: Board) -> dict[str, str]:
    """What a board's top is made of, besides the system: each module's text."""
    clock = (RTL / "board_clock.v").read_text()
    if len(of.clock) == 1:
        for differential, single in SINGLE_ENDED:
            clock = clock.replace(differential, single)
    return {"board_clock": clock, **({"board_lamps": (RTL / "board_lamps.v").read_text()} if of.lamps else {})}


def constraints(of: Board) -> str:
    """Pins, standards, the oscillator. The clock that the MMCM makes follows from it; pins without a clock have no timing."""
    inputs = " ".join(filter(None, [of.reset_port, "rx"]))
    lines = [f"# {of.name}, made from {of.origin}, which has the sources"]
    lines += [f"set_property PACKAGE_PIN {pin} [get_ports {{{port}}}]" for port, pin, _ in of.places]
    lines += [f"set_property IOSTANDARD {standard} [get_ports {{{port}}}]" for port, _, standard in of.places]
    lines += [f"set_property {name} {value} [current_design]" for name, value in of.configuration]
    lines += [
        f"create_clock -name oscillator -period {1000 / of.oscillator_mhz:.3f} [get_ports {of.clock_ports[0]}]",
        f"set_false_path -from [get_ports {{{inputs}}}]",
        f"set_false_path -to [get_ports {{tx{' lamps*' if of.lamps else ''}}}]",
        # the first two registers behind rx; those behind reset carry the attribute in their source
        "set_property ASYNC_REG TRUE [get_cells -hierarchical -regexp {.*uart_receiver_instance/(metastable|line)_reg}]",
    ]
    return "\n".join(lines) + "\n"


def write(folder: Path, system: str, files: list[str], of: Board, clock: Mmcm) -> list[str]:
    """Beside a system's Verilog, the top's, its constraints, and its file list. Returns the Verilog files, in order."""
    name = top_name(system)
    own = {f"{module}.v": text for module, text in modules(of).items()}
    for file, text in own.items():
        (folder / file).write_text(text)
    (folder / f"{name}.v").write_text(top(system, of, clock))
    (folder / f"{name}.xdc").write_text(constraints(of))
    every = [*files, *own, f"{name}.v"]
    (folder / f"{name}.f").write_text("".join(f"{file}\n" for file in every))
    return every
