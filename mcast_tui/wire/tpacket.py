"""The ring of a packet socket (TPACKET_V2): memory the kernel fills frame by frame, read in runs as columns.

Each frame has its header (struct tpacket2_hdr, struct sockaddr_ll), then the octets of the wire. The network
header always lies at `NETWORK_AT`, chosen so that the payload of UDP in plain IPv4 begins at a whole block of
`capture.ring`: there it is copied from the kernel's memory once, without being moved before.

Pure: the memory is somebody else's (`net.packet_socket`), and so is the waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mcast_tui.wire.columns import Column, Columns, Flag
from mcast_tui.wire.frame import PLAIN_UDP_AT, Decoded, Direction, align_payloads, decode_words
from mcast_tui.wire.frame_headers import HEAD, LEAD
from mcast_tui.wire.membership.message import ControlFrame

if TYPE_CHECKING:
    import mmap

RUN = 8192
"""Most frames decoded at a time: many share what a run costs, and the columns still fit into the cache."""
FRAME_SIZE = 27 * 64
"""Octets for each frame. An Ethernet frame of 1500 fits whole; of longer ones `LARGEST_CAPTURE` are kept.

An odd number of cache lines: were it 2048, the headers of all frames would share an eighth of the cache."""
RESERVE = 20
"""PACKET_RESERVE: what puts the network header, otherwise at 80, at `NETWORK_AT`."""
NETWORK_AT = 100
MAC_AT = NETWORK_AT - 14
"""Where an Ethernet frame begins, unless the kernel takes tags in it for a part of its header."""
LARGEST_CAPTURE = FRAME_SIZE - MAC_AT

MOST_CONTROL_FRAMES = 256
"""IGMP and MLD messages taken out of one run, the newest. Each becomes an object: a flood must not."""

_BLOCK = 32
_BLOCKS = FRAME_SIZE // _BLOCK
_PAYLOAD_BLOCK = (MAC_AT + PLAIN_UDP_AT) // _BLOCK
_HEADER_WORDS = 6  # of 8 octets, up to the packet type in the sockaddr_ll; its ifindex ends the fifth
_HEAD_AT = MAC_AT - LEAD
_LOW_32 = 0xFFFF_FFFF
_IS_OURS, _HAS_TAG = 1, 1 << 4  # TP_STATUS_USER, TP_STATUS_VLAN_VALID
_IGMP, _ICMPV6 = 2, 58
_MLD_TYPES = (130, 131, 132, 143)  # RFC 2710 section 3, RFC 3810 section 5

_RAW_OR_FRAGMENT = np.uint8(Flag.RAW | Flag.FRAGMENT)  # numpy takes a Flag for a 64-bit number

_DIRECTIONS = np.full(256, Direction.UNKNOWN, np.uint8)
_DIRECTIONS[:3] = Direction.INCOMING  # PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST
_DIRECTIONS[3:5] = Direction.OTHER_HOST, Direction.OUTGOING


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of frames held: a row for each that is sound IP, for `PacketRing.append_blocks`."""

    frames: int
    """How many were read, to be released."""
    columns: Columns
    """Lent until the next run is read."""
    blocks: Column
    """The whole ring of frames in blocks: lent until the run is released."""
    firsts: Column
    kept: Column
    refused: int
    control_frames: tuple[ControlFrame, ...]
    """Those that may hold IGMP or MLD, oldest first."""
    control_skipped: int
    """Older ones that were too many."""


class FrameRing:
    """`frames` frames of `FRAME_SIZE` octets in memory shared with the kernel."""

    def __init__(self, memory: mmap.mmap | bytearray, frames: int) -> None:
        self.frames = frames
        self._octets = np.frombuffer(memory, np.uint8, frames * FRAME_SIZE).reshape(frames, FRAME_SIZE)
        self._blocks = self._octets.reshape(frames * _BLOCKS, _BLOCK)
        self._headers = self._octets[:, : _HEADER_WORDS * 8].view("<u8")
        self._heads = self._octets[:, _HEAD_AT : _HEAD_AT + HEAD].view(">u8")
        self._status = self._octets[:, :4].view("<u4")[:, 0]
        self._glances = self._status.data  # for one at a time: numpy's own takes twice as long
        self._from_mac = self._octets[:, _HEAD_AT:]
        # Kept, and touched now: memory taken anew for each run costs more than the copies, in page faults.
        self._header_words = np.full((_HEADER_WORDS, RUN), 0, "<u8")
        self._head_words = np.full((HEAD // 8, RUN), 0, "<u8")

    def read(self, at: int) -> Run | None:
        """Read what the kernel has filled from `at` on, up to the end of the ring or `RUN`; None: nothing.

        A frame's octets are looked at after it was seen to be filled.
        """
        header = self._read_headers(at)
        count = header.shape[1]
        if not count:
            return None
        frames = self._from_mac[at : at + count]
        captured, lengths = (header[1] & _LOW_32).view("<i8"), (header[0] >> 32).view("<i8")
        begins = header[1].view("<u2")[2::4]
        if (begins != MAC_AT).any():
            self._shift(at, begins, captured)
        decoded = decode_words(self._read_heads(at, count), frames, captured, lengths)
        columns = decoded.columns | _columns_of(header, decoded)
        control = _control_rows(columns, frames, decoded)
        control_frames = _control_frames(columns, frames, captured, lengths, control)
        align_payloads(frames, decoded)
        firsts = np.arange(at * _BLOCKS + _PAYLOAD_BLOCK, (at + count) * _BLOCKS, _BLOCKS)
        kept = decoded.kept
        if decoded.is_sound is not None:
            chosen = decoded.is_sound
            columns = {name: column[chosen] for name, column in columns.items()}
            firsts, kept = firsts[chosen], kept[chosen]
        skipped = max(0, len(control) - MOST_CONTROL_FRAMES)
        return Run(count, columns, self._blocks, firsts, kept, decoded.refused, control_frames, skipped)

    def waiting(self, at: int) -> int:
        """Return how many frames from `at` on are filled: found by a glance at a dozen, so nearly exact.

        The kernel fills some at a time, and one of those may be filled before the one before it.
        """
        low, high = 0, self.frames
        while low < high:
            middle = (low + high + 1) // 2
            if self.holds(at, middle):
                low = middle
            else:
                high = middle - 1
        return low

    def holds(self, at: int, count: int) -> bool:
        """Whether `count` frames from `at` on, one at least, are filled: by one glance, as in `waiting`."""
        status: int = self._glances[(at + count - 1) % self.frames]
        return bool(status & _IS_OURS)

    def release(self, at: int, count: int) -> None:
        """Give frames back to the kernel; what was read of them is no longer to be looked at."""
        self._status[at : at + count] = 0

    def _read_headers(self, at: int) -> Column:
        """Return the kernel's headers of the frames that are filled from `at` on, a word of all a line."""
        count = min(self.waiting(at), RUN, self.frames - at)
        header = self._header_words[:, :count]
        if count:
            np.copyto(header, self._headers[at : at + count].T)
            if not np.bitwise_and.reduce(header[0]) & _IS_OURS:
                header = header[:, : int((header[0] & _IS_OURS).argmin())]
        return header

    def _read_heads(self, at: int, count: int) -> Column:
        """Return the first `HEAD` octets of frames, as `decode_words` wants them."""
        words = self._head_words[:, :count]
        np.copyto(words, self._heads[at : at + count].T)
        return words

    def _shift(self, at: int, begins: Column, captured: Column) -> None:
        """Move frames whose MAC header lies elsewhere to where it lies in all others."""
        for begin in sorted(set(begins.tolist()) - {MAC_AT}):
            chosen = np.flatnonzero(begins == begin)
            kept = np.minimum(captured[chosen], FRAME_SIZE - max(begin, MAC_AT))
            longest = int(kept.max())
            moved = self._octets[at + chosen, begin : begin + longest]
            self._octets[at + chosen, MAC_AT : MAC_AT + longest] = moved
            captured[chosen] = kept


def _columns_of(header: Column, decoded: Decoded) -> Columns:
    """Return the columns that the kernel's own header tells."""
    rows = header.shape[1]
    received_at = (header[2] & _LOW_32).view("<i8")
    received_at *= 1_000_000_000
    received_at += (header[2] >> 32).view("<i8")
    columns = {
        "received_at": received_at,
        "ifindex": header[4].view("<u4")[1::2],  # when it came: the socket may listen elsewhere since
        "local_address": np.zeros(rows, np.uint32),
        "direction": _DIRECTIONS.take((header[5] >> 16).astype("u1")),
    }
    if np.bitwise_or.reduce(header[0]) & _HAS_TAG:
        has_tag = header[0] & _HAS_TAG != 0
        columns["vlan"] = np.where(has_tag, (header[3] & 0xFFF).view("<i8"), decoded.columns["vlan"])
    return columns


def _control_rows(columns: Columns, frames: Column, decoded: Decoded) -> Column:
    """Return the rows that may hold IGMP or MLD."""
    if not (columns["source_port"] == 0).any():  # no raw row: a glance at one column
        return np.empty(0, np.int64)
    protocol = columns["destination_port"]
    is_whole_raw = columns["flags"] & _RAW_OR_FRAGMENT == np.uint8(Flag.RAW)
    is_control = is_whole_raw & ((protocol == _IGMP) | (protocol == _ICMPV6)) & (decoded.kept > 0)
    if decoded.is_sound is not None:
        is_control &= decoded.is_sound
    rows = np.flatnonzero(is_control)
    types = frames[rows, LEAD + decoded.payload_at[rows]]
    control: Column = rows[(protocol[rows] == _IGMP) | np.isin(types, _MLD_TYPES)]
    return control


def _control_frames(
    columns: Columns, frames: Column, captured: Column, lengths: Column, rows: Column
) -> tuple[ControlFrame, ...]:
    return tuple(
        _control_frame(columns, frames, int(captured[row]), int(lengths[row]), row)
        for row in rows[-MOST_CONTROL_FRAMES:].tolist()
    )


def _control_frame(columns: Columns, frames: Column, captured: int, length: int, row: int) -> ControlFrame:
    octets = frames[row, LEAD : LEAD + captured].tobytes()
    at = 12
    while octets[at : at + 2] in (b"\x81\x00", b"\x88\xa8", b"\x91\x00"):
        at += 4
    vlan = int(columns["vlan"][row])
    return ControlFrame(
        received_at=int(columns["received_at"][row]),
        ifindex=int(columns["ifindex"][row]),
        is_outgoing=bool(columns["direction"][row] == Direction.OUTGOING),
        source_mac=octets[6:12],
        vlan=vlan if vlan >= 0 else None,
        packet=octets[at + 2 :],
        is_cut=captured < length,
    )
