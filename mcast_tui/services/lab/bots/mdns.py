"""A printer that announces itself by multicast DNS (RFC 6762) and DNS-SD (RFC 6763)."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

from mcast_tui.services.lab.bots.life import Manner

if TYPE_CHECKING:
    from collections.abc import Iterator

TYPE_A, TYPE_PTR, TYPE_TXT, TYPE_SRV = 1, 12, 16, 33
CLASS_IN, CACHE_FLUSH = 1, 0x8000
RESPONSE_AUTHORITATIVE = 0x8400
HOST_TTL_S, SERVICE_TTL_S = 120, 4500  # RFC 6762 section 10
SERVICE, INSTANCE, HOSTNAME = "_ipp._tcp.local", "Office Printer._ipp._tcp.local", "printer.local"
DESCRIPTION = ("txtvers=1", "rp=ipp/print", "ty=Laser 200", "note=2nd floor", "pdl=application/pdf")
IPP_PORT = 631


class MdnsAnnouncer:
    """The printer: announces twice, a second apart, then every few seconds; real ones are rarer."""

    manner = Manner("224.0.0.251", 5353, source_port=5353, maximum_rate=2, hop_limit=255)

    def __init__(self, address: str) -> None:
        self._announcement = announcement(address)

    def talk(self) -> Iterator[tuple[float, bytes]]:
        yield 0.8, self._announcement
        yield 1.0, self._announcement
        while True:
            yield 8.0, self._announcement

    def answer(self, heard: bytes) -> None:
        """Stay silent: it announces only, and nobody asks."""


def announcement(address: str) -> bytes:
    """Return an unsolicited response: the service, where it is, what it is, and the host's address."""
    text = b"".join(bytes((len(item),)) + item.encode() for item in DESCRIPTION)
    location = struct.pack("!HHH", 0, 0, IPP_PORT) + encode_name(HOSTNAME)
    unique = CLASS_IN | CACHE_FLUSH
    records = (
        record(SERVICE, TYPE_PTR, CLASS_IN, SERVICE_TTL_S, encode_name(INSTANCE)),
        record(INSTANCE, TYPE_SRV, unique, HOST_TTL_S, location),
        record(INSTANCE, TYPE_TXT, unique, SERVICE_TTL_S, text),
        record(HOSTNAME, TYPE_A, unique, HOST_TTL_S, socket.inet_aton(address)),
    )
    return struct.pack("!6H", 0, RESPONSE_AUTHORITATIVE, 0, len(records), 0, 0) + b"".join(records)


def record(name: str, kind: int, dns_class: int, ttl_s: int, data: bytes) -> bytes:
    """Return a DNS resource record, RFC 1035 section 4.1.3."""
    return encode_name(name) + struct.pack("!HHIH", kind, dns_class, ttl_s, len(data)) + data


def encode_name(name: str) -> bytes:
    """Return a name as DNS labels, uncompressed; a label's own dots are not supported."""
    labels = (label.encode() for label in name.split("."))
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
