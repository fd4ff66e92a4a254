"""Runs two socat addresses against each other: opens them, copies between them, ends them.

Without RECVFROM both ends are opened once. With it each packet is a request: the other address is opened
anew for it, a command with the facts of the packet in its environment, and what comes back goes to the
packet's sender; with ``fork`` many at a time, without it the first is the only one. Requests wait in the
ring while as many are at work as may be.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

from mcast_tui.errors import McastError
from mcast_tui.services.relay.command import ITS_STDOUT, CommandEnd, open_command
from mcast_tui.services.relay.copying import Direction, copy_all
from mcast_tui.services.relay.datagram import DatagramEnd, RequestEnd
from mcast_tui.services.relay.door import Door, Toll
from mcast_tui.services.relay.opening import open_door
from mcast_tui.services.relay.plan import MOST_CHILDREN, Flow, Plan
from mcast_tui.services.serve.environment import inherited_environment, request_environment
from mcast_tui.wire.socat.address import CommandAddress, DatagramAddress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from mcast_tui.services.process.children import Children
    from mcast_tui.services.process.command import Command
    from mcast_tui.services.relay.end import End
    from mcast_tui.wire.columns import Packet
    from mcast_tui.wire.socat.address import SocatAddress


class Weight(IntEnum):
    """How much something matters to the person: socat's ``-d`` by numbers."""

    ERROR = 0
    WARNING = 1
    NOTICE = 2


class Relay:
    """One plan, checked, being carried out.

    `commands` is what its addresses run, as `Plan.find_commands` has it; `streams` is standard input
    and output, `stderr` the descriptor commands complain to; `tell` is called with what happens, in words.
    """

    def __init__(
        self,
        plan: Plan,
        commands: Mapping[SocatAddress, Command],
        streams: End,
        children: Children,
        stderr: int,
        tell: Callable[[Weight, str], None],
    ) -> None:
        self._plan = plan
        self._commands = commands
        self._streams = streams
        self._children = children
        self._stderr = stderr
        self._tell = tell
        self._doors: set[Door] = set()
        self._closed = Toll()
        self.failures = 0
        """Commands that ended with a status other than 0, and requests that failed otherwise."""

    @property
    def toll(self) -> Toll:
        """What was lost so far."""
        return sum((door.lost() for door in self._doors), self._closed)

    async def run(self) -> None:
        """Relay until it is over; raises `McastError`, and `BrokenPipeError` when nobody reads our output."""
        request = self._plan.request
        if request is None:
            await self._run_once(None)
            return
        async with self._open_door(request) as door:
            if request.fork:
                await self._answer_all(door, request.most_children or MOST_CHILDREN)
            else:
                await self._run_once(RequestEnd(door, await door.next_packet()))

    async def _run_once(self, request: RequestEnd | None) -> None:
        """Open what is not open yet, copy, and close."""
        async with AsyncExitStack() as opened:
            first = await opened.enter_async_context(self._open(self._plan.first, request))
            second = await opened.enter_async_context(self._open(self._plan.second, request))
            await copy_all(list(self._directions(first, second)), self._plan.timing)

    def _directions(self, first: End, second: End) -> list[Direction]:
        flow = self._plan.flow
        if flow is Flow.BOTH:
            return [Direction(first, second), Direction(second, first)]
        source, sink = (first, second) if flow is Flow.FORWARD else (second, first)
        directions = [Direction(source, sink)]
        # Of a command that is used one way only, the other way is left as it is: ours.
        if isinstance(source, CommandEnd):
            directions.append(Direction(self._streams, source, is_feed=True))
        if isinstance(sink, CommandEnd):
            directions.append(Direction(sink, self._streams))
        return directions

    @asynccontextmanager
    async def _open(self, address: SocatAddress, request: RequestEnd | None) -> AsyncIterator[End]:
        if isinstance(address, CommandAddress):
            async with self._open_command(address, request) as command:
                yield command
        elif not isinstance(address, DatagramAddress):
            yield self._streams
        elif address is self._plan.request:
            assert request is not None  # `run` waits for one first
            yield request
        else:
            async with self._open_door(address) as door:
                yield DatagramEnd(door)

    @asynccontextmanager
    async def _open_command(
        self, address: CommandAddress, request: RequestEnd | None
    ) -> AsyncIterator[CommandEnd]:
        environment = inherited_environment()
        if request is not None:
            environment |= request_environment(request.packet, request.interface_name)
        stderr = ITS_STDOUT if address.stderr else self._stderr
        command, size = self._commands[address], self._plan.block_size
        async with open_command(command, self._children, environment, stderr=stderr, block_size=size) as end:
            yield end
        if end.status is None:
            self._tell(Weight.WARNING, f"{address.text} was ended: the relay was over before it")
        elif end.status:
            self.failures += 1
            how = f"exited with status {end.status}" if end.status > 0 else f"ended by signal {-end.status}"
            is_one_of_many = self._plan.request is not None and self._plan.request.fork
            self._tell(Weight.WARNING if is_one_of_many else Weight.ERROR, f"{address.text} {how}")

    async def _answer_all(self, door: Door, most: int) -> None:
        """Answer every packet, at most so many at a time; the others wait in the ring."""
        free = asyncio.Semaphore(most)
        try:
            async with asyncio.TaskGroup() as running:
                while True:
                    await free.acquire()
                    running.create_task(self._answer(door, await door.next_packet(), free))
        except* (McastError, OSError) as faults:
            raise _first(faults) from None

    async def _answer(self, door: Door, packet: Packet, free: asyncio.Semaphore) -> None:
        """Carry one request out; that it fails is no reason for the others to."""
        try:
            await self._run_once(RequestEnd(door, packet))
        except McastError as refusal:
            self.failures += 1
            self._tell(Weight.ERROR, str(refusal))
        finally:
            free.release()

    @asynccontextmanager
    async def _open_door(self, address: DatagramAddress) -> AsyncIterator[Door]:
        """Open a socket, and keep count of what is lost there."""
        async with open_door(address) as door:
            self._tell(Weight.NOTICE, door.description)
            self._doors.add(door)
            try:
                yield door
            finally:
                self._doors.remove(door)
                self._closed += door.lost()


def _first(faults: BaseExceptionGroup[BaseException]) -> BaseException:
    fault = faults.exceptions[0]
    return _first(fault) if isinstance(fault, BaseExceptionGroup) else fault
