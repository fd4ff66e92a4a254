"""A tmux pane for each host of the lab: on a server of its own, or in the window we are in.

Its own server's socket lies in the lab's directory in memory, and the server runs on host 1, so
both go with the lab. In a tmux that was there before, the other hosts' panes stand beside ours,
which becomes host 1, and are closed when the lab is; the window gets its layout back.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mcast_tui.errors import McastError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.lab.inside import Inside

MAXIMUM_PANES = 16
"""More have no room on a usual terminal."""


def require_tmux(hosts: int) -> None:
    """Refuse what cannot be shown; raises UsageError and McastError."""
    attempted = "open a tmux pane for each host"
    if hosts > MAXIMUM_PANES:
        raise UsageError(attempted, f"{hosts} panes have no room, {MAXIMUM_PANES} have")
    if shutil.which("tmux") is None:
        raise McastError(attempted, "tmux is not installed", command="apt install tmux")


def new_server(inside: Inside) -> list[str]:
    """Return the command that opens a tmux on a server of its own; it ends when the person leaves it."""
    command = ["tmux", "-S", f"{inside.directory}/tmux", "new-session", "-s", "lab", inside.on, "1"]
    for host in inside.lab.hosts[1:]:
        command += [";", "split-window", inside.on, str(host.number), ";", "select-layout", "tiled"]
    return [*command, ";", "select-pane", "-t", ":.{top-left}"]


@contextmanager
def panes_beside(inside: Inside) -> Iterator[None]:
    """Open a pane for each host but the first in the tmux window we are in, until the block ends."""
    here = os.environ.get("TMUX_PANE", "")
    layout = _ask("display-message", "-p", "-t", here, "#{window_layout}")
    panes: list[str] = []
    try:
        for host in inside.lab.hosts[1:]:
            where = panes[-1] if panes else here
            words = (inside.on, str(host.number))
            panes.append(_ask("split-window", "-d", "-P", "-F", "#{pane_id}", "-t", where, *words))
            _ask("select-layout", "-t", here, "tiled")
        yield
    finally:
        for pane in panes:
            _tell("kill-pane", "-t", pane)
        _tell("select-layout", "-t", here, layout)


def _ask(*words: str) -> str:
    """Return what tmux answers; raises McastError with its words when it refuses."""
    done = _tell(*words)
    if done.returncode:
        raise McastError("open a pane in this tmux", done.stderr.strip() or "it gives no reason")
    return done.stdout.strip()


def _tell(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["tmux", *words], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
