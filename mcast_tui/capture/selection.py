"""Selection: which packets of a ring match, as a list that grows with the ring and stays bounded.

A position counts the matches from 0 for the life of the selection and never comes to mean
another packet: what was at position 17 stays at position 17 until it is forgotten. That is
what lets a log that is scrolled back stand still while the ring wraps under it: it keeps
its first position and copies of the rows it shows, and nothing moves.

Who looks at it calls `extend` (any time, as rarely as it likes); nothing happens by itself.
Not for several threads at once; the ring's writer may run beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mcast_tui.wire.columns import Column, Columns

if TYPE_CHECKING:
    from mcast_tui.capture.ring import PacketRing

Predicate: TypeAlias = Callable[[Columns], Column]
"""Columns in, a boolean per row out; called with at most `CHUNK` rows, never with none."""

CHUNK = 65_536
"""Rows examined at a time: their columns stay in the processor's cache, and little memory is needed."""


class Selection:
    """The numbers of the packets in `ring` that `predicate` accepts; all of them when it is None.

    The predicate is given the columns `names` (all when None). At most `ring.capacity` numbers
    are kept. Without a predicate position and number are the same and nothing is kept at all.
    """

    def __init__(
        self, ring: PacketRing, predicate: Predicate | None = None, names: Sequence[str] | None = None
    ) -> None:
        self.ring = ring
        self.predicate = predicate
        self.names = names
        self.examined = 0
        """The packet number up to which `extend` has looked."""
        self.skipped = 0
        """Packets that were evicted before `extend` came to look at them; whether they match is unknown."""
        self.stop = 0
        """One past the newest position: how many matches were found so far."""
        self._numbers = np.empty(ring.capacity if predicate else 0, np.int64)

    def __len__(self) -> int:
        """How many positions are still whole in the ring."""
        return self.stop - self.first

    @property
    def first(self) -> int:
        """The oldest position whose packet is still whole; `stop` when there is none."""
        return self.position_of(self.ring.tail)

    @property
    def oldest(self) -> int:
        """The oldest position whose number is still known, though its packet may be evicted."""
        return max(0, self.stop - len(self._numbers)) if self.predicate else 0

    def extend(self, limit: int | None = None) -> int:
        """Look at what the ring has got since the last time; return how many new matches there are.

        With `limit` at most so many packets are looked at, for a predicate that takes its time;
        `examined` tells whether something remains.
        """
        before = self.stop
        end = self.ring.head if limit is None else min(self.ring.head, self.examined + limit)
        if self.predicate is None:
            self.examined = self.stop = end
            return end - before
        while self.examined < end:
            start, columns = self.ring.read(self.examined, min(end, self.examined + CHUNK), self.names)
            rows = len(next(iter(columns.values())))
            self.skipped += start - self.examined
            self.examined = start + rows
            if rows:
                self._keep(np.flatnonzero(self.predicate(columns)) + start)
        return self.stop - before

    def _keep(self, numbers: Column) -> None:
        # Never more than fit: a ring hands out at most `capacity` rows at once.
        slot = self.stop % len(self._numbers)
        before_end = len(self._numbers) - slot
        self._numbers[slot : slot + len(numbers)] = numbers[:before_end]
        self._numbers[: max(0, len(numbers) - before_end)] = numbers[before_end:]
        self.stop += len(numbers)

    def numbers(self, start: int, stop: int) -> Column:
        """Return the packet numbers at the positions [start, stop), as far as they are known."""
        start, stop = max(start, self.oldest), min(stop, self.stop)
        positions = np.arange(start, max(start, stop))
        return positions if self.predicate is None else self._numbers[positions % len(self._numbers)]

    def number_at(self, position: int) -> int | None:
        """Return the packet number at `position`; None when it is yet to come or forgotten."""
        known = self.numbers(position, position + 1)
        return int(known[0]) if len(known) else None

    def position_of(self, number: int) -> int:
        """Return the position of packet `number`, or of the next match after it (`stop` when none is)."""
        low, high = self.oldest, self.stop
        if self.predicate is None:
            return min(max(number, 0), high)
        while low < high:  # a binary search by hand: the list is a ring, searchsorted wants a line
            middle = (low + high) // 2
            if self._numbers[middle % len(self._numbers)] < number:
                low = middle + 1
            else:
                high = middle
        return low
