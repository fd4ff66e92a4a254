"""Rows: what the kernel wrote about a batch of datagrams, read as columns where the layout is the fixed one.

What numpy does here costs more per call than per row, and the most of that is for taking views.
So a column that can be a view of where the kernel writes is not copied, and the views that one
count of rows needs are taken once and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mcast_tui.wire.columns import MAPPED, Addressed, Column, Columns, Flag, empty_columns
from mcast_tui.wire.layout import TIME, WORD, FixedLayout

if TYPE_CHECKING:
    from collections.abc import Iterator

_NANOSECONDS = np.array([1_000_000_000, 1])
"""In a second, in a nanosecond: what makes one number of the two words of a time."""

_V4_IN_ADDRESS = 2
"""Which 4 bytes of an address column hold an IPv4 address: its words are little-endian, the low one last."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The first rows of every buffer of a batch."""

    layout: FixedLayout
    columns: Columns
    """Most are views of where the kernel writes, in its byte order."""
    copies: tuple[tuple[Column, Column], ...]
    """Columns that cannot be views, each with where its field lies."""
    times: Column
    """Seconds and nanoseconds."""
    words: Column
    """The control messages, as far as the fixed layout goes."""
    mask: Column
    expected: Column
    known: Column
    """The words under the mask, to be as expected."""
    differs: Column
    """Which of them are not."""
    control_sizes: Column
    message_flags: Column
    lengths: Column

    def first(self, count: int) -> Rows:
        """Return the first `count` of these rows."""
        columns = {name: column[:count] for name, column in self.columns.items()}
        copies = tuple((column[:count], field[:count]) for column, field in self.copies)
        others: Iterator[Column] = (getattr(self, name)[:count] for name in self.__slots__[3:])
        return Rows(self.layout, columns, copies, *others)

    def decode(self) -> list[int]:
        """Fill the columns; return the rows that have to be read one by one."""
        columns = self.columns
        for column, field in self.copies:
            np.copyto(column, field)
        np.matmul(self.times, _NANOSECONDS, out=columns["received_at"])
        np.minimum(self.lengths, 0xFFFF, out=columns["length"], casting="unsafe")
        columns["flags"].fill(Flag.KERNEL_TIME)
        columns["addressed"].fill(Addressed.MULTICAST)
        np.bitwise_and(self.words, self.mask, out=self.known)
        np.not_equal(self.known, self.expected, out=self.differs)
        is_odd = self.control_sizes != self.layout.size
        if np.count_nonzero(self.differs):
            self._tell_unicast_and_broadcast()
            is_odd |= self._has_other_layout()
        if np.count_nonzero(self.message_flags):
            is_odd |= self.message_flags != 0
        odd_rows: list[int] = np.flatnonzero(is_odd).tolist() if np.count_nonzero(is_odd) else []
        return odd_rows

    def _is_no_group(self) -> Column:
        return self.differs[:, self.layout.destination // WORD]

    def _tell_unicast_and_broadcast(self) -> None:
        addressed, is_no_group = self.columns["addressed"], self._is_no_group()
        np.copyto(addressed, Addressed.UNICAST, where=is_no_group, casting="unsafe")
        if self.layout.local_address is not None:
            # For unicast the kernel gives the header destination as local address, for broadcast never.
            _, destination = self.copies[1]
            is_broadcast = self.columns["local_address"] != destination
            is_broadcast &= is_no_group
            np.copyto(addressed, Addressed.BROADCAST, where=is_broadcast, casting="unsafe")

    def _has_other_layout(self) -> Column:
        # Interface 0: queued before pktinfo was on, so what follows from the local address does not hold.
        is_other: Column = self.columns["ifindex"] == 0
        is_no_group = self._is_no_group()
        if np.count_nonzero(self.differs) > np.count_nonzero(is_no_group):
            is_no_group[:] = False  # an address, not a layout
            is_other |= self.differs.any(axis=1)
        return is_other


def all_rows(layout: FixedLayout, names: Column, control: Column, headers: Column) -> Rows:
    """Return all rows of a batch's buffers: sources, control messages and message headers."""
    columns, size = _kernel_columns(layout, names, control), len(headers)
    time, words = TIME // WORD, len(layout.mask)
    copies: tuple[tuple[Column, Column], ...] = ()
    if layout.local_address is not None:
        source = columns["source"].view("<u4")[:, _V4_IN_ADDRESS]
        destination = columns["destination"].view("<u4")[:, _V4_IN_ADDRESS]
        addresses = control.view(">u4")
        copies = (
            (source, names.view(">u4")[:, 1]),  # ip(7): struct sockaddr_in
            (destination, addresses[:, layout.destination // 4]),
        )
    return Rows(
        layout,
        columns,
        copies,
        times=control.view("i8")[:, time : time + 2],
        words=control.view("u8")[:, :words],
        # As large as a batch, not one row to broadcast: numpy works on like shapes up to three times as fast.
        mask=np.tile(layout.mask, (size, 1)),
        expected=np.tile(layout.expected, (size, 1)),
        known=np.empty((size, words), "u8"),
        differs=np.empty((size, words), bool),
        control_sizes=headers["controllen"],
        message_flags=headers["flags"],
        lengths=headers["len"],
    )


def _kernel_columns(layout: FixedLayout, names: Column, control: Column) -> Columns:
    """Return columns of which all that can be are views of where the kernel writes."""
    columns = empty_columns(len(control)) | {
        "source_port": names.view(">u2")[:, 1],  # ip(7), ipv6(7): struct sockaddr_in*
        "ifindex": control.view("u4")[:, layout.ifindex // 4],
        "hop_limit": control[:, layout.hop_limit],
        "traffic_class": control[:, layout.traffic_class],
    }
    if layout.local_address is None:
        first = layout.destination // WORD
        columns["source"] = names.view(">u8")[:, 1:3]
        columns["destination"] = control.view(">u8")[:, first : first + 2]
        columns["local_address"][:] = 0
    else:
        for name in ("source", "destination"):
            columns[name][:] = 0, MAPPED  # of which the address replaces four bytes, in every call
        columns["local_address"] = control.view(">u4")[:, layout.local_address // 4]
    return columns
