"""PacketRing: the newest packets, whole, in bounded memory. One writer, many readers, no locks.

Two rings of fixed size: a row per packet (`wire.columns`, one array per column) and a byte
ring for the payloads. A payload lives as long as both its row and its bytes do; it is whole
or it is gone. Memory that no packet has touched yet is not resident.

How a reader on another thread never sees half a packet: the writer announces what it is
about to overwrite (`_reserved`, `_payload_reserved`), then writes, then publishes `head`. A
reader copies first and looks at the announcements afterwards; what was announced meanwhile
is not in its answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import as_strided

from mcast_tui.wire.columns import COLUMNS, Column, Columns, ColumnTypes, Packet, packet_from_row
from mcast_tui.wire.memory import untouched

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MIB = 1024 * 1024
DEFAULT_CAPACITY = 1_000_000
DEFAULT_PAYLOAD_CAPACITY = 32 * MIB

BLOCK = 32
"""Payloads start on multiples of this many bytes: numpy moves items of 32 bytes without a call for each."""

_LONGEST = 0xFFFF
"""Bytes of payload the `length` column can say."""


class PacketRing:
    """The newest `capacity` packets and the newest `payload_capacity` bytes of their payloads.

    Packets are numbered from 0 in the order they were appended, for the life of the ring.
    `append` belongs to one thread; everything else may be called from any. `more` are columns beside
    those of `COLUMNS`, described alike; every batch has to bring them.
    """

    def __init__(
        self,
        capacity: int = DEFAULT_CAPACITY,
        payload_capacity: int = DEFAULT_PAYLOAD_CAPACITY,
        more: ColumnTypes | None = None,
    ) -> None:
        if capacity < 1 or payload_capacity < BLOCK:
            raise ValueError(f"a ring holds at least 1 packet and {BLOCK} payload bytes")
        self.capacity = capacity
        self._block_count = payload_capacity // BLOCK
        self._columns: Columns = {
            name: untouched((capacity,) if words == 1 else (capacity, words), dtype)
            for name, (dtype, words) in (COLUMNS | (more or {})).items()
        }
        self._payload_at = untouched((capacity,), "<u8")  # blocks since the ring began, not within it
        self._payload_length = untouched((capacity,), "<u2")  # bytes kept: less than `length` when truncated
        self._blocks = untouched((self._block_count, BLOCK), "u1")
        self._bytes = self._blocks.reshape(-1)
        self._head = self._reserved = 0
        self._payload_reserved = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it has."""
        return tuple(self._columns)

    @property
    def payload_capacity(self) -> int:
        """Bytes of payload kept at most; each payload is rounded up to whole blocks of `BLOCK`."""
        return self._block_count * BLOCK

    @property
    def head(self) -> int:
        """How many packets were appended so far: the number of the next one."""
        return self._head

    @property
    def tail(self) -> int:
        """The oldest number still whole, which is also how many packets were evicted."""
        return max(0, self._reserved - self.capacity)

    @property
    def payload_tail(self) -> int:
        """The oldest number from which on row and payload are both whole: O(log n).

        Of the packets before it, only those with an empty payload may be whole.
        """
        gone_before = self._payload_reserved - self._block_count
        low, high = self.tail, self._head
        while low < high:
            middle = (low + high) // 2
            begin = int(self._payload_at[middle % self.capacity])
            if begin < gone_before or middle < self.tail:  # the second: overwritten while we looked
                low = middle + 1
            else:
                high = middle
        return low

    # -- the writer

    def append(self, columns: Columns, payloads: Column) -> None:
        """Append one row per packet, with `payloads` (rows, bytes) beside them; only the newest fit.

        Row i keeps the first ``min(length[i], payloads.shape[1])`` bytes of ``payloads[i]``.
        """
        rows = len(columns["length"])
        if rows == 0:
            return
        lengths, width = columns["length"], payloads.shape[1]
        if width < _LONGEST:
            lengths = np.minimum(lengths, width)
        blocks, blocks_a_row = _as_blocks(payloads[:rows])
        self.append_blocks(columns, blocks, np.arange(rows) * blocks_a_row, lengths)

    def append_blocks(self, columns: Columns, blocks: Column, firsts: Column, lengths: Column) -> None:
        """Append one row per packet, at least one; only the newest fit.

        The payload kept of row i is the first ``lengths[i]`` bytes from block ``firsts[i]`` of `blocks`
        on, an array of (any, `BLOCK`) bytes. It may be less than the column `length` says.
        """
        rows = len(lengths)
        self._reserved = self._head + rows
        begins = self._append_payloads(lengths, blocks, firsts)
        slot = self._head % self.capacity
        if slot + rows <= self.capacity:  # nearly always: nothing is to be cut in two
            self._write(slice(slot, slot + rows), columns, begins, lengths)
        else:
            for target, source in self._places(rows):
                parts = {name: column[source] for name, column in columns.items()}
                self._write(target, parts, begins[source], lengths[source])
        self._head = self._reserved

    def _write(self, target: slice, columns: Columns, begins: Column, lengths: Column) -> None:
        self._payload_at[target] = begins
        self._payload_length[target] = lengths
        for name, column in self._columns.items():
            column[target] = columns[name]

    def _places(self, rows: int) -> list[tuple[slice, slice]]:
        """Return which slots take which of the `rows` just reserved: a pair, or two where the ring wraps."""
        count = min(rows, self.capacity)
        slot = (self._reserved - count) % self.capacity
        before_end = min(count, self.capacity - slot)
        wrap = rows - count + before_end
        places = [(slice(slot, slot + before_end), slice(rows - count, wrap))]
        if wrap < rows:
            places.append((slice(rows - wrap), slice(wrap, rows)))
        return places

    def _append_payloads(self, lengths: Column, blocks: Column, firsts: Column) -> Column:
        """Copy the payloads into whole blocks; return the block number at which each begins."""
        counts = np.add(lengths, BLOCK - 1, dtype=np.int64)
        counts //= BLOCK
        ends = np.add.accumulate(counts)
        begins: Column = ends - counts
        at, total = self._payload_reserved, int(ends[-1])
        self._payload_reserved = at + total
        if total > self._block_count:
            # More than the whole ring at once: the oldest rows lose their payload before they had it.
            oldest = int(np.searchsorted(begins, total - self._block_count))
            if oldest < len(counts):
                skipped = int(begins[oldest])
                self._copy_blocks(
                    at + skipped, begins[oldest:] - skipped, counts[oldest:], blocks, firsts[oldest:]
                )
        elif total:
            self._copy_blocks(at, begins, counts, blocks, firsts)
        begins += at
        return begins

    def _copy_blocks(self, at: int, begins: Column, counts: Column, blocks: Column, firsts: Column) -> None:
        """Copy `counts` blocks from `firsts` on to where `begins`, counted from block `at`, says."""
        rows = _evenly_spaced(blocks, firsts, counts)
        first = at % self._block_count
        if rows is not None and first + rows.size // BLOCK <= self._block_count:
            np.copyto(self._blocks[first : first + rows.size // BLOCK].reshape(rows.shape), rows)
            return
        # Which block of the source goes to each block in turn: one gather for the whole batch.
        ahead = firsts - begins
        index = ahead.repeat(counts)
        total = len(index)
        index += np.arange(total)
        before_end = self._block_count - first
        # mode="clip" lets numpy write straight into `out`; the index is in range by construction.
        if total <= before_end:
            blocks.take(index, 0, self._blocks[first : first + total], "clip")
        else:
            blocks.take(index[:before_end], 0, self._blocks[first:], "clip")
            blocks.take(index[before_end:], 0, self._blocks[: total - before_end], "clip")

    # -- readers

    def read(self, start: int, stop: int, names: Iterable[str] | None = None) -> tuple[int, Columns]:
        """Copy the rows of [start, stop) that are whole; return the first one's number and the columns."""
        start, stop = max(start, self.tail), min(stop, self._head)
        count = max(0, stop - start)
        copies = {name: self._copy(self._columns[name], start, count) for name in names or self._columns}
        gone = min(max(0, self.tail - start), count)
        if gone:
            copies = {name: column[gone:] for name, column in copies.items()}
        return start + gone, copies

    def _copy(self, column: Column, start: int, count: int) -> Column:
        slot = start % self.capacity
        if slot + count <= self.capacity:
            return column[slot : slot + count].copy()
        return np.concatenate((column[slot:], column[: slot + count - self.capacity]))

    def take(
        self, numbers: Sequence[int] | Column, names: Iterable[str] | None = None
    ) -> tuple[Column, Columns]:
        """Copy the rows of `numbers`, in that order; the mask says which are whole, the others are zero."""
        wanted = np.asarray(numbers, np.int64)
        whole = (wanted >= self.tail) & (wanted < self._head)
        slots = wanted % self.capacity
        copies = {name: self._columns[name][slots] for name in names or self._columns}
        whole &= wanted >= self.tail
        if not whole.all():
            for column in copies.values():
                column[~whole] = 0
        return whole, copies

    def payload(self, number: int, limit: int | None = None) -> bytes | None:
        """Return the payload of packet `number`, its first `limit` bytes if given; None once it is gone."""
        return self.payloads((number,), limit)[0]

    def payloads(self, numbers: Sequence[int] | Column, limit: int | None = None) -> list[bytes | None]:
        """Return what `payload` returns for each of `numbers`."""
        wanted = np.asarray(numbers, np.int64)
        known = wanted < self._head
        slots = wanted % self.capacity
        begins, lengths = self._payload_at[slots], self._payload_length[slots]
        known &= wanted >= self.tail
        if limit is not None:
            lengths = np.minimum(lengths, min(limit, 0xFFFF))
        places = zip(known.tolist(), begins.tolist(), lengths.tolist(), strict=True)
        return [
            self._payload_bytes(begin, length) if is_known else None for is_known, begin, length in places
        ]

    def _payload_bytes(self, begin: int, length: int) -> bytes | None:
        if length == 0:
            return b""
        offset = begin % self._block_count * BLOCK
        copy = self._bytes[offset : offset + length].tobytes()
        if len(copy) < length:
            copy += self._bytes[: length - len(copy)].tobytes()
        return copy if begin >= self._payload_reserved - self._block_count else None

    def payload_run(self, start: int, stop: int) -> list[bytes | None]:
        """Return what `payload` returns for each of [start, stop), all of them appended already.

        For who reads everything: the run is copied whole, once, so it should not be long.
        """
        first = min(max(start, self.tail), stop)
        begins = self._copy(self._payload_at, first, stop - first).astype(np.int64)
        lengths = self._copy(self._payload_length, first, stop - first)
        overwritten = min(max(0, self.tail - first), stop - first)  # what was copied of these says nothing
        run = self._payloads_between(begins[overwritten:], lengths[overwritten:])
        return [None] * (stop - start - len(run)) + run

    def _payloads_between(self, begins: Column, lengths: Column) -> list[bytes | None]:
        """Return the payloads that lie one after the other from the first of `begins` on."""
        if not len(begins):
            return []
        end = int(begins[-1]) + -(-int(lengths[-1]) // BLOCK)
        first = min(end, max(int(begins[0]), self._payload_reserved - self._block_count))
        data = self._block_bytes(first, end)
        gone = np.searchsorted(begins, self._payload_reserved - self._block_count)
        offsets = (begins[gone:] - first) * BLOCK
        ends = offsets + lengths[gone:]
        run: list[bytes | None] = [None if length else b"" for length in lengths[:gone].tolist()]
        run += [data[offset:end] for offset, end in zip(offsets.tolist(), ends.tolist(), strict=True)]
        return run

    def _block_bytes(self, begin: int, end: int) -> bytes:
        """Copy the blocks [begin, end), counted since the ring began; at most as many as it has."""
        slot = begin % self._block_count
        copy = self._blocks[slot : slot + end - begin].tobytes()
        missing = end - begin - len(copy) // BLOCK
        return copy + self._blocks[:missing].tobytes() if missing else copy

    def packet(self, number: int) -> Packet | None:
        """Return packet `number` for somebody who looks at it; None when it is evicted or yet to come."""
        whole, columns = self.take((number,))
        return packet_from_row(number, columns, 0, self.payload(number)) if whole[0] else None


def _evenly_spaced(blocks: Column, firsts: Column, counts: Column) -> Column | None:
    """View the payloads as a line each where all are as long and lie equally far apart; None elsewhere."""
    count, first, last = int(counts[0]), int(firsts[0]), int(firsts[-1])
    if len(counts) == 1 or (counts != count).any():
        return None
    apart = np.diff(firsts)
    if (apart != apart[0]).any() or min(first, last) < 0 or max(first, last) + count > len(blocks):
        return None
    shape, strides = (len(counts), count * BLOCK), (int(apart[0]) * BLOCK, 1)
    return as_strided(blocks[first:], shape, strides, writeable=False)


def _as_blocks(payloads: Column) -> tuple[Column, int]:
    """View (rows, bytes) as (blocks, BLOCK), so many a row; copy only what does not lie in whole blocks."""
    rows, width = payloads.shape
    blocks_a_row = -(-width // BLOCK)
    if width % BLOCK:
        padded = np.zeros((rows, blocks_a_row * BLOCK), "u1")
        padded[:, :width] = payloads
        payloads = padded
    return payloads.reshape(rows * blocks_a_row, BLOCK), blocks_a_row
