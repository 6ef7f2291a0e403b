"""Files that lie: shipped models, plans, arrays and boards, changed at random, each read under limits of memory and time.

`python -m sigmabit.verif.front.mutants SEED COUNT` tries so many and prints those that end in anything but a network or
one sentence.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from sigmabit.fpga import boards
from sigmabit.fpga.board import BoardError
from sigmabit.golden import SigmabitError, import_model
from sigmabit.golden.front.calibration import KEY
from sigmabit.hdl.planning.plan import read_plan
from sigmabit.hdl.planning.planner import Planner
from sigmabit.scripts.interface.files import read_array

MODELS = Path(__file__).resolve().parents[2] / "models"
NAMES = ("digits_bcnn", "digits_vae", "trigger_vae")

GIGABYTES = 5
"""Of address space; NumPy and its like take two."""

SECONDS = 20
"""Of processor time, for one file."""

ODD: tuple[Any, ...] = (
    *(0, 1, -1, 2, 7, 255, 1 << 31, -(1 << 31), 1 << 40, (1 << 63) - 1, -(1 << 63)),
    *(0.0, 0.5, -1.5, 1e-308, 1e-40, 1e30, 1e38, float("inf"), -float("inf"), float("nan")),
    *("", "x", "\x1b[2J", "[bold]", "a\nb", "\u202e", "1e5", "é" * 300),
    *(10**400, None, True, [], {}, [[]], {"a": {}}),
)

Random = np.random.Generator
Read = Callable[[Path], object]


def _pick(random: Random, among: Any) -> Any:
    return among[random.integers(len(among))]


def in_bytes(random: Random, content: bytes) -> bytes:
    """Bytes changed, removed, doubled, or the end cut off."""
    changed = bytearray(content)
    for place in random.integers(0, len(content), random.integers(1, 5)):
        match random.integers(5):
            case 0:
                changed[place : place + 1] = bytes([random.integers(256)])
            case 1 if place < len(changed):
                changed[place] ^= 1 << random.integers(8)
            case 2:
                del changed[place : place + random.integers(1, 9)]
            case 3:
                changed[place:place] = changed[place : place + random.integers(1, 9)]
            case _ if random.integers(8) == 0:
                del changed[place:]
    return bytes(changed)


def in_message(random: Random, message: Any) -> None:
    """One field of a protobuf message, or of one inside it, becomes something odd."""
    fields = [field for field, _ in message.ListFields()] or list(message.DESCRIPTOR.fields)
    field = _pick(random, fields)
    value = getattr(message, field.name)
    several = field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED
    if field.message_type is not None:
        if several and (not len(value) or random.integers(6) == 0):
            if len(value) and random.integers(2):
                del value[random.integers(len(value))]
            elif len(value):
                value.add().CopyFrom(_pick(random, value))
            else:
                value.add()
        else:
            in_message(random, _pick(random, value) if several else value)
        return
    odd = _pick(random, ODD) if field.type != field.TYPE_BYTES else random.bytes(int(random.integers(40)))
    try:
        if several and len(value):
            value[random.integers(len(value))] = odd
        elif several:
            value.append(odd)
        else:
            setattr(message, field.name, odd)
    except (TypeError, ValueError):  # an odd value of another type
        message.ClearField(field.name)


def in_json(random: Random, value: Any) -> Any:
    """The same with one value that is odd, missing, or twice there."""
    if isinstance(value, dict | list) and value and random.integers(8):
        key = _pick(random, list(value) if isinstance(value, dict) else range(len(value)))
        changed = value.copy()
        if random.integers(12) == 0:
            del changed[key]
        else:
            changed[key] = in_json(random, value[key])
        return changed
    return _pick(random, ODD)


def _models(random: Random) -> Iterator[tuple[str, bytes, Read]]:
    contents = {name: (MODELS / f"{name}.onnx").read_bytes() for name in NAMES}
    while True:
        content = contents[_pick(random, NAMES)]
        if random.integers(3) == 0:
            yield "m.onnx", in_bytes(random, content), import_model
            continue
        model = onnx.load_model_from_string(content)
        notes = [entry for entry in model.metadata_props if entry.key == KEY]
        if notes and random.integers(3) == 0:
            note = notes[0]
            note.value = json.dumps(in_json(random, json.loads(note.value)))
        else:
            for _ in range(random.integers(1, 4)):
                in_message(random, model if random.integers(4) == 0 else model.graph)
        yield "m.onnx", model.SerializeToString(), import_model


def _plans(random: Random) -> Iterator[tuple[str, bytes, Read]]:
    network = import_model(MODELS / "trigger_vae.onnx")
    plan = Planner(network, "xc7k325t", 200.0).plan(20_000).to_json()
    while True:
        content = json.dumps(in_json(random, plan)).encode()
        yield "p.json", in_bytes(random, content) if random.integers(2) else content, lambda path: read_plan(path, network)


def _arrays(random: Random) -> Iterator[tuple[str, bytes, Read]]:
    while True:
        file = BytesIO()
        np.save(file, random.standard_normal((3, 4)).astype(_pick(random, ("f4", "f8", "i8", "U2", "c16"))))
        head, rest = file.getvalue()[:128], file.getvalue()[128:]
        yield "x.npy", in_bytes(random, head) + rest, read_array


def _boards(random: Random) -> Iterator[tuple[str, bytes, Read]]:
    files = [path.read_bytes() for path in boards.files().values()]
    while True:
        yield "b.toml", in_bytes(random, _pick(random, files)), lambda path: boards.board("b", path.parent)


def failures(seed: int, count: int) -> Iterator[str]:
    """What became of those of `count` files that did not end as they should; each such file is kept."""
    random = np.random.default_rng(seed)
    kinds = [kind(random) for kind in (_models, _models, _models, _plans, _arrays, _boards)]
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            name, content, read = next(kinds[number % len(kinds)])
            path = Path(folder) / name
            path.write_bytes(content)
            start, wrong = time.process_time(), ""
            try:
                read(path)
            except (SigmabitError, BoardError) as error:
                if not str(error).startswith((str(path), path.name)):
                    wrong = f"a message without the file's name: {error}"
            except BaseException as error:  # this is what is looked for
                wrong = f"{type(error).__name__}: {error}"
            if time.process_time() - start > SECONDS:
                wrong += f" after {time.process_time() - start:.0f} s"
            if wrong:
                kept = Path(tempfile.mkdtemp(prefix="sigmabit-mutant-")) / name
                kept.write_bytes(content)
                yield f"{number} {kept}: {wrong}"


def main() -> None:
    """Try, under limits."""
    seed, count = map(int, sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_AS, (GIGABYTES << 30, GIGABYTES << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (60 + count * SECONDS,) * 2)
    found = 0
    for failure in failures(seed, count):
        print(failure, flush=True)
        found += 1
    print(f"{count} files, {found} failures")
    sys.exit(found > 0)


if __name__ == "__main__":
    main()
