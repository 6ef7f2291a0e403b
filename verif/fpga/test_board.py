"""Boards of the 7 series: files, clocks that can be made, what is written; the top in Verilator and in Yosys; the lamps."""

from __future__ import annotations

import difflib
import itertools
import os
import re
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from sigmabit.fpga.board import Board, BoardError, top, top_name, write
from sigmabit.fpga.boards import board, files, known
from sigmabit.fpga.series7.board import Series7Board, mmcm
from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden import import_model
from sigmabit.hdl.family.parts import part
from sigmabit.hdl.link.link import System, divisor, system_of
from sigmabit.hdl.planning.planner import Planner
from sigmabit.hdl.verilog.convert import convert

from ..harness.command_line import DIGITS, Call, Refused
from ..simulation.toolchain import run_tool, verilator_environment, verilator_root

KEYS = known(Series7Board)

every_board = pytest.mark.parametrize("key", KEYS)

LIMIT_LUTS = 1500
"""Of the link and everything else that a board adds to a network."""


class TestFiles:
    def test_known(self) -> None:
        assert {"arty_a7_100", "kc705", "vc707", "vc709"} <= set(known())

    @every_board
    def test_small_and_with_sources(self, key: str) -> None:
        """A board is one small file, and each of its facts names where it was read."""
        lines = files()[key].read_text().splitlines()
        assert len(lines) <= 60
        assert all(re.search(r"\[[A-Z]\]", line) for line in lines if re.match(r"^(\[\w+\]|part)", line))

    @every_board
    def test_constraints(self, key: str) -> None:
        """Every port of the top has its pin and its standard, once; nothing else has."""
        of = board(key)
        text = of.constraints()
        clock = ["clk_p", "clk_n"] if key != "arty_a7_100" else ["clk_in"]
        ports = ports_of(top("some_system", of, mmcm(of.oscillator_mhz, 100.0)))
        reset = "reset" if len(clock) == 2 else "reset_n"
        assert ports == [*clock, reset, "rx", "tx", *(f"lamps[{number}]" for number in range(len(of.lamps)))]
        for what in ("PACKAGE_PIN", "IOSTANDARD"):
            found = re.findall(rf"^set_property {what} (\S+) \[get_ports {{(\S+)}}\]$", text, re.MULTILINE)
            assert sorted(port for _, port in found) == sorted(ports)
        assert f"create_clock -name oscillator -period {1000 / of.oscillator_mhz:.3f} [get_ports {clock[0]}]\n" in text

    @pytest.mark.parametrize(
        ("before", "after", "message"),
        [
            ("AU33", "AU36", "pin AU36 is given twice"),
            ("AU33", "nowhere", "uart.rx is 'nowhere', expected a pin's name, such as AB12"),
            ('rx = "AU33"', "rx = 5", "uart.rx is 5, expected a pin's name, such as AB12"),
            ("mhz = 200.0", "mhz = 2.0", "clock.mhz is 2.0, expected a number from 10 to 800"),
            ("mhz = 200.0", "mhz = -200", "clock.mhz is -200, expected a number from 10 to 800"),
            ("mhz = 200.0", "mhz = nan", "clock.mhz is nan, expected a number from 10 to 800"),
            ("mhz = 200.0", "mhz = true", "clock.mhz is True, expected a number from 10 to 800"),
            ("mhz = 200.0", 'mhz = "125"', "clock.mhz is '125', expected a number from 10 to 800"),
            ("mhz = 200.0\n", "", "clock.mhz is missing, expected a number from 10 to 800"),
            ("mhz = 200.0", "mhz = 200.0\nduty = 50", "clock.duty is not known, only mhz, p, n, standard"),
            (
                "[uart]",
                "[uarts]",
                "uarts is not known, only name, part, clock, reset, uart, ethernet, lamps, configuration, flash",
            ),
            ("[lamps]", "[[lamps]]", r"lamps is \[.*, expected a table"),
            ('"AM39", ', '"AM39", "A1", ', "lamps.pins has 9 entries, expected 8 at most, each a pin's name, such as AB12"),
            (
                'pins = ["AM39", ',
                "pins = [39, ",
                "lamps.pins has the entry 39, expected 8 at most, each a pin's name, such as AB12",
            ),
            ('["LVCMOS18"]', '"LVCMOS33"', "lamps.standards is 'LVCMOS33', expected a list of 1 or 8, each an I/O standard.*"),
            (
                '["LVCMOS18"]',
                '["LVCMOS18", "LVCMOS15"]',
                "lamps.standards has 2 entries, expected 1 or 8, each an I/O standard.*",
            ),
            (
                '"DIFF_SSTL15"',
                '"LVDS; exit"',
                "clock.standard is 'LVDS; exit', expected an I/O standard of two pins, such as LVDS",
            ),
            ('"DIFF_SSTL15"', '"LVCMOS18"', "clock.standard is 'LVCMOS18', expected an I/O standard of two pins, such as LVDS"),
            ('p = "H19"', 'pin = "H19"', "clock.n is not known, only mhz, pin, standard"),
            ('p = "H19"\nn = "G18"\n', "", "clock has no pin, expected pin, or p and n of a differential one"),
            ('n = "G18"\n', "", "clock.n is missing, expected a pin's name, such as AB12"),
            ('n = "G18"\nstandard = "DIFF_', 'standard = "', "clock.standard is 'SSTL15', .*"),
            ("[uart]", 'pressed = "low!"\n[uart]', "reset.pressed is 'low!', expected high or low"),
            ("[configuration]", "lit = 0\n[configuration]", "lamps.lit is 0, expected high or low"),
            ('"LVCMOS18"', '"LVCMOS 18"', "reset.standard is 'LVCMOS 18', expected an I/O standard, such as LVCMOS18"),
            ("ffg1761-2", "", "part is 'xc7vx690t', expected a 7-series part with package and speed grade, .*"),
            ("xc7vx690tffg1761-2", "xcku040-ffva1156-2-e", "part is 'xcku040-ffva1156-2-e', expected a 7-series part .*"),
            ('"VC709"', '"VC709\\nmodule"', r"name is 'VC709\\nmodule', expected a line of letters, digits, .*"),
            ('"VC709"', "7", "name is 7, expected a line of letters, digits, blanks.*"),
            (
                'CONFIG_MODE = "BPI16"',
                'CONFIG_MODE = "GND; exit"',
                "configuration.CONFIG_MODE is 'GND; exit', expected a word or a number.*",
            ),
            ('CFGBVS = "GND"', 'CFGBVS = "MAYBE"', "configuration.CFGBVS is 'MAYBE', expected one of VCCO, GND"),
            (
                'CONFIG_MODE = "BPI16"',
                "A.B = 4",
                "configuration.A is {'B': 4}, expected a word or a number; a name with dots is quoted",
            ),
            (
                'CFGBVS = "GND"',
                '"CFG BVS" = 4',
                "configuration has the key 'CFG BVS', expected a property's name, such as CFGBVS",
            ),
            ("megabytes = 128", 'megabytes = "lots"', "flash.megabytes is 'lots', expected a power of two, 1024 at most"),
            ("megabytes = 128", "megabytes = true", "flash.megabytes is True, expected a power of two, 1024 at most"),
            ("megabytes = 128", "megabytes = -16", "flash.megabytes is -16, expected a power of two, 1024 at most"),
            ('"BPIx16"', '"QSPI"', "flash.interface is 'QSPI', expected one of BPIx8, BPIx16, SPIx1, SPIx2, SPIx4"),
            (
                '"BPIx16"',
                '"SPIx4"',
                "configuration.BITSTREAM.CONFIG.SPI_BUSWIDTH is missing, expected 4, as flash.interface is SPIx4",
            ),
            ("[clock]", "[clock", r"Expected .*"),
            ("mhz = 200.0", f"mhz = {'9' * 5000}", "it has a number of too many digits"),
            ("mhz = 200.0", f"mhz = 0x{'f' * 5000}", "clock.mhz is what cannot be shown, expected a number from 10 to 800"),
            ("mhz = 200.0", "mhz = 1e400", "clock.mhz is inf, expected a number from 10 to 800"),
            ("mhz = 200.0", "mhz = 2026-01-01", r"clock.mhz is datetime.date\(2026, 1, 1\), expected a number .*"),
            ("= 128", f"= 0x{'f' * 5000}", "flash.megabytes is what cannot be shown, expected a power of two, 1024 at most"),
            ('"AM39"', f"0x{'f' * 5000}", "lamps.pins has the entry what cannot be shown, expected 8 at most, .*"),
            (
                'CONFIG_MODE = "BPI16"',
                f"CONFIG_MODE = 0x{'f' * 5000}",
                "configuration.CONFIG_MODE is what cannot be shown, expected a word .*",
            ),
            (
                'CONFIG_MODE = "BPI16"',
                f"CONFIG_MODE{'.a' * 9000} = 1",
                "configuration.CONFIG_MODE is .*, expected a word or a number; .*",
            ),
            ("mhz = 200.0", f"mhz = {'[' * 5000}{']' * 5000}", "lists or tables are nested too deeply"),
            ("[clock]", '"a\\u001b[2J\\nb" = 1\n[clock]', r"'a\\x1b\[2J\\nb' is not known, only name, .*"),
            ("[clock]", f"{'a' * 2000} = 1\n[clock]", "'a{59} is not known, only name, .*"),
            ("[clock]", f"# {'a' * 70000}\n[clock]", "it is larger than 64 KiB"),
            ("# Xilinx", "# \udcff", r".* is not UTF-8 .*"),
        ],
    )
    def test_odd_files(self, tmp_path: Path, before: str, after: str, message: str) -> None:
        """Whatever is wrong with a file, one sentence names the file, the key, and what is expected."""
        text = files()["vc709"].read_text()
        assert before in text
        file = tmp_path / "odd.toml"
        file.write_text(text.replace(before, after, 1), errors="surrogateescape")
        with pytest.raises(BoardError, match=f"^{re.escape('odd.toml: ')}{message}$"):
            board("odd", tmp_path)
        with pytest.raises(BoardError, match=f"^{re.escape(f'{file}: ')}{message}$"):
            board(str(file))

    @pytest.mark.parametrize(
        ("before", "after", "message"),
        [
            ('"LVCMOS33"', '"LVDS_25"', "clock.standard is 'LVDS_25', expected an I/O standard of one pin, such as LVCMOS33"),
            ('"LVCMOS33"', '"DIFF_SSTL15"', "clock.standard is 'DIFF_SSTL15', expected an I/O standard of one pin, .*"),
            ('pin = "E3"', 'pin = "E3"\nn = "E4"', "clock.n is not known, only mhz, pin, standard"),
            ('"T10"', '"E3"', "pin E3 is given twice"),
            ('"T10"', '"C2"', "pin C2 is given twice"),
            (
                '["LVCMOS33"]',
                '["LVCMOS33", "LVCMOS33"]',
                "lamps.standards has 2 entries, expected 1 or 4, each an I/O standard.*",
            ),
            ("[reset]", "[rest]", "rest is not known, only name, .*"),
        ],
    )
    def test_odd_files_of_few_pins(self, tmp_path: Path, before: str, after: str, message: str) -> None:
        """The same, of a single-ended oscillator and four lamps."""
        text = files()["arty_a7_100"].read_text()
        assert before in text
        (tmp_path / "odd.toml").write_text(text.replace(before, after, 1))
        with pytest.raises(BoardError, match=f"^{re.escape('odd.toml: ')}{message}$"):
            board("odd", tmp_path)

    @pytest.mark.parametrize(("interface", "width"), [("SPIx4", 4), ("SPIx2", 2), ("SPIx1", None), ("SPIx1", 1)])
    def test_widths_of_spi(self, tmp_path: Path, interface: str, width: int | None) -> None:
        """That of the bitstream is that of the flash; it is 1 unless set."""
        text = files()["vc709"].read_text().replace("BPIx16", interface)
        line = f'"BITSTREAM.CONFIG.SPI_BUSWIDTH" = {width}\n' if width else ""
        (tmp_path / "odd.toml").write_text(text.replace("[configuration]", f"[configuration]\n{line}", 1))
        found = board("odd", tmp_path)
        assert isinstance(found, Series7Board) and found.flash == (interface, 128)
        other = "SPIx4" if interface != "SPIx4" else "SPIx1"
        (tmp_path / "odd.toml").write_text((tmp_path / "odd.toml").read_text().replace(interface, other))
        with pytest.raises(
            BoardError,
            match=f"SPI_BUSWIDTH is .*{width or 'missing'}.*, expected {other[-1]}, as flash.interface is {other}",
        ):
            board("odd", tmp_path)

    def test_unknown(self) -> None:
        sentence = f"there is no such board, only {', '.join(known())}, or a file that ends in .toml"
        for name in ("vc708", "", "../boards/vc709", "/etc/passwd", "vc709.TOML"):
            with pytest.raises(BoardError, match=f"^{re.escape(name)}: {sentence}$"):
                board(name)

    def test_files_elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file anywhere is a board, as one of the package is; constraints name the file, and no folder of this machine."""
        for key in KEYS:
            (tmp_path / f"my {key}.toml").write_bytes(files()[key].read_bytes())
            ours, theirs = board(key), board(str(tmp_path / f"my {key}.toml"))
            assert replace(theirs, origin=ours.origin) == ours and theirs.key == f"my {key}"
            assert theirs.constraints() == ours.constraints().replace(f"fpga/series7/boards/{key}.toml", f"my {key}.toml")
        monkeypatch.chdir(tmp_path)
        assert board("my vc709.toml").part == board("vc709").part

    def test_no_files(self, tmp_path: Path) -> None:
        """What is no file is said to be none, at once, and nothing is read of it that does not end."""
        os.mkfifo(tmp_path / "pipe.toml")
        (tmp_path / "zero.toml").symlink_to("/dev/zero")
        (tmp_path / "folder.toml").mkdir()
        for name in ("pipe", "zero", "folder"):
            with pytest.raises(BoardError, match=rf"/{name}\.toml: it is no regular file$"):
                board(str(tmp_path / f"{name}.toml"))
        with pytest.raises(BoardError, match=r"^nowhere\.toml: there is no such file$"):
            board("nowhere.toml")
        with pytest.raises(
            BoardError, match=r"^'a\\nb\.toml': a board's file is named with letters, digits, blanks, and \. \+ - _$"
        ):
            board("a\nb.toml")

    def test_what_may_be_missing(self, tmp_path: Path) -> None:
        """Reset and lamps; and what is then neither in the top nor in the constraints."""
        text = files()["arty_a7_100"].read_text()
        text = re.sub(r"\[(reset|lamps)\].*?\n\n", "", text, flags=re.DOTALL)
        (tmp_path / "bare.toml").write_text(text)
        of = board("bare", tmp_path)
        written = top("some_system", of, mmcm(100.0, 100.0)), of.constraints()
        assert ports_of(written[0]) == ["clk_in", "rx", "tx"]
        assert "lamps_instance" not in written[0] and "board_lamps" not in of.modules
        assert "-from [get_ports {rx}]" in written[1] and "-to [get_ports {tx}]" in written[1]
        (tmp_path / "bare.toml").write_text(text + "[lamps]\npins = []\nstandards = []\n")
        assert board("bare", tmp_path) == of


def ports_of(top_text: str) -> list[str]:
    """The ports of a top, in order; of buses, every bit."""
    head = top_text.partition(");")[0]
    ports = []
    for last, name in re.findall(r"put wire (?:\[(\d+):0\] )?(\w+)", head):
        ports += [f"{name}[{number}]" for number in range(int(last) + 1)] if last else [name]
    return ports


DOCS = Path(__file__).parents[2] / "docs" / "boards"


def rows(page: str) -> dict[str, str]:
    """The table that a page begins with, without marks of code."""
    head = (DOCS / f"{page}.md").read_text().partition("\n## ")[0].replace("`", "")
    return dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", head, re.MULTILINE))


class TestPages:
    """A board may have a page in docs. What stands there is what its file says."""

    PAGES = tuple(key for key in KEYS if (DOCS / f"{key}.md").is_file())

    def test_pages(self) -> None:
        """Those of the boards that were here first."""
        assert {"arty_a7_100", "kc705", "vc707", "vc709"} <= set(self.PAGES)

    @pytest.mark.parametrize("key", PAGES)
    def test_pins(self, key: str) -> None:
        """Every pin with its standard, in the order of the constraints, and no other."""
        text = board(key).constraints()
        places, standards = (
            {
                port: value
                for value, port in re.findall(rf"^set_property {what} (\S+) \[get_ports {{(\S+)}}\]$", text, re.MULTILINE)
            }
            for what in ("PACKAGE_PIN", "IOSTANDARD")
        )
        section = (DOCS / f"{key}.md").read_text().partition("\n## Pins\n")[2].partition("\n## ")[0]
        table = re.findall(r"^\| `(\S+)` \| (\S+) \| (\S+) \| .+ \|$", section, re.MULTILINE)
        assert table == [(port, places[port], standards[port]) for port in places]

    @pytest.mark.parametrize("key", PAGES)
    def test_facts(self, key: str) -> None:
        """The device and what it holds, the oscillator, the configuration and the flash."""
        of, facts = board(key), rows(key)
        device = part(of.part)
        assert isinstance(of, Series7Board)
        assert facts["device"] == of.part
        assert facts["LUTs"] == f"{device.lut:,}" and facts["registers"] == f"{device.ff:,}"
        assert facts["RAMB36"] == f"{device.bram36:,}" and facts["DSP48"] == f"{device.dsp:,}"
        assert facts["oscillator"].startswith(f"{of.oscillator_mhz:g} MHz")
        assert facts["flash"].startswith(f"{of.flash[1]} MB, {of.flash[0]}")
        assert {name: facts[name] for name, _ in of.configuration} == dict(of.configuration)

    @pytest.mark.parametrize("key", PAGES)
    def test_sources(self, key: str) -> None:
        """Every source that the file names is on the page, by the same letter."""
        named = re.findall(r"^#   \[([A-Z])\] (\S+?/\S+?),", files()[key].read_text(), re.MULTILINE)
        page = (DOCS / f"{key}.md").read_text()
        assert named and [letter for letter, repository in named if f"| {letter} | {repository}" not in page] == []


class TestClock:
    @pytest.mark.parametrize("mhz", [10, 33, 50, 66.6, 90, 100, 123.4, 150, 187.5, 200, 233.3, 250, 300, 399, 450])
    @pytest.mark.parametrize("oscillator", [25.0, 100.0, 156.25, 200.0])
    def test_settings(self, oscillator: float, mhz: float) -> None:
        """Within the MMCM's bounds; what they make is what is said, and no faster than asked for."""
        made = mmcm(oscillator, mhz)
        assert made.mhz == Fraction(oscillator).limit_denominator(10**6) * made.multiply / made.divide / made.output
        assert 0.99 * mhz <= made.mhz <= mhz + 1e-6
        assert 600 <= made.mhz * made.output <= 1200 and 10 <= Fraction(oscillator) / made.divide <= 450
        assert 2 <= made.multiply <= 64 and 1 <= made.divide <= 106 and 1 <= made.output <= 128
        assert made.output == 1 or made.output >= 2
        assert (8 * made.multiply).denominator == (8 * made.output).denominator == 1

    @pytest.mark.parametrize("mhz", [10, 66.6, 100, 150, 187.5, 200, 300])
    @pytest.mark.parametrize("oscillator", [10.0, 12.0, 27.0, 33.333333, 74.25, 125.0, 450.0, 500.0, 600.0, 800.0])
    def test_slow_and_fast(self, oscillator: float, mhz: float) -> None:
        """Whatever oscillator a file may have: the bounds of the slowest speed grade."""
        self.test_settings(oscillator, mhz)

    @pytest.mark.parametrize("mhz", [50, 100, 150, 200, 250, 300])
    def test_exact(self, mhz: float) -> None:
        assert mmcm(200.0, mhz).mhz == mhz

    @pytest.mark.parametrize("mhz", [1.0, 2000.0])
    def test_impossible(self, mhz: float) -> None:
        with pytest.raises(BoardError, match=rf"^no clock of {mhz:g} MHz can be made of one of 200 MHz$"):
            mmcm(200.0, mhz)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, list[str]]:
    """A digits recogniser on a board: the folder, the system's name, the Verilog files."""
    folder = tmp_path_factory.mktemp("board") / "verilog"
    network = import_model(DIGITS)
    plan = Planner(network, "xc7vx690t", clock_mhz=200.0).plan(2000)
    design = convert(System(system_of(plan, divisor(200e6, 921_600))).outline())
    design.write(folder)
    return folder, design.top, write(folder, design.top, design.files, board("vc709"), mmcm(200.0, 200.0))


class TestTop:
    def test_area(self, written: tuple[Path, str, list[str]], tmp_path: Path) -> None:
        """What a board adds: the link, the clock and the lamps. The vendor's primitives are found, and stay what they are."""
        folder, _, files = written
        sources = [folder / name for name in files]
        areas = {name: synthesise(sources, name, tmp_path / name).area for name in ("link", "board_clock", "board_lamps")}
        assert sum(area.lut for area in areas.values()) <= LIMIT_LUTS
        cells = areas["board_clock"].cells
        assert (cells["IBUFDS"], cells["MMCME2_BASE"], cells["BUFG"]) == (1, 1, 1)

    @every_board
    def test_lint(self, written: tuple[Path, str, list[str]], tmp_path: Path, key: str) -> None:
        """Verilator, all warnings on, of the top and what belongs to boards, for each board."""
        folder, system, _ = written
        copy = Path(shutil.copytree(folder, tmp_path / "verilog"))
        self._lint(copy, system, board(key), tmp_path / "log")

    def _lint(self, folder: Path, system: str, of: Board, log: Path) -> None:
        files = [f"{name}.v" for name in self._modules(folder, system)]
        files = write(folder, system, files, of, mmcm(of.oscillator_mhz, 150.0))
        (folder / "primitives.v").write_text(lint_off(of.primitives.read_text()))
        command = ["perl", str(verilator_root() / "bin" / "verilator"), "--lint-only", "-Wall", "--top-module", top_name(system)]
        run_tool([*command, "primitives.v", *files], log, verilator_environment(), folder)

    @pytest.mark.parametrize(
        ("pins", "reset", "lamps"), [(1, None, 0), (1, "low", 8), (1, "high", 1), (2, None, 4), (2, "low", 1), (2, "high", 0)]
    )
    def test_lint_of_every_kind(
        self, written: tuple[Path, str, list[str]], tmp_path: Path, pins: int, reset: str | None, lamps: int
    ) -> None:
        """One pin or two for the clock, a button of either level or none, so many lamps, of either level: no warning."""
        of = board("vc709")
        button = replace(of.reset, low=reset == "low") if reset and of.reset else None
        if pins == 1:
            of = replace(of, clock=("E3",), clock_standard="LVCMOS33")
        kind = replace(of, reset=button, lamps=of.lamps[:lamps], lamps_low=reset == "low")
        copy = Path(shutil.copytree(written[0], tmp_path / "verilog"))
        self._lint(copy, written[1], kind, tmp_path / "log")

    def test_single_ended(self, tmp_path: Path) -> None:
        """Its clock has another buffer, and is the same otherwise."""
        of = board("arty_a7_100")
        file = tmp_path / "board_clock.v"
        file.write_text(of.modules["board_clock"])
        cells = synthesise([file], "board_clock", tmp_path / "run").area.cells
        assert [cells.get(cell) for cell in ("IBUF", "IBUFDS", "MMCME2_BASE", "BUFG")] == [1, None, 1, 1]
        ours, theirs = (board(key).modules["board_clock"].splitlines() for key in ("arty_a7_100", "vc709"))
        assert len([line for line in difflib.ndiff(theirs, ours) if line[0] in "+-"]) == 5

    @staticmethod
    def _modules(folder: Path, system: str) -> list[str]:
        return [Path(line).stem for line in (folder / f"{system}.f").read_text().split()]

    def test_parameters(self) -> None:
        """The clock's settings arrive in the top."""
        text = top("some_system", board("kc705"), mmcm(200.0, 90.0))
        made = mmcm(200.0, 90.0)
        assert f".MULTIPLY({float(made.multiply)}), .DIVIDE({made.divide}), .OUTPUT_DIVIDE({float(made.output)})" in text
        assert "module some_system_board (" in text and "\nsome_system system_instance (" in text


def lint_off(text: str) -> str:
    """Models have ports of which they make no use, and several to a file."""
    rules = "UNUSEDSIGNAL", "UNUSEDPARAM", "DECLFILENAME"
    return "".join(f"/* verilator lint_off {rule} */\n" for rule in rules) + text


class TestCommand:
    def test_written(self, call: Call, tmp_path: Path) -> None:
        """All files of the list, the constraints, and what was chosen; again, with what the first run left gone."""
        done = call("board", DIGITS, "--board", "kc705", "--clock-mhz", 150, "-o", tmp_path / "out", "--json").json
        assert (done["part"], done["clock_mhz"], done["cycles_per_bit"]) == ("xc7k325tffg900-2", 150.0, 163)
        assert (done["interface"], done["megabytes"]) == ("SPIx4", 16)
        listed = (tmp_path / "out" / f"{done['top']}.f").read_text().split()
        assert all((tmp_path / "out" / name).is_file() for name in listed) and listed[-1] == f"{done['top']}.v"
        assert (tmp_path / "out" / f"{done['top']}.xdc").read_text() == board("kc705").constraints()
        again = call("board", DIGITS, "--board", "vc709", "-o", tmp_path / "out", "--json").json
        kept = {path.name for path in (tmp_path / "out").iterdir()}
        listed = (tmp_path / "out" / f"{again['top']}.f").read_text().split()
        assert {name for name in kept if name.endswith(".v")} == set(listed)

    def test_a_file_elsewhere(self, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """As with a board of the package, but for the name."""
        (tmp_path / "mine.toml").write_bytes(files()["arty_a7_100"].read_bytes())
        monkeypatch.chdir(tmp_path)
        done = call("board", DIGITS, "--board", "mine.toml", "--clock-mhz", 100, "-o", "out", "--json").json
        assert (done["part"], done["board"], done["megabytes"]) == ("xc7a100tcsg324-1", "mine", 16)
        listed = Path("out", f"{done['top']}.f").read_text().split()
        assert listed[-3:] == ["board_clock.v", "board_lamps.v", f"{done['top']}.v"]
        assert "clk_n" not in "".join(path.read_text() for path in Path("out").iterdir() if "board" in path.name)

    def test_refused(self, refused: Refused, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        refused(["board", DIGITS, "--board", "vc708", "-o", "out"], "vc708: there is no such board")
        refused(["serve-sim", DIGITS, "--board", "vc708"], "vc708: there is no such board")
        refused(["board", DIGITS, "--board", "mine.toml", "-o", "out"], "mine.toml: there is no such file")
        refused(["serve-sim", DIGITS, "--board", "mine.toml"], "mine.toml: there is no such file")
        refused(["board", DIGITS, "--board", "vc709", "--baud", 30_000_000, "-o", "out"], "too fast", "8 are needed")
        refused(["board", DIGITS, "--board", "vc709", "--clock-mhz", 2, "-o", "out"], "no clock of 2 MHz can be made")


def test_boards_differ() -> None:
    """No board was made by copying another and forgetting to change it; boards with the same package share some pins."""

    def pins(of: Board) -> tuple[str, ...]:
        return tuple(pin for _, pin, _ in of.places)

    assert all(pins(board(a)) != pins(board(b)) for a, b in itertools.combinations(known(), 2))
