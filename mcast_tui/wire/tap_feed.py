"""What the privileged tap tells its readers: messages <-> bytes, in the order of this machine.

A message is its kind, the length of its body, the body. Both ends are the same program of the same user on
one machine, yet the reader believes nothing: a body has a bound, every length in it has to fit, and every
value in a column has to be one that a row may have. What is not so raises `FeedError`.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass, fields
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from mcast_tui.wire.columns import COLUMNS, Addressed, Column, Columns, Flag
from mcast_tui.wire.frame import LINK_COLUMNS, Direction
from mcast_tui.wire.membership.message import ControlFrame
from mcast_tui.wire.tpacket import FRAME_SIZE, MOST_CONTROL_FRAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HEADER = struct.Struct("<BI")
VERSION = 3
BLOCK = 32

_COLUMNS = COLUMNS | LINK_COLUMNS
_ROW_SIZE = sum(dtype.itemsize * words for dtype, words in _COLUMNS.values()) + 2
MOST_PACKETS = 2048
"""In one message; a run of more is several. Of the largest it is a ninth of what may wait for a reader."""
LARGEST_BODY = 4 + MOST_PACKETS * (_ROW_SIZE + FRAME_SIZE)
"""Packets of the largest frames; nothing else is as long."""
LARGEST_FACTS = 1 << 16

_COUNT = struct.Struct("<I")
_CONTROL = struct.Struct("<qI??6shH")  # ControlFrame; VLAN -1: untagged; octets of the packet
_BOUNDS = {
    "hop_limit": (-1, 255),
    "traffic_class": (-1, 255),
    "addressed": (0, max(Addressed)),
    "flags": (0, sum(Flag)),
    "direction": (0, max(Direction)),
    "vlan": (-1, 0xFFF),
    "source_mac": (0, 0xFFFF_FFFF_FFFF),
    "destination_mac": (0, 0xFFFF_FFFF_FFFF),
}
"""Least and greatest value of each column that may not have all its type can hold."""


class FeedError(ValueError):
    """A message is not what a tap says."""


class Kind(IntEnum):
    """What a message tells."""

    HELLO = 1
    BATCH = 2
    CONTROL = 3
    STATUS = 4


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message."""

    version: int
    refusal: str
    """Why nothing more will come; empty where it will."""


@dataclass(frozen=True, slots=True)
class Status:
    """What is heard, and was counted since this reader came; sent when it comes, and about once a second."""

    dropped: int
    refused: int
    control_skipped: int
    """Frames with IGMP or MLD that this reader did not get one by one."""
    not_fed: int
    """Packets this reader did not get, for it read too slowly."""
    interfaces: tuple[str, ...]
    """Those that are heard now."""
    troubles: tuple[str, ...]
    """Why some of its interfaces are not heard now."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Packets, as `PacketRing.append_blocks` takes them."""

    columns: Columns
    blocks: Column
    firsts: Column
    lengths: Column


def encode_hello(hello: Hello) -> bytes:
    """Return the message."""
    return _facts(Kind.HELLO, hello)


def encode_status(status: Status) -> bytes:
    """Return the message."""
    return _facts(Kind.STATUS, status)


def _facts(kind: Kind, facts: Hello | Status) -> bytes:
    body = json.dumps(asdict(facts)).encode("ascii")
    return HEADER.pack(kind, len(body)) + body


def encode_run(
    columns: Columns, blocks: Column, firsts: Column, lengths: Column
) -> Iterator[tuple[bytes, int]]:
    """Yield the messages for a run, each with how many packets it has."""
    for begin in range(0, len(lengths), MOST_PACKETS):
        part = slice(begin, begin + MOST_PACKETS)
        some = {name: column[part] for name, column in columns.items()}
        yield encode_batch(some, blocks, firsts[part], lengths[part]), len(lengths[part])


def encode_batch(columns: Columns, blocks: Column, firsts: Column, lengths: Column) -> bytes:
    """Return the message for at most `MOST_PACKETS`."""
    counts = (np.asarray(lengths, np.int64) + BLOCK - 1) // BLOCK
    ends = np.add.accumulate(counts)
    index = (firsts - (ends - counts)).repeat(counts) + np.arange(ends[-1])
    parts = [_COUNT.pack(len(lengths))]
    parts += [columns[name].astype(dtype).tobytes() for name, (dtype, _) in _COLUMNS.items()]
    parts += [lengths.astype("<u2").tobytes(), blocks.take(index, 0).tobytes()]
    return HEADER.pack(Kind.BATCH, sum(map(len, parts))) + b"".join(parts)


def encode_control(frames: Sequence[ControlFrame]) -> bytes:
    """Return the message for at most `MOST_CONTROL_FRAMES`."""
    body = _COUNT.pack(len(frames)) + b"".join(map(_encode_frame, frames))
    return HEADER.pack(Kind.CONTROL, len(body)) + body


def _encode_frame(frame: ControlFrame) -> bytes:
    vlan = -1 if frame.vlan is None else frame.vlan
    flags = frame.is_outgoing, frame.is_cut
    head = (frame.received_at, frame.ifindex, *flags, frame.source_mac, vlan, len(frame.packet))
    return _CONTROL.pack(*head) + frame.packet


def decode_header(header: bytes) -> tuple[Kind, int]:
    """Return kind and body length of a message, neither of them beyond its bounds."""
    number, length = HEADER.unpack(header)
    try:
        kind = Kind(number)
    except ValueError:
        raise FeedError(f"no message is of kind {number}") from None
    if length > (LARGEST_BODY if kind in {Kind.BATCH, Kind.CONTROL} else LARGEST_FACTS):
        raise FeedError(f"a message of {length} octets")
    return kind, length


def decode_hello(kind: Kind, body: bytes) -> Hello:
    """Return the first message."""
    if kind is not Kind.HELLO:
        raise FeedError("it does not say who it is")
    said = _read_facts(body)
    version = said.get("version")
    if version != VERSION:
        raise FeedError(f"it speaks version {version!r:.20}, and this program version {VERSION}")
    _require(said, Hello)
    [refusal] = _texts([said["refusal"]])
    return Hello(VERSION, refusal)


def decode_status(body: bytes) -> Status:
    """Return what was counted."""
    said = _read_facts(body)
    _require(said, Status)
    return Status(
        _number(said["dropped"]),
        _number(said["refused"]),
        _number(said["control_skipped"]),
        _number(said["not_fed"]),
        _texts(said["interfaces"]),
        _texts(said["troubles"]),
    )


def _read_facts(body: bytes) -> dict[str, object]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise FeedError("facts that are no JSON") from None
    if not isinstance(said, dict):
        raise FeedError("facts that are none")
    return said


def _require(said: dict[str, object], kind: type[Hello | Status]) -> None:
    if said.keys() != {field.name for field in fields(kind)}:
        raise FeedError("facts that are not those of a tap")


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise FeedError("a count that is none")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise FeedError("words that are none")
    return tuple(value)


def decode_batch(body: bytes) -> Batch:
    """Return the packets, at least one."""
    rows = _count(body, MOST_PACKETS)
    if rows == 0 or len(body) < _COUNT.size + rows * _ROW_SIZE:
        raise FeedError(f"a batch of {rows} packets in {len(body)} octets")
    at = _COUNT.size
    columns: Columns = {}
    for name, (dtype, words) in _COLUMNS.items():
        column = np.frombuffer(body, dtype, rows * words, at)
        columns[name] = column if words == 1 else column.reshape(rows, words)
        at += column.nbytes
    lengths = np.frombuffer(body, "<u2", rows, at).astype(np.int64)
    at += 2 * rows
    counts = (lengths + BLOCK - 1) // BLOCK
    ends = np.add.accumulate(counts)
    if len(body) - at != int(ends[-1]) * BLOCK:
        raise FeedError("payloads that are longer or shorter than they are said to be")
    _check(columns, lengths)
    blocks = np.frombuffer(body, np.uint8, int(ends[-1]) * BLOCK, at).reshape(-1, BLOCK)
    return Batch(columns, blocks, ends - counts, lengths)


def _check(columns: Columns, lengths: Column) -> None:
    if (lengths > columns["length"]).any():
        raise FeedError("more payload than there was")
    for name, (least, greatest) in _BOUNDS.items():
        column = columns[name]
        if int(column.min()) < least or int(column.max()) > greatest:
            raise FeedError(f"a {name} that cannot be")


def decode_control(body: bytes) -> tuple[ControlFrame, ...]:
    """Return the frames."""
    count, at = _count(body, MOST_CONTROL_FRAMES), _COUNT.size
    frames = []
    for _ in range(count):
        if len(body) < at + _CONTROL.size:
            raise FeedError("a frame that is cut")
        received_at, ifindex, is_outgoing, is_cut, mac, vlan, length = _CONTROL.unpack_from(body, at)
        at += _CONTROL.size
        packet = body[at : at + length]
        at += length
        if len(packet) < length or not -1 <= vlan <= 0xFFF:
            raise FeedError("a frame that cannot be")
        tag = None if vlan < 0 else vlan
        frames.append(ControlFrame(received_at, ifindex, is_outgoing, mac, tag, packet, is_cut))
    if at != len(body):
        raise FeedError("more than the frames it tells of")
    return tuple(frames)


def _count(body: bytes, most: int) -> int:
    if len(body) < _COUNT.size:
        raise FeedError("a message that is cut")
    count: int = _COUNT.unpack_from(body)[0]
    if count > most:
        raise FeedError(f"{count} at once")
    return count
