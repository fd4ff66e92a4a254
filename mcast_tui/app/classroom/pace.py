"""How a lesson goes on: a step at a key, or by itself, each once the one before has stood to be read.

By itself it goes on as long as all is so: what did not come about is to be looked at, and later steps build
on it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mcast_tui.errors import McastError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.timer import Timer

    from mcast_tui.services.lab.classroom.lectern import Lectern

READING_S = 6.0
"""How long a step stands before the next is done, when a lesson runs by itself."""


class Pace:
    """Steps through the lesson of one lectern; `show` draws it, `do` has something done meanwhile."""

    def __init__(
        self,
        lectern: Lectern,
        show: Callable[[], None],
        do: Callable[[Awaitable[None]], None],
        set_timer: Callable[[float, Callable[[], None]], Timer],
    ) -> None:
        self._lectern = lectern
        self._show = show
        self._do = do
        self._set_timer = set_timer
        self.is_automatic = False
        """Whether the lesson goes on by itself."""
        self._reading: Timer | None = None

    def step(self) -> None:
        """Do the next step, unless one is being done."""
        lesson = self._lectern.lesson
        if lesson is not None and lesson.running is None:
            self._do(self._step())

    def run(self) -> None:
        """Let the lesson go on by itself from here."""
        self.is_automatic = True
        self._go_on()

    def wait(self) -> None:
        """Let the lesson wait for a key, from the next step on."""
        self.is_automatic = False
        if self._reading is not None:
            self._reading.stop()

    async def _step(self) -> None:
        work = asyncio.ensure_future(self._lectern.next())
        await asyncio.sleep(0)  # it has begun when it is drawn
        self._show()
        try:
            result = await work
        except McastError:
            self.wait()
            raise
        if result is not None and not result.holds:
            self.wait()
        if self.is_automatic:
            self._reading = self._set_timer(READING_S, self._go_on)

    def _go_on(self) -> None:
        """Do the next step of a lesson that runs by itself, until there is none."""
        lesson = self._lectern.lesson
        if lesson is None or lesson.is_over:
            self.wait()
            self._show()
        else:
            self.step()
