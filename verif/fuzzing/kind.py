"""What a kind of input is to the fuzzer, and how a trial ends."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from sigmabit.fpga.board import BoardError
from sigmabit.golden import SigmabitError

LONGEST = 20_000
"""Characters of what is said of a file, which may name each of its nodes, and each of its texts."""


class Outcome(Enum):
    """How a trial ends."""

    REFUSED = "refused in one sentence"
    RIGHT = "accepted, and right"
    UNEXECUTED = "accepted, and no executor's results to compare"
    FAILED = "failed"


@dataclass(frozen=True)
class Verdict:
    """An outcome, and what there is to say of it."""

    outcome: Outcome
    text: str = ""


Stage = Callable[[str], None]
"""Is told what is about to be done with a file, for whoever must say what did not end."""

EXECUTION = "execution"
"""The stage of others' programs, whose end is not ours."""


class Kind(Protocol):
    """A kind of input. Must be known in other processes: a class at the top of its module."""

    @property
    def name(self) -> str:
        """For the command line."""

    def trial(self, seed: int, folder: Path, stage: Stage) -> Verdict:
        """Draw what the seed says into an empty folder, and judge what becomes of it. A seed alone says what is drawn."""


def attempt(what: str, action: Callable[[], Any], file: Path | None = None) -> Any:
    """What the action gives, or the verdict where it raises: a refusal in one sentence, or a failure. file: what is to be named.

    Warnings are failures, too: they would stand beside the sentence, or beside the result.
    """
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found = _attempted(what, action, file)
    if heard:
        first = heard[0]
        return Verdict(
            Outcome.FAILED, f"{what}: {first.category.__name__}: {first.message}, {first.filename}, line {first.lineno}"
        )
    return found


def _attempted(what: str, action: Callable[[], Any], file: Path | None) -> Any:
    try:
        return action()
    except (SigmabitError, BoardError) as error:
        return said(what, str(error), file)
    except MemoryError:
        return Verdict(Outcome.FAILED, f"{what}: more memory than a file may take")
    except Exception:  # this is what is looked for
        return Verdict(Outcome.FAILED, f"{what}: {traceback.format_exc(limit=-6)}")


def said(what: str, message: str, file: Path | None = None) -> Verdict:
    """The verdict on what is said of a file, as the command line would print it."""
    line = " ".join(message.split())
    if not line:
        return Verdict(Outcome.FAILED, f"{what}: refused without a word")
    if len(line) > LONGEST:
        return Verdict(Outcome.FAILED, f"{what}: {len(line)} characters: {line[:200]}")
    if file is not None and not line.startswith((f"{file}: ", f"{file.name}: ")):
        return Verdict(Outcome.FAILED, f"{what}: the file is not named: {line[:1000]}")
    return Verdict(Outcome.REFUSED, line)
