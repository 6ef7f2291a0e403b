"""What `import sigmabit` gives: what the commands call, and nothing else."""

from __future__ import annotations

from sigmabit.fpga.board import Board, BoardError
from sigmabit.fpga.workers import Workers
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
from sigmabit.host.client import Statistics
from sigmabit.verif.simulation import SIMULATORS, Measured, Noise, SimulationError, Stalls, simulate
from sigmabit.verif.simulation.compare import Difference

from ..data.datasets import Dataset
from ..data.shipped import shipped
from ..interface.files import OutputError
from ..interface.workers import workers
from ..measures.comparison import Executions
from .anomalies import PLACES, Anomaly, anomaly
from .boards import Sent, Served, System, board, send, serve, system
from .calibrations import Calibrated, calibrate
from .environment import Need, doctor
from .execution import VIEWS, Comparison, Run, compare, run, verify
from .gaussian_sampler import SamplerDistribution, sampler_compare, sampler_cost, sampler_distribution, sampler_stats
from .implementation import ROUTED, Routed, Synthesis, check_route, report, route, synthesise
from .inspection import Inspection, inspect
from .made_networks import WEIGHTS, Seeded, dataset, seeded
from .networks import Loaded, Notice, held_out, load, load_with_frames, noise
from .packaging import Package, package
from .plans import convert, plan, sweep
from .torch_modules import ExportError, from_torch
from .training import TRAINED, Trained, train
from .watts import power

__all__ = [
    "PLACES",
    "ROUTED",
    "SIMULATORS",
    "TRAINED",
    "VIEWS",
    "WEIGHTS",
    "Anomaly",
    "Board",
    "BoardError",
    "Calibrated",
    "CalibrationError",
    "Client",
    "Comparison",
    "ConversionError",
    "Cost",
    "DatagramClient",
    "Dataset",
    "Design",
    "Difference",
    "Executions",
    "ExportError",
    "InputError",
    "Inspection",
    "LinkError",
    "Loaded",
    "Measured",
    "ModelFileError",
    "Need",
    "Network",
    "Noise",
    "Notice",
    "OutputError",
    "Package",
    "Part",
    "PartError",
    "Plan",
    "PlanError",
    "Routed",
    "Run",
    "SamplerDistribution",
    "Seeded",
    "Sent",
    "Served",
    "SigmabitError",
    "SimulationError",
    "Stalls",
    "Statistics",
    "Status",
    "Synthesis",
    "System",
    "Trained",
    "UncalibratedError",
    "Unsupported",
    "UnsupportedModelError",
    "Workers",
    "anomaly",
    "board",
    "calibrate",
    "check_route",
    "compare",
    "convert",
    "dataset",
    "doctor",
    "family_of",
    "from_torch",
    "held_out",
    "identifier",
    "inspect",
    "load",
    "load_with_frames",
    "noise",
    "open_port",
    "package",
    "part",
    "plan",
    "power",
    "report",
    "route",
    "run",
    "sampler_compare",
    "sampler_cost",
    "sampler_distribution",
    "sampler_stats",
    "seeded",
    "send",
    "serve",
    "shipped",
    "simulate",
    "sweep",
    "synthesise",
    "system",
    "train",
    "verify",
    "workers",
]
