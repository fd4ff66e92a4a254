"""Commands run when something happens to memberships or streams, with the facts in their environment.

Nothing that happened becomes part of a command line: it was split into words before anything did. Events can
be made as fast as anybody joins groups, so only so many commands run at once and only so many wait; what
there is no room for is refused, counted and told. The event loop never waits for one.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Self

from mcast_tui.errors import McastError
from mcast_tui.services.membership.news import facts_of, variables
from mcast_tui.services.process.children import Children
from mcast_tui.services.serve.complaints import LONGEST, Complaints, Ration
from mcast_tui.services.serve.environment import inherited_environment
from mcast_tui.services.serve.exchange import Exchange
from mcast_tui.services.serve.replies import Mode, cutter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcast_tui.services.events import Event
    from mcast_tui.services.process.command import Command

AT_ONCE = 4
"""Commands that run at once: enough for one of each occasion."""
WAITING = 64
"""Events that may wait for their command: a program that starts joins a dozen groups, a flood is no news."""
TIMEOUT_S = 30.0
"""How long a command may take: time enough to send a mail, too short to pile up."""


@dataclass(slots=True)
class _Call:
    command: Command
    facts: dict[str, str]
    name: str
    """What happened, for a line about it."""


class Hooks:
    """Runs the commands of one run; a context manager, at whose end none of them runs on.

    `tell` takes lines: what a command says on its output streams, and what went wrong. With `adopts` also
    what a command abandons is ended: only where nobody else starts children.
    """

    def __init__(
        self,
        commands: Mapping[str, Command],
        tell: Callable[[str], None],
        *,
        adopts: bool = False,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._commands = commands
        self._trouble = Ration(tell)
        self._full = Ration(tell, per_s=1)
        self._adopts = adopts
        self._timeout_s = timeout_s
        self._calls: asyncio.Queue[_Call] = asyncio.Queue(WAITING)
        self._workers: list[asyncio.Task[NoReturn]] = []
        self._held = ExitStack()
        self.refused = 0
        """Events there was no room for."""

    async def __aenter__(self) -> Self:
        self._environment = inherited_environment()
        self._children = Children(adopts=self._adopts)
        self._complaints = self._held.enter_context(Complaints(self._trouble))
        self._workers = [asyncio.create_task(self._work()) for _ in range(AT_ONCE)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.cancel()
        ends = await asyncio.gather(*self._workers, return_exceptions=True)
        await self._children.close()
        self._held.close()
        self._full.flush()
        for end in ends:
            if not isinstance(end, asyncio.CancelledError):
                raise end

    def notice(self, event: Event) -> None:
        """Have the command of an event run, if it has one and there is room; returns at once."""
        facts = facts_of(event, time.time_ns())
        command = None if facts is None else self._commands.get(facts["event"])
        if facts is None or command is None:
            return
        try:
            self._calls.put_nowait(_Call(command, variables(facts), _name(facts)))
        except asyncio.QueueFull:
            self.refused += 1
            self._full.tell(f"too much happens at once: {self.refused} events without their command")

    async def _work(self) -> NoReturn:
        while True:
            await self._run(await self._calls.get())

    async def _run(self, call: _Call) -> None:
        """Run one command to its end, within its time."""
        try:
            child = await self._children.launch(
                call.command, self._environment | call.facts, self._complaints.descriptor, payload=b""
            )
        except McastError as refusal:
            self._trouble.tell(f"{call.name}: {refusal}")
            return
        try:
            async with asyncio.timeout(self._timeout_s):
                await Exchange(child, cutter(Mode.LINE, LONGEST), self._tell_output).run()
        except TimeoutError:
            await self._children.end(child)
            self._trouble.tell(f"{call.name}: its command was killed after {self._timeout_s:g} s")
            return
        status = self._children.collect(child)
        if status:
            how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
            self._trouble.tell(f"{call.name}: its command {how}")

    async def _tell_output(self, line: bytes) -> None:
        self._trouble.tell("command: " + line.rstrip(b"\n").decode("utf-8", "surrogateescape"))


def _name(facts: Mapping[str, object]) -> str:
    """Return what happened where, as a line about its command begins."""
    where = (facts["event"], facts["group"], facts["interface"] and f"on {facts['interface']}")
    return " ".join(str(part) for part in where if part)
