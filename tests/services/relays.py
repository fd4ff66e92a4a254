"""Relays on lab hosts, for tests: run in this process, with a typist in place of the standard streams."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mcast_tui.services.process.children import Children
from mcast_tui.services.relay.copying import Timing
from mcast_tui.services.relay.end import LINGER_S
from mcast_tui.services.relay.plan import BLOCK_SIZE, Flow, Plan
from mcast_tui.services.relay.relay import Relay
from mcast_tui.wire.socat.parse import parse_socat
from tests.peers import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcast_tui.services.lab.lan import Host
    from mcast_tui.services.process.command import Command
    from mcast_tui.services.relay.relay import Weight
    from mcast_tui.wire.socat.address import SocatAddress


class Typist:
    """An end whose input a test types, and whose output it looks at."""

    linger_s = LINGER_S
    takes_more = True

    def __init__(self) -> None:
        self.typed: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.heard: list[bytes] = []
        self.may_write = asyncio.Event()
        self.may_write.set()

    async def read(self) -> bytes | None:
        return await self.typed.get()

    async def write(self, data: bytes) -> None:
        await self.may_write.wait()
        self.heard.append(data)

    async def end_input(self) -> None:
        pass

    def say(self, text: str) -> None:
        self.typed.put_nowait(text.encode() + b"\n")

    def end(self) -> None:
        self.typed.put_nowait(None)

    @property
    def text(self) -> str:
        """All that was heard."""
        return b"".join(self.heard).decode()

    async def hears(self, text: str, times: int = 1) -> None:
        await eventually(lambda: self.text.count(text) >= times, f"{times} of {text!r} in {self.text!r}")


class Running:
    """A relay at work."""

    def __init__(self, plan: Plan, commands: dict[SocatAddress, Command]) -> None:
        self.streams = Typist()
        self.children = Children()
        self.told: list[tuple[Weight, str]] = []
        self.relay = Relay(plan, commands, self.streams, self.children, 2, self._note)
        self.task = asyncio.create_task(self.relay.run())

    def _note(self, weight: Weight, text: str) -> None:
        self.told.append((weight, text))

    @property
    def words(self) -> str:
        return "\n".join(text for _, text in self.told)

    async def opens(self, count: int = 1) -> None:
        """Wait until so many sockets are open; raise what kept one from it."""
        await eventually(lambda: self.words.count("opened") >= count or self.task.done(), "an open socket")
        if self.task.done():
            await self.task

    async def loses(self, how: str, count: int) -> None:
        """Wait until so many datagrams are counted as lost in this way."""
        await eventually(lambda: getattr(self.relay.toll, how) >= count, f"{count} {how}")

    async def over(self) -> None:
        """Wait for its end; raise what ended it."""
        async with asyncio.timeout(PATIENCE_S):
            await self.task


@asynccontextmanager
async def relay_on(
    host: Host,
    first: str,
    second: str,
    *,
    flow: Flow = Flow.BOTH,
    linger_s: float | None = None,
    idle_s: float | None = None,
    block_size: int = BLOCK_SIZE,
    sockets: int = 1,
) -> AsyncIterator[Running]:
    """Run a relay on `host`; so many of its sockets are open when this returns."""
    plan = Plan(parse_socat(first), parse_socat(second), flow, Timing(linger_s, idle_s), block_size)
    plan.check()
    commands = await asyncio.to_thread(plan.find_commands)
    with host.entered():
        running = Running(plan, commands)
        try:
            await running.opens(sockets)
            yield running
        finally:
            running.task.cancel()
            await asyncio.gather(running.task, return_exceptions=True)
            await running.children.close()


def has_ended(pid: int) -> bool:
    """Whether a process is no more; the dead that nobody collected are no more either."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"
