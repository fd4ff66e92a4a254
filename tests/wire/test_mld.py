"""MLD decoded: the standards' rules, captured bytes, tshark's reading, and any bytes at all."""

from ipaddress import IPv6Address, ip_address

from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.wire.membership.describe import describe
from mcast_tui.wire.membership.heard import hear
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
from mcast_tui.wire.membership.mld import decode_mld
from tests.wire.cases import each_of
from tests.wire.membership_frames import (
    as_tshark_reads,
    body_of,
    frame_of,
    mld_packet,
    packet_of,
    pcap_of,
    read_by_tshark,
)

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


def test_what_linux_sent_is_read():
    record = GroupRecord(RecordType.CHANGE_TO_EXCLUDE_MODE, GROUP)
    captured = {
        f"8f00492900000001 04000000{GROUP.packed.hex()}": RecordReport(V2, (record,)),
        f"8200647803e80000 {NOBODY.packed.hex()} 020a0000": Query(V2, None, (), 1.0, False, 2, 10),
    }
    for octets, message in captured.items():
        assert decode_mld(bytes.fromhex(octets)) == message


def test_every_message_is_read_as_tshark_reads_it():
    heard = [hear(frame_of(packet_of(message))) for message in EVERY_MESSAGE]
    assert [each.message for each in heard] == list(EVERY_MESSAGE)
    theirs = read_by_tshark(pcap_of(map(packet_of, EVERY_MESSAGE)), 6)
    assert [as_tshark_reads(each) for each in heard] == theirs


def test_auxiliary_data_and_what_stands_behind_the_last_field_are_skipped():
    for message in EVERY_MESSAGE:
        if isinstance(message, RecordReport):
            assert decode_mld(body_of(message, b"auxiliar") + b"more") == message
        elif not isinstance(message, Query) or message.protocol is V2:
            assert decode_mld(body_of(message) + b"more") == message


def test_a_host_without_an_address_may_report_and_not_ask():
    for message in EVERY_MESSAGE:
        heard = hear(frame_of(packet_of(message, source=NOBODY)))
        assert isinstance(heard, Refused if isinstance(message, Query) else Heard)


def test_other_options_beside_the_alert_are_skipped_unless_they_demand_a_discard():
    message = GroupReport(V1, GROUP)
    sound = {
        "first": "050200000100",
        "padded": "0000050200000104 000000000000",
        "unknown": "1e02abcd05020000 01040000 0000",
    }
    for options in sound.values():
        assert hear(frame_of(packet_of(message, options=bytes.fromhex(options)))).message == message
    refused = hear(frame_of(packet_of(message, options=bytes.fromhex("5e02abcd05020000010400000000"))))
    assert refused == Refused("bad hop-by-hop options")


SOUND = body_of(GroupReport(V1, GROUP))
QUERY2 = body_of(Query(V2, None, (), 10.0, False, 2, 125))


@each_of(
    ("packet", "reason"),
    [
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
    ],
)
def test_what_receivers_ignore_is_refused_with_the_reason(packet, reason):
    refused = hear(frame_of(packet))
    assert isinstance(refused, Refused)
    assert reason in refused.reason


def test_messages_are_described_in_the_standards_words_and_briefly():
    assert [describe(message) for message in EVERY_MESSAGE] == [
        "MLDv1 general query, max 10 s",
        "MLDv1 address-specific query ff15::5555, max 1 s",
        "MLDv2 general query, max 10 s, QRV 2, every 125 s",
        "MLDv2 address-specific query ff15::5555, max 1 s, S, QRV 7",
        (
            "MLDv2 address-and-source-specific query ff15::5555, max 32.768 s, "
            "{fd00::1, fd00::2}, S, every 128 s"
        ),
        (
            "MLDv2 address-and-source-specific query ff15::5555, max 8387.58 s, "
            "{fd00::1}, QRV 1, every 31744 s"
        ),
        "MLDv1 Report ff15::5555",
        "MLDv1 Done ff15::5555",
        (
            "MLDv2 report: MODE_IS_INCLUDE ff15::5555 {}; MODE_IS_EXCLUDE ff15::5556 {fd00::1}; "
            "CHANGE_TO_INCLUDE_MODE ff15::5557 {fd00::1, fd00::2}; and 4 more records"
        ),
        "MLDv2 report: no records",
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(data):
    for packet in (b"\x60" + data, mld_packet(data.ljust(8, b"\0"))):
        assert isinstance(hear(frame_of(packet)), Heard | Refused)


@given(st.binary(max_size=400))
def test_any_options_are_read_or_refused(data):
    options = data.ljust((len(data) + 2 + 7) // 8 * 8 - 2, b"\0")
    assert isinstance(hear(frame_of(mld_packet(SOUND, options=options))), Heard | Refused)


@given(st.sampled_from(EVERY_MESSAGE), st.data())
def test_any_change_of_a_sound_message_is_decoded_or_refused(message, data):
    body = bytearray(body_of(message))
    for _ in range(data.draw(st.integers(0, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    packet = mld_packet(bytes(body[: data.draw(st.integers(4, len(body)))]))
    heard = hear(frame_of(packet))
    assert isinstance(heard, Heard | Refused)
    if isinstance(heard, Heard):
        assert len(describe(heard.message)) < 1000
    damaged = bytearray(packet)
    damaged[data.draw(st.integers(0, len(packet) - 1))] ^= data.draw(st.integers(1, 255))
    assert isinstance(hear(frame_of(bytes(damaged))), Heard | Refused)
