"""A packet as one line: text for people, or JSON with a documented, versioned schema.

JSON (`SCHEMA` 1): addresses are strings, times RFC 3339 in UTC with nanoseconds, payloads
``payload_hex`` plus ``text`` when they are UTF-8. A field whose value is unknown is null.
Output is ASCII: what is not is escaped, so that nothing from the wire acts on a terminal.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from mcast_tui.safe import safe_info, safe_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.wire.columns import Packet

SCHEMA = 1
NANOSECONDS = 1_000_000_000
INFO_LIMIT = 2048


def packet_as_text(packet: Packet, interface_name: Callable[[int], str | None]) -> str:
    """Return ``time interface source > destination kind ttl length payload``."""
    name = safe_text(interface_name(packet.ifindex) or "-") if packet.ifindex else "-"
    source = address_and_port(str(packet.source), packet.source_port)
    destination = address_and_port(str(packet.destination or "?"), packet.destination_port)
    hop_limit = "-" if packet.hop_limit is None else packet.hop_limit
    payload = "(payload evicted)" if packet.payload is None else safe_info(packet.payload, INFO_LIMIT)
    marks = "".join(
        f" [{word}]"
        for word, holds in (("own", packet.own), ("refused", packet.refused), ("truncated", packet.truncated))
        if holds
    )
    return (
        f"{clock(packet.received_at)} {name:<6} {source:<21} > {destination:<21} "
        f"{packet.addressed.name.lower():<9} ttl {hop_limit:>3} len {packet.length:>5}{marks} {payload}"
    ).rstrip()


def packet_as_json(packet: Packet, interface_name: Callable[[int], str | None]) -> str:
    """Return the packet as one line of JSON."""
    record: dict[str, object] = {
        "schema": SCHEMA,
        "number": packet.number + 1,
        "time": rfc3339(packet.received_at),
        "kernel_time": packet.kernel_time,
        "source": str(packet.source),
        "source_port": packet.source_port,
        "destination": str(packet.destination) if packet.destination else None,
        "destination_port": packet.destination_port,
        "addressed": packet.addressed.name.lower(),
        "interface": interface_name(packet.ifindex) if packet.ifindex else None,
        "ifindex": packet.ifindex,
        "local_address": str(packet.local_address) if packet.local_address else None,
        "hop_limit": packet.hop_limit,
        "traffic_class": packet.traffic_class,
        "length": packet.length,
        "truncated": packet.truncated,
        "own": packet.own,
        "refused": packet.refused,
        "payload_hex": None if packet.payload is None else packet.payload.hex(),
    }
    if packet.payload is not None:
        with suppress(UnicodeDecodeError):  # the schema has `text` only for UTF-8
            record["text"] = packet.payload.decode("utf-8")
    return json.dumps(record, separators=(",", ":"))


def address_and_port(address: str, port: int) -> str:
    """Return ``192.168.10.3:6666``, or ``[fe80::3]:6666``."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def clock(received_at: int) -> str:
    """Return local wall time with microseconds: ``12:34:55.460123``."""
    seconds, nanoseconds = divmod(received_at, NANOSECONDS)
    return f"{time.strftime('%H:%M:%S', time.localtime(seconds))}.{nanoseconds // 1000:06d}"


def rfc3339(received_at: int) -> str:
    """Return UTC with nanoseconds: ``2026-11-22T12:34:55.460123456Z``."""
    seconds, nanoseconds = divmod(received_at, NANOSECONDS)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{nanoseconds:09d}Z"
