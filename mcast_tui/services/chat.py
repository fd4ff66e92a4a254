"""Conversation over plain datagrams: one line of UTF-8 text each, as socat peers send it.

A pane is a group, or `DIRECT`: what was addressed to this host alone and what we sent to
one host. Lines are read from the ring by cursor when the front end polls, so a flood costs
a bounded amount: of what came since the last poll only the newest `LINES_PER_POLL` within
`BYTES_PER_POLL` become lines, the rest is counted as skipped.

Every text here went through `safe`; nothing else of the payload is kept.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from mcast_tui.safe import is_text, show
from mcast_tui.services.group import SELECTED_BY
from mcast_tui.wire.columns import (
    Addressed,
    Columns,
    Flag,
    address_from_words,
    address_words,
    ports_and_protocol,
)
from mcast_tui.wire.scope import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    import numpy.typing as npt

    from mcast_tui.capture.ring import PacketRing
    from mcast_tui.errors import McastError
    from mcast_tui.services.group import Group
    from mcast_tui.services.groups import Groups
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.literal import Address

    Rows: TypeAlias = npt.NDArray[np.intp]

DIRECT = 0
"""The pane of unicast: its id is that of "all traffic"."""
BROADCAST = -1
"""No word of an address: it takes every destination."""
LINES = 1000
"""Lines kept per pane; the packets themselves stay in the ring."""
LINES_PER_POLL = 200
"""More lines than this between two frames nobody reads; they are counted as skipped."""
BYTES_PER_POLL = 32_768
"""Payload made into lines between two frames, shared by the panes that have any: to make
hostile text safe takes about a microsecond a byte."""
TEXT_LIMIT = 1024
"""Bytes of a datagram shown as one line; the rest is in the packet's detail."""


class LineState(Enum):
    """How far a line of ours is known to have come; RECEIVED for those of others."""

    SENDING = "sending"
    SENT = "sent"
    HEARD = "heard"
    FAILED = "failed"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class Line:
    """One datagram as a line of conversation."""

    at: int
    """ns since the epoch: received, or handed to the kernel."""
    source: Address | None
    """None for a line of ours that the kernel has not looped back."""
    source_port: int | None
    destination: Address | None
    destination_port: int | None
    """None, as `source_port`: raw IP has no ports."""
    text: str
    """Safe to show. For a payload that is no text: what it is, in our words."""
    state: LineState
    addressed: Addressed
    is_text: bool = True
    altered: bool = False
    """It held a control character, an escape sequence perhaps, that was made visible instead."""
    number: int | None = None
    """Its packet in the ring; None for one of ours not heard back."""
    error: McastError | None = None
    is_aside: bool = False
    """We sent it past the groups we joined; it stands in the direct pane."""
    protocol: int | None = None
    """Raw IP: the protocol number; None is UDP."""

    @property
    def own(self) -> bool:
        return self.state is not LineState.RECEIVED


class DirectRows:
    """The rows of the direct pane: addressed to this host alone."""

    def selects(self, columns: Columns) -> npt.NDArray[np.bool_]:
        direct: npt.NDArray[np.bool_] = columns["addressed"] == Addressed.UNICAST
        return direct


class Pane:
    """The lines of one conversation, how many were skipped, and which are unread."""

    def __init__(self, rows: Group | DirectRows) -> None:
        self._rows = rows
        self.lines: deque[Line] = deque(maxlen=LINES)
        self.added = 0
        """Lines ever added: a reader's cursor, since the deque forgets."""
        self.unread = 0
        """Text lines of others since it was read last: neither ours nor payloads that are no text."""
        self.unread_from = 0
        """The number of the first of these, counted as `added` does; means nothing while there is none."""
        self.skipped = 0
        """Datagrams of this pane that came too fast for a line of their own."""
        self.revision = 0
        """Grows whenever a line came or changed."""

    def rows_in(self, columns: Columns) -> Rows:
        """Return which rows of `columns` belong here; what a filter refused belongs nowhere."""
        return np.flatnonzero(self._rows.selects(columns) & (columns["flags"] & Flag.REFUSED == 0))

    def absorb(self, ring: PacketRing, first: int, columns: Columns, rows: Rows, allowance: int) -> int:
        """Make lines of the newest of these rows; return how many of them were skipped.

        Row 0 of `columns` is packet `first`. At least one line is made, and no more than
        `allowance` bytes of payload allow.
        """
        newest = rows[-LINES_PER_POLL:]
        shown_bytes = np.minimum(columns["length"][newest], TEXT_LIMIT).astype(np.int64)
        fitting = int(np.count_nonzero(np.cumsum(shown_bytes[::-1]) <= allowance))
        newest = newest[-max(1, fitting) :]
        payloads = ring.payloads(newest + first, TEXT_LIMIT)
        for row, payload in zip(newest.tolist(), payloads, strict=True):
            self._take(_received_line(first + row, columns, row, payload))
        skipped = len(rows) - len(newest)
        self.skipped += skipped
        return skipped

    def _take(self, line: Line) -> None:
        if line.own and self._mark_heard(line):
            return
        if not line.own and line.is_text:
            if not self.unread:
                self.unread_from = self.added
            self.unread += 1
        self.add(line)

    def _mark_heard(self, heard: Line) -> bool:
        """Mark the oldest line of ours that this is the looped-back copy of."""
        for position, line in enumerate(self.lines):
            if line.state in {LineState.SENT, LineState.SENDING} and line.text == heard.text:
                self.lines[position] = replace(
                    heard, at=line.at, is_text=line.is_text, altered=line.altered, state=LineState.HEARD
                )
                self.revision += 1
                return True
        return False

    def add(self, line: Line) -> None:
        self.lines.append(line)
        self.added += 1
        self.revision += 1

    def change(self, old: Line, new: Line) -> None:
        """Put `new` where `old` stands; does nothing when it has scrolled out or was heard already."""
        for position in range(len(self.lines) - 1, -1, -1):
            if self.lines[position] is old:
                self.lines[position] = new
                self.revision += 1
                return


def _received_line(number: int, columns: Columns, row: int, payload: bytes | None) -> Line:
    length = int(columns["length"][row])
    text, plain, altered = describe_payload(payload, length)
    flags = int(columns["flags"][row])
    source_port, destination_port, protocol = ports_and_protocol(
        int(columns["source_port"][row]), int(columns["destination_port"][row]), flags
    )
    return Line(
        at=int(columns["received_at"][row]),
        source=address_from_words(*columns["source"][row].tolist()),
        source_port=source_port,
        destination=address_from_words(*columns["destination"][row].tolist()),
        destination_port=destination_port,
        text=text,
        state=LineState.HEARD if flags & Flag.OWN else LineState.RECEIVED,
        addressed=Addressed(int(columns["addressed"][row])),
        is_text=plain,
        altered=altered,
        number=number,
        protocol=protocol,
    )


_ADDRESSED = {
    Kind.MULTICAST: Addressed.MULTICAST,
    Kind.LIMITED_BROADCAST: Addressed.BROADCAST,
    Kind.DIRECTED_BROADCAST: Addressed.BROADCAST,
}


def own_line(destination: Endpoint, payload: bytes, group: Group | None, kind: Kind) -> Line:
    """Return what we are about to send as a line; `group` None: it goes past the groups we joined."""
    text, plain, altered = describe_payload(payload, len(payload))
    return Line(
        at=time.time_ns(),
        source=None,
        source_port=None,
        destination=destination.address,
        destination_port=destination.port if destination.protocol is None else None,
        text=text,
        state=LineState.SENDING,
        addressed=_ADDRESSED.get(kind, Addressed.UNICAST),
        is_text=plain,
        altered=altered,
        is_aside=group is None,
        protocol=destination.protocol,
    )


def describe_payload(payload: bytes | None, length: int) -> tuple[str, bool, bool]:
    """Return a payload as (safe text, whether it was text, whether a control was made visible).

    Only its first `TEXT_LIMIT` bytes are shown, so that a line of ours reads like its looped-back
    copy. One trailing line end belongs to the line as peers send it and is not shown.
    """
    if payload is None:
        return f"{length} bytes, evicted before they were read", False, False
    payload = payload[:TEXT_LIMIT]
    line = payload.removesuffix(b"\n").removesuffix(b"\r")
    if not is_text(line):
        return f"{length} bytes, not text", False, False
    if length <= len(payload):
        shown = show(line)
        return shown.text, True, shown.controls
    shown = show(line.decode(errors="ignore"))  # text, but for a character that was cut in two at the end
    return f"{shown.text}… {length} bytes in all", True, shown.controls


class Chat:
    """Every pane's lines; polled at frame rate by whoever shows them."""

    COLUMNS = (*SELECTED_BY, "source_port", "received_at", "length")

    def __init__(self, ring: PacketRing, groups: Groups) -> None:
        self._ring = ring
        self._groups = groups
        self._cursor = 0
        self._skipped = 0
        self._panes: dict[int, Pane] = {DIRECT: Pane(DirectRows())}
        self._revision: int | None = None
        self._talked_in: set[Pane] = set()
        """Where anything was ever received: of ten thousand groups most are silent."""
        self._at: dict[int, list[Pane]] = {}
        """Panes of groups by the low word of their address; those of broadcast under `BROADCAST`."""

    def poll(self) -> None:
        """Read what arrived since the last poll into the panes it belongs to."""
        self._follow_groups()
        head = self._ring.head
        if head == self._cursor:
            return
        first, columns = self._ring.read(self._cursor, head, self.COLUMNS)
        self._skipped += first - self._cursor
        self._cursor = head
        chosen = [(pane, rows) for pane in self._concerned(columns) if len(rows := pane.rows_in(columns))]
        self._talked_in.update(pane for pane, _ in chosen)
        for pane, rows in chosen:
            allowance = BYTES_PER_POLL // len(chosen)
            self._skipped += pane.absorb(self._ring, first, columns, rows, allowance)

    def _follow_groups(self) -> None:
        """Open a pane for each new group and drop those of groups that were left."""
        if self._revision == self._groups.revision:
            return
        self._revision = self._groups.revision
        joined = {group.id: group for group in self._groups}
        for group_id in self._panes.keys() - joined.keys() - {DIRECT}:
            self._talked_in.discard(self._panes.pop(group_id))
        for group_id in joined.keys() - self._panes.keys():
            self._panes[group_id] = Pane(joined[group_id])
        self._at.clear()
        for group in joined.values():
            where = BROADCAST if group.is_broadcast else address_words(group.endpoint.address)[1]
            self._at.setdefault(where, []).append(self._panes[group.id])

    def _concerned(self, columns: Columns) -> Iterator[Pane]:
        """Yield the panes some of these rows may belong to: with many groups, most are not asked."""
        heard = np.unique(columns["destination"][:, 1]).tolist()
        yield self._panes[DIRECT]
        for where in (BROADCAST, *heard):
            yield from self._at.get(where, ())

    def pane(self, group_id: int) -> Pane | None:
        """Return a group's pane, `DIRECT` for unicast; None for a group that is not joined."""
        return self._panes.get(group_id)

    def lines(self, group_id: int) -> Sequence[Line]:
        pane = self._panes.get(group_id)
        return tuple(pane.lines) if pane else ()

    def unread(self, group_id: int) -> int:
        """Return how many text lines of others came since `mark_read`."""
        pane = self._panes.get(group_id)
        return pane.unread if pane else 0

    def unread_in_groups(self) -> int:
        """Return how many such lines there are in all groups together."""
        return sum(pane.unread for pane in self._talked_in if pane is not self._panes[DIRECT])

    def mark_read(self, group_id: int) -> None:
        if pane := self._panes.get(group_id):
            pane.unread = 0

    def skipped(self) -> int:
        """Return how many datagrams no line was made of since the start; it never goes back.

        Those of every pane, also of groups that were left, and the packets that were evicted from
        the ring before the chat looked: whose those were nobody knows any more.
        """
        return self._skipped
