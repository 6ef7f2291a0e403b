"""The device's end of the host link: bytes in, bytes out."""

from __future__ import annotations

from .controller import Controller, Core, Traffic
from .deframer import Deframer, Reason
from .framer import frame


class Link:
    """A device on the link, with all the time and memory that it could need."""

    def __init__(self, traffic: Traffic, core: Core, model: bytes, version: tuple[int, int, int] = (0, 0, 0)) -> None:
        self.deframer = Deframer(traffic.request_bytes)
        self.controller = Controller(traffic, core, model, version)
        self.refused = 0

    def feed(self, received: bytes) -> bytes:
        """The answers to what was received, as bytes for the link."""
        sent = bytearray()
        for byte in received:
            request = self.deframer.feed(byte)
            if request is not None:
                self.refused += isinstance(request, Reason)
                answer = self.controller.answer(request, self.refused)
                sent += frame(answer.kind, answer.sequence, answer.payload)
        return bytes(sent)
