"""What the tap heard -> entries of the timeline: one for each record of a report, bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.human import counted
from mcast_tui.services.membership.facts import TimelineEntry, What
from mcast_tui.wire.membership.describe import describe_kind, describe_query, describe_record
from mcast_tui.wire.membership.message import Query, RecordReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.membership.message import Heard

RECORDS_TOLD = 32
"""Of one report. A host that answers for all its groups says more, and a reader of the timeline skips it."""


def entries_of(heard: Heard, interface: str | None) -> list[TimelineEntry]:
    """Return what a message says, in its order; `interface` is the name of where it was heard."""
    who = "this host" if heard.is_outgoing else str(heard.source)
    what = What.QUERY if isinstance(heard.message, Query) else What.REPORT
    oddities = "".join(_oddities(heard))
    return [
        TimelineEntry(
            at=heard.received_at,
            what=what,
            is_seen=True,
            ifindex=heard.ifindex,
            interface=interface,
            group=group,
            who=who,
            text=text + oddities,
            origin="tap",
        )
        for group, text in _lines(heard)
    ]


def _lines(heard: Heard) -> Iterator[tuple[Address | None, str]]:
    message = heard.message
    if isinstance(message, Query):
        yield message.group, describe_query(message)
    elif isinstance(message, RecordReport):
        name = message.protocol.value
        for record in message.records[:RECORDS_TOLD]:
            yield record.group, f"{name} {describe_record(record, with_group=False)}"
        if (more := len(message.records) - RECORDS_TOLD) > 0:
            yield None, f"{name} report: and {counted(more, 'more record')}"
        elif not message.records:
            yield None, f"{name} report: no records"
    else:
        yield message.group, describe_kind(message)


def _oddities(heard: Heard) -> Iterator[str]:
    """Yield what is unusual about the packet, although receivers take it."""
    if heard.hop_limit != 1:
        yield f", TTL {heard.hop_limit} instead of 1"
    if heard.vlan is not None:
        yield f", VLAN {heard.vlan}"
