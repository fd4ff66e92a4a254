"""One command under way: fed, awaited on the event loop, ended with all that descends from it.

A command is a session of its own (setsid(2)) with three descriptors: a pipe in, a pipe out, and a standard
error of the caller's choice. Nothing else of ours passes, no socket above all. When its end is collected,
what it left in its process group is killed: a request that is over leaves nothing running, as
systemd.kill(5) has it for a service.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from mcast_tui.services.process.tree import descendants, send_signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.process.command import Command

GRACE_S = 0.5
"""How long a command may take to end itself after SIGTERM, before SIGKILL."""
KILLED_WITHIN_S = 2.0
"""How long SIGKILL may take; whoever lives on then is another user's."""
POLL_S = 0.01
"""Between two looks at a command whose end nobody tells us: Linux before 5.3 has no pidfd_open(2)."""


class Child:
    """One command that was started. Its descriptors are ours, do not block, and are closed by `collect`."""

    def __init__(self, command: Command, pid: int, stdin: int | None, stdout: int, rest: bytes) -> None:
        self.command = command
        self.pid = pid
        self.stdin = stdin
        """Where to write what it reads; None once closed."""
        self.stdout: int | None = stdout
        """Where to read what it writes; None once closed."""
        self.status: int | None = None
        """Once collected: what it exited with, or less a signal that ended it."""
        self._rest = memoryview(rest)
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._at_end: Callable[[], object] | None = None
        self._pidfd: int | None = None
        self._watch()
        if rest:
            assert stdin is not None  # kept open for the rest
            self._loop.add_writer(stdin, self._feed)

    @property
    def has_ended(self) -> bool:
        """Whether the command itself has ended; what it started may run on until `collect`."""
        return self._ended.is_set()

    async def ended(self) -> None:
        """Wait until the command itself has ended."""
        await self._ended.wait()

    def call_at_end(self, callback: Callable[[], object]) -> None:
        """Call `callback` once the command itself has ended; at once when it has. One at a time."""
        self._at_end = callback
        if self.has_ended:
            callback()

    def signal(self, number: int) -> None:
        """Send a signal to the command, its process group and all that descend from it."""
        if self.status is not None:
            return
        send_signal(os.killpg, self.pid, number)
        for pid in descendants(self.pid):
            send_signal(os.kill, pid, number)

    def kill(self) -> None:
        """Kill the command and all that descend from it, as fast as it may fork."""
        if self.status is not None:
            return
        stopped: set[int] = set()
        send_signal(os.killpg, self.pid, signal.SIGSTOP)
        while fresh := set(descendants(self.pid)) - stopped:  # what is stopped forks no more
            for pid in fresh:
                send_signal(os.kill, pid, signal.SIGSTOP)
            stopped |= fresh
        send_signal(os.killpg, self.pid, signal.SIGKILL)
        for pid in stopped:
            send_signal(os.kill, pid, signal.SIGKILL)

    async def end(self, grace_s: float = GRACE_S) -> int | None:
        """End the command and all that descend from it, politely first; return its status.

        None: it has become another user and is not ours to end. Its pipes are closed; `collect` waits for it.
        """
        if not self.has_ended:
            self.signal(signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self.ended()
        if not self.has_ended:
            self.kill()
            with suppress(TimeoutError):
                async with asyncio.timeout(KILLED_WITHIN_S):
                    await self.ended()
        if not self.has_ended:
            self.close_stdin()
            self.close_stdout()
            return None
        return self.collect()

    def collect(self) -> int:
        """Close the pipes, kill what is left of the process group, and return the command's status.

        Only after its end: until here it is a zombie, so the number of its group can be nobody else's.
        """
        if self.status is None:
            self.close_stdin()
            self.close_stdout()
            self._unwatch()
            send_signal(os.killpg, self.pid, signal.SIGKILL)
            _, waited = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(waited)
        return self.status

    def close_stdin(self) -> None:
        """Let the command find the end of its input; again is harmless."""
        if self.stdin is not None:
            self._loop.remove_writer(self.stdin)
            os.close(self.stdin)
            self.stdin = None

    def close_stdout(self) -> None:
        """Read no more from the command; again is harmless."""
        if self.stdout is not None:
            self._loop.remove_reader(self.stdout)
            os.close(self.stdout)
            self.stdout = None

    def _feed(self) -> None:
        """Write what did not fit at first, as the command reads; that it reads no more is its own affair."""
        assert self.stdin is not None  # called only while it is watched
        try:
            self._rest = self._rest[os.write(self.stdin, self._rest) :]
        except BlockingIOError:
            return
        except OSError:
            self._rest = self._rest[:0]
        if not self._rest:
            self.close_stdin()

    # -- its end

    def _watch(self) -> None:
        try:
            self._pidfd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):  # another Unix, an older kernel, or no descriptor left
            self._poll()
        else:
            self._loop.add_reader(self._pidfd, self._note_end)

    def _poll(self) -> None:
        if self.status is None and not self._ended.is_set():
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                self._note_end()
            else:
                self._loop.call_later(POLL_S, self._poll)

    def _note_end(self) -> None:
        self._unwatch()
        self._ended.set()
        if self._at_end is not None:
            self._at_end()

    def _unwatch(self) -> None:
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
