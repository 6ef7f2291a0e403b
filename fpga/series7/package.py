"""A pipeline's Verilog as a package: IP-XACT for Vivado's IP integrator, and a FuseSoC core file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ..board import Text, is_text
from .board import PART

SPIRIT = "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"
XILINX = "http://www.xilinx.com"
VENDOR, LIBRARY = "sigmabit", "networks"

STREAM = {"TDATA": "tdata", "TVALID": "tvalid", "TREADY": "tready", "TLAST": "tlast"}
"""AXI4-Stream's signals in IP-XACT, and the ends of our ports' names."""

FAMILIES = ("artix7", "kintex7", "virtex7", "zynq", "zynquplus", "kintexuplus", "virtexuplus")


@dataclass(frozen=True)
class Port:
    """A port of the top: its name, whether it is an output, its width, and whether it is a vector."""

    name: str
    output: bool
    bits: int
    vector: bool


@dataclass(frozen=True)
class Core:
    """What is packaged. files: the Verilog, in order; memories: what it reads."""

    name: str
    version: str
    description: str
    ports: Sequence[Port]
    files: Sequence[str]
    memories: Sequence[str]

    @property
    def streams(self) -> dict[str, bool]:
        """The AXI4-Streams among the ports, and whether they lead out."""
        ends = {port.name.removesuffix("_tvalid"): port.output for port in self.ports if port.name.endswith("_tvalid")}
        return dict(sorted(ends.items()))


# --- FuseSoC


def fusesoc(core: Core, part: str) -> str:
    """A core description, CAPI2: the files, a target that lints them, one that builds them out of context for a part.

    Vivado needs a part with package and speed grade. For a device alone the last target is left out, and why is said.
    """
    verilog = "".join(f"      - {name}\n" for name in core.files)
    memories = "".join(f"      - {name}: {{file_type: user, copyto: {name}}}\n" for name in core.memories)
    sets = "[rtl, memories]" if core.memories else "[rtl]"
    return (
        "CAPI=2:\n"
        f"name: {VENDOR}:{LIBRARY}:{core.name}:{core.version}\n"
        f"description: {core.description}\n\n"
        "filesets:\n"
        f"  rtl:\n    file_type: verilogSource\n    files:\n{verilog}"
        + (f"  memories:\n    files:\n{memories}" if core.memories else "")
        + "\ntargets:\n"
        f"  default: &default\n    filesets: {sets}\n    toplevel: {core.name}\n\n"
        "  lint:\n    <<: *default\n    default_tool: verilator\n"
        "    tools:\n      verilator:\n        mode: lint-only\n        verilator_options: [-Wall]\n\n"
        + (
            f"  synth:\n    <<: *default\n    default_tool: vivado\n    tools:\n      vivado:\n        part: {part}\n"
            if is_vivados(part)
            else f"  # no target synth: {part} {NOT_A_PART}\n"
        )
    )


NOT_A_PART = "names no Xilinx device with package and speed grade, which Vivado needs; see --part"

ULTRASCALE: Text = (
    r"xc(?:zu|k2|ku|vu)[a-z0-9]+-[a-z]+\d+-[123][a-zA-Z]*-[a-z]",
    "an UltraScale+ part, such as xck26-sfvc784-2LV-c",
)


def is_vivados(name: str) -> bool:
    """Is it a part with package and speed grade that Vivado builds for?"""
    return is_text(name, PART) or is_text(name, ULTRASCALE)


# --- IP-XACT


def _add(parent: Element, tag: str, text: str | None = None, **attributes: str) -> Element:
    """An element of the spirit namespace, with its attributes there too."""
    child = SubElement(parent, f"spirit:{tag}", {f"spirit:{name}": value for name, value in attributes.items()})
    child.text = text
    return child


def _reference(parent: Element, tag: str, library: str, name: str) -> None:
    """A bus of the vendor's."""
    _add(parent, tag, vendor="xilinx.com", library=library, name=name, version="1.0")


def _interface(parent: Element, name: str, bus: str, master: bool, ports: dict[str, str], library: str) -> Element:
    """A bus interface: its type, its direction, and which port is which of its signals."""
    interface = _add(parent, "busInterface")
    _add(interface, "name", name)
    _reference(interface, "busType", library, bus)
    _reference(interface, "abstractionType", library, f"{bus}_rtl")
    _add(interface, "master" if master else "slave")
    maps = _add(interface, "portMaps")
    for logical, physical in ports.items():
        pair = _add(maps, "portMap")
        _add(_add(pair, "logicalPort"), "name", logical)
        _add(_add(pair, "physicalPort"), "name", physical)
    return interface


def _parameters(interface: Element, prefix: str, values: dict[str, str]) -> None:
    group = _add(interface, "parameters")
    for name, value in values.items():
        parameter = _add(group, "parameter")
        _add(parameter, "name", name)
        _add(parameter, "value", value, id=f"BUSIFPARAM_VALUE.{prefix}.{name}")


def ipxact(core: Core, clock_hz: int) -> str:
    """A component, IEEE 1685-2009, as Vivado packages them: streams, clock and reset as bus interfaces, and all ports."""
    root = Element("spirit:component", {"xmlns:spirit": SPIRIT, "xmlns:xilinx": XILINX})
    for tag, text in (("vendor", VENDOR), ("library", LIBRARY), ("name", core.name), ("version", core.version)):
        _add(root, tag, text)
    names = {port.name for port in core.ports}
    interfaces = _add(root, "busInterfaces")
    for stream, output in core.streams.items():
        ports = {logical: f"{stream}_{end}" for logical, end in STREAM.items() if f"{stream}_{end}" in names}
        _interface(interfaces, stream.upper(), "axis", output, ports, "interface")
    reset = _interface(interfaces, "ARESETN", "reset", False, {"RST": "aresetn"}, "signal")
    _parameters(reset, "ARESETN", {"POLARITY": "ACTIVE_LOW"})
    clock = _interface(interfaces, "ACLK", "clock", False, {"CLK": "aclk"}, "signal")
    buses = ":".join(name.upper() for name in core.streams)
    _parameters(clock, "ACLK", {"ASSOCIATED_BUSIF": buses, "ASSOCIATED_RESET": "aresetn", "FREQ_HZ": str(clock_hz)})

    model = _add(root, "model")
    views = _add(model, "views")
    for view, name in (("xilinx_anylanguagesynthesis", "Synthesis"), ("xilinx_anylanguagebehavioralsimulation", "Simulation")):
        entry = _add(views, "view")
        _add(entry, "name", view)
        _add(entry, "displayName", name)
        _add(entry, "envIdentifier", f":vivado.xilinx.com:{'synthesis' if name == 'Synthesis' else 'simulation'}")
        _add(entry, "language", "Verilog")
        _add(entry, "modelName", core.name)
        _add(_add(entry, "fileSetRef"), "localName", "verilog")
    listed = _add(model, "ports")
    for port in core.ports:
        entry = _add(listed, "port")
        _add(entry, "name", port.name)
        wire = _add(entry, "wire")
        _add(wire, "direction", "out" if port.output else "in")
        if port.vector:
            vector = _add(wire, "vector")
            _add(vector, "left", str(port.bits - 1))
            _add(vector, "right", "0")
    group = _add(_add(root, "fileSets"), "fileSet")
    _add(group, "name", "verilog")
    for file in (*core.memories, *core.files):
        entry = _add(group, "file")
        _add(entry, "name", file)
        if file in core.files:
            _add(entry, "fileType", "verilogSource")
        else:
            _add(entry, "userFileType", "mem")
    _add(root, "description", core.description)
    parameter = _add(_add(root, "parameters"), "parameter")
    _add(parameter, "name", "Component_Name")
    _add(parameter, "value", f"{core.name}_0", resolve="user", id="PARAM_VALUE.Component_Name", order="1")
    extensions = SubElement(_add(root, "vendorExtensions"), "xilinx:coreExtensions")
    families = SubElement(extensions, "xilinx:supportedFamilies")
    for family in FAMILIES:
        SubElement(families, "xilinx:family", {"xilinx:lifeCycle": "Beta"}).text = family
    taxonomies = SubElement(extensions, "xilinx:taxonomies")
    SubElement(taxonomies, "xilinx:taxonomy").text = "/Sigmabit"
    SubElement(extensions, "xilinx:displayName").text = core.name
    SubElement(extensions, "xilinx:coreRevision").text = "1"
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"
