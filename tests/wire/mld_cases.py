"""MLD as tables: every message, what Linux sent, and packets that receivers ignore."""

from ipaddress import IPv6Address, ip_address

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
from mcast_tui.wire.membership.mld import decode_mld
from tests.wire.families import Family
from tests.wire.membership_frames import body_of, mld_packet

GROUP, S1, S2 = map(ip_address, ("ff15::5555", "fd00::1", "fd00::2"))
NOBODY, GLOBAL = IPv6Address("::"), IPv6Address("fd00::3")
V1, V2 = Protocol.MLDV1, Protocol.MLDV2
EVERY_RECORD = tuple(
    GroupRecord(kind, GROUP + number, (S1, S2)[: number % 3]) for number, kind in enumerate([*RecordType, 9])
)
EVERY_MESSAGE = (
    Query(V1, None, (), 10.0),
    Query(V1, GROUP, (), 1.0),
    Query(V2, None, (), 10.0, False, 2, 125),
    Query(V2, GROUP, (), 1.0, True, 7, 0),
    Query(V2, GROUP, (S1, S2), 32.768, True, None, 128),
    Query(V2, GROUP, (S1,), 8387.584, False, 1, 31744),
    GroupReport(V1, GROUP),
    Leave(V1, GROUP),
    RecordReport(V2, EVERY_RECORD),
    RecordReport(V2, ()),
)
DESCRIBED = (
    "MLDv1 general query, max 10 s",
    "MLDv1 address-specific query ff15::5555, max 1 s",
    "MLDv2 general query, max 10 s, QRV 2, every 125 s",
    "MLDv2 address-specific query ff15::5555, max 1 s, S, QRV 7",
    ("MLDv2 address-and-source-specific query ff15::5555, max 32.768 s, {fd00::1, fd00::2}, S, every 128 s"),
    ("MLDv2 address-and-source-specific query ff15::5555, max 8387.58 s, {fd00::1}, QRV 1, every 31744 s"),
    "MLDv1 Report ff15::5555",
    "MLDv1 Done ff15::5555",
    (
        "MLDv2 report: MODE_IS_INCLUDE ff15::5555 {}; MODE_IS_EXCLUDE ff15::5556 {fd00::1}; "
        "CHANGE_TO_INCLUDE_MODE ff15::5557 {fd00::1, fd00::2}; and 4 more records"
    ),
    "MLDv2 report: no records",
)

CAPTURED = {
    f"8f00492900000001 04000000{GROUP.packed.hex()}": RecordReport(
        V2, (GroupRecord(RecordType.CHANGE_TO_EXCLUDE_MODE, GROUP),)
    ),
    f"8200647803e80000 {NOBODY.packed.hex()} 020a0000": Query(V2, None, (), 1.0, False, 2, 10),
}

SOUND = body_of(GroupReport(V1, GROUP))
QUERY2 = body_of(Query(V2, None, (), 10.0, False, 2, 125))
BAD = (
    (mld_packet(SOUND)[:39], "in part"),
    (mld_packet(SOUND)[:-1], "in part"),
    (mld_packet(SOUND, good=False), "checksum"),
    (mld_packet(SOUND, following=17), "neither"),
    (mld_packet(SOUND, following=44), "fragment"),
    (mld_packet(SOUND, following=44, options=b""), "fragment"),
    (mld_packet(SOUND, options=b""), "Router Alert"),
    (mld_packet(SOUND, options=bytes.fromhex("010400000000")), "Router Alert"),
    (mld_packet(SOUND, options=bytes.fromhex("050200010100")), "Router Alert"),
    (mld_packet(SOUND, options=bytes.fromhex("050200000105")), "hop-by-hop"),
    (mld_packet(SOUND, options=bytes.fromhex("050200000001")), "hop-by-hop"),
    (mld_packet(SOUND)[:41] + b"\xff" + mld_packet(SOUND)[42:], "hop-by-hop"),
    (mld_packet(SOUND, hop_limit=2), "hop limit"),
    (mld_packet(SOUND, GLOBAL), "link-local"),
    (mld_packet(SOUND[:7]), "shorter"),
    (mld_packet(SOUND[:23]), "shorter"),
    (mld_packet(b"\x87" + SOUND[1:]), "no MLD"),
    (mld_packet(SOUND[:8] + S1.packed), "no group"),
    (mld_packet(SOUND[:8] + NOBODY.packed), "no group"),
    (mld_packet(body_of(Query(V2, S1, (), 1.0, False, 2, 125))), "no group"),
    (mld_packet(body_of(RecordReport(V2, (GroupRecord(1, S1),)))), "no group"),
    (mld_packet(QUERY2[:25]), "a length no version has"),
    (mld_packet(QUERY2[:27]), "a length no version has"),
    (mld_packet(body_of(Query(V2, None, (S1,), 1.0, False, 2, 125))), "general query that lists sources"),
    (mld_packet(body_of(EVERY_MESSAGE[4])[:-1]), "within its sources"),
    (mld_packet(body_of(RecordReport(V2, EVERY_RECORD[:2]))[:-16]), "within its records"),
    (mld_packet(b"\x8f" + b"\0" * LONGEST_MESSAGE), "longer than any frame"),
)

TRAFFIC_CLASS_AND_FLOW, PADDING = range(4), range(46, 48)
MLD = Family(
    6,
    V2,
    decode_mld,
    mld_packet,
    EVERY_MESSAGE,
    DESCRIBED,
    CAPTURED,
    BAD,
    unguarded=frozenset({*TRAFFIC_CLASS_AND_FLOW, *PADDING}),
)
