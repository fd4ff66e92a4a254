"""What a join, a leave or a change of sources puts on the wire: as a tap saw it, else as the standards say.

A host reports changes of an interface's filter, which is that of all its sockets together, and not what
one socket did (RFC 3376 section 5.1, RFC 3810 section 6.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.services.membership.facts import Step
from mcast_tui.wire.membership.describe import describe_kind, describe_record
from mcast_tui.wire.membership.message import GroupReport, Leave, Protocol, RecordReport, RecordType
from mcast_tui.wire.membership.source_filter import NOBODY, state_change
from mcast_tui.wire.scope import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcast_tui.services.membership.deed import Deed
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.membership.message import Heard
    from mcast_tui.wire.membership.source_filter import SourceFilter

_ANSWERS = {RecordType.MODE_IS_INCLUDE, RecordType.MODE_IS_EXCLUDE}
"""Said when a querier asks, not when something changes."""

_TO_ALL_REPORT_READERS = {4: "224.0.0.22", 6: "ff02::16"}


def wire_steps(deed: Deed, heard: Iterable[Heard]) -> Iterator[Step]:
    """Yield what was sent: seen where `heard` has it, else inferred; one step at least."""
    seen = tuple(_said_of(deed, heard))
    if seen:
        for text, times in dict.fromkeys((each, seen.count(each)) for each in seen):
            often = "" if times == 1 else f", {times} times so far" if times > 2 else ", twice so far"
            yield Step(True, f"The kernel sent {text}{often}.", "tap")
        return
    yield _inferred(deed)


def _said_of(deed: Deed, heard: Iterable[Heard]) -> Iterator[str]:
    """Yield what this host said of the group on the wire since, message by message."""
    group = deed.endpoint.address
    for each in heard:
        is_ours = each.is_outgoing and deed.interface is not None and each.ifindex == deed.interface.index
        if not is_ours or each.received_at < deed.at:
            continue
        message = each.message
        if isinstance(message, GroupReport | Leave) and message.group == group:
            yield f"{describe_kind(message)} to {each.destination}"
        elif isinstance(message, RecordReport):
            records = [each for each in message.records if each.group == group and each.type not in _ANSWERS]
            if records:
                words = ", ".join(describe_record(record, with_group=False) for record in records)
                yield f"an {message.protocol.value} report to {each.destination}: {words}"


def _inferred(deed: Deed) -> Step:
    group = deed.endpoint.address
    is_ipv4 = group.version == 4
    silence = _never_reported(group, reports_link_local=deed.in_force.reports_link_local)
    if silence is not None:
        return Step(False, *silence)
    by = "RFC 3376 section 5.1" if is_ipv4 else "RFC 3810 section 6.1"
    if deed.before is None or deed.after is None:
        return Step(False, "Without the table, what the kernel reports is not known.", by)
    before, after = deed.before.filter, deed.after.filter
    if before == after and before is not None:
        why = "The interface's filter is what it was"
        if deed.before.users != deed.after.users:
            why += ", for others of this host hold the group, too"
        return Step(False, f"{why}: nothing is sent.", by)
    if deed.interface is not None and not deed.interface.is_up:
        text = f"{deed.interface.name} is down: nothing is sent before it is up, and then the whole of it."
        return Step(False, text, "netdevice(7) IFF_UP")
    if not is_ipv4 and deed.interface is not None and not _has_ipv6(deed):
        text = f"{deed.interface.name} has no IPv6 address: whether the kernel reports from :: is not known."
        return Step(False, text, "RFC 3810 section 5.2.13")
    if deed.in_force.protocol in {Protocol.IGMPV1, Protocol.IGMPV2, Protocol.MLDV1}:
        return _inferred_old(deed, deed.in_force.protocol)
    if before is None or after is None:
        return Step(
            False, "The tables leave open what changed for the interface, and so what it reports.", by
        )
    return Step(False, _in_records(deed, before, after), by)


def _in_records(deed: Deed, before: SourceFilter, after: SourceFilter) -> str:
    group = deed.endpoint.address
    words = ", ".join(
        describe_record(record, with_group=False) for record in state_change(group, before, after)
    )
    protocol = "IGMPv3" if group.version == 4 else "MLDv2"
    sure = "" if deed.in_force.protocol else f", if {protocol} is in force"
    carrier = ""
    if deed.interface is not None and not deed.interface.has_carrier:
        carrier = f" {deed.interface.name} has no carrier, so nobody hears it."
    more = f" Likewise for the {deed.further} others." if deed.further else ""
    to = _TO_ALL_REPORT_READERS[group.version]
    return (
        f"The kernel sends an {protocol} report to {to}{sure}: {words}; and again within about a second, in "
        f"case one is lost. What changed less than that ago it tells with it, as one.{carrier}{more}"
    )


def _inferred_old(deed: Deed, protocol: Protocol | None) -> Step:
    """Say what the versions without sources report: members or none, nothing in between."""
    assert protocol is not None  # the caller has looked
    assert deed.before is not None  # likewise
    assert deed.after is not None
    by, report, leave = {
        Protocol.IGMPV1: ("RFC 1112 appendix I", "Membership Report", None),
        Protocol.IGMPV2: ("RFC 2236 section 3", "Membership Report", "Leave Group to 224.0.0.2"),
        Protocol.MLDV1: ("RFC 2710 section 4", "Report", "Done to ff02::2"),
    }[protocol]
    was, is_ = deed.before.filter != NOBODY, deed.after.filter != NOBODY
    if is_ and not was:
        group = deed.endpoint.address
        text = f"The kernel sends an {protocol.value} {report} to {group} itself, and repeats it."
        return Step(False, text, by)
    if was and not is_:
        if leave is None:
            return Step(False, f"Nothing is sent: {protocol.value} has no message for it.", by)
        text = f"The kernel sends an {protocol.value} {leave}, if it was the last of the link to report."
        return Step(False, text, by)
    return Step(False, f"Nothing is sent: {protocol.value} has no words for sources.", by)


def _never_reported(group: Address, *, reports_link_local: bool) -> tuple[str, str] | None:
    """Return why a group is not reported, and where that is said; None where it is."""
    if group.version == 4:
        if str(group) == "224.0.0.1":
            return "Nothing is sent: every host is a member, so nobody reports it.", "RFC 3376 section 5"
        if scope_of(group).name == "link-local" and not reports_link_local:
            return (
                "Nothing is sent: this host does not report groups of 224.0.0.0/24.",
                "net.ipv4.igmp_link_local_mcast_reports is 0",
            )
        return None
    if str(group) == "ff02::1" or group.packed[1] & 0xF <= 1:
        return "Nothing is sent: this group is never reported.", "RFC 3810 section 6"
    return None


def _has_ipv6(deed: Deed) -> bool:
    return deed.interface is not None and any(each.version == 6 for each in deed.interface.addresses)
