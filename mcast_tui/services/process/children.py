"""The commands that run, and the way to start and end them."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from mcast_tui.services.process.child import GRACE_S, Child
from mcast_tui.services.process.command import refusal_of
from mcast_tui.services.process.orphans import Orphans
from mcast_tui.services.process.pipes import open_pipes
from mcast_tui.services.process.spawn import spawn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcast_tui.services.process.command import Command
    from mcast_tui.services.process.pipes import Pipes

SPAWNERS = 4
"""Commands that may be between fork and exec at once: `launch` need not wait for the one before."""


class Children:
    """Starts commands and ends them. With `adopts` also what they abandon is ended (`orphans`)."""

    def __init__(self, *, adopts: bool = False) -> None:
        self._running: dict[int, Child] = {}
        self._orphans = Orphans(self._running) if adopts else None
        self._spawners = ThreadPoolExecutor(SPAWNERS, "mcast-tui spawner")  # its threads begin at first use
        _keep_inherited_descriptors()

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[Child]:
        return iter(tuple(self._running.values()))

    async def launch(
        self,
        command: Command,
        environment: Mapping[str, str],
        stderr: int,
        *,
        payload: bytes | None = None,
        by_write: bool = False,
    ) -> Child:
        """Start a command, and let the event loop run meanwhile; raises McastError.

        `payload` is all its standard input is to hold: as much as the pipe takes is there when the command
        begins, the rest follows as it reads. Without one the caller writes. `by_write` keeps what it writes
        apart: a read returns what one write(2) wrote, up to 4096 bytes of it (O_DIRECT, pipe(2)).
        """
        pipes = open_pipes(command, payload, by_write=by_write)
        streams = (*pipes.theirs, stderr)
        with self._orphans.launching() if self._orphans else nullcontext():
            spawned = asyncio.get_running_loop().run_in_executor(
                self._spawners, spawn, command.path, command.arguments, environment, streams
            )
            try:
                return self._started(command, await asyncio.shield(spawned), pipes)
            except OSError as error:
                pipes.close()
                raise refusal_of(command, error) from error
            except asyncio.CancelledError:
                await asyncio.wait([spawned])  # it takes a moment at most; then it is one more to be ended
                if spawned.exception() is None:
                    self._started(command, spawned.result(), pipes)
                else:
                    pipes.close()
                raise

    def _started(self, command: Command, pid: int, pipes: Pipes) -> Child:
        pipes.close_theirs()
        child = self._running[pid] = Child(command, pid, pipes.stdin, pipes.stdout, pipes.rest)
        return child

    def collect(self, child: Child) -> int:
        """Take leave of a command that has ended; return its status."""
        status = child.collect()
        self._forget(child)
        return status

    async def end(self, child: Child, grace_s: float = GRACE_S) -> int | None:
        """End a command and everything it started; return its status, None when it could not be ended."""
        status = await child.end(grace_s)
        if status is None:
            child.call_at_end(lambda: self.collect(child))
        else:
            self._forget(child)
        return status

    def _forget(self, child: Child) -> None:
        self._running.pop(child.pid, None)
        if self._orphans is not None:
            self._orphans.sweep_soon()

    async def close(self) -> None:
        """End every command that still runs, and all they started; nobody may be in `launch` any more."""
        await asyncio.gather(*(self.end(child) for child in self))
        self._spawners.shutdown(wait=False)
        if self._orphans is not None:
            await self._orphans.close()


def _keep_inherited_descriptors() -> None:
    """Have no command inherit what this process inherited beyond the three streams."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are numbers here
        if int(name) > 2:
            with suppress(OSError):  # the listing's own
                os.set_inheritable(int(name), False)
