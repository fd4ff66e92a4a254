"""What to run: a program found beforehand, or a shell's line; and why one could not be started."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcast_tui.errors import McastError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

SHELL = "/bin/sh"

_REMEDIES = {
    errno.ENOENT: "Name one that is installed, or give the path to it.",
    errno.EACCES: "Make it executable, or name the program that runs it first.",
    errno.ENOEXEC: "It is no program; begin a script with #!/bin/sh, or name the program that runs it first.",
    errno.EAGAIN: "This user may have no more processes: end some, or allow more (ulimit -u).",
    errno.ENOMEM: "There is no memory for one more process.",
    errno.EMFILE: "Too many files are open in this process: run fewer commands at once, or raise ulimit -n.",
    errno.ENFILE: "Too many files are open on this machine.",
    errno.E2BIG: "The arguments and the environment together are too long: execve(2).",
}


@dataclass(frozen=True, slots=True)
class Command:
    """What to run: a program, and its arguments with the name it is called by first."""

    path: str
    arguments: tuple[str, ...]


def find_command(words: Sequence[str]) -> Command:
    """Return the command of these words, its program looked up in PATH; raises UsageError."""
    if not words or not words[0]:
        raise UsageError("run a command", "there is none", remedy="Write it last: -- COMMAND ARGUMENT...")
    path = shutil.which(words[0])
    if path is None:
        exists = os.sep in words[0] and Path(words[0]).exists()
        number = errno.EACCES if exists else errno.ENOENT
        reason = "it is not an executable file" if exists else "there is no such command"
        raise UsageError(f"run {words[0]}", reason, errno=number, remedy=_REMEDIES[number])
    return Command(path, tuple(words))


def shell_command(line: str) -> Command:
    """Return the command that has ``/bin/sh`` run `line`."""
    return Command(SHELL, ("sh", "-c", line))


def refusal_of(command: Command, error: OSError) -> McastError:
    """Return why the kernel did not start it, with a remedy."""
    number = error.errno or 0
    return McastError(
        f"run {command.arguments[0]}", os.strerror(number), errno=number, remedy=_REMEDIES.get(number)
    )
