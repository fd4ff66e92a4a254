from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.capture.ring import PacketRing
from mcast_tui.capture.selection import CHUNK, Selection
from mcast_tui.wire.columns import Column, Columns, empty_columns


def append(ring: PacketRing, ports: list[int] | Column) -> None:
    columns = empty_columns(len(ports))
    for column in columns.values():
        column[...] = 0
    columns["source_port"][:] = ports
    ring.append(columns, np.zeros((len(ports), 32), "u1"))


def from_port_1(columns: Columns) -> Column:
    return columns["source_port"] == 1


def select(ring: PacketRing) -> Selection:
    return Selection(ring, from_port_1, ("source_port",))


def test_without_a_predicate_positions_are_packet_numbers() -> None:
    ring = PacketRing(5, 1024)
    everything = Selection(ring)
    append(ring, [1] * 8)
    assert everything.extend() == 8
    assert (everything.first, everything.stop, len(everything)) == (3, 8, 5)
    assert everything.numbers(0, 100).tolist() == list(range(8))
    assert everything.number_at(7) == 7
    assert everything.number_at(8) is None
    assert everything.position_of(6) == 6
    assert everything.skipped == 0


def test_only_matching_packets_have_positions() -> None:
    ring = PacketRing(100, 1024)
    ones = select(ring)
    append(ring, [1, 2, 1, 2, 2, 1])
    assert ones.extend() == 3
    append(ring, [1])
    assert ones.extend() == 1
    assert ones.extend() == 0
    assert ones.numbers(0, ones.stop).tolist() == [0, 2, 5, 6]
    assert [ones.number_at(position) for position in (-1, 0, 3, 4)] == [None, 0, 6, None]
    assert [ones.position_of(number) for number in (0, 1, 2, 3, 6, 7)] == [0, 1, 1, 2, 3, 4]


def test_nothing_changes_until_it_is_extended() -> None:
    ring = PacketRing(100, 1024)
    ones = select(ring)
    append(ring, [1, 1])
    assert len(ones) == 0
    ones.extend()
    append(ring, [1, 1])
    assert len(ones) == 2


def test_positions_keep_their_packets_while_the_ring_wraps() -> None:
    ring = PacketRing(10, 1024)
    ones = select(ring)
    append(ring, [1, 2] * 5)
    ones.extend()
    shown = ones.numbers(1, 4).tolist()
    append(ring, [2] * 9)
    ones.extend()
    assert ones.numbers(1, 4).tolist() == shown == [2, 4, 6]
    assert ones.first == ones.stop  # every one of them is evicted, and still where it was
    assert len(ones) == 0


def test_what_was_evicted_unseen_is_counted_as_skipped() -> None:
    ring = PacketRing(10, 1024)
    ones = select(ring)
    append(ring, [1] * 4)
    ones.extend()
    append(ring, [1] * 25)
    ones.extend()
    assert ones.skipped == 15
    assert ones.examined == 29
    assert ones.numbers(4, ones.stop).tolist() == list(range(19, 29))


def test_a_limit_spreads_the_work_over_several_calls() -> None:
    ring = PacketRing(100, 1024)
    ones = select(ring)
    append(ring, [1] * 50)
    assert [ones.extend(limit=20) for _ in range(4)] == [20, 20, 10, 0]
    everything = Selection(ring)
    assert everything.extend(limit=30) == 30


@given(
    st.integers(1, 30),
    st.lists(st.tuples(st.lists(st.integers(1, 2), max_size=40), st.booleans()), max_size=15),
)
def test_a_selection_agrees_with_a_list_of_all_matches(
    capacity: int, steps: list[tuple[list[int], bool]]
) -> None:
    ring = PacketRing(capacity, 1024)
    ones = select(ring)
    seen: list[int] = []
    ports: list[int] = []
    for batch, looks in steps:
        append(ring, batch)
        ports += batch
        if looks:
            oldest = max(ones.examined, len(ports) - capacity)
            seen += [number for number in range(oldest, len(ports)) if ports[number] == 1]
            ones.extend()
        assert ones.stop == len(seen)
        assert ones.oldest == max(0, len(seen) - capacity)
        assert ones.numbers(0, len(seen) + 5).tolist() == seen[ones.oldest :]
        whole = [position for position, number in enumerate(seen) if number >= ring.tail]
        assert ones.first == (whole[0] if whole else len(seen))
        for number in range(-1, len(ports) + 1):
            after = [position for position in range(ones.oldest, len(seen)) if seen[position] >= number]
            assert ones.position_of(number) == (after[0] if after else len(seen))


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_many_packets_are_examined_in_bounded_chunks(extra: int) -> None:
    sizes: list[int] = []

    def odd(columns: Columns) -> Column:
        sizes.append(len(columns["source_port"]))
        return columns["source_port"] % 2 == 1

    count = 2 * CHUNK + extra
    ring = PacketRing(count, 1024)
    append(ring, np.arange(count) % 65536)
    odds = Selection(ring, odd, ("source_port",))
    odds.extend()
    assert max(sizes) <= CHUNK
    assert min(sizes) > 0
    assert sum(sizes) == count
    assert odds.numbers(0, odds.stop).tolist() == list(range(1, count, 2))


def test_a_selection_of_everything_keeps_no_list() -> None:
    assert len(Selection(PacketRing())._numbers) == 0
