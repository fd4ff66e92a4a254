"""A place: an endpoint, and on what terms one takes part there where that is not as the settings say.

Read from an endpoint in our own notation, which says nothing of terms, or from a socat address, whose
options are the terms. What the address says the verb does in its own way: it is `mcast-tui socat` that
does as socat does. An option that we could not honour is refused by name; one that cannot matter to what
the verb does, as a TTL where nothing is sent, has no effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcast_tui.wire.address import DEFAULT_PORT, Endpoint, parse_endpoint

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from mcast_tui.wire.membership.source_filter import SourceFilter


@dataclass(frozen=True, slots=True)
class Place:
    """Where, and on what terms; None and empty leave a term to the settings."""

    endpoint: Endpoint
    ranges: tuple[IPv4Network | IPv6Network, ...] = ()
    source_port: int | None = None
    """Only packets from this port are accepted."""
    hop_limit: int | None = None
    """Of what is sent to the endpoint."""
    unicast_hop_limit: int | None = None
    """Of what is sent to one host from there, as an answer is."""
    loop: bool | None = None
    outgoing: str | None = None
    """The interface to send by, as written, where it is not the endpoint's own."""
    traffic_class: int | None = None
    receive_buffer: int | None = None
    most_children: int | None = None
    """Commands at once, where each packet is answered by one."""
    local_port: int | None = None
    """The port to send from."""
    destination: Endpoint | None = None
    """Where its socat address sends, where that is not to the endpoint."""
    sources: SourceFilter | None = None
    """The source filter to join with, where the endpoint does not say it: any source, or its one."""

    def __str__(self) -> str:
        return str(self.endpoint)

    @property
    def is_filtered(self) -> bool:
        """Whether the terms refuse anybody."""
        return bool(self.ranges) or self.source_port is not None


def parse_places(text: str, default_port: int = DEFAULT_PORT, *, serves: bool = False) -> tuple[Place, ...]:
    """Read where to take part: one place, or one for each group a socat address joins.

    `serves` allows what an address says of commands (fork, max-children). Raises EndpointError.
    """
    if not _is_socat(text):
        return (Place(parse_endpoint(text, default_port)),)
    from mcast_tui.wire.socat.places import places_of

    return places_of(text, serves=serves)


def parse_destination(text: str, default_port: int = DEFAULT_PORT) -> Place:
    """Read where to send: an endpoint, or a socat address that has a destination. Raises EndpointError."""
    if not _is_socat(text):
        return Place(parse_endpoint(text, default_port))
    from mcast_tui.wire.socat.places import destination_of

    return destination_of(text)


def _is_socat(text: str) -> bool:
    """Tell whether a text is in socat's words, which cost an import that few runs need."""
    if text[:1] in _BEGIN_ENDPOINTS:
        return False
    from mcast_tui.wire.socat.kinds import is_socat

    return is_socat(text)


_BEGIN_ENDPOINTS = frozenset("0123456789[")
