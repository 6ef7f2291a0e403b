"""sigmabit status: what a board says of itself."""

from __future__ import annotations

import click

from ..interface.device import open_device, where
from ..interface.terminal import Terminal, table
from . import options


@click.command(short_help="What the board at a port holds, and what it has counted.")
@options.port
@options.udp
@options.baud
@options.patience
@options.as_json
def status(port: str | None, udp: str | None, baud: int | None, patience: float, as_json: bool) -> None:
    """Ask the board at PORT, or at an address, what it holds and what it has counted; that changes nothing.

    Frames and results are counted from the network's last reset, refused requests and busy cycles from power-up.
    """
    terminal, place = Terminal(as_json), where(port, udp, baud)
    with terminal.progress() as report:
        report(f"asking {place}, for {patience:g} s at most", 0, 0)
        with open_device(port, udp, baud, patience) as client:
            device = client.device
    data = {
        "port": place,
        "version": f"{device.major}.{device.minor}.{device.patch}",
        "protocol": device.protocol,
        "model": device.model.hex(),
        "sampler": bool(device.seeded),
        "frame_bytes": device.frame_bytes,
        "result_bytes": device.result_bytes,
        "frames_per_request": device.frames,
        "window": device.window,
        "frames_in": device.frames_in,
        "frames_out": device.frames_out,
        "dropped": device.dropped,
        "malformed": device.malformed,
        "refused": device.refused,
        "busy_cycles": device.busy,
    }
    shown = [
        [key.replace("_", " "), ("no", "yes")[value] if isinstance(value, bool) else value]
        for key, value in data.items()
        if key != "port"
    ]
    terminal.emit(data, table(f"The board at {place}", ["", ""], shown))
