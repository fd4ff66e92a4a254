"""The types of socat's addresses: those we know with their synonyms, and whether a text begins with one.

Types are written in any case. Of socat's other types enough is known to tell one from an
endpoint, so that it can be refused as what it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from mcast_tui.errors import EndpointError
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.socat.address import Manner
from mcast_tui.wire.socat.syntax import read_kind

STREAM_TYPES = ("STDIO", "-")
EXEC, SYSTEM = "EXEC", "SYSTEM"


@dataclass(frozen=True, slots=True)
class DatagramKind:
    """One way to open a datagram socket, as its type says it."""

    manner: Manner
    family: int | None
    """4 or 6; None when the destination or ``pf`` decides."""
    is_raw: bool


_SHORT = {Manner.SENDTO: "SEND", Manner.DATAGRAM: "DGRAM"}


def _datagram_kinds() -> dict[str, DatagramKind]:
    kinds: dict[str, DatagramKind] = {}
    for transport in ("UDP", "IP"):
        for digit, family in (("", None), ("4", 4), ("6", 6)):
            for manner in Manner:
                kind = DatagramKind(manner, family, transport == "IP")
                kinds[f"{transport}{digit}-{manner.value}"] = kind
                if manner in _SHORT:
                    kinds[f"{transport}{digit}-{_SHORT[manner]}"] = kind
            if transport == "IP":
                kinds[f"IP{digit}"] = kinds[f"IP{digit}-SENDTO"]
    return kinds


DATAGRAM_TYPES = _datagram_kinds()
"""The types of datagram sockets and their synonyms, in capitals."""
TYPES = (*DATAGRAM_TYPES, *STREAM_TYPES, EXEC, SYSTEM)

_INSTEAD = {
    "UDP": "Write UDP4-SENDTO, which hears only its destination too.",
    "UDP4": "Write UDP4-SENDTO, which hears only its destination too.",
    "UDP6": "Write UDP6-SENDTO, which hears only its destination too.",
    "UDP-CONNECT": "Write UDP-SENDTO, which hears only its destination too.",
    "UDP4-CONNECT": "Write UDP4-SENDTO, which hears only its destination too.",
    "UDP6-CONNECT": "Write UDP6-SENDTO, which hears only its destination too.",
    "UDP-LISTEN": "Write UDP-RECVFROM and the option fork.",
    "UDP4-LISTEN": "Write UDP4-RECVFROM and the option fork.",
    "UDP6-LISTEN": "Write UDP6-RECVFROM and the option fork.",
    "STDIN": "Write STDIO: with -u as the first address it is only read.",
    "STDOUT": "Write STDIO: with -u as the second address it is only written.",
}
_OTHER = re.compile(
    "(abstract|datagram|dtls|echo|fifo|file|gopen|if|inet|interface|ip|local|open|openssl|pipe|proxy|pty|readline"
    "|sctp|sendto|socket|socks|ssl|stderr|stdin|stdout|tcp|tun|udp|unix|vsock)[46]?a?(-[a-z0-9-]+)?",
    re.IGNORECASE | re.ASCII,
)
"""How the names of socat's other types look."""
_RESEMBLES = 0.75
"""How near a misspelt type must be, as `difflib` counts: one wrong letter of STDIO, or two of UDP4-RECV."""
_SHOWN = 40
"""Characters of an unknown name that a refusal repeats."""


def is_socat(text: str) -> bool:
    """Return whether a text in an endpoint's place is a socat address, or was to be one.

    By its type alone, misspelt or not; what the endpoint notation accepts never is one.
    """
    try:
        kind, rest = read_kind(text)
    except EndpointError:
        return False
    if rest.startswith("://"):
        return False
    return (_is_type(kind) or _is_misspelt(kind)) and not _is_endpoint(text)


def _is_type(kind: str) -> bool:
    return kind.upper() in TYPES or _OTHER.fullmatch(kind) is not None


def _is_misspelt(kind: str) -> bool:
    return bool(get_close_matches(kind.upper()[:_SHOWN], TYPES, 1, _RESEMBLES))


def _is_endpoint(text: str) -> bool:
    try:
        parse_endpoint(text)
    except EndpointError:
        return False
    return True


def refusal_of(kind: str) -> tuple[str, str]:
    """Return why a type is none of `TYPES`, and the nearest that is."""
    name = kind.upper()[:_SHOWN]
    if not name:
        return "the type is missing", "Begin with for example UDP4-DATAGRAM:224.1.0.1:6666."
    if name in _INSTEAD:
        return f"{name} is not done here", _INSTEAD[name]
    nearest = get_close_matches(name, TYPES, 1)
    if _is_type(kind) and not (_is_misspelt(kind) and nearest):
        return f"{name} is not done here", "Only datagram sockets, STDIO, EXEC and SYSTEM are."
    remedy = f"Did you mean {nearest[0]}?" if nearest else "Write for example UDP4-DATAGRAM:224.1.0.1:6666."
    return f"{kind[:_SHOWN]!r} is not a type of address we know", remedy
