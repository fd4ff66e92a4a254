"""Our programs in C, built before they are used, and those of others, found where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SOURCES, BUILT = HERE / "csrc", HERE / "bin"
COMPILE = ("-O2", "-Wall", "-Wextra", "-std=gnu11")


class MissingProgramError(Exception):
    """A benchmark cannot be run without this program."""


def build(name: str) -> Path:
    """Compile ``csrc/NAME.c`` unless it was since it changed; return the program."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise MissingProgramError(f"{name} needs a C compiler: apt install gcc libc6-dev")
    source, program = SOURCES / f"{name}.c", BUILT / name
    newest = max(file.stat().st_mtime for file in (source, *SOURCES.glob("*.h")))
    if not program.exists() or program.stat().st_mtime < newest:
        BUILT.mkdir(exist_ok=True)
        subprocess.run([compiler, *COMPILE, "-o", program, source], check=True)
    return program


def python(script: str, *arguments: str) -> list[str]:
    """Return the command that runs a Python program of this folder."""
    return [sys.executable, str(HERE / script), *arguments]


def mcast_tui(*arguments: str) -> list[str]:
    """Return the command a user types; ``python -m mcast_tui`` where it is not installed."""
    installed = Path(sys.executable).with_name("mcast-tui")
    start = [str(installed)] if installed.exists() else [sys.executable, "-m", "mcast_tui"]
    return [*start, *arguments]


def environment() -> dict[str, str]:
    """Return our environment as in a user's terminal: nothing that changes the app, compiled modules kept.

    They are kept apart (PYTHONPYCACHEPREFIX), so that it matters neither whether the checkout has
    some already nor whether this shell forbids to write them.
    """
    strange = ("TEXTUAL", "MCAST_TUI_", "SSH_", "NO_COLOR", "PYTHON", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    return kept | {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "PYTHONPYCACHEPREFIX": str(BUILT / "pycache"),
    }
