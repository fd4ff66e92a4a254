"""A stretch of the ring, read to be printed: columns and payloads of the packets that are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mcast_tui.wire.columns import Column, Columns, Flag, address_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcast_tui.capture.ring import PacketRing
    from mcast_tui.net.interfaces import Interface

MOST_PACKETS = 2048
MOST_BYTES = 1 << 20
"""Read at once at most: some 10 ms of work, and what a few lines with the longest payloads take."""

_OWN, _REFUSED = np.uint8(Flag.OWN), np.uint8(Flag.REFUSED)  # numpy takes a Flag for a 64-bit number


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which packets are to be printed, and what has to be read for it."""

    refused: bool = False
    """Those, too, that --range or --source-port refuse."""
    own: bool = True
    """Those, too, that come from this host."""
    payloads: bool = True
    whole_only: bool = False
    """A packet whose payload was evicted is left out."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Packets of a stretch of the ring: all columns have one row for each."""

    numbers: Column
    columns: Columns
    payloads: list[bytes | None]
    """Empty where none were wanted; None for a payload that was evicted."""
    stop: int
    """The number of the first packet that was not looked at."""
    evicted: int
    """Packets that were wanted and are gone, whole or only their payload. What was gone before anybody
    could look whether it was wanted counts as wanted."""

    def __len__(self) -> int:
        return len(self.numbers)


class OwnAddresses:
    """The addresses of this host: what comes from one of them was sent here, by whatever process.

    A link-local address is this host's only on its own interface.
    """

    def __init__(self, interfaces: Iterable[Interface]) -> None:
        own = [
            (*address_words(each.ip), interface.index if each.ip.is_link_local else 0)
            for interface in interfaces
            for each in interface.addresses
        ]
        self._words = np.array([words for *words, _ in own], "<u8").reshape(-1, 2)
        self._ifindexes = np.array([ifindex for *_, ifindex in own], "<u4")

    def sent(self, columns: Columns) -> Column:
        """Return which rows come from here, as a mask."""
        same = (columns["source"][:, None, :] == self._words).all(2)
        same &= (self._ifindexes == 0) | (self._ifindexes == columns["ifindex"][:, None])
        mask: Column = same.any(1)
        return mask


def read_piece(
    ring: PacketRing, start: int, stop: int, most: int, wanted: Wanted, own: OwnAddresses
) -> Piece:
    """Read from packet `start` on, before `stop`, a piece of bounded size with at most `most` packets.

    It marks what this host sent as own. A piece may be empty and yet go on: all of it was evicted.
    """
    first, columns = ring.read(start, min(stop, start + MOST_PACKETS))
    evicted, count = first - start, _that_fit(columns["length"])
    columns = {name: column[:count] for name, column in columns.items()}
    columns["flags"][own.sent(columns)] |= _OWN
    rows = _chosen(columns, wanted)
    if len(rows) > most:
        rows = rows[:most]
        count = int(rows[-1]) + 1
    payloads: list[bytes | None] = []
    if wanted.payloads:
        run = ring.payload_run(first, first + count)
        payloads = run if len(rows) == count else [run[row] for row in rows.tolist()]
        evicted += payloads.count(None)
        if wanted.whole_only:
            rows = rows[[payload is not None for payload in payloads]]
            payloads = [payload for payload in payloads if payload is not None]
    columns = {name: column[rows] for name, column in columns.items()}
    return Piece(rows + first, columns, payloads, first + count, evicted)


def _that_fit(lengths: Column) -> int:
    """Return how many of the rows hold `MOST_BYTES` of payload together; one always fits."""
    if not len(lengths):
        return 0
    return max(1, int(np.searchsorted(np.cumsum(lengths, dtype=np.int64), MOST_BYTES, "right")))


def _chosen(columns: Columns, wanted: Wanted) -> Column:
    """Return which rows are wanted."""
    unwanted = np.uint8(0)
    if not wanted.refused:
        unwanted |= _REFUSED
    if not wanted.own:
        unwanted |= _OWN
    rows: Column = np.flatnonzero(columns["flags"] & unwanted == 0)
    return rows
