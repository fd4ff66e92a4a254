"""What a run can be told from outside, as values. Who reads them from where: `config`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run can be told from outside."""

    interface: str | None = None
    """Interface for endpoints that name none: a name, an index or one of its addresses."""
    ring_packets: int = 1_000_000
    """Packets the ring keeps."""
    ring_bytes: int = 32 * 1024 * 1024
    """Payload bytes the ring keeps; a packet's row outlives its payload."""
    receive_buffer: int = 8 * 1024 * 1024
    """Receive buffer asked of the kernel per socket, in bytes; what it gave is shown."""
    hop_limit: int = 1
    """TTL or hop limit of what we send to groups."""
    loop: bool = True
    """Whether other members on this host hear what we send."""
    ranges: tuple[IPv4Network | IPv6Network, ...] = ()
    """Sources to accept; empty accepts all. Others are counted as refused."""
    source_port: int | None = None
    """The only source port to accept."""
    ascii: bool = False
    """Draw with ASCII characters only."""

    def override(self, **values: object) -> Settings:
        """Return these settings with every value that is given and not None put in its place."""
        given: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
        return replace(self, **given)
