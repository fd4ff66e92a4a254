"""An output, standard or a file of events, written by a thread of its own: who reads slowly holds up nobody.

Whoever prints hands over whole lines and goes on; when too much waits, it waits as well, on the
event loop, where signals and timeouts are heard. What a reader never took is known at the end. The
descriptor stays as it is: to make it non-blocking would change it for every program that shares it.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import select
import stat
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING

from mcast_tui.cli.streams import unwritten

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

MOST_WAITING = 1 << 20
"""Bytes handed over and not written yet, beyond which who prints has to wait."""
GRACE_S = 1.0
"""How long a reader may take for the rest once the run is over; one that has stopped reading never would."""


class Output:
    """A file descriptor being written to; a context manager, on the event loop it is entered on.

    Raises `McastError` on entry when it is not open for writing.
    `taken` is called on the loop with how many entries those bytes were, when they are written.
    """

    def __init__(
        self,
        descriptor: int,
        taken: Callable[[int], None] | None = None,
        *,
        name: str = "standard output",
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._descriptor = descriptor
        self._taken = taken
        self._name = name
        self._most_waiting = most_waiting
        self._chunks: SimpleQueue[tuple[bytes, int, OSError | None] | None] = SimpleQueue()
        self._waiting = 0
        self.untaken = 0
        """Entries handed over and not written yet: in the end, those that nobody took."""
        self._error: OSError | None = None
        self._changed = asyncio.Event()
        self._thread = threading.Thread(target=self._write_chunks, name="mcast-tui output", daemon=True)

    async def __aenter__(self) -> Self:
        if _access_of(self._descriptor) == os.O_RDONLY:
            raise unwritten(errno.EBADF, self._name)
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        self._is_watched = _tells_of_its_reader(self._descriptor)
        if self._is_watched:
            self._loop.add_reader(self._descriptor, self._look_at_reader)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop_watching()
        self._chunks.put(None)
        if not self._waiting or self._error is not None:
            self._thread.join()
        # Otherwise it sits in write(2) until the process ends: it is a daemon for that.

    @property
    def is_in_use(self) -> bool:
        """Whether the thread still writes to the descriptor, so that it may not be closed."""
        return self._thread.is_alive()

    # -- who prints

    def write(self, data: bytes, entries: int) -> None:
        """Hand over bytes that are so many entries, packets for one; returns at once."""
        self._waiting += len(data)
        self.untaken += entries
        self._chunks.put((data, entries, None))

    @property
    def is_full(self) -> bool:
        """Whether so much waits that who cannot wait has to leave things out."""
        return self._waiting > self._most_waiting

    @property
    def is_abandoned(self) -> bool:
        """Whether the reader is gone: as ``head`` goes, with all that it wanted."""
        return isinstance(self._error, BrokenPipeError)

    async def has_room(self, most: int | None = None) -> None:
        """Wait until not too much waits, or at most so many bytes; raises what the kernel said to a write.

        `BrokenPipeError` when the reader is gone, otherwise `McastError`.
        """
        limit = self._most_waiting if most is None else most
        while self._waiting > limit and self._error is None:
            self._changed.clear()
            await self._changed.wait()
        self.check()

    def check(self) -> None:
        """Raise as `has_room` does, and do not wait."""
        if isinstance(self._error, BrokenPipeError):
            raise self._error
        if self._error is not None:
            raise unwritten(self._error.errno or 0, self._name)

    async def finish(self) -> None:
        """Wait until everything is written, but not for ever; raises as `has_room` does."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await self.has_room(0)

    async def gone(self) -> None:
        """Wait until nothing more can be written; raises as `has_room` does."""
        while self._error is None:
            self._changed.clear()
            await self._changed.wait()
        self.check()

    # -- the thread and what it reports

    def _write_chunks(self) -> None:
        while chunk := self._chunks.get():
            data, entries, error = chunk
            error = error or _write_all(self._descriptor, data)
            with suppress(RuntimeError):  # the loop is closed: nobody asks any more
                self._loop.call_soon_threadsafe(self._written, len(data), entries, error)
            if error is not None:
                return

    def _written(self, size: int, entries: int, error: OSError | None) -> None:
        self._waiting -= size
        if error is None:
            self.untaken -= entries
            if self._taken is not None:
                self._taken(entries)
        self._error = self._error or error
        self._changed.set()

    def _look_at_reader(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, 0)  # errors are told unasked
        if poll.poll(0):
            self._stop_watching()
            self._chunks.put((b"", 0, BrokenPipeError()))  # what the reader took before it left is told first

    def _stop_watching(self) -> None:
        if self._is_watched:
            self._is_watched = False
            self._loop.remove_reader(self._descriptor)


def _write_all(descriptor: int, data: bytes) -> OSError | None:
    """Write all of it, however long that takes; return what stood in the way."""
    rest = memoryview(data)
    try:
        while rest:
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BlockingIOError:  # another program that shares it made it non-blocking
                select.select([], [descriptor], [])
    except OSError as error:
        return error
    return None


def _tells_of_its_reader(descriptor: int) -> bool:
    """Whether epoll tells when the other end is closed: of the writing end of a pipe."""
    is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    return is_pipe and _access_of(descriptor) == os.O_WRONLY


def _access_of(descriptor: int) -> int:
    return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
