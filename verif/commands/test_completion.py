"""What shells offer: commands, options, and the names that there are."""

from __future__ import annotations

import os
import subprocess

from ..harness.command_line import COMMAND

BASH = """
compopt() { :; }
eval "$(_SIGMABIT_COMPLETE=bash_source sigmabit)"
while read -ra COMP_WORDS; do
    COMPREPLY=() COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _sigmabit_completion sigmabit
    echo "${COMPREPLY[*]}"
done
"""

OFFERED = {
    "sigmabit serv": "serve-sim",
    "sigmabit plan digits_b": "digits_bcnn",
    "sigmabit plan x --fastest l": "latency",
    "sigmabit board x --board ul": "ulx3s",
    "sigmabit train trigger_": "trigger_vae trigger_57",
}


def environment() -> dict[str, str]:
    """Where the command is found."""
    return os.environ | {"PATH": f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"}


def test_bash() -> None:
    """Names that stand beside files, too."""
    lines = "".join(f"{words}\n" for words in OFFERED)
    done = subprocess.run(["bash", "-c", BASH], input=lines, env=environment(), capture_output=True, text=True, check=True)
    assert dict(zip(OFFERED, map(str.strip, done.stdout.splitlines()), strict=True)) == OFFERED
