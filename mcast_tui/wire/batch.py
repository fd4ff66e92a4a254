"""Batch: buffers for one ``recvmmsg(2)`` call, and the columns decoded from them.

With exactly the four receive options we set, the kernel lays the control messages of every
datagram out alike, so their fields are columns at fixed offsets (`wire.layout`, `wire.rows`).
Whether that holds is checked for each row; the rows where it does not (a drop counter in
the middle, IP options, a dual-stack socket, a message cut short) go through `wire.cmsg` and
give the same columns.

Pure: who calls the kernel passes it `headers_pointer` (`net.receiver`), on a 64-bit Linux.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mcast_tui.wire import cmsg
from mcast_tui.wire.columns import COLUMNS, Column, Columns, Flag, empty_columns
from mcast_tui.wire.layout import FIXED_V4, FIXED_V6
from mcast_tui.wire.memory import untouched
from mcast_tui.wire.rows import Rows, all_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

BATCH_SIZE = 256
"""Datagrams a call: at this size what one call costs, in the kernel and in numpy, no longer shows."""

PAYLOAD_SIZE = 65_600
"""Bytes for each payload: the longest possible datagram (65,527) fits. An odd multiple of 64, so
that the beginnings of the payloads do not all compete for the same cache lines."""

CONTROL_SIZE = 320
"""Bytes for the control messages of a datagram; what we ask for takes 120. An odd multiple of 64 as well:
with 256, reading a column took twice as long."""

NAME_SIZE = 32
"""Bytes for the source: struct sockaddr_in6 takes 28."""

MESSAGE_HEADER = np.dtype(
    {
        "names": ["name", "namelen", "iov", "iovlen", "control", "controllen", "flags", "len"],
        "formats": ["u8", "u4", "u8", "u8", "u8", "u8", "u4", "u4"],
        "offsets": [0, 8, 16, 24, 32, 40, 48, 56],
        "itemsize": 64,
    }
)
"""struct mmsghdr of a 64-bit Linux."""

TOUCHED_SIZE = 1500
"""Bytes of each payload whose memory `Batch.warm` makes resident: what an Ethernet frame carries."""

_TRUNCATED = np.uint8(Flag.TRUNCATED)  # numpy takes a Flag for a 64-bit number


class Batch:
    """Room for `size` datagrams received from sockets of one `family` (4 or 6).

    `payload_size` is a multiple of 32. Pages that no datagram has touched are not resident.
    """

    def __init__(self, family: int, size: int = BATCH_SIZE, payload_size: int = PAYLOAD_SIZE) -> None:
        self.family = family
        self.size = size
        self.payloads = untouched((size, payload_size), "u1")
        self.control = np.zeros((size, CONTROL_SIZE), "u1")
        self.names = np.zeros((size, NAME_SIZE), "u1")
        self.headers = np.zeros(size, MESSAGE_HEADER)
        self.headers_pointer: int = self.headers.ctypes.data
        self._vectors = self._point_at_buffers()
        self.headers["name"] = _addresses(self.names)
        self.headers["control"] = _addresses(self.control)
        self._name_sizes, self._control_sizes = self.headers["namelen"], self.headers["controllen"]
        self._all = all_rows(FIXED_V4 if family == 4 else FIXED_V6, self.names, self.control, self.headers)
        self._first = {size: self._all}
        self._stored = empty_columns(size)
        self._destination_port = -1
        self.arm(size)

    def _buffers(self) -> tuple[Column, ...]:
        """Return what one datagram fills, one after the other: arrays of a row for each."""
        return (self.payloads,)

    def buffers(self, row: int) -> list[memoryview]:
        """Return what ``recvmsg(2)`` is to read datagram `row` into: the portable way."""
        return [buffer[row].data for buffer in self._buffers()]

    def _point_at_buffers(self) -> Column:
        """Tell each header where its datagram goes; return the struct iovec that say so, to be kept."""
        buffers = self._buffers()
        vectors = np.zeros((self.size, 2 * len(buffers)), "u8")  # struct iovec: address, length
        for place, buffer in enumerate(buffers):
            vectors[:, 2 * place], vectors[:, 2 * place + 1] = _addresses(buffer), buffer.shape[1]
        self.headers["iov"], self.headers["iovlen"] = _addresses(vectors), len(buffers)
        return vectors

    def warm(self) -> None:
        """Do what the first datagrams would have to wait for: memory and code are fetched when first used.

        Not between a read and its decode. A datagram longer than `TOUCHED_SIZE` still touches new pages.
        """
        touched = min(TOUCHED_SIZE, self.payloads.shape[1])
        self.payloads[:, 0] = self.payloads[:, touched - 1] = 0  # on two pages, or on one
        for count in range(1, self.size + 1):
            self._rows(count)
        self._all.words[:] = self._all.expected
        self._control_sizes[:] = self._all.layout.size
        self.decode(self.size, 0, 0)
        self.arm(self.size)

    def arm(self, count: int) -> None:
        """Make the first `count` headers ready for the kernel: it overwrites these lengths in every call."""
        self._name_sizes[:count] = NAME_SIZE
        self._control_sizes[:count] = CONTROL_SIZE

    def decode(self, count: int, destination_port: int, now: int) -> Columns:
        """Decode the first `count` messages, as the kernel left them, into columns.

        `now`, in ns, is when they were read; it stands in for a missing kernel timestamp. The columns are
        lent: the next call overwrites them. They have the values of `COLUMNS`, but the width and byte order
        of what the kernel wrote.
        """
        rows = self._rows(count)
        if destination_port != self._destination_port:
            self._all.columns["destination_port"].fill(destination_port)
            self._destination_port = destination_port
        odd_rows = rows.decode()
        return self._with_odd_rows(rows.columns, odd_rows, now) if odd_rows else rows.columns

    def _rows(self, count: int) -> Rows:
        rows = self._first.get(count)
        if rows is None:
            rows = self._first[count] = self._all.first(count)
        return rows

    def _with_odd_rows(self, columns: Columns, odd_rows: list[int], now: int) -> Columns:
        """Return a copy of `columns` in which `odd_rows` are read one by one, as the kernel left them."""
        columns = {name: column.astype(COLUMNS[name][0]) for name, column in columns.items()}
        for row in odd_rows:
            control = self.control[row, : self._control_sizes[row]].tobytes()
            cmsg.fill_row(columns, row, cmsg.decode_ancdata(cmsg.walk_control(control)), now)
            if self.headers["flags"][row] & cmsg.MSG_TRUNC:
                columns["flags"][row] |= _TRUNCATED
        return columns

    def store(
        self,
        row: int,
        source: tuple[int, int],
        source_port: int,
        length: int,
        message_flags: int,
        ancdata: Iterable[cmsg.ControlMessage],
        now: int,
    ) -> None:
        """Store what ``recvmsg(2)`` said of the payload it read into ``payloads[row]``: the portable way."""
        columns = self._stored
        cmsg.fill_row(columns, row, cmsg.decode_ancdata(ancdata), now)
        columns["source"][row] = source
        columns["source_port"][row] = source_port
        columns["length"][row] = min(length, 0xFFFF)
        if message_flags & cmsg.MSG_TRUNC:
            columns["flags"][row] |= _TRUNCATED

    def stored(self, count: int, destination_port: int) -> Columns:
        """Return views of the first `count` rows stored, the destination port filled in."""
        self._stored["destination_port"][:count] = destination_port
        return {name: column[:count] for name, column in self._stored.items()}


def _addresses(rows: Column) -> Column:
    """Return the machine address of each row."""
    first: int = rows.ctypes.data
    return first + np.arange(len(rows), dtype="u8") * np.uint64(rows.strides[0])
