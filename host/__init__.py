"""The host's side: a public library for programs that use a board. It needs golden/ for the protocol, and pyserial."""

from __future__ import annotations

from sigmabit.golden.link.controller import Status

from .client import Client, LinkError, Port, Progress, open_port
from .datagrams import DatagramClient
from .dma import DmaClient

__all__ = ["Client", "DatagramClient", "DmaClient", "LinkError", "Port", "Progress", "Status", "open_port"]
