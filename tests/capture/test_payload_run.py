"""A run of payloads read at once is what each of them, read alone, is."""

from __future__ import annotations

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.capture.ring import BLOCK, PacketRing
from mcast_tui.wire.columns import empty_columns


def append(ring: PacketRing, lengths: list[int], width: int = 96) -> None:
    """Append packets whose payload bytes follow from their numbers."""
    columns = {name: np.zeros_like(column) for name, column in empty_columns(len(lengths)).items()}
    columns["length"][:] = lengths
    numbers = (ring.head + np.arange(len(lengths))) % 251 + 1
    ring.append(columns, np.repeat(numbers.astype("u1")[:, None], width, axis=1))


@given(
    st.integers(1, 20),
    st.integers(BLOCK, 40 * BLOCK),
    st.lists(st.lists(st.integers(0, 130), max_size=30), max_size=12),
    st.integers(0, 400),
    st.integers(0, 400),
)
def test_it_is_what_each_payload_is(
    capacity: int, payload_capacity: int, batches: list[list[int]], start: int, stop: int
) -> None:
    ring = PacketRing(capacity, payload_capacity)
    for batch in batches:
        append(ring, batch)
        start, stop = sorted((min(start, ring.head), min(stop, ring.head)))
        assert ring.payload_run(start, stop) == ring.payloads(range(start, stop))
        assert ring.payload_run(0, ring.head) == ring.payloads(range(ring.head))


def test_a_payload_is_whole_or_gone_while_the_ring_is_written() -> None:
    ring = PacketRing(256, 64 * BLOCK)
    done = threading.Event()

    def write() -> None:
        lengths = [90, 0, 32, 33, 7] * 20
        for _ in range(800):
            append(ring, lengths)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    whole = torn = 0
    while not done.is_set() or not whole:
        stop = ring.head
        start = max(0, stop - 100)
        for number, payload in enumerate(ring.payload_run(start, stop), start):
            if payload:
                whole += 1
                torn += payload != bytes([number % 251 + 1]) * len(payload)
    writer.join()
    assert torn == 0
