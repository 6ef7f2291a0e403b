"""sigmabit bench: what blocks cost, how fast simulations are."""

from __future__ import annotations

import click

from .datagrams import datagrams
from .differential import differential
from .ethernet import ethernet
from .frame import frame
from .fuzz import fuzz
from .gates import gates
from .latency import latency
from .link import link
from .mutants import mutants
from .popcount import popcount_cost
from .products import products_cost
from .queue import queue_area
from .simulation import simulation
from .steps import steps_cost


@click.group(short_help="What blocks cost, how fast simulations are.", no_args_is_help=False)
def bench() -> None:
    """Benchmarks: areas of a popcount array, of products, thresholds, a queue and a link, simulation, netlists, latency beside a
    processor's, a simulated Ethernet cable, drawn datagrams and graphs, files that lie, faults in
    blocks.
    """


COMMANDS = (
    *(popcount_cost, products_cost, steps_cost, queue_area),
    *(simulation, latency, frame, gates, ethernet, datagrams, link, differential, fuzz, mutants),
)

for command in COMMANDS:
    bench.add_command(command)
