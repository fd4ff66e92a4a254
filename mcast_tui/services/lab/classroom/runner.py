"""Plays a scenario on a LAN, step by step: done, told, checked.

A step's expectations must hold together, between the same two pictures. As long as one fails, the later
picture becomes the earlier one and the next packets are counted: so what needs a moment to come about may
take it, and what is in flight when a step is done proves nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from mcast_tui.errors import UsageError
from mcast_tui.services.lab.classroom.actions import Action, Pause
from mcast_tui.services.lab.classroom.live_lan import LiveLan
from mcast_tui.services.lab.classroom.verdict import Judged, Verdict, Window

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcast_tui.services.lab.classroom.picture import Picture
    from mcast_tui.services.lab.classroom.scenario import Scenario, Step

LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one expectation of a step came out."""

    text: str
    holds: bool
    evidence: str
    """The counters it was judged by."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """A step that has been done."""

    number: int
    """From 1."""
    step: Step
    done: tuple[str, ...]
    """What was done, in words."""
    outcomes: tuple[Outcome, ...]
    took_s: float
    picture: Picture
    """The LAN as its expectations were judged last."""

    @property
    def holds(self) -> bool:
        """Whether all that was expected came about."""
        return all(outcome.holds for outcome in self.outcomes)


class Runner:
    """A scenario under way; an async context manager.

    `lan` is there between `start` and `close`; who shows it may `look` at it and `perform` on it at any
    time, between steps or during one.
    """

    def __init__(self, scenario: Scenario, build: Callable[..., LiveLan] = LiveLan) -> None:
        self.scenario = scenario
        self._build = build
        self._lan: LiveLan | None = None
        self._position = 0

    @property
    def lan(self) -> LiveLan:
        """The LAN it plays on; only once started."""
        if self._lan is None:
            raise RuntimeError("the lesson has not been started, or is closed")
        return self._lan

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.scenario.steps

    @property
    def position(self) -> int:
        """How many steps have been done."""
        return self._position

    @property
    def is_over(self) -> bool:
        return self._position == len(self.steps)

    async def start(self) -> None:
        """Build the LAN; raises PermissionRefused and NetworkRefused."""
        building = asyncio.ensure_future(asyncio.to_thread(self._build, self.scenario.plan))
        try:
            self._lan = await asyncio.shield(building)
        except asyncio.CancelledError:
            (await building).close()  # the thread cannot be called off: what it built is taken down
            raise

    async def perform(self, action: Action | Pause) -> None:
        """Do what is to be done to the LAN, or let time pass."""
        if isinstance(action, Pause):
            await asyncio.sleep(action.seconds)
        else:
            await self.lan.perform(action)

    async def next(self, perform: Callable[[Action | Pause], Awaitable[None]] | None = None) -> StepResult:
        """Do the next step, wait for what it expects, and return both; raises McastError.

        Where others change the LAN too, `perform` carries out an action when it is its turn.
        """
        if self.is_over:
            raise UsageError("take the next step", "the lesson is over")
        step = self.steps[self._position]
        began = asyncio.get_running_loop().time()
        before_it = await self.lan.look()
        done = []
        for action in step.actions:
            await (perform or self.perform)(action)
            done.append(action.words)
        judged, picture = await self._judge(step, before_it)
        self._position += 1
        outcomes = tuple(
            Outcome(expectation.text, judgement.verdict is Verdict.HOLDS, judgement.evidence)
            for expectation, judgement in zip(step.expectations, judged, strict=True)
        )
        took = asyncio.get_running_loop().time() - began
        return StepResult(self._position, step, tuple(done), outcomes, took, picture)

    async def _judge(self, step: Step, began: Picture) -> tuple[list[Judged], Picture]:
        """Look until all holds, or patience ends; return the last judgement that was no longer open."""
        loop = asyncio.get_running_loop()
        before = now = await self.lan.look()
        deadline = loop.time() + step.patience_s
        decided = None
        while True:
            window = Window(began, before, now)
            judged = [expectation.claim.judge(window) for expectation in step.expectations]
            verdicts = {judgement.verdict for judgement in judged}
            if verdicts <= {Verdict.HOLDS}:
                return judged, now
            if Verdict.OPEN not in verdicts:
                decided, before = judged, now
            if loop.time() > deadline:
                return decided or judged, now
            await asyncio.sleep(LOOK_EVERY_S)
            now = await self.lan.look()

    async def reset(self) -> None:
        """Take the LAN down and begin anew, before the first step."""
        await self.close()
        await self.start()

    async def close(self) -> None:
        """Take the LAN down; again is harmless."""
        lan, self._lan, self._position = self._lan, None, 0
        if lan is not None:
            await asyncio.to_thread(lan.close)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
