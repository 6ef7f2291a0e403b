"""Boards as data: what stands in a board's file becomes a top module and constraints around a system's Verilog.

What a family's boards have besides, such as how their clock is made, is a subclass' business, in the family's folder.
"""

from __future__ import annotations

import re
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from .ethernet.link import PHYS, Address, Cable

LAMPS = 8
"""What can be shown. Of fewer lamps, each shows what it would among eight."""

LAMPS_MODULE = Path(__file__).parent / "rtl" / "board_lamps.v"

LARGEST = 1 << 16
"""Bytes of a board's file."""

NAME = r"[\w.+/-][\w .+/-]*", "a line of letters, digits, blanks, and . + / -"
PIN = r"[A-Z]{1,2}\d{1,2}", "a pin's name, such as AB12"
STANDARD = r"[A-Z][A-Z0-9_]*", "an I/O standard, such as LVCMOS18"
PROPERTY = r"[A-Z][A-Z0-9_.]*", "a property's name, such as CFGBVS"
SETTING = r"[\w.+:-]+", "a word or a number; a name with dots is quoted"
LOADER = r"[\w.-]+", "a board's name for openFPGALoader, such as ulx3s"
LEVEL = r"high|low", "high or low"
SINGLE = r"(?!DIFF_|TMDS_|RSDS_|PPDS_)(?!.*LVDS)[A-Z][A-Z0-9_]*", "an I/O standard of one pin, such as LVCMOS33"
PAIR = r"(?!LVCMOS|LVTTL|PCI33|HSTL|SSTL|HSUL|MOBILE)[A-Z][A-Z0-9_]*", "an I/O standard of two pins, such as LVDS"
"""Texts of a board's file: what they look like, and how that is said."""

Text = tuple[str, str]
"""What a text looks like, and how that is said."""


def one_of(*values: str) -> Text:
    """One of some words or numbers."""
    return "|".join(re.escape(value) for value in values), f"one of {', '.join(values)}"


MHZ = 10, 800


class BoardError(ValueError):
    """A board that is not known, or whose file says something that cannot be; the message names it."""


class Clock(Protocol):
    """How a board's clock is made of its oscillator."""

    @property
    def mhz(self) -> Fraction:
        """Its frequency."""
        ...

    @property
    def parameters(self) -> str:
        """Those of the module board_clock, as Verilog."""
        ...


@dataclass(frozen=True)
class Button:
    """A button's pin, its standard, and whether the pin is low when it is pressed."""

    pin: str
    standard: str
    low: bool


@dataclass(frozen=True)
class Board(ABC):
    """A board. Pins are the package's.

    origin: its file, for people. clock: one pin, or the positive and the negative one. lamps: pin and standard of each, which are
    lit when low if lamps_low says so. cable: its Ethernet PHY, where it has one. address: who it is on a network; without one its
    link is the serial line.
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
    cable: Cable | None = field(default=None, kw_only=True)
    address: Address | None = field(default=None, kw_only=True)

    keys: ClassVar[tuple[str, ...]]
    """What a file may have."""

    folder: ClassVar[Path]
    """Where the package's files of this family's boards lie."""

    parts: ClassVar[Text]
    """What its parts are called."""

    primitives: ClassVar[Path]
    """Stands in for the vendor's primitives in simulation."""

    constraints_file: ClassVar[str]
    """How the name of the file of constraints ends."""

    arguments_file: ClassVar[str | None]
    """The file in which the family's flow is told what `arguments` gives, if it wants one."""

    @classmethod
    @abstractmethod
    def read(cls, origin: str, file: Table) -> Self:
        """The board of a file. Raises BoardError."""

    @abstractmethod
    def made_clock(self, wanted_mhz: float) -> Clock:
        """The clock that is nearest to the one wanted, and not above it. Raises BoardError where none is near."""

    @property
    @abstractmethod
    def clock_module(self) -> str:
        """The module board_clock: from the oscillator and the button to clock and reset."""

    @abstractmethod
    def constraints(self) -> str:
        """Pins, standards, the oscillator, in the words of the family's tools."""

    @abstractmethod
    def arguments(self, clock: Clock) -> dict[str, str | float]:
        """What the family's flow is told of the board."""

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
    def network(self) -> Cable | None:
        """Its Ethernet PHY, where that is its link."""
        return self.cable if self.address is not None else None

    def at(self, address: Address) -> Self:
        """The board with Ethernet as its link. Raises BoardError where it has none, or none that is known here."""
        if self.cable is None:
            raise BoardError(f"{self.key}: no Ethernet PHY is known of this board; its link is the serial line")
        return replace(self, address=address)

    @property
    def asynchronous(self) -> tuple[list[str], list[str]]:
        """Inputs and outputs of the top that have no clock."""
        link = ([], ["phy_rst_n"]) if self.network else (["rx"], ["tx"])
        return [*filter(None, [self.reset_port]), *link[0]], [*link[1], *(["lamps*"] if self.lamps else [])]

    @property
    def places(self) -> list[tuple[str, str, str]]:
        """Port, pin and standard of everything that the top has."""
        places = [(port, pin, self.clock_standard) for port, pin in zip(self.clock_ports, self.clock, strict=True)]
        if self.reset is not None and self.reset_port is not None:
            places.append((self.reset_port, self.reset.pin, self.reset.standard))
        places += (
            self.network.places if self.network else [("rx", self.rx, self.uart_standard), ("tx", self.tx, self.uart_standard)]
        )
        return places + [(f"lamps[{number}]", pin, standard) for number, (pin, standard) in enumerate(self.lamps)]

    @property
    def modules(self) -> dict[str, str]:
        """What its top is made of, besides the system: each module's text."""
        return {"board_clock": self.clock_module, **({"board_lamps": LAMPS_MODULE.read_text()} if self.lamps else {})}


def values(path: Path, said: str) -> dict[str, Any]:
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


class Table:
    """A table of a board's file. Values are given out by kind; of others a BoardError names file, key and what is expected."""

    def __init__(self, file: str, values: dict[str, Any], known: tuple[str, ...], path: str = "") -> None:
        self.file, self.values, self.path = file, values, path
        for key in values:
            if key not in known:
                raise BoardError(f"{file}: {path}{word(key)} is not known, only {', '.join(known)}")

    def wrong(self, key: str, expected: str) -> BoardError:
        """What is to be said of a value."""
        found = f"is {shown(self.values[key])}" if key in self.values else "is missing"
        return BoardError(f"{self.file}: {self.path}{word(key)} {found}, expected {expected}")

    def table(self, key: str, *known: str) -> Table:
        """A table inside."""
        if not isinstance(self.values.get(key), dict):
            raise self.wrong(key, "a table")
        return Table(self.file, self.values[key], known or tuple(self.values[key]), f"{self.path}{key}.")

    def text(self, key: str, kind: Text) -> str:
        """A text of a kind."""
        if not is_text(self.values.get(key), kind):
            raise self.wrong(key, kind[1])
        return str(self.values[key])

    def level(self, key: str) -> bool:
        """Is it low? It is high unless set."""
        return key in self.values and self.text(key, LEVEL) == "low"

    def texts(self, key: str, kind: Text, counts: Sequence[int], said: str) -> list[str]:
        """So many texts of a kind. said: how many, for people."""
        values = self.values.get(key)
        expected = f"{said}, each {kind[1]}"
        if not isinstance(values, list):
            raise self.wrong(key, f"a list of {expected}")
        for value in values:
            if not is_text(value, kind):
                raise BoardError(f"{self.file}: {self.path}{key} has the entry {shown(value)}, expected {expected}")
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


def shown(value: object) -> str:
    """A value in a message, with 60 characters at most."""
    try:
        return f"{value!r:.60}"
    except (ValueError, RecursionError):  # integers of thousands of digits, tables in tables in tables
        return "what cannot be shown"


def word(key: str) -> str:
    """A key in a message: quoted where it is no word."""
    return key if re.fullmatch(r"[\w.-]{1,60}", key, re.ASCII) else shown(key)


def is_text(value: object, kind: Text) -> bool:
    """Is it a text of a kind?"""
    return isinstance(value, str) and re.fullmatch(kind[0], value, re.ASCII) is not None


def common(
    origin: str,
    file: Table,
    parts: Text,
    pins: Text = PIN,
    standards: Text = STANDARD,
    properties: Mapping[str, Text] | None = None,
    others: bool = True,
) -> dict[str, Any]:
    """What all boards have, as arguments of a Board. parts, pins, standards: what those of the family are called. properties: of
    the bitstream, with their values; others: whether there may be more. Raises BoardError.
    """
    uart = file.table("uart", "rx", "tx", "standard")
    mhz, clock, clock_standard = _clock(file, pins, standards)
    lamps, lamps_low = _lamps(file, pins, standards)
    return {
        "origin": origin,
        "name": file.text("name", NAME),
        "part": file.text("part", parts),
        "oscillator_mhz": mhz,
        "clock": clock,
        "clock_standard": clock_standard,
        "reset": _reset(file, pins, standards),
        "rx": uart.text("rx", pins),
        "tx": uart.text("tx", pins),
        "uart_standard": uart.text("standard", standards),
        "lamps": lamps,
        "lamps_low": lamps_low,
        "configuration": _configuration(file, properties or {}, others),
        "cable": _cable(file, pins, standards),
    }


def checked(of: Board, file: Table) -> None:
    """BoardError where a pin is given twice."""
    others = of.cable.places if of.cable and not of.network else []
    pins = [pin for _, pin, _ in (*of.places, *others)]
    for pin in pins:
        if pins.count(pin) > 1:
            raise BoardError(f"{file.file}: pin {pin} is given twice")


def _clock(file: Table, kind: Text, standards: Text) -> tuple[float, tuple[str, ...], str]:
    """The oscillator: MHz; one pin, or the positive and the negative one; their standard."""
    found = file.table("clock").values
    if not {"pin", "p", "n"} & set(found):
        raise BoardError(f"{file.file}: clock has no pin, expected pin, or p and n of a differential one")
    pins = ("pin",) if "pin" in found else ("p", "n")
    table = file.table("clock", "mhz", *pins, "standard")
    standard = table.text("standard", SINGLE if "pin" in found else PAIR)
    if "pin" in found:
        table.text("standard", standards)
    return table.number("mhz", *MHZ), tuple(table.text(pin, kind) for pin in pins), standard


def _reset(file: Table, kind: Text, standards: Text) -> Button | None:
    """The button, where there is one."""
    if "reset" not in file.values:
        return None
    table = file.table("reset", "pin", "standard", "pressed")
    return Button(table.text("pin", kind), table.text("standard", standards), table.level("pressed"))


def _lamps(file: Table, kind: Text, standards: Text) -> tuple[tuple[tuple[str, str], ...], bool]:
    """The lamps, and whether they are lit when low; none where the table is missing."""
    if "lamps" not in file.values:
        return (), False
    table = file.table("lamps", "pins", "standards", "lit")
    pins = table.texts("pins", kind, range(LAMPS + 1), f"{LAMPS} at most")
    counts = sorted({1, len(pins)})
    given = table.texts("standards", standards, counts, " or ".join(map(str, counts)))
    each = given * len(pins) if len(given) == 1 else given
    return tuple(zip(pins, each, strict=True)), table.level("lit")


def _cable(file: Table, kind: Text, standards: Text) -> Cable | None:
    """The Ethernet PHY, where there is one: a pin, or the pins of a row, lowest bit first."""
    if "ethernet" not in file.values:
        return None
    phy = PHYS[file.table("ethernet").text("phy", one_of(*PHYS))]
    table = file.table("ethernet", "phy", "standard", *(pin.name for pin in phy.pins))
    single = {pin.name: (table.text(pin.name, kind),) for pin in phy.pins if pin.bits == 1}
    rows = {pin.name: tuple(table.texts(pin.name, kind, [pin.bits], str(pin.bits))) for pin in phy.pins if pin.bits > 1}
    return Cable(phy, single | rows, table.text("standard", standards))


def _configuration(file: Table, properties: Mapping[str, Text], others: bool) -> tuple[tuple[str, str], ...]:
    """Properties of the bitstream; numbers as they are written."""
    if "configuration" not in file.values:
        return ()
    table = file.table("configuration")
    for name, value in table.values.items():
        if not is_text(name, PROPERTY):
            raise BoardError(f"{file.file}: configuration has the key {name!r:.60}, expected {PROPERTY[1]}")
        text = value if isinstance(value, str) else shown(value)
        if not (others or name in properties):
            raise BoardError(f"{file.file}: configuration.{word(name)} is not known, only {', '.join(properties)}")
        kind = properties.get(name, SETTING)
        if type(value) not in (str, int, float) or not is_text(text, kind):
            raise table.wrong(name, kind[1])
    return tuple((name, str(value)) for name, value in table.values.items())


# --- what is written


def top_name(system: str) -> str:
    """The name of the top module."""
    return f"{system}_board"


def top(system: str, of: Board, clock: Clock, blink_bits: int = 26) -> str:
    """The top module: clock, reset, lamps, and a system between the link's pins. system: with Ethernet, that behind LiteEth."""
    pins = [f"input wire {port}" for port in (*of.clock_ports, *filter(None, [of.reset_port]))]
    parameters, linked, instance, moving = _link(system, of)
    pins += [*linked, *([f"output wire [{len(of.lamps) - 1}:0] lamps"] if of.lamps else [])]
    ports = "".join(f"    {pin},\n" for pin in pins).removesuffix(",\n")
    oscillator = " ".join(f".{port}({port})," for port in of.clock_ports)
    declared, shown = _show(of, blink_bits, moving)
    reset = {None: "1'b0", "reset": "reset", "reset_n": "~reset_n"}[of.reset_port]
    return f"""\
// {of.name}: {system} on a board.
module {top_name(system)} {parameters}(
{ports}
);

wire clk, aresetn;
/* verilator lint_off UNUSEDSIGNAL */ // of most counts, the lamps need the lowest bit, or none
wire [31:0] frames_in, frames_out, malformed, dropped;
{declared}/* verilator lint_on UNUSEDSIGNAL */

board_clock #(
    {clock.parameters}
) clock_instance (
    {oscillator} .reset({reset}), .clk(clk), .aresetn(aresetn)
);

{system} system_instance (
    {instance},
    .counters_frames_in(frames_in), .counters_frames_out(frames_out), .counters_malformed(malformed), .counters_dropped(dropped)
);
{shown}
endmodule
"""


def _link(system: str, of: Board) -> tuple[str, list[str], str, str]:
    """Of a top: its parameters, the ports of its link, what is joined to the system's, and what its lamps see of the link."""
    if of.network is None or of.address is None:
        return "", ["input wire rx", "output wire tx"], ".aclk(clk), .aresetn(aresetn), .rx(rx), .tx(tx)", ".rx(rx), .tx(tx)"
    parameters = f"""#(
    parameter [47:0] MAC_ADDRESS = 48'h{of.address.mac:012x}, // {of.address.hardware}
    parameter [31:0] IP_ADDRESS = 32'h{of.address.ip:08x} // {of.address}
) """
    ports = [
        f"{'output' if pin.output else 'input'} wire {f'[{pin.bits - 1}:0] ' if pin.bits > 1 else ''}{port}"
        for port, pin in of.network.phy.ports()
    ]
    joined = ", ".join(f".{port}({port})" for port, _ in of.network.phy.ports())
    instance = f""".clk(clk), .reset(~aresetn), .mac_address(MAC_ADDRESS), .ip_address(IP_ADDRESS),
    {joined},
    .heard(heard), .said(said)"""
    return parameters, ports, instance, ".rx(heard), .tx(~said)"


def _show(of: Board, blink_bits: int, moving: str) -> tuple[str, str]:
    """board_lamps in a top, behind the wire that it needs where lamps are fewer than eight, or lit when low."""
    heard = "wire heard, said;\n" if of.network else ""
    if not of.lamps:
        return heard, ""
    whole = len(of.lamps) == LAMPS and not of.lamps_low
    declared = heard + ("" if whole else f"wire [{LAMPS - 1}:0] shown;\n")
    assigned = "" if whole else f"\nassign lamps = {'~' if of.lamps_low else ''}shown[{len(of.lamps) - 1}:0];\n"
    instance = f"""
board_lamps #(.BITS({blink_bits})) lamps_instance (
    .clk(clk), .aresetn(aresetn), {moving},
    .frame_in(frames_in[0]), .frame_out(frames_out[0]), .malformed(malformed), .lamps({"lamps" if whole else "shown"})
);
"""
    return declared, instance + assigned


def write(folder: Path, system: str, files: list[str], of: Board, clock: Clock) -> list[str]:
    """Beside a system's Verilog, the top's, its constraints, and its file list. Returns the Verilog files, in order."""
    name = top_name(system)
    own = {f"{module}.v": text for module, text in of.modules.items()}
    for file, text in own.items():
        (folder / file).write_text(text)
    (folder / f"{name}.v").write_text(top(system, of, clock))
    (folder / f"{name}{of.constraints_file}").write_text(of.constraints())
    every = [*files, *own, f"{name}.v"]
    (folder / f"{name}.f").write_text("".join(f"{file}\n" for file in every))
    return every
