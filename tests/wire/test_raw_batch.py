"""What the kernel leaves in the buffers of a raw batch, decoded: the IP header is no payload."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.wire.cmsg import MSG_TRUNC, walk_control
from mcast_tui.wire.columns import Columns, Flag, packet_from_row
from mcast_tui.wire.raw import HEADER_SIZE, LONGEST_HEADER, RawBatch
from tests.wire.captured import BY_NAME

PROTOCOL = 253
PLAIN = {4: BY_NAME["plain unicast"], 6: BY_NAME["IPv6 unicast"]}


def header(size: int = HEADER_SIZE) -> bytes:
    """Return an IPv4 header of `size` bytes as far as a reader of its length goes."""
    return bytes([0x40 | size // 4]) + b"\xee" * (size - 1)


def load(batch: RawBatch, row: int, message: bytes, *, flags: int = 0, whole: int | None = None) -> None:
    """Put a message into a row's buffers as recvmmsg(2) scatters it; `whole` is the length it reports."""
    PLAIN[batch.family].load(batch, row)
    for buffer in batch.buffers(row):
        part = message[: len(buffer)]
        buffer[: len(part)] = part
        message = message[len(part) :]
    batch.headers["flags"][row] = flags
    batch.headers["len"][row] = whole


def read(batch: RawBatch, messages: list[bytes]) -> tuple[Columns, list[bytes]]:
    for row, message in enumerate(messages):
        load(batch, row, message, whole=len(message))
    columns = batch.decode(len(messages), PROTOCOL, 42)
    lengths = columns["length"].tolist()
    return columns, [batch.payloads[row, :length].tobytes() for row, length in enumerate(lengths)]


def test_the_header_is_taken_off_every_ipv4_row() -> None:
    columns, payloads = read(RawBatch(4, 3), [header() + b"one", header(), header() + b"three" * 20])
    assert payloads == [b"one", b"", b"three" * 20]
    assert columns["length"].tolist() == [3, 0, 100]


def test_ipv6_delivers_no_header_and_loses_nothing() -> None:
    _, payloads = read(RawBatch(6, 2), [b"\x46whole", b""])
    assert payloads == [b"\x46whole", b""]


@given(
    st.lists(
        st.tuples(
            st.integers(HEADER_SIZE // 4, LONGEST_HEADER // 4),
            st.binary(max_size=200) | st.just(b"x" * 65_475),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_options_are_taken_off_whatever_stands_beside_them(rows: list[tuple[int, bytes]]) -> None:
    messages = [header(4 * words) + payload for words, payload in rows]
    _, payloads = read(BATCH, messages)
    assert payloads == [payload for _, payload in rows]


BATCH = RawBatch(4, 4)


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=4))
def test_no_header_whatever_it_says_breaks_the_batch_or_invents_a_payload(messages: list[bytes]) -> None:
    _, payloads = read(BATCH, messages)
    for message, payload in zip(messages, payloads, strict=True):
        size = (message[0] & 15) * 4 if message else 0
        assert payload == (message[size:] if len(message) >= size >= HEADER_SIZE else b"")


@pytest.mark.parametrize("family", [4, 6])
def test_a_raw_row_has_a_protocol_and_no_ports(family: int) -> None:
    message = (header() if family == 4 else b"") + b"hello"
    columns, _ = read(RawBatch(family, 1), [message])
    packet = packet_from_row(0, columns, 0, b"hello")
    assert (packet.protocol, packet.source_port, packet.destination_port) == (PROTOCOL, None, None)
    assert int(columns["flags"][0]) == Flag.RAW | Flag.KERNEL_TIME


def test_a_row_that_was_cut_short_keeps_its_whole_length_and_its_mark() -> None:
    batch = RawBatch(4, 2)
    load(batch, 0, header(24) + b"cut", flags=MSG_TRUNC, whole=24 + 100)
    load(batch, 1, header() + b"plain", whole=25)
    columns = batch.decode(2, PROTOCOL, 42)
    assert columns["length"].tolist() == [100, 5]
    assert batch.payloads[0, :3].tobytes() == b"cut"
    assert [bool(flags & Flag.TRUNCATED) for flags in columns["flags"].tolist()] == [True, False]


@pytest.mark.parametrize("size", [20, 24, 60])
def test_the_portable_way_stores_what_the_fast_one_decodes(size: int) -> None:
    fast, portable = RawBatch(4, 2), RawBatch(4, 2)
    messages = [header(size) + b"first", header(size) + b"second"]
    columns, payloads = read(fast, messages)
    for row, message in enumerate(messages):
        load(portable, row, message, whole=len(message))
        ancdata = walk_control(PLAIN[4].control)
        portable.store(row, tuple(columns["source"][row].tolist()), 0, len(message), 0, ancdata, 42)
    stored = portable.stored(2, PROTOCOL)
    for name in ("length", "flags", "destination_port", "destination", "received_at"):
        np.testing.assert_array_equal(stored[name], columns[name], err_msg=name)
    lengths = stored["length"].tolist()
    assert [portable.payloads[row, :length].tobytes() for row, length in enumerate(lengths)] == payloads


def test_a_raw_ipv4_batch_needs_room_for_the_longest_payload() -> None:
    with pytest.raises(ValueError, match="room"):
        RawBatch(4, 2, payload_size=64)
    assert RawBatch(6, 2, payload_size=64).payloads.shape == (2, 64)
