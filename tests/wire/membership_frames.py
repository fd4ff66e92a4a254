"""IGMP and MLD written and read by others: messages as frames, pcap, and tshark's reading of it."""

from __future__ import annotations

import re
import struct
import subprocess
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from mcast_tui.wire.membership.message import (
    ControlFrame,
    GroupReport,
    Heard,
    Leave,
    Protocol,
    Query,
    RecordReport,
)
from tests.peers import need

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcast_tui.wire.membership.message import MembershipMessage

HOST4, HOST6 = IPv4Address("192.168.10.3"), IPv6Address("fe80::3")
ALL4, ALL6 = IPv4Address("224.0.0.22"), IPv6Address("ff02::16")
MAC = bytes.fromhex("0200c0a80a03")
ROUTER_ALERT4 = bytes.fromhex("94040000")
ROUTER_ALERT6 = bytes.fromhex("0502000001 00")
"""Behind the two bytes of the hop-by-hop header: the alert, and one option of padding."""

IGMP_TYPES = {
    (Query, Protocol.IGMPV1): 0x11,
    (Query, Protocol.IGMPV2): 0x11,
    (Query, Protocol.IGMPV3): 0x11,
    (GroupReport, Protocol.IGMPV1): 0x12,
    (GroupReport, Protocol.IGMPV2): 0x16,
    (Leave, Protocol.IGMPV2): 0x17,
    (RecordReport, Protocol.IGMPV3): 0x22,
}
MLD_TYPES = {
    (Query, Protocol.MLDV1): 130,
    (Query, Protocol.MLDV2): 130,
    (GroupReport, Protocol.MLDV1): 131,
    (Leave, Protocol.MLDV1): 132,
    (RecordReport, Protocol.MLDV2): 143,
}


def checksum(octets: bytes) -> int:
    """RFC 1071, word by word."""
    total = 0
    for high, low in zip(octets[::2], (*octets[1::2], *b"\0"[: len(octets) % 2]), strict=True):
        total += high << 8 | low
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def code_of(value: int, mantissa_bits: int) -> int:
    """The code that stands for a value, RFC 3376 section 4.1.1; the largest one below it where none does."""
    if value < 1 << (mantissa_bits + 3):
        return value
    exponent = min(7, value.bit_length() - mantissa_bits - 4)
    return (
        1 << (mantissa_bits + 3) | exponent << mantissa_bits | value >> (exponent + 3) & ~(1 << mantissa_bits)
    )


def body_of(message: MembershipMessage, auxiliary: bytes = b"") -> bytes:
    """The octets of a message, its checksum 0; `auxiliary` data goes behind each record."""
    is_igmp = message.protocol.family == 4
    kind = (IGMP_TYPES if is_igmp else MLD_TYPES)[type(message), message.protocol]
    if isinstance(message, RecordReport):
        records = b"".join(
            struct.pack("!BBH", record.type, len(auxiliary) // 4, len(record.sources))
            + record.group.packed
            + b"".join(source.packed for source in record.sources)
            + auxiliary
            for record in message.records
        )
        return struct.pack("!BxxxxxH", kind, len(message.records)) + records
    nobody = b"\0" * (4 if is_igmp else 16)
    group = nobody if message.group is None else message.group.packed
    wait = 0
    if isinstance(message, Query) and message.max_response_s is not None:
        unit, bits = (10, 4) if is_igmp else (1000, 12)
        value = round(message.max_response_s * unit)
        wait = value if message.interval_s is None else code_of(value, bits)
    head = struct.pack("!BBH", kind, wait, 0) if is_igmp else struct.pack("!BxxxHxx", kind, wait)
    tail = b""
    if isinstance(message, Query) and message.interval_s is not None:
        flags = (message.suppress or 0) << 3 | (message.robustness or 0)
        tail = struct.pack("!BBH", flags, code_of(message.interval_s, 4), len(message.sources))
        tail += b"".join(source.packed for source in message.sources)
    return head + group + tail


def igmp_packet(
    body: bytes,
    source=HOST4,
    destination=ALL4,
    *,
    ttl=1,
    options=ROUTER_ALERT4,
    protocol=2,
    fragment=0,
    good=True,
) -> bytes:
    """An IPv4 packet of these octets, both checksums right unless it is not to be `good`."""
    body = body[:2] + b"\0\0" + body[4:]
    right = checksum(body) ^ (not good)
    body = body[:2] + right.to_bytes(2, "big") + body[4:]
    words, length = 5 + len(options) // 4, 20 + len(options) + len(body)
    addresses = source.packed + destination.packed + options
    header = struct.pack("!BBHHHBBH", 0x40 | words, 0xC0, length, 0, fragment, ttl, protocol, 0) + addresses
    return header[:10] + checksum(header).to_bytes(2, "big") + header[12:] + body


def mld_packet(
    body: bytes,
    source=HOST6,
    destination=ALL6,
    *,
    hop_limit=1,
    options=ROUTER_ALERT6,
    following=58,
    good=True,
) -> bytes:
    """An IPv6 packet of these octets behind a hop-by-hop header, or none without options."""
    body = body[:2] + b"\0\0" + body[4:]
    pseudo_header = source.packed + destination.packed + struct.pack("!II", len(body), 58)
    right = checksum(pseudo_header + body) ^ (not good)
    body = body[:2] + right.to_bytes(2, "big") + body[4:]
    hop_by_hop = bytes([following, (len(options) + 2) // 8 - 1]) + options if options else b""
    rest = hop_by_hop + body
    first = 0 if options else following
    return (
        struct.pack("!IHBB", 6 << 28, len(rest), first, hop_limit) + source.packed + destination.packed + rest
    )


def packet_of(message: MembershipMessage, **options) -> bytes:
    """A sound packet of a message."""
    write = igmp_packet if message.protocol.family == 4 else mld_packet
    return write(body_of(message), **options)


def frame_of(packet: bytes, **facts) -> ControlFrame:
    """A tapped frame of a packet."""
    told = {"received_at": 1, "ifindex": 3, "is_outgoing": False, "source_mac": MAC, "vlan": None, **facts}
    return ControlFrame(packet=packet, **told)


def pcap_of(packets: Iterable[bytes]) -> bytes:
    """Packets as an Ethernet capture: pcap-savefile(5)."""
    saved = [struct.pack("=IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for packet in packets:
        kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
        frame = bytes.fromhex("01005e000016") + MAC + kind.to_bytes(2, "big") + packet
        saved.append(struct.pack("=IIII", 0, 0, len(frame), len(frame)) + frame)
    return b"".join(saved)


def frames_in(pcap: bytes) -> list[ControlFrame]:
    """The whole untagged frames of an Ethernet capture, as a tap would hand them on."""
    frames, at = [], 24
    while at + 16 <= len(pcap):
        seconds, fraction, length = struct.unpack_from("=III", pcap, at)
        frame = pcap[at + 16 : at + 16 + length]
        if len(frame) < length:
            break
        at += 16 + length
        received_at = seconds * 1_000_000_000 + fraction * 1000
        frames.append(frame_of(frame[14:], source_mac=frame[6:12], received_at=received_at))
    return frames


FIELDS = {
    4: ("ip.src", "ip.dst", "ip.ttl", "igmp.type", "igmp.version", "igmp.max_resp", "igmp.s", "igmp.qrv",
        "igmp.qqic", "igmp.num_grp_recs", "igmp.record_type", "igmp.num_src", "igmp.maddr", "igmp.saddr",
        "igmp.checksum.status"),
    6: ("ipv6.src", "ipv6.dst", "ipv6.hlim", "icmpv6.type", "icmpv6.mld.maximum_response_delay",
        "icmpv6.mld.maximum_response_code", "icmpv6.mld.flag.s", "icmpv6.mld.flag.qrv", "icmpv6.mld.qqi",
        "icmpv6.mldr.nb_mcast_records", "icmpv6.mldr.mar.record_type", "icmpv6.mld.nb_sources",
        "icmpv6.mldr.mar.nb_sources", "icmpv6.mld.multicast_address", "icmpv6.mldr.mar.multicast_address",
        "icmpv6.mld.source_address", "icmpv6.mldr.mar.source_address", "icmpv6.checksum.status"),
}  # fmt: skip


def read_by_tshark(pcap: bytes, family: int) -> list[dict[str, str]]:
    """What tshark reads in each frame of a family: every field of the message, lists joined by ``|``."""
    need("tshark")
    names = FIELDS[family]
    asked = [part for name in names for part in ("-e", name)]
    style = ["-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=|"]
    command = [
        "tshark",
        "-n",
        "-r",
        "-",
        "-Y",
        "igmp" if family == 4 else "icmpv6",
        "-T",
        "fields",
        *style,
        *asked,
    ]
    read = subprocess.run(command, input=pcap, capture_output=True, check=True, timeout=60)
    return [dict(zip(names, line.split("\t"), strict=True)) for line in read.stdout.decode().splitlines()]


def record_names_of_tshark(pcap: bytes) -> dict[int, str]:
    """What tshark calls each type of record that is in the frames: ``{3: "Change To Include Mode", ...}``."""
    need("tshark")
    command = ["tshark", "-n", "-V", "-r", "-"]
    read = subprocess.run(command, input=pcap, capture_output=True, check=True, timeout=60).stdout.decode()
    named = re.findall(r"^ *Record Type: (.+) \((\d+)\)$", read, re.MULTILINE)
    return {int(number): name for name, number in named}


def as_tshark_reads(heard: Heard) -> dict[str, str]:
    """What tshark must read in the frame of a message, if we read it right: each of its `FIELDS`."""
    family = heard.message.protocol.family
    told = dict.fromkeys(FIELDS[family], "")
    network = ("ip.src", "ip.dst", "ip.ttl") if family == 4 else ("ipv6.src", "ipv6.dst", "ipv6.hlim")
    told |= zip(network, map(str, (heard.source, heard.destination, heard.hop_limit)), strict=True)
    told |= (_igmp_fields if family == 4 else _mld_fields)(heard.message)
    return told


def _igmp_fields(message: MembershipMessage) -> dict[str, str]:
    protocol = message.protocol
    told = {
        "igmp.type": f"{IGMP_TYPES[type(message), protocol]:#04x}",
        "igmp.version": protocol.value[-1],
        "igmp.checksum.status": "1",
    }
    if isinstance(message, RecordReport):
        return told | _record_fields(
            message, "igmp.num_grp_recs", "igmp.record_type", "igmp.num_src", "igmp.maddr", "igmp.saddr"
        )
    told["igmp.maddr"] = str(message.group or "0.0.0.0")
    if protocol is Protocol.IGMPV2:
        told["igmp.max_resp"] = "0"
    if isinstance(message, Query) and message.max_response_s is not None:
        told["igmp.max_resp"] = f"{message.max_response_s * 10:.0f}"
    if isinstance(message, Query) and message.interval_s is not None:
        told |= {
            "igmp.s": str(int(message.suppress)),
            "igmp.qrv": str(message.robustness or 0),
            "igmp.qqic": str(code_of(message.interval_s, 4)),  # tshark shows the code
            "igmp.num_src": str(len(message.sources)),
            "igmp.saddr": "|".join(map(str, message.sources)),
        }
    return told


def _mld_fields(message: MembershipMessage) -> dict[str, str]:
    told = {"icmpv6.type": str(MLD_TYPES[type(message), message.protocol]), "icmpv6.checksum.status": "1"}
    if isinstance(message, RecordReport):
        record = "icmpv6.mldr.mar."
        return told | _record_fields(
            message, "icmpv6.mldr.nb_mcast_records", f"{record}record_type", f"{record}nb_sources",
            f"{record}multicast_address", f"{record}source_address",
        )  # fmt: skip
    told["icmpv6.mld.multicast_address"] = str(message.group or "::")
    if message.protocol is Protocol.MLDV1:
        told["icmpv6.mld.maximum_response_delay"] = "0"
    if isinstance(message, Query):
        is_first = message.protocol is Protocol.MLDV1
        name = f"icmpv6.mld.maximum_response_{'delay' if is_first else 'code'}"
        told[name] = f"{message.max_response_s * 1000:.0f}"
    if isinstance(message, Query) and message.interval_s is not None:
        told |= {
            "icmpv6.mld.flag.s": str(int(message.suppress)),
            "icmpv6.mld.flag.qrv": str(message.robustness or 0),
            "icmpv6.mld.qqi": str(message.interval_s),
            "icmpv6.mld.nb_sources": str(len(message.sources)),
            "icmpv6.mld.source_address": "|".join(map(str, message.sources)),
        }
    return told


def _record_fields(
    message: RecordReport, count: str, kind: str, sources: str, group: str, source: str
) -> dict[str, str]:
    return {
        count: str(len(message.records)),
        kind: "|".join(str(int(record.type)) for record in message.records),
        sources: "|".join(str(len(record.sources)) for record in message.records),
        group: "|".join(str(record.group) for record in message.records),
        source: "|".join(str(source) for record in message.records for source in record.sources),
    }
