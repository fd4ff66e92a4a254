"""Copy between ends until they are done, by socat's rules of when that is.

Each direction goes on to the end of its source. When the first has ended, the others go on until they have
been silent for the linger time (``-t``); with an idle time (``-T``) all of it ends when nothing at all moved
for so long. A feed - standard input to a command that is read from alone - is never waited for.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.services.relay.end import End

AT_ONCE = 64
"""Chunks passed on between two looks at signals and the other direction, which no flood may keep waiting."""


@dataclass(frozen=True, slots=True)
class Direction:
    """From one end to another."""

    source: End
    sink: End
    is_feed: bool = False
    """Whether the relay may end before this direction does."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When a relay has waited long enough."""

    linger_s: float | None = None
    """``-t``; None is each source's own."""
    idle_s: float | None = None
    """``-T``; None waits for ever."""


async def copy_all(directions: Sequence[Direction], timing: Timing) -> None:
    """Copy in all directions until the rules above say it is over; raises what an end raises."""
    pulse = _Pulse()
    running = {asyncio.create_task(_copy(each, pulse)): each for each in directions}
    has_ended = False
    try:
        while any(not each.is_feed for each in running.values()):
            limit_s = _limit_s(list(running.values()), timing, has_ended=has_ended)
            patience_s = None if limit_s is None else limit_s - pulse.silent_s()
            if patience_s is not None and patience_s <= 0:
                return
            done, _ = await asyncio.wait(running, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
                has_ended = has_ended or not running[task].is_feed
                del running[task]
                pulse.beat()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _limit_s(running: Sequence[Direction], timing: Timing, *, has_ended: bool) -> float | None:
    """Return how long all may be silent now; None is for ever."""
    limits = [] if timing.idle_s is None else [timing.idle_s]
    if has_ended:
        own = max(each.source.linger_s for each in running if not each.is_feed)
        limits.append(own if timing.linger_s is None else timing.linger_s)
    return min(limits, default=None)


class _Pulse:
    """When something last moved."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def beat(self) -> None:
        self._at = time.monotonic()

    def silent_s(self) -> float:
        return time.monotonic() - self._at


async def _copy(direction: Direction, pulse: _Pulse) -> None:
    passed = 0
    while direction.sink.takes_more and (data := await direction.source.read()) is not None:
        pulse.beat()
        await direction.sink.write(data)
        pulse.beat()
        passed += 1
        if passed % AT_ONCE == 0:
            await asyncio.sleep(0)
    await direction.sink.end_input()
