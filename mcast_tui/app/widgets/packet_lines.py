"""The lines of a packet log: a selection from the ring, and copies of those somebody is reading.

A line is a position in a `Selection`: it never comes to mean another packet. `read` takes
rows from the ring, for a log that follows. `hold` keeps copies of the rows around a view that
stands still, so that a ring wrapping under it can neither move nor blank what is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcast_tui.app.widgets.packet_row import NAMES, Row, rows_from_columns
from mcast_tui.capture.selection import Selection
from mcast_tui.wire.columns import Flag
from mcast_tui.wire.frame import Link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.capture.ring import PacketRing
    from mcast_tui.capture.selection import Predicate
    from mcast_tui.wire.columns import Column, Columns

REACH: Final = 1_000
"""Lines held on either side of the view: some 25 screens, so at most a few ms to copy and 1 MB to keep."""

MARGIN: Final = 250
"""The view comes this near to what is not held before more is taken."""

PREVIEW_BYTES: Final = 512
"""Payload copied per line: four bytes of UTF-8 for each cell of the widest Info column worth having."""

EXAMINED_PER_TICK: Final = 262_144
"""Packets a fresh selection looks at in one frame; the rest of a full ring follows in the next ones."""


class PacketLines:
    """The packets of `ring` that `predicate` selects, as lines; the refused ones only when asked for."""

    def __init__(
        self,
        ring: PacketRing,
        predicate: Predicate | None = None,
        names: Sequence[str] | None = None,
        *,
        with_refused: bool = False,
        hidden_before: int = 0,
    ) -> None:
        self.ring = ring
        self._names = (*NAMES, *(name for name in Link._fields if name in ring.names))
        self.hidden_before = hidden_before
        """Packets with a lower number are not shown: the view was cleared."""
        self._selection = _select(ring, predicate, names, with_refused=with_refused)
        self._gone_before = ring.tail
        self._held: dict[int, Row] = {}
        self._held_from = self._held_to = 0

    @property
    def is_tapped(self) -> bool:
        """Whether a tap saw them, and not a socket of ours."""
        return len(self._names) > len(NAMES)

    @property
    def start(self) -> int:
        """The oldest line that is shown and whole."""
        return max(self._selection.first, self._selection.position_of(self.hidden_before))

    @property
    def stop(self) -> int:
        """One past the newest line."""
        return self._selection.stop

    @property
    def hidden(self) -> int:
        """Lines that are whole but not shown, because the view was cleared after they came."""
        return self.start - self._selection.first

    @property
    def skipped(self) -> int:
        """Packets that came and were evicted since this began, before anybody looked if they belong here."""
        return max(0, self._selection.skipped - self._gone_before)

    def extend(self) -> int:
        """Look for new lines in the ring; return how many were found."""
        return self._selection.extend(EXAMINED_PER_TICK)

    def number_at(self, line: int) -> int | None:
        """Return the packet number of a line, None once even that is forgotten."""
        return self._selection.number_at(line)

    def row(self, line: int) -> Row | None:
        """Return a row that `read` or `hold` took; None when it was overwritten before."""
        return self._held.get(line)

    def read(self, first: int, stop: int) -> None:
        """Take the rows of the lines [first, stop) from the ring, and hold nothing else."""
        if (first, stop) != (self._held_from, self._held_to):
            self._held = self._read(range(first, stop))
            self._held_from, self._held_to = first, stop

    def hold(self, first: int, stop: int) -> None:
        """Hold the lines [first, stop) and `REACH` lines on either side; what is held stays as it is."""
        low, high = max(0, first - MARGIN), min(stop + MARGIN, self.stop)
        if self._held_from <= low and high <= self._held_to:
            return
        low, high = max(0, first - REACH), min(stop + REACH, self.stop)
        kept = {line: row for line, row in self._held.items() if low <= line < high}
        self._held = self._read([line for line in range(low, high) if line not in kept]) | kept
        self._held_from, self._held_to = low, high

    def _read(self, lines: Sequence[int]) -> dict[int, Row]:
        """Copy the rows of ascending `lines` that are whole, in one bulk read."""
        oldest = self._selection.oldest
        lines = [line for line in lines if line >= oldest]
        if not lines:
            return {}
        first = lines[0]
        numbers = self._selection.numbers(first, lines[-1] + 1)[[line - first for line in lines]]
        whole, columns = self.ring.take(numbers, self._names)
        payloads = self.ring.payloads(numbers, PREVIEW_BYTES)
        rows = rows_from_columns(numbers.tolist(), columns, payloads)
        return {
            line: row for line, row, is_whole in zip(lines, rows, whole.tolist(), strict=True) if is_whole
        }


def _select(
    ring: PacketRing, predicate: Predicate | None, names: Sequence[str] | None, *, with_refused: bool
) -> Selection:
    """Return the selection of `predicate`, without the refused packets unless `with_refused`."""
    if with_refused:
        return Selection(ring, predicate, names)

    def accepted(columns: Columns) -> Column:
        mask: Column = (columns["flags"] & Flag.REFUSED) == 0
        return mask if predicate is None else mask & predicate(columns)

    if predicate is None:
        names = ("flags",)
    elif names is not None:
        names = (*names, "flags")
    return Selection(ring, accepted, names)
