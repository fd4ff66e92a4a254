"""What the kernel says of this host's memberships: read once, asked many times.

Truth for the host, all its processes together, where a socket only knows what it asked for. Read through
``/proc/thread-self/net``, because ``/proc/net`` speaks for the namespace of the process's first thread.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mcast_tui.net.refusals import read_limit
from mcast_tui.wire import kernel_tables
from mcast_tui.wire.membership.message import Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcast_tui.wire.kernel_tables import HostFilter, HostGroup
    from mcast_tui.wire.literal import Address

_TABLES = Path("/proc/thread-self/net")


@dataclass(frozen=True, slots=True)
class KernelView:
    """One group on one interface, as the kernel keeps it."""

    users: int
    """Memberships that hold it, of all processes on this host."""
    filter_mode: Literal["INCLUDE", "EXCLUDE"] | None
    """INCLUDE: only from `sources`; EXCLUDE: from all but those. None: the tables allow both readings."""
    sources: tuple[Address, ...] | None
    """None: the tables do not tell."""
    version: int | None
    """IGMP version in force on the interface; None for IPv6, whose MLD version is not shown."""
    origin: str
    """The file that said so."""

    def __str__(self) -> str:
        return f"users {self.users}, {self.filter or 'filter not told'}"

    @property
    def filter(self) -> str | None:
        """The filter as RFC 3376 writes it: ``EXCLUDE {}``, ``INCLUDE {192.0.2.1}``; None when unknown."""
        if self.filter_mode is None or self.sources is None:
            return None
        return f"{self.filter_mode} {{{', '.join(map(str, self.sources))}}}"


class MembershipTables:
    """The host's memberships at one moment.

    The kernel lists filters (mcfilter, mcfilter6) beginning with the first interface whose newest group has
    sources, and from there on all; when there is none it lists nothing. So a group without a line there has
    no sources only if it stands behind that beginning, or is the newest of its interface. Of any other
    the tables do not tell the filter.
    """

    def __init__(self, groups: Iterable[HostGroup], filters: Iterable[HostFilter]) -> None:
        self._groups = {(row.group, row.ifindex): row for row in groups}
        self._filters: dict[tuple[Address, int], list[HostFilter]] = defaultdict(list)
        self._begins: dict[int, int] = {}  # by IP version: the interface the filters begin with
        for row in filters:
            self._filters[row.group, row.ifindex].append(row)
            self._begins.setdefault(row.group.version, row.ifindex)
        self._places: dict[tuple[int, int], int] = {}  # by IP version and interface: the order of the tables
        self._newest: set[tuple[Address, int]] = set()
        for key in self._groups:
            place = key[0].version, key[1]
            if place not in self._places:
                self._places[place] = len(self._places)
                self._newest.add(key)

    @property
    def groups(self) -> Iterable[HostGroup]:
        """Every group this host is a member of, in the kernel's order, IPv4 first."""
        return self._groups.values()

    def view(self, group: Address, ifindex: int) -> KernelView | None:
        """Return what the kernel keeps for a group; None when this host is no member on that interface."""
        row = self._groups.get((group, ifindex))
        if row is None:
            return None
        filters = self._filters.get((group, ifindex), ())
        mode, sources = None, None
        if filters or self._would_list(group, ifindex):
            mode, sources = interface_filter(row.users, filters)
        origin = "/proc/net/igmp" if group.version == 4 else "/proc/net/igmp6"
        return KernelView(row.users, mode, sources, row.igmp_version, origin)

    def _would_list(self, group: Address, ifindex: int) -> bool:
        """Tell whether the sources of a group would be listed, if it had any."""
        if (group, ifindex) in self._newest:
            return True
        begin = self._places.get((group.version, self._begins.get(group.version, 0)))
        return begin is not None and self._places[group.version, ifindex] >= begin


def read_memberships() -> MembershipTables:
    """Read the tables of this thread's network namespace; one read answers for every group."""
    return _parse(_read_tables())


class MembershipReader:
    """Reads the tables again and again: to read them costs little, to parse ten thousand groups does not."""

    def __init__(self) -> None:
        self._text: tuple[str, ...] | None = None
        self._tables = MembershipTables((), ())

    def read(self) -> MembershipTables:
        """Return the tables as they are now: the same object as the last time if not a letter changed."""
        text = _read_tables()
        if text != self._text:
            self._text, self._tables = text, _parse(text)
        return self._tables


def _read_tables() -> tuple[str, ...]:
    return tuple(map(_read, ("igmp", "igmp6", "mcfilter", "mcfilter6")))


def _parse(text: tuple[str, ...]) -> MembershipTables:
    igmp, igmp6, mcfilter, mcfilter6 = text
    groups = (
        *kernel_tables.parse_igmp(igmp, sys.byteorder).rows,
        *kernel_tables.parse_igmp6(igmp6).rows,
    )
    filters = (
        *kernel_tables.parse_mcfilter(mcfilter).rows,
        *kernel_tables.parse_mcfilter(mcfilter6).rows,
    )
    return MembershipTables(groups, filters)


_IGMP = {1: Protocol.IGMPV1, 2: Protocol.IGMPV2, 3: Protocol.IGMPV3}
_MLD = {1: Protocol.MLDV1, 2: Protocol.MLDV2}


def protocol_in_force(ifindex: int, name: str, family: int) -> tuple[Protocol | None, str]:
    """Return what this host speaks on an interface for IPv4 or IPv6 (`family` 4, 6), and why.

    None, with the reason, where the kernel does not tell: it shows no MLD version, and no IGMP version
    of an interface without any group.
    """
    shown = None
    if family == 4:
        _, _, rest = _read("igmp").partition(f"\n{ifindex}\t")
        first = "\n".join(rest.split("\n", 2)[:2])  # the interface, and one group is enough
        rows = kernel_tables.parse_igmp(f"{ifindex}\t{first}", sys.byteorder).rows
        shown = next((row.igmp_version for row in rows), None)
    return explain_version(name, family, shown)


def explain_version(name: str, family: int, shown: int | None) -> tuple[Protocol | None, str]:
    """Do as `protocol_in_force` with the version that /proc/net/igmp shows, where that is read already."""
    forced, setting = _forced_version(name, family)
    if family == 6:
        if forced in _MLD:
            return _MLD[forced], f"{setting} is {forced}"
        return None, "MLDv2, or MLDv1 where a querier of that version was heard: the kernel does not show it"
    version = shown or forced
    if version not in _IGMP:
        return None, "the kernel lists no group on this interface, and with it no version"
    if version == forced:
        return _IGMP[version], f"{setting} is {forced}"
    return _IGMP[version], "the default" if version == 3 else "an older querier was heard"


def _forced_version(name: str, family: int) -> tuple[int, str]:
    """Return the version that a sysctl prescribes, 0 when none does, and the sysctl's name.

    Of what is said of all interfaces and of this one, IGMP takes the lower and MLD the first.
    """
    tree, leaf = ("ipv4", "force_igmp_version") if family == 4 else ("ipv6", "force_mld_version")
    said = [(read_limit("net", tree, "conf", scope, leaf) or 0, scope) for scope in ("all", name)]
    forced = [(version, f"net.{tree}.conf.{scope}.{leaf}") for version, scope in said if version]
    if not forced:
        return 0, ""
    return min(forced, key=lambda one: one[0]) if family == 4 else forced[0]


def interface_filter(
    users: int, filters: Iterable[HostFilter]
) -> tuple[Literal["INCLUDE", "EXCLUDE"] | None, tuple[Address, ...] | None]:
    """Return the filter of a group on an interface (RFC 3376 section 3.2), as far as the tables prove it.

    They count, per source, the sockets that include or exclude it, but not the sockets that take any source.
    So the number of including sockets lies between the highest count of one source and the sum over all:
    where that leaves open whether somebody takes any source, the answer is (None, None).
    """
    rows = tuple(filters)
    including = [row for row in rows if row.including]
    excluding = [row for row in rows if row.excluding]
    if including and not excluding:
        counts = [row.including for row in including]
        if max(counts) >= users:
            return "INCLUDE", tuple(row.source for row in including)
        return ("EXCLUDE", ()) if users > sum(counts) else (None, None)
    if including:  # how many exclude, and so which sources all of them exclude, is not told
        return "EXCLUDE", None
    return "EXCLUDE", tuple(row.source for row in excluding if row.excluding >= users)


def _read(table: str) -> str:
    """Return a table's text; the names of interfaces in it may be any bytes but blanks and slashes."""
    try:
        return (_TABLES / table).read_text("utf-8", "surrogateescape")
    except FileNotFoundError:  # a kernel without IPv6 or without multicast has no such table
        return ""
