"""``groups --watch`` under way: the table, then each change as it happens, until it is interrupted.

The wire does not wait for a reader: what comes while too much waits for him already is left out. This, and
what he did not take in the end, is counted and told.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from mcast_tui.cli.hooks import tell_tap, telling
from mcast_tui.cli.talk import talk
from mcast_tui.errors import McastError
from mcast_tui.human import counted
from mcast_tui.services.events import MembershipNews
from mcast_tui.services.node import Node
from mcast_tui.services.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.cli.hooks import Told
    from mcast_tui.cli.printing.listing import Listing
    from mcast_tui.cli.printing.output import Output
    from mcast_tui.services.events import Event


class Watching:
    """One watch: what is listed, who else is told, and the output, which it enters and finishes."""

    def __init__(self, listing: Listing, told: Told, output: Output) -> None:
        self._listing = listing
        self._told = told
        self._output = output
        self._node = Node(Settings())
        self._left_out = 0

    async def run(self) -> int:
        """Print until cancelled or the reader is gone, which raises `BrokenPipeError`."""
        async with self._output, self._node, telling(self._told, self._subscribe, talk):
            watch = self._node.memberships
            watch.follow()
            self._output.write(*self._listing.of_rows(watch.rows))
            unsubscribe = self._subscribe(self._show)
            if self._told.taps:
                watch.listen()
                tell_tap(watch.tap)
            talk(f"watching the kernel's tables, {watch.origin}; ctrl+c ends it")
            try:
                await self._output.gone()
            finally:
                unsubscribe()
                await self._finish()
        return 0

    def _subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Let `listener` hear of the memberships that are wanted, and of all that is no membership."""

        def hear(event: Event) -> None:
            if not isinstance(event, MembershipNews) or self._is_wanted(event):
                listener(event)

        return self._node.subscribe(hear)

    def _is_wanted(self, news: MembershipNews) -> bool:
        return self._listing.wanted(news.entry.interface, news.entry.group)

    def _show(self, event: Event) -> None:
        if not isinstance(event, MembershipNews):
            return
        if self._output.is_full:
            self._left_out += 1
            return
        self._tell_missing(self._left_out)
        self._left_out = 0
        self._output.write(self._listing.of_entry(event.entry), 1)

    async def _finish(self) -> None:
        """Let the reader take the rest, and tell what he did not; who left has all that he wanted."""
        with suppress(McastError, BrokenPipeError):  # it ended the watch, and is on its way
            await self._output.finish()
        untaken = 0 if self._output.is_abandoned else self._output.untaken
        self._tell_missing(self._left_out + untaken)

    def _tell_missing(self, number: int) -> None:
        if number:
            talk(f"{counted(number, 'entry', 'entries')} not printed: not read in time")
