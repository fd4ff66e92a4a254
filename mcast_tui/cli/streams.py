"""The three standard streams, made so that nothing we print can fail, or act, for what it says."""

from __future__ import annotations

import io
import os
import sys


def prepare_streams() -> None:
    """Put /dev/null where a standard stream is closed, and escape what an encoding cannot say.

    Without the first, a print to a closed stderr would land in stdout, and a socket could become file
    descriptor 0. Without the second, one letter from the wire ends a program whose locale is not UTF-8.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # For the life of the process; opened from 0 up, so that each takes its own descriptor.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not so where a test or another program runs us
            stream.reconfigure(errors="backslashreplace")


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
