"""Announces once more what was joined again and does not arrive, so that switches learn of it.

A group is left and joined anew, back to back, which makes the kernel send the reports of a join in every
version of IGMP and MLD: IGMPv3 and MLDv2 without a leave, the older ones behind one. (A filter that is
changed and changed back does so in the new ones only.) In between it is deaf for some microseconds: nothing
to do to a group that arrives.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from mcast_tui.services.kernel_views import read_views
from mcast_tui.services.membership.facts import TimelineEntry, What
from mcast_tui.services.membership.unheard import Unheard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcast_tui.capture.ring import PacketRing
    from mcast_tui.errors import McastError
    from mcast_tui.net.interfaces import Interface
    from mcast_tui.services.group import Group
    from mcast_tui.services.groups import Groups
    from mcast_tui.services.membership.timeline import Timeline
    from mcast_tui.wire.literal import Address

TOLD_SINGLY = 20
"""Groups announced together and told each; of more only how many they are."""


class Announcer:
    """Of groups that were joined again; what it does goes on the timeline."""

    def __init__(self, groups: Groups, ring: PacketRing, timeline: Timeline) -> None:
        self._groups = groups
        self._timeline = timeline
        self._unheard = Unheard(groups, ring)

    def watch(self, groups: Iterable[Group], now: float) -> None:
        """Take note that these were joined again, and reported, at monotonic time `now`."""
        self._unheard.watch(groups, now)

    def announce(self, now: float, interfaces: Mapping[int, Interface]) -> dict[Group, McastError]:
        """Announce what is due, on `interfaces` as they are now by index; return what was not joined again.

        A group that somebody else on this host holds as well would not be reported, and is left alone.
        """
        silent_s = self._unheard.due(now, interfaces)
        if not silent_s:
            return {}
        views, together = read_views(self._groups, silent_s), Counter(map(_place, silent_s))
        groups = [
            group
            for group in silent_s
            if (view := views.get(group.id)) is None or view.users <= together[_place(group)]
        ]
        refused = self._groups.renew(groups)
        self._tell({group: silent_s[group] for group in groups if group not in refused})
        return refused

    def _tell(self, silent_s: Mapping[Group, float]) -> None:
        if len(silent_s) > TOLD_SINGLY:
            first = next(iter(silent_s))
            text = (
                f"{len(silent_s)} memberships left and joined anew, {first.label} the first:"
                " no packets of others"
            )
            self._timeline.add(_entry(first, text, None))
            return
        for group, silent in silent_s.items():
            text = f"left and joined anew: no packets of others since it was joined again {silent:.0f} s ago"
            self._timeline.add(_entry(group, text, group.endpoint.address))


def _place(group: Group) -> tuple[Address, int | None]:
    return group.endpoint.address, group.ifindex


def _entry(group: Group, text: str, address: Address | None) -> TimelineEntry:
    return TimelineEntry(
        at=time.time_ns(),
        what=What.REPORT,
        is_seen=False,  # the report is what follows; a tap may see it
        ifindex=group.ifindex,
        interface=group.interface.name if group.interface else None,
        group=address,
        who="this app",
        text=text,
        origin="setsockopt",
    )
