"""Ethernet frames made by hand, and the ring of a packet socket they would lie in."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import numpy as np

from mcast_tui.wire.frame import decode_words
from mcast_tui.wire.frame_headers import HEAD, LEAD
from mcast_tui.wire.tpacket import FRAME_SIZE, MAC_AT, NETWORK_AT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.wire.columns import Column
    from mcast_tui.wire.frame import Decoded

SOURCE_MAC, GROUP_MAC = bytes.fromhex("020000000a02"), bytes.fromhex("01005e010203")
SOURCE4, GROUP4 = IPv4Address("192.168.10.2"), IPv4Address("239.1.2.3")
SOURCE6, GROUP6 = IPv6Address("fe80::2"), IPv6Address("ff15::4d43")


def ethernet(kind: int, packet: bytes, *tags: tuple[int, int], to: bytes = GROUP_MAC) -> bytes:
    """Return a frame; `tags` are EtherType and identifier of each, outermost first."""
    head = to + SOURCE_MAC
    for tag, vlan in tags:
        head += struct.pack("!HH", tag, 0x6000 | vlan)
    return head + struct.pack("!H", kind) + packet


def ipv4(
    protocol: int,
    payload: bytes,
    *,
    to: IPv4Address = GROUP4,
    options: bytes = b"",
    fragment: int = 0,
    ttl: int = 3,
    tos: int = 0x28,
    length: int | None = None,
) -> bytes:
    size = 20 + len(options)
    total = size + len(payload) if length is None else length
    first = struct.pack("!BBHHHBB", 0x40 | size // 4, tos, total, 77, fragment, ttl, protocol)
    rest = SOURCE4.packed + to.packed + options
    checksum = sum(struct.unpack(f"!{size // 2 - 1}H", first + rest))
    checksum = (checksum & 0xFFFF) + (checksum >> 16)  # a bridge looks at it
    checksum = (checksum & 0xFFFF) + (checksum >> 16)
    return first + struct.pack("!H", ~checksum & 0xFFFF) + rest + payload


def ipv6(following: int, payload: bytes, *, to: IPv6Address = GROUP6, length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    return (
        struct.pack("!IHBB", 0x6280_0000 | 0x12345, size, following, 4) + SOURCE6.packed + to.packed + payload
    )


def udp(payload: bytes, *, length: int | None = None, ports: tuple[int, int] = (40000, 6666)) -> bytes:
    return struct.pack("!HHHH", *ports, 8 + len(payload) if length is None else length, 0) + payload


ROUTER_ALERT4 = b"\x94\x04\0\0"
IGMP_JOIN = bytes.fromhex("2200e5f30000000104000000ef050505")
MLD_JOIN = bytes.fromhex("8f0049290000000104000000ff150000000000000000000000005555")


def hop_by_hop(following: int) -> bytes:
    """Return the header with a router alert, as MLD has it (RFC 3810 section 5)."""
    return bytes((following, 0)) + b"\x05\x02\0\0\x01\0"


def fragment6(following: int, offset: int, *, more: bool) -> bytes:
    return struct.pack("!BBHI", following, 0, offset | more, 99)


SOUND = {
    "IPv4": ethernet(0x0800, ipv4(17, udp(b"hello"))),
    "IPv4, empty": ethernet(0x0800, ipv4(17, udp(b""))),
    "IPv4, options": ethernet(0x0800, ipv4(17, udp(b"options"), options=ROUTER_ALERT4 + bytes(4))),
    "IPv4, padded": ethernet(0x0800, ipv4(17, udp(b"x")) + bytes(17)),
    "IPv4, room after UDP": ethernet(0x0800, ipv4(17, udp(b"short", length=11))),
    "IPv4, broadcast": ethernet(
        0x0800, ipv4(17, udp(b"all"), to=IPv4Address("255.255.255.255")), to=b"\xff" * 6
    ),
    "IPv4, subnet's broadcast": ethernet(
        0x0800, ipv4(17, udp(b"net"), to=IPv4Address("192.168.10.255")), to=b"\xff" * 6
    ),
    "IPv4, unicast": ethernet(0x0800, ipv4(17, udp(b"one"), to=IPv4Address("192.168.10.1")), to=SOURCE_MAC),
    "IPv4, group to one's own MAC": ethernet(0x0800, ipv4(17, udp(b"copy")), to=SOURCE_MAC),
    "IPv4, tagged": ethernet(0x0800, ipv4(17, udp(b"vlan")), (0x8100, 42)),
    "IPv4, tagged twice": ethernet(0x0800, ipv4(17, udp(b"qinq")), (0x88A8, 100), (0x8100, 200)),
    "IPv4, priority tag": ethernet(0x0800, ipv4(17, udp(b"prio")), (0x8100, 0)),
    "IPv4, first fragment": ethernet(0x0800, ipv4(17, udp(b"f" * 24, length=5000), fragment=0x2000)),
    "IPv4, later fragment": ethernet(0x0800, ipv4(17, b"g" * 40, fragment=0x2003)),
    "IPv4, last fragment": ethernet(0x0800, ipv4(17, b"h" * 16, fragment=0x0008)),
    "IGMP": ethernet(0x0800, ipv4(2, IGMP_JOIN, options=ROUTER_ALERT4, ttl=1)),
    "IPv4, other protocol": ethernet(0x0800, ipv4(103, b"pim?" * 4)),
    "IPv6": ethernet(0x86DD, ipv6(17, udp(b"hello six"))),
    "IPv6, tagged": ethernet(0x86DD, ipv6(17, udp(b"vlan six")), (0x8100, 7)),
    "IPv6, hop by hop": ethernet(0x86DD, ipv6(0, hop_by_hop(17) + udp(b"hbh"))),
    "IPv6, two extensions": ethernet(0x86DD, ipv6(0, hop_by_hop(60) + hop_by_hop(17) + udp(b"two"))),
    "IPv6, first fragment": ethernet(
        0x86DD, ipv6(44, fragment6(17, 0, more=True) + udp(b"i" * 24, length=4000))
    ),
    "IPv6, later fragment": ethernet(0x86DD, ipv6(44, fragment6(17, 32, more=False) + b"j" * 32)),
    "IPv6, whole in one fragment": ethernet(0x86DD, ipv6(44, fragment6(17, 0, more=False) + udp(b"atom"))),
    "MLD": ethernet(0x86DD, ipv6(0, hop_by_hop(58) + MLD_JOIN)),
    "IPv6, neighbour discovery": ethernet(0x86DD, ipv6(58, b"\x87" + bytes(23))),
}
"""Name -> a frame that is a row."""

UNSOUND = {
    "shorter than Ethernet": SOUND["IPv4"][:13],
    "IPv4, header cut": SOUND["IPv4"][:30],
    "IPv4, ports cut": SOUND["IPv4"][:38],
    "IPv4 called version 6": ethernet(0x0800, b"\x60" + ipv4(17, udp(b"hello"))[1:]),
    "IPv4, header of 16": ethernet(0x0800, b"\x44" + ipv4(17, udp(b"hello"))[1:]),
    "IPv4, header longer than the packet": ethernet(0x0800, b"\x4f" + ipv4(17, udp(b"hello"))[1:]),
    "IPv4, longer than the frame": ethernet(0x0800, ipv4(17, udp(b"hello"), length=900)),
    "IPv4, shorter than its header": ethernet(0x0800, ipv4(17, udp(b"hello"), length=19)),
    "UDP, longer than IP": ethernet(0x0800, ipv4(17, udp(b"hello", length=99))),
    "UDP, shorter than its header": ethernet(0x0800, ipv4(17, udp(b"hello", length=7))),
    "IPv6, header cut": SOUND["IPv6"][:50],
    "IPv6 called version 4": ethernet(0x86DD, b"\x40" + ipv6(17, udp(b"hello"))[1:]),
    "IPv6, longer than the frame": ethernet(0x86DD, ipv6(17, udp(b"hello"), length=900)),
    "IPv6, extension cut": ethernet(0x86DD, ipv6(0, b"\x11\x09" + bytes(6))),
    "IPv6, extension longer than the packet": ethernet(0x86DD, ipv6(0, b"\x11\x01" + bytes(14), length=8)),
    "tagged five times": ethernet(0x0800, ipv4(17, udp(b"deep")), *[(0x8100, 1)] * 5),
}
"""Name -> a frame that claims to be IP and is not sound."""

FOREIGN = {
    "ARP": ethernet(0x0806, bytes(28)),
    "802.3": ethernet(38, b"\x42\x42\x03" + bytes(35)),
    "tagged ARP": ethernet(0x0806, bytes(28), (0x8100, 3)),
}
"""Name -> a frame that is no IP."""


def rows_of(frames: Sequence[bytes], width: int = LEAD + 256) -> tuple[Column, Column]:
    """Return frames as `decode` takes them, among what an earlier frame left, and their lengths."""
    rows = np.full((len(frames), width), 0xEE, np.uint8)
    for row, frame in zip(rows, frames, strict=True):
        row[LEAD : LEAD + len(frame)] = np.frombuffer(frame, np.uint8)
    return rows, np.array([len(frame) for frame in frames], np.uint32)


def decode(rows: Column, captured: Column, lengths: Column) -> Decoded:
    """Decode frames that lie in no ring."""
    words = np.ascontiguousarray(rows[:, :HEAD]).view(">u8").T.astype("<u8")
    return decode_words(words, rows, captured.astype(np.int64), lengths.astype(np.int64))


def put_frame(
    memory: bytearray,
    slot: int,
    frame: bytes,
    *,
    kind: int = 2,
    tag: int | None = None,
    at: int = MAC_AT,
    length: int | None = None,
    ifindex: int = 5,
) -> None:
    """Put a frame into a ring as the kernel would: struct tpacket2_hdr, struct sockaddr_ll, octets."""
    status = 1 if tag is None else 1 | 1 << 4
    head = struct.pack(
        "=IIIHHIIHH4x", status, length or len(frame), len(frame), at, NETWORK_AT,
        1_700_000_000 + slot, 123_456_789, tag or 0, 0x8100,
    ) + struct.pack("=HHiHBB8s", 17, 0, ifindex, 1, kind, 6, b"")  # fmt: skip
    begin = slot * FRAME_SIZE
    memory[begin : begin + len(head)] = head
    memory[begin + at : begin + at + len(frame)] = frame
