"""The kernel's membership tables: what they prove, and where they leave it open."""

from __future__ import annotations

import socket
import struct
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

import pytest

from mcast_tui.net.interfaces import list_interfaces, resolve_interface
from mcast_tui.net.kernel import (
    KernelView,
    MembershipTables,
    interface_filter,
    protocol_in_force,
    read_memberships,
)
from mcast_tui.net.membership import Membership
from mcast_tui.net.ports import open_group
from mcast_tui.wire.kernel_tables import HostFilter, HostGroup
from mcast_tui.wire.membership.message import Protocol
from tests.peers import socat_peer, wait_until

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Host

GROUP, GROUP6 = IPv4Address("239.1.1.1"), IPv6Address("ff15::42")
SOURCE, SOURCE6 = IPv4Address("192.168.10.2"), IPv6Address("fd00::2")


def filters(*counts: tuple[int, int]) -> list[HostFilter]:
    return [
        HostFilter(2, "eth0", GROUP, SOURCE + number, including, excluding)
        for number, (including, excluding) in enumerate(counts)
    ]


@pytest.mark.parametrize("group", [GROUP, GROUP6, IPv6Address("ff02::4d43")])
def test_a_plain_membership_excludes_nobody_and_another_process_is_counted(group, host1: Host) -> None:
    version, origin = (3, "/proc/net/igmp") if group.version == 4 else (None, "/proc/net/igmp6")
    with host1.entered():
        here = resolve_interface(host1.interface, list_interfaces())
        assert read_memberships().view(group, here.index) is None
        with open_group(group, 6666, receive_buffer=1, interface=here) as sock, Membership(sock, group, here):
            view = read_memberships().view(group, here.index)
            assert view == KernelView(1, "EXCLUDE", (), version, origin)
            assert view.filter == "EXCLUDE {}"
            with socat_peer(host1, str(group), 6667):
                assert read_memberships().view(group, here.index).users == 2
            assert read_memberships().view(group, here.index + 1) is None


@pytest.mark.parametrize(("group", "source"), [(GROUP, SOURCE), (GROUP6, SOURCE6)])
def test_chosen_sources_are_listed_until_somebody_takes_any_source(group, source, host1: Host) -> None:
    with host1.entered(), ExitStack() as stack:
        here = resolve_interface(host1.interface, list_interfaces())

        def join(chosen: IPv4Address | IPv6Address | None) -> KernelView | None:
            sock = stack.enter_context(open_group(group, 6666, receive_buffer=1))
            stack.enter_context(Membership(sock, group, here, chosen))
            return read_memberships().view(group, here.index)

        assert join(source).filter == f"INCLUDE {{{source}}}"
        assert join(source).filter == f"INCLUDE {{{source}}}"
        assert join(None).filter == "EXCLUDE {}"


def test_an_older_querier_shows_in_the_version(host1: Host) -> None:
    host1.run(["sysctl", "-w", f"net.ipv4.conf.{host1.interface}.force_igmp_version=2"])
    with host1.entered(), open_group(GROUP, 6666, receive_buffer=1) as sock:
        here = resolve_interface(host1.interface, list_interfaces())
        with Membership(sock, GROUP, here):
            assert read_memberships().view(GROUP, here.index).version == 2


@pytest.mark.parametrize(
    ("users", "counts", "expected"),
    [
        (2, [], ("EXCLUDE", ())),
        (1, [(1, 0)], ("INCLUDE", (SOURCE,))),
        (1, [(1, 0), (1, 0)], ("INCLUDE", (SOURCE, SOURCE + 1))),
        (2, [(1, 0)], ("EXCLUDE", ())),
        (2, [(1, 0), (1, 0)], (None, None)),  # two sockets of one source each, or one of both and one of any
        (3, [(1, 0), (1, 0)], ("EXCLUDE", ())),
        (1, [(0, 1)], ("EXCLUDE", (SOURCE,))),
        (2, [(0, 1)], ("EXCLUDE", ())),  # one of two blocks it, so the interface lets it pass
        (2, [(1, 0), (0, 1)], ("EXCLUDE", None)),
    ],
)
def test_the_filter_is_told_as_far_as_the_counts_prove_it(users, counts, expected) -> None:
    assert interface_filter(users, filters(*counts)) == expected


def test_a_filter_that_is_not_proved_has_no_text() -> None:
    row = HostGroup(2, "eth0", GROUP, 2, is_timer_running=False, is_last_reporter=False, igmp_version=3)
    view = MembershipTables([row], filters((1, 0), (1, 0))).view(GROUP, 2)
    assert view is not None
    assert (view.users, view.filter) == (2, None)


def test_an_interface_whose_name_is_no_text_does_not_hide_the_tables(host1: Host) -> None:
    host1.run(["ip", "link", "add", b"\xff\xfe", "type", "veth", "peer", "name", "other"])
    host1.run(["ip", "link", "set", b"\xff\xfe", "up"])
    with host1.entered():
        odd = next(each for each in list_interfaces() if each.name == "\udcff\udcfe")
        assert read_memberships().view(IPv4Address("224.0.0.1"), odd.index).users == 1


def test_one_read_answers_for_ten_thousand_groups() -> None:
    base = ip_address("239.0.0.0")
    rows = [
        HostGroup(2, "eth0", base + n, 1, is_timer_running=False, is_last_reporter=False, igmp_version=3)
        for n in range(10_000)
    ]
    tables = MembershipTables(rows, [])
    assert all(tables.view(base + number, 2) is not None for number in range(10_000))
    assert tables.view(base, 3) is None


def test_a_filter_that_the_kernel_does_not_list_is_not_told_and_never_called_empty(host1: Host) -> None:
    """mcfilter begins with the first interface whose newest group has sources: a later join hides it."""
    with host1.entered(), ExitStack() as stack:
        here = resolve_interface(host1.interface, list_interfaces())

        def join(group, source=None) -> None:
            sock = stack.enter_context(open_group(group, 6666, receive_buffer=1, interface=here))
            stack.enter_context(Membership(sock, group, here, source))

        def told(*groups) -> list[str | None]:
            tables = read_memberships()
            return [tables.view(group, here.index).filter for group in groups]

        join(GROUP, SOURCE)
        join(GROUP6, SOURCE6)
        listed = [f"INCLUDE {{{SOURCE}}}", f"INCLUDE {{{SOURCE6}}}"]
        assert told(GROUP, GROUP6) == listed
        join(GROUP + 1)
        join(GROUP6 + 1)
        assert told(GROUP, GROUP6) == [None, None]
        assert told(GROUP + 1, GROUP6 + 1) == ["EXCLUDE {}", "EXCLUDE {}"]
        join(GROUP + 2, SOURCE)
        join(GROUP6 + 2, SOURCE6)
        assert told(GROUP, GROUP6) == listed


@pytest.mark.parametrize(
    ("sysctls", "family", "protocol", "reason"),
    [
        ((), 4, Protocol.IGMPV3, "the default"),
        (
            ("ipv4.conf.eth0.force_igmp_version=2",),
            4,
            Protocol.IGMPV2,
            "net.ipv4.conf.eth0.force_igmp_version is 2",
        ),
        (
            ("ipv4.conf.eth0.force_igmp_version=2", "ipv4.conf.all.force_igmp_version=1"),
            4,
            Protocol.IGMPV1,
            "net.ipv4.conf.all.force_igmp_version is 1",
        ),
        ((), 6, None, "the kernel does not show it"),
        (
            ("ipv6.conf.eth0.force_mld_version=1",),
            6,
            Protocol.MLDV1,
            "net.ipv6.conf.eth0.force_mld_version is 1",
        ),
    ],
)
def test_the_version_in_force_is_told_with_its_reason(sysctls, family, protocol, reason, host1: Host) -> None:
    for sysctl in sysctls:
        host1.run(["sysctl", "-w", f"net.{sysctl}"])
    with host1.entered():
        told = protocol_in_force(host1.ifindex, host1.interface, family)
    assert told[0] is protocol
    assert reason in told[1]
    assert protocol_in_force(host1.ifindex, host1.interface, 4)[0] is None  # at home there is no such link


def test_an_older_querier_that_was_heard_is_the_reason(make_lab) -> None:
    host = make_lab(1).host(1)
    query = bytes.fromhex("1164ee9b00000000")  # IGMPv2, general, 10 s, from the host's own second link
    with host.entered():
        host.run(["ip", "link", "add", "near", "type", "veth", "peer", "name", "far"])
        for name in ("near", "far"):
            host.run(["ip", "link", "set", name, "up"])
        near = resolve_interface("near", list_interfaces())
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind(("far", 0))

            def is_heard() -> bool:
                sock.send(ETHERNET + ipv4_of(query) + query)  # until the link carries, it is lost
                return protocol_in_force(near.index, "near", 4)[0] is Protocol.IGMPV2

            wait_until(is_heard, "the fallback")
        assert protocol_in_force(near.index, "near", 4)[1] == "an older querier was heard"


ETHERNET = bytes.fromhex("01005e000001") + b"\2\0\0\0\0\1" + b"\x08\0"


def ipv4_of(payload: bytes) -> bytes:
    """Return the header of a query from 0.0.0.0 to 224.0.0.1, with TTL 1, as a switch sends it."""
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 1, 2, 0, bytes(4), b"\xe0\0\0\1")
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return header[:10] + struct.pack("!H", ~total & 0xFFFF) + header[12:]
