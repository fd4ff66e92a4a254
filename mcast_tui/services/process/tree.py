"""Who descends from whom, as /proc says at this moment, and signals to them.

A process that ends leaves its children to the nearest subreaper above it (prctl(2)), else to process 1: what
a descendant abandoned is found from the subreaper only.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PROC = Path("/proc")


def descendants(pid: int) -> Iterator[int]:
    """Yield the children of a process, theirs, and so on."""
    for child in children(pid):
        yield child
        yield from descendants(child)


def children(pid: int) -> list[int]:
    """Return the children of a process, the dead that nobody collected included."""
    if not _lists_children():
        return [child for child, parent in _parents() if parent == pid]
    found: list[int] = []
    with suppress(OSError):  # it has ended
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - names are all we want
            with suppress(OSError):
                found += map(int, (_PROC / f"{pid}/task/{task}/children").read_text("ascii").split())
    return found


@cache
def _lists_children() -> bool:
    """Whether this kernel lists children: CONFIG_PROC_CHILDREN."""
    return (_PROC / f"self/task/{os.getpid()}/children").exists()


def _parents() -> Iterator[tuple[int, int]]:
    """Yield every process and its parent."""
    for entry in _PROC.glob("[0-9]*"):
        with suppress(OSError):
            yield (
                int(entry.name),
                int((entry / "stat").read_text("ascii", "replace").rpartition(")")[2].split()[1]),
            )


def send_signal(how: Callable[[int, int], None], pid: int, number: int) -> None:
    """Send a signal by `os.kill` or `os.killpg` to what may have ended by now."""
    with suppress(ProcessLookupError, PermissionError):  # or changed its user: then it is not ours to end
        how(pid, number)
