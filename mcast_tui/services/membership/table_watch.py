"""Follows the kernel's tables: reads them when something may have changed, and each second in any case.

The kernel's notices tell of the first join and the last leave of a group on an interface only, and no older
kernel sends them: a second member or another filter is in the tables alone. Ten thousand groups are dear to
read, and whoever joins and leaves in a loop would have us read all the time: after each reading there is a
pause in proportion to what it took.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from mcast_tui.net.link_monitor import GroupAdded, GroupRemoved
from mcast_tui.services.membership.facts import TimelineEntry, What
from mcast_tui.services.membership.table import NOTICES, diff

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from mcast_tui.net.link_monitor import News
    from mcast_tui.services.membership.facts import HostMembership
    from mcast_tui.services.membership.table import HostTable, Key, Notice

POLL_S = 1.0
"""The longest time between two readings."""
SHARE = 0.02
"""Of one processor, that reading may take at most."""
MOST_NOTICES = 1_000
"""Groups with notices kept between two readings: any process can make them, and the tables tell the rest."""


class TableWatch:
    """The memberships of this host as they were read last; what others changed is told as it is found."""

    def __init__(self, table: HostTable, tell: Callable[[TimelineEntry], None]) -> None:
        self._table = table
        self._tell = tell
        self._noticed: dict[Key, Notice] = {}
        self._news = asyncio.Event()
        self._has_looked = False
        self.rows: tuple[HostMembership, ...] = ()
        """As read last."""
        self.error: OSError | None = None
        """Why the tables could not be read the last time."""

    def take(self, news: Iterable[News]) -> None:
        """Hear what the kernel told of links and memberships: read the tables soon."""
        at = time.time_ns()
        for each in news:
            if isinstance(each, GroupAdded | GroupRemoved) and len(self._noticed) < MOST_NOTICES:
                what = What.JOIN if isinstance(each, GroupAdded) else What.LEAVE
                self._noticed[each.ifindex, each.group] = (at, what)
        self._news.set()

    def hint(self) -> None:
        """Hear that something may have changed: read the tables soon."""
        self._news.set()

    async def run(self, ready: Callable[[], Awaitable[None]] | None = None) -> NoReturn:
        """Read until cancelled; `ready` is awaited before each reading, for who can take no more just now."""
        while True:
            if ready is not None:
                await ready()
            begun = time.thread_time()
            self.look()
            took = time.thread_time() - begun
            await asyncio.sleep(took / SHARE - took)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._news.wait()

    def look(self) -> None:
        """Read the tables now, and tell what others changed since the last time; the first time nothing."""
        self._news.clear()
        try:
            rows = self._table.read()
        except OSError as error:
            self.error = error
            return
        before, self.rows, self.error = self.rows, rows, None
        noticed, self._noticed = self._noticed, {}
        if rows is before and not noticed:
            return
        if self._has_looked:
            entries = diff(before, rows, time.time_ns(), noticed)
            for entry in (*entries, *_missed(noticed, before, rows)):
                self._tell(entry)
        self._has_looked = True


def _missed(
    noticed: dict[Key, Notice],
    before: tuple[HostMembership, ...],
    after: tuple[HostMembership, ...],
) -> list[TimelineEntry]:
    """Return entries for what was joined and left again between two readings: nobody knows by whom."""
    if not noticed:
        return []
    known = {(row.ifindex, row.group) for rows in (before, after) for row in rows}
    names = {row.ifindex: row.interface for row in (*before, *after)}
    return [
        TimelineEntry(
            at=at,
            what=what,
            is_seen=True,
            ifindex=ifindex,
            interface=names.get(ifindex),
            group=group,
            who="this host",
            text="for less time than there was between two readings of the tables",
            origin=origin,
        )
        for (ifindex, group), (at, _) in noticed.items()
        if (ifindex, group) not in known
        for what, origin in NOTICES.items()
    ]
