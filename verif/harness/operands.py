"""Playing positions into the blocks that read operands from them, and seeing the operands come when the schedule says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigmabit.hdl.planning import schedule
from sigmabit.hdl.verilog.stream import ADDRESS_LEAD

from .bench import Dut, Values
from .stream import play_flow


@dataclass(frozen=True)
class Seen:
    """One operand: its data, and where it belongs. number: the address of its weights. bias: that of its initial value."""

    data: int
    first: bool
    last: bool
    number: int
    bias: int


def expected_operands(
    chunks: NDArray[np.integer], repeats: int, bits: int, bias: Callable[[int, int], int], eager: bool = False
) -> list[Seen]:
    """What golden's chunks (jobs, chunks, codes) of `bits` bits are as operands; bias(job, repeat) is each one's.

    eager: all repeats of a chunk come before the next one.
    """
    seen = []
    for job, parts in enumerate(chunks):
        order = [(repeat, chunk) for repeat in range(repeats) for chunk in range(len(parts))]
        for number, (repeat, chunk) in enumerate(sorted(order, key=lambda fold: fold[1]) if eager else order):
            data = sum(int(code) << (i * bits) for i, code in enumerate(parts[chunk]))
            seen.append(Seen(data, chunk == 0, chunk == len(parts) - 1, number, bias(job, repeat)))
    return seen


def full_speed(frames: int, inputs: int, busy: int) -> NDArray[np.int64]:
    """Cycles of positions at full speed, in a pipeline whose busiest part takes `busy` cycles for a frame of `inputs`."""
    interval = max(inputs, busy)
    return schedule.entries(frames, inputs, interval // inputs, interval)


def delayed(least: NDArray[np.int64], pauses: Sequence[int]) -> NDArray[np.int64]:
    """Cycles of positions: the least, and later by all pauses so far, which repeat."""
    late = np.cumsum([pauses[i % len(pauses)] for i in range(least.size)])
    arrivals: NDArray[np.int64] = least + late.reshape(least.shape)
    return arrivals


def paced(beats: int, busy: int) -> str:
    """Verilog of `allowed` (`BlockSuite.assumed`): positions of frames of so many come into `sink` no faster than at full
    speed.
    """
    interval = max(beats, busy)
    gap, bits = interval // beats, interval.bit_length()
    return f"""reg [{bits - 1}:0] since_beat, since_frame, place;
wire allowed = !sink_valid || (since_beat >= {gap} && (place != 0 || since_frame >= {interval}));
always @(posedge clk) begin
    since_beat <= rst ? {gap} : sink_valid ? 1 : since_beat < {gap} ? since_beat + 1 : {gap};
    since_frame <= rst ? {interval} : sink_valid && place == 0 ? 1 : since_frame < {interval} ? since_frame + 1 : {interval};
    place <= rst ? 0 : sink_valid ? (place == {beats - 1} ? 0 : place + 1) : place;
end
"""


def play_operands(dut: Dut, arrivals: NDArray[np.int64], beats: Sequence[int], due: NDArray[np.int64]) -> list[Seen]:
    """Play beats at their cycles into `sink`; the operands that come, which must be in the cycles of `due`."""
    addresses: dict[int, int] = {}

    def note(outputs: Values) -> None:
        addresses[dut.cycle - 1] = outputs.get("operand_address", 0)

    dut.reset({"sink_valid": 0})
    played = list(zip(arrivals.reshape(-1).tolist(), beats, strict=True))
    seen = play_flow(dut, "sink", played, int(due.max()) + 3, {}, "operand_valid", note)
    assert [cycle for cycle, _ in seen] == due.reshape(-1).tolist()
    return [
        Seen(
            outputs["operand_data"],
            bool(outputs.get("operand_first", 1)),
            bool(outputs.get("operand_last", 1)),
            addresses[cycle - ADDRESS_LEAD],
            outputs.get("operand_bias", 0),
        )
        for cycle, outputs in seen
    ]
