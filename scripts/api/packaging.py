"""Pipelines for other tools: IP-XACT for Vivado's IP integrator, a core for FuseSoC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from sigmabit.fpga.series7.package import NOT_A_PART, Core, Port, fusesoc, ipxact, is_vivados
from sigmabit.golden import InputError
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.verilog.convert import Design

from ..interface.files import write_folder
from .plans import convert

COMPONENT = "component.xml"


@dataclass(frozen=True, eq=False)
class Package:
    """A plan's pipeline as other tools take it: Verilog, component.xml (IP-XACT 1685-2014), and NAME.core for FuseSoC."""

    plan: Plan
    design: Design

    @property
    def core(self) -> Core:
        """What is packaged of the design."""
        return core_of(self.design, f"{self.plan.network.name} as a streaming pipeline, made by Sigmabit")

    @property
    def part(self) -> str | None:
        """The part that Vivado would build for; None for a plan of a part that is not Vivado's."""
        return self.plan.part if is_vivados(self.plan.part) else None

    @property
    def remark(self) -> str | None:
        """What there is to know of it, if anything."""
        name = f"{self.core.name}.core"
        return None if self.part else f"{name} has no target for synthesis: {self.plan.part} {NOT_A_PART}"

    def write(self, folder: Path) -> None:
        """All of it into a new folder, whole or not at all.

        Raises InputError where the folder exists, OutputError where it cannot be made.
        """
        if Path(folder).exists():
            raise InputError(f"{folder} exists; a package takes a new folder")
        core = self.core

        def write(fresh: Path) -> None:
            self.design.write(fresh)
            (fresh / COMPONENT).write_text(ipxact(core, round(self.plan.clock_mhz * 1e6)))
            (fresh / f"{core.name}.core").write_text(fusesoc(core, self.plan.part))

        write_folder(Path(folder), write, last=(COMPONENT,))

    def to_json(self) -> dict[str, object]:
        """As plain values."""
        return {"top": self.core.name, "component": COMPONENT, "core": f"{self.core.name}.core", "part": self.part}


def package(plan: Plan, *, progress: Callable[[str], None] = lambda name: None) -> Package:
    """A plan's pipeline for Vivado's IP integrator and for FuseSoC; Package.write writes it.

    Args:
        plan: what is packaged.
        progress: is told the name of each module as it is done.

    Raises:
        ConversionError: a block is not what Verilog can say; the message names it.
    """
    return Package(plan, convert(plan, progress=progress))


def core_of(design: Design, description: str) -> Core:
    """What is packaged of a design."""
    ports = [Port(port.name, port.output, port.bits, port.vector) for port in design.modules[design.top].ports]
    memories = sorted(set(design.texts) - set(design.files))
    return Core(design.top, version("sigmabit"), description, ports, design.files, memories)
