"""One datagram out, as tcpdump on the host at the other end of the cable sees it."""

from __future__ import annotations

import errno
import select
import socket
from contextlib import ExitStack
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

import pytest

from mcast_tui.errors import McastError, NetworkRefused, PermissionRefused, UsageError
from mcast_tui.net.interfaces import Interface, list_interfaces, resolve_interface
from mcast_tui.net.membership import Membership
from mcast_tui.net.ports import open_ephemeral, open_group, open_port
from mcast_tui.net.sender import LONGEST_PAYLOAD, SendOptions, Sent, send_datagram
from tests.peers import PATIENCE_S, need, tcpdump_on

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Host

GROUP, GROUP6 = IPv4Address("239.1.1.1"), IPv6Address("ff15::42")
BUFFER = 1 << 20
PORT = 6666


@dataclass
class Standing:
    """A sender's sockets on host 1, and where they are."""

    interface: Interface
    sockets: dict[int, socket.socket]

    def send(self, destination: str, payload: bytes = b"hello", port: int = PORT, **options: object) -> Sent:
        chosen = replace(SendOptions(ifindex=self.interface.index), **options)
        address = ip_address(destination)
        return send_datagram(self.sockets[address.version], payload, address, port, chosen)


@pytest.fixture
def here(host1: Host):
    """Stand on host 1, with its ports open, for the length of the test."""
    with host1.entered(), ExitStack() as stack:
        sockets = {v: stack.enter_context(open_port(v, PORT, receive_buffer=BUFFER)) for v in (4, 6)}
        yield Standing(resolve_interface(host1.interface, list_interfaces()), sockets)


def heard(sock: socket.socket) -> bytes | None:
    ready, _, _ = select.select([sock], [], [], PATIENCE_S)
    return sock.recv(65536) if ready else None


@pytest.mark.parametrize(
    ("destination", "options", "hop_limit", "traffic_class"),
    [
        ("239.1.1.1", {}, 1, 0),
        ("239.1.1.1", {"hop_limit": 7, "traffic_class": 0x48}, 7, 0x48),
        ("255.255.255.255", {}, 64, 0),
        ("255.255.255.255", {"hop_limit": 3, "traffic_class": 0x10}, 3, 0x10),
        ("192.168.10.255", {"hop_limit": 9}, 9, 0),
        ("192.168.10.2", {"hop_limit": 255, "traffic_class": 0xB8}, 255, 0xB8),
        ("ff15::42", {}, 1, 0),
        ("ff15::42", {"hop_limit": 200, "traffic_class": 0x48}, 200, 0x48),
        ("ff02::4d43", {"hop_limit": 2}, 2, 0),
        ("link-local", {"hop_limit": 5, "traffic_class": 0x20}, 5, 0x20),
        ("global6", {"hop_limit": 6}, 6, 0),
    ],
)
def test_the_wire_carries_what_was_asked(here, host1, host2, destination, options, hop_limit, traffic_class):
    destination = {"link-local": str(host2.link_local), "global6": str(host2.address6)}.get(
        destination, destination
    )
    with tcpdump_on(host2, f"udp port {PORT}") as wire:
        sent = here.send(destination, b"h\0llo\xff", **options)
        [seen] = wire.packets(1)
    assert (seen.destination, seen.destination_port) == (ip_address(destination), PORT)
    assert seen.source in {host1.address4, host1.address6, host1.link_local}
    assert (seen.source_port, seen.payload) == (PORT, b"h\0llo\xff")
    assert (seen.hop_limit, seen.traffic_class) == (hop_limit, traffic_class)
    assert (sent.source_port, sent.ifindex, sent.length) == (PORT, here.interface.index, 6)
    assert sent.sent_at <= seen.at * 1e9 + 1e6


def test_no_route_is_needed_when_the_interface_is_named(here, host1, host2) -> None:
    host1.run(["ip", "route", "flush", "table", "main"])
    with tcpdump_on(host2, f"udp port {PORT}") as wire:
        here.send("239.1.1.1", b"group")
        here.send("255.255.255.255", b"broadcast")
        assert {packet.payload for packet in wire.packets(2)} == {b"group", b"broadcast"}


@pytest.mark.parametrize("group", ["239.1.1.1", "ff15::42"])
def test_hop_limit_0_reaches_members_here_and_not_the_wire(here, host2, group) -> None:
    address = ip_address(group)
    with (
        tcpdump_on(host2, f"udp port {PORT}") as wire,
        open_group(address, PORT, receive_buffer=BUFFER) as member,
        Membership(member, address, here.interface),
    ):
        here.send(group, b"indoors", hop_limit=0)
        assert heard(member) == b"indoors"
        here.send(group, b"outdoors", hop_limit=1)
        assert [packet.payload for packet in wire.packets(1)] == [b"outdoors"]


@pytest.mark.parametrize("group", ["239.1.1.1", "ff15::42"])
def test_without_loop_only_other_hosts_hear_it(here, host2, group) -> None:
    address = ip_address(group)
    with (
        tcpdump_on(host2, f"udp port {PORT}") as wire,
        open_group(address, PORT, receive_buffer=BUFFER) as member,
        Membership(member, address, here.interface),
    ):
        here.send(group, b"away", loop=False)
        here.send(group, b"both")
        assert heard(member) == b"both"
        assert [packet.payload for packet in wire.packets(2)] == [b"away", b"both"]


@pytest.mark.parametrize("destination", ["239.1.1.1", "ff15::42"])
def test_the_longest_datagram_arrives_whole_and_one_byte_more_is_refused_with_the_numbers(
    here, host1, destination
) -> None:
    address = ip_address(destination)
    longest = LONGEST_PAYLOAD[address.version]
    with (
        open_group(address, PORT, receive_buffer=BUFFER) as member,
        Membership(member, address, here.interface),
    ):
        here.send(destination, b"x" * longest)
        assert heard(member) == b"x" * longest
    with pytest.raises(NetworkRefused) as refused:
        here.send(destination, b"x" * (longest + 1))
    assert refused.value.errno is None  # the kernel was not asked
    assert f"{longest + 1} bytes are too long" in refused.value.reason
    assert f"at most {longest}" in refused.value.reason


def test_a_private_port_is_the_source_port(here, host1, host2) -> None:
    with open_ephemeral(4) as sock, tcpdump_on(host2, "udp") as wire:
        sent = send_datagram(sock, b"psst", host2.address4, PORT, SendOptions())
        [seen] = wire.packets(1)
        assert seen.source_port == sent.source_port == sock.getsockname()[1] != PORT
        assert sent.ifindex is None


@pytest.mark.parametrize(
    ("destination", "cure"),
    [
        ("239.1.1.1", "sudo ip route add 224.0.0.0/4 dev eth0"),
        ("255.255.255.255", "sudo ip route add 255.255.255.255 dev eth0"),
        ("ff15::42", "sudo ip route add multicast ff00::/8 table local dev eth0"),
        ("10.9.9.9", "ip route get 10.9.9.9"),
        ("2001:db8::9", "ip route get 2001:db8::9"),
    ],
)
def test_no_route_is_explained_and_the_command_given_cures_it(here, host1, destination, cure) -> None:
    for table in (["table", "main"], ["-6", "table", "main"], ["-6", "table", "local", "root", "ff00::/8"]):
        version = [word for word in table if word == "-6"]
        host1.run(["ip", *version, "route", "flush", *(word for word in table if word != "-6")], check=False)
    with pytest.raises(NetworkRefused, match=f"there is no route to {destination}") as refused:
        here.send(destination, ifindex=None)
    assert refused.value.errno == errno.ENETUNREACH
    assert refused.value.command == cure.replace("eth0", host1.interface)
    if cure.startswith("sudo "):
        host1.run(refused.value.command.removeprefix("sudo ").split())
        here.send(destination, ifindex=None)


EVERYWHERE = pytest.mark.parametrize(
    "destination", ["239.1.1.1", "255.255.255.255", "192.168.10.2", "ff15::42", "ff02::1"]
)


@EVERYWHERE
def test_an_interface_that_is_down_is_named_with_the_command_that_cures_it(here, host1, destination) -> None:
    host1.run(["ip", "link", "set", host1.interface, "down"])
    with pytest.raises(NetworkRefused, match=f"the interface {host1.interface} is down") as refused:
        here.send(destination)
    assert refused.value.command == f"sudo ip link set {host1.interface} up"


@EVERYWHERE
def test_an_interface_that_is_gone_is_named(here, host1, destination) -> None:
    host1.run(["ip", "link", "delete", host1.interface])
    with pytest.raises(NetworkRefused, match=f"interface {here.interface.index} is gone"):
        here.send(destination)
    options = SendOptions(ifindex=here.interface.index)
    address = ip_address(destination)
    with pytest.raises(NetworkRefused, match="through eth7: eth7 is gone"):
        send_datagram(here.sockets[address.version], b"", address, PORT, options, interface_name="eth7")


@EVERYWHERE
def test_a_firewall_that_drops_output_is_not_called_a_lack_of_permission(here, host1, destination) -> None:
    need("nft")
    rules = "table inet t { chain o { type filter hook output priority 0; udp dport 6666 drop; }; }"
    host1.run(["nft", "-f", "-"], input=rules)
    with pytest.raises(NetworkRefused, match="a firewall rule of this host drops it") as refused:
        here.send(destination)
    assert (refused.value.errno, refused.value.command) == (errno.EPERM, "sudo nft list ruleset")


def test_ipv6_that_is_switched_off_is_named(here, host1) -> None:
    knob = f"net/ipv6/conf/{host1.interface}/disable_ipv6"
    host1.run(["sysctl", "-w", f"{knob}=1"])
    with pytest.raises(NetworkRefused, match=f"IPv6 is switched off on {host1.interface}") as refused:
        here.send("ff15::42")
    assert refused.value.command == f"sudo sysctl {knob}=0"


def test_an_interface_without_an_ipv6_address_is_named(here, host1) -> None:
    host1.run(["ip", "-6", "address", "flush", "dev", host1.interface])
    with pytest.raises(NetworkRefused, match=f"{host1.interface} has no IPv6 address"):
        here.send("ff15::42")


def test_the_loopback_has_no_ipv6_multicast_and_the_command_given_cures_it(here, host1) -> None:
    host1.run(["ip", "link", "set", "lo", "up"])
    with pytest.raises(NetworkRefused, match="the loopback has no route for IPv6 multicast") as refused:
        here.send("ff15::42", ifindex=1)
    host1.run(refused.value.command.removeprefix("sudo ").split())
    here.send("ff15::42", ifindex=1)


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("prohibit", PermissionRefused, "a route of this host prohibits"),
        ("unreachable", NetworkRefused, "there is no route"),
        ("blackhole", NetworkRefused, "A blackhole route looks like this"),
    ],
)
def test_routes_that_forbid_are_told_apart(here, host1, kind, error, words) -> None:
    host1.run(["ip", "route", "add", kind, "10.77.0.0/16"])
    with pytest.raises(error, match=words):
        here.send("10.77.0.1", ifindex=None)


def test_a_socket_that_may_not_broadcast_says_so(here) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        pytest.raises(PermissionRefused) as refused,
    ):
        send_datagram(sock, b"", ip_address("192.168.10.255"), PORT, SendOptions())
    assert "SO_BROADCAST" in refused.value.reason


def test_a_send_buffer_too_small_is_told_with_its_size(here) -> None:
    sock = here.sockets[4]
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    size = sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    with pytest.raises(NetworkRefused, match=f"does not fit the socket's send buffer of {size} bytes"):
        here.send("239.1.1.1", b"x" * 60_000)


def send_often(here: Standing, destination: str) -> None:
    for _ in range(100):
        here.send(destination, b"x" * 1000)


def test_a_full_send_buffer_is_for_the_caller_to_wait_out(here) -> None:
    """Datagrams for a host that does not answer ARP stay in the socket's buffer."""
    sock = here.sockets[4]
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    with pytest.raises(BlockingIOError):
        send_often(here, "192.168.10.77")


@pytest.mark.parametrize("destination", ["ff02::4d43", "fe80::1"])
def test_a_link_local_destination_needs_an_interface(here, destination) -> None:
    with pytest.raises(UsageError, match=f"it needs an interface.*Write it as {destination}%") as refused:
        here.send(destination, ifindex=None)
    assert refused.value.exit_status == 2


@pytest.mark.parametrize(
    ("destination", "port", "options", "words"),
    [
        ("239.1.1.1", PORT, {"hop_limit": 256}, "hop limit 256 is not a number from 0 to 255"),
        ("239.1.1.1", PORT, {"hop_limit": -1}, "hop limit -1"),
        ("239.1.1.1", PORT, {"traffic_class": 256}, "traffic class 256"),
        ("192.168.10.2", PORT, {"hop_limit": 0}, "only multicast can have a hop limit of 0"),
        ("239.1.1.1", 0, {}, "from 1 to 65535"),
        ("239.1.1.1", 65536, {}, "from 1 to 65535"),
    ],
)
def test_impossible_options_are_usage_errors(here, destination, port, options, words) -> None:
    with pytest.raises(UsageError, match=words):
        here.send(destination, port=port, **options)


def test_a_socket_of_the_other_family_is_a_usage_error(here) -> None:
    with pytest.raises(UsageError, match="not of the same IP version"):
        send_datagram(here.sockets[6], b"", GROUP, PORT, SendOptions())


def test_an_empty_datagram_is_a_datagram(here, host2) -> None:
    with tcpdump_on(host2, f"udp port {PORT}") as wire:
        assert here.send("239.1.1.1", b"").length == 0
        assert wire.packets(1)[0].length == 0


def test_every_refusal_has_a_reason_in_words_and_never_an_empty_remedy(here, host1) -> None:
    host1.run(["ip", "link", "set", host1.interface, "down"])
    with pytest.raises(McastError) as refused:
        here.send("239.1.1.1")
    assert all(sentence and not sentence.endswith("None.") for sentence in refused.value.sentences())
