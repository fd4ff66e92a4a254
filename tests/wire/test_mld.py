"""What of MLD has no twin in IGMP: IPv6's addresses and options; `test_membership_messages` has the rest."""

from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.wire.membership.heard import hear
from mcast_tui.wire.membership.message import GroupReport, Heard, Query, Refused
from tests.wire.membership_frames import frame_of, mld_packet, packet_of
from tests.wire.mld_cases import EVERY_MESSAGE, GROUP, NOBODY, SOUND, V1


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


@given(st.binary(max_size=400))
def test_any_options_are_read_or_refused(data):
    options = data.ljust((len(data) + 2 + 7) // 8 * 8 - 2, b"\0")
    assert isinstance(hear(frame_of(mld_packet(SOUND, options=options))), Heard | Refused)
