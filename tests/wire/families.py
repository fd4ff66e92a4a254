"""What the tests of IGMP and MLD have in common: the two as tables of the same kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mcast_tui.wire.membership.message import MembershipMessage, Protocol, Refused


@dataclass(frozen=True)
class Family:
    """IGMP or MLD: how it is read and written, and what its messages, sound and not, are to be taken for."""

    number: int
    """4 or 6, the version of IP that carries it."""
    newest: Protocol
    decode: Callable[[bytes], MembershipMessage | Refused]
    write: Callable[..., bytes]
    """The octets of a message -> an IP packet; see `membership_frames`."""
    messages: Sequence[MembershipMessage]
    """Every kind there is."""
    described: Sequence[str]
    """The messages in words, in the same order."""
    captured: Mapping[str, MembershipMessage]
    """What Linux sent, in hexadecimal."""
    bad: Sequence[tuple[bytes, str]]
    """Packets that receivers ignore, and a word of the reason."""
    unguarded: frozenset[int] = frozenset()
    """The octets of a packet that no checksum covers and no rule demands."""

    def __str__(self) -> str:
        return self.decode.__name__.removeprefix("decode_")
