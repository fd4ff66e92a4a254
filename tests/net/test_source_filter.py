"""A membership changes whom it hears: as the kernel reads it back, as its tables and the wire show it."""

from __future__ import annotations

from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

import pytest

from mcast_tui.errors import NetworkRefused
from mcast_tui.net import sockopt
from mcast_tui.net.interfaces import Interface, list_interfaces, resolve_interface
from mcast_tui.net.kernel import read_memberships
from mcast_tui.net.membership import Membership
from mcast_tui.net.ports import open_group
from mcast_tui.wire.membership.message import RecordType
from mcast_tui.wire.membership.source_filter import FilterMode, SourceFilter
from tests.peers import Capture, tcpdump_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcast_tui.services.lab.lan import Host

GROUPS = {4: IPv4Address("239.1.1.1"), 6: IPv6Address("ff15::42")}
SOURCES = {4: IPv4Address("192.168.10.2"), 6: IPv6Address("fd00:10::2")}
FAMILIES = pytest.mark.parametrize("family", [4, 6])
IGMP_RECORDS = ("igmp.record_type", "igmp.saddr")
MLD_RECORDS = tuple(
    f"icmpv6.mldr.mar.{name}" for name in ("record_type", "multicast_address", "source_address")
)


@pytest.fixture
def here(host1: Host) -> Iterator[Interface]:
    with host1.entered():
        yield resolve_interface(host1.interface, list_interfaces())


@pytest.fixture
def member(here: Interface) -> Iterator[Callable[..., Membership]]:
    """Return a function that joins a group of a family on a socket of its own."""
    with ExitStack() as held:

        def join(family: int, source=None, **options: object) -> Membership:
            sock = open_group(GROUPS[family], 6666, receive_buffer=1 << 16, interface=here)
            held.enter_context(sock)
            return held.enter_context(Membership(sock, GROUPS[family], here, source, **options))

        yield join


def include(*sources) -> SourceFilter:
    return SourceFilter(FilterMode.INCLUDE, sources)


def exclude(*sources) -> SourceFilter:
    return SourceFilter(FilterMode.EXCLUDE, sources)


def in_table(family: int, here: Interface) -> str | None:
    view = read_memberships().view(GROUPS[family], here.index)
    return view.filter if view else None


@FAMILIES
def test_what_is_read_back_is_what_the_kernel_s_table_says(family, here, member) -> None:
    a, b, c = (SOURCES[family] + number for number in range(3))
    every = member(family)
    for wanted in (exclude(a), exclude(a, b), exclude(b), include(a), include(a, b, c), include(b, c)):
        read = every.set_filter(wanted)
        assert read == every.filter() == wanted
        listed = read_memberships().view(GROUPS[family], here.index)
        assert (listed.filter_mode, set(listed.sources)) == (read.mode.name, set(read.sources))
        assert every.asked == (("MCAST_MSFILTER", 0),)
    every.leave()
    assert in_table(family, here) is None
    assert every.filter() is None
    every.join()
    assert every.filter() == include(b, c)


@FAMILIES
def test_a_membership_may_begin_with_sources_kept_out(family, here, member) -> None:
    blocked = exclude(SOURCES[family])
    joined = member(family, wanted=blocked)
    assert joined.filter() == blocked
    assert in_table(family, here) == str(blocked)


@FAMILIES
def test_one_source_more_than_the_kernel_holds_names_the_limit_and_changes_nothing(family, member) -> None:
    limit, name = {4: (10, "net.ipv4.igmp_max_msf"), 6: (64, "net.ipv6.mld_max_msf")}[family]
    sources = [SOURCES[family] + number for number in range(limit + 1)]
    full = member(family)
    full.set_filter(exclude(*sources[:limit]))
    with pytest.raises(NetworkRefused, match="holds no more sources for one group") as refused:
        full.set_filter(exclude(*sources))
    assert full.filter() == exclude(*sources[:limit])
    if family == 4:  # the IPv6 sysctl exists in the first network namespace only
        assert refused.value.command == f"sudo sysctl {name}=20"


@FAMILIES
def test_a_membership_that_is_gone_says_so(family, here, member, host1) -> None:
    lost = member(family)
    lost.leave()
    with pytest.raises(NetworkRefused, match="no such membership any more"):
        lost.set_filter(exclude(SOURCES[family]))
    again = member(family)
    host1.run(["ip", "link", "delete", here.name])
    with pytest.raises(NetworkRefused, match="is gone"):
        again.set_filter(exclude(SOURCES[family]))


def test_each_change_is_on_the_wire_in_the_records_that_are_claimed(member, host2) -> None:
    """Each is awaited until it has been told twice, for what is still to be told again the kernel adds to."""
    a, b = str(SOURCES[4]), str(SOURCES[4] + 1)
    with tcpdump_on(host2, "igmp") as wire:
        every = member(4)
        heard = await_twice(wire, 0, [(RecordType.CHANGE_TO_EXCLUDE_MODE, "")])
        every.set_filter(exclude(SOURCES[4]))
        heard = await_twice(wire, heard, [(RecordType.BLOCK_OLD_SOURCES, a)])
        every.set_filter(include(SOURCES[4]))
        heard = await_twice(wire, heard, [(RecordType.CHANGE_TO_INCLUDE_MODE, a)])
        every.set_filter(include(SOURCES[4] + 1))
        await_twice(wire, heard, [(RecordType.ALLOW_NEW_SOURCES, b), (RecordType.BLOCK_OLD_SOURCES, a)])


def await_twice(wire: Capture, after: int, told: list[tuple[RecordType, str]]) -> int:
    """Wait until two frames after the first `after` tell exactly this; return how many there are."""
    wanted = "|".join(str(kind.value) for kind, _ in told), "|".join(source for _, source in told)
    frames = after + 1
    while True:
        reports = wire.fields(*IGMP_RECORDS, at_least=frames)
        if reports[after:].count(wanted) == 2:
            return len(reports)
        frames = len(reports) + 1


def test_who_listens_to_mld_knows_each_filter_as_it_is_claimed(member, host2) -> None:
    """MLD repeats joins when addresses come up, and adds changes to that: so only the outcome is sure."""
    a, b = SOURCES[6], SOURCES[6] + 1
    with tcpdump_on(host2, "ip6[6]=0 and ip6[40]=58") as wire:
        every = member(6)
        await_filter(wire, every.filter())
        for wanted in (exclude(a), include(a), include(a, b), include(b)):
            await_filter(wire, every.set_filter(wanted))


def await_filter(wire: Capture, wanted: SourceFilter | None) -> None:
    """Wait until whoever heard all reports so far knows this filter of the group."""
    frames = 1
    while True:
        reports = wire.fields(*MLD_RECORDS, at_least=frames)
        if listened(reports) == wanted:
            return
        frames = len(reports) + 1


def listened(reports: list[tuple[str, ...]]) -> SourceFilter | None:
    """Apply the records of our group, one after the other, as RFC 3810 section 7.4 does without timers.

    No other group of the host has sources: those of a frame are all of ours, one each record.
    """
    mode, sources = FilterMode.INCLUDE, set()
    for kinds, groups, named in reports:
        each = zip(kinds.split("|"), groups.split("|"), strict=True)
        mine = [RecordType(int(kind)) for kind, group in each if group == str(GROUPS[6])]
        listed = [ip_address(source) for source in named.split("|") if source]
        for position, kind in enumerate(mine):
            of_it = set(listed) if len(mine) == 1 else {listed[position]}
            match kind:
                case RecordType.CHANGE_TO_EXCLUDE_MODE:
                    mode, sources = FilterMode.EXCLUDE, of_it
                case RecordType.CHANGE_TO_INCLUDE_MODE:
                    mode, sources = FilterMode.INCLUDE, of_it
                case RecordType.ALLOW_NEW_SOURCES:
                    sources = sources | of_it if mode is FilterMode.INCLUDE else sources - of_it
                case RecordType.BLOCK_OLD_SOURCES:
                    sources = sources - of_it if mode is FilterMode.INCLUDE else sources | of_it
    return SourceFilter(mode, tuple(sorted(sources)))


def test_the_filter_of_a_socket_that_joined_nothing_is_none(here) -> None:
    with open_group(GROUPS[4], 6666, receive_buffer=1 << 16) as sock:
        assert sockopt.read_filter(sock, GROUPS[4], here.index) is None
        assert sockopt.read_filter(sock, ip_address("239.9.9.9"), 99) is None
