"""The server: takes requests from the ring into a bounded queue, and so many commands answer them at once.

What the queue has no room for is refused and counted, at the cost of a look at its row: a flood costs no
process, no memory and no packet object. Nothing here prints; `tell` takes the lines.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mcast_tui.errors import McastError
from mcast_tui.net.interfaces import interface_name
from mcast_tui.net.sender import LONGEST_PAYLOAD, SendOptions
from mcast_tui.services.process.children import Children
from mcast_tui.services.serve.complaints import Complaints, Ration
from mcast_tui.services.serve.doors import COLUMNS
from mcast_tui.services.serve.environment import inherited_environment, request_environment
from mcast_tui.services.serve.exchange import Exchange
from mcast_tui.services.serve.replies import Mode, cutter
from mcast_tui.services.serve.tally import Tally
from mcast_tui.wire.columns import packet_from_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.node import Node
    from mcast_tui.services.process.command import Command
    from mcast_tui.services.serve.doors import Doors
    from mcast_tui.wire.columns import Column, Packet

ROWS_AT_ONCE = 4096
"""Rows looked at between two turns of the event loop."""
QUEUE_BYTES = 64 << 20
"""Payload that may wait at most, whatever the queue's length allows."""


def default_max_children() -> int:
    """Return how many commands run at once unless told otherwise."""
    return max(4, 2 * (os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class Terms:
    """What to run for each request, and within which bounds."""

    command: Command
    mode: Mode = Mode.WHOLE
    max_children: int = field(default_factory=default_max_children)
    queue: int = 4096
    """Requests that may wait."""
    timeout_s: float = 10.0
    """How long a command may take before it and its children are killed."""
    options: SendOptions | None = None
    """Hop limit and traffic class of the answers; None leaves them to the kernel."""
    count: int | None = None
    """Requests to take before the end; None takes them until cancelled."""


class Server:
    """Serves what comes in at the doors. `run` lasts until it is cancelled, or the count is reached."""

    def __init__(
        self,
        node: Node,
        doors: Doors,
        terms: Terms,
        tell: Callable[[str], None],
        *,
        tell_each: bool = False,
        adopts: bool = False,
    ) -> None:
        self._node = node
        self._doors = doors
        self._terms = terms
        self._tell = tell if tell_each else None
        self._trouble = Ration(tell)
        self._full = Ration(tell, per_s=1)
        self._adopts = adopts
        self._cursor = node.ring.head
        self._environment = inherited_environment()
        self._queue: asyncio.Queue[Packet] = asyncio.Queue(terms.queue)
        self._waiting_bytes = 0
        self._taken = 0
        self.tally = Tally()

    async def run(self) -> None:
        """Serve; however it ends, no command of ours runs on. Raises `NetworkRefused` if capture stops."""
        self._children = Children(adopts=self._adopts)
        with Complaints(self._trouble) as complaints:
            self._stderr = complaints.descriptor
            workers = [asyncio.create_task(self._work()) for _ in range(self._terms.max_children)]
            served = asyncio.create_task(self._take_all())
            try:
                await asyncio.wait([served, *workers], return_when=asyncio.FIRST_COMPLETED)
            finally:
                await self._end([served, *workers])
        for task in (served, *workers):
            if not task.cancelled():
                task.result()

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._children.close()
        tally = self.tally
        tally.unfinished = self._taken - tally.served - tally.failed - tally.timed_out

    # -- requests in

    async def _take_all(self) -> None:
        while self._terms.count is None or self._taken < self._terms.count:
            await self._node.wait_beyond(self._cursor)
            self._take()
            await asyncio.sleep(0)  # a flood must not keep commands, signals and the clock waiting
        await self._queue.join()

    def _take(self) -> None:
        """Look at what arrived: queue the requests there is room for, refuse the others."""
        stop = min(self._node.ring.head, self._cursor + ROWS_AT_ONCE)
        first, columns = self._node.ring.read(self._cursor, stop, COLUMNS)
        self.tally.evicted += first - self._cursor
        numbers = np.flatnonzero(self._doors.requests(columns)) + first
        self._cursor = first + len(columns["flags"])
        if self._terms.count is not None:
            numbers = numbers[: self._terms.count - self._taken]
        room = self._terms.queue - self._queue.qsize()
        queued = self._enqueue(numbers[:room])
        if queued < len(numbers):
            self._refuse(len(numbers) - queued)

    def _enqueue(self, numbers: Column) -> int:
        """Queue requests until they are too many bytes; return how many of them are dealt with."""
        if not len(numbers):
            return 0
        whole, columns = self._node.ring.take(numbers)
        payloads = self._node.ring.payloads(numbers)
        for row, number in enumerate(numbers.tolist()):
            payload = payloads[row]
            if not whole[row] or payload is None:
                self.tally.evicted += 1
                continue
            if self._waiting_bytes >= QUEUE_BYTES:
                return row
            self._taken += 1
            self._waiting_bytes += len(payload)
            self._queue.put_nowait(packet_from_row(number, columns, row, payload))
        return len(numbers)

    def _refuse(self, requests: int) -> None:
        self.tally.refused += requests
        self._full.tell(f"the queue is full: {self.tally.refused} requests refused so far")

    # -- commands and answers

    async def _work(self) -> None:
        while True:
            packet = await self._queue.get()
            assert packet.payload is not None  # else it was not queued
            self._waiting_bytes -= len(packet.payload)
            await self._answer(packet)
            self._queue.task_done()

    async def _answer(self, packet: Packet) -> None:
        """Run the command for one request, within its time, and send what it prints."""
        began, terms = time.monotonic(), self._terms
        try:
            child = await self._children.launch(
                terms.command,
                self._environment | request_environment(packet, interface_name(packet.ifindex)),
                self._stderr,
                payload=packet.payload,
                by_write=terms.mode is Mode.CHUNK,
            )
        except McastError as refusal:
            self.tally.failed += 1
            self._complain(packet, str(refusal))
            return
        cut = cutter(terms.mode, LONGEST_PAYLOAD[packet.source.version])
        replies_before = self.tally.replies

        async def send(payload: bytes) -> None:
            await self._reply(packet, payload)

        try:
            async with asyncio.timeout(terms.timeout_s):
                await Exchange(child, cut, send).run()
        except TimeoutError:
            await self._children.end(child)
            self.tally.timed_out += 1
            ended = f"its command was killed after {terms.timeout_s:g} s"
            self._complain(packet, ended)
        else:
            ended = self._note_status(packet, self._children.collect(child))
        if cut.too_long:
            self.tally.too_long += cut.too_long
            self._complain(packet, "an answer longer than a datagram can carry was not sent")
        if self._tell is not None:
            took_ms = (time.monotonic() - began) * 1000
            replies = self.tally.replies - replies_before
            self._tell(f"{_name(packet)}: {ended}, {replies} replies, {took_ms:.1f} ms")

    def _note_status(self, packet: Packet, status: int) -> str:
        """Count how a command ended; return it in words."""
        if status == 0:
            self.tally.served += 1
            return "its command ended well"
        self.tally.failed += 1
        if status > 0:
            return f"its command ended with status {status}"
        ended = f"its command was ended by {_signal_name(-status)}"
        self._complain(packet, ended)
        return ended

    async def _reply(self, packet: Packet, payload: bytes) -> None:
        try:
            await self._node.reply(packet, payload, self._terms.options)
        except McastError as refusal:
            self.tally.unsent += 1
            self._complain(packet, str(refusal))
        else:
            self.tally.replies += 1

    def _complain(self, packet: Packet, what: str) -> None:
        self._trouble.tell(f"{_name(packet)}: {what}")


def _name(packet: Packet) -> str:
    port = "" if packet.source_port is None else f" port {packet.source_port}"
    return f"request {packet.number + 1} from {packet.source}{port}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
