"""What the privileged tap says: round trips, and nothing else believed."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.capture.ring import PacketRing
from mcast_tui.wire import tap_feed
from mcast_tui.wire.frame import LINK_COLUMNS
from mcast_tui.wire.membership.message import ControlFrame
from mcast_tui.wire.tap_feed import FeedError, Kind
from mcast_tui.wire.tpacket import FRAME_SIZE, FrameRing
from tests.wire.frames import SOUND, put_frame

HELLO = tap_feed.Hello(tap_feed.VERSION, "it has readers enough")
STATUS = tap_feed.Status(2, 3, 4, 5, ("eth1",), ("Cannot tap eth0: eth0 is down.",))
CONTROL = (
    ControlFrame(1_700_000_000_000_000_000, 3, True, b"\x02\0\0\0\0\x01", 42, b"\x46packet"),
    ControlFrame(0, 1, False, bytes(6), None, b"", is_cut=True),
)


def a_batch() -> tuple[bytes, PacketRing]:
    """Return the message for a frame of every kind, and a ring that got them without one."""
    memory = bytearray(64 * FRAME_SIZE)
    for slot, frame in enumerate(SOUND.values()):
        put_frame(memory, slot, frame)
    run = FrameRing(memory, 64).read(0)
    assert run is not None
    ring = PacketRing(64, 1 << 16, LINK_COLUMNS)
    ring.append_blocks(run.columns, run.blocks, run.firsts, run.kept)
    return tap_feed.encode_batch(run.columns, run.blocks, run.firsts, run.kept), ring


def body_of(message: bytes) -> bytes:
    kind, length = tap_feed.decode_header(message[: tap_feed.HEADER.size])
    assert kind in Kind
    assert length == len(message) - tap_feed.HEADER.size
    return message[tap_feed.HEADER.size :]


def test_packets_arrive_as_they_were_captured() -> None:
    message, ours = a_batch()
    theirs = PacketRing(64, 1 << 16, LINK_COLUMNS)

    batch = tap_feed.decode_batch(body_of(message))
    theirs.append_blocks(batch.columns, batch.blocks, batch.firsts, batch.lengths)

    assert [theirs.packet(n) for n in range(theirs.head)] == [ours.packet(n) for n in range(ours.head)]
    for name in LINK_COLUMNS:
        assert (theirs.read(0, 64)[1][name] == ours.read(0, 64)[1][name]).all()


def test_facts_and_control_frames_arrive_as_they_were_said() -> None:
    assert tap_feed.decode_hello(Kind.HELLO, body_of(tap_feed.encode_hello(HELLO))) == HELLO
    assert tap_feed.decode_status(body_of(tap_feed.encode_status(STATUS))) == STATUS
    assert tap_feed.decode_control(body_of(tap_feed.encode_control(CONTROL))) == CONTROL


def test_a_tap_of_another_version_or_one_that_does_not_say_who_it_is_is_refused() -> None:
    other = json.dumps({"version": 1, "pid": 1, "interfaces": [], "is_promiscuous": False}).encode()
    with pytest.raises(FeedError, match="version 1"):
        tap_feed.decode_hello(Kind.HELLO, other)
    with pytest.raises(FeedError, match="who it is"):
        tap_feed.decode_hello(Kind.STATUS, body_of(tap_feed.encode_hello(HELLO)))


@pytest.mark.parametrize("name", ["addressed", "direction", "flags", "vlan", "hop_limit", "source_mac"])
def test_a_value_that_no_row_may_have_is_refused(name: str) -> None:
    message, ring = a_batch()
    columns = ring.read(0, ring.head)[1]
    beyond = {"vlan": 0x1000, "hop_limit": 256, "source_mac": 1 << 48, "flags": 0x80}.get(name, 77)
    columns[name][3] = beyond
    batch = tap_feed.decode_batch(body_of(message))

    altered = tap_feed.encode_batch(columns, batch.blocks, batch.firsts, batch.lengths)

    with pytest.raises(FeedError, match=name):
        tap_feed.decode_batch(body_of(altered))


def test_a_message_beyond_its_bound_is_refused_before_it_is_read() -> None:
    for kind in Kind:
        with pytest.raises(FeedError):
            tap_feed.decode_header(tap_feed.HEADER.pack(kind, tap_feed.LARGEST_BODY + 1))
    with pytest.raises(FeedError):
        tap_feed.decode_header(tap_feed.HEADER.pack(99, 1))


BODIES = [
    body_of(a_batch()[0]),
    body_of(tap_feed.encode_hello(HELLO)),
    body_of(tap_feed.encode_status(STATUS)),
    body_of(tap_feed.encode_control(CONTROL)),
]
ANYTHING = st.one_of(
    st.binary(max_size=64),
    st.builds(
        lambda body, at, octets: body[:at] + octets + body[at + len(octets) :],
        st.sampled_from(BODIES),
        st.integers(0, 400),
        st.binary(max_size=9),
    ),
    st.builds(lambda body, end: body[:end], st.sampled_from(BODIES), st.integers(0, 2000)),
)


@given(ANYTHING)
def test_anything_else_is_refused_and_never_raises_otherwise(body: bytes) -> None:
    ring = PacketRing(64, 1 << 16, LINK_COLUMNS)
    with suppress(FeedError):
        batch = tap_feed.decode_batch(body)
        ring.append_blocks(batch.columns, batch.blocks, batch.firsts, batch.lengths)
        assert all(ring.packet(number) is not None for number in range(ring.head))
    for decode in (tap_feed.decode_status, tap_feed.decode_control):
        with suppress(FeedError):
            decode(body)
    with suppress(FeedError):
        tap_feed.decode_hello(Kind.HELLO, body)


def test_a_run_too_long_for_one_message_arrives_as_several() -> None:
    count = 2 * tap_feed.MOST_PACKETS + 3
    memory = bytearray(FRAME_SIZE)
    put_frame(memory, 0, SOUND["IPv4"])
    run = FrameRing(memory, 1).read(0)
    assert run is not None
    columns = {name: column.repeat(count, 0) for name, column in run.columns.items()}
    columns["received_at"] += np.arange(count)
    theirs = PacketRing(2 * count, 1 << 18, LINK_COLUMNS)

    sizes = []
    for message, packets in tap_feed.encode_run(
        columns, run.blocks, run.firsts.repeat(count), run.kept.repeat(count)
    ):
        batch = tap_feed.decode_batch(body_of(message))
        theirs.append_blocks(batch.columns, batch.blocks, batch.firsts, batch.lengths)
        sizes.append(packets)

    assert sizes == [tap_feed.MOST_PACKETS, tap_feed.MOST_PACKETS, 3]
    assert (theirs.read(0, count)[1]["received_at"] == columns["received_at"]).all()
    assert set(theirs.payload_run(0, count)) == {b"hello"}
