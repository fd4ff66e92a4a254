"""Questions and orders to the kernel of one place of the lab, over a netlink socket kept open there.

A netlink socket belongs to the namespace it was opened in, whoever uses it later: so one that is kept
needs no visit, and a picture of the LAN costs a few system calls. `wiring` does with `pyroute2` what is
done once; this is for what is asked many times a second, and for what `pyroute2` does not know.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from typing import TYPE_CHECKING

from mcast_tui.errors import NetworkRefused, describe_errno
from mcast_tui.net.rtnetlink import (
    NLM_F_DUMP,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    decode_messages,
)

if TYPE_CHECKING:
    from mcast_tui.services.lab.namespace import Place

NLM_F_ACK, NLM_F_CREATE = 0x4, 0x400

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port: netlink(7)
_RECEIVE_SIZE = 1 << 16


class Netlink:
    """A netlink socket in a place of the lab; threads may share it."""

    def __init__(self, place: Place) -> None:
        with place.entered():
            self._sock = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
            )
        self._lock = threading.Lock()

    def dump(self, kind: int, answer: int, body: bytes) -> list[bytes]:
        """Return the bodies of all `answer` messages to a dump request; raises OSError."""
        bodies: list[bytes] = []
        with self._lock:
            self._send(kind, NLM_F_DUMP, body)
            while True:
                for received, _flags, content in decode_messages(self._sock.recv(_RECEIVE_SIZE)):
                    if received == NLMSG_DONE:
                        return bodies
                    if received == NLMSG_ERROR:
                        raise _error(content)
                    if received == answer:
                        bodies.append(content)

    def order(self, kind: int, flags: int, body: bytes, attempted: str) -> None:
        """Have the kernel do something and wait until it has; raises NetworkRefused."""
        with self._lock:
            self._send(kind, flags | NLM_F_ACK, body)
            for received, _flags, content in decode_messages(self._sock.recv(_RECEIVE_SIZE)):
                if received == NLMSG_ERROR and any(content[:4]):
                    error = _error(content)
                    reason = describe_errno(error.errno or 0)
                    raise NetworkRefused(attempted, reason, errno=error.errno) from error

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._sock.send(_HEADER.pack(_HEADER.size + len(body), kind, NLM_F_REQUEST | flags, 1, 0) + body)

    def close(self) -> None:
        self._sock.close()


def attribute(kind: int, content: bytes) -> bytes:
    """Return one attribute as it goes into a message, padded to four bytes."""
    return struct.pack("=HH", 4 + len(content), kind) + content + bytes(-len(content) % 4)


def _error(content: bytes) -> OSError:
    (number,) = struct.unpack_from("=i", content)
    return OSError(-number, os.strerror(-number))
