"""Looks out for what a node does not tell by itself: streams that stop, and others' memberships.

Only where somebody asked for one of the two: a hook, a log of events.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn, Self

from mcast_tui.errors import McastError
from mcast_tui.services.events import MembershipNews
from mcast_tui.services.membership.stall import StallWatch
from mcast_tui.services.membership.table import HostTable
from mcast_tui.services.membership.table_watch import TableWatch

if TYPE_CHECKING:
    from mcast_tui.services.node import Node

SAMPLE_S = 1.0


class Lookout:
    """Publishes to the listeners of a node, from its entry to its end; an async context manager.

    `stall_after_s` None: streams are not looked at. `samples`: nobody else samples this node.
    """

    def __init__(
        self, node: Node, *, stall_after_s: float | None = None, tables: bool = False, samples: bool = False
    ) -> None:
        self._node = node
        self._samples = samples
        self._tasks: list[asyncio.Task[NoReturn]] = []
        self._stalls = None if stall_after_s is None else StallWatch(stall_after_s)
        self._tables = None
        if tables:
            self._tables = TableWatch(
                HostTable(node.groups), lambda entry: node.publish(MembershipNews(entry))
            )

    async def __aenter__(self) -> Self:
        if self._tables is not None:
            self._tables.look()  # how things were at the start is no news
            self._tasks.append(asyncio.create_task(self._tables.run()))
        if self._stalls is not None:
            self._tasks.append(asyncio.create_task(self._sample(self._stalls)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in ends:
            if not isinstance(end, asyncio.CancelledError):
                raise end

    async def _sample(self, stalls: StallWatch) -> NoReturn:
        while True:
            now = time.monotonic()
            if self._samples:
                with suppress(
                    McastError
                ):  # the interfaces are not told now: the counts are older by a second
                    self._node.sample(now)
            rates = self._node.monitor.snapshot().groups
            for event in stalls.update(self._node.groups, rates, now):
                self._node.publish(event)
            await asyncio.sleep(SAMPLE_S)
