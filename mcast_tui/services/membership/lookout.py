"""Looks out for streams that stop: where a hook or a log of events asks for it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NoReturn, Self

from mcast_tui.services.membership.stall import StallWatch

if TYPE_CHECKING:
    from mcast_tui.services.node import Node

SAMPLE_S = 1.0


class Lookout:
    """Publishes to the listeners of a node, from its entry to its end; an async context manager.

    `stall_after_s` None: streams are not looked at. `samples`: nobody else samples this node.
    """

    def __init__(self, node: Node, *, stall_after_s: float | None = None, samples: bool = False) -> None:
        self._node = node
        self._samples = samples
        self._stalls = None if stall_after_s is None else StallWatch(stall_after_s)
        self._sampling: asyncio.Task[NoReturn] | None = None

    async def __aenter__(self) -> Self:
        if self._stalls is not None:
            self._sampling = asyncio.create_task(self._sample(self._stalls))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._sampling is None:
            return
        self._sampling.cancel()
        (end,) = await asyncio.gather(self._sampling, return_exceptions=True)
        if not isinstance(end, asyncio.CancelledError):
            raise end

    async def _sample(self, stalls: StallWatch) -> NoReturn:
        while True:
            now = time.monotonic()
            if self._samples:
                self._node.sample(now)
            rates = self._node.monitor.snapshot().groups
            for event in stalls.update(self._node.groups, rates, now):
                self._node.publish(event)
            await asyncio.sleep(SAMPLE_S)
