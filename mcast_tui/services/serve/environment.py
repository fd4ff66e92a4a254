"""What a command finds in its environment: the facts of its request, under our names and under socat's.

``MCAST_*`` has a variable for every column of the packet record, times as RFC 3339 in UTC, truths as 1 and
0. ``SOCAT_*`` has what socat 1.7.4 sets when all its options of that kind are given (ip-pktinfo, ip-recvttl,
ip-recvtos, so-timestamp, ipv6-recvpktinfo, ipv6-recvhoplimit, ipv6-recvtclass), in the forms it writes.
What is unknown has no variable. The payload is in none of them.
"""

from __future__ import annotations

import os
import socket
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from mcast_tui.wire.columns import Addressed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcast_tui.wire.columns import Packet
    from mcast_tui.wire.literal import Address

PREFIXES = ("MCAST_", "SOCAT_")
"""Variables of a request. Those we inherited are of another one, and are not passed on."""
OUR_SETTINGS = "MCAST_TUI_"
"""Ours, not a request's: a mcast-tui that the command runs is to have the same."""

_NANOSECONDS = 1_000_000_000


def inherited_environment(ours: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return our environment without what tells of a request."""
    return {
        name: value
        for name, value in ours.items()
        if not name.startswith(PREFIXES) or name.startswith(OUR_SETTINGS)
    }


def request_environment(packet: Packet, interface_name: str | None) -> dict[str, str]:
    """Return the variables of one request; `interface_name` is that of the packet's interface, if known."""
    facts = _ours(packet, interface_name) | _socats(packet, interface_name)
    return {name: str(value) for name, value in facts.items() if value is not None}


def _ours(packet: Packet, interface_name: str | None) -> dict[str, object]:
    return {
        "MCAST_NUMBER": packet.number + 1,
        "MCAST_TIME": rfc3339(packet.received_at),
        "MCAST_KERNEL_TIME": int(packet.kernel_time),
        "MCAST_SOURCE": packet.source,
        "MCAST_SOURCE_PORT": packet.source_port,
        "MCAST_DESTINATION": packet.destination,
        "MCAST_DESTINATION_PORT": packet.destination_port,
        "MCAST_PROTOCOL": packet.protocol or socket.IPPROTO_UDP,
        "MCAST_ADDRESSED": None if packet.addressed is Addressed.UNKNOWN else packet.addressed.name.lower(),
        "MCAST_INTERFACE": interface_name,
        "MCAST_IFINDEX": packet.ifindex,
        "MCAST_LOCAL_ADDRESS": packet.local_address,
        "MCAST_HOP_LIMIT": packet.hop_limit,
        "MCAST_TRAFFIC_CLASS": packet.traffic_class,
        "MCAST_LENGTH": packet.length,
        "MCAST_TRUNCATED": int(packet.truncated),
        "MCAST_OWN": int(packet.own),
        "MCAST_REFUSED": int(packet.refused),
    }


def _socats(packet: Packet, interface_name: str | None) -> dict[str, object]:
    facts: dict[str, object] = {
        "SOCAT_PEERADDR": _as_socat(packet.source),
        "SOCAT_PEERPORT": packet.source_port,
        "SOCAT_TIMESTAMP": _socat_time(packet.received_at) if packet.kernel_time else None,
    }
    destination = None if packet.destination is None else _as_socat(packet.destination)
    if packet.source.version == 4:
        return facts | {
            "SOCAT_IP_DSTADDR": destination,
            "SOCAT_IP_IF": interface_name,
            "SOCAT_IP_LOCADDR": packet.local_address,
            "SOCAT_IP_TTL": packet.hop_limit,
            "SOCAT_IP_TOS": packet.traffic_class,
        }
    return facts | {
        "SOCAT_IPV6_DSTADDR": destination,
        "SOCAT_IPV6_IF": interface_name,
        "SOCAT_IPV6_HOPLIMIT": packet.hop_limit,
        "SOCAT_IPV6_TCLASS": None if packet.traffic_class is None else f"x{packet.traffic_class:08x}",
    }


def _as_socat(address: Address) -> str:
    """Return the address as socat writes it: IPv6 in full length and brackets, without its scope."""
    return str(address) if address.version == 4 else f"[{address.exploded.partition('%')[0]}]"


def _socat_time(received_at: int) -> str:
    seconds, nanoseconds = divmod(received_at, _NANOSECONDS)
    return f"{_second(seconds, is_local=True)}, {nanoseconds // 1000:06d} usecs"


def rfc3339(received_at: int) -> str:
    """Return ns since the epoch as RFC 3339 writes a time, in UTC and to the nanosecond."""
    seconds, nanoseconds = divmod(received_at, _NANOSECONDS)
    return f"{_second(seconds, is_local=False)}.{nanoseconds:09d}Z"


@lru_cache(4)
def _second(seconds: int, *, is_local: bool) -> str:
    """Return a second as ctime(3) has it in local time, or as RFC 3339 begins in UTC: many share one."""
    if is_local:
        return time.ctime(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
