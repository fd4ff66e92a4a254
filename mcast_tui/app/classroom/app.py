"""The classroom's app: it builds a virtual LAN, shows it, and takes it down however it ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mcast_tui.app import terminal_app
from mcast_tui.app.terminal_app import TerminalApp

if TYPE_CHECKING:
    from mcast_tui.app.classroom.screen import ClassroomScreen
    from mcast_tui.services.lab.classroom.live_lan import LanPlan
    from mcast_tui.services.lab.classroom.scenario import Scenario


class ClassroomApp(TerminalApp):
    """The terminal app over one LAN of the lab."""

    TITLE = "mcast-tui lab"
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        plan: LanPlan,
        scenario: Scenario | None = None,
        *,
        ascii: bool = False,  # noqa: A002  # the option's own word
    ) -> None:
        super().__init__(self._open_lan, ascii=ascii)
        self._plan = plan
        self._scenario = scenario
        self.classroom: ClassroomScreen | None = None
        """What is on screen; None while only the curtain is."""

    async def _open_lan(self) -> None:
        """Read the lessons, build the LAN, and show it."""
        from mcast_tui.app.classroom.screen import ClassroomScreen
        from mcast_tui.services.lab.classroom.lectern import Lectern
        from mcast_tui.services.lab.classroom.lessons import lessons

        lectern = Lectern(self._plan, await asyncio.to_thread(lessons))
        self.held.push_async_callback(lectern.close)
        await lectern.open(self._scenario)
        classroom = ClassroomScreen(lectern, self.glyphs)
        await self.push_screen(classroom)
        self.classroom = self.front = classroom
        classroom.refresh_bindings()


def run_classroom(plan: LanPlan, scenario: Scenario | None = None, *, ascii: bool = False) -> int:  # noqa: A002  # likewise
    """Run the classroom until the person leaves; return the exit status. Raises McastError without a LAN."""
    return terminal_app.run(lambda: ClassroomApp(plan, scenario, ascii=ascii))
