"""What a command prints -> the datagrams that answer its request. Memory is bounded whatever it prints.

An answer that no datagram can carry is not cut behind anybody's back: it is not sent, and counted. Writes
alone are cut (CHUNK): they are a stream that the command itself has divided as it came.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Mode(StrEnum):
    """How output becomes datagrams."""

    WHOLE = "whole"
    """Everything, at the end, in one."""
    LINE = "line"
    """Each line as it comes, with its line end; the last may lack one."""
    CHUNK = "chunk"
    """Each write(2) as it comes; one that no datagram can carry in several."""


class Cutter(Protocol):
    """Cuts one command's output."""

    too_long: int
    """Answers that no datagram can carry."""

    def feed(self, data: bytes) -> list[bytes]:
        """Take what was read; return the datagrams that are complete by it."""

    def pause(self) -> list[bytes]:
        """Nothing more is there to read at this moment; return what that completes."""

    def end(self) -> list[bytes]:
        """The output is over; return what is left."""


class _Whole:
    def __init__(self, limit: int) -> None:
        self.too_long = 0
        self._limit = limit
        self._kept = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        if not self.too_long:
            self._kept += data
            if len(self._kept) > self._limit:
                self.too_long = 1
                self._kept.clear()
        return []

    def pause(self) -> list[bytes]:
        return []

    def end(self) -> list[bytes]:
        return [bytes(self._kept)] if self._kept else []


class _Lines:
    def __init__(self, limit: int) -> None:
        self.too_long = 0
        self._limit = limit
        self._kept = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        *whole, rest = (self._kept + data).split(b"\n")
        lines = []
        for line in whole:
            if not self._skipping:
                lines.append(line + b"\n")
            self._skipping = False
        self._kept = b"" if self._skipping else rest
        if len(self._kept) > self._limit:
            self.too_long += 1
            self._skipping, self._kept = True, b""
        fitting = [line for line in lines if len(line) <= self._limit]
        self.too_long += len(lines) - len(fitting)
        return fitting

    def pause(self) -> list[bytes]:
        return []

    def end(self) -> list[bytes]:
        return [self._kept] if self._kept else []


PAGE = 4096
"""What a pipe keeps together of one write (O_DIRECT, pipe(2)): a longer one comes as several reads."""


class _Chunks:
    def __init__(self, limit: int) -> None:
        self.too_long = 0
        self._limit = limit
        self._kept = b""

    def feed(self, data: bytes) -> list[bytes]:
        """A full page is the beginning of a longer write, if more is there at once."""
        ready = []
        if len(self._kept) + len(data) > self._limit:
            ready, self._kept = [self._kept], b""
        self._kept += data
        return ready if len(data) == PAGE else [*ready, *self.pause()]

    def pause(self) -> list[bytes]:
        ready, self._kept = self._kept, b""
        return [ready] if ready else []

    def end(self) -> list[bytes]:
        return self.pause()


_CUTTERS: dict[Mode, Callable[[int], Cutter]] = {Mode.WHOLE: _Whole, Mode.LINE: _Lines, Mode.CHUNK: _Chunks}


def cutter(mode: Mode, limit: int) -> Cutter:
    """Return what cuts one command's output into datagrams of at most `limit` bytes."""
    return _CUTTERS[mode](limit)
