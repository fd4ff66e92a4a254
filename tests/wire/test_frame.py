"""Tapped frames decoded a run at a time, against tshark and against anything at all."""

from __future__ import annotations

import struct
import subprocess

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mcast_tui.capture.ring import PacketRing
from mcast_tui.wire.columns import Addressed, Flag, address_from_words
from mcast_tui.wire.frame import LINK_COLUMNS, Direction, align_payloads
from mcast_tui.wire.frame_headers import LEAD
from mcast_tui.wire.tpacket import FRAME_SIZE, MOST_CONTROL_FRAMES, FrameRing, Run
from tests.peers import requires
from tests.wire.frames import (
    FOREIGN,
    GROUP4,
    IGMP_JOIN,
    MLD_JOIN,
    ROUTER_ALERT4,
    SOUND,
    SOURCE_MAC,
    UNSOUND,
    decode,
    ethernet,
    ipv4,
    ipv6,
    put_frame,
    rows_of,
    udp,
)

TSHARK_FIELDS = (
    "eth.src", "eth.dst", "ieee8021ad.id", "vlan.id", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst",
    "udp.srcport", "udp.dstport", "ip.ttl", "ipv6.hlim", "ip.dsfield", "ipv6.tclass", "ip.proto",
    "udp.length",
)  # fmt: skip


def tshark(frames: list[bytes]) -> list[dict[str, str]]:
    """Return what tshark reads in each frame, fragments left as they are; the outermost of several values."""
    capture = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for frame in frames:
        capture += struct.pack("=IIII", 1_700_000_000, 0, len(frame), len(frame)) + frame
    asked = [part for field in TSHARK_FIELDS for part in ("-e", field)]
    style = ["-T", "fields", "-E", "separator=/t", "-E", "occurrence=f"]
    whole = ["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"]
    said = subprocess.run(
        ["tshark", "-n", "-r", "-", *whole, *style, *asked],
        input=capture, capture_output=True, check=True, timeout=60,
    ).stdout.decode()  # fmt: skip
    return [dict(zip(TSHARK_FIELDS, line.split("\t"), strict=True)) for line in said.splitlines()]


def mac(value: int) -> str:
    return int(value).to_bytes(6, "big").hex(":")


@requires("tshark")
def test_a_run_of_frames_is_read_as_tshark_reads_them() -> None:
    names, frames = list(SOUND), list(SOUND.values())
    rows, lengths = rows_of(frames)

    decoded = decode(rows, lengths, lengths)

    assert decoded.is_sound is None
    columns = decoded.columns
    for row, (name, theirs) in enumerate(zip(names, tshark(frames), strict=True)):
        ours = {column: values[row].tolist() for column, values in columns.items()}
        is_raw = bool(ours["flags"] & Flag.RAW)
        assert mac(ours["source_mac"]) == theirs["eth.src"], name
        assert mac(ours["destination_mac"]) == theirs["eth.dst"], name
        assert ours["vlan"] == int(theirs["ieee8021ad.id"] or theirs["vlan.id"] or -1), name
        assert str(address_from_words(*ours["source"])) == (theirs["ip.src"] or theirs["ipv6.src"]), name
        assert str(address_from_words(*ours["destination"])) == (theirs["ip.dst"] or theirs["ipv6.dst"]), name
        assert ours["hop_limit"] == int(theirs["ip.ttl"] or theirs["ipv6.hlim"]), name
        assert ours["traffic_class"] == int(theirs["ip.dsfield"] or theirs["ipv6.tclass"], 0), name
        assert is_raw == (not theirs["udp.srcport"]), name
        if is_raw:
            assert ours["source_port"] == 0, name
            assert ours["destination_port"] == int(theirs["ip.proto"] or ours["destination_port"]), name
        else:
            ports = (ours["source_port"], ours["destination_port"])
            assert ports == (int(theirs["udp.srcport"]), int(theirs["udp.dstport"])), name
            assert ours["length"] + 8 == int(theirs["udp.length"]), name


def test_what_is_not_sound_is_refused_and_what_is_no_ip_left_out() -> None:
    for name, frame in UNSOUND.items():
        rows, lengths = rows_of([frame])
        decoded = decode(rows, lengths, lengths)
        assert (decoded.is_sound, decoded.refused) == ([False], 1), name
    rows, lengths = rows_of([*UNSOUND.values(), *SOUND.values(), *FOREIGN.values()])

    decoded = decode(rows, lengths, lengths)

    assert decoded.refused == len(UNSOUND)
    assert decoded.is_sound is not None
    assert np.flatnonzero(decoded.is_sound).tolist() == list(range(len(UNSOUND), len(UNSOUND) + len(SOUND)))


def test_one_frame_is_read_alike_alone_and_among_others() -> None:
    rows, lengths = rows_of(list(SOUND.values()))
    together = decode(rows, lengths, lengths)
    for place, name in enumerate(SOUND):
        one = slice(place, place + 1)
        alone = decode(rows[one], lengths[one], lengths[one])
        for column, values in alone.columns.items():
            assert values[0].tolist() == together.columns[column][place].tolist(), (name, column)
        assert (alone.kept[0], alone.payload_at[0]) == (together.kept[place], together.payload_at[place]), (
            name
        )


def decoded_by_name() -> dict[str, dict[str, object]]:
    rows, lengths = rows_of(list(SOUND.values()))
    columns = decode(rows, lengths, lengths).columns
    return {
        name: {column: values[row].tolist() for column, values in columns.items()}
        for row, name in enumerate(SOUND)
    }


def test_a_later_fragment_has_no_ports_and_a_first_one_the_length_of_the_datagram() -> None:
    found = decoded_by_name()

    for family in ("IPv4", "IPv6"):
        first, later = found[f"{family}, first fragment"], found[f"{family}, later fragment"]
        assert first["destination_port"] == 6666
        assert first["length"] == (4992 if family == "IPv4" else 3992)
        assert first["flags"] == Flag.KERNEL_TIME | Flag.FRAGMENT | Flag.TRUNCATED
        assert (later["source_port"], later["destination_port"]) == (0, 17)
        assert later["flags"] == Flag.KERNEL_TIME | Flag.FRAGMENT | Flag.RAW
    assert found["IPv6, whole in one fragment"]["flags"] == Flag.KERNEL_TIME
    assert found["IPv4, last fragment"]["length"] == 16


def test_it_is_said_how_each_was_addressed() -> None:
    found = {name: row["addressed"] for name, row in decoded_by_name().items()}

    broadcast = {name for name, addressed in found.items() if addressed == Addressed.BROADCAST}
    unicast = {name for name, addressed in found.items() if addressed == Addressed.UNICAST}
    assert broadcast == {"IPv4, broadcast", "IPv4, subnet's broadcast"}
    assert unicast == {"IPv4, unicast"}


def test_a_payload_that_the_capture_cut_is_marked_so() -> None:
    frame = ethernet(0x0800, ipv4(17, udp(b"z" * 100)))
    rows, lengths = rows_of([frame])

    decoded = decode(rows, lengths - np.uint32(60), lengths)

    assert decoded.columns["length"].tolist() == [100]
    assert decoded.kept.tolist() == [40]
    assert decoded.columns["flags"].tolist() == [Flag.KERNEL_TIME | Flag.TRUNCATED]


FRAMES = st.one_of(
    st.binary(max_size=160),
    st.builds(
        lambda frame, at, octets: frame[:at] + octets + frame[at + len(octets) :],
        st.sampled_from([*SOUND.values(), *UNSOUND.values()]),
        st.integers(0, 90),
        st.binary(max_size=8),
    ),
    st.builds(ethernet, st.sampled_from([0x0800, 0x86DD]), st.binary(max_size=120)),
)  # fmt: skip


@given(st.lists(FRAMES, min_size=1, max_size=8))
@example([ethernet(0x0800, bytes([0x45]) + bytes(19))])  # a packet shorter than its own header
def test_any_octets_are_read_or_refused(frames: list[bytes]) -> None:
    rows, lengths = rows_of(frames)

    decoded = decode(rows, lengths, lengths)
    sound = np.ones(len(frames), bool) if decoded.is_sound is None else decoded.is_sound
    ends = (decoded.payload_at + decoded.kept)[sound]
    payloads = [
        frame[at : at + kept]
        for frame, at, kept in zip(frames, decoded.payload_at.tolist(), decoded.kept.tolist(), strict=True)
    ]
    align_payloads(rows, decoded)

    assert (ends <= lengths[sound]).all()
    assert (decoded.kept <= decoded.columns["length"])[sound].all()
    assert decoded.refused <= np.count_nonzero(~sound)
    for row in np.flatnonzero(sound):
        assert rows[row, LEAD + 42 : LEAD + 42 + decoded.kept[row]].tobytes() == payloads[row]


# -- the ring of a packet socket


def filled(*frames: bytes, slots: int = 64, **how: object) -> tuple[FrameRing, bytearray]:
    memory = bytearray(slots * FRAME_SIZE)
    for slot, frame in enumerate(frames):
        put_frame(memory, slot, frame, **how)
    return FrameRing(memory, slots), memory


def read(ring: FrameRing, at: int = 0) -> Run:
    run = ring.read(at)
    assert run is not None
    return run


def kept_by(ring: FrameRing) -> PacketRing:
    packets = PacketRing(64, 1 << 16, LINK_COLUMNS)
    run = read(ring)
    packets.append_blocks(run.columns, run.blocks, run.firsts, run.kept)
    return packets


def test_payloads_reach_the_ring_whole_wherever_they_lie_in_their_frames() -> None:
    ring, _ = filled(*UNSOUND.values(), *SOUND.values(), *FOREIGN.values())
    count = len(UNSOUND) + len(SOUND) + len(FOREIGN)

    packets = kept_by(ring)

    assert read(ring).frames == count
    assert packets.head == len(SOUND)
    payloads = dict(zip(SOUND, packets.payload_run(0, packets.head), strict=True))
    assert payloads["IPv4"] == b"hello"
    assert payloads["IPv4, options"] == b"options"
    assert payloads["IPv4, padded"] == b"x"
    assert payloads["IPv4, room after UDP"] == b"sho"
    assert payloads["IPv4, tagged twice"] == b"qinq"
    assert payloads["IPv4, first fragment"] == b"f" * 24
    assert payloads["IPv4, later fragment"] == b"g" * 40
    assert payloads["IPv6, hop by hop"] == b"hbh"
    assert payloads["IGMP"] == IGMP_JOIN
    assert payloads["MLD"] == MLD_JOIN


def test_released_frames_are_the_kernel_s_again() -> None:
    ring, memory = filled(*[SOUND["IPv4"]] * 5)

    ring.release(0, 3)

    assert ring.read(0) is None
    assert read(ring, 3).frames == 2
    assert [memory[slot * FRAME_SIZE] & 1 for slot in range(5)] == [0, 0, 0, 1, 1]


def test_a_frame_that_the_kernel_still_fills_is_not_read_though_later_ones_are_filled() -> None:
    ring, memory = filled(*[SOUND["IPv4"]] * 5)
    memory[2 * FRAME_SIZE] = 0

    assert read(ring).frames == 2
    assert read(ring, 3).frames == 2
    assert ring.read(2) is None


def test_how_many_frames_wait_is_told_across_the_end_of_the_ring() -> None:
    ring, memory = filled(*[SOUND["IPv4"]] * 3, slots=8)
    for slot in (6, 7):
        put_frame(memory, slot, SOUND["IPv4"])

    assert ring.waiting(6) == 5
    ring.release(6, 2)
    assert ring.waiting(0) == 3
    for slot in range(8):
        put_frame(memory, slot, SOUND["IPv4"])
    assert ring.waiting(5) == 8


def test_a_tag_that_the_kernel_took_out_is_the_outermost() -> None:
    ring, _ = filled(SOUND["IPv4"], SOUND["IPv4, tagged"], tag=0x2000 | 9)

    assert kept_by(ring).read(0, 2)[1]["vlan"].tolist() == [9, 9]


@pytest.mark.parametrize("at", [58, 62, 90])
def test_a_frame_that_begins_elsewhere_is_read_alike(at: int) -> None:
    frame = SOUND["IPv4, tagged twice"]
    ring, _ = filled(frame, at=at)

    packets = kept_by(ring)

    assert packets.payload(0) == b"qinq"
    assert packets.read(0, 1)[1]["vlan"].tolist() == [100]


def test_a_frame_longer_than_the_ring_has_room_for_is_cut() -> None:
    frame = ethernet(0x86DD, ipv6(17, udp(bytes(range(256)) * 20)))
    captured = frame[: FRAME_SIZE - 86]
    ring, _ = filled(captured, length=len(frame))

    packet = kept_by(ring).packet(0)

    assert packet is not None
    assert packet.payload is not None
    assert packet.length == 5120
    assert packet.truncated
    assert packet.payload == frame[62 : 62 + len(packet.payload)]
    assert len(packet.payload) == FRAME_SIZE - 86 - 62


def test_the_kernel_s_time_and_the_direction_are_kept() -> None:
    directions = {
        0: Direction.INCOMING,
        1: Direction.INCOMING,
        2: Direction.INCOMING,
        3: Direction.OTHER_HOST,
        4: Direction.OUTGOING,
        5: Direction.UNKNOWN,
    }
    for kind, direction in directions.items():
        ring, _ = filled(SOUND["IPv4"], kind=kind)
        packets = kept_by(ring)
        assert packets.read(0, 1)[1]["direction"].tolist() == [direction]
        packet = packets.packet(0)
        assert packet is not None
        assert (packet.received_at, packet.kernel_time) == (1_700_000_000_123_456_789, True)
        assert packet.ifindex == 5


def test_each_frame_is_of_the_interface_it_came_by_though_the_socket_listens_elsewhere_since() -> None:
    ring, memory = filled(SOUND["IPv4"], SOUND["IGMP"])
    for slot, name in enumerate(("IPv4", "IGMP"), 2):
        put_frame(memory, slot, SOUND[name], ifindex=0x10_0009)

    assert kept_by(ring).read(0, 4)[1]["ifindex"].tolist() == [5, 5, 0x10_0009, 0x10_0009]
    assert [frame.ifindex for frame in read(ring).control_frames] == [5, 0x10_0009]


def test_what_may_be_igmp_or_mld_is_taken_out_with_what_the_link_says() -> None:
    tagged = ethernet(0x0800, ipv4(2, IGMP_JOIN, options=ROUTER_ALERT4), (0x8100, 12))
    piece = ethernet(0x0800, ipv4(2, IGMP_JOIN, fragment=0x2000))
    ring, _ = filled(*SOUND.values(), tagged, piece, kind=4)

    frames = read(ring).control_frames

    assert [frame.packet for frame in frames] == [SOUND["IGMP"][14:], SOUND["MLD"][14:], tagged[18:]]
    assert [frame.vlan for frame in frames] == [None, None, 12]
    assert all(frame.is_outgoing and frame.source_mac == SOURCE_MAC for frame in frames)


def test_a_flood_of_igmp_makes_few_objects() -> None:
    count = MOST_CONTROL_FRAMES + 40
    reports = [ethernet(0x0800, ipv4(2, bytes((0x16, 0, 0, n % 256)) + GROUP4.packed)) for n in range(count)]
    ring, _ = filled(*reports, slots=512)

    run = read(ring)

    assert len(run.control_frames) == MOST_CONTROL_FRAMES
    assert run.control_skipped == 40
    assert run.control_frames[-1].packet == reports[-1][14:]
