"""Errors that a user can cause. The command line prints their text, one sentence, and exits with code 2."""

from __future__ import annotations

from dataclasses import dataclass


class SigmabitError(ValueError):
    """Bad input of any kind; the message names the offender."""


class ModelFileError(SigmabitError):
    """The file is not a readable ONNX model."""


class InputError(SigmabitError):
    """The data do not fit the network's input."""


class OutputError(SigmabitError):
    """A file cannot be written; the message names it."""


class CalibrationError(SigmabitError):
    """A calibration is missing, does not belong to the network, or leads to numbers that no width holds."""


class UncalibratedError(CalibrationError):
    """A real-valued model comes without a calibration."""


@dataclass(frozen=True)
class Unsupported:
    """One node that cannot be turned into hardware, and why."""

    node: str
    operator: str
    reason: str

    def __str__(self) -> str:
        return f"{self.node} ({self.operator}): {self.reason}"


class UnsupportedModelError(SigmabitError):
    """The model holds nodes that cannot be turned into hardware; `findings` lists all of them."""

    def __init__(self, model: str, findings: tuple[Unsupported, ...]) -> None:
        self.findings = findings
        count = f"{len(findings)} unsupported node" + ("s" if len(findings) > 1 else "")
        super().__init__(f"{model}: {count}: " + "; ".join(map(str, findings)))
