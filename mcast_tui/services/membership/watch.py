"""MembershipWatch: all that is known of memberships over one node, at one place to ask.

    watch = node.memberships
    watch.follow()          # from now on the kernel's tables
    watch.rows()            # as read last
    watch.timeline          # what happened, ours and others'
    watch.listen()          # from now on the wire, too: queriers, reports, countdowns, other hosts' groups

What others on this host change is told on the node's timeline, and so to its listeners.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, NoReturn

from mcast_tui.services.events import GroupJoined, GroupLeft
from mcast_tui.services.membership.facts import TimelineEntry, What
from mcast_tui.services.membership.fault import FAULT_ORIGIN, fault_of
from mcast_tui.services.membership.table import HostTable
from mcast_tui.services.membership.table_watch import TableWatch
from mcast_tui.services.membership.wire_watch import WireWatch
from mcast_tui.services.tap.traffic import TapTraffic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.services.events import Event
    from mcast_tui.services.membership.facts import (
        Explanation,
        HeardGroup,
        HostMembership,
        PruneCountdown,
        QuerierFacts,
    )
    from mcast_tui.services.membership.timeline import Timeline
    from mcast_tui.services.node import Node
    from mcast_tui.services.tap.tap import TapState


class MembershipWatch:
    """Follows tables and notices once asked to, and the wire once asked to; its node closes it."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._tables = TableWatch(
            HostTable(node.groups), node.timeline.add, node.link_monitor.deliver_memberships
        )
        self.wire = WireWatch(node)
        self._traffic: TapTraffic | None = None
        self._following: asyncio.Task[NoReturn] | None = None
        self._held = ExitStack()

    def follow(self) -> None:
        """Follow the kernel's tables from now on, how things are now being no news; again does nothing."""
        if self._following is not None:
            return
        self._tables.look()
        self._held.callback(self._node.link_monitor.subscribe(self._tables.take))
        self._held.callback(self._node.link_monitor.subscribe_memberships(self._tables.take))
        self._held.callback(self._node.subscribe(self._take))
        self._following = asyncio.create_task(self._tables.run(), name="membership tables")
        self._following.add_done_callback(self._tell_if_stopped)

    async def close(self) -> None:
        """End it; raises what ended the following before."""
        self._held.close()
        try:
            await self.wire.close()
        finally:
            if self._following is not None:
                self._following.cancel()
                (end,) = await asyncio.gather(self._following, return_exceptions=True)
                if not isinstance(end, asyncio.CancelledError):
                    raise end

    def _tell_if_stopped(self, following: asyncio.Task[NoReturn]) -> None:
        if (fault := fault_of(following)) is not None:
            text = f"what reads the kernel's tables stopped: {fault}"
            now = time.time_ns()
            self.timeline.add(
                TimelineEntry(now, What.ALARM, True, None, None, None, "this app", text, FAULT_ORIGIN)
            )

    def _take(self, event: Event) -> None:
        if isinstance(event, GroupJoined | GroupLeft) and event.group.ifindex is not None:
            self._tables.hint((event.group.ifindex, event.group.endpoint.address))

    def listen(self) -> None:
        """Listen to the wire from now on, where that is allowed; a second call does nothing."""
        self.wire.listen()

    # -- what is known

    @property
    def timeline(self) -> Timeline:
        """What happened."""
        return self._node.timeline

    @property
    def explanation(self) -> Explanation | None:
        """What the last join, leave or change of a filter did; None before the first."""
        return self._node.explainer.explanation

    @property
    def tap(self) -> TapState:
        """Whether the wire is listened to."""
        return self.wire.state

    @property
    def has_tap(self) -> bool:
        """Whether somebody asked to listen to the wire; the tap may be closed for all that."""
        return self.wire.tap is not None

    @property
    def traffic(self) -> TapTraffic | None:
        """What the tap sees pass; None while nobody asked to listen."""
        if self._traffic is None and self.wire.tap is not None:
            self._traffic = TapTraffic(self.wire.tap, self.rows)
        return self._traffic

    @property
    def origin(self) -> str:
        """Where the rows come from, and when they are read."""
        notices = self._node.link_monitor.has_multicast_notifications
        return "/proc/net/igmp and igmp6, each second" + (", RTM_NEWMULTICAST" if notices else "")

    def rows(self) -> Sequence[HostMembership]:
        """Return every membership of this host, as read last; raises `OSError` where that failed."""
        if (fault := fault_of(self._following)) is not None:
            raise OSError(f"what reads them stopped: {fault}")
        if self._tables.error is not None:
            raise self._tables.error
        return self._tables.rows

    def queriers(self) -> Sequence[QuerierFacts]:
        """Return the queriers heard."""
        return self.wire.queriers()

    def prunes(self) -> Sequence[PruneCountdown]:
        """Return when switches would forget our groups."""
        return self.wire.countdowns()

    def heard_groups(self) -> Sequence[HeardGroup]:
        """Return every group that other hosts were heard to report, with who did: not all there are."""
        return self.wire.heard_groups()
