"""The host's end of the link: a public library for programs that use a board. It needs golden/ for the protocol, and pyserial."""

from __future__ import annotations

from sigmabit.golden.link.controller import Status

from .client import Client, LinkError, Port, Progress, open_port

__all__ = ["Client", "LinkError", "Port", "Progress", "Status", "open_port"]
