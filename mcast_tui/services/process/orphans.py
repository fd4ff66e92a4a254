"""What our commands abandoned: they double-forked it out of their session, and it became our child.

This process takes the place of their parent for that (prctl(2), PR_SET_CHILD_SUBREAPER). Only where nobody
else starts children: any other child of ours would be taken for abandoned. Where others' children may be
among them - for process 1, and where a shell that had some became us by execve(2) - nothing is ended; the
dead are collected all the same.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mcast_tui.services.process.child import GRACE_S, POLL_S
from mcast_tui.services.process.tree import children, send_signal

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

SWEEP_S = 0.1
"""How soon after a command's end we look for what it abandoned."""

_PR_SET_CHILD_SUBREAPER = 36


class Orphans:
    """Finds and ends them. `running` holds the numbers of the commands that run: those are no orphans."""

    def __init__(self, running: Container[int]) -> None:
        self._running = running
        self._may_end = os.getpid() != 1 and not children(os.getpid())
        self._sweep: asyncio.TimerHandle | None = None
        self._warned: set[int] = set()
        self._tickets = 0
        self._launching: set[int] = set()
        self._seen: dict[int, int] = {}  # child -> the ticket that was next when it was first seen
        if self._may_end:
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    @contextmanager
    def launching(self) -> Iterator[None]:
        """Keep in mind, for the time of the block, that a child we do not know yet may be a command."""
        ticket, self._tickets = self._tickets, self._tickets + 1
        self._launching.add(ticket)
        try:
            yield
        finally:
            self._launching.discard(ticket)

    def sweep_soon(self) -> None:
        """Look for what a command that has ended may have abandoned."""
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_S, self._end_some)

    async def close(self) -> None:
        """End them all; what is another user's by now is left alone."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        now = asyncio.get_running_loop().time
        deadline = now() + GRACE_S
        while self._signal(is_last_word=now() > deadline) and now() < deadline + GRACE_S:  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)  # nobody tells of the end of another's child

    def _end_some(self) -> None:
        self._sweep = None
        if self._signal(is_last_word=False):
            self._sweep = asyncio.get_running_loop().call_later(GRACE_S, self._end_some)

    def _signal(self, *, is_last_word: bool) -> bool:
        """Tell them to end, the second time without asking; whether any is left."""
        left = {pid for pid in self._find() if not _collect(pid) and not self._is_of_a_command(pid)}
        if not self._may_end:
            return False
        for pid in left:
            is_warned = is_last_word or pid in self._warned
            send_signal(os.kill, pid, signal.SIGKILL if is_warned else signal.SIGTERM)
        self._warned = left
        return bool(left)

    def _find(self) -> list[int]:
        """Return our children that are no command: none that may still come out of a launch under way."""
        unknown = [pid for pid in children(os.getpid()) if pid not in self._running]
        self._seen = {pid: self._seen.get(pid, self._tickets) for pid in unknown}
        oldest = min(self._launching, default=self._tickets)
        return [pid for pid, ticket in self._seen.items() if ticket <= oldest]

    def _is_of_a_command(self, pid: int) -> bool:
        """Whether it is still in the session of a command that runs, and ends with that."""
        try:
            return os.getsid(pid) in self._running
        except ProcessLookupError:
            return False


def _collect(pid: int) -> bool:
    """Whether a child of ours that nobody waits for is dead; then it is gone now."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
