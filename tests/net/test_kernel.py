"""The kernel's membership tables: what they prove, and where they leave it open."""

from __future__ import annotations

from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

import pytest

from mcast_tui.net.interfaces import list_interfaces, resolve_interface
from mcast_tui.net.kernel import KernelView, MembershipTables, interface_filter, read_memberships
from mcast_tui.net.membership import Membership
from mcast_tui.net.ports import open_group
from mcast_tui.wire.kernel_tables import HostFilter, HostGroup
from tests.peers import socat_peer

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
