"""When a snooping switch would forget our groups: the last report of ours, and how long it is remembered."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from mcast_tui.services.membership.facts import PruneCountdown
from mcast_tui.services.membership.querier_record import MEMBERSHIP_S, SECOND
from mcast_tui.wire.membership.message import GroupRecord, GroupReport, Leave, RecordReport, RecordType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.membership.facts import QuerierFacts
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.membership.message import Heard

_MOST_REPORTED = 16_384
"""Only this host can make them; more than the 10,000 groups anyone has joined here at once."""
_REPORT_PRECEDES_NS = SECOND
"""The kernel reports within the call that joins, and the time of joining is taken after it."""
_NEVER_PRUNED = IPv4Network("224.0.0.0/24")  # switches flood it: RFC 4541 section 2.1.2
_ALL_NODES, _LINK_LOCAL_EXTENT = "ff02::1", 2


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """A group that this host holds on an interface."""

    ifindex: int
    group: Address
    joined_at: int
    """ns since the epoch."""


class OwnReports:
    """When this host was last seen to report each group, bounded."""

    def __init__(self) -> None:
        # Of a plain dict each look for the oldest passes over all that were deleted before it.
        self._at: OrderedDict[tuple[int, Address], int] = OrderedDict()

    def hear(self, heard: Heard) -> None:
        """Note the groups that a message of this host reports, and those it leaves."""
        match heard.message:
            case GroupReport(group=group):
                self._note(heard, group)
            case Leave(group=group):
                self._at.pop((heard.ifindex, group), None)
            case RecordReport(records=records):
                for record in records:
                    if _is_member(record):
                        self._note(heard, record.group)
                    elif record.type is RecordType.CHANGE_TO_INCLUDE_MODE:
                        self._at.pop((heard.ifindex, record.group), None)

    def _note(self, heard: Heard, group: Address) -> None:
        key = heard.ifindex, group
        self._at[key] = heard.received_at
        self._at.move_to_end(key)
        if len(self._at) > _MOST_REPORTED:
            self._at.popitem(last=False)

    def forget(self, ifindex: int) -> None:
        """Forget what was seen on an interface that is no longer listened on."""
        for key in [key for key in self._at if key[0] == ifindex]:
            del self._at[key]

    def last(self, held: HeldGroup, since: int) -> int | None:
        """Return when it was last reported since it was joined; None when that was not seen.

        `since` is from when on every report was heard: one before it need not be the last.
        """
        at = self._at.get((held.ifindex, held.group))
        return None if at is None or at < max(held.joined_at - _REPORT_PRECEDES_NS, since) else at


def count_down(
    held: HeldGroup, reported_at: int | None, since: int, querier: QuerierFacts | None, *, is_overdue: bool
) -> PruneCountdown:
    """Return when a group is forgotten: RFC 3376 section 8.4, RFC 3810 section 9.4.

    `since` is when we began to listen, or when something was missed last. What was reported before is not
    known, so that a report not seen is taken to have come at the latest moment it can have: the countdown may
    then be too long, never too short.
    """
    at = max(held.joined_at, since) if reported_at is None else reported_at
    if querier is None:
        remembered_s, origin = MEMBERSHIP_S, f"no querier heard: the default of {MEMBERSHIP_S:g} s"
    else:
        remembered_s = querier.membership_interval_s
        times = f"{querier.robustness} x {querier.interval_s:g} s + {querier.max_response_s:g} s"
        origin = ", ".join(
            [f"querier {querier.address}: {times}", querier.interval_origin, *_defaults(querier)]
        )
    return PruneCountdown(
        ifindex=held.ifindex,
        group=held.group,
        last_reported_at=at,
        is_report_seen=reported_at is not None,
        expires_at=at + round(remembered_s * SECOND),
        is_overdue=is_overdue,
        origin=origin,
    )


def _defaults(querier: QuerierFacts) -> Iterator[str]:
    """Yield which of a querier's values, the interval aside, are not its own words."""
    if not querier.is_robustness_told:
        yield f"{querier.robustness} by default"
    if not querier.is_response_told:
        yield f"{querier.max_response_s:g} s by default"


def is_prunable(group: Address) -> bool:
    """Tell whether switches that snoop may stop forwarding a group: not what they flood, RFC 4541.

    For IPv6 that is all nodes only (section 3): hosts report the other groups of the link, mDNS among them.
    """
    if isinstance(group, IPv4Address):
        return group.is_multicast and group not in _NEVER_PRUNED
    return group.is_multicast and group.packed[1] & 0xF >= _LINK_LOCAL_EXTENT and str(group) != _ALL_NODES


def _is_member(record: GroupRecord) -> bool:
    """Tell whether a record says that there is somebody to forward the group to."""
    if record.type in {RecordType.MODE_IS_EXCLUDE, RecordType.CHANGE_TO_EXCLUDE_MODE}:
        return True
    includes = {RecordType.MODE_IS_INCLUDE, RecordType.CHANGE_TO_INCLUDE_MODE, RecordType.ALLOW_NEW_SOURCES}
    return record.type in includes and bool(record.sources)
