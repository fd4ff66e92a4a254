"""What of IGMP has no twin in MLD; `test_membership_messages` has the rest."""

from ipaddress import IPv4Address

from mcast_tui.wire.membership.describe import describe
from mcast_tui.wire.membership.heard import hear
from mcast_tui.wire.membership.message import GroupRecord, GroupReport, Heard, RecordReport
from tests.wire.igmp_cases import EVERY_RECORD, GROUP, V2, V3
from tests.wire.membership_frames import ALL4, HOST4, MAC, body_of, frame_of, igmp_packet, packet_of


def test_a_frame_says_who_said_it_where_and_its_padding_is_not_read():
    message = RecordReport(V3, EVERY_RECORD[:1])
    frame = frame_of(packet_of(message) + b"\0" * 18, received_at=5, ifindex=7, is_outgoing=True, vlan=10)
    assert hear(frame) == Heard(5, 7, True, HOST4, ALL4, 1, MAC, 10, message)


def test_igmp_receivers_check_neither_ttl_nor_router_alert_so_neither_is_refused():
    message = GroupReport(V2, GROUP)
    heard = hear(frame_of(igmp_packet(body_of(message), IPv4Address("0.0.0.0"), ttl=64, options=b"")))
    assert (heard.message, heard.hop_limit) == (message, 64)


def test_a_thousand_sources_are_described_briefly():
    many = tuple(IPv4Address(number) for number in range(1, 1000))
    report = RecordReport(V3, (GroupRecord(9, GROUP, many),))
    assert describe(report) == (
        "IGMPv3 report: unknown record type 9 239.5.5.5 {0.0.0.1, 0.0.0.2, 0.0.0.3, 0.0.0.4 and 995 more}"
    )
