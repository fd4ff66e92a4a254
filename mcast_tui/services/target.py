"""Where the next line would go, in words, before anything is sent. Pure.

The one thing a person must never learn afterwards is how far his line went: so the target
says group, interface, TTL and loop, and is cautioned about when it reaches further than
one link or everybody on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from mcast_tui.net.sender import DEFAULT_MULTICAST_HOP_LIMIT, LONGEST_PAYLOAD, LONGEST_RAW_PAYLOAD
from mcast_tui.safe import safe_text
from mcast_tui.wire.address import Kind

if TYPE_CHECKING:
    from mcast_tui.net.sender import SendOptions
    from mcast_tui.wire.address import Endpoint

IP_HEADER = {4: 20, 6: 40}
UDP_HEADER = 8
"""Bytes before the payload."""


MOST_LINES = 5_000
"""Lines of a paste sent one by one: ten seconds of them, and whatever is entered after waits so long."""


class Manner(Enum):
    """How a target wants to be looked at."""

    PLAIN = "plain"
    CAUTION = "caution"
    REPLY = "reply"
    NONE = "none"


class Size(Enum):
    """What a payload's length means for the target."""

    FITS = "fits"
    FRAGMENTS = "fragments"
    TOO_LONG = "too long"


@dataclass(frozen=True, slots=True)
class Target:
    """A destination with everything that decides how far a datagram to it goes."""

    destination: Endpoint
    kind: Kind
    options: SendOptions
    interface: str | None = None
    """Name of the interface it leaves by; None when the routes decide."""
    mtu: int | None = None
    is_reply: bool = False

    @property
    def hop_limit(self) -> int | None:
        """TTL or hop limit it is sent with; None for unicast, where the kernel's default holds."""
        if self.options.hop_limit is not None:
            return self.options.hop_limit
        return DEFAULT_MULTICAST_HOP_LIMIT if self.kind is Kind.MULTICAST else None

    @property
    def manner(self) -> Manner:
        if self.kind in {Kind.LIMITED_BROADCAST, Kind.DIRECTED_BROADCAST}:
            return Manner.CAUTION
        if self.kind is Kind.MULTICAST:
            return Manner.CAUTION if (self.hop_limit or 0) > 1 else Manner.PLAIN
        return Manner.REPLY

    @property
    def place(self) -> str:
        """Address and port or raw protocol, without the interface."""
        bare = str(self.destination.address)
        if self.destination.is_limited_broadcast:
            bare = "broadcast"
        elif self.destination.family == 6:  # the IP version
            bare = f"[{bare}]"
        if self.destination.protocol is not None:
            return f"ip://{bare}:{self.destination.protocol}"
        return f"{bare}:{self.destination.port}"

    def details(self) -> tuple[str, ...]:
        """Return what else is known of it, most needed first."""
        said = []
        if self.interface:
            said.append(safe_text(self.interface))
        word = "ttl" if self.destination.family == 4 else "hops"  # the IP version
        if self.hop_limit is not None:
            said.append(f"{word} {self.hop_limit}")
        if self.kind is Kind.MULTICAST:
            said.append("loop" if self.options.loop else "no loop")
        return tuple(said)

    @property
    def largest(self) -> int:
        longest = LONGEST_PAYLOAD if self.destination.protocol is None else LONGEST_RAW_PAYLOAD
        return longest[self.destination.family]

    @property
    def unfragmented(self) -> int | None:
        """The longest payload that leaves in one piece; None when the interface is not known."""
        if self.mtu is None:
            return None
        headers = IP_HEADER[self.destination.family]
        headers += UDP_HEADER if self.destination.protocol is None else 0
        return min(self.largest, self.mtu - headers)

    def size(self, length: int) -> Size:
        """Return what a payload of `length` bytes would be to this target."""
        if length > self.largest:
            return Size.TOO_LONG
        if self.unfragmented is not None and length > self.unfragmented:
            return Size.FRAGMENTS
        return Size.FITS


def payload_of(text: str) -> bytes:
    """Return a line as the peers of the tutorial send it: the text and one newline.

    Bytes that were no UTF-8 when the line was read leave as they came.
    """
    return text.encode("utf-8", "surrogateescape") + b"\n"


def lines_of(text: str) -> list[str]:
    """Return the lines of a paste, by whichever line end the terminal sent; the last may have one too."""
    return re.split(r"\r\n|\n|\r", text.rstrip("\r\n"))
