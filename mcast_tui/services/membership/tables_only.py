"""What is known of memberships without netlink and without a tap: the kernel's tables, and our own doings.

The tables are read when somebody asks, so nothing is read while nobody looks.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from mcast_tui.net import kernel
from mcast_tui.services.events import GroupJoined, GroupLeft
from mcast_tui.services.membership.facts import HostMembership, TapState, TimelineEntry, What
from mcast_tui.services.membership.timeline import Timeline
from mcast_tui.wire.membership.message import Protocol
from mcast_tui.wire.well_known import group_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.services.events import Event
    from mcast_tui.services.groups import Group
    from mcast_tui.services.membership.facts import PruneCountdown, QuerierFacts
    from mcast_tui.services.node import Node


class TablesOnly:
    """A `MembershipSource` over one `Node`, told of its joins and leaves from when it was made."""

    origin = "/proc/net/igmp, igmp6"
    explanation = None
    tap = TapState(is_open=False, where="", error=None)

    def __init__(self, node: Node) -> None:
        self._node = node
        self._rows: tuple[HostMembership, ...] = ()
        self.timeline = Timeline()
        node.subscribe(self._take)

    def rows(self) -> Sequence[HostMembership]:
        tables = kernel.read_memberships()
        ours = Counter(
            (group.endpoint.address, group.ifindex) for group in self._node.groups if not group.is_broadcast
        )
        rows = tuple(
            HostMembership(
                row.ifindex,
                row.interface,
                row.group,
                view,
                ours[row.group, row.ifindex],
                None if row.igmp_version is None else Protocol(f"IGMPv{row.igmp_version}"),
                "not shown by this kernel" if row.igmp_version is None else "as /proc/net/igmp shows it",
                group_name(row.group),
            )
            for row in tables.groups
            if (view := tables.view(row.group, row.ifindex)) is not None
        )
        if rows != self._rows:
            self._rows = rows
        return self._rows

    def queriers(self) -> Sequence[QuerierFacts]:
        return ()

    def prunes(self, now: int) -> Sequence[PruneCountdown]:
        del now
        return ()

    def _take(self, event: Event) -> None:
        if isinstance(event, GroupJoined) and not event.group.is_broadcast:
            self.timeline.add(_entry(event.group, What.JOIN, event.group.joined_at))
        elif isinstance(event, GroupLeft) and not event.group.is_broadcast:
            self.timeline.add(_entry(event.group, What.LEAVE, time.time_ns()))


def _entry(group: Group, what: What, at: int) -> TimelineEntry:
    source = group.endpoint.source
    return TimelineEntry(
        at=at,
        what=what,
        is_seen=True,
        ifindex=group.ifindex,
        interface=group.interface.name if group.interface else None,
        group=group.endpoint.address,
        who="this app",
        text=f"from {source} only" if source else "from any source",
        origin="setsockopt",
    )
