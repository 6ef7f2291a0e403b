"""What make is to tell Vivado, found out and checked before anything is made: python vivado_arguments.py NAME=VALUE ...

Takes the Makefile's variables, prints words of the form name=value; or, with status 2, one sentence that says what is wrong.
Nothing but Python's own library is needed, so that it works before there is an environment.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


class MistakeError(ValueError):
    """A variable that cannot be; the message names it."""


def vivado_arguments(given: Mapping[str, str]) -> dict[str, object]:
    """The top's name, part and clock; for a board its flash, too. Raises MistakeError, or BoardError for boards and clocks."""
    from sigmabit.fpga import boards
    from sigmabit.fpga.board import BoardError, top_name
    from sigmabit.fpga.ethernet.link import IP, MAC, Address, ip_of, mac_of
    from sigmabit.fpga.series7.board import PART, is_part
    from sigmabit.hdl.verilog.keywords import ethernet_name, identifier, system_name

    for name in ("MODEL", "PLAN", "SAIF"):
        if given[name] and not Path(given[name]).is_file():
            raise MistakeError(f"{name}={given[name]}: there is no such file")
    plain = re.compile(r"[0-9]+(\.[0-9]+)?")  # as Vivado's script takes it
    in_mhz = "a number of MHz above 0, 1000 at most, such as 187.5"
    _checked(given, "CLOCK_MHZ", in_mhz, lambda text: plain.fullmatch(text) is not None and 0 < float(text) <= 1000)
    _checked(given, "INCREMENTAL", "0 or 1", lambda text: text in ("0", "1"))
    if given["SAMPLES"]:
        _checked(given, "SAMPLES", "a number above 0", lambda text: int(text) > 0)
    if given["INPUT_SCALE"]:
        _checked(given, "INPUT_SCALE", "a number above 0", lambda text: 1e-30 <= float(text) <= 1e30)
    top = identifier(Path(given["MODEL"]).stem)
    if not given["BOARD"]:
        _checked(given, "PART", PART[1], is_part)
        return {"top": top, "part": given["PART"], "clock_mhz": given["CLOCK_MHZ"]}
    _checked(given, "BAUD", "a number above 0", lambda text: int(text) > 0)
    _checked(given, "LINK", "uart or ethernet", lambda text: text in ("uart", "ethernet"))
    try:
        of = boards.board(given["BOARD"])
        if given["LINK"] == "ethernet":
            of = of.at(Address(mac_of(given["MAC"] or MAC), ip_of(given["IP"] or IP)))
    except BoardError as error:
        raise MistakeError(f"BOARD={error}") from None
    arguments = of.arguments(of.made_clock(float(given["CLOCK_MHZ"])))
    return {"top": top_name(system_name(top) if of.network is None else ethernet_name(top)), **arguments}


def _checked(given: Mapping[str, str], name: str, expected: str, good: Callable[[str], bool]) -> None:
    """See that a variable is as expected."""
    try:
        if good(given[name]):
            return
    except ValueError:
        pass
    raise MistakeError(f"{name}={given[name]}: expected {expected}")


def main() -> None:
    """Print what was found."""
    package = ModuleType("sigmabit")  # as installed, or without being so
    package.__path__ = [str(ROOT)]
    sys.modules.setdefault("sigmabit", package)
    try:
        found = vivado_arguments(dict(argument.split("=", 1) for argument in sys.argv[1:]))  # type: ignore[misc]
    except ValueError as error:
        print(error)
        sys.exit(2)
    print(*(f"{name}={value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
