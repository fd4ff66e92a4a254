"""The three standard streams, made so that nothing we print can fail, or act, for what it says."""

from __future__ import annotations

import errno
import io
import os
import sys

TYPE_CHECKING = False  # as in `main`: typing takes longer than --help
if TYPE_CHECKING:
    from typing import Any, TextIO

    from mcast_tui.errors import McastError


def prepare_streams() -> None:
    """Put /dev/null where a standard stream is closed, and escape what an encoding cannot say.

    Without the first, a print to a closed stderr would land in stdout, and a socket could become file
    descriptor 0. In place of stdout it cannot be written to: data that goes nowhere is an error, talk is
    not. Without the second, one letter from the wire ends a program whose locale is not UTF-8.
    """
    for name, mode, access in (
        ("stdin", "r", os.O_RDWR),
        ("stdout", "w", os.O_RDONLY),
        ("stderr", "w", os.O_RDWR),
    ):
        if getattr(sys, name) is None:
            # For the life of the process; opened from 0 up, so that each takes its own descriptor.
            setattr(sys, name, os.fdopen(os.open(os.devnull, access), mode))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not so where a test or another program runs us
            stream.reconfigure(errors="backslashreplace")


class Stdout:
    """Standard output as it is, but it keeps the error of a write: the edge asks whose an `OSError` is."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.error: OSError | None = None
        """What stood in the way of a write."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write it; raises `OSError`, `BrokenPipeError` when nobody reads any more."""
        try:
            return self._stream.write(text)
        except OSError as error:
            raise self._kept(error) from error

    def flush(self) -> None:
        """Write what waits; raises as `write` does."""
        try:
            self._stream.flush()
        except OSError as error:
            raise self._kept(error) from error

    def _kept(self, error: OSError) -> OSError:
        if isinstance(error, BrokenPipeError):
            error = BrokenPipeError()  # by its number click would know it, and exit with status 1
        self.error = error
        return error


def discard_stdout() -> None:
    """Let standard output lead nowhere from now on: Python flushes it at exit, and would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def unwritten(number: int, name: str = "standard output") -> McastError:
    """Return the error of an output that the kernel refuses to write to, by the number it gave."""
    from mcast_tui.errors import McastError

    remedy = None
    if number == errno.EBADF:
        remedy = "It is closed, or open for reading only; what nobody wants goes to /dev/null."
    return McastError(f"write to {name}", os.strerror(number), errno=number, remedy=remedy)


def say(line: str) -> None:
    """Print a line that may hold words of others: to a terminal through `safe`, elsewhere as it is."""
    if sys.stdout.isatty():
        from mcast_tui.safe import safe_text  # not for --help, which does without

        line = safe_text(line)
    print(line)


def shows_colour() -> bool:
    """Whether standard output is a terminal that shows colours, and nobody asked for none (no-color.org)."""
    is_capable = os.environ.get("TERM", "dumb") != "dumb"
    return is_capable and not os.environ.get("NO_COLOR") and os.isatty(sys.stdout.fileno())


def can_draw() -> bool:
    """Tell whether there is a terminal to draw an app on."""
    # Textual reads its keys from the first, the size from the second, and draws on the third.
    streams = (sys.stdin, sys.stdout, sys.stderr)
    is_terminal = all(stream is not None and stream.isatty() for stream in streams)
    return is_terminal and os.environ.get("TERM") not in {None, "", "dumb"}
