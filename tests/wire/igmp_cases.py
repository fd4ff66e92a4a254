"""IGMP as tables: every message, what Linux sent, and packets that receivers ignore."""

from ipaddress import IPv4Address, ip_address

from mcast_tui.wire.membership.igmp import decode_igmp
from mcast_tui.wire.membership.message import (
    LONGEST_MESSAGE,
    GroupRecord,
    GroupReport,
    Leave,
    Protocol,
    Query,
    RecordReport,
    RecordType,
)
from tests.wire.families import Family
from tests.wire.membership_frames import body_of, igmp_packet

GROUP, S1, S2 = map(ip_address, ("239.5.5.5", "192.168.10.1", "192.168.10.2"))
V1, V2, V3 = Protocol.IGMPV1, Protocol.IGMPV2, Protocol.IGMPV3
EVERY_RECORD = tuple(
    GroupRecord(kind, GROUP + number, (S1, S2)[: number % 3]) for number, kind in enumerate([*RecordType, 9])
)
EVERY_MESSAGE = (
    Query(V1, None, (), None),
    Query(V2, None, (), 10.0),
    Query(V2, GROUP, (), 1.0),
    Query(V3, None, (), 10.0, False, 2, 125),
    Query(V3, GROUP, (), 1.0, True, 7, 0),
    Query(V3, GROUP, (S1, S2), 12.8, True, None, 128),
    Query(V3, GROUP, (S1,), 3174.4, False, 1, 31744),
    GroupReport(V1, GROUP),
    GroupReport(V2, GROUP),
    Leave(V2, GROUP),
    RecordReport(V3, EVERY_RECORD),
    RecordReport(V3, ()),
)
DESCRIBED = (
    "IGMPv1 general query",
    "IGMPv2 general query, max 10 s",
    "IGMPv2 group-specific query 239.5.5.5, max 1 s",
    "IGMPv3 general query, max 10 s, QRV 2, every 125 s",
    "IGMPv3 group-specific query 239.5.5.5, max 1 s, S, QRV 7",
    (
        "IGMPv3 group-and-source-specific query 239.5.5.5, max 12.8 s, "
        "{192.168.10.1, 192.168.10.2}, S, every 128 s"
    ),
    ("IGMPv3 group-and-source-specific query 239.5.5.5, max 3174.4 s, {192.168.10.1}, QRV 1, every 31744 s"),
    "IGMPv1 Membership Report 239.5.5.5",
    "IGMPv2 Membership Report 239.5.5.5",
    "IGMPv2 Leave Group 239.5.5.5",
    (
        "IGMPv3 report: MODE_IS_INCLUDE 239.5.5.5 {}; MODE_IS_EXCLUDE 239.5.5.6 {192.168.10.1}; "
        "CHANGE_TO_INCLUDE_MODE 239.5.5.7 {192.168.10.1, 192.168.10.2}; and 4 more records"
    ),
    "IGMPv3 report: no records",
)


def _record(kind: RecordType) -> RecordReport:
    return RecordReport(V3, (GroupRecord(kind, GROUP),))


CAPTURED = {
    "2200e5f300000001 04000000ef050505": _record(RecordType.CHANGE_TO_EXCLUDE_MODE),
    "2200e6f300000001 03000000ef050505": _record(RecordType.CHANGE_TO_INCLUDE_MODE),
    "110aeceb00000000 020a0000": Query(V3, None, (), 1.0, False, 2, 10),
}

SOUND = body_of(GroupReport(V2, GROUP))
QUERY3 = body_of(Query(V3, None, (), 10.0, False, 2, 125))
BAD = (
    (b"", "no IPv4 or IPv6"),
    (b"\x50" * 60, "no IPv4 or IPv6"),
    (igmp_packet(SOUND)[:19], "in part"),
    (igmp_packet(SOUND)[:-1], "in part"),
    (b"\x44" + igmp_packet(SOUND)[1:], "bad IP header"),
    (igmp_packet(SOUND)[:8] + b"\x02" + igmp_packet(SOUND)[9:], "bad IP header"),
    (igmp_packet(SOUND, good=False), "checksum"),
    (igmp_packet(SOUND, protocol=17), "neither"),
    (igmp_packet(SOUND, fragment=0x2000), "fragment"),
    (igmp_packet(SOUND, fragment=1), "fragment"),
    (igmp_packet(SOUND, GROUP), "no host's address"),
    (igmp_packet(SOUND, IPv4Address("255.255.255.255")), "no host's address"),
    (igmp_packet(SOUND, IPv4Address("127.0.0.1")), "no host's address"),
    (igmp_packet(SOUND[:7]), "shorter than 8"),
    (igmp_packet(b"\x13" + SOUND[1:]), "no query, report or leave"),
    (igmp_packet(SOUND[:4] + S1.packed), "no group"),
    (igmp_packet(body_of(Query(V2, S1, (), 1.0))), "no group"),
    (igmp_packet(body_of(Query(V3, S1, (), 1.0, False, 2, 125))), "no group"),
    (igmp_packet(body_of(RecordReport(V3, (GroupRecord(1, S1),)))), "no group"),
    (igmp_packet(QUERY3[:9]), "a length no version has"),
    (igmp_packet(QUERY3[:11]), "a length no version has"),
    (
        igmp_packet(body_of(Query(V3, None, (S1,), 1.0, False, 2, 125))),
        "general query that lists sources",
    ),
    (igmp_packet(body_of(EVERY_MESSAGE[5])[:-1]), "within its sources"),
    (igmp_packet(body_of(RecordReport(V3, EVERY_RECORD[:2]))[:-4]), "within its records"),
    (igmp_packet(body_of(RecordReport(V3, EVERY_RECORD[:1]), b"1234")[:-1]), "within its records"),
    (igmp_packet(b"\x22" + b"\0" * LONGEST_MESSAGE), "longer than any frame"),
)

IGMP = Family(4, V3, decode_igmp, igmp_packet, EVERY_MESSAGE, DESCRIBED, CAPTURED, BAD)
