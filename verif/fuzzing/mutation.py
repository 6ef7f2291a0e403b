"""Changes of bytes, of JSON and of protobuf's messages, drawn from a seed."""

from __future__ import annotations

import random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

Random = random.Random

WHOLE = (0, 1, -1, 2, 3, 7, 8, 16, 255, 256, 65536, (1 << 31) - 1, 1 << 31, -(1 << 31), 1 << 40, (1 << 63) - 1, -(1 << 63))
"""Odd where another number stood."""

REAL = (0.0, -0.0, 0.5, -1.5, 1e-308, 1e-45, 1e-38, 1e-30, 1e30, 1e38, -1e38, float("inf"), -float("inf"), float("nan"))
"""Likewise."""

TEXTS = ("", "x", "\x1b[2J", "[bold]", "a\nb", "\u202e", "1e5", "../x", "\0", "é" * 300)

ODD: tuple[Any, ...] = (*WHOLE, *REAL, *TEXTS, 10**400, None, True, [], {}, [[]], {"a": {}})

ORDINARY = 1e15
"""Numbers up to which there are others like them."""

DEEP = 3000
"""Brackets within brackets."""


def in_bytes(chance: Random, content: bytes, other: bytes = b"") -> bytes:
    """Bits and bytes turned, cut out, put in, doubled; the end cut off; the end of another."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(changed) + 1)
        size = chance.choice((1, 1, 2, 4, 8, 64))
        match chance.randrange(9):
            case 0:
                changed[place : place + 1] = bytes([chance.randrange(256)])
            case 1 | 2 if place < len(changed):
                changed[place] ^= 1 << chance.randrange(8)
            case 3:
                del changed[place : place + size]
            case 4:
                changed[place:place] = changed[place : place + size]
            case 5:
                changed[place:place] = chance.choice((chance.randbytes(size), bytes(size), b"\xff" * size))
            case 6:
                changed[place : place + size] = chance.choice((bytes(size), b"\xff" * size, b"\x80" * size))
            case 7 if chance.randrange(6) == 0:
                del changed[place:]
            case 8 if chance.randrange(3) == 0 and other:
                changed[place:] = other[chance.randrange(len(other)) :]
    return bytes(changed)


def in_json(chance: Random, value: Any) -> Any:
    """The same with one value that is odd, missing, twice there, elsewhere, or deep."""
    if isinstance(value, dict | list) and value and chance.randrange(8):
        key: Any = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
        changed: Any = value.copy()
        match chance.randrange(24):
            case 0 | 1:
                del changed[key]
            case 2 if isinstance(changed, list):
                changed.insert(key, value[key])
            case 3 if isinstance(changed, dict):
                changed[chance.choice((*TEXTS, key.upper()))] = value[key]
            case 4:
                changed[key] = changed[chance.choice(list(value)) if isinstance(value, dict) else 0]
            case _:
                changed[key] = in_json(chance, value[key])
        return changed
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < ORDINARY and chance.randrange(3):
        return chance.choice((value + 1, value - 1, value * 2, -value, value * 1000, float(value), value / 3, str(value)))
    if chance.randrange(60) == 0:
        nested: Any = value
        for _ in range(chance.choice((3, 40, DEEP))):
            nested = [nested]
        return nested
    return chance.choice(ODD)


def in_message(chance: Random, message: Any) -> None:
    """One field of a protobuf message, or of one inside it, becomes something odd."""
    fields = [field for field, _ in message.ListFields()]
    if not fields or chance.randrange(12) == 0:
        fields = list(message.DESCRIPTOR.fields)
    field: FieldDescriptor = chance.choice(fields)
    value = getattr(message, field.name)
    if field.message_type is not None:
        if not field.is_repeated:
            in_message(chance, value)
        elif not len(value):
            value.add()
        elif chance.randrange(6):
            in_message(chance, chance.choice(value))
        elif chance.randrange(2):
            del value[chance.randrange(len(value))]
        else:
            value.add().CopyFrom(chance.choice(value))
        return
    odd = chance.randbytes(chance.randrange(40)) if field.type == field.TYPE_BYTES else chance.choice(ODD)
    try:
        if not field.is_repeated:
            setattr(message, field.name, odd)
        elif len(value) and chance.randrange(3):
            value[chance.randrange(len(value))] = odd
        elif len(value) and chance.randrange(2):
            del value[chance.randrange(len(value))]
        else:
            value.append(odd)
    except (TypeError, ValueError, OverflowError):  # an odd value of another type
        message.ClearField(field.name)
