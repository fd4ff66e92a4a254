"""The memberships of this host: every group on every interface by the kernel's tables, and what changes.

Whose they are the kernel does not say: our own are counted by us, the rest is somebody's. What differs
between two readings is all that is known of a change; what came and went in between is not seen.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from mcast_tui.net.kernel import MembershipReader, explain_version
from mcast_tui.services.membership.facts import KERNEL, OTHER, HostMembership, TimelineEntry, What
from mcast_tui.services.membership.interface_filter import told_by_ours
from mcast_tui.wire.well_known import group_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcast_tui.net.kernel import MembershipTables
    from mcast_tui.services.groups import Groups
    from mcast_tui.wire.kernel_tables import HostGroup
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.membership.message import Protocol

    _Spoken: TypeAlias = dict[tuple[int, str, int, int | None], tuple[Protocol | None, str]]
    """Interface, address family and the table's column -> the version in force, and why."""

Key: TypeAlias = "tuple[int, Address]"
"""Interface index and group."""
Noticed: TypeAlias = dict[What, int]
"""When the kernel told of a join and of a leave, ns since the epoch."""
NOTICES = {What.JOIN: "RTM_NEWMULTICAST", What.LEAVE: "RTM_DELMULTICAST"}
"""What the kernel calls them."""


class HostTable:
    """Reads the memberships of the namespace it is read in. `groups`: ours, asked anew each time."""

    def __init__(self, groups: Groups | None = None) -> None:
        self._groups = groups
        self._reader = MembershipReader()
        self._basis: tuple[MembershipTables, int, _Spoken] | None = None
        self._rows: tuple[HostMembership, ...] = ()

    def read(self) -> tuple[HostMembership, ...]:
        """Return the rows as they are now, the same object if the tables read the same; raises `OSError`."""
        tables = self._reader.read()
        if self._basis is not None and self._basis[0] is tables:
            places = set(self._basis[2])
        else:
            places = {
                (row.ifindex, row.interface, row.group.version, row.igmp_version) for row in tables.groups
            }
        spoken = {place: explain_version(*place[1:]) for place in places}
        basis = (tables, self._groups.revision if self._groups is not None else 0, spoken)
        if basis != self._basis:
            self._basis = basis
            self._rows = tuple(self._row(row, tables, spoken) for row in tables.groups)
        return self._rows

    def _row(self, row: HostGroup, tables: MembershipTables, spoken: _Spoken) -> HostMembership:
        view = tables.view(row.group, row.ifindex)
        assert view is not None  # the row is of these tables
        ours = () if self._groups is None else self._groups.holding(row.group, row.ifindex)
        protocol, reason = spoken[row.ifindex, row.interface, row.group.version, row.igmp_version]
        membership = HostMembership(
            ifindex=row.ifindex,
            interface=row.interface,
            group=row.group,
            view=view,
            ours=len(ours),
            protocol=protocol,
            protocol_reason=reason,
            name=group_name(row.group),
        )
        return replace(membership, view=told_by_ours(view, ours, is_kernel=membership.is_permanent))


def diff(
    before: Iterable[HostMembership],
    after: Iterable[HostMembership],
    at: int,
    noticed: Mapping[Key, Noticed] = MappingProxyType({}),
) -> list[TimelineEntry]:
    """Return what others than this process changed between two readings, the second at `at` (ns, epoch).

    `noticed`: the kernel's own notices of a group on an interface, where there were any.
    """
    was = {(row.ifindex, row.group): row for row in before}
    now = {(row.ifindex, row.group): row for row in after}
    interfaces = {(row.ifindex, row.group.version) for row in now.values()}
    entries: list[TimelineEntry] = []
    for key in {**was, **now}:
        has_interface = (key[0], key[1].version) in interfaces
        change = _change(was.get(key), now.get(key), has_interface=has_interface)
        if change is not None:
            what, who, origin, text = change
            row = now.get(key) or was[key]
            told_at = at
            if what in noticed.get(key, ()):
                told_at, origin = noticed[key][what], NOTICES[what]
            entries.append(
                TimelineEntry(
                    at=told_at,
                    what=what,
                    is_seen=True,
                    ifindex=row.ifindex,
                    interface=row.interface,
                    group=row.group,
                    who=who,
                    text=text,
                    origin=origin,
                    view=now[key].view if key in now else None,
                )
            )
    return entries


def _change(
    was: HostMembership | None, now: HostMembership | None, *, has_interface: bool
) -> tuple[What, str, str, str] | None:
    """Return what others did to one membership, who, how that is known, and in words; None: nothing."""
    row = now or was
    assert row is not None  # one of them is there
    before, after = _users(was), _users(now)
    filter_before, filter_after = _filter(was), _filter(now)
    if before != after:
        what = What.JOIN if after > before else What.LEAVE
        who = KERNEL if not has_interface or (row.is_permanent and not row.others) else OTHER
        total = f"users {was.view.users if was else 0} -> {now.view.users if now else 0}"
        if not has_interface:
            return what, who, row.view.origin, f"{total}, with the interface"
        return what, who, row.view.origin, ", ".join(filter(None, (total, filter_after)))
    is_told = filter_before is not None and filter_after is not None
    if was and now and is_told and filter_before != filter_after and was.ours == now.ours:
        origin = "/proc/net/mcfilter" if row.group.version == 4 else "/proc/net/mcfilter6"
        who = "this host" if now.ours else OTHER
        return What.FILTER, who, origin, f"{filter_before or 'not told'} -> {filter_after or 'not told'}"
    return None


def _users(row: HostMembership | None) -> int:
    """Return the users that are not sockets of this process."""
    return 0 if row is None else max(0, row.view.users - row.ours)


def _filter(row: HostMembership | None) -> str | None:
    return None if row is None else row.view.filter
