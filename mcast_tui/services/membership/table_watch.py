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
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mcast_tui.net.link_monitor import News
    from mcast_tui.services.membership.facts import HostMembership
    from mcast_tui.services.membership.table import HostTable, Key, Noticed

POLL_S = 1.0
"""The longest time between two readings."""
SHARE = 0.02
"""Of one processor, that reading may take at most."""
MOST_NOTICES = 1_000
"""Groups with notices kept between two readings: any process can make them, and the tables tell the rest."""


class TableWatch:
    """The memberships of this host as they were read last; what others changed is told as it is found."""

    def __init__(
        self,
        table: HostTable,
        tell: Callable[[TimelineEntry], None],
        catch_up: Callable[[], None] | None = None,
    ) -> None:
        """Watch; `catch_up` makes the kernel's notices that wait to be read be told to `take`."""
        self._table = table
        self._tell = tell
        self._catch_up = catch_up
        self._noticed: dict[Key, Noticed] = {}
        self._ours: set[Key] = set()
        self._looked_at = 0
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
                key = each.ifindex, each.group
                if isinstance(each, GroupAdded):
                    self._noticed[key] = {What.JOIN: at}
                else:
                    self._noticed.setdefault(key, {})[What.LEAVE] = at
        self._news.set()

    def hint(self, ours: Key) -> None:
        """Hear that we joined or left a group: read the tables soon."""
        self._ours.add(ours)
        self._news.set()

    async def run(self) -> NoReturn:
        """Read until cancelled."""
        while True:
            begun = time.thread_time()
            self.look()
            took = time.thread_time() - begun
            await asyncio.sleep(took / SHARE - took)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._news.wait()

    def look(self) -> None:
        """Read the tables now, and tell what others changed since the last time; the first time nothing."""
        if self._catch_up is not None:
            self._catch_up()  # or the tables would tell now what a notice tells of later
        self._news.clear()
        looked_at, self._looked_at = self._looked_at, time.time_ns()
        try:
            rows = self._table.read()
        except OSError as error:
            self.error = error
            return
        before, self.rows, self.error = self.rows, rows, None
        noticed, self._noticed = self._noticed, {}
        ours, self._ours = self._ours, set()
        if rows is before and not noticed:
            return
        known = ours | {(row.ifindex, row.group) for each in (before, rows) for row in each}
        unknown = {key: told for key, told in noticed.items() if key not in known}
        self._noticed = {key: told for key, told in unknown.items() if _is_half(told, looked_at)}
        if self._has_looked:
            for entry in (
                *diff(before, rows, self._looked_at, noticed),
                *_missed(unknown, (*before, *rows)),
            ):
                self._tell(entry)
        self._has_looked = True


def _is_half(told: Noticed, looked_at: int) -> bool:
    """Tell whether a join was noticed of which the tables show that the leave is about to be."""
    return What.LEAVE not in told and told[What.JOIN] >= looked_at


def _missed(noticed: Mapping[Key, Noticed], rows: Iterable[HostMembership]) -> Iterator[TimelineEntry]:
    """Yield what was joined and left again between two readings: nobody knows by whom.

    A leave without its join is that of a membership that was read, and that was told.
    """
    names = {row.ifindex: row.interface for row in rows}
    for (ifindex, group), told in noticed.items():
        if What.JOIN not in told or What.LEAVE not in told:
            continue
        for what, at in told.items():
            yield TimelineEntry(
                at=at,
                what=what,
                is_seen=True,
                ifindex=ifindex,
                interface=names.get(ifindex),
                group=group,
                who="this host",
                text="for less time than there was between two readings of the tables",
                origin=NOTICES[what],
            )
