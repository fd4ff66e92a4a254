from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.wire.cmsg import (
    HEADER,
    IP_PKTINFO,
    IP_TOS,
    IP_TTL,
    PacketInfo,
    decode_ancdata,
    fill_row,
    walk_control,
)
from mcast_tui.wire.columns import MAPPED, Addressed, Flag, empty_columns
from tests.wire.captured import BY_NAME, CAPTURED, Captured


def message(level: int, kind: int, data: bytes, length: int | None = None) -> bytes:
    header = HEADER.pack(HEADER.size + len(data) if length is None else length, level, kind)
    return header + data + bytes(-len(data) % 8)


@pytest.mark.parametrize("captured", CAPTURED, ids=lambda captured: captured.name)
def test_what_the_kernel_wrote_is_read_whatever_the_layout(captured: Captured) -> None:
    info = decode_ancdata(walk_control(captured.control))
    assert info.received_at == captured.received_at
    assert info.destination == captured.destination
    assert info.local_address == captured.local_address
    assert info.ifindex == captured.ifindex
    assert info.hop_limit == captured.hop_limit
    assert info.traffic_class == captured.traffic_class
    assert info.addressed == captured.addressed


@given(st.binary(max_size=400))
def test_any_bytes_are_walked_to_an_end_without_an_exception(control: bytes) -> None:
    assert len(list(walk_control(control))) <= len(control) // HEADER.size
    fill_row(empty_columns(1), 0, decode_ancdata(walk_control(control)), now=1)


@given(st.lists(st.tuples(st.sampled_from([0, 1, 41, 17, -1]), st.integers(0, 80), st.binary(max_size=40))))
def test_any_messages_in_any_order_give_a_row(messages: list[tuple[int, int, bytes]]) -> None:
    columns = empty_columns(1)
    fill_row(columns, 0, decode_ancdata(messages), now=1)
    assert -1 <= columns["hop_limit"][0] <= 255
    assert -1 <= columns["traffic_class"][0] <= 255


@pytest.mark.parametrize("length", [0, 1, 15])
def test_a_message_too_short_to_have_a_header_ends_the_walk(length: int) -> None:
    control = message(*IP_TTL, struct.pack("i", 9)) + message(7, 7, b"", length) + message(*IP_TOS, b"\x28")
    assert [data for _, _, data in walk_control(control)] == [struct.pack("i", 9)]


@pytest.mark.parametrize("length", [2**63, 2**64 - 1])
def test_a_message_longer_than_the_buffer_is_the_last_one(length: int) -> None:
    assert list(walk_control(message(7, 7, b"12345678", length))) == [(7, 7, b"12345678")]


def test_a_message_cut_short_is_skipped_and_the_others_count() -> None:
    info = decode_ancdata([(*IP_PKTINFO, bytes(11)), (*IP_TTL, bytes(3)), (*IP_TOS, b""), (41, 67, bytes(4))])
    assert info == PacketInfo(traffic_class=0)


def test_unknown_is_written_as_unknown_and_not_as_zero() -> None:
    columns = empty_columns(1)
    fill_row(columns, 0, PacketInfo(), now=123)
    assert columns["received_at"][0] == 123
    assert columns["flags"][0] == 0
    assert columns["hop_limit"][0] == columns["traffic_class"][0] == -1
    assert columns["addressed"][0] == Addressed.UNKNOWN


def test_a_kernel_time_is_flagged_as_such() -> None:
    columns = empty_columns(1)
    fill_row(columns, 0, PacketInfo(received_at=77), now=123)
    assert columns["received_at"][0] == 77
    assert columns["flags"][0] == Flag.KERNEL_TIME


@pytest.mark.parametrize(
    ("address", "local_address", "ifindex", "addressed"),
    [
        (0xEF010101, 0xC0A80A02, 2, Addressed.MULTICAST),
        (0xEF010101, None, None, Addressed.MULTICAST),
        (0xC0A80A02, 0xC0A80A02, 2, Addressed.UNICAST),
        (0xC0A80AFF, 0xC0A80A02, 2, Addressed.BROADCAST),
        (0xFFFFFFFF, 0, 2, Addressed.BROADCAST),  # an interface without an address
        (0xFFFFFFFF, None, 2, Addressed.BROADCAST),
        (0xC0A80AFF, None, 2, Addressed.UNKNOWN),  # a dual-stack socket does not say
        (0xC0A80A02, 0, 0, Addressed.UNKNOWN),  # queued before IP_PKTINFO was on
    ],
)
def test_how_an_ipv4_packet_was_addressed_is_the_kernels_answer_or_unknown(
    address: int, local_address: int | None, ifindex: int | None, addressed: Addressed
) -> None:
    info = PacketInfo(destination=(0, MAPPED | address), local_address=local_address, ifindex=ifindex)
    assert info.addressed is addressed


def test_microseconds_and_nanoseconds_are_told_apart() -> None:
    data = struct.pack("qq", 2, 5)
    assert decode_ancdata([(1, 29, data)]).received_at == 2_000_005_000
    assert decode_ancdata([(1, 35, data)]).received_at == 2_000_000_005
    assert BY_NAME["microseconds"].received_at % 1000 == 0
