"""Our own joins, leaves and changes of sources as entries of the timeline."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mcast_tui.services.membership.facts import TimelineEntry, What

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcast_tui.services.group import Group
    from mcast_tui.services.source_change import SourceChange
    from mcast_tui.wire.membership.source_filter import SourceFilter

TOLD_SINGLY = 20
"""Groups of one run that stand each in the timeline; of a longer one only how many, or nothing else would."""


def entries_of(what: What, groups: Sequence[Group]) -> Iterator[TimelineEntry]:
    """Yield what is to be told of groups that were joined, or left, in one go; broadcast is no membership."""
    members = [group for group in groups if group.membership is not None]
    if len(members) > TOLD_SINGLY:
        text = f"{members[0].label} to {members[-1].label}, {len(members)} groups"
        yield _entry(what, members[0], text, is_run=True)
        return
    for group in members:
        source, protocol = group.endpoint.source, group.endpoint.protocol
        number = f"port {group.endpoint.port}" if protocol is None else f"protocol {protocol}"
        heard = group.chosen_filter or ("any source" if source is None else f"source {source}")
        yield _entry(what, group, f"{number}, {heard}")


def change_entry(group: Group, change: SourceChange, read: SourceFilter) -> TimelineEntry:
    """Return what is to be told of changed sources; `read` is the filter as the kernel then said it."""
    entry = _entry(What.FILTER, group, f"{change}: {read}", origin="getsockopt MCAST_MSFILTER")
    return replace(entry, filter=read)


def _entry(
    what: What, group: Group, text: str, *, is_run: bool = False, origin: str = "setsockopt"
) -> TimelineEntry:
    return TimelineEntry(
        at=time.time_ns(),
        what=what,
        is_seen=True,
        ifindex=group.ifindex,
        interface=group.interface.name if group.interface else None,
        group=None if is_run else group.endpoint.address,
        who="this app",
        text=text,
        origin=origin,
    )
