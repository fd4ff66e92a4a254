"""Standard input and output as an end of a relay: bytes as they are, but never to a terminal.

What is written there may come from the wire. A terminal gets it line by line through `safe`, with a word
on stderr that it does; anything else gets every byte. Input is read as it comes, a read at a time.
"""

from __future__ import annotations

import asyncio
import os
import sys

from mcast_tui.cli.running import read_available
from mcast_tui.cli.streams import unwritten
from mcast_tui.cli.talk import talk
from mcast_tui.safe import safe_text
from mcast_tui.services.relay.end import LINGER_S

STDIN, STDOUT = 0, 1
WRITTEN_AT_ONCE = 4096
"""PIPE_BUF, pipe(7): a pipe that can be written takes so much without blocking."""
LINE_LIMIT = 65_536


class StandardStreams:
    """Both streams; may be used by several relays at once, each read then goes to one of them."""

    linger_s = LINGER_S
    takes_more = True

    def __init__(self, block_size: int) -> None:
        self._block_size = block_size
        self._shows = os.isatty(STDOUT)
        self._has_told = False
        self._reading, self._writing = asyncio.Lock(), asyncio.Lock()

    async def read(self) -> bytes | None:
        async with self._reading:
            return await read_available(STDIN, self._block_size) or None

    async def write(self, data: bytes) -> None:
        """Write it; raises `BrokenPipeError` when nobody reads any more, else `McastError`."""
        if self._shows:
            data = self._as_shown(data)
        async with self._writing:
            for start in range(0, len(data), WRITTEN_AT_ONCE):
                await _write_all(STDOUT, data[start : start + WRITTEN_AT_ONCE])

    async def end_input(self) -> None:
        """Standard output stays open: others may write there too."""

    def _as_shown(self, data: bytes) -> bytes:
        if not self._has_told:
            self._has_told = True
            talk("standard output is a terminal: controls are shown as pictures; a pipe gets every byte")
        lines = data.removesuffix(b"\n").split(b"\n")
        shown = "".join(f"{safe_text(line, LINE_LIMIT)}\n" for line in lines)
        return shown.encode(sys.stdout.encoding, "backslashreplace")


async def _write_all(fd: int, data: bytes) -> None:
    while data:
        await _until(fd)
        try:
            data = data[os.write(fd, data) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise unwritten(error.errno or 0) from error


async def _until(fd: int) -> None:
    """Wait until something can be written; a file always can."""
    loop = asyncio.get_running_loop()
    writable = asyncio.Event()
    try:
        loop.add_writer(fd, writable.set)
    except PermissionError:  # epoll_ctl(2): it is a regular file
        return
    try:
        await writable.wait()
    finally:
        loop.remove_writer(fd)
