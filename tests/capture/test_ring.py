from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.capture.ring import BLOCK, PacketRing
from mcast_tui.wire.columns import COLUMNS, Addressed, Column, Columns, Flag, empty_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

MIX = np.uint64(0x9E37_79B9_7F4A_7C15)


def rows_numbered(first: int, lengths: list[int] | Column) -> Columns:
    """Rows whose every column follows from their number."""
    columns = empty_columns(len(lengths))
    numbers = np.arange(first, first + len(lengths), dtype=np.uint64)
    for column in columns.values():
        values = (numbers * MIX) >> np.uint64(40)
        column[...] = (values if column.ndim == 1 else values[:, None]).astype(column.dtype)
    columns["received_at"][:] = numbers
    columns["length"][:] = lengths
    return columns


def payload_of(number: int, length: int) -> bytes:
    return (number.to_bytes(8, "big") * -(-length // 8))[:length]


def append(ring: PacketRing, lengths: list[int], width: int = 96) -> None:
    payloads = np.full((len(lengths), width), 0xEE, "u1")
    for row, length in enumerate(lengths):
        kept = min(length, width)
        payloads[row, :kept] = list(payload_of(ring.head + row, kept))
    ring.append(rows_numbered(ring.head, lengths), payloads)


def assert_rows(columns: Columns, numbers: list[int]) -> None:
    for row, number in enumerate(numbers):
        expected = rows_numbered(number, [0])
        for name in columns.keys() - {"length"}:
            np.testing.assert_array_equal(
                columns[name][row], expected[name][0], err_msg=f"{name} of {number}"
            )


def test_a_new_ring_holds_nothing() -> None:
    ring = PacketRing(10, 64)
    assert (ring.head, ring.tail) == (0, 0)
    assert ring.packet(0) is None
    assert ring.payload(0) is None
    first, columns = ring.read(0, 100)
    assert first == 0
    assert {name: len(column) for name, column in columns.items()} == dict.fromkeys(COLUMNS, 0)


@pytest.mark.parametrize(("capacity", "payload_capacity"), [(0, 1024), (1, BLOCK - 1)])
def test_a_ring_without_room_is_refused(capacity: int, payload_capacity: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        PacketRing(capacity, payload_capacity)


@given(
    st.integers(1, 20),
    st.integers(BLOCK, 40 * BLOCK),
    st.lists(st.lists(st.integers(0, 130), max_size=30), max_size=12),
)
def test_the_ring_holds_the_newest_rows_and_payloads_that_fit(
    capacity: int, payload_capacity: int, batches: list[list[int]]
) -> None:
    ring = PacketRing(capacity, payload_capacity)
    lengths: list[int] = []
    for batch in batches:
        append(ring, batch)
        lengths += batch
        oldest = max(0, len(lengths) - capacity)
        assert (ring.head, ring.tail) == (len(lengths), oldest)
        first, columns = ring.read(0, ring.head + 5)
        assert first == oldest
        assert columns["length"].tolist() == lengths[oldest:]
        assert_rows(columns, list(range(oldest, len(lengths))))
    assert ring.payloads(range(len(lengths))) == expected_payloads(lengths, capacity, payload_capacity)


def expected_payloads(lengths: list[int], capacity: int, payload_capacity: int) -> list[bytes | None]:
    payloads: list[bytes | None] = []
    room = payload_capacity // BLOCK
    for number in range(len(lengths) - 1, -1, -1):
        kept = min(lengths[number], 96)
        room -= -(-kept // BLOCK)
        is_whole = number >= len(lengths) - capacity and (room >= 0 or kept == 0)
        payloads.append(payload_of(number, kept) if is_whole else None)
    return payloads[::-1]


def test_a_batch_larger_than_the_ring_leaves_its_newest_rows() -> None:
    ring = PacketRing(7, 1024)
    append(ring, [10] * 50)
    assert (ring.head, ring.tail) == (50, 43)
    assert_rows(ring.read(0, 50)[1], list(range(43, 50)))
    assert ring.payload(49) == payload_of(49, 10)


def test_payloads_larger_than_the_byte_ring_leave_the_newest() -> None:
    ring = PacketRing(100, 4 * BLOCK)
    append(ring, [33] * 9)
    assert ring.payloads(range(9)) == [None] * 7 + [payload_of(7, 33), payload_of(8, 33)]


def test_a_payload_larger_than_the_whole_byte_ring_is_gone_and_not_half_there() -> None:
    ring = PacketRing(100, 2 * BLOCK)
    append(ring, [1, 2 * BLOCK + 1])
    assert ring.payloads((0, 1)) == [None, None]
    append(ring, [2 * BLOCK])
    assert ring.payload(2) == payload_of(2, 2 * BLOCK)


def test_an_empty_batch_changes_nothing() -> None:
    ring = PacketRing(4, 64)
    append(ring, [])
    assert ring.head == 0


def test_an_empty_payload_is_not_a_missing_one() -> None:
    ring = PacketRing(4, BLOCK)
    append(ring, [0, 32, 32, 0])
    assert ring.payloads(range(4)) == [b"", None, payload_of(2, 32), b""]


def test_a_truncated_payload_is_kept_as_far_as_it_was_received() -> None:
    ring = PacketRing(4, 1024)
    append(ring, [200], width=64)
    assert ring.payload(0) == payload_of(0, 64)
    assert ring.read(0, 1)[1]["length"].tolist() == [200]


@pytest.mark.parametrize("width", [0, 1, 31, 33, 64, 100])
def test_payload_buffers_of_any_width_are_taken(width: int) -> None:
    ring = PacketRing(10, 1024)
    append(ring, [width, 0, width // 2], width=width)
    assert ring.payloads(range(3)) == [payload_of(0, width), b"", payload_of(2, width // 2)]


def test_a_limit_returns_the_beginning_of_a_payload() -> None:
    ring = PacketRing(10, 1024)
    append(ring, [50, 5])
    assert ring.payloads((0, 1), limit=8) == [payload_of(0, 8), payload_of(1, 5)]
    assert ring.payload(0, limit=0) == b""
    assert ring.payload(0, limit=1_000_000) == payload_of(0, 50)


def test_take_answers_in_the_order_asked_and_says_which_rows_are_whole() -> None:
    ring = PacketRing(5, 1024)
    append(ring, [1] * 8)
    whole, columns = ring.take([7, 2, 3, 8, -1, 7])
    assert whole.tolist() == [True, False, True, False, False, True]
    assert_rows({name: column[whole] for name, column in columns.items()}, [7, 3, 7])
    assert not any(column[~whole].any() for column in columns.values())
    assert ring.take([7], names=("ifindex",))[1].keys() == {"ifindex"}


def test_a_packet_is_one_row_with_its_payload() -> None:
    ring = PacketRing(5, 1024)
    columns = rows_numbered(0, [3])
    columns["destination"][0] = 0, 0xFFFF_E001_0001
    columns["addressed"][0], columns["flags"][0], columns["hop_limit"][0] = Addressed.MULTICAST, Flag.OWN, -1
    ring.append(columns, np.frombuffer(b"abcd", "u1").reshape(1, 4))
    packet = ring.packet(0)
    assert packet is not None
    assert (packet.number, packet.payload, str(packet.destination)) == (0, b"abc", "224.1.0.1")
    assert (packet.own, packet.refused, packet.kernel_time, packet.hop_limit) == (True, False, False, None)
    append(ring, [1] * 5)
    assert ring.packet(0) is None


# -- a reader beside the writer


@contextmanager
def impatient_interpreter() -> Iterator[None]:
    """Switch threads as often as possible, so that a reader gets between any two steps of the writer."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def self_checking(first: int, rows: int) -> tuple[Columns, Column]:
    """Rows and payloads that betray themselves when mixed with others."""
    lengths = 8 + (np.arange(first, first + rows) * 7 % 120)
    columns = rows_numbered(first, lengths)
    stamps = np.arange(first, first + rows, dtype=">u8").view("u1").reshape(rows, 8)
    return columns, np.tile(stamps, (1, 16))


def torn_rows(first: int, columns: Columns, whole: Column | None = None) -> int:
    numbers = np.arange(first, first + len(columns["received_at"]), dtype=np.uint64)
    expected = rows_numbered(first, 8 + (numbers.astype(np.int64) * 7 % 120)) if len(numbers) else columns
    wrong = np.zeros(len(numbers), bool)
    for name, column in columns.items():
        differs = column != expected[name]
        wrong |= differs if differs.ndim == 1 else differs.any(axis=1)
    return int(wrong.sum() if whole is None else wrong[whole].sum())


def torn_payloads(numbers: range, payloads: list[bytes | None]) -> int:
    return sum(
        payload is not None and payload != payload_of(number, 8 + number * 7 % 120)
        for number, payload in zip(numbers, payloads, strict=True)
    )


def test_a_million_packets_through_a_ring_of_a_hundred_thousand_are_never_seen_torn() -> None:
    ring = PacketRing(100_000, 4_000_000)
    done = threading.Event()
    faults: list[BaseException] = []

    def write() -> None:
        try:
            for first in range(0, 1_000_000, 250):
                ring.append(*self_checking(first, 250))
        except BaseException as fault:
            faults.append(fault)
        done.set()

    writer = threading.Thread(target=write)
    torn = seen = whole_payloads = 0
    with impatient_interpreter():
        writer.start()
        while not done.is_set():
            tail = ring.tail  # the rows in the greatest danger
            first, columns = ring.read(tail, tail + 2000)
            torn += torn_rows(first, columns)
            seen += len(columns["length"])
            tail = ring.tail
            whole, columns = ring.take(range(tail, tail + 2000))
            torn += torn_rows(tail, columns, whole)
            numbers = range(max(0, ring.head - 60_000), ring.head, 20)  # across the border of what is whole
            payloads = ring.payloads(numbers)
            torn += torn_payloads(numbers, payloads)
            whole_payloads += sum(payload is not None for payload in payloads)
        writer.join()
    assert not faults
    assert torn == 0
    assert seen
    assert whole_payloads
    assert (ring.head, ring.tail) == (1_000_000, 900_000)
    assert torn_rows(*ring.read(0, 1_000_000)) == 0
    assert ring.payload(999_999) == payload_of(999_999, 8 + 999_999 * 7 % 120)


def test_what_the_writer_announced_is_gone_though_not_yet_overwritten() -> None:
    ring = PacketRing(10, 10 * BLOCK)
    append(ring, [BLOCK] * 10)
    ring._reserved += 3
    assert ring.tail == 3
    assert ring.read(0, 10)[0] == 3
    assert ring.take([2, 3])[0].tolist() == [False, True]
    assert ring.payload(2) is None
    ring._payload_reserved += 5
    assert ring.payloads((4, 5)) == [None, payload_of(5, BLOCK)]


def test_rows_overwritten_while_they_were_copied_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = PacketRing(10, 1024)
    append(ring, [1] * 10)
    copy = ring._copy

    def slow_copy(column: Column, start: int, count: int) -> Column:
        copied = copy(column, start, count)
        if ring.head == 10:
            append(ring, [1] * 4)
        return copied

    monkeypatch.setattr(ring, "_copy", slow_copy)
    first, columns = ring.read(0, 10)
    assert first == 4
    assert_rows({"ifindex": columns["ifindex"]}, list(range(4, 10)))


def test_a_full_ring_of_a_million_packets_fits_its_budget_and_an_empty_one_costs_nothing() -> None:
    script = """
import numpy as np
from mcast_tui.capture.ring import PacketRing
from mcast_tui.wire.columns import empty_columns

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096 / 1e6

columns = empty_columns(1000)
columns["length"][:] = 100
payloads = np.zeros((1000, 128), "u1")
before = resident()
ring = PacketRing()
empty = resident()
for _ in range(1000):
    ring.append(columns, payloads)
print(empty - before, resident() - before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    empty, full = map(float, done.stdout.split())
    assert empty < 1
    assert full < 115


@given(
    firsts=st.one_of(
        st.tuples(st.integers(0, 20), st.integers(-3, 3), st.integers(1, 6)).map(
            lambda spaced: [max(0, spaced[0] + row * spaced[1]) for row in range(spaced[2])]
        ),
        st.lists(st.integers(0, 20), min_size=1, max_size=6),
    ),
    kept=st.one_of(
        st.integers(0, 3 * BLOCK).map(lambda length: [length] * 6),
        st.lists(st.integers(0, 3 * BLOCK), min_size=6, max_size=6),
    ),
    before=st.integers(0, 20),
)
def test_payloads_are_taken_from_wherever_they_lie(firsts: list[int], kept: list[int], before: int) -> None:
    ring = PacketRing(50, 24 * BLOCK)
    append(ring, [BLOCK] * before)
    octets = np.arange(40 * BLOCK, dtype=np.uint32).astype(np.uint8)
    kept = kept[: len(firsts)]

    ring.append_blocks(
        rows_numbered(ring.head, kept), octets.reshape(-1, BLOCK), np.array(firsts), np.array(kept)
    )

    begins = [first * BLOCK for first in firsts]
    assert ring.payloads(range(before, ring.head)) == [
        octets[begin : begin + length].tobytes() for begin, length in zip(begins, kept, strict=True)
    ]
