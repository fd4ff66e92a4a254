"""Interfaces as the kernel tells them, held against what ``ip -json`` says of the same host."""

from __future__ import annotations

import errno
import json
import resource
import socket
import struct
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.errors import NetworkRefused, UsageError
from mcast_tui.net import rtnetlink
from mcast_tui.net.interfaces import (
    Interface,
    list_interfaces,
    preferred_interface,
    resolve_interface,
    route_source,
)

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Host

GROUP = IPv4Address("239.1.1.1")


def interface(index: int, name: str, *addresses: str, **flags: bool) -> Interface:
    chosen = {"is_up": True, "has_carrier": True, "is_multicast": True, "is_loopback": False} | flags
    parsed = tuple(IPv6Interface(text) if ":" in text else IPv4Interface(text) for text in addresses)
    return Interface(index, name, mtu=1500, addresses=parsed, **chosen)


def test_every_interface_is_as_iproute2_describes_it(host1: Host) -> None:
    told = json.loads(host1.run(["ip", "-json", "address"]).stdout)
    with host1.entered():
        ours = list_interfaces()

    assert [(each.index, each.name, each.mtu) for each in ours] == [
        (each["ifindex"], each["ifname"], each["mtu"]) for each in told
    ]
    for mine, theirs in zip(ours, told, strict=True):
        flags = theirs["flags"]
        assert (mine.is_up, mine.has_carrier) == ("UP" in flags, "LOWER_UP" in flags)
        assert (mine.is_multicast, mine.is_loopback) == ("MULTICAST" in flags, "LOOPBACK" in flags)
        addresses = {f"{each['local']}/{each['prefixlen']}" for each in theirs["addr_info"]}
        assert {str(address) for address in mine.addresses} == addresses


def test_an_interface_is_found_by_name_index_and_either_address(host1: Host) -> None:
    with host1.entered():
        known = list_interfaces()
        texts = (host1.interface, str(host1.ifindex), str(host1.address4), str(host1.address6))
        assert {resolve_interface(text, known).name for text in texts} == {host1.interface}
        assert resolve_interface(host1.interface, known).ipv4 == host1.address4


def test_a_name_that_looks_like_an_index_is_a_name_first() -> None:
    known = (interface(1, "2"), interface(2, "eth0"))
    assert resolve_interface("2", known).index == 1


def test_an_unknown_interface_is_a_usage_error_that_names_what_there_is() -> None:
    with pytest.raises(UsageError) as refused:
        resolve_interface("eht0", (interface(1, "lo"), interface(2, "eth0")))
    assert str(refused.value) == (
        "Cannot use the interface 'eht0': there is no such interface. "
        "Did you mean eth0? There are lo, eth0. Try: ip -brief link"
    )


def test_an_address_of_another_host_is_no_interface_of_ours() -> None:
    with pytest.raises(UsageError, match="no interface has this address"):
        resolve_interface("10.9.9.9", (interface(2, "eth0", "10.9.9.1/24"),))


def test_the_interface_with_the_multicast_route_is_preferred(host1: Host) -> None:
    host1.run(["ip", "link", "add", "spare0", "type", "veth", "peer", "name", "spare1"])
    for name in ("spare0", "spare1"):
        host1.run(["ip", "link", "set", name, "up"])
    host1.run(["ip", "address", "add", "10.77.0.1/24", "dev", "spare0"])
    for dev, address in ((host1.interface, host1.address4), ("spare0", IPv4Address("10.77.0.1"))):
        host1.run(["ip", "route", "replace", "224.0.0.0/4", "dev", dev])
        with host1.entered():
            chosen = preferred_interface(list_interfaces(), 4)
            assert chosen is not None
            assert chosen.name == dev
            assert route_source(GROUP) == address


def test_without_a_route_an_interface_with_an_address_is_preferred_and_the_loopback_last() -> None:
    lo = interface(1, "lo", "127.0.0.1/8", is_loopback=True, is_multicast=False)
    bare, down = interface(2, "eth0"), interface(3, "eth1", "10.0.0.1/24", is_up=False)
    good = interface(4, "eth2", "10.0.1.1/24", "fe80::1/64")
    unplugged = interface(5, "eth3", "10.0.2.1/24", has_carrier=False)
    everything = (lo, bare, down, good, unplugged)
    assert preferred_interface(everything, 4) == good
    assert preferred_interface(everything, 6) == good
    assert preferred_interface((lo, bare, down), 4) == bare
    assert preferred_interface((lo, down), 4) == lo
    assert preferred_interface((down,), 4) is None


def test_the_route_source_is_asked_per_interface_and_none_without_a_route(host1: Host) -> None:
    host1.run(["ip", "route", "flush", "root", "224.0.0.0/4"])
    with host1.entered():
        here = resolve_interface(host1.interface, list_interfaces())
        assert route_source(GROUP) is None
        assert route_source(GROUP, here) == host1.address4
        assert route_source(IPv4Address("255.255.255.255"), here) == host1.address4
        assert route_source(IPv6Address("ff02::1"), here) == host1.link_local


def test_a_host_that_may_open_no_file_says_so_in_words() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(NetworkRefused, match="list the network interfaces: Too many open files"):
            list_interfaces()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def test_on_a_point_to_point_link_the_address_is_our_end_not_the_peers() -> None:
    body = struct.pack("=BBBBI", socket.AF_INET, 32, 0, 0, 7)
    body += attribute(rtnetlink.IFA_ADDRESS, bytes([10, 0, 0, 2]))
    body += attribute(rtnetlink.IFA_LOCAL, bytes([10, 0, 0, 1]))
    assert rtnetlink.decode_address(body) == rtnetlink.LinkAddress(7, IPv4Interface("10.0.0.1/32"))


def test_unknown_attributes_and_families_are_skipped() -> None:
    link = struct.pack("=BxHiII", 0, 1, 3, 1, 0) + attribute(0x3000, b"???")
    assert rtnetlink.decode_link(link) is None
    assert rtnetlink.decode_link(link + attribute(rtnetlink.IFLA_IFNAME, b"eth0\0")) == rtnetlink.Link(
        3, "eth0", 1, 0
    )
    assert rtnetlink.decode_address(struct.pack("=BBBBI", 28, 8, 0, 0, 7)) is None


def test_a_table_that_changed_while_it_was_read_is_read_anew() -> None:
    def message(kind: int, body: bytes = b"", flags: int = 0) -> bytes:
        return rtnetlink.encode_message(kind, flags, body) + bytes(-len(body) % 4)

    kernel, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with kernel, ours:
        torn = message(rtnetlink.RTM_NEWLINK, b"torn", rtnetlink.NLM_F_DUMP_INTR)
        kernel.send(torn + message(rtnetlink.NLMSG_DONE))
        kernel.send(message(rtnetlink.RTM_NEWLINK, b"whole") + message(rtnetlink.RTM_NEWADDR, b"other"))
        kernel.send(message(rtnetlink.NLMSG_DONE))
        told = rtnetlink.dump_on(ours, rtnetlink.RTM_GETLINK, rtnetlink.RTM_NEWLINK, b"\0")

    assert told == [b"whole"]


def test_what_the_kernel_refuses_to_tell_is_an_error_with_its_number() -> None:
    kernel, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with kernel, ours:
        kernel.send(rtnetlink.encode_message(rtnetlink.NLMSG_ERROR, 0, struct.pack("=i", -errno.EPERM)))
        with pytest.raises(PermissionError):
            rtnetlink.dump_on(ours, rtnetlink.RTM_GETLINK, rtnetlink.RTM_NEWLINK, b"\0")


@given(st.binary(max_size=200))
def test_any_bytes_are_walked_to_an_end_without_an_error(data: bytes) -> None:
    assert all(len(body) <= len(data) for _kind, _flags, body in rtnetlink.decode_messages(data))
    rtnetlink.decode_link(data)
    rtnetlink.decode_address(data)


@given(st.sampled_from([socket.AF_INET, socket.AF_INET6]), st.integers(0, 255), st.binary(max_size=40))
def test_an_impossible_prefix_or_address_is_no_address(family: int, prefix: int, attributes: bytes) -> None:
    found = rtnetlink.decode_address(struct.pack("=BBBBI", family, prefix, 0, 0, 1) + attributes)
    assert found is None or found.address.network.prefixlen == prefix
