"""What a test process holds, to be compared before and after a test."""

from __future__ import annotations

import asyncio
import asyncio.runners
import ctypes
import gc
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
GRACE_S = 10.0
"""How long a thread or process that is on its way out may take."""


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent ends, so that they cannot slip away unseen."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@dataclass(frozen=True)
class Possessions:
    """Descriptors, threads, living children and the network namespace of this process."""

    descriptors: dict[int, str]
    threads: frozenset[threading.Thread]
    children: frozenset[int]
    namespace: str

    @classmethod
    def now(cls) -> Possessions:
        return cls(
            _descriptors(),
            frozenset(threading.enumerate()),
            frozenset(_children()),
            network_namespace(),
        )

    def left_behind(self) -> list[str]:
        """Return what is held now and was not then, as phrases, after a time of grace."""
        deadline = time.monotonic() + GRACE_S
        while (problems := self._difference()) and time.monotonic() < deadline:
            gc.collect()  # a cycle of garbage may still hold a socket
            time.sleep(0.02)
        return problems

    def _difference(self) -> list[str]:
        now = Possessions.now()
        opened = now.descriptors.items() - self.descriptors.items()
        return [
            *(f"descriptor {number} ({what})" for number, what in sorted(opened)),
            *(f"thread {thread.name}" for thread in now.threads - self.threads),
            *(f"process {pid} ({_command(pid)})" for pid in now.children - self.children),
            *([f"in namespace {now.namespace}"] if now.namespace != self.namespace else []),
        ]


def network_namespace() -> str:
    """Return the name of the calling thread's network namespace."""
    return str(Path("/proc/thread-self/ns/net").readlink())


@contextmanager
def recorded_tasks() -> Iterator[list[str]]:
    """Collect the tasks that are still pending when an event loop is closed.

    `asyncio.Runner` cancels them in silence just before; that is the one place to see them all.
    """
    pending: list[str] = []
    cancel_all = asyncio.runners._cancel_all_tasks

    def record_and_cancel(loop: asyncio.AbstractEventLoop) -> None:
        pending.extend(task.get_coro().__qualname__ for task in asyncio.all_tasks(loop))
        cancel_all(loop)

    asyncio.runners._cancel_all_tasks = record_and_cancel
    try:
        yield pending
    finally:
        asyncio.runners._cancel_all_tasks = cancel_all


def _descriptors() -> dict[int, str]:
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own
            found[int(entry.name)] = str(entry.readlink())
    return found


def _children() -> Iterator[int]:
    """Yield our living children, whichever thread has them; the dead hold nothing but their number."""
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # the thread has ended
            for child in map(int, (task / "children").read_text().split()):
                if _is_alive(child):
                    yield child


def _is_alive(pid: int) -> bool:
    try:
        return not Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].startswith(" Z")
    except OSError:
        return False


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    return "ended"
