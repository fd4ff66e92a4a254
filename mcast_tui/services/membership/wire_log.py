"""What the tap heard -> entries of the timeline: one for each record of a report, bounded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcast_tui.human import counted
from mcast_tui.services.membership.facts import TimelineEntry, What
from mcast_tui.wire.membership.describe import describe_kind, describe_query, describe_record
from mcast_tui.wire.membership.message import Query, RecordReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.membership.message import Heard

RECORDS_TOLD = 32
"""Of one report. A host that answers for all its groups says more, and a reader of the timeline skips it."""

MOST_ENTRIES = 512
"""Told at each pace: anyone on the LAN can send reports as fast as the wire takes them."""


class Told:
    """Entries in the order they were learnt, of which those that others will follow are bounded."""

    def __init__(self) -> None:
        self._entries: list[tuple[TimelineEntry, bool]] = []
        self._room = MOST_ENTRIES

    def add(self, entries: Iterable[TimelineEntry]) -> None:
        """Add what may be left out where there is too much."""
        self._entries += ((entry, False) for entry in entries)

    def add_once(self, entries: Iterable[TimelineEntry]) -> None:
        """Add what will not be said again, bounded by who found it out: it takes the room of the others."""
        before = len(self._entries)
        self._entries += ((entry, True) for entry in entries)
        self._room -= len(self._entries) - before

    def bounded(self) -> Iterator[TimelineEntry]:
        """Yield what is told, at its end how many are not."""
        untold = 0
        for entry, is_told_once in self._entries:
            if is_told_once or self._room > 0:
                self._room -= not is_told_once
                yield entry
            else:
                untold += 1
        if untold:
            text = f"{counted(untold, 'more entry', 'more entries')} in the same moment"
            last, _ = self._entries[-1]
            yield replace(last, what=What.REPORT, group=None, who="several", text=text, filter=None)


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
