"""Our own datagrams, as they come back: multicast and broadcast are looped to every member on this host.

Nothing in a packet says "from this process": another one may share our address and port. So the book keeps
what was sent and when. A copy of ours has our addresses, ports and payload, and an arrival time from within
the send call, where the kernel loops it; every further copy of it (one per socket of ours that hears it)
has that same time to the nanosecond. An equal datagram of a neighbour process at any other time is
therefore not taken for ours.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mcast_tui.wire.columns import Flag, address_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mcast_tui.wire.columns import Column, Columns
    from mcast_tui.wire.literal import Address

_Key: TypeAlias = tuple[int, int, int, int, int, bytes]
"""Destination (two words), its port, source port, length, and how the payload begins. Of raw IP the
protocol stands in place of the port and 0 in place of the source port, as in the columns."""

RETENTION_NS = 10_000_000_000
"""How long a copy may wait in the socket before the receiver reads it: a machine that is starved of processor
time takes seconds. It costs no certainty: the time of arrival decides what a copy is."""

STAMP_SLACK_NS = 100_000_000
"""A datagram that arrives before the kernel's clock for sockets is switched on is stamped when it is read."""

BEGINNING = 64
"""Bytes of payload to look a packet up by; fewer than any receive buffer keeps of a truncated one."""

MOST_EXPECTED = 4096
"""2 s at 2000 datagrams/s, more than a person or a line-wise script sends; past it the oldest is given up,
though its copy may be unread."""

MOST_BYTES = 8 << 20
"""As many of the longest datagrams as fit a socket's buffer; the payloads are kept whole to be compared."""


@dataclass(eq=False, slots=True)
class Expectation:
    """One datagram handed to the kernel, whose copies may arrive."""

    key: _Key
    payload: bytes
    from_ns: int
    """Wall clock before the send call: no copy is older."""
    until_ns: int | None = None
    """Wall clock after the send call; None while it has not been reported."""
    arrived_ns: int | None = None
    """Arrival time of the first copy; the others have the same."""

    def is_over(self, received_at: int) -> bool:
        """Whether that time is too late for a copy of this datagram, or of one sent before it."""
        return self.until_ns is not None and received_at > self.until_ns + STAMP_SLACK_NS

    def covers(self, received_at: int) -> bool:
        """Whether a copy that arrived at that time, after the send began, can be one of this datagram."""
        if self.arrived_ns is not None:
            return received_at == self.arrived_ns
        return not self.is_over(received_at)


class EchoBook:
    """Marks the looped-back copies of our own datagrams as OWN.

    `expect` and its companions belong to the sending thread, `mark` to the receiver's. What the bounds
    above push out is shown as a packet of our address, without the mark.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[Expectation] = deque()
        self._by_key: dict[_Key, list[Expectation]] = {}
        self._source_ports: Counter[int] = Counter()  # of what waits: a server that answers has thousands
        self._bytes = 0
        self._own_words: Column | None = None

    def set_own_addresses(self, addresses: Iterable[Address]) -> None:
        """Tell which addresses are this host's; until told, any source may be ours."""
        words = [low for _high, low in map(address_words, addresses)]
        self._own_words = np.unique(np.array(words, np.uint64))

    @contextmanager
    def sending(
        self, destination: Address, port: int, source_port: int, payload: bytes
    ) -> Iterator[Expectation]:
        """Expect a datagram for as long as the send call in the block takes; not, when it fails."""
        expectation = self.expect(destination, port, source_port, payload)
        try:
            yield expectation
        except BaseException:
            self.forget(expectation)
            raise
        self.confirm(expectation)

    def expect(self, destination: Address, port: int, source_port: int, payload: bytes) -> Expectation:
        """Note a datagram just before it is sent, so that the receiver cannot see its copy first."""
        key = (*address_words(destination), port, source_port, len(payload), payload[:BEGINNING])
        expectation = Expectation(key, payload, self._clock())
        with self._lock:
            self._give_up_old(expectation.from_ns)
            self._waiting.append(expectation)
            self._by_key.setdefault(key, []).append(expectation)
            self._source_ports[source_port] += 1
            self._bytes += len(payload)
            while len(self._waiting) > MOST_EXPECTED or self._bytes > MOST_BYTES:
                self._drop(self._waiting.popleft())
        return expectation

    def confirm(self, expectation: Expectation) -> None:
        """Note that the send call returned well: a copy that arrives much later is somebody else's."""
        expectation.until_ns = self._clock()

    def forget(self, expectation: Expectation) -> None:
        """Take back what was not sent after all."""
        with self._lock:
            if expectation in self._waiting:
                self._waiting.remove(expectation)
                self._drop(expectation)

    def mark(self, columns: Columns, payloads: Column) -> None:
        """Set Flag.OWN on the rows that are copies of ours; `payloads` has one row of bytes per packet."""
        if not self._waiting:
            return
        with self._lock:
            self._give_up_old(self._clock())
            for row in self._candidates(columns).tolist():
                if self._is_own(columns, payloads, row):
                    columns["flags"][row] |= Flag.OWN

    def _candidates(self, columns: Columns) -> Column:
        """Return the rows worth a look: from one of our ports and from one of our addresses."""
        ports = np.array(list(self._source_ports), np.uint16)
        possible = np.isin(columns["source_port"], ports)
        if self._own_words is not None and possible.any():
            possible &= np.isin(columns["source"][:, 1], self._own_words)
        return np.flatnonzero(possible)

    def _is_own(self, columns: Columns, payloads: Column, row: int) -> bool:
        length = int(columns["length"][row])
        high, low = columns["destination"][row].tolist()
        port, source_port = int(columns["destination_port"][row]), int(columns["source_port"][row])
        payload = payloads[row, :length].tobytes()  # shorter than `length` when it was truncated
        alike = self._by_key.get((high, low, port, source_port, length, payload[:BEGINNING]))
        if not alike:
            return False
        received_at = int(columns["received_at"][row])
        sent_before = bisect_right(alike, received_at, key=lambda expectation: expectation.from_ns)
        for expectation in reversed(alike[:sent_before]):
            if expectation.is_over(received_at):
                return False
            if expectation.covers(received_at) and expectation.payload.startswith(payload):
                expectation.arrived_ns = received_at
                return True
        return False

    def _give_up_old(self, now: int) -> None:
        """Drop what is past its time."""
        waiting = self._waiting
        while waiting and abs(now - waiting[0].from_ns) > RETENTION_NS:  # abs: the clock may be set back
            self._drop(waiting.popleft())

    def _drop(self, expectation: Expectation) -> None:
        self._bytes -= len(expectation.payload)
        alike = self._by_key[expectation.key]
        alike.remove(expectation)
        port = expectation.key[3]
        self._source_ports[port] -= 1
        if not self._source_ports[port]:
            del self._source_ports[port]
        if not alike:
            del self._by_key[expectation.key]
