"""Membership messages in the standards' words, in a line of bounded length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.human import counted
from mcast_tui.wire.membership.message import (
    GroupRecord,
    GroupReport,
    Leave,
    Protocol,
    Query,
    RecordReport,
    RecordType,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.membership.message import MembershipMessage

RECORDS_NAMED = 3
SOURCES_NAMED = 4
"""A line of the timeline is read at a glance; what is left out is counted."""


def describe(message: MembershipMessage) -> str:
    """Return the message in a few words: ``IGMPv3 report: CHANGE_TO_EXCLUDE_MODE 239.5.5.5 {}``."""
    match message:
        case Query():
            return describe_query(message, with_group=True)
        case GroupReport(group=group) | Leave(group=group):
            return f"{describe_kind(message)} {group}"
        case RecordReport(records=records):
            named = [describe_record(record, with_group=True) for record in records[:RECORDS_NAMED]]
            if len(records) > RECORDS_NAMED:
                named.append(f"and {counted(len(records) - RECORDS_NAMED, 'more record')}")
            return f"{message.protocol.value} report: {'; '.join(named) or 'no records'}"


def describe_kind(message: GroupReport | Leave) -> str:
    """Return the message without its group: ``IGMPv2 Leave Group``."""
    words = _LEAVE if isinstance(message, Leave) else _GROUP_REPORT
    return f"{message.protocol.value} {words[message.protocol]}"


def describe_query(query: Query, *, with_group: bool = False) -> str:
    """Return a query, with its group if asked: ``IGMPv3 general query, max 10 s, QRV 2, every 125 s``."""
    if query.group is None:
        kind = "general query"
    else:
        of = "group" if query.protocol.family == 4 else "address"
        kind = f"{of}-and-source-specific query" if query.sources else f"{of}-specific query"
        kind += f" {query.group}" if with_group else ""
    told = [f"{query.protocol.value} {kind}"]
    if query.max_response_s is not None:
        told.append(f"max {query.max_response_s:g} s")
    if query.sources:
        told.append(_set(query.sources))
    if query.suppress:
        told.append("S")
    if query.robustness is not None:
        told.append(f"QRV {query.robustness}")
    if query.interval_s:
        told.append(f"every {query.interval_s} s")
    return ", ".join(told)


def describe_record(record: GroupRecord, *, with_group: bool) -> str:
    """Return a record: ``CHANGE_TO_EXCLUDE_MODE {}``, with its group before the sources if asked."""
    known = isinstance(record.type, RecordType)
    name = RecordType(record.type).name if known else f"unknown record type {record.type}"
    return " ".join([name, *([str(record.group)] if with_group else []), _set(record.sources)])


def _set(sources: Sequence[Address]) -> str:
    named = [str(source) for source in sources[:SOURCES_NAMED]]
    more = len(sources) - SOURCES_NAMED
    return f"{{{', '.join(named)}{f' and {more} more' if more > 0 else ''}}}"


_GROUP_REPORT = {
    Protocol.IGMPV1: "Membership Report",
    Protocol.IGMPV2: "Membership Report",
    Protocol.MLDV1: "Report",
}
_LEAVE = {Protocol.IGMPV2: "Leave Group", Protocol.MLDV1: "Done"}
