"""``--events FILE``: one JSON object per event, appended to a file, pipe or terminal as it happens.

Schema 1: `schema`, and the facts of `services.membership.news` under their names; what is unknown is null.
All ASCII, so nothing in it acts on a terminal. Who reads slowly holds nothing up: beyond a bound events are
left out. These, and what was never taken, are counted and told at the end.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Self

from mcast_tui.cli.printing.json_line import json_line
from mcast_tui.cli.printing.output import Output
from mcast_tui.cli.talk import talk
from mcast_tui.errors import McastError, UsageError
from mcast_tui.human import counted
from mcast_tui.services.membership.news import facts_of

if TYPE_CHECKING:
    from mcast_tui.services.events import Event


_REMEDIES = {
    errno.ENXIO: "Start its reader first.",
    errno.EACCES: "Name a file that you may append to.",
}


class EventLog:
    """Writes the events it is given to `path`; an async context manager. Raises `UsageError` on entry."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._held = AsyncExitStack()
        self._left_out = 0
        self._is_broken = False

    async def __aenter__(self) -> Self:
        self._descriptor = _open(self._path)
        self._output = await self._held.enter_async_context(Output(self._descriptor, name=self._path))
        self._watching = asyncio.create_task(self._tell_when_gone())
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(McastError, BrokenPipeError):  # told already
            await self._output.finish()
        self._watching.cancel()
        await asyncio.wait([self._watching])
        await self._held.aclose()
        if not self._output.is_in_use:
            os.close(self._descriptor)
        if missing := self._left_out + self._output.untaken:
            talk(f"{counted(missing, 'event')} not written to {self._path}: it took no more")

    def notice(self, event: Event) -> None:
        """Write an event, if it is one of memberships or streams; returns at once."""
        facts = facts_of(event, time.time_ns())
        if facts is None:
            return
        if self._is_broken or self._output.is_full:
            self._left_out += 1
        else:
            self._output.write(json_line(facts), 1)

    async def _tell_when_gone(self) -> None:
        """Say when nothing more can be written: the run goes on without."""
        try:
            await self._output.gone()
        except BrokenPipeError:
            self._is_broken = True
            talk(f"events are no longer written: the reader of {self._path} is gone")
        except McastError as error:
            self._is_broken = True
            talk(f"events are no longer written to {self._path}: {error.reason}")


def _open(path: str) -> int:
    """Open for appending; a pipe without a reader is refused rather than waited for."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        return os.open(path, flags, 0o666)
    except OSError as error:
        number = error.errno or 0
        raise UsageError(
            f"write events to {path}",
            os.strerror(number),
            errno=number,
            remedy=_REMEDIES.get(number),
        ) from error
