"""One request: its command is read to its end, and what it prints is sent back."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcast_tui.services.process.child import Child
    from mcast_tui.services.serve.replies import Cutter

SILENCE_S = 0.2
"""How long after its command's end we still wait for output: a process it left may hold the pipe for ever."""
READ = 1 << 16
"""Bytes read at once: as much as a pipe holds, unless somebody enlarged it."""


class Exchange:
    """A command at work on one request; `run` lasts as long as the command does."""

    def __init__(self, child: Child, cutter: Cutter, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._child = child
        self._cutter = cutter
        self._send = send
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Send what the command prints until it has ended; what it left behind may print on unheard."""
        assert self._child.stdout is not None  # open since the start
        asyncio.get_running_loop().add_reader(self._child.stdout, self._news.set)
        self._child.call_at_end(self._news.set)
        while await self._news_comes():
            data = self._read(self._child.stdout)
            if data == b"":
                break
            await self._reply(self._cutter.pause() if data is None else self._cutter.feed(data))
        self._child.close_stdout()
        await self._reply(self._cutter.end())
        await self._child.ended()

    async def _news_comes(self) -> bool:
        """Wait for output or the command's end; False when it has ended and there is silence since."""
        if not self._child.has_ended:
            await self._news.wait()
        elif not self._news.is_set():
            try:
                async with asyncio.timeout(SILENCE_S):
                    await self._news.wait()
            except TimeoutError:
                return False
        self._news.clear()
        return True

    @staticmethod
    def _read(descriptor: int) -> bytes | None:
        """Return what is there to read, empty at the end of output; None when nothing is there."""
        try:
            return os.read(descriptor, READ)
        except BlockingIOError:
            return None

    async def _reply(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            await self._send(payload)
            await asyncio.sleep(0)  # a command that prints without end must not keep the others waiting
