"""IGMP and MLD decoded: the standards' rules, captured bytes, tshark's reading, and any bytes at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.wire.membership.describe import describe
from mcast_tui.wire.membership.heard import hear
from mcast_tui.wire.membership.message import Heard, Query, RecordReport, RecordType, Refused
from tests.wire.igmp_cases import IGMP
from tests.wire.membership_frames import (
    as_tshark_reads,
    body_of,
    frame_of,
    packet_of,
    pcap_of,
    read_by_tshark,
    record_names_of_tshark,
)
from tests.wire.mld_cases import MLD

of_each_family = pytest.mark.parametrize("family", [IGMP, MLD], ids=str)


@of_each_family
def test_what_linux_sent_is_read(family):
    for octets, message in family.captured.items():
        assert family.decode(bytes.fromhex(octets)) == message


@of_each_family
def test_every_message_is_read_as_tshark_reads_it(family):
    heard = [hear(frame_of(packet_of(message))) for message in family.messages]
    assert [each.message for each in heard] == list(family.messages)
    theirs = read_by_tshark(pcap_of(map(packet_of, family.messages)), family.number)
    assert [as_tshark_reads(each) for each in heard] == theirs


@of_each_family
def test_each_type_of_record_is_called_as_tshark_calls_it(family):
    names = record_names_of_tshark(pcap_of(map(packet_of, family.messages)))
    assert set(RecordType) < set(names)
    for kind in RecordType:
        theirs = names[kind].lower().replace("changed", "change").split()  # of IGMP: Change To Include Mode
        ours = kind.name.lower().split("_")
        assert [word for word in ours if word in theirs] == theirs


@of_each_family
def test_auxiliary_data_and_what_stands_behind_the_last_field_are_skipped(family):
    for message in family.messages:
        assert family.decode(body_of(message)) == message
        if isinstance(message, RecordReport):
            assert family.decode(body_of(message, b"auxiliar") + b"more") == message
        elif not isinstance(message, Query) or message.protocol is family.newest:
            assert family.decode(body_of(message) + b"more") == message


@of_each_family
def test_what_receivers_ignore_is_refused_with_the_reason(family):
    for packet, reason in family.bad:
        refused = hear(frame_of(packet))
        assert isinstance(refused, Refused), reason
        assert reason in refused.reason


@of_each_family
def test_messages_are_described_in_the_standards_words(family):
    assert tuple(describe(message) for message in family.messages) == family.described


def is_decoded_or_refused(packet: bytes) -> None:
    heard = hear(frame_of(packet))
    assert isinstance(heard, Heard | Refused)
    if isinstance(heard, Heard):
        assert len(describe(heard.message)) < 600


@of_each_family
@given(data=st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(family, data):
    for packet in (data, bytes([family.number << 4]) + data, family.write(data.ljust(8, b"\0"))):
        is_decoded_or_refused(packet)


@of_each_family
@given(data=st.data())
def test_any_change_of_a_sound_message_is_decoded_or_refused(family, data):
    body = bytearray(body_of(data.draw(st.sampled_from(family.messages))))
    for _ in range(data.draw(st.integers(0, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    packet = family.write(bytes(body[: data.draw(st.integers(4, len(body)))]))
    is_decoded_or_refused(packet)
    damaged, at = bytearray(packet), data.draw(st.integers(0, len(packet) - 1))
    damaged[at] ^= data.draw(st.integers(1, 255))
    is_decoded_or_refused(bytes(damaged))
    assert isinstance(hear(frame_of(bytes(damaged))), Refused) or at in family.unguarded
