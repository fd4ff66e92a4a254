"""Questions and orders to the kernel of one place of the lab, over a netlink socket kept open there.

A netlink socket belongs to the namespace it was opened in, whoever uses it later: so one that is kept
needs no visit, and a picture of the LAN costs a few system calls. `wiring` does with `pyroute2` what is
done once; this is for what is asked many times a second, and for what `pyroute2` does not know.
"""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING

from mcast_tui.errors import NetworkRefused, describe_errno
from mcast_tui.net.rtnetlink import (
    NLMSG_ERROR,
    RECEIVE_SIZE,
    decode_error,
    decode_messages,
    dump_on,
    encode_message,
)

if TYPE_CHECKING:
    from mcast_tui.services.lab.namespace import Place

NLM_F_ACK, NLM_F_CREATE = 0x4, 0x400


class Netlink:
    """A netlink socket in a place of the lab; threads may share it."""

    def __init__(self, place: Place) -> None:
        with place.entered():
            self._sock = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
            )
        self._lock = threading.Lock()

    def dump(self, kind: int, answer: int, body: bytes) -> list[bytes]:
        """Return the bodies of all `answer` messages to a dump request; raises NetworkRefused."""
        try:
            with self._lock:
                return dump_on(self._sock, kind, answer, body)
        except OSError as error:
            raise _refuse("ask the kernel of a place of the lab", error) from error

    def order(self, kind: int, flags: int, body: bytes, attempted: str) -> None:
        """Have the kernel do something and wait until it has; raises NetworkRefused."""
        try:
            with self._lock:
                self._sock.send(encode_message(kind, flags | NLM_F_ACK, body))
                answer = self._sock.recv(RECEIVE_SIZE)
        except OSError as error:
            raise _refuse(attempted, error) from error
        for received, _flags, content in decode_messages(answer):
            if received == NLMSG_ERROR and (refusal := decode_error(content)):
                raise _refuse(attempted, refusal) from refusal

    def close(self) -> None:
        self._sock.close()


def attribute(kind: int, content: bytes) -> bytes:
    """Return one attribute as it goes into a message, padded to four bytes."""
    return struct.pack("=HH", 4 + len(content), kind) + content + bytes(-len(content) % 4)


def _refuse(attempted: str, error: OSError) -> NetworkRefused:
    return NetworkRefused(attempted, describe_errno(error.errno or 0), errno=error.errno)
