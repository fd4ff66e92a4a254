"""Raw IP sockets: what they hear, what they send, and who may open them."""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

import pytest

from mcast_tui.capture.ring import PacketRing
from mcast_tui.errors import NetworkRefused, PermissionRefused, UsageError
from mcast_tui.net import raw, refusals
from mcast_tui.net.interfaces import list_interfaces, resolve_interface
from mcast_tui.net.membership import Membership
from mcast_tui.net.ports import open_ephemeral
from mcast_tui.net.raw import open_raw, open_raw_group, raw_protocol
from mcast_tui.net.receiver import Receiver
from mcast_tui.net.sender import LONGEST_RAW_PAYLOAD, SendOptions, send_datagram
from tests.net.test_receiver import METHODS
from tests.peers import tcpdump_on, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.services.lab.lan import Host
    from mcast_tui.wire.columns import Packet

PROTOCOL = 253
BUFFER = 1 << 20
LOCAL = {4: IPv4Address("127.0.0.1"), 6: IPv6Address("::1")}
FAMILIES = pytest.mark.parametrize("family", [4, 6], ids=["IPv4", "IPv6"])
ROUTER_ALERT = bytes.fromhex("94040000")
LONGEST_OPTIONS = b"\x01" * 40


@pytest.fixture
def keep() -> Iterator[ExitStack]:
    with ExitStack() as resources:
        yield resources


def sender(keep: ExitStack, family: int, protocol: int = PROTOCOL) -> socket.socket:
    """Return a plain raw socket, as another program has one."""
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    sock = keep.enter_context(socket.socket(kind, socket.SOCK_RAW, protocol))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    return sock


def receive(keep: ExitStack, family: int, count: int, payloads: list, *, use_recvmmsg: bool) -> list[Packet]:
    """Send (socket options, payload) to ourselves over raw IP and return the `count` packets that came."""
    ring = PacketRing(1000, 1 << 22)
    receiver = Receiver(ring, use_recvmmsg=use_recvmmsg)
    keep.callback(receiver.close)
    receiver.add(keep.enter_context(open_raw(family, PROTOCOL, receive_buffer=BUFFER)), 0)
    for options, payload in payloads:
        sock = sender(keep, family)
        for option, value in options.items():
            sock.setsockopt(socket.IPPROTO_IP if family == 4 else socket.IPPROTO_IPV6, option, value)
        sock.sendto(payload, (str(LOCAL[family]), 0))
    receiver.start()  # after all are queued: they come in one batch
    wait_until(lambda: ring.head >= count or receiver.error)
    assert receiver.error is None
    return [packet for number in range(count) if (packet := ring.packet(number))]


# -- receiving


@METHODS
def test_the_payload_begins_behind_the_header_whatever_options_it_has(keep: ExitStack, use_recvmmsg) -> None:
    sent = [
        ({}, b"plain"),
        ({socket.IP_OPTIONS: ROUTER_ALERT}, b"alert"),
        ({socket.IP_OPTIONS: LONGEST_OPTIONS}, b"as many options as fit"),
        ({socket.IP_OPTIONS: LONGEST_OPTIONS}, b""),
        ({}, b""),
        ({}, b"x" * LONGEST_RAW_PAYLOAD[4]),
        ({socket.IP_OPTIONS: ROUTER_ALERT}, bytes(range(256)) * 255),
        ({socket.IP_TTL: 9, socket.IP_TOS: 0x28}, b"\x45\x00 looks like a header"),
    ]
    heard = receive(keep, 4, len(sent), sent, use_recvmmsg=use_recvmmsg)
    assert [packet.payload for packet in heard] == [payload for _, payload in sent]
    assert [packet.length for packet in heard] == [len(payload) for _, payload in sent]
    assert {packet.protocol for packet in heard} == {PROTOCOL}
    assert {(packet.source_port, packet.destination_port) for packet in heard} == {(None, None)}
    assert {packet.source for packet in heard} == {LOCAL[4]}
    assert (heard[-1].hop_limit, heard[-1].traffic_class) == (9, 0x28)
    assert not any(packet.truncated for packet in heard)
    assert all(packet.kernel_time for packet in heard)


@METHODS
def test_ipv6_delivers_the_payload_alone(keep: ExitStack, use_recvmmsg) -> None:
    sent = [({}, b"plain"), ({}, b""), ({}, b"x" * LONGEST_RAW_PAYLOAD[6]), ({}, b"\x46 no header")]
    heard = receive(keep, 6, len(sent), sent, use_recvmmsg=use_recvmmsg)
    assert [packet.payload for packet in heard] == [payload for _, payload in sent]
    assert [packet.length for packet in heard] == [len(payload) for _, payload in sent]
    assert {(packet.protocol, packet.source_port, packet.source) for packet in heard} == {
        (PROTOCOL, None, LOCAL[6])
    }


def test_both_ways_to_read_give_the_same_rows(keep: ExitStack) -> None:
    sent = [({}, b"one"), ({socket.IP_OPTIONS: ROUTER_ALERT}, b"two"), ({}, b"")]
    fast, portable = (receive(keep, 4, len(sent), sent, use_recvmmsg=way) for way in (True, False))
    assert [replace(packet, received_at=0) for packet in fast] == [
        replace(packet, received_at=0) for packet in portable
    ]


@FAMILIES
@pytest.mark.parametrize("protocol", [1, 17, 255])
def test_any_protocol_but_0_goes_out_and_comes_in(keep: ExitStack, family: int, protocol: int) -> None:
    """For protocol 255 the kernel would take the payload for a whole packet unless it is told otherwise."""
    there = keep.enter_context(open_raw(family, protocol, receive_buffer=BUFFER))
    here = keep.enter_context(open_raw(family, protocol, receive_buffer=BUFFER))
    sent = send_datagram(here, b"sixteen bytes...", LOCAL[family], 0, SendOptions())
    there.setblocking(True)
    assert there.recv(100).endswith(b"sixteen bytes...")
    assert (sent.port, sent.source_port, sent.length) == (0, None, 16)


@FAMILIES
def test_what_came_before_a_socket_was_bound_is_not_for_it(
    keep: ExitStack, family: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel queues whatever has the protocol from the moment the socket exists."""
    attach, other = raw.sockopt.attach_filter, sender(keep, family)

    def attach_late(sock: socket.socket, program: object) -> None:
        if program == raw._REJECT_ALL:
            other.sendto(b"for nobody in particular", (str(LOCAL[family]), 0))
        attach(sock, program)

    monkeypatch.setattr(raw.sockopt, "attach_filter", attach_late)
    sock = keep.enter_context(open_raw(family, PROTOCOL, receive_buffer=BUFFER))
    other.sendto(b"for it", (str(LOCAL[family]), 0))
    assert sock.recv(100).endswith(b"for it")


@FAMILIES
def test_what_a_socket_does_not_want_is_not_counted_as_dropped(host1: Host, family: int) -> None:
    """The port hears no group, the group's socket only its group, though all on one host have joined both."""
    mine, others = (
        (IPv4Address("239.1.1.1"), IPv4Address("239.2.2.2"))
        if family == 4
        else (IPv6Address("ff15::1"), IPv6Address("ff15::2"))
    )
    with host1.entered(), ExitStack() as keep:
        interface = resolve_interface("eth0", list_interfaces())
        port = keep.enter_context(open_raw(family, PROTOCOL, receive_buffer=BUFFER))
        sockets = [_joined(keep, group, interface) for group in (mine, others)]
        for group in (mine, others, mine):
            send_datagram(port, b"hello", group, 0, SendOptions(ifindex=interface.index))
        heard = [_drain(sock) for sock in (port, *sockets)]
        dropped = [raw.sockopt.dropped(sock) for sock in (port, *sockets)]
    assert heard == [0, 2, 1]
    assert dropped == [0, 0, 0]


def _joined(keep: ExitStack, group: IPv4Address | IPv6Address, interface: Interface) -> socket.socket:
    sock = keep.enter_context(open_raw_group(group, PROTOCOL, interface=interface, receive_buffer=BUFFER))
    keep.enter_context(Membership(sock, group, interface, None))
    return sock


def _drain(sock: socket.socket) -> int:
    """Return how many datagrams wait: what is looped back on this host is queued before the send returns."""
    count = 0
    while True:
        try:
            sock.recv(1)
        except BlockingIOError:
            return count
        count += 1


# -- sending


@pytest.mark.parametrize(
    ("destination", "options", "hop_limit", "traffic_class"),
    [
        ("239.1.1.1", {}, 1, 0),
        ("239.1.1.1", {"hop_limit": 7, "traffic_class": 0x48}, 7, 0x48),
        ("255.255.255.255", {"hop_limit": 3, "traffic_class": 0x10}, 3, 0x10),
        ("192.168.10.2", {"hop_limit": 255}, 255, 0),
        ("ff15::42", {}, 1, 0),
        ("ff02::4d43", {"hop_limit": 2, "traffic_class": 0x48}, 2, 0x48),
    ],
)
def test_the_wire_carries_what_was_asked(host1, host2, destination, options, hop_limit, traffic_class):
    address = ip_address(destination)
    with tcpdump_on(host2, f"ip{'6' * (address.version == 6)} proto {PROTOCOL}") as wire:
        with host1.entered(), open_raw(address.version, PROTOCOL, receive_buffer=BUFFER) as sock:
            ifindex = resolve_interface("eth0", list_interfaces()).index
            send_datagram(sock, b"h\0llo\xff", address, 0, SendOptions(ifindex=ifindex, **options))
        names = ("ip.dst", "ip.ttl", "ip.dsfield") if address.version == 4 else ()
        names = names or ("ipv6.dst", "ipv6.hlim", "ipv6.tclass")
        [(to, limit, tos, data)] = wire.fields(*names, "data.data", at_least=1)
    assert (ip_address(to), int(limit), int(tos, 0)) == (address, hop_limit, traffic_class)
    assert bytes.fromhex(data) == b"h\0llo\xff"


@FAMILIES
def test_the_longest_payload_leaves_and_one_byte_more_is_refused(keep: ExitStack, family: int) -> None:
    there = keep.enter_context(open_raw(family, PROTOCOL, receive_buffer=BUFFER))
    here = keep.enter_context(open_raw(family, PROTOCOL, receive_buffer=BUFFER))
    here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    longest = LONGEST_RAW_PAYLOAD[family]
    send_datagram(here, b"x" * longest, LOCAL[family], 0, SendOptions())
    there.setblocking(True)
    assert len(there.recv(70_000)) == 65_535
    with pytest.raises(NetworkRefused) as refusal:
        send_datagram(here, b"x" * (longest + 1), LOCAL[family], 0, SendOptions())
    assert f"at most {longest}" in str(refusal.value)
    assert "UDP" not in str(refusal.value)


def test_raw_ip_has_no_port_and_udp_cannot_do_without(keep: ExitStack) -> None:
    here = keep.enter_context(open_raw(4, PROTOCOL, receive_buffer=BUFFER))
    with pytest.raises(UsageError, match="no ports"):
        send_datagram(here, b"", LOCAL[4], 6666, SendOptions())
    udp = keep.enter_context(open_ephemeral(4))
    with pytest.raises(UsageError, match="1 to 65535"):
        send_datagram(udp, b"", LOCAL[4], 0, SendOptions())
    assert (raw_protocol(here), raw_protocol(udp)) == (PROTOCOL, None)


def test_an_icmpv6_message_too_short_for_its_checksum_is_explained(keep: ExitStack) -> None:
    here = keep.enter_context(open_raw(6, socket.IPPROTO_ICMPV6, receive_buffer=BUFFER))
    with pytest.raises(NetworkRefused, match="at least 4 bytes"):
        send_datagram(here, b"abc", LOCAL[6], 0, SendOptions(ifindex=1))


def test_a_firewall_rule_is_named_by_protocol(host1: Host) -> None:
    host1.run(["nft", "add table inet t; add chain inet t o { type filter hook output priority 0; }"])
    host1.run(["nft", "add rule inet t o ip protocol 253 drop"])
    with host1.entered(), open_raw(4, PROTOCOL, receive_buffer=BUFFER) as sock:
        ifindex = resolve_interface("eth0", list_interfaces()).index
        with pytest.raises(NetworkRefused) as refusal:
            send_datagram(sock, b"x", IPv4Address("239.1.1.1"), 0, SendOptions(ifindex=ifindex))
    assert "Allow IP protocol 253 to 239.1.1.1" in str(refusal.value)
    assert "send to ip://239.1.1.1:253" in str(refusal.value)


# -- who may


@FAMILIES
def test_protocol_0_is_refused_before_the_kernel_is_asked(family: int) -> None:
    with pytest.raises(UsageError, match="protocols 1 to 255"):
        open_raw(family, 0, receive_buffer=BUFFER)


OPEN = """
from mcast_tui.errors import McastError
from mcast_tui.net.raw import open_raw
try:
    open_raw(4, 253, receive_buffer=1)
except McastError as error:
    print(error.exit_status, error)
"""


def test_even_root_is_told_when_the_privilege_is_withheld() -> None:
    done = subprocess.run(
        ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-all", sys.executable, "-c", OPEN],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("3 Cannot open ip://0.0.0.0:253: raw IP needs a privilege (CAP_NET_RAW)")
    assert "withheld even from root" in done.stdout
    assert "use UDP, which needs none" in done.stdout


def test_anybody_else_is_told_how_to_start_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(
        refusals.sys, "orig_argv", ["python", "-m", "mcast_tui", "listen", "a b", "--raw", "253"]
    )
    error = refusals.refuse_raw(PermissionError(1, "no"), IPv4Address("224.1.0.1"), PROTOCOL)
    assert isinstance(error, PermissionRefused)
    assert shlex.split(error.command) == [
        *("sudo", sys.executable, "-m", "mcast_tui", "listen", "a b", "--raw", "253"),
    ]
    assert "UDP, which needs no privilege" in error.remedy
    assert error.errno == 1
