"""Where the headers of odd frames lie: tags, IPv4 options and fragments, IPv6 extension headers.

Each odd frame gets a head as a plain one has it, put together of its headers as they were found, so that
`wire.frame` decodes all frames alike. Nothing beyond what was captured is believed: a header that is not
whole makes the frame unsound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mcast_tui.wire.columns import Column

LEAD = 2
"""Octets before the MAC header in a row: so the IP addresses lie at multiples of four."""
HEAD = 64
"""Octets of a row that hold all headers of a plain frame: the lead, 14 of Ethernet, 40 of IPv6, 8 of UDP."""

MOST_TAGS = 4
"""IEEE 802.1ad has two; more than that is no network anybody runs."""
MOST_EXTENSIONS = 8
"""RFC 8200 section 4.1 knows of six, the destination options twice."""

FOREIGN, UNSOUND = -1, 0
"""In place of a family: not IP; IP, but contradicting itself or cut."""

_TAGS = (0x8100, 0x88A8, 0x9100)  # the last one is what double tagging used before IEEE 802.1ad
_ETHERNET = 14
_FRAGMENT = 44
_LENGTHS_IN_EIGHTS = (0, 43, 60)  # hop-by-hop, routing, destination options: RFC 8200 section 4


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in the odd rows of a run of frames, a value for each."""

    rows: Column
    """Their places in the run."""
    heads: Column
    """(rows, `HEAD`) octets, as if each were plain."""
    family: Column
    """4, 6, `FOREIGN` or `UNSOUND`."""
    vlan: Column
    """Of the outermost tag in the frame; -1 where there is none."""
    protocol: Column
    """After the last header that was read."""
    transport_at: Column
    """Where that begins, counted from the MAC header."""
    transport_length: Column
    """How long it is by the IP header."""
    is_fragment: Column
    is_later_fragment: Column

    @property
    def is_foreign(self) -> Column:
        """Which are no IP at all."""
        foreign: Column = self.family == FOREIGN
        return foreign


class _Octets:
    """The frames of some rows, read at a place of its own in each."""

    def __init__(self, frames: Column, captured: Column, rows: Column) -> None:
        self._frames, self._rows = frames, rows
        self.captured = captured[rows].astype(np.int64)
        self._last = frames.shape[1] - 1

    def octet(self, at: Column | int) -> Column:
        octets: Column = self._frames[self._rows, np.minimum(at + LEAD, self._last)].astype(np.int64)
        return octets

    def short(self, at: Column | int) -> Column:
        return self.octet(at) << 8 | self.octet(at + 1)

    def copy(self, at: Column, size: int) -> Column:
        places = np.minimum(at[:, None] + np.arange(LEAD, LEAD + size), self._last)
        octets: Column = self._frames[self._rows[:, None], places]
        return octets


def find_headers(frames: Column, captured: Column, rows: Column) -> Found:
    """Find the headers of `rows` among `frames`, which begin `LEAD` octets before the MAC header."""
    octets = _Octets(frames, captured, rows)
    network, kind, vlan = _skip_tags(octets, len(rows))
    version = octets.octet(network) >> 4
    family = np.full(len(rows), FOREIGN)
    family[kind == 0x0800] = np.where(version[kind == 0x0800] == 4, 4, UNSOUND)
    family[kind == 0x86DD] = np.where(version[kind == 0x86DD] == 6, 6, UNSOUND)
    family[octets.captured < _ETHERNET] = UNSOUND
    family[np.isin(kind, _TAGS)] = UNSOUND
    is_v4 = family == 4
    v4, v6 = _walk_v4(octets, network), _walk_v6(octets, network)
    protocol, at, length, is_fragment, is_later, is_sound = (
        np.where(is_v4, four, six) for four, six in zip(v4, v6, strict=True)
    )
    family[~is_sound & (family > 0)] = UNSOUND
    heads = np.zeros((len(rows), HEAD), np.uint8)
    heads[:, LEAD : LEAD + 12] = octets.copy(np.zeros(len(rows), np.int64), 12)
    start = LEAD + _ETHERNET
    heads[:, start - 2], heads[:, start - 1] = kind >> 8, kind & 0xFF
    ip = octets.copy(network, 40)
    transport = octets.copy(at, 8)
    heads[:, start : start + 40] = ip
    heads[:, start + 40 : start + 48] = transport
    heads[is_v4, start + 20 : start + 28] = transport[is_v4]
    return Found(rows, heads, family, vlan, protocol, at, length, is_fragment & (family > 0), is_later)


def _skip_tags(octets: _Octets, rows: int) -> tuple[Column, Column, Column]:
    """Return where the network header begins, the EtherType before it, and the outermost tag's identifier."""
    network, vlan = np.full(rows, _ETHERNET), np.full(rows, -1)
    kind = octets.short(12)
    for _ in range(MOST_TAGS):
        is_tagged = np.isin(kind, _TAGS) & (octets.captured >= network + 4)
        if not is_tagged.any():
            break
        vlan = np.where(is_tagged & (vlan < 0), octets.short(network) & 0xFFF, vlan)
        kind = np.where(is_tagged, octets.short(network + 2), kind)
        network = np.where(is_tagged, network + 4, network)
    return network, kind, vlan


def _walk_v4(octets: _Octets, network: Column) -> tuple[Column, ...]:
    """Return protocol, transport's place and length, whether a fragment, a later one, sound (RFC 791)."""
    size = (octets.octet(network) & 15) * 4
    at = network + size
    length = octets.short(network + 2) - size
    word = octets.short(network + 6)
    is_sound = (size >= 20) & (length >= 0) & (octets.captured >= at)
    return octets.octet(network + 9), at, length, word & 0x3FFF != 0, word & 0x1FFF != 0, is_sound


def _walk_v6(octets: _Octets, network: Column) -> tuple[Column, ...]:
    """Return the same, past the extension headers that are followed by others (RFC 8200 section 4)."""
    following, at = octets.octet(network + 6), network + 40
    is_fragment = np.zeros(len(network), bool)
    is_later, is_done = is_fragment.copy(), octets.captured < at
    is_sound = ~is_done
    for _ in range(MOST_EXTENSIONS):
        splits = ~is_done & (following == _FRAGMENT)
        goes_on = splits | (~is_done & np.isin(following, _LENGTHS_IN_EIGHTS))
        if not goes_on.any():
            break
        size = np.where(splits, 8, octets.octet(at + 1) * 8 + 8)
        is_cut = goes_on & (octets.captured < at + size)
        is_sound &= ~is_cut
        is_done |= is_cut | ~goes_on
        goes_on &= ~is_cut
        word = octets.short(at + 2)
        is_fragment |= splits & goes_on & (word & 0xFFF9 != 0)
        is_later |= splits & goes_on & (word & 0xFFF8 != 0)
        is_done |= is_later  # what follows it is data
        following = np.where(goes_on, octets.octet(at), following)
        at = np.where(goes_on, at + size, at)
    length = octets.short(network + 4) - (at - network - 40)
    return following, at, length, is_fragment, is_later, is_sound & (length >= 0)
