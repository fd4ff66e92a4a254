"""What a packet looks like in every format, one by one: the readable twin of `cli.printing.packet_lines`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from mcast_tui.safe import hex_dump, safe_info, safe_text
from mcast_tui.wire.address import address_and_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.wire.columns import Packet

INFO_LIMIT = 2048
UDP = 17


def record_of(packet: Packet, interface_name: Callable[[int], str | None]) -> dict[str, object]:
    """Return every field; `text` is None where the payload is not UTF-8."""
    return {
        "schema": 1,
        "number": packet.number + 1,
        "time": rfc3339(packet.received_at),
        "kernel_time": packet.kernel_time,
        "source": str(packet.source),
        "source_port": packet.source_port,
        "destination": str(packet.destination) if packet.destination else None,
        "destination_port": packet.destination_port,
        "protocol": UDP if packet.protocol is None else packet.protocol,
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
        "text": text_of(packet.payload),
    }


def text_of(payload: bytes | None) -> str | None:
    try:
        return None if payload is None else payload.decode("utf-8")
    except UnicodeDecodeError:
        return None


def as_json(
    packet: Packet, interface_name: Callable[[int], str | None], fields: tuple[str, ...] | None = None
) -> str:
    record = record_of(packet, interface_name)
    if fields is not None:
        record = {name: record[name] for name in fields}
    elif record["text"] is None:
        del record["text"]
    return json.dumps(record, separators=(",", ":"))


def as_words(packet: Packet, interface_name: Callable[[int], str | None], fields: tuple[str, ...]) -> str:
    record = record_of(packet, interface_name)
    if record["text"] is not None:
        record["text"] = safe_info(packet.payload or b"", INFO_LIMIT)
    return "\t".join(word_of(record[name]) for name in fields)


def word_of(value: object) -> str:
    if value is None:
        return "-"
    return json.dumps(value) if isinstance(value, bool | int) else safe_text(str(value))


def as_text(
    packet: Packet, interface_name: Callable[[int], str | None], widths: tuple[int, int, int] = (6, 21, 21)
) -> str:
    interface, source, destination = ends_of(packet, interface_name)
    hop_limit = "-" if packet.hop_limit is None else packet.hop_limit
    payload = "(payload evicted)" if packet.payload is None else safe_info(packet.payload, INFO_LIMIT)
    marks = "".join(
        f" [{word}]"
        for word, holds in (("own", packet.own), ("refused", packet.refused), ("truncated", packet.truncated))
        if holds
    )
    return (
        f"{clock(packet.received_at)} {interface:<{widths[0]}} {source:<{widths[1]}} > "
        f"{destination:<{widths[2]}} {packet.addressed.name.lower():<9} ttl {hop_limit:>3} "
        f"len {packet.length:>5}{marks} {payload}"
    ).rstrip()


def ends_of(packet: Packet, interface_name: Callable[[int], str | None]) -> tuple[str, str, str]:
    """Return interface, source and destination as the text shows them."""
    name = safe_text(interface_name(packet.ifindex) or "-") if packet.ifindex else "-"
    source = address_and_port(str(packet.source), packet.source_port)
    destination = address_and_port(str(packet.destination or "?"), packet.destination_port, packet.protocol)
    return name, source, destination


def as_hex(
    packet: Packet, interface_name: Callable[[int], str | None], widths: tuple[int, int, int] = (6, 21, 21)
) -> str:
    rows = [f"  {row}" for row in hex_dump(packet.payload or b"")]
    return "\n".join([as_text(packet, interface_name, widths), *rows])


def clock(received_at: int) -> str:
    """Return local wall time with microseconds: ``12:34:55.460123``."""
    seconds, nanoseconds = divmod(received_at, 10**9)
    return f"{time.strftime('%H:%M:%S', time.localtime(seconds))}.{nanoseconds // 1000:06d}"


def rfc3339(received_at: int) -> str:
    """Return UTC with nanoseconds: ``2026-11-22T12:34:55.460123456Z``."""
    seconds, nanoseconds = divmod(received_at, 10**9)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{nanoseconds:09d}Z"
