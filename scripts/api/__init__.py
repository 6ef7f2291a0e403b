"""What `import sigmabit` gives: what the commands call, and nothing else."""

from __future__ import annotations

from sigmabit.fpga.board import Board, BoardError
from sigmabit.golden import (
    CalibrationError,
    InputError,
    ModelFileError,
    Network,
    SigmabitError,
    UncalibratedError,
    Unsupported,
    UnsupportedModelError,
)
from sigmabit.hdl.family import Cost, Part
from sigmabit.hdl.family.parts import PartError, family_of, part
from sigmabit.hdl.planning.plan import Plan, PlanError
from sigmabit.hdl.verilog.convert import ConversionError, Design
from sigmabit.hdl.verilog.keywords import identifier
from sigmabit.host import Client, DatagramClient, LinkError, Status, open_port
from sigmabit.verif.simulation import SIMULATORS, Measured, Noise, SimulationError, Stalls, simulate
from sigmabit.verif.simulation.compare import Difference

from ..data.shipped import shipped
from ..interface.files import OutputError
from ..measures.comparison import Executions
from .execution import VIEWS, Comparison, Run, compare, run, verify
from .implementation import ROUTED, Routed, Synthesis, board, report, route, synthesise
from .networks import Loaded, Notice, held_out, load, load_with_frames, noise
from .plans import convert, plan, sweep
from .torch_modules import ExportError, from_torch

__all__ = [
    "ROUTED",
    "SIMULATORS",
    "VIEWS",
    "Board",
    "BoardError",
    "CalibrationError",
    "Client",
    "Comparison",
    "ConversionError",
    "Cost",
    "DatagramClient",
    "Design",
    "Difference",
    "Executions",
    "ExportError",
    "InputError",
    "LinkError",
    "Loaded",
    "Measured",
    "ModelFileError",
    "Network",
    "Noise",
    "Notice",
    "OutputError",
    "Part",
    "PartError",
    "Plan",
    "PlanError",
    "Routed",
    "Run",
    "SigmabitError",
    "SimulationError",
    "Stalls",
    "Status",
    "Synthesis",
    "UncalibratedError",
    "Unsupported",
    "UnsupportedModelError",
    "board",
    "compare",
    "convert",
    "family_of",
    "from_torch",
    "held_out",
    "identifier",
    "load",
    "load_with_frames",
    "noise",
    "open_port",
    "part",
    "plan",
    "report",
    "route",
    "run",
    "shipped",
    "simulate",
    "sweep",
    "synthesise",
    "verify",
]
