"""At the lectern: what a lesson and what a person does to the LAN is one change after the other."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from mcast_tui.errors import UsageError
from mcast_tui.services.lab.classroom.actions import Cut, Pause, SetSnooping
from mcast_tui.services.lab.classroom.cast import Cast
from mcast_tui.services.lab.classroom.lectern import Lectern
from mcast_tui.services.lab.classroom.live_lan import LanPlan, LiveLan
from mcast_tui.services.lab.classroom.scenario import Scenario, Step
from tests.peers import PATIENCE_S

PLAN = LanPlan(hosts=1)


class Slow:
    """An action that stays under way until it is let go."""

    words = "something takes its time"

    def __init__(self):
        self._begun, self._go = threading.Event(), threading.Event()
        self.is_done = False

    def perform(self, _lan):
        self._begun.set()
        self._go.wait(PATIENCE_S)
        self.is_done = True

    async def begun(self):
        assert await asyncio.to_thread(self._begun.wait, PATIENCE_S)

    def let_go(self):
        self._go.set()


@pytest.fixture
def slow():
    slow = Slow()
    yield slow
    slow.let_go()


@asynccontextmanager
async def lesson(*actions):
    """A lectern with a lesson of one step, which does these and expects nothing."""
    step = Step("The step", actions, "", "", "", ())
    lectern = Lectern(PLAN, ())
    try:
        await lectern.open(Scenario("test", "A lesson", "", "", PLAN, Cast({}, {}, ((1,),)), (step,)))
        yield lectern
    finally:
        await lectern.close()


async def time_for_others(lectern):
    """Give whatever waits for nothing the time to do its work: that of some pictures of the LAN."""
    for _ in range(3):
        await lectern.look()


def told(lectern):
    return [notice.what for notice in lectern.news]


async def test_a_key_sees_and_changes_the_lan_as_it_is_once_the_lessons_change_is_done(slow):
    seen = []

    def choose(_now):
        seen.append(slow.is_done)
        return SetSnooping(on=True)

    async with lesson(slow, Cut(1)) as lectern:
        step = asyncio.create_task(lectern.next())
        await slow.begun()
        key = asyncio.create_task(lectern.perform(choose))
        await time_for_others(lectern)
        assert seen == []
        assert told(lectern)[-1] == "step 1: The step"  # what is not done yet is not told
        slow.let_go()
        await asyncio.gather(step, key)
        assert seen == [True]
        assert told(lectern)[-3:] == [
            f"lesson: {slow.words}",
            "you: the switch snoops: it learns members",
            "lesson: the cable of host 1 is pulled",
        ]


async def test_a_lesson_that_is_left_in_the_midst_of_a_change_ends_it_and_changes_nothing_more(slow):
    async with lesson(slow, Cut(1)) as lectern:
        step = asyncio.create_task(lectern.next())
        await slow.begun()
        leaving = asyncio.create_task(lectern.leave_lesson())
        await time_for_others(lectern)
        assert not leaving.done()
        slow.let_go()
        await leaving
        assert await step is None
        assert slow.is_done
        assert (await lectern.picture()).link(1, 0).counters.is_up


async def test_keys_are_obeyed_while_a_lesson_lets_time_pass_and_it_may_be_left_at_once():
    async with lesson(Pause(PATIENCE_S)) as lectern:
        step = asyncio.create_task(lectern.next())
        await asyncio.sleep(0)  # it has begun
        await lectern.perform(lambda _: Cut(1))
        assert not (await lectern.picture()).link(1, 0).counters.is_up
        await lectern.leave_lesson()
        assert await step is None


async def test_a_step_that_is_refused_may_be_tried_again_and_holds_up_nothing():
    async with lesson(Cut(7)) as lectern:
        for _ in range(2):
            with pytest.raises(UsageError):
                await lectern.next()
            assert lectern.lesson.running is None
        await lectern.perform(lambda _: Cut(1))


async def test_who_is_called_off_in_the_midst_of_a_change_waits_for_its_end(slow):
    with LiveLan(PLAN) as lan:
        changing = asyncio.create_task(lan.perform(slow))
        await slow.begun()
        changing.cancel()
        await lan.look()
        assert not changing.done()
        slow.let_go()
        with pytest.raises(asyncio.CancelledError):
            await changing
        assert slow.is_done
