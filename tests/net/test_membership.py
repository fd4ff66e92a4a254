"""Joining and leaving: what /proc and the wire show of it, and every way the kernel says no."""

from __future__ import annotations

from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

import pytest

from mcast_tui.errors import NetworkRefused, UsageError
from mcast_tui.net.interfaces import Interface, list_interfaces, resolve_interface
from mcast_tui.net.kernel import read_memberships
from mcast_tui.net.membership import FurtherSocketNeeded, Membership, MembershipKey
from mcast_tui.net.ports import open_group, open_port
from tests.peers import Capture, tcpdump_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcast_tui.services.lab.lan import Host

GROUPS = {4: IPv4Address("239.1.1.1"), 6: IPv6Address("ff15::42")}
SOURCES = {4: IPv4Address("192.168.10.2"), 6: IPv6Address("fd00:10::2")}
BUFFER = 1 << 16
FAMILIES = pytest.mark.parametrize("family", [4, 6])


@pytest.fixture
def here(host1: Host) -> Iterator[Interface]:
    """Stand on host 1 for the length of the test; its interface on the LAN."""
    with host1.entered():
        yield resolve_interface(host1.interface, list_interfaces())


@pytest.fixture
def sock_for(here: Interface) -> Iterator[Callable]:
    with ExitStack() as sockets:
        yield lambda group: sockets.enter_context(
            open_group(group, 6666, receive_buffer=BUFFER, interface=here)
        )


def users(group: IPv4Address | IPv6Address, here: Interface) -> int:
    view = read_memberships().view(group, here.index)
    return view.users if view else 0


@FAMILIES
@pytest.mark.parametrize("source", [False, True], ids=["any-source", "source"])
def test_the_kernel_lists_the_group_from_enter_to_exit(family, source, here, sock_for) -> None:
    group = GROUPS[family]
    chosen = SOURCES[family] if source else None
    membership = Membership(sock_for(group), group, here, chosen)
    assert membership.key == MembershipKey(group, here.index, chosen)
    with membership:
        assert users(group, here) == 1
    assert users(group, here) == 0


@FAMILIES
@pytest.mark.parametrize("source", [False, True], ids=["any-source", "source"])
def test_leaving_twice_or_unjoined_or_after_close_is_harmless(family, source, here, sock_for) -> None:
    group = GROUPS[family]
    sock = sock_for(group)
    membership = Membership(sock, group, here, SOURCES[family] if source else None)
    membership.leave()
    membership.join()
    membership.leave()
    membership.leave()
    membership.join()
    assert users(group, here) == 1
    sock.close()
    membership.leave()
    assert users(group, here) == 0


def test_joins_and_leaves_are_announced_with_igmpv3(here, sock_for, host2) -> None:
    group, source = GROUPS[4], SOURCES[4]
    with tcpdump_on(host2, "igmp") as wire:
        with Membership(sock_for(group), group, here):
            await_report(wire, "4", str(group))  # TO_EXCLUDE {}: from any source
        await_report(wire, "3", str(group))  # TO_INCLUDE {}: from none
        with Membership(sock_for(group + 1), group + 1, here, source):
            await_report(wire, "5", str(group + 1), str(source))  # ALLOW
        await_report(wire, "6", str(group + 1), str(source))  # BLOCK


def await_report(wire: Capture, *record: str) -> None:
    """Wait until the wire has carried an IGMPv3 report with this record: type, group, source."""
    names = ("igmp.record_type", "igmp.maddr", "igmp.saddr")
    frames = 1
    while True:
        reports = wire.fields(*names, at_least=frames)
        if any(set(record) <= {part for field in report for part in field.split("|")} for report in reports):
            return
        frames = len(reports) + 1


@FAMILIES
def test_a_second_plain_join_of_one_socket_is_a_usage_error(family, here, sock_for) -> None:
    group = GROUPS[family]
    sock = sock_for(group)
    with Membership(sock, group, here):
        with pytest.raises(UsageError, match="it is joined already") as refused:
            Membership(sock, group, here).join()
        assert not isinstance(refused.value, FurtherSocketNeeded)
        with Membership(sock_for(group), group, here):
            assert users(group, here) == 2


@FAMILIES
def test_any_source_and_chosen_sources_need_two_sockets(family, here, sock_for) -> None:
    group, source = GROUPS[family], SOURCES[family]
    chosen, every = sock_for(group), sock_for(group)
    with Membership(chosen, group, here, source), Membership(chosen, group, here, source + 1):
        with pytest.raises(FurtherSocketNeeded, match="both any source and chosen sources"):
            Membership(chosen, group, here).join()
        with pytest.raises(UsageError, match="joined already"):
            Membership(chosen, group, here, source).join()
        with Membership(every, group, here):
            assert users(group, here) == 2


@FAMILIES
def test_a_source_does_not_silently_narrow_a_membership_of_any_source(family, here, sock_for) -> None:
    group = GROUPS[family]
    sock = sock_for(group)
    with Membership(sock, group, here), pytest.raises(FurtherSocketNeeded, match="both any source"):
        Membership(sock, group, here, SOURCES[family]).join()
    assert users(group, here) == 0


def test_the_21st_group_of_a_socket_needs_a_further_one_and_names_the_limit(here, sock_for) -> None:
    with ExitStack() as joined:
        sock = sock_for(GROUPS[4])
        for number in range(20):
            joined.enter_context(Membership(sock, GROUPS[4] + number, here))
        with pytest.raises(FurtherSocketNeeded) as refused:
            Membership(sock, GROUPS[4] + 20, here).join()
        assert refused.value.reason == "this socket has joined as many groups as the kernel allows, 20"
        assert refused.value.command == "sudo sysctl net.ipv4.igmp_max_memberships=40"
        joined.enter_context(Membership(sock_for(GROUPS[4] + 20), GROUPS[4] + 20, here))
        assert users(GROUPS[4] + 20, here) == 1


def test_the_11th_source_of_a_group_names_its_own_limit(here, sock_for) -> None:
    with ExitStack() as joined:
        sock = sock_for(GROUPS[4])
        for number in range(10):
            joined.enter_context(Membership(sock, GROUPS[4], here, SOURCES[4] + number))
        with pytest.raises(FurtherSocketNeeded, match=r"sources of this group .* 10.*igmp_max_msf=20"):
            Membership(sock, GROUPS[4], here, SOURCES[4] + 10).join()


def test_one_socket_holds_a_group_on_two_interfaces(here, sock_for, host1) -> None:
    host1.run(["ip", "link", "add", "spare0", "type", "veth", "peer", "name", "spare1"])
    spare = resolve_interface("spare0", list_interfaces())
    sock = sock_for(GROUPS[4])
    with Membership(sock, GROUPS[4], here), Membership(sock, GROUPS[4], spare):
        assert users(GROUPS[4], here) == users(GROUPS[4], spare) == 1


def test_a_link_local_groups_socket_refuses_another_interface(here, sock_for, host1) -> None:
    host1.run(["ip", "link", "add", "spare0", "type", "veth", "peer", "name", "spare1"])
    spare = resolve_interface("spare0", list_interfaces())
    group = IPv6Address("ff02::4d43")
    with pytest.raises(FurtherSocketNeeded, match="hears another interface only"):
        Membership(sock_for(group), group, spare).join()


def test_a_join_on_an_interface_that_is_gone_says_so_and_leaving_it_is_harmless(
    here, sock_for, host1
) -> None:
    sockets = {group: sock_for(group) for group in GROUPS.values()}
    with Membership(sock_for(GROUPS[4]), GROUPS[4], here):
        host1.run(["ip", "link", "delete", here.name])
        for group, sock in sockets.items():
            with pytest.raises(NetworkRefused, match=f"join {group} on {here.name}: {here.name} is gone"):
                Membership(sock, group, here).join()


def test_a_recreated_interface_is_healed_by_leaving_and_joining(sock_for, host1) -> None:
    def make() -> Interface:
        host1.run(["ip", "link", "add", "spare0", "index", "77", "type", "veth", "peer", "name", "spare1"])
        return resolve_interface("spare0", list_interfaces())

    group = GROUPS[4]
    spare = make()
    with Membership(sock_for(group), group, spare) as membership:
        host1.run(["ip", "link", "delete", "spare0"])
        assert make().index == spare.index
        assert users(group, spare) == 0
        membership.leave()
        membership.join()
        assert users(group, spare) == 1


def test_an_interface_that_is_down_can_be_joined_for_when_it_comes_up(here, sock_for, host1) -> None:
    host1.run(["ip", "link", "set", here.name, "down"])
    with Membership(sock_for(GROUPS[4]), GROUPS[4], here):
        assert users(GROUPS[4], here) == 1


@pytest.mark.parametrize(
    ("group", "source", "words"),
    [
        ("192.168.10.2", None, "192.168.10.2 is not a group"),
        ("239.1.1.1", "fd00::1", "not of the same IP version"),
        ("ff15::42", None, "not of the same IP version"),
    ],
)
def test_what_cannot_be_a_membership_is_a_usage_error(group, source, words, here) -> None:
    with open_port(4, 6666, receive_buffer=BUFFER) as sock, pytest.raises(UsageError, match=words):
        Membership(sock, ip_address(group), here, ip_address(source) if source else None).join()
