"""Where the control messages of a datagram lie when there are those we ask for and no others.

The kernel writes them one behind the other in an order of its own, so their headers and fields
stand at fixed offsets. Offsets are in bytes; what is known beforehand is compared by words of 8.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mcast_tui.wire import cmsg

if TYPE_CHECKING:
    from mcast_tui.wire.columns import Column

WORD = 8

TIME = 16
"""Where both layouts have seconds and nanoseconds, 8 bytes each: the kernel writes the time first."""


class FixedLayout(NamedTuple):
    """The control messages expected, in the kernel's order, and where in them the fields lie."""

    size: int
    """What controllen says when there are these and no others."""
    mask: Column
    """Which bits are known beforehand: the headers of the messages, and what makes a destination a group.
    The padding between messages is never written, so never compared."""
    expected: Column
    """What these bits are; all others are 0."""
    destination: int
    ifindex: int
    hop_limit: int
    """Of an int, the byte that counts; likewise the next."""
    traffic_class: int
    local_address: int | None = None
    """ipi_spec_dst; IPv6 has no such field."""


def _known_words(
    *messages: tuple[tuple[int, int], int], destination: int, group: tuple[int, int]
) -> tuple[int, Column, Column]:
    """Return the size, mask and expected words of messages given as ((level, type), length).

    `group` is the mask and the value of the first byte of a group's address.
    """
    mask, expected = bytearray(), bytearray()
    for (level, kind), length in messages:
        padded = -(-length // WORD) * WORD
        mask += b"\xff" * cmsg.HEADER.size + bytes(padded)
        expected += cmsg.HEADER.pack(cmsg.HEADER.size + length, level, kind) + bytes(padded)
    mask[destination], expected[destination] = group
    return len(mask), np.frombuffer(mask, "u8"), np.frombuffer(expected, "u8")


_INT_LOW_BYTE = 0 if sys.byteorder == "little" else 3

FIXED_V4 = FixedLayout(
    *_known_words(
        (cmsg.SO_TIMESTAMPNS[0], 16),
        (cmsg.IP_PKTINFO, 12),
        (cmsg.IP_TTL, 4),
        (cmsg.IP_TOS, 1),
        destination=56,
        group=(0xF0, 0xE0),
    ),
    destination=56,
    ifindex=48,
    hop_limit=80 + _INT_LOW_BYTE,
    traffic_class=104,
    local_address=52,
)
FIXED_V6 = FixedLayout(
    *_known_words(
        (cmsg.SO_TIMESTAMPNS[0], 16),
        (cmsg.IPV6_PKTINFO, 20),
        (cmsg.IPV6_HOPLIMIT, 4),
        (cmsg.IPV6_TCLASS, 4),
        destination=48,
        group=(0xFF, 0xFF),
    ),
    destination=48,
    ifindex=64,
    hop_limit=88 + _INT_LOW_BYTE,
    traffic_class=112 + _INT_LOW_BYTE,
)
