"""The app, joined to a group on a host of the lab, and how a key or a line is timed from outside."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from benchmarks import programs
from benchmarks.receivers import GROUPS, PORT
from benchmarks.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.lab.host import Host

LABEL = f"{GROUPS[4]}:{PORT}"
MARKERS = [chr(code) for code in range(0x100, 0x17F)] + [chr(code) for code in range(0x410, 0x450)]
"""Letters that stand nowhere else on the screen, one for each key press (Latin Extended-A, Cyrillic)."""
PRESSES_APART_S = (0.08, 0.16)
LINES_APART_S = (0.15, 0.35)


def open_app(host: Host, *options: str) -> Terminal:
    """Start the app on this host, joined to the group; return once the group is on screen."""
    where = f"{GROUPS[4]}%{host.interface}:{PORT}"
    terminal = Terminal(host, programs.mcast_tui(where, *options))
    try:
        terminal.arrival("users 1")  # the sidebar has the kernel's word on the membership
    except BaseException:
        terminal.close()
        raise
    return terminal


def press_keys(terminal: Terminal, count: int) -> Iterator[float]:
    """Type `count` letters into the input line; yield for each the seconds until it was on the terminal."""
    for marker in MARKERS[:count]:
        time.sleep(random.uniform(*PRESSES_APART_S))
        since = terminal.size
        pressed_at = terminal.write(marker)
        yield terminal.arrival(marker, since) - pressed_at
