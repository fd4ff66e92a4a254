"""Batches of raw IP: an IPv4 socket of that kind delivers each datagram with its IP header (``raw(7)``).

The header is not payload. The kernel is given two buffers for a datagram, one of 20 bytes for the
header and one for the rest, so the payload of an ordinary datagram lies where it belongs and nothing
is copied. Only where a header has options (RFC 791 section 3.1) is the payload moved over them.
IPv6 delivers no header (RFC 3542 section 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mcast_tui.wire.batch import BATCH_SIZE, PAYLOAD_SIZE, Batch
from mcast_tui.wire.columns import Columns, Flag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcast_tui.wire.cmsg import ControlMessage
    from mcast_tui.wire.columns import Column

HEADER_SIZE = 20
"""Bytes of an IPv4 header without options."""
LONGEST_HEADER = 60
"""Bytes of one with all the options that fit: its length is four bits, in words of 4 bytes."""

_RAW = np.uint8(Flag.RAW)  # numpy takes a Flag for a 64-bit number


class RawBatch(Batch):
    """A batch for raw sockets: its rows are flagged RAW, their ports are none, their lengths the payload's.

    For IPv4 `payload_size` holds whatever can follow a header, so that the kernel never cuts a payload
    short: of one that is cut, the end would be missing where options are moved over.
    """

    def __init__(self, family: int, size: int = BATCH_SIZE, payload_size: int = PAYLOAD_SIZE) -> None:
        if family == 4 and payload_size < PAYLOAD_SIZE:
            raise ValueError(f"a raw IPv4 payload needs room for {PAYLOAD_SIZE} bytes")
        self.ip_headers = np.zeros((size, HEADER_SIZE), "u1")
        super().__init__(family, size, payload_size)

    def _buffers(self) -> tuple[Column, ...]:
        return (self.ip_headers, self.payloads) if self.family == 4 else (self.payloads,)

    def decode(self, count: int, destination_port: int, now: int) -> Columns:
        """Decode as `Batch.decode` does; `destination_port` is the protocol."""
        columns = super().decode(count, destination_port, now)
        columns["flags"] |= _RAW
        if self.family == 4:
            self._strip(columns, slice(count))
        return columns

    def store(
        self,
        row: int,
        source: tuple[int, int],
        source_port: int,
        length: int,
        message_flags: int,
        ancdata: Iterable[ControlMessage],
        now: int,
    ) -> None:
        """Store as `Batch.store` does."""
        super().store(row, source, source_port, length, message_flags, ancdata, now)
        self._stored["flags"][row] |= _RAW
        if self.family == 4:
            self._strip(self._stored, slice(row, row + 1))

    def _strip(self, columns: Columns, rows: slice) -> None:
        """Take the header off these rows: off their lengths, and where it has options off their payloads.

        The kernel lets no header pass that is shorter than 20 bytes or than it says (``ip_rcv``). Of one
        that came all the same there is no payload to be told.
        """
        whole = columns["length"][rows]
        header_sizes = (self.ip_headers[rows, 0] & 0xF).astype(np.uint16) * 4
        if np.all(header_sizes == HEADER_SIZE) and np.all(whole >= HEADER_SIZE):
            whole -= HEADER_SIZE
            return
        is_whole = (header_sizes >= HEADER_SIZE) & (header_sizes <= whole)
        first = rows.start or 0
        for row in (np.flatnonzero(is_whole & (header_sizes > HEADER_SIZE)) + first).tolist():
            options = int(header_sizes[row - first]) - HEADER_SIZE
            end = int(whole[row - first]) - HEADER_SIZE
            self.payloads[row, : end - options] = self.payloads[row, options:end].copy()
        whole[:] = np.where(is_whole, whole - header_sizes, 0)
