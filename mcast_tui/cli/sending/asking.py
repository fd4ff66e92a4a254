"""A query under way: questions out as they are given, answers printed as they come, in the end the sum."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from mcast_tui.cli.printing.output import Output
from mcast_tui.cli.running import input_lines
from mcast_tui.cli.sending.pacing import FASTEST_UNASKED
from mcast_tui.cli.sending.payloads import line_payload
from mcast_tui.cli.talk import talk
from mcast_tui.human import counted
from mcast_tui.services.node import Node
from mcast_tui.services.query import Query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from ipaddress import IPv4Address, IPv6Address

    from mcast_tui.cli.sending.departure import Departure
    from mcast_tui.services.query import Answer
    from mcast_tui.services.settings import Settings
    from mcast_tui.wire.address import Endpoint

    Render: TypeAlias = Callable[[Answer, Node], bytes]

NOBODY_ANSWERED = 1

MOST_HOSTS = 10_000
"""Sources that are told apart: anyone can make up more, and memory has an end."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    destination: Endpoint
    departure: Departure
    payload: bytes | None
    """None: each line of standard input is a question."""
    end: bytes
    """What is added to each of those."""
    is_hex: bool
    from_port: int
    wait_s: float
    count: int | None
    own: bool
    refused: bool


async def ask(settings: Settings, asked: Asked, render: Render) -> int:
    """Ask, print the answers, return the exit status."""
    async with Node(settings) as node:
        with Query(node, asked.destination, asked.departure.options, from_port=asked.from_port) as query:
            return await _Asking(node, query, asked, render).run()


class _Asking:
    """One query, from its first question to its sum."""

    def __init__(self, node: Node, query: Query, asked: Asked, render: Render) -> None:
        self._node = node
        self._query = query
        self._asked = asked
        self._render = render
        self._answers = self._refused = self._evicted = 0
        self._next = node.ring.head
        self._hosts: set[IPv4Address | IPv6Address] = set()
        self._output = Output(sys.stdout.fileno())

    async def run(self) -> int:
        """Ask and print until the time, the count or the reader of standard output is at its end."""
        self._announce()
        async with self._output:
            try:
                await self._ask_and_print()
                await self._output.finish()
            finally:
                self._sum_up()
        return 0 if self._answers else NOBODY_ANSWERED

    def _announce(self) -> None:
        interface = self._asked.departure.interface
        by = f"by {interface.name}" if interface else "by the routes"
        port = self._query.port
        whence = f" from port {port.number}" if port.protocol is None else ""
        talk(f"asking {self._asked.destination}{whence} {by}")
        self._asked.departure.tell_reach(self._asked.destination.address)
        if self._asked.payload is None and os.isatty(0):
            talk("each line is a question; ctrl+d ends them")

    async def _ask_and_print(self) -> None:
        asking = asyncio.ensure_future(self._ask())
        others = asyncio.ensure_future(self._print()), asyncio.ensure_future(self._output.gone())
        works = asking, *others
        try:
            await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
        for work in others:
            if not work.cancelled():
                work.result()
        await self._print_waiting()
        if not asking.cancelled():
            asking.result()

    async def _ask(self) -> None:
        async for payload in self._questions():
            for single in self._asked.destination.each():
                await self._query.ask(payload, single)
                # A file never makes us wait: without this, neither a signal nor an answer gets through.
                await asyncio.sleep(1 / FASTEST_UNASKED)
        if self._query.questions:
            await asyncio.sleep(self._asked.wait_s)

    async def _questions(self) -> AsyncIterator[bytes]:
        if self._asked.payload is not None:
            yield self._asked.payload
            return
        number = 0
        async for line in input_lines():
            number += 1
            yield line_payload(line, self._asked.end, is_hex=self._asked.is_hex, number=number)

    async def _print(self) -> None:
        while not self._is_done():
            self._take(await anext(self._query))
            await self._output.has_room()
            await asyncio.sleep(0)  # a flood of answers must not keep signals and the time waiting

    async def _print_waiting(self) -> None:
        """Print what has come by now, and not what goes on coming."""
        until = self._node.ring.head
        while self._next < until and not self._is_done() and (answer := self._query.next_waiting()):
            self._take(answer)
            await self._output.has_room()
            await asyncio.sleep(0)

    def _is_done(self) -> bool:
        return self._asked.count is not None and self._answers >= self._asked.count

    def _take(self, answer: Answer) -> None:
        """Count an answer, and print it unless it is of a kind that was not asked for."""
        packet = answer.packet
        self._next = packet.number + 1
        self._refused += packet.refused
        if answer.is_of_others:
            self._answers += 1
            if len(self._hosts) < MOST_HOSTS:
                self._hosts.add(packet.source)
        if (packet.own and not self._asked.own) or (packet.refused and not self._asked.refused):
            return
        data = self._render(answer, self._node)
        self._output.write(data, 1)
        self._evicted += not data and bool(packet.length)

    def _sum_up(self) -> None:
        dropped = self._query.port.intake.dropped()
        left = 0 if self._is_done() else self._node.ring.head - self._next
        least = "at least " if len(self._hosts) == MOST_HOSTS else ""
        talk(
            f"{counted(self._answers, 'answer')} from {least}{counted(len(self._hosts), 'host')} "
            f"to {counted(self._query.questions, 'question')}, "
            f"{self._refused} refused, {dropped} dropped by the kernel, "
            f"{self._query.evicted + self._evicted} evicted before they were printed"
            + (f", {left} left unprinted" if left else "")
        )
