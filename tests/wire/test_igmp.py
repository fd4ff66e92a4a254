"""IGMP decoded: the standards' rules, captured bytes, tshark's reading, and any bytes at all."""

from ipaddress import IPv4Address, ip_address

from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.wire.membership.describe import describe
from mcast_tui.wire.membership.heard import hear
from mcast_tui.wire.membership.igmp import decode_igmp
from mcast_tui.wire.membership.message import (
    LONGEST_MESSAGE,
    GroupRecord,
    GroupReport,
    Heard,
    Leave,
    Protocol,
    Query,
    RecordReport,
    RecordType,
    Refused,
)
from tests.wire.cases import each_of
from tests.wire.membership_frames import (
    ALL4,
    HOST4,
    MAC,
    as_tshark_reads,
    body_of,
    frame_of,
    igmp_packet,
    packet_of,
    pcap_of,
    read_by_tshark,
)

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


def test_what_linux_sent_is_read():
    def record(kind, *sources):
        return RecordReport(V3, (GroupRecord(kind, GROUP, sources),))

    captured = {
        "2200e5f300000001 04000000ef050505": record(RecordType.CHANGE_TO_EXCLUDE_MODE),
        "2200e6f300000001 03000000ef050505": record(RecordType.CHANGE_TO_INCLUDE_MODE),
        "110aeceb00000000 020a0000": Query(V3, None, (), 1.0, False, 2, 10),
    }
    for octets, message in captured.items():
        assert decode_igmp(bytes.fromhex(octets)) == message


def test_every_message_is_read_as_tshark_reads_it():
    heard = [hear(frame_of(packet_of(message))) for message in EVERY_MESSAGE]
    assert [each.message for each in heard] == list(EVERY_MESSAGE)
    theirs = read_by_tshark(pcap_of(map(packet_of, EVERY_MESSAGE)), 4)
    assert [as_tshark_reads(each) for each in heard] == theirs


def test_auxiliary_data_and_what_stands_behind_the_last_field_are_skipped():
    for message in EVERY_MESSAGE:
        if isinstance(message, RecordReport):
            assert decode_igmp(body_of(message, b"auxiliar") + b"more") == message
        elif message.protocol is not V1 or not isinstance(message, Query):
            longer = body_of(message) + b"\0" * 4 * (not isinstance(message, Query) or message.protocol is V3)
            assert decode_igmp(longer) == message


def test_a_frame_says_who_said_it_where_and_its_padding_is_not_read():
    message = RecordReport(V3, EVERY_RECORD[:1])
    frame = frame_of(packet_of(message) + b"\0" * 18, received_at=5, ifindex=7, is_outgoing=True, vlan=10)
    assert hear(frame) == Heard(5, 7, True, HOST4, ALL4, 1, MAC, 10, message)


def test_igmp_receivers_check_neither_ttl_nor_router_alert_so_neither_is_refused():
    message = GroupReport(V2, GROUP)
    heard = hear(frame_of(igmp_packet(body_of(message), IPv4Address("0.0.0.0"), ttl=64, options=b"")))
    assert (heard.message, heard.hop_limit) == (message, 64)


SOUND = body_of(GroupReport(V2, GROUP))
QUERY3 = body_of(Query(V3, None, (), 10.0, False, 2, 125))


@each_of(
    ("packet", "reason"),
    [
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
    ],
)
def test_what_receivers_ignore_is_refused_with_the_reason(packet, reason):
    refused = hear(frame_of(packet))
    assert isinstance(refused, Refused)
    assert reason in refused.reason


def test_messages_are_described_in_the_standards_words_and_briefly():
    assert [describe(message) for message in EVERY_MESSAGE] == [
        "IGMPv1 general query",
        "IGMPv2 general query, max 10 s",
        "IGMPv2 group-specific query 239.5.5.5, max 1 s",
        "IGMPv3 general query, max 10 s, QRV 2, every 125 s",
        "IGMPv3 group-specific query 239.5.5.5, max 1 s, S, QRV 7",
        (
            "IGMPv3 group-and-source-specific query 239.5.5.5, max 12.8 s, "
            "{192.168.10.1, 192.168.10.2}, S, every 128 s"
        ),
        (
            "IGMPv3 group-and-source-specific query 239.5.5.5, max 3174.4 s, "
            "{192.168.10.1}, QRV 1, every 31744 s"
        ),
        "IGMPv1 Membership Report 239.5.5.5",
        "IGMPv2 Membership Report 239.5.5.5",
        "IGMPv2 Leave Group 239.5.5.5",
        (
            "IGMPv3 report: MODE_IS_INCLUDE 239.5.5.5 {}; MODE_IS_EXCLUDE 239.5.5.6 {192.168.10.1}; "
            "CHANGE_TO_INCLUDE_MODE 239.5.5.7 {192.168.10.1, 192.168.10.2}; and 4 more records"
        ),
        "IGMPv3 report: no records",
    ]
    many = tuple(IPv4Address(number) for number in range(1, 1000))
    report = RecordReport(V3, (GroupRecord(9, GROUP, many),))
    assert describe(report) == (
        "IGMPv3 report: unknown record type 9 239.5.5.5 {0.0.0.1, 0.0.0.2, 0.0.0.3, 0.0.0.4 and 995 more}"
    )


def is_decoded_or_refused(packet: bytes) -> None:
    heard = hear(frame_of(packet))
    assert isinstance(heard, Heard | Refused)
    if isinstance(heard, Heard):
        assert len(describe(heard.message)) < 600


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(data):
    is_decoded_or_refused(data)
    is_decoded_or_refused(igmp_packet(data.ljust(8, b"\0")))


@given(st.sampled_from(EVERY_MESSAGE), st.data())
def test_any_change_of_a_sound_message_is_decoded_or_refused(message, data):
    body = bytearray(body_of(message))
    for _ in range(data.draw(st.integers(0, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    packet = igmp_packet(bytes(body[: data.draw(st.integers(4, len(body)))]))
    is_decoded_or_refused(packet)
    damaged = bytearray(packet)
    damaged[data.draw(st.integers(0, len(packet) - 1))] ^= data.draw(st.integers(1, 255))
    assert isinstance(hear(frame_of(bytes(damaged))), Refused)
