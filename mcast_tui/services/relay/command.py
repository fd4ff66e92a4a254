"""A command as an end: its standard output is read, its standard input is written.

That it reads no more, or never did, is its own affair: what is written then is dropped, and what it says
still counts. Its end is its own end, whatever it left running or closed before.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mcast_tui.services.relay.end import COMMAND_LINGER_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from mcast_tui.services.process.child import Child
    from mcast_tui.services.process.children import Children
    from mcast_tui.services.process.command import Command

ITS_STDOUT = 1
"""As its standard error: the command's own descriptor 1, which is set up before 2 is."""


@asynccontextmanager
async def open_command(
    command: Command,
    children: Children,
    environment: Mapping[str, str],
    *,
    stderr: int,
    block_size: int,
) -> AsyncIterator[CommandEnd]:
    """Start the command; on leaving, end it and everything it started. Raises `McastError`."""
    child = await children.launch(command, environment, stderr)
    end = CommandEnd(child, block_size)
    try:
        yield end
    finally:
        had_ended = child.has_ended
        status = await children.end(child)
        end.status = status if had_ended else None
        end.ended.cancel()
        await asyncio.wait({end.ended})


class CommandEnd:
    """The end that a running command is."""

    linger_s = COMMAND_LINGER_S

    def __init__(self, child: Child, block_size: int) -> None:
        self.child = child
        self._block_size = block_size
        self.ended = asyncio.create_task(child.ended())
        """Done once the command itself has ended."""
        self.status: int | None = None
        """Once closed: what it exited with, or less the signal; None when it still ran and was ended."""

    @property
    def takes_more(self) -> bool:
        return not self.child.has_ended

    async def read(self) -> bytes | None:
        """Return what the command wrote, up to a block of it; None once it has ended and all is read."""
        loop = asyncio.get_running_loop()
        while self.child.stdout is not None:
            is_over = self.child.has_ended  # asked first: what it wrote until then is in the pipe
            try:
                data = os.read(self.child.stdout, self._block_size)
            except BlockingIOError:
                if is_over:  # what it left running holds the pipe
                    return None
            else:
                if not data:  # it may have closed its output, to write a file, and run on
                    await asyncio.wait({self.ended})
                return data or None
            readable = loop.create_future()
            loop.add_reader(self.child.stdout, _resolve, readable)
            try:
                await asyncio.wait({readable, self.ended}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                loop.remove_reader(self.child.stdout)
        return None

    async def write(self, data: bytes) -> None:
        """Write it all, as the command reads; drop what it does not want."""
        loop = asyncio.get_running_loop()
        rest = memoryview(data)
        while rest and self.child.stdin is not None and not self.child.has_ended:
            try:
                rest = rest[os.write(self.child.stdin, rest) :]
                continue
            except BlockingIOError:
                writable = loop.create_future()
            except BrokenPipeError:
                self.child.close_stdin()
                return
            loop.add_writer(self.child.stdin, _resolve, writable)
            try:
                await asyncio.wait({writable, self.ended}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                loop.remove_writer(self.child.stdin)

    async def end_input(self) -> None:
        self.child.close_stdin()


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
