"""The command ``on``: run a command, or a shell, on another host of the lab.

Started as a script, without site or this package, so that a visit costs milliseconds: usage
``visit.py NAME=PID,... DIRECTORY [HOST [COMMAND...]]``, where PID is the process that keeps the
host's namespaces and DIRECTORY is where ``on`` lies. The command takes this process's place, so
its streams, signals and exit status are the caller's. Exit status of its own, as env(1) has it:
2 usage, 126 the command cannot be run, 127 there is none; 4 the host cannot be reached.

Whoever calls from outside the lab's user namespace, as a tmux server that was there before, is
taken into it first.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
from pathlib import Path

CLONE_NEWUTS, CLONE_NEWUSER, CLONE_NEWNET = 0x0400_0000, 0x1000_0000, 0x4000_0000  # clone(2)
USAGE, UNREACHABLE, NOT_EXECUTABLE, NOT_FOUND = 2, 4, 126, 127
ENDING = "(ending)"
"""The host name of a host that is being swept, as `anchor` has it."""


def move(pid: str) -> None:
    """Enter the namespaces of a process; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    kinds = [("net", CLONE_NEWNET), ("uts", CLONE_NEWUTS)]
    if Path(f"/proc/{pid}/ns/user").stat().st_ino != Path("/proc/self/ns/user").stat().st_ino:
        kinds.insert(0, ("user", CLONE_NEWUSER))
    held = [(os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY), flag) for name, flag in kinds]
    for descriptor, flag in held:
        if libc.setns(descriptor, flag):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if os.uname().nodename == ENDING:
        raise OSError(errno.ESRCH, "the lab is ending")


def prepare_environment(name: str, directory: str) -> None:
    """Say where we are, and see to it that ``on`` is found there too."""
    os.environ["HOSTNAME"] = name
    path = os.environ.get("PATH", os.defpath)
    if directory not in path.split(os.pathsep):
        os.environ["PATH"] = f"{directory}{os.pathsep}{path}"


def run(command: list[str]) -> int:
    """Become the command; returns only when that fails, with the exit status."""
    # The interpreter ignores these two; its successor is to find them as programs expect them.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606  # no shell is what is wanted
    except OSError as error:
        say(f"cannot run {command[0]!a}: {error.strerror}")
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
    except ValueError as error:  # an empty name
        say(f"cannot run {command[0]!a}: {error}")
        return NOT_FOUND


def say(text: str) -> None:
    """Tell the person at the terminal; whatever was typed comes here through `ascii`."""
    os.write(2, f"on: {text}\n".encode("ascii", "backslashreplace"))


def choices(names: list[str]) -> str:
    """Return which hosts there are, in words: ``1 to 3 (host1 to host3), or switch``."""
    hosts = sum(name.startswith("host") for name in names)
    numbers = "1 (host1)" if hosts == 1 else f"1 to {hosts} (host1 to host{hosts})"
    return ", or ".join([numbers, *(name for name in names if not name.startswith("host"))])


def main() -> int:
    """Read the words, go there, run; returns the exit status of a failure."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends quietly
    kept_by = dict(entry.split("=") for entry in sys.argv[1].split(","))
    directory, words = sys.argv[2], sys.argv[3:]
    usage = f"Usage: on HOST [COMMAND...]; without COMMAND a shell. HOST is {choices(list(kept_by))}."
    if not words or words[0] in ("-h", "--help"):
        os.write(1 if words else 2, f"{usage}\n".encode())
        return 0 if words else USAGE
    name = f"host{words[0]}" if words[0].isdecimal() else words[0]
    if name not in kept_by:
        say(f"there is no host {words[0]!a}. HOST is {choices(list(kept_by))}.")
        return USAGE
    try:
        move(kept_by[name])
    except OSError as error:
        say(f"cannot reach {name}: {error.strerror}")
        return UNREACHABLE
    prepare_environment(name, directory)
    if len(words) > 1:
        return run(words[1:])
    os.environ["PS1"] = f"{name}$ "
    return run([os.environ.get("SHELL") or "/bin/sh"])


if __name__ == "__main__":
    sys.exit(main())
