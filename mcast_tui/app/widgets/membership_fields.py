"""A membership, or an entry of the timeline, explained: each fact with who says so. Pure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mcast_tui import human
from mcast_tui.app.widgets.field_list import UNKNOWN, Field
from mcast_tui.app.widgets.timeline_entry import clock
from mcast_tui.safe import safe_text
from mcast_tui.wire.group_mac import aliases, flooded_alias, group_mac
from mcast_tui.wire.scope import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcast_tui.services.membership.facts import (
        HeardMember,
        HostMembership,
        PruneCountdown,
        TimelineEntry,
    )
    from mcast_tui.wire.literal import Address

MOST_LISTED = 64
"""Of the members heard: whoever reports from ever new addresses makes thousands, all of them laid out."""


def membership_title(membership: HostMembership) -> str:
    """Return what a membership is called over its fields."""
    return f"{membership.group} on {safe_text(membership.interface)} (ifindex {membership.ifindex})"


def membership_fields(
    membership: HostMembership, prune: PruneCountdown | None, heard: Sequence[HeardMember] | None
) -> list[Field]:
    """Return all that is known of a membership, in the order people ask; `heard` is None where no tap is."""
    view = membership.view
    ours = f" ({human.counted(membership.ours, 'socket')})" if membership.ours else ""
    filters = "/proc/net/mcfilter" if membership.group.version == 4 else "/proc/net/mcfilter6"
    scope = scope_of(membership.group)
    fields = [
        Field("users", f"{view.users}, of all programs on this host", view.origin),
        Field("held by", f"{membership.who}{ours}", "ours counted by us, others not named"),
        Field("filter", _filter(membership), filters),
        Field(
            "speaks",
            membership.protocol.value if membership.protocol else UNKNOWN,
            safe_text(membership.protocol_reason),
        ),
        Field("scope", scope.name, f"{scope.reference}: {scope.note}"),
    ]
    if membership.name:
        fields.insert(0, Field("name", membership.name, "what it is set aside for; who uses it is not known"))
    if prune is not None:
        since = "last report seen at" if prune.is_report_seen else "no report seen since"
        reported = clock(prune.last_reported_at, milliseconds=False)
        fields.append(Field("pruned", f"at {clock(prune.expires_at, milliseconds=False)}", prune.origin))
        fields.append(Field("", f"{since} {reported}", "a query that is answered puts it off"))
    return [*fields, *_heard(membership, heard), *_ethernet(membership.group)]


def _heard(membership: HostMembership, heard: Sequence[HeardMember] | None) -> Iterator[Field]:
    """Yield which other hosts reported the group, and when: an age would change the whole each second."""
    if membership.is_of_every_host:
        by = "RFC 3376 section 5" if membership.group.version == 4 else "RFC 3810 section 6"
        yield Field("elsewhere", "every host is a member, and none reports it", by)
    elif heard is None:
        yield Field("elsewhere", UNKNOWN, "what other hosts report is heard by a tap only")
    elif not heard:
        yield Field(
            "elsewhere", "no other member heard", "hosts report when they join and when a querier asks"
        )
    else:
        for number, member in enumerate(heard[:MOST_LISTED]):
            at = clock(member.last_reported_at, milliseconds=False)
            told = f"{member.address}  {member.filter or 'filter not told'}"
            yield Field("" if number else "elsewhere", told, f"{member.protocol.value} report at {at}, tap")
        if (more := len(heard) - MOST_LISTED) > 0:
            yield Field("", f"and {more} more", "")
        note = "RFC 4541 section 2.1.1; RFC 2236 section 3"
        yield Field("", "as heard: switches and other members keep reports from us", note)


def _ethernet(group: Address) -> list[Field]:
    """Return the Ethernet address packets of a group are sent to, and who else's it is."""
    if group.version == 6:
        return [Field("MAC", group_mac(group), "RFC 2464 section 7; every group that ends alike shares it")]
    others = [alias for alias in aliases(group) if alias != group]
    fields = [Field("MAC", group_mac(group), "RFC 1112 section 6.4: shared by 32 groups")]
    flooded = flooded_alias(group)
    if flooded is not None and flooded != group:
        fields.append(Field("flooded", f"as {flooded} is, which shares it", "RFC 4541 section 2.1.2"))
    return [*fields, Field("aliases", " ".join(map(str, others)), "a filter by MAC lets them pass as well")]


def _filter(membership: HostMembership) -> str:
    view = membership.view
    if view.filter is None:
        return "not told: mcfilter lists it only behind an interface whose newest group has sources"
    if view.filter_mode == "INCLUDE":
        return f"{view.filter}: from these sources only"
    return f"{view.filter}: from any source" + (" but these" if view.sources else "")


def entry_title(entry: TimelineEntry) -> str:
    """Return what an entry is called over its fields."""
    return f"{entry.what.value} {entry.group or ''}".rstrip()


def entry_fields(entry: TimelineEntry) -> list[Field]:
    """Return all of an entry of the timeline."""
    where = UNKNOWN if entry.ifindex is None else f"{safe_text(entry.interface or '')} ({entry.ifindex})"
    date = time.strftime("%Y-%m-%d, UTC%z", time.localtime(entry.at // 10**9))
    return [
        Field("time", clock(entry.at), date),
        Field("known", "seen" if entry.is_seen else "inferred", safe_text(entry.origin)),
        Field("interface", where, ""),
        Field("who", safe_text(entry.who), ""),
        Field("what", safe_text(entry.text), ""),
    ]
