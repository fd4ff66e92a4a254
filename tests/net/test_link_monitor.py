"""What the kernel tells of links, addresses and memberships, and what of it is understood."""

from __future__ import annotations

import socket
import struct
from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.errors import NetworkRefused
from mcast_tui.net import link_monitor
from mcast_tui.net.interfaces import list_interfaces, resolve_interface
from mcast_tui.net.link_monitor import (
    AddressAdded,
    AddressRemoved,
    GroupAdded,
    GroupMonitor,
    GroupRemoved,
    LinkChanged,
    LinkGone,
    LinkMonitor,
    Overrun,
    decode_news,
)
from mcast_tui.net.membership import Membership
from mcast_tui.net.ports import open_group
from tests.peers import wait_until

if TYPE_CHECKING:
    from mcast_tui.net.link_monitor import News
    from mcast_tui.services.lab.lan import Lab


def heard(monitor: LinkMonitor | GroupMonitor, so_far: list[News], wanted: News) -> bool:
    so_far += monitor.read()
    return wanted in so_far


def test_links_and_addresses_are_told_as_they_change(lab: Lab) -> None:
    host = lab.host(1)
    index, news = host.ifindex, []
    with host.entered(), LinkMonitor() as monitor:
        wait_until(lambda: monitor.read() == [], "nothing new")
        passing, twin = ip_interface("10.9.8.7/24"), ip_interface("fd99::1/64")
        changes: list[tuple[str, News]] = [
            (f"address add {passing} dev eth0", AddressAdded(index, passing)),
            (f"address del {passing} dev eth0", AddressRemoved(index, passing)),
            (f"address add {twin} dev eth0 nodad", AddressAdded(index, twin)),
            ("link set eth0 down", LinkChanged(index, "eth0", is_up=False, has_carrier=False)),
            ("link set eth0 name wan0", LinkChanged(index, "wan0", is_up=False, has_carrier=False)),
            ("link set wan0 up", LinkChanged(index, "wan0", is_up=True, has_carrier=True)),
            ("link del wan0", LinkGone(index, "wan0")),
        ]
        for command, wanted in changes:
            host.run(["ip", *command.split()])
            wait_until(lambda wanted=wanted: heard(monitor, news, wanted), f"{wanted}; so far {news}")


@pytest.mark.parametrize("group", ["239.1.1.1", "ff15::42"])
def test_the_first_join_and_the_last_leave_of_a_group_are_told(lab: Lab, group: str) -> None:
    address = ip_address(group)
    with lab.host(1).entered():
        here = resolve_interface("eth0", list_interfaces())
        try:
            monitor = GroupMonitor()
        except NetworkRefused as refused:
            pytest.skip(str(refused))  # a kernel before 6.14
        with monitor:
            added, removed = GroupAdded(address, here.index), GroupRemoved(address, here.index)
            news: list[News] = []
            with open_group(address, 5000, receive_buffer=1 << 16, interface=here) as sock:
                with Membership(sock, address, here):
                    wait_until(lambda: heard(monitor, news, added), "the join")
                    assert removed not in news
                wait_until(lambda: heard(monitor, news, removed), "the leave")


def test_more_than_the_socket_holds_is_told_as_an_overrun(lab: Lab) -> None:
    with lab.host(1).entered(), LinkMonitor() as monitor:
        monitor._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        for number in range(20):
            lab.host(1).run(["ip", "link", "set", "eth0", "mtu", str(1400 + number)])
        news = monitor.read()
        assert Overrun() in news
        assert monitor.read() == []


def test_a_kernel_without_notifications_refuses_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GroupMonitor, "GROUPS", (1_000,))
    with pytest.raises(NetworkRefused, match=r"Cannot follow the memberships of this host: .*EINVAL"):
        GroupMonitor()


def test_a_bridge_that_loses_a_port_loses_no_interface(lab: Lab) -> None:
    with lab.switch.entered(), LinkMonitor() as monitor:
        index = socket.if_nametoindex("lan0port1")
        news: list[News] = []
        lab.switch.run(["ip", "link", "set", "lan0port1", "nomaster"])
        wanted = LinkChanged(index, "lan0port1", is_up=True, has_carrier=True)
        wait_until(lambda: heard(monitor, news, wanted), "the change")
        assert not any(isinstance(each, LinkGone) for each in news)


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_skipped(data: bytes) -> None:
    for each in decode_news(data):
        assert isinstance(each, link_monitor.News.__args__)


@given(
    st.sampled_from([16, 17, 20, 21, 56, 57]),
    st.binary(max_size=64),
)
def test_a_message_with_any_body_is_decoded_or_skipped(kind: int, body: bytes) -> None:
    for each in decode_news(struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body):
        assert isinstance(each, link_monitor.News.__args__)
