"""What commands write to standard error: one pipe for all, read by us, told line by line, so many a second.

A terminal is never theirs to write to: what they say may be an echo of what came from the wire.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

LINES_PER_S = 20
LONGEST = 2048
"""Bytes of a line that are told."""
_CHUNK = 1 << 16


class Ration:
    """Passes on at most so many lines a second, and says how many it kept back."""

    def __init__(self, tell: Callable[[str], None], per_s: int = LINES_PER_S) -> None:
        self._tell = tell
        self._per_s = per_s
        self._since = 0.0
        self._told = self._kept_back = 0

    def tell(self, line: str) -> None:
        """Tell a line, if there is room for it in this second."""
        now = time.monotonic()
        if now - self._since >= 1:
            self.flush()
            self._since, self._told = now, 0
        if self._told < self._per_s:
            self._told += 1
            self._tell(line)
        else:
            self._kept_back += 1

    def flush(self) -> None:
        """Say how many lines were kept back since the last time."""
        if self._kept_back:
            self._tell(f"({self._kept_back} more lines like these not shown)")
            self._kept_back = 0


class Complaints:
    """The pipe that is every command's standard error; a context manager that closes it."""

    def __init__(self, ration: Ration) -> None:
        self._ration = ration
        self._begun = b""
        self._reader, self.descriptor = os.pipe()  # theirs blocks: they wait for us, as for a terminal
        os.set_blocking(self._reader, False)
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Self:
        self._loop.add_reader(self._reader, self._read)
        return self

    def __exit__(self, *_: object) -> None:
        """Tell what is there, and close."""
        while self._read():
            pass
        self._tell_lines(b"\n" if self._begun else b"")
        self._ration.flush()
        self._loop.remove_reader(self._reader)
        os.close(self._reader)
        os.close(self.descriptor)

    def _read(self) -> bool:
        try:
            data = os.read(self._reader, _CHUNK)
        except BlockingIOError:
            return False
        self._tell_lines(data)
        return True

    def _tell_lines(self, data: bytes) -> None:
        *lines, rest = (self._begun + data).split(b"\n")
        for line in lines:
            self._ration.tell("command: " + line[:LONGEST].decode("utf-8", "surrogateescape"))
        self._begun = rest[:LONGEST]
