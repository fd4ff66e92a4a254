"""What goes on in the classroom: the LAN, the lesson played on it, the host that keys act on, what happened.

Everything that touches the LAN runs in threads, one change after the other, so that two keys pressed quickly
are two changes. A lesson's step is as many changes as it has actions: a key's may come between them, and
while a step waits for what it expects. A picture may be taken at any time.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from mcast_tui import human
from mcast_tui.errors import McastError, UsageError
from mcast_tui.services.lab.classroom.actions import Pause
from mcast_tui.services.lab.classroom.cast import Cast
from mcast_tui.services.lab.classroom.changes import changes
from mcast_tui.services.lab.classroom.runner import Runner
from mcast_tui.services.lab.classroom.scenario import Scenario
from mcast_tui.services.lab.classroom.scene import Watch
from mcast_tui.services.notice import Level, Notice, NoticeLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.lab.classroom.actions import Action
    from mcast_tui.services.lab.classroom.live_lan import LanPlan, LiveLan
    from mcast_tui.services.lab.classroom.picture import Picture
    from mcast_tui.services.lab.classroom.runner import StepResult
    from mcast_tui.services.lab.classroom.scenario import Step
    from mcast_tui.services.lab.classroom.scene import Scene


BUSY_S = 2.0
"""How long a key waits for what was asked before it."""


@dataclass
class Lesson:
    """A lesson under way."""

    runner: Runner
    results: list[StepResult] = field(default_factory=list)
    running: Step | None = None
    """The step that is being done, or whose expectations are awaited."""

    @property
    def scenario(self) -> Scenario:
        return self.runner.scenario

    @property
    def is_over(self) -> bool:
        return len(self.results) == len(self.scenario.steps)


class Lectern:
    """One classroom; `close` takes its LAN down."""

    def __init__(self, plan: LanPlan, lessons: tuple[Scenario, ...]) -> None:
        lans = plan.lans or (tuple(range(1, plan.hosts + 1)),)
        self._free_play = Scenario("free", "Free play", "", "", plan, Cast({}, {}, lans), ())
        self.lessons = lessons
        """Those that come with the program."""
        self.news = NoticeLog(fold_within_s=0)  # the order of what happened is what a class looks at
        self.selected = 1
        self.lesson: Lesson | None = None
        self._runner: Runner | None = None  # owns the LAN, also after its lesson was left
        self._watch = Watch()
        self._changing = asyncio.Lock()
        self._stepping: asyncio.Task[StepResult] | None = None
        self._numbers = count(1)

    # -- the LAN ---------------------------------------------------------------------------------

    async def open(self, scenario: Scenario | None = None) -> None:
        """Build the LAN of a lesson, or one to play with; raises McastError."""
        async with self._changing:
            await self._open(scenario)

    async def _open(self, scenario: Scenario | None) -> None:
        await self._take_down()
        runner = Runner(scenario or self._free_play)
        await runner.start()
        self._runner = runner
        hosts = len(runner.lan.lab.hosts)
        self.selected = min(self.selected, hosts)
        if scenario is None:
            self.tell(f"a LAN of {human.counted(hosts, 'host')} is up")
        else:
            self.lesson = Lesson(runner)
            self.tell(f"lesson: {scenario.title}")

    @property
    def _lan(self) -> LiveLan | None:
        return self._runner.lan if self._runner is not None else None

    async def _take_down(self) -> None:
        await self._end_lesson()
        runner, self._runner, self._watch = self._runner, None, Watch()
        if runner is not None:
            await runner.close()

    async def close(self) -> None:
        """Take the LAN down; again is harmless."""
        async with self._changing:
            await self._take_down()

    async def look(self) -> Scene | None:
        """Take a picture, tell what became different, return what to draw; None while there is no LAN."""
        lan, watch = self._lan, self._watch
        if lan is None:
            return None
        try:
            picture = await lan.look()
        except McastError:
            if lan is not self._lan:
                return None  # it was taken down meanwhile
            raise
        if lan is not self._lan:
            return None
        if watch.newest is not None:
            for notice in changes(watch.newest, picture):
                self.news.add(notice, time.time())
        watch.add(picture)
        return watch.scene(self.selected)

    @property
    def scene(self) -> Scene | None:
        """What the last picture shows."""
        return self._watch.scene(self.selected)

    def select(self, number: int) -> bool:
        """Make a host the one that keys act on; tell whether there is such a host."""
        lan = self._lan
        exists = lan is not None and 1 <= number <= len(lan.lab.hosts)
        if exists:
            self.selected = number
        return exists

    def step_selection(self, step: int) -> None:
        """Select the next host, or the one before; after the last comes the first."""
        if (lan := self._lan) is not None:
            self.selected = (self.selected - 1 + step) % len(lan.lab.hosts) + 1

    def lans_of(self, host: int) -> list[int]:
        """Return the numbers of the LANs a host is on."""
        lan = self._lan
        return [] if lan is None else [each.number for each in lan.lab.host(host).lans]

    def new_name(self, kind: str) -> str:
        """Return a name for a member or sender that nobody has."""
        return f"{kind}-{next(self._numbers)}"

    async def picture(self) -> Picture:
        """Return the LAN as it is once every earlier change is done; raises McastError."""
        try:
            async with asyncio.timeout(BUSY_S), self._changing:
                return await self._built().look()
        except TimeoutError:
            raise UsageError("change the LAN", "it is busy with what was asked before") from None

    def _built(self) -> LiveLan:
        if self._runner is None:
            raise UsageError("change the LAN", "there is none", remedy="b builds one.")
        return self._runner.lan

    async def perform(self, choose: Callable[[Picture], Action]) -> None:
        """Do what `choose` makes of the LAN as it is when it is this change's turn; raises McastError."""
        async with self._changing:
            lan = self._built()
            action = choose(await lan.look())
            await lan.perform(action)
            self.tell(f"you: {action.words}")

    # -- the lesson ------------------------------------------------------------------------------

    async def next(self) -> StepResult | None:
        """Do the lesson's next step; None when it was left or begun anew meanwhile. Raises McastError."""
        lesson = self.lesson
        if lesson is None or lesson.running is not None or lesson.is_over:
            return None
        step = lesson.runner.steps[lesson.runner.position]
        lesson.running = step
        number = lesson.runner.position + 1
        self.tell(f"step {number}: {step.title}")
        self._stepping = asyncio.ensure_future(lesson.runner.next(self._obey))
        try:
            result = await self._stepping
        except asyncio.CancelledError:
            if self.lesson is lesson:
                raise
            return None
        finally:
            lesson.running = self._stepping = None
        lesson.results.append(result)
        for outcome in result.outcomes:
            if not outcome.holds:
                self.news.add(Notice(Level.ERROR, f"step {number}: not so: {outcome.text}"), time.time())
        return result

    async def _obey(self, action: Action | Pause) -> None:
        """Do what the lesson says, when it is this change's turn; a pause keeps nobody else from his."""
        if isinstance(action, Pause):
            self.tell(f"lesson: {action.words}")
            await asyncio.sleep(action.seconds)
            return
        async with self._changing:
            await self._built().perform(action)
            self.tell(f"lesson: {action.words}")

    async def restart(self) -> None:
        """Build the LAN anew: the lesson's, before its first step, or the one to play with."""
        async with self._changing:
            lesson = self.lesson
            await self._open(None if lesson is None else lesson.scenario)

    async def leave_lesson(self) -> None:
        """Keep the LAN as it is, once a change under way is done, and play on without the lesson."""
        async with self._changing:
            await self._end_lesson()
            self.tell("the lesson is left; the LAN stays as it is")

    async def _end_lesson(self) -> None:
        self.lesson, stepping = None, self._stepping
        if stepping is not None:
            stepping.cancel()
            await asyncio.wait([stepping])

    def tell(self, what: str) -> None:
        """Keep that something was done."""
        self.news.add(Notice(Level.DONE, what), time.time())
