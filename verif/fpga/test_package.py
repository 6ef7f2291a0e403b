"""Packages: every port, file and stream of the Verilog is in them, once, as it is there."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sigmabit.fpga.series7.package import SPIRIT, fusesoc, ipxact
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.verilog.convert import Design, convert
from sigmabit.scripts.api.packaging import core_of

from ..harness.command_line import DIGITS, MODELS, Call, Refused
from ..harness.random_networks import NetworkCase

NAMES = {"spirit": SPIRIT}


@pytest.fixture(scope="module")
def design() -> Design:
    """A small pipeline with a memory."""
    made = convert(Pipeline(NetworkCase(0).plan.pipeline).outline())
    assert set(made.texts) - set(made.files)
    return made


def texts(element: ElementTree.Element, path: str) -> list[str]:
    """What stands in the elements of a path."""
    return [found.text or "" for found in element.findall(path, NAMES)]


def verilog_ports(text: str) -> list[tuple[str, str, int]]:
    """A module's ports by its own text: direction, name, width."""
    header = text[text.index("module ") : text.index(");")]
    found = re.findall(r"(input|output) wire (?:\[(\d+):0\] )?(\w+)", header)
    return [(direction[:-3], name, int(left or 0) + 1) for direction, left, name in found]


class TestIpXact:
    def test_ports(self, design: Design) -> None:
        """Names, directions and widths are those in the Verilog."""
        root = ElementTree.fromstring(ipxact(core_of(design, "a pipeline"), 200_000_000))
        listed = []
        for port in root.findall("spirit:model/spirit:ports/spirit:port", NAMES):
            (name,) = texts(port, "spirit:name")
            (direction,) = texts(port, "spirit:wire/spirit:direction")
            left = texts(port, "spirit:wire/spirit:vector/spirit:left")
            listed.append((direction, name, int(left[0]) + 1 if left else 1))
        assert listed == verilog_ports(design.modules[design.top].text)

    def test_interfaces(self, design: Design) -> None:
        """Both streams with all their signals, in their directions; a clock that knows them, and a reset that is active low."""
        root = ElementTree.fromstring(ipxact(core_of(design, "a pipeline"), 90_000_000))
        found = {}
        for interface in root.findall("spirit:busInterfaces/spirit:busInterface", NAMES):
            (name,) = texts(interface, "spirit:name")
            physical = texts(interface, "spirit:portMaps/spirit:portMap/spirit:physicalPort/spirit:name")
            found[name] = (interface.find("spirit:master", NAMES) is not None, sorted(physical))
        stream = ("tdata", "tlast", "tready", "tvalid")
        assert found == {
            "S_AXIS": (False, [f"s_axis_{signal}" for signal in stream]),
            "M_AXIS": (True, [f"m_axis_{signal}" for signal in stream]),
            "ACLK": (False, ["aclk"]),
            "ARESETN": (False, ["aresetn"]),
        }
        parameters = "spirit:busInterfaces/spirit:busInterface/spirit:parameters/spirit:parameter"
        values = dict(zip(texts(root, f"{parameters}/spirit:name"), texts(root, f"{parameters}/spirit:value"), strict=True))
        assert values == {
            "POLARITY": "ACTIVE_LOW",
            "ASSOCIATED_BUSIF": "M_AXIS:S_AXIS",
            "ASSOCIATED_RESET": "aresetn",
            "FREQ_HZ": "90000000",
        }

    def test_files(self, design: Design) -> None:
        """Each once; views name a set that there is."""
        root = ElementTree.fromstring(ipxact(core_of(design, "a pipeline"), 200_000_000))
        assert sorted(texts(root, "spirit:fileSets/spirit:fileSet/spirit:file/spirit:name")) == sorted(design.texts)
        sets = set(texts(root, "spirit:fileSets/spirit:fileSet/spirit:name"))
        assert set(texts(root, "spirit:model/spirit:views/spirit:view/spirit:fileSetRef/spirit:localName")) == sets
        assert set(texts(root, "spirit:model/spirit:views/spirit:view/spirit:modelName")) == {design.top}


class TestFuseSoc:
    def test_text(self, design: Design) -> None:
        """All files, those of memories as what is copied to where Verilog reads it."""
        text = fusesoc(core_of(design, "a pipeline"), "xc7vx690tffg1761-2")
        assert text.startswith("CAPI=2:\n") and f"\n    toplevel: {design.top}\n" in text
        assert re.findall(r"^      - (\S+\.v)$", text, re.MULTILINE) == design.files
        copied = re.findall(r"^      - (\S+\.mem): \{file_type: user, copyto: (\S+)\}$", text, re.MULTILINE)
        assert sorted(copied) == sorted((name, name) for name in set(design.texts) - set(design.files))
        assert "part: xc7vx690tffg1761-2" in text

    def test_without_memories(self) -> None:
        made = convert(Pipeline(NetworkCase(1).plan.pipeline).outline())
        core = core_of(made, "a pipeline")
        assert ("memories" in fusesoc(core, "xc7k325t")) == bool(core.memories)

    def test_a_device_is_no_part(self, design: Design) -> None:
        """Vivado does not know a device without package and speed grade: no such part is written."""
        text = fusesoc(core_of(design, "a pipeline"), "xc7k325t")
        assert "part:" not in text and "vivado" not in text
        assert text.endswith(
            "# no target synth: xc7k325t names no Xilinx device with package and speed grade, which Vivado needs; see --part\n"
        )


class TestCommand:
    def test_written(self, call: Call, tmp_path: Path) -> None:
        """A network that draws samples, too: its seed is a port like others."""
        done = call("package", MODELS / "digits_vae.onnx", "-o", tmp_path / "out", "--json").json
        files = {path.name for path in (tmp_path / "out").iterdir()}
        root = ElementTree.parse(tmp_path / "out" / "component.xml").getroot()
        listed = set(texts(root, "spirit:fileSets/spirit:fileSet/spirit:file/spirit:name"))
        assert listed < files and done["core"] in files
        assert "seed" in texts(root, "spirit:model/spirit:ports/spirit:port/spirit:name")

    def test_side_by_side(self, call: Call, tiny: Path, tmp_path: Path) -> None:
        """A plan with three positions in a transfer: the stream is as wide."""
        call("plan", tiny, "--positions", 3, "-o", tmp_path / "plan.json")
        assert call("package", tiny, "--plan", tmp_path / "plan.json", "-o", tmp_path / "out").status == 0
        root = ElementTree.parse(tmp_path / "out" / "component.xml").getroot()
        ports = root.findall("spirit:model/spirit:ports/spirit:port", NAMES)
        (entrance,) = (port for port in ports if texts(port, "spirit:name") == ["s_axis_tdata"])
        assert texts(entrance, "spirit:wire/spirit:vector/spirit:left") == [str(3 * 8 - 1)]

    def test_part(self, call: Call, tmp_path: Path) -> None:
        """The part that is given is that of the core file; of a device alone it is said that it is none."""
        done = call("package", DIGITS, "--part", "xc7k325tffg900-2", "-o", tmp_path / "part", "--json")
        assert (done.json["part"], done.err) == ("xc7k325tffg900-2", "")
        assert "part: xc7k325tffg900-2\n" in (tmp_path / "part" / done.json["core"]).read_text()
        done = call("package", DIGITS, "-o", tmp_path / "device", "--json")
        assert done.json["part"] is None and "no target for synthesis: xc7vx690t names no Xilinx device with package" in done.err
        assert "part:" not in (tmp_path / "device" / done.json["core"]).read_text()

    def test_refused(self, refused: Refused, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "old").mkdir()
        refused(["package", DIGITS, "-o", "old"], "old exists; a package takes a new folder")
