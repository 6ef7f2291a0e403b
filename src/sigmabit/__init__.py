"""Trained networks of few bits and stochastic VAEs as streaming FPGA pipelines, proven bit for bit.

    from pathlib import Path

    import sigmabit

    network, x, codes, _ = sigmabit.load_with_frames("digits_bcnn", "x.npy")
    plan = sigmabit.plan(network, part="xc7a100t", interval=2000)
    assert sigmabit.compare(plan, codes).equal
    sigmabit.convert(plan).write(Path("verilog"))

These names, and what they promise, are on the page docs/api.md. They are looked up when they are first used: importing all that
they need takes a second or two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .scripts import api
    from .scripts.api import *  # noqa: F403

    __version__: str
    __all__ = ["__version__"]
    __all__ += api.__all__  # type: ignore[has-type]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("sigmabit")
    if name.startswith("__") and name != "__all__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .scripts import api

    if name == "__all__":
        return [*api.__all__, "__version__"]
    if name not in api.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})  # type: ignore[misc]
